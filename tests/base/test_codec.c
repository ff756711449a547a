/* Text codecs: texts against bytes worked out by hand or in the RFC named beside them. */
#include "base/codec.h"

#include "check.h"

static void put_hex(pk_buf *out, const char *hex)
{
    CHECK(
        pk_codec_encode(PK_CODEC_HEX, (pk_bytes){(const uint8_t *)hex, strlen(hex)}, 0, out, NULL));
}

static const char *to_hex(const pk_buf *bytes)
{
    static char text[1024];

    text[0] = 0;
    for (size_t i = 0; i < bytes->len && i < 500; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes->data[i]);
    return text;
}

/* The text encodes to the bytes (in a field of that width), the bytes decode to the text. */
static void both(const char *name, const char *text, const char *hex)
{
    pk_codec codec = pk_codec_find(name);
    pk_buf want = {0}, bytes = {0}, back = {0};
    const char *why = "";

    CHECK(codec != PK_CODEC_NONE);
    put_hex(&want, hex);
    CHECK(pk_codec_encode(codec, (pk_bytes){(const uint8_t *)text, strlen(text)}, want.len, &bytes,
                          &why));
    CHECK_TEXT(why, "");
    CHECK_TEXT(to_hex(&bytes), hex);
    pk_buf_text(&back, "<");
    CHECK(pk_codec_decode(codec, (pk_bytes){want.data, want.len}, &back));
    CHECK_TEXT(pk_buf_cstr(&back) + 1, text);
    pk_buf_free(&want);
    pk_buf_free(&bytes);
    pk_buf_free(&back);
}

static void refuses(const char *name, const char *text, const char *reason)
{
    pk_buf out = {0};
    const char *why = "accepted";

    pk_buf_text(&out, "kept");
    CHECK(!pk_codec_encode(pk_codec_find(name), (pk_bytes){(const uint8_t *)text, strlen(text)}, 4,
                           &out, &why));
    CHECK_TEXT(why, reason);
    CHECK_TEXT(pk_buf_cstr(&out), "kept");
    pk_buf_free(&out);
}

static void no_text(const char *name, const char *hex)
{
    pk_buf bytes = {0}, out = {0};

    pk_buf_text(&out, "kept");
    put_hex(&bytes, hex);
    CHECK(!pk_codec_decode(pk_codec_find(name), (pk_bytes){bytes.data, bytes.len}, &out));
    CHECK_TEXT(pk_buf_cstr(&out), "kept");
    pk_buf_free(&bytes);
    pk_buf_free(&out);
}

static void strings_in_their_wrappings(void)
{
    both("text", "hi \xc3\xa9\n", "686920c3a90a");
    no_text("text", "00");
    no_text("text", "c3");
    no_text("text", "e280ae"); /* right-to-left override */
    both("cstr", "ab", "616200");
    no_text("cstr", "6162");
    no_text("cstr", "61006200");
    both("padded", "ab", "61620000");
    both("padded", "", "0000");
    no_text("padded", "00610000");
    refuses("padded", "abcde", "is longer than its field");
    both("pstr", "MQTT", "00044d515454");
    no_text("pstr", "00054d515454");
    both("utf16", "a\xe2\x82\xac\xf0\x9f\x98\x80", "006120acd83dde00");
    both("utf16le", "a\xe2\x82\xac\xf0\x90\x80\x80", "6100ac2000d800dc");
    no_text("utf16", "d83d0061");
    no_text("utf16", "d83d");
    no_text("utf16", "0061d8");
    CHECK_INT(pk_codec_find("hex"), PK_CODEC_HEX);
    both("hex", "00ff1a", "00ff1a");
    refuses("hex", "abc", "has an odd number of hexadecimal digits");
}

static void domain_names(void)
{
    both("dnsname", "www.example.com", "03777777076578616d706c6503636f6d00");
    both("dnsname", ".", "00");
    both("dnsname", "a\\.b.c\\\\\\032\\255",
         "03612e620463"
         "5c20ff00");
    no_text("dnsname", "03777777c00c"); /* RFC 1035 section 4.1.4: a pointer */
    no_text("dnsname", "0377777700aa");
    no_text("dnsname", "037777");
    no_text("dnsname", "");
    refuses("dnsname", "a..b", "has an empty label");
    refuses("dnsname", "a\\2", "has a backslash that is neither \\. nor \\DDD");
    refuses("dnsname", "a123456789012345678901234567890123456789012345678901234567890123.b",
            "has a label of more than 63 bytes");
}

/* A final dot says the same name; printing drops it. */
static void a_final_dot_is_the_same_name(void)
{
    pk_buf out = {0};

    CHECK(pk_codec_encode(PK_CODEC_DNSNAME, (pk_bytes){(const uint8_t *)"a.b.", 4}, 0, &out, NULL));
    CHECK_TEXT(to_hex(&out), "0161016200");
    pk_buf_free(&out);
}

static void identifiers(void)
{
    both("oid", "1.3.6.1.2.1.1.5.0", "2b06010201010500");
    both("oid", "2.999.3", "883703"); /* X.690 section 8.19.5 */
    both("oid", "1.2.840.113549", "2a864886f70d");
    no_text("oid", "2b8006"); /* a superfluous 0x80 */
    no_text("oid", "2b86");
    no_text("oid", "");
    refuses("oid", "1", "has only one number, an object identifier has two or more");
    refuses("oid", "1.40", "does not begin as an object identifier does (0.0-39, 1.0-39 or 2.n)");
    refuses("oid", "1.3.", "is not numbers of at most 64 bits with dots between them");
    both("addr", "192.0.2.1", "c0000201");
    both("addr", "02:00:00:00:00:01", "020000000001");
    both("addr", "2001:db8::1", "20010db8000000000000000000000001");
    no_text("addr", "c00002");
    refuses("addr", "192.0.2.0/24", "is not an IPv4, IPv6 or MAC address");
    both("prefix", "10.1.2", "0a0102");
    no_text("prefix", "0a01020304");
    refuses("prefix", "10.256", "has an octet that is not 0 to 255");
    both("uuid", "00112233-4455-6677-8899-aabbccddeeff", "00112233445566778899aabbccddeeff");
    both("guid", "33221100-5544-7766-8899-aabbccddeeff", "00112233445566778899aabbccddeeff");
    refuses("uuid", "00112233-4455-6677-8899-aabbccddeefg",
            "is not of the form 00112233-4455-6677-8899-aabbccddeeff");
}

static void numbers(void)
{
    both("sint", "0", "00");
    both("sint", "127", "7f");
    both("sint", "128", "0080");
    both("sint", "-128", "80");
    both("sint", "-129", "ff7f");
    both("sint", "9223372036854775807", "7fffffffffffffff");
    both("sint", "-9223372036854775808", "8000000000000000");
    no_text("sint", "007f");
    no_text("sint", "ffff");
    no_text("sint", "");
    refuses("sint", "9223372036854775808", "does not fit 64 bits");
    refuses("sint", "-", "is not an integer");
    both("bcd", "123", "123f");
    both("tbcd", "12345*", "2143a5");
    no_text("bcd", "f123");
    no_text("bcd", "1a");
    refuses("bcd", "12x", "has a character that is not a digit");
}

/* RFC 5905 figure 4: 1 January 1972 is 2,272,060,800 seconds into era 0. */
static void ntp_times(void)
{
    both("ntp", "1900-01-01T00:00:00Z", "0000000000000000");
    both("ntp", "1972-01-01T00:00:00Z", "876ce58000000000");
    both("ntp", "1970-01-01T00:00:00.5Z", "83aa7e8080000000");
    both("ntp", "2036-02-07T06:28:15.9999999998Z", "ffffffffffffffff");
    both("ntp", "2024-02-29T12:00:00.0000000002Z", "e98af04000000001");
    refuses("ntp", "2023-02-29T12:00:00Z",
            "is not a time of the form 2024-01-31T12:00:00.5Z, 1900 to 2036");
    refuses("ntp", "1972-01-01T00:00:00.Z",
            "is not a time of the form 2024-01-31T12:00:00.5Z, 1900 to 2036");
    refuses("ntp", "1972-01-01T00:00",
            "is not a time of the form 2024-01-31T12:00:00.5Z, 1900 to 2036");
    refuses("ntp", "1972-01-01T24:00:00Z",
            "is not a time of the form 2024-01-31T12:00:00.5Z, 1900 to 2036");
    refuses("ntp", "2040-01-01T00:00:00Z",
            "is not a time of the form 2024-01-31T12:00:00.5Z, 1900 to 2036");
}

/* Whatever the bytes: a text that decoding gives encodes to them again. */
static void decoding_is_the_inverse_of_encoding(void)
{
    uint32_t state = 1;
    unsigned shown = 0;

    for (unsigned round = 0; round < 20000; round++) {
        uint8_t data[20];
        size_t len = round % 18;
        pk_buf text = {0}, bytes = {0};
        pk_codec codec = (pk_codec)(1 + round % (PK_CODEC_COUNT_OF - 1));

        for (size_t i = 0; i < len; i++) {
            state = state * 1664525 + 1013904223;
            data[i] = (uint8_t)(state >> 24 & (round % 3 ? 0x7f : 0x07));
        }
        if (pk_codec_decode(codec, (pk_bytes){data, len}, &text)) {
            CHECK(pk_codec_encode(codec, (pk_bytes){text.data, text.len}, len, &bytes, NULL));
            CHECK(bytes.len == len && (!len || !memcmp(bytes.data, data, len)));
            shown++;
        }
        pk_buf_free(&text);
        pk_buf_free(&bytes);
    }
    CHECK(shown > 2000);
}

int main(void)
{
    strings_in_their_wrappings();
    domain_names();
    a_final_dot_is_the_same_name();
    identifiers();
    numbers();
    ntp_times();
    decoding_is_the_inverse_of_encoding();
    CHECK_TEXT(pk_codec_name(pk_codec_find("dnsname")), "dnsname");
    CHECK_INT(pk_codec_find("nosuch"), PK_CODEC_NONE);
    return check_result();
}
