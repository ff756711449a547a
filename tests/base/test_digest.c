/* Digests give what the documents that define them say. */
#include "base/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

static pk_bytes text_of(const char *text)
{
    return (pk_bytes){(const uint8_t *)text, strlen(text)};
}

static const char *hex(const uint8_t *bytes, uint32_t len)
{
    static char text[2 * PK_DIGEST_MAX + 1];
    for (uint32_t i = 0; i < len; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return text;
}

static void check_digest(pk_digest digest, const char *first, const char *second, const char *want)
{
    uint8_t got[PK_DIGEST_MAX];
    uint32_t len = pk_digest_of(digest, text_of(first), text_of(second), got);
    CHECK_TEXT(hex(got, len), want);
}

static void check_hmac(pk_digest digest, pk_bytes key, pk_bytes text, const char *want)
{
    uint8_t got[PK_DIGEST_MAX];
    uint32_t len = pk_digest_hmac(digest, key, text, got);
    CHECK_TEXT(hex(got, len), want);
}

/* RFC 1321 appendix A.5 */
static void test_md5(void)
{
    check_digest(PK_DIGEST_MD5, "", "", "d41d8cd98f00b204e9800998ecf8427e");
    check_digest(PK_DIGEST_MD5, "a", "", "0cc175b9c0f1b6a831c399e269772661");
    check_digest(PK_DIGEST_MD5, "ab", "c", "900150983cd24fb0d6963f7d28e17f72");
    check_digest(PK_DIGEST_MD5, "message digest", "", "f96b697d7cb7938d525a2f31aaf161d0");
    check_digest(PK_DIGEST_MD5, "abcdefghijklmnopqrstuvwxyz", "",
                 "c3fcd3d76192e4007dfb496cca67e13b");
    check_digest(PK_DIGEST_MD5, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
                 "", "d174ab98d277d9f5a5611c2c9f419d9f");
    check_digest(PK_DIGEST_MD5, "1234567890123456789012345678901234567890",
                 "1234567890123456789012345678901234567890", "57edf4a22be3c955ac49da2e2107b67a");
}

/* RFC 3174 section 7.3, RFC 6234 section 8.5 */
static void test_sha(void)
{
    static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    check_digest(PK_DIGEST_SHA1, "abc", "", "a9993e364706816aba3e25717850c26c9cd0d89d");
    check_digest(PK_DIGEST_SHA1, two_blocks, "", "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    check_digest(PK_DIGEST_SHA256, "abc", "",
                 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check_digest(PK_DIGEST_SHA256, two_blocks, "",
                 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    char *million = malloc(1000001);
    if (!million)
        exit(1);
    memset(million, 'a', 1000000);
    million[1000000] = 0;
    check_digest(PK_DIGEST_SHA1, million, "", "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    check_digest(PK_DIGEST_SHA256, million, "",
                 "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(million);
    char eight[9 * 64 + 1];
    for (unsigned i = 0; i < sizeof eight; i++)
        eight[i] = (char)('0' + i % 8);
    eight[sizeof eight - 1] = 0;
    check_digest(PK_DIGEST_SHA1, eight,
                 "0123456701234567012345670123456701234567012345670123456701234567",
                 "dea356a2cddd90c7a7ecedc5ebb563934f460452");
}

/* RFC 2202 sections 2 and 3, RFC 4231 sections 4.2, 4.3 and 4.7 */
static void test_hmac(void)
{
    uint8_t bytes[131];
    memset(bytes, 0x0b, sizeof bytes);
    check_hmac(PK_DIGEST_MD5, (pk_bytes){bytes, 16}, text_of("Hi There"),
               "9294727a3638bb1c13f48ef8158bfc9d");
    check_hmac(PK_DIGEST_SHA1, (pk_bytes){bytes, 20}, text_of("Hi There"),
               "b617318655057264e28bc0b6fb378c8ef146be00");
    check_hmac(PK_DIGEST_SHA256, (pk_bytes){bytes, 20}, text_of("Hi There"),
               "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    pk_bytes question = text_of("what do ya want for nothing?");
    check_hmac(PK_DIGEST_MD5, text_of("Jefe"), question, "750c783e6ab0b503eaa86e310a5db738");
    check_hmac(PK_DIGEST_SHA1, text_of("Jefe"), question,
               "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    check_hmac(PK_DIGEST_SHA256, text_of("Jefe"), question,
               "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(bytes, 0xaa, sizeof bytes);
    pk_bytes larger = text_of("Test Using Larger Than Block-Size Key - Hash Key First");
    check_hmac(PK_DIGEST_MD5, (pk_bytes){bytes, 80}, larger, "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd");
    check_hmac(PK_DIGEST_SHA1, (pk_bytes){bytes, 80}, larger,
               "aa4ae5e15272d00e95705637ce8a3b55ed402112");
    check_hmac(PK_DIGEST_SHA256, (pk_bytes){bytes, 131}, larger,
               "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

/* The paper's appendix A, and the first and last vectors of its reference implementation. */
static void test_siphash(void)
{
    uint8_t key[16], text[64];
    for (unsigned i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)i;
    memcpy(key, text, sizeof key);
    CHECK(pk_siphash(key, (pk_bytes){text, 15}) == UINT64_C(0xa129ca6149be45e5));
    CHECK(pk_siphash(key, (pk_bytes){text, 0}) == UINT64_C(0x726fdb47dd0e0e31));
    CHECK(pk_siphash(key, (pk_bytes){text, 8}) == UINT64_C(0x93f5f5799a932462));
    CHECK(pk_siphash(key, (pk_bytes){text, 63}) == UINT64_C(0x958a324ceb064572));
}

int main(void)
{
    test_md5();
    test_sha();
    test_hmac();
    test_siphash();
    return check_result();
}
