#include "../base/check.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run/scope.h"

static pk_scope_verdict judge(const pk_scope *scope, const char *text)
{
    uint8_t bytes[16];
    const char *why = NULL;
    bool wide = strchr(text, ':') != NULL;
    CHECK_INT(inet_pton(wide ? AF_INET6 : AF_INET, text, bytes), 1);
    pk_scope_verdict verdict = pk_scope_judge(scope, (pk_bytes){bytes, wide ? 16 : 4}, &why);
    CHECK((verdict == PK_SCOPE_FREE) == (why == NULL));
    return verdict;
}

static void add(pk_scope *scope, pk_scope_list list, const char *text)
{
    pk_error error = {0};
    CHECK_INT(pk_scope_add(scope, list, text, &error), PK_OK);
}

static void special_purposes_are_known_to_their_ends(void)
{
    static const struct {
        const char *address;
        pk_scope_verdict verdict;
    } cases[] = {
        {"9.255.255.255", PK_SCOPE_FREE},
        {"10.0.0.0", PK_SCOPE_SPECIAL},
        {"10.255.255.255", PK_SCOPE_SPECIAL},
        {"11.0.0.0", PK_SCOPE_FREE},
        {"172.15.255.255", PK_SCOPE_FREE},
        {"172.31.255.255", PK_SCOPE_SPECIAL},
        {"172.32.0.0", PK_SCOPE_FREE},
        {"100.127.255.255", PK_SCOPE_SPECIAL},
        {"192.0.0.8", PK_SCOPE_SPECIAL},
        {"192.0.0.9", PK_SCOPE_FREE},
        {"198.20.0.0", PK_SCOPE_FREE},
        {"255.255.255.255", PK_SCOPE_SPECIAL},
        {"224.0.0.1", PK_SCOPE_FREE},
        {"2001:db8::1", PK_SCOPE_SPECIAL},
        {"2001:db9::1", PK_SCOPE_FREE},
        {"2001:20::1", PK_SCOPE_FREE},
        {"2001:2::1", PK_SCOPE_SPECIAL},
        {"fe80::1", PK_SCOPE_SPECIAL},
        {"febf::1", PK_SCOPE_SPECIAL},
        {"fec0::1", PK_SCOPE_FREE},
        {"::1", PK_SCOPE_SPECIAL},
        {"::2", PK_SCOPE_FREE},
        {"2a00::1", PK_SCOPE_FREE},
        {"::ffff:8.8.8.8", PK_SCOPE_SPECIAL},
    };
    pk_scope *scope = pk_scope_new();
    pk_scope_settle(scope);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CHECK_INT(judge(scope, cases[i].address), cases[i].verdict);
    CHECK(!pk_scope_restricts(scope));
    pk_scope_free(scope);
}

static void exclusion_comes_before_scope_and_leave(void)
{
    pk_scope *scope = pk_scope_new();
    add(scope, PK_SCOPE_EXCLUDED, "10.1.0.0/16");
    add(scope, PK_SCOPE_EXCLUDED, "8.8.8.8");
    add(scope, PK_SCOPE_EXCLUDED, "2a00::/16");
    add(scope, PK_SCOPE_ALLOWED, "10.0.0.0/8");
    pk_scope_settle(scope);
    CHECK(pk_scope_restricts(scope));
    CHECK_INT(judge(scope, "10.1.2.3"), PK_SCOPE_REFUSED);
    CHECK_INT(judge(scope, "10.2.2.3"), PK_SCOPE_FREE);
    CHECK_INT(judge(scope, "8.8.8.8"), PK_SCOPE_REFUSED);
    CHECK_INT(judge(scope, "8.8.8.9"), PK_SCOPE_FREE);
    CHECK_INT(judge(scope, "2a00:1::"), PK_SCOPE_REFUSED);
    add(scope, PK_SCOPE_ONLY, "10.0.0.0-10.1.0.0");
    pk_scope_settle(scope);
    CHECK_INT(judge(scope, "10.0.255.255"), PK_SCOPE_FREE);
    CHECK_INT(judge(scope, "10.1.0.0"), PK_SCOPE_REFUSED);
    CHECK_INT(judge(scope, "10.1.0.1"), PK_SCOPE_REFUSED);
    CHECK_INT(judge(scope, "9.9.9.9"), PK_SCOPE_REFUSED);
    CHECK_INT(judge(scope, "2a01::1"), PK_SCOPE_REFUSED); /* a scope of one version alone */
    pk_scope_free(scope);
}

/* Random overlapping ranges, against looking at each of them. */
static void many_ranges_are_as_good_as_each(void)
{
    enum { RANGES = 200 };
    uint32_t first[RANGES], last[RANGES];
    uint64_t state = 99;
    pk_scope *scope = pk_scope_new();
    for (unsigned i = 0; i < RANGES; i++) {
        char text[64];
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
        first[i] = (uint32_t)(state >> 40) & 0xffff;
        last[i] = first[i] + ((uint32_t)(state >> 33) & 0x7f);
        (void)snprintf(text, sizeof text, "1.0.%u.%u-1.%u.%u.%u", first[i] >> 8, first[i] & 255,
                       last[i] >> 16, last[i] >> 8 & 255, last[i] & 255);
        add(scope, PK_SCOPE_EXCLUDED, text);
    }
    pk_scope_settle(scope);
    for (uint32_t at = 0; at < 0x10100; at++) {
        const char *why = NULL;
        uint8_t bytes[4] = {1, (uint8_t)(at >> 16), (uint8_t)(at >> 8), (uint8_t)at};
        bool in = false;
        for (unsigned i = 0; i < RANGES; i++)
            in = in || (at >= first[i] && at <= last[i]);
        if ((pk_scope_judge(scope, (pk_bytes){bytes, 4}, &why) == PK_SCOPE_REFUSED) != in)
            CHECK_TEXT("a range is judged", "as its members are");
    }
    pk_scope_free(scope);
}

static void what_is_no_address_is_refused(void)
{
    static const char *const bad[] = {"",
                                      "10.0.0",
                                      "10.0.0.0/33",
                                      "10.0.0.0-::1",
                                      "10.0.0.9-10.0.0.1",
                                      "example.org",
                                      "fe80::1%eth0",
                                      "1..2"};
    pk_scope *scope = pk_scope_new();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        pk_error error = {0};
        CHECK_INT(pk_scope_add(scope, PK_SCOPE_EXCLUDED, bad[i], &error), PK_EFORMAT);
    }
    pk_scope_free(scope);
}

static void a_bad_line_of_a_file_is_named_by_its_number(void)
{
    char path[] = "/tmp/pktc-scope-XXXXXX", expected[128];
    int fd = mkstemp(path);
    static const char text[] = "# what must be left alone\n\n 10.0.0.0/8 # ours\r\n2001:db8::/32\n";
    pk_error error = {0};
    pk_scope *scope = pk_scope_new();
    CHECK(fd >= 0 && write(fd, text, sizeof text - 1) > 0);
    CHECK_INT(pk_scope_add_file(scope, PK_SCOPE_EXCLUDED, path, &error), PK_OK);
    pk_scope_settle(scope);
    CHECK_INT(judge(scope, "10.5.5.5"), PK_SCOPE_REFUSED);
    CHECK_INT(judge(scope, "2001:db8::9"), PK_SCOPE_REFUSED);
    CHECK(write(fd, "1.2.3\n", 6) == 6);
    CHECK_INT(pk_scope_add_file(scope, PK_SCOPE_EXCLUDED, path, &error), PK_EFORMAT);
    (void)snprintf(expected, sizeof expected, "%s:5: `1.2.3` is no address", path);
    CHECK(strncmp(error.text, expected, strlen(expected)) == 0);
    CHECK_INT(pk_scope_add_file(scope, PK_SCOPE_EXCLUDED, "/nonexistent", &error), PK_ENOENT);
    pk_scope_free(scope);
    (void)close(fd);
    (void)unlink(path);
}

int main(void)
{
    special_purposes_are_known_to_their_ends();
    exclusion_comes_before_scope_and_leave();
    many_ranges_are_as_good_as_each();
    what_is_no_address_is_refused();
    a_bad_line_of_a_file_is_named_by_its_number();
    return check_result();
}
