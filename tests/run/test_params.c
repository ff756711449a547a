#include "../base/check.h"

#include <stdlib.h>
#include <unistd.h>

#include "run/params.h"

/* The machine's side, in place of a machine: what was set last. */
static pk_value got_value;
static const pk_set *got_set;
static pk_ref got_param;

int pk_vm_param_value(pk_vm *vm, pk_ref param, pk_value value)
{
    (void)vm;
    got_param = param;
    got_value = value;
    return PK_OK;
}

int pk_vm_param_set(pk_vm *vm, pk_ref param, const pk_set *set)
{
    (void)vm;
    got_param = param;
    got_set = set;
    return PK_OK;
}

static int host(void *context, pk_bytes name, uint32_t len, uint8_t ret_address[16],
                pk_error *reterr_)
{
    static const uint8_t known[16] = {192, 0, 2, 77};
    (void)context;
    if (len != 4 || name.len != 5 || memcmp(name.data, "known", 5) != 0)
        return pk_error_set(reterr_, PK_ENOENT, "no such host");
    memcpy(ret_address, known, len);
    return PK_OK;
}

const pk_env_files *pk_vm_files(const pk_vm *vm)
{
    static const pk_env_files files = {.address = host};
    (void)vm;
    return &files;
}

#define NAMES "\0ports\0target\0wait\0rate\0path\0on\0hw\0net6\0count\0port\0dev"

static const char strings[] = NAMES;

static pk_ref text_of(const char *name)
{
    for (size_t at = 1; at < sizeof strings; at += strlen(strings + at) + 1)
        if (strcmp(strings + at, name) == 0)
            return (pk_ref)at;
    return 0;
}

static pk_image_param params[12];
static pk_image image = {.strings = strings, .n_strings = sizeof strings, .params = params};
static pk_arena arena;
static pk_error error;

static void add_param(const char *name, pk_param_type type, unsigned bits, bool is_set)
{
    if (!image.n_params)
        image.n_params = 1;
    params[image.n_params++] = (pk_image_param){
        .name = text_of(name), .type = (uint16_t)type, .bits = (uint16_t)bits, .is_set = is_set};
}

static void make_params(void)
{
    add_param("ports", PK_PARAM_INT, 16, true);
    add_param("target", PK_PARAM_IP4, 0, true);
    add_param("wait", PK_PARAM_DURATION, 0, false);
    add_param("rate", PK_PARAM_RATE, 0, false);
    add_param("path", PK_PARAM_TEXT, 0, false);
    add_param("on", PK_PARAM_BOOL, 0, false);
    add_param("hw", PK_PARAM_MAC, 0, false);
    add_param("net6", PK_PARAM_IP6, 0, true);
    add_param("count", PK_PARAM_INT, 0, false);
    add_param("port", PK_PARAM_INT, 16, false);
}

static int assign(const char *name, const char *text)
{
    got_set = NULL;
    got_value = pk_value_undefined();
    error = (pk_error){0};
    return pk_params_assign(NULL, &image, &arena, name, text, &error);
}

static int64_t member(uint64_t index)
{
    uint8_t scratch[16];
    pk_value value = pk_set_at(got_set, index, scratch);
    if (value.kind == PK_INT)
        return value.number;
    int64_t number = 0;
    for (uint32_t i = 0; i < value.len && i < 8; i++)
        number = number << 8 | value.bytes[i];
    return number;
}

static void sets_of_integers_take_lists_ranges_and_steps(void)
{
    CHECK_INT(assign("ports", "22,80, 8000..8100"), PK_OK);
    CHECK_INT(got_set->count, 103);
    CHECK_INT(member(0), 22);
    CHECK_INT(member(1), 80);
    CHECK_INT(member(102), 8100);
    CHECK_INT(assign("ports", "[1..9 step 2]"), PK_OK);
    CHECK_INT(got_set->count, 5);
    CHECK_INT(member(4), 9);
    CHECK_INT(assign("ports", "1..100 except 10..19, 50"), PK_OK);
    CHECK_INT(got_set->count, 89);
    CHECK_INT(assign("ports", "[]"), PK_OK);
    CHECK_INT(got_set->count, 0);
}

static void sets_of_addresses_take_prefixes_and_ranges(void)
{
    CHECK_INT(assign("target", "10.0.0.0/24,192.0.2.1"), PK_OK);
    CHECK_INT(got_set->count, 257);
    CHECK_INT(member(0), 0x0a000000);
    CHECK_INT(member(256), 0xc0000201);
    CHECK_INT(assign("target", "10.0.0.250..10.0.1.5"), PK_OK);
    CHECK_INT(got_set->count, 12);
    CHECK_INT(member(11), 0x0a000105);
    CHECK_INT(assign("target", "10.0.0.0/8 except 10.1.0.0/16"), PK_OK);
    CHECK_INT(got_set->count, (1 << 24) - (1 << 16));
    CHECK_INT(assign("net6", "2001:db8::/120"), PK_OK);
    CHECK_INT(got_set->count, 256);
}

static void addresses_may_be_hosts_and_ranges_of_octets(void)
{
    CHECK_INT(assign("target", "known,192.168.*.1-10"), PK_OK);
    CHECK_INT(got_set->count, 2561);
    CHECK_INT(member(0), 0xc000024d);
    CHECK_INT(member(1), 0xc0a80001);
    CHECK_INT(member(2560), 0xc0a8ff0a);
    CHECK_INT(assign("target", "known/30"), PK_OK);
    CHECK_INT(got_set->count, 4);
    CHECK_INT(member(0), 0xc000024c);
    CHECK_INT(assign("target", "unknown"), PK_ENOENT);
    CHECK(strstr(error.text, "--target: no such host"));
    CHECK_INT(assign("target", "192.168.*.10-1"), PK_EFORMAT);
    CHECK_INT(assign("net6", "known"), PK_ENOENT);
    CHECK_INT(assign("hw", "known"), PK_EFORMAT);
}

static void single_values_are_of_their_type(void)
{
    CHECK_INT(assign("wait", "1.5s"), PK_OK);
    CHECK_INT(got_value.number, 1500000000);
    CHECK_INT(assign("rate", "2kpps"), PK_OK);
    CHECK_INT(got_value.number, 2000000000);
    CHECK_INT(assign("rate", "line"), PK_OK);
    CHECK_INT(got_value.kind, PK_BYTES);
    CHECK_INT(assign("rate", "1Mbps"), PK_OK);
    CHECK(got_value.number == (int64_t)(UINT64_C(1) << 63 | 1000000));
    CHECK_INT(assign("path", " /index.html"), PK_OK);
    CHECK_INT(got_value.len, 12);
    CHECK_INT(assign("on", "yes"), PK_OK);
    CHECK_INT(got_value.number, 1);
    CHECK_INT(assign("hw", "02:00:00:00:00:09"), PK_OK);
    CHECK_INT(got_value.bytes[5], 9);
    CHECK_INT(assign("count", "64Ki"), PK_OK);
    CHECK_INT(got_value.number, 65536);
    CHECK_INT(assign("count", "-5"), PK_OK);
    CHECK_INT(got_value.number, -5);
}

static bool says(const char *part)
{
    if (strstr(error.text, part))
        return true;
    fprintf(stderr, "said: %s\n", error.text);
    return false;
}

static void wrong_texts_are_refused_with_type_and_example(void)
{
    CHECK_INT(assign("ports", "22,80x"), PK_EFORMAT);
    CHECK(says("--ports") && says("`80x`") && says("set of 16-bit integers") && says("22,80"));
    CHECK_INT(assign("port", "70000"), PK_EFORMAT);
    CHECK(says("does not fit") && says("16-bit integer"));
    CHECK_INT(assign("target", "10.0.0.300"), PK_EFORMAT);
    CHECK(says("octet above 255"));
    CHECK_INT(assign("target", "2001:db8::1"), PK_EFORMAT);
    CHECK(says("IPv6 address"));
    CHECK_INT(assign("wait", "10m"), PK_EFORMAT);
    CHECK(says("duration"));
    CHECK_INT(assign("ports", "1,,2"), PK_EFORMAT);
    CHECK_INT(assign("ports", "1..9 step 0"), PK_EFORMAT);
    CHECK_INT(assign("on", "perhaps"), PK_EFORMAT);
    CHECK_INT(assign("nothing", "1"), PK_ENOENT);
    CHECK(says("--target"));
}

static void members_can_come_from_a_file(void)
{
    char path[] = "/tmp/pktc-params-XXXXXX";
    int fd = mkstemp(path);
    static const char text[] = "# hosts\n10.0.0.1\n\n10.0.0.4/30 # four more\n";
    CHECK(write(fd, text, sizeof text - 1) == (ssize_t)sizeof text - 1);
    close(fd);
    char at[64];
    snprintf(at, sizeof at, "@%s,192.0.2.1", path);
    CHECK_INT(assign("target", at), PK_OK);
    CHECK_INT(got_set ? got_set->count : 0, 6);
    unlink(path);
    CHECK_INT(assign("target", "@/nowhere/hosts"), PK_ENOENT);
    CHECK(says("/nowhere/hosts"));
}

static void what_is_needed_and_missing_is_named(void)
{
    pk_ref given[] = {1, 3, 4, 5, 6, 7, 8, 9};
    CHECK_INT(pk_params_complete(&image, given, 8, &error), PK_EFORMAT);
    CHECK(says("--target") && says("--port") && says("IPv4 addresses"));
    pk_ref all[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    CHECK_INT(pk_params_complete(&image, all, 10, &error), PK_OK);
}

int main(void)
{
    make_params();
    sets_of_integers_take_lists_ranges_and_steps();
    sets_of_addresses_take_prefixes_and_ranges();
    addresses_may_be_hosts_and_ranges_of_octets();
    single_values_are_of_their_type();
    wrong_texts_are_refused_with_type_and_example();
    members_can_come_from_a_file();
    what_is_needed_and_missing_is_named();
    pk_arena_free(&arena);
    return check_result();
}
