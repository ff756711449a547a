#include "check.h"

#include "base/literal.h"

static pk_literal read_fine(const char *text)
{
    pk_literal lit = {0};
    pk_literal_fault fault = {0};
    pk_literal_error error = pk_literal_parse(text, strlen(text), &lit, &fault);
    if (error)
        fprintf(stderr, "%s: fault %d\n", text, (int)error);
    CHECK_INT(error, PK_LITERAL_FINE);
    return lit;
}

static void integers_have_bases_underscores_and_count_suffixes(void)
{
    static const struct {
        const char *text;
        uint64_t value;
    } cases[] = {
        {"0", 0},
        {"7", 7},
        {"1_000", 1000},
        {"0xff", 255},
        {"0XdeadBEEF", 0xdeadbeef},
        {"0xffff_ffff_ffff_ffff", UINT64_MAX},
        {"0b1010", 10},
        {"0b1_0", 2},
        {"0o17", 15},
        {"18446744073709551615", UINT64_MAX},
        {"100k", 100000},
        {"2M", 2000000},
        {"3G", UINT64_C(3000000000)},
        {"64Ki", 65536},
        {"2Mi", 2097152},
        {"1Gi", 1073741824},
        {"1.5k", 1500},
        {"0k", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pk_literal lit = read_fine(cases[i].text);
        CHECK_INT(lit.kind, PK_LITERAL_INT);
        CHECK(lit.integer == cases[i].value);
    }
}

static void durations_are_whole_nanoseconds(void)
{
    static const struct {
        const char *text;
        uint64_t value;
    } cases[] = {
        {"10ms", 10000000},
        {"1.5s", 1500000000},
        {"250us", 250000},
        {"100ns", 100},
        {"5min", UINT64_C(300000000000)},
        {"2h", UINT64_C(7200000000000)},
        {"0.000000001s", 1},
        {"0s", 0},
        {"5124095h", UINT64_C(18446742000000000000)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pk_literal lit = read_fine(cases[i].text);
        CHECK_INT(lit.kind, PK_LITERAL_DURATION);
        CHECK(lit.integer == cases[i].value);
    }
}

static void numbers_and_rates_are_exact_doubles(void)
{
    static const struct {
        const char *text;
        pk_literal_kind kind;
        pk_literal_unit unit;
        double value;
    } cases[] = {
        {"1.5", PK_LITERAL_NUMBER, PK_RATE_PACKETS, 1.5},
        {"0.1", PK_LITERAL_NUMBER, PK_RATE_PACKETS, 0.1},
        {"500pps", PK_LITERAL_RATE, PK_RATE_PACKETS, 500},
        {"2.5Mpps", PK_LITERAL_RATE, PK_RATE_PACKETS, 2.5e6},
        {"10kpps", PK_LITERAL_RATE, PK_RATE_PACKETS, 1e4},
        {"1Gpps", PK_LITERAL_RATE, PK_RATE_PACKETS, 1e9},
        {"1bps", PK_LITERAL_RATE, PK_RATE_BITS, 1},
        {"0bps", PK_LITERAL_RATE, PK_RATE_BITS, 0},
        {"10Gbps", PK_LITERAL_RATE, PK_RATE_BITS, 1e10},
        {"9.6kbit", PK_LITERAL_RATE, PK_RATE_BITS, 9600},
        {"0bit", PK_LITERAL_RATE, PK_RATE_BITS, 0},
        {"1Tbit", PK_LITERAL_RATE, PK_RATE_BITS, 1e12},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pk_literal lit = read_fine(cases[i].text);
        CHECK_INT(lit.kind, cases[i].kind);
        CHECK_INT(lit.unit, cases[i].unit);
        CHECK(!(lit.number < cases[i].value) && !(lit.number > cases[i].value));
    }
}

static void check_address(const char *text, pk_literal_kind kind, const char *bytes, size_t len,
                          unsigned prefix)
{
    pk_literal lit = read_fine(text);
    CHECK_INT(lit.kind, kind);
    CHECK_INT(lit.prefix, prefix);
    CHECK(!memcmp(lit.address, bytes, len));
}

static void addresses_are_read_in_network_order(void)
{
    check_address("192.0.2.1", PK_LITERAL_IP4, "\xc0\0\2\1", 4, 0);
    check_address("10.0.0.0/24", PK_LITERAL_IP4, "\x0a\0\0\0", 4, 25);
    check_address("0.0.0.0/0", PK_LITERAL_IP4, "\0\0\0\0", 4, 1);
    check_address("255.255.255.255/32", PK_LITERAL_IP4, "\xff\xff\xff\xff", 4, 33);
    check_address("::", PK_LITERAL_IP6, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16, 0);
    check_address("::1", PK_LITERAL_IP6, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16, 0);
    check_address("2001:db8::/32", PK_LITERAL_IP6, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\0", 16,
                  33);
    check_address("1:2:3:4:5:6:7:8", PK_LITERAL_IP6, "\0\1\0\2\0\3\0\4\0\5\0\6\0\7\0\10", 16, 0);
    check_address("1:2:3:4:5:6:7::", PK_LITERAL_IP6, "\0\1\0\2\0\3\0\4\0\5\0\6\0\7\0\0", 16, 0);
    check_address("::ffff:1.2.3.4", PK_LITERAL_IP6, "\0\0\0\0\0\0\0\0\0\0\xff\xff\1\2\3\4", 16, 0);
    check_address("1:2:3:4:5:6:1.2.3.4", PK_LITERAL_IP6, "\0\1\0\2\0\3\0\4\0\5\0\6\1\2\3\4", 16, 0);
    check_address("00:1a:2B:33:44:ff", PK_LITERAL_MAC, "\x00\x1a\x2b\x33\x44\xff", 6, 0);
}

static void ipv6_has_zones(void)
{
    pk_literal lit = read_fine("fe80::1%eth0.100/64");
    CHECK_INT(lit.kind, PK_LITERAL_IP6);
    CHECK_INT(lit.zone_len, 8);
    CHECK(lit.zone && !memcmp(lit.zone, "eth0.100", 8));
    CHECK_INT(lit.prefix, 65);
    CHECK(!read_fine("fe80::1").zone);
}

static void faults_say_what_and_where(void)
{
    static const struct {
        const char *text;
        pk_literal_error error;
        size_t at, len;
    } cases[] = {
        {"", PK_LITERAL_E_NOT_LITERAL, 0, 0},
        {"http", PK_LITERAL_E_NOT_LITERAL, 0, 4},
        {"10m", PK_LITERAL_E_MILLI_OR_MINUTE, 2, 1},
        {"10K", PK_LITERAL_E_UNKNOWN_UNIT, 2, 1},
        {"10parsec", PK_LITERAL_E_UNKNOWN_UNIT, 2, 6},
        {"1e6", PK_LITERAL_E_UNKNOWN_UNIT, 1, 2},
        {"0xfg", PK_LITERAL_E_BAD_DIGIT, 3, 1},
        {"0x", PK_LITERAL_E_NOT_LITERAL, 0, 2},
        {"0b12", PK_LITERAL_E_BAD_DIGIT, 3, 1},
        {"0o8", PK_LITERAL_E_BAD_DIGIT, 2, 1},
        {"1__0", PK_LITERAL_E_UNDERSCORE, 1, 1},
        {"1_", PK_LITERAL_E_UNDERSCORE, 1, 1},
        {"010", PK_LITERAL_E_LEADING_ZERO, 0, 3},
        {"18446744073709551616", PK_LITERAL_E_TOO_BIG, 0, 20},
        {"18446744073709551615k", PK_LITERAL_E_TOO_BIG, 0, 21},
        {"99999999h", PK_LITERAL_E_TOO_BIG, 0, 9},
        {"1.0000000000000001", PK_LITERAL_E_TOO_PRECISE, 0, 18},
        {"1.0000000000000000000", PK_LITERAL_E_TOO_PRECISE, 0, 21},
        {"0.0000000000000000001", PK_LITERAL_E_TOO_PRECISE, 0, 21},
        {"1.5ns", PK_LITERAL_E_NOT_WHOLE, 0, 5},
        {"1.0005k", PK_LITERAL_E_NOT_WHOLE, 0, 7},
        {"1.", PK_LITERAL_E_NOT_LITERAL, 0, 2},
        {"1.2.3", PK_LITERAL_E_IP4_PARTS, 0, 5},
        {"1.2.3.4.5", PK_LITERAL_E_IP4_PARTS, 0, 9},
        {"1.2.3.", PK_LITERAL_E_IP4_PARTS, 0, 6},
        {"10/8", PK_LITERAL_E_IP4_PARTS, 0, 2},
        {"1.2.3.256", PK_LITERAL_E_IP4_OCTET, 6, 3},
        {"1.2.3.99999999999999999999", PK_LITERAL_E_IP4_OCTET, 6, 20},
        {"01.2.3.4", PK_LITERAL_E_LEADING_ZERO, 0, 2},
        {"1.2.3.4/33", PK_LITERAL_E_PREFIX, 8, 2},
        {"1.2.3.4/", PK_LITERAL_E_PREFIX, 8, 0},
        {"1.2.3.4/-1", PK_LITERAL_E_PREFIX, 8, 2},
        {"::/129", PK_LITERAL_E_PREFIX, 3, 3},
        {"1::2::3", PK_LITERAL_E_IP6_GAPS, 4, 2},
        {":::", PK_LITERAL_E_IP6_GROUP, 2, 0},
        {"1:2", PK_LITERAL_E_IP6_COUNT, 0, 3},
        {"1:2:3:4:5:6:7:8:9", PK_LITERAL_E_IP6_COUNT, 0, 17},
        {"1:2:3:4:5:6:7::8", PK_LITERAL_E_IP6_COUNT, 0, 16},
        {"1:", PK_LITERAL_E_IP6_COUNT, 1, 1},
        {":1", PK_LITERAL_E_IP6_GROUP, 0, 0},
        {"::12345", PK_LITERAL_E_IP6_GROUP, 2, 5},
        {"::g", PK_LITERAL_E_IP6_GROUP, 2, 1},
        {"::1.2.3.4:5", PK_LITERAL_E_IP6_COUNT, 0, 11},
        {"::1.2.3", PK_LITERAL_E_IP4_PARTS, 2, 5},
        {"fe80::1%", PK_LITERAL_E_ZONE, 7, 1},
        {"fe80::1%a b", PK_LITERAL_E_ZONE, 8, 3},
        {"0:1:2:3:4:5", PK_LITERAL_E_MAC, 0, 11},
        {"00:11:22:33:44:5g", PK_LITERAL_E_MAC, 0, 17},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pk_literal lit = {.kind = PK_LITERAL_MAC, .integer = 42};
        pk_literal_fault fault = {0};
        pk_literal_error error =
            pk_literal_parse(cases[i].text, strlen(cases[i].text), &lit, &fault);
        if (error != cases[i].error || fault.at != cases[i].at || fault.len != cases[i].len)
            fprintf(stderr, "%s: fault %d at %zu, %zu bytes\n", cases[i].text, (int)error, fault.at,
                    fault.len);
        CHECK_INT(error, cases[i].error);
        CHECK_INT(fault.at, cases[i].at);
        CHECK_INT(fault.len, cases[i].len);
        CHECK_INT(lit.integer, 42);
    }
}

static void explained(const char *text, const char *sentence, const char *help)
{
    pk_buf out = {0};
    pk_literal lit;
    pk_literal_fault fault = {0};
    CHECK(pk_literal_parse(text, strlen(text), &lit, &fault) != PK_LITERAL_FINE);
    pk_literal_explain(&out, &fault, text, strlen(text));
    CHECK_TEXT(pk_buf_cstr(&out), sentence);
    pk_buf_clear(&out);
    pk_literal_help(&out, &fault, text, strlen(text));
    CHECK_TEXT(pk_buf_cstr(&out), help);
    pk_buf_free(&out);
}

static void faults_are_explained_to_the_person_who_typed(void)
{
    explained("10m", "10m is not a duration", "write 10ms or 10min");
    explained("010.0.0.1", "010.0.0.1 has a leading zero",
              "write 10; elsewhere a leading zero means octal, which is written 0o17 here");
    explained("1.2.3.300", "1.2.3.300 has an octet above 255",
              "each of the four parts is 0 to 255");
    explained("\x1b[2J", "\\x1b[2J is not an integer, duration, rate or address",
              "examples: 80  0xff  64k  1.5s  10kpps  192.0.2.0/24  2001:db8::1");
    explained("", "nothing is not an integer, duration, rate or address",
              "examples: 80  0xff  64k  1.5s  10kpps  192.0.2.0/24  2001:db8::1");
}

static void check_ip6(const char *written, const char *canonical)
{
    pk_literal lit = read_fine(written);
    pk_buf out = {0};
    pk_literal_add_ip6(&out, lit.address);
    CHECK_TEXT(pk_buf_cstr(&out), canonical);
    pk_literal again = read_fine(pk_buf_cstr(&out));
    CHECK(!memcmp(again.address, lit.address, 16));
    pk_buf_free(&out);
}

/* The addresses are those of RFC 5952 sections 1, 2 and 4. */
static void ipv6_is_written_as_rfc5952_says(void)
{
    check_ip6("2001:0db8:0:0:0:0:2:1", "2001:db8::2:1");
    check_ip6("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1");
    check_ip6("2001:0:0:1:0:0:0:1", "2001:0:0:1::1");
    check_ip6("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1");
    check_ip6("2001:DB8:AAAA::1", "2001:db8:aaaa::1");
    check_ip6("::", "::");
    check_ip6("::1", "::1");
    check_ip6("1::", "1::");
    check_ip6("ff02:0::1:ff00:0", "ff02::1:ff00:0");
    check_ip6("::ffff:c000:0201", "::ffff:192.0.2.1");
    check_ip6("0:1:2:3:4:5:6:7", "0:1:2:3:4:5:6:7");
}

static void other_values_are_written_as_their_shortest_literal(void)
{
    pk_buf out = {0};
    pk_literal_add_ip4(&out, (const uint8_t[]){192, 0, 2, 255});
    pk_buf_byte(&out, ' ');
    pk_literal_add_mac(&out, (const uint8_t[]){0, 1, 0xab, 3, 4, 0xff});
    static const uint64_t durations[] = {0, 1, 1500, 10000000, 1500000000, UINT64_MAX};
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
        pk_buf_byte(&out, ' ');
        pk_literal_add_duration(&out, durations[i]);
    }
    static const double rates[] = {0, 0.5, 500, 2.5e6, 9600, 1e10, 1234567, 1e30, -1};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        pk_buf_byte(&out, ' ');
        pk_literal_add_rate(&out, rates[i], PK_RATE_BITS);
    }
    CHECK_TEXT(pk_buf_cstr(&out),
               "192.0.2.255 00:01:ab:03:04:ff 0s 1ns 1.5us 10ms 1.5s 18446744073.709551615s 0bps "
               "0.5bps 500bps 2.5Mbps 9.6kbps 10Gbps 1.234567Mbps 1000000000000Tbps 0bps");
    pk_buf_free(&out);
}

int main(void)
{
    integers_have_bases_underscores_and_count_suffixes();
    durations_are_whole_nanoseconds();
    numbers_and_rates_are_exact_doubles();
    addresses_are_read_in_network_order();
    ipv6_has_zones();
    faults_say_what_and_where();
    faults_are_explained_to_the_person_who_typed();
    ipv6_is_written_as_rfc5952_says();
    other_values_are_written_as_their_shortest_literal();
    return check_result();
}
