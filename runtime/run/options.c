#include "run/options.h"

#include <string.h>

#include "base/escape.h"
#include "base/literal.h"
#include "base/wide.h"
#include "net/guard.h"
#include "run/pace.h"
#include "run/tracker.h"

#define NS_PER_S UINT64_C(1000000000)
#define PPS_MOST UINT64_C(1000000000000000) /* a distance of 1 ns */

void pk_run_options_init(pk_run_options *ret_options)
{
    *ret_options = (pk_run_options){
        .timeout = PK_RUN_TIMEOUT_DEFAULT, .rate = PK_RUN_RATE_DEFAULT, .loops = 1, .collect = 1};
}

/* ---- values ---- */

static bool is_word(pk_value value, const char *word)
{
    return value.kind == PK_BYTES && value.len == strlen(word) &&
           memcmp(value.bytes, word, value.len) == 0;
}

static bool take_number(pk_value value, int64_t least, int64_t most, int64_t *ret_number)
{
    if (value.kind != PK_INT || value.number < least || value.number > most)
        return false;
    *ret_number = value.number;
    return true;
}

static bool take_text(pk_value value, char *ret_text, size_t size)
{
    if (value.kind != PK_BYTES || value.len >= size || memchr(value.bytes, 0, value.len))
        return false;
    memcpy(ret_text, value.bytes, value.len);
    ret_text[value.len] = 0;
    return true;
}

/* ---- one function an option: false when the value cannot be ---- */

static bool set_timeout(pk_run_options *options, pk_value value)
{
    return take_number(value, 0, INT64_MAX / 4, &options->timeout);
}

static bool set_retry(pk_run_options *options, pk_value value)
{
    int64_t retry;
    if (!take_number(value, 0, PK_TRACKER_RETRY_LIMIT, &retry))
        return false;
    options->retry = (uint32_t)retry;
    return true;
}

static bool set_rate(pk_run_options *options, pk_value value)
{
    if (is_word(value, "line")) {
        options->rate = 0;
        return true;
    }
    if (value.kind != PK_INT || ((uint64_t)value.number & ~PK_PACE_BITS) == 0)
        return false;
    options->rate = (uint64_t)value.number;
    return true;
}

static bool set_inter(pk_run_options *options, pk_value value)
{
    int64_t inter;
    if (!take_number(value, 0, INT64_MAX / 4, &inter))
        return false;
    options->rate = inter ? (uint64_t)(1e6 * (double)NS_PER_S / (double)inter + 0.5) : 0;
    return !inter || options->rate;
}

/* The far end of `inter A..B`: behind `inter`, whose distance is the shortest. */
static bool set_inter_most(pk_run_options *options, pk_value value)
{
    int64_t most;
    if (!take_number(value, 1, INT64_MAX / 4, &most))
        return false;
    int64_t least = options->rate ? (int64_t)(1e6 * (double)NS_PER_S / (double)options->rate) : 0;
    if (!options->rate)
        options->rate = PPS_MOST;
    options->spread = most - least;
    return options->spread >= 0;
}

static bool set_burst(pk_run_options *options, pk_value value)
{
    int64_t burst;
    if (!take_number(value, 1, UINT32_MAX, &burst))
        return false;
    options->burst = (uint32_t)burst;
    return true;
}

static bool set_count(pk_run_options *options, pk_value value)
{
    if (is_word(value, "forever")) {
        options->count = PK_RUN_COUNT_FOREVER;
        return true;
    }
    int64_t count;
    if (!take_number(value, 1, INT64_MAX, &count))
        return false;
    options->count = (pk_u128)count;
    return true;
}

static bool set_loops(pk_run_options *options, pk_value value)
{
    int64_t loops;
    if (!take_number(value, 1, INT64_MAX, &loops))
        return false;
    options->loops = (uint64_t)loops;
    return true;
}

static bool set_duration(pk_run_options *options, pk_value value)
{
    return take_number(value, 1, INT64_MAX / 4, &options->duration);
}

static bool set_collect(pk_run_options *options, pk_value value)
{
    int64_t collect = 1;
    if (is_word(value, "all"))
        collect = PK_COLLECT_ALL;
    else if (!is_word(value, "first") && !take_number(value, 1, UINT16_MAX, &collect))
        return false;
    options->collect = (uint32_t)collect;
    return true;
}

static bool set_order(pk_run_options *options, pk_value value)
{
    options->random_order = is_word(value, "random");
    return options->random_order || is_word(value, "linear");
}

static bool set_seed(pk_run_options *options, pk_value value)
{
    if (value.kind != PK_INT)
        return false;
    options->seed = (uint64_t)value.number;
    return true;
}

static bool set_shard(pk_run_options *options, pk_value value)
{
    int64_t shard;
    if (!take_number(value, 0, UINT32_MAX - 1, &shard))
        return false;
    options->shard = (uint32_t)shard;
    return true;
}

static bool set_shards(pk_run_options *options, pk_value value)
{
    int64_t shards;
    if (!take_number(value, 1, UINT32_MAX, &shards))
        return false;
    options->shards = (uint32_t)shards;
    return true;
}

static bool set_interface(pk_run_options *options, pk_value value)
{
    return take_text(value, options->interface, sizeof options->interface);
}

static bool set_discard(pk_run_options *options, pk_value value)
{
    options->discard = value.kind == PK_UNDEFINED || pk_value_truth(value);
    return true;
}

static bool set_stateless(pk_run_options *options, pk_value value)
{
    options->stateless = value.kind == PK_UNDEFINED || pk_value_truth(value);
    return true;
}

static bool set_guard(pk_run_options *options, pk_value value)
{
    options->guard = value.kind == PK_BYTES && pk_guard_knows((const char *)value.bytes, value.len);
    return options->guard;
}

static bool set_rtt(pk_run_options *options, pk_value value)
{
    options->no_rtt = is_word(value, "no");
    return options->no_rtt || is_word(value, "yes");
}

static bool set_save(pk_run_options *options, pk_value value)
{
    return take_text(value, options->save, sizeof options->save);
}

/* Is read where the transport is opened, see run/session_filter.c. */
static bool set_capture(pk_run_options *options, pk_value value)
{
    (void)options;
    return value.kind == PK_BYTES;
}

/* ---- one function an option: its value as it is written; false when it has none ---- */

static bool put_count(pk_buf *out, pk_u128 count)
{
    if (count == PK_RUN_COUNT_FOREVER)
        pk_buf_text(out, "forever");
    else
        pk_wide_add(out, count);
    return count != 0;
}

static bool put_duration(pk_buf *out, int64_t nanoseconds)
{
    pk_literal_add_duration(out, (uint64_t)nanoseconds);
    return true;
}

static bool put_text(pk_buf *out, const char *text)
{
    pk_buf_byte(out, '"');
    pk_escape_literal(out, text, strlen(text));
    pk_buf_byte(out, '"');
    return true;
}

static bool put_timeout(const pk_run_options *options, pk_buf *out)
{
    return put_duration(out, options->timeout);
}

static bool put_retry(const pk_run_options *options, pk_buf *out)
{
    return put_count(out, options->retry) || true;
}

static bool put_rate(const pk_run_options *options, pk_buf *out)
{
    pk_run_rate_text(out, options->rate);
    return !options->spread;
}

static bool put_inter(const pk_run_options *options, pk_buf *out)
{
    int64_t least = options->rate == PPS_MOST || !options->rate
                        ? 0
                        : (int64_t)(1e6 * (double)NS_PER_S / (double)options->rate);
    put_duration(out, least);
    pk_buf_text(out, "..");
    put_duration(out, least + options->spread);
    return options->spread > 0;
}

static bool put_burst(const pk_run_options *options, pk_buf *out)
{
    return options->burst && put_count(out, options->burst);
}

static bool put_packets(const pk_run_options *options, pk_buf *out)
{
    return options->count && put_count(out, options->count);
}

static bool put_loops(const pk_run_options *options, pk_buf *out)
{
    return options->loops > 1 && put_count(out, options->loops);
}

static bool put_limit(const pk_run_options *options, pk_buf *out)
{
    return options->duration && put_duration(out, options->duration);
}

static bool put_collect(const pk_run_options *options, pk_buf *out)
{
    if (options->collect == PK_COLLECT_ALL)
        pk_buf_text(out, "all");
    else if (options->collect == 1)
        pk_buf_text(out, "first");
    else
        put_count(out, options->collect);
    return true;
}

static bool put_order(const pk_run_options *options, pk_buf *out)
{
    pk_buf_text(out, options->random_order ? "random" : "linear");
    return true;
}

static bool put_seed(const pk_run_options *options, pk_buf *out)
{
    pk_wide_add(out, options->seed);
    return options->given & PK_RUN_SEED;
}

static bool put_shard(const pk_run_options *options, pk_buf *out)
{
    pk_buf_printf(out, "%u/%u", options->shard, options->shards);
    return options->shards;
}

static bool put_interface(const pk_run_options *options, pk_buf *out)
{
    return options->interface[0] && put_text(out, options->interface);
}

static bool put_stateless(const pk_run_options *options, pk_buf *out)
{
    (void)out;
    return options->stateless;
}

static bool put_guard(const pk_run_options *options, pk_buf *out)
{
    pk_buf_text(out, PK_GUARD_NAME);
    return options->guard;
}

static bool put_rtt(const pk_run_options *options, pk_buf *out)
{
    pk_buf_text(out, "no");
    return options->no_rtt;
}

static bool put_discard(const pk_run_options *options, pk_buf *out)
{
    (void)out;
    return options->discard;
}

static bool put_save(const pk_run_options *options, pk_buf *out)
{
    return options->save[0] && put_text(out, options->save);
}

static const struct known_option {
    const char *name;
    uint32_t bit;
    bool (*set)(pk_run_options *options, pk_value value);
    bool (*put)(const pk_run_options *options, pk_buf *out); /* NULL: with another */
    const char *expected;
} known[] = {
    {"timeout", PK_RUN_TIMEOUT, set_timeout, put_timeout, "a duration such as 2s"},
    {"retry", PK_RUN_RETRY, set_retry, put_retry, "a number of tries from 0 to 250"},
    {"rate", PK_RUN_RATE, set_rate, put_rate, "a rate such as 1kpps or 10Mbps, or `line`"},
    {"inter", PK_RUN_RATE, set_inter, put_inter, "a duration such as 10ms"},
    {"inter..", PK_RUN_RATE, set_inter_most, NULL, "a duration not below the shortest"},
    {"burst", PK_RUN_BURST, set_burst, put_burst, "a number of packets"},
    {"count", PK_RUN_COUNT, set_count, put_packets, "a number of packets, or `forever`"},
    {"loops", PK_RUN_LOOPS, set_loops, put_loops, "a number of times"},
    {"duration", PK_RUN_DURATION, set_duration, put_limit, "a duration such as 30s"},
    {"collect", PK_RUN_COLLECT, set_collect, put_collect, "`first`, `all` or a number up to 65535"},
    {"order", PK_RUN_ORDER, set_order, put_order, "`linear` or `random`"},
    {"seed", PK_RUN_SEED, set_seed, put_seed, "an integer"},
    {"shard", PK_RUN_SHARD, set_shard, put_shard, "the number of a part, from 0"},
    {"shards", PK_RUN_SHARDS, set_shards, NULL, "the number of parts, from 1"},
    {"iface", PK_RUN_INTERFACE, set_interface, put_interface, "the name of an interface"},
    {"stateless", PK_RUN_STATELESS, set_stateless, put_stateless, "nothing"},
    {"guard", PK_RUN_GUARD, set_guard, put_guard, PK_GUARD_EXPECTED},
    {"rtt", PK_RUN_RTT, set_rtt, put_rtt, "`yes` or `no`"},
    {"discard", PK_RUN_DISCARD, set_discard, put_discard, "nothing"},
    {PK_RUN_CAPTURE, 0, set_capture, NULL, "a filter"},
    {PK_RUN_CAPTURE_BARE, 0, set_capture, NULL, "a filter"},
    {"save", PK_RUN_SAVE, set_save, put_save, "a file name"},
};

static const struct known_option *known_find(const char *name)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].name, name) == 0)
            return &known[i];
    return NULL;
}

uint32_t pk_run_options_count(void)
{
    return sizeof known / sizeof known[0];
}

const char *pk_run_option_text(const pk_run_options *options, uint32_t index, pk_buf *out)
{
    size_t before = out->len;
    if (!known[index].put || !known[index].put(options, out)) {
        if (!out->failed && out->data)
            out->data[out->len = before] = 0;
        return NULL;
    }
    return known[index].name;
}

/* Parts of an order that each process draws for itself would overlap. */
static int check_shard(const pk_run_options *options, pk_error *reterr_)
{
    if (options->shard && options->shard >= options->shards)
        return pk_error_set(
            reterr_, PK_EFORMAT,
            "shard %u of %u: parts are counted from 0, so that the last one is %u/%u",
            options->shard, options->shards, options->shards - 1, options->shards);
    if (options->shards > 1 && options->random_order && !(options->given & PK_RUN_SEED))
        return pk_error_set(reterr_, PK_EFORMAT,
                            "a shard of a random order wants a seed, the same for all shards");
    return PK_OK;
}

int pk_run_options_read(pk_vm *vm, const pk_image *image, const pk_image_probe *probe,
                        pk_run_options *options, pk_error *reterr_)
{
    uint32_t from_caller = options->given;
    for (uint32_t i = 0; i < probe->n_options; i++) {
        const pk_image_option *option = &image->options[probe->options + i];
        const char *name = pk_image_text(image, option->name);
        const struct known_option *entry = known_find(name);
        if (!entry)
            return pk_error_set(reterr_, PK_EUNSUPPORTED,
                                "the probe asks for `%s`, which this program cannot do yet", name);
        if (from_caller & entry->bit)
            continue;
        pk_value value = option->value
                             ? pk_vm_eval(vm, option->value, NULL, PK_TREE_NONE, NULL, NULL, 0)
                             : pk_value_undefined();
        if (!entry->set(options, value))
            return pk_error_set(reterr_, PK_EFORMAT, "`%s` of the probe wants %s", name,
                                entry->expected);
        options->given |= entry->bit;
    }
    if (options->stateless && options->retry)
        return pk_error_set(reterr_, PK_EFORMAT,
                            "`retry` repeats what was not answered, and a stateless run does not "
                            "know what that is: leave one of them out");
    return check_shard(options, reterr_);
}
