/* Ranges of octets and the forms of host names. */
#include "base/octets.h"

#include <stdio.h>
#include <string.h>

#include "check.h"

static const char *read_octets(const char *text)
{
    static char shown[64];
    uint8_t lo[4], hi[4];
    if (!pk_octets_parse(text, strlen(text), lo, hi))
        return "no";
    (void)snprintf(shown, sizeof shown, "%u-%u.%u-%u.%u-%u.%u-%u", lo[0], hi[0], lo[1], hi[1],
                   lo[2], hi[2], lo[3], hi[3]);
    return shown;
}

static void test_octets(void)
{
    CHECK_TEXT(read_octets("192.168.*.1-10"), "192-192.168-168.0-255.1-10");
    CHECK_TEXT(read_octets("0-255.*.0-0.255"), "0-255.0-255.0-0.255-255");
    CHECK_TEXT(read_octets("*.*.*.*"), "0-255.0-255.0-255.0-255");
    static const char *const no[] = {"",          "10.0.0.1",     "10.0.0.1-",  "10.0.0.*x",
                                     "10.0.*",    "10.0.0.*.1",   "10.0.0.5-1", "10.0.0.256-257",
                                     "10.0.0.-5", "10.0.0.1-2-3", "10..0.*",    "10.0.01.*",
                                     "1000.0.0.*"};
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        CHECK_TEXT(read_octets(no[i]), "no");
}

static bool is_name(const char *text)
{
    return pk_host_name_form(text, strlen(text));
}

static void test_host_names(void)
{
    CHECK(is_name("localhost") && is_name("www.example.com") && is_name("3com.com."));
    CHECK(is_name("_sip._udp.example.com") && is_name("a-b.c"));
    CHECK(!is_name("") && !is_name("10.0.0.1") && !is_name("10.0.0.300") && !is_name("a..b"));
    CHECK(!is_name(".a") && !is_name("-a") && !is_name("a b") && !is_name("a/b"));
    char label[70], name[300];
    memset(label, 'a', sizeof label);
    CHECK(pk_host_name_form(label, 63) && !pk_host_name_form(label, 64));
    for (size_t i = 0; i < sizeof name; i++)
        name[i] = i % 2 ? '.' : 'a';
    CHECK(pk_host_name_form(name, 253) && !pk_host_name_form(name, 254));
}

static void test_prefixes_round_names(void)
{
    size_t len = 0;
    unsigned prefix = 0;
    CHECK(pk_host_prefix_parse("www.test.fr/30", 14, &len, &prefix) && len == 11 && prefix == 30);
    CHECK(pk_host_prefix_parse("a/0", 3, &len, &prefix) && prefix == 0);
    CHECK(!pk_host_prefix_parse("a/", 2, &len, &prefix));
    CHECK(!pk_host_prefix_parse("a", 1, &len, &prefix));
    CHECK(!pk_host_prefix_parse("a/3x", 4, &len, &prefix));
    CHECK(!pk_host_prefix_parse("10.0.0.1/3", 10, &len, &prefix));
}

int main(void)
{
    test_octets();
    test_host_names();
    test_prefixes_round_names();
    return check_result();
}
