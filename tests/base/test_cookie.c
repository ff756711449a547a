#include "base/cookie.h"

#include <stdlib.h>

#include "check.h"

static pk_cookies *cookies_of(pk_u128 total, uint64_t seed)
{
    pk_cookies *cookies = malloc(sizeof *cookies);
    if (!cookies)
        abort();
    pk_cookies_init(cookies, total, seed);
    return cookies;
}

static void a_word_with_room_gives_the_number_back(void)
{
    static const unsigned widths[] = {17, 31, 32, 47, 48, 63, 64};
    for (unsigned i = 0; i < sizeof widths / sizeof *widths; i++) {
        unsigned bits = widths[i];
        pk_u128 total = (pk_u128)1 << (bits - 16), index = 0;
        pk_cookies *c = cookies_of(total, 7);
        CHECK(pk_cookies_tell(c, bits));
        for (pk_u128 n = 0; n < total && n < 1000; n++) {
            uint64_t word = pk_cookies_word(c, bits, n);
            CHECK(bits == 64 || word >> bits == 0);
            CHECK(pk_cookies_index(c, bits, word, &index) && index == n);
        }
        CHECK(pk_cookies_word(c, bits, total + 3 % total) == pk_cookies_word(c, bits, 3 % total));
        free(c);
    }
}

static void a_word_without_room_is_no_number(void)
{
    pk_cookies *c = cookies_of(65537, 7);
    pk_u128 index;
    CHECK(!pk_cookies_tell(c, 32));
    CHECK(!pk_cookies_index(c, 32, pk_cookies_word(c, 32, 5), &index));
    CHECK(pk_cookies_word(c, 32, 5) >> 32 == 0);
    CHECK(pk_cookies_word(c, 32, 5) != pk_cookies_word(c, 32, 6));
    CHECK(pk_cookies_tell(c, 33));
    free(c);
}

static void words_made_up_are_numbers_once_in_65536(void)
{
    enum { TRIES = 1 << 20 };
    pk_cookies *c = cookies_of(1 << 16, 42);
    unsigned hits = 0;
    pk_u128 index;
    for (uint64_t i = 0; i < TRIES; i++)
        hits += pk_cookies_index(c, 32, i * 0x9e3779b1u & 0xffffffffu, &index);
    CHECK(hits < 64); /* 16 are expected */
    free(c);
}

static void another_seed_gives_other_words(void)
{
    pk_cookies *a = cookies_of(1000, 1), *b = cookies_of(1000, 2);
    unsigned same = 0;
    for (pk_u128 n = 0; n < 1000; n++)
        same += pk_cookies_word(a, 32, n) == pk_cookies_word(b, 32, n);
    CHECK(same < 3);
    free(a);
    free(b);
}

int main(void)
{
    a_word_with_room_gives_the_number_back();
    a_word_without_room_is_no_number();
    words_made_up_are_numbers_once_in_65536();
    another_seed_gives_other_words();
    return check_result();
}
