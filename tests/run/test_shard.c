#include "../base/check.h"

#include <stdlib.h>
#include <string.h>

#include "run/shard.h"

static const char *const *variables; /* name, value, name, value, NULL */

static char *environment(const char *name)
{
    for (const char *const *at = variables; *at; at += 2)
        if (strcmp(at[0], name) == 0)
            return (char *)(uintptr_t)at[1];
    return NULL;
}

static void reads(const char *text, uint32_t index, uint32_t count)
{
    pk_shard shard = {0};
    pk_error error = {0};
    CHECK_INT(pk_shard_read(text, environment, &shard, &error), PK_OK);
    CHECK_INT(shard.index, index);
    CHECK_INT(shard.count, count);
}

static void refuses(const char *text, const char *why)
{
    pk_shard shard = {7, 9};
    pk_error error = {0};
    CHECK_INT(pk_shard_read(text, environment, &shard, &error), PK_EFORMAT);
    CHECK(strstr(error.text, why) != NULL);
    CHECK_INT(shard.index, 7);
}

static void a_part_is_two_numbers(void)
{
    reads("0/1", 0, 1);
    reads("7/8", 7, 8);
    refuses("8/8", "the last is 7/8");
    refuses("1/0", "no part");
    refuses("1", "no part");
    refuses("1/2/3", "no part");
    refuses("-1/2", "no part");
    refuses("1/99999999999", "no part");
}

static void an_array_job_says_its_part(void)
{
    static const char *const slurm[] = {"SLURM_ARRAY_TASK_ID",
                                        "9",
                                        "SLURM_ARRAY_TASK_COUNT",
                                        "4",
                                        "SLURM_ARRAY_TASK_MIN",
                                        "3",
                                        "SLURM_ARRAY_TASK_STEP",
                                        "2",
                                        NULL,
                                        NULL};
    variables = slurm;
    reads("env", 3, 4);
    reads("env/10", 3, 10);
    refuses("env/3", "the last is 2/3");
    static const char *const jobs[] = {"JOB_COMPLETION_INDEX", "2", NULL};
    variables = jobs;
    refuses("env", "JOB_COMPLETIONS");
    reads("env/5", 2, 5);
    static const char *const bad[] = {"SLURM_ARRAY_TASK_ID", "x", NULL};
    variables = bad;
    refuses("env/5", "SLURM_ARRAY_TASK_ID is `x`");
}

int main(void)
{
    static const char *const nothing[] = {NULL};
    variables = nothing;
    a_part_is_two_numbers();
    refuses("env", "no array job here");
    an_array_job_says_its_part();
    return check_result();
}
