#include "run/shard.h"

#include <string.h>

/* Where batch systems say which of their tasks this is. */
static const struct {
    const char *index, *count, *first, *step; /* NULL: there is no such variable */
} systems[] = {
    {"SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN",
     "SLURM_ARRAY_TASK_STEP"},
    {"JOB_COMPLETION_INDEX", "JOB_COMPLETIONS", NULL, NULL},
};

/* A decimal number below 2^32 that fills `len` characters. */
static bool number_of(const char *text, size_t len, uint32_t *ret_number)
{
    uint64_t number = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        number = number * 10 + (uint64_t)(text[i] - '0');
        if (number > UINT32_MAX)
            return false;
    }
    *ret_number = (uint32_t)number;
    return len > 0;
}

/* A variable's number, or `otherwise` where it is not set. */
static int variable(char *(*environment)(const char *), const char *name, uint32_t otherwise,
                    uint32_t *ret_number, pk_error *reterr_)
{
    const char *text = name ? environment(name) : NULL;
    *ret_number = otherwise;
    if (!text || !*text || number_of(text, strlen(text), ret_number))
        return PK_OK;
    return pk_error_set(reterr_, PK_EFORMAT, "%s is `%s`, which is no number", name, text);
}

static int from_environment(char *(*environment)(const char *), pk_shard *shard, pk_error *reterr_)
{
    for (size_t i = 0; i < sizeof systems / sizeof systems[0]; i++) {
        uint32_t index, first, step, count;
        if (!environment(systems[i].index))
            continue;
        int error = variable(environment, systems[i].index, 0, &index, reterr_);
        if (!error)
            error = variable(environment, systems[i].first, 0, &first, reterr_);
        if (!error)
            error = variable(environment, systems[i].step, 1, &step, reterr_);
        if (!error)
            error = variable(environment, systems[i].count, shard->count, &count, reterr_);
        if (error)
            return error;
        if (!shard->count && !count)
            return pk_error_set(reterr_, PK_EFORMAT,
                                "%s is set, but not how many there are: set %s, or say env/N",
                                systems[i].index, systems[i].count);
        shard->index = (index - (index < first ? index : first)) / (step ? step : 1);
        shard->count = shard->count ? shard->count : count;
        return PK_OK;
    }
    return pk_error_set(reterr_, PK_EFORMAT,
                        "no array job here: neither %s nor %s is set; say the part as 0/8",
                        systems[0].index, systems[1].index);
}

int pk_shard_read(const char *text, char *(*environment)(const char *name), pk_shard *ret_shard,
                  pk_error *reterr_)
{
    pk_shard shard = {0};
    size_t len = strcspn(text, "/");
    bool env = len == 3 && memcmp(text, "env", 3) == 0;
    bool counted = text[len] == '/';
    bool good = counted
                    ? number_of(text + len + 1, strlen(text + len + 1), &shard.count) && shard.count
                    : env;
    if (!good || (!env && !number_of(text, len, &shard.index)))
        return pk_error_set(reterr_, PK_EFORMAT, "`%s` is no part such as 0/8, env or env/8", text);
    int error = env ? from_environment(environment, &shard, reterr_) : PK_OK;
    if (error)
        return error;
    if (shard.index >= shard.count)
        return pk_error_set(reterr_, PK_EFORMAT,
                            "part %u of %u: parts are counted from 0, so that the last is %u/%u",
                            shard.index, shard.count, shard.count - 1, shard.count);
    *ret_shard = shard;
    return PK_OK;
}
