/* The native functions, each written from its definition and not shared with the runtime. */
#include "internal.h"

#include <string.h>

#include "base/rng.h"

/* RFC 1071: the ones' complement of the ones' complement sum of 16-bit words. */
static int64_t inet_sum(pk_bytes bytes)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < bytes.len; i++)
        sum += i % 2 == 0 ? (uint64_t)bytes.data[i] << 8 : bytes.data[i];
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (int64_t)(~sum & 0xffff);
}

static int64_t reflected_crc(pk_bytes bytes, uint32_t polynomial)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= bytes.data[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = (crc & 1) != 0 ? crc >> 1 ^ polynomial : crc >> 1;
    }
    return (int64_t)(crc ^ 0xffffffff);
}

static int64_t adler32(pk_bytes bytes)
{
    uint32_t a = 1, b = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        a = (a + bytes.data[i]) % 65521;
        b = (b + a) % 65521;
    }
    return (int64_t)b << 16 | a;
}

static naive_value repeat(naive_packet *packet, int64_t byte, int64_t count)
{
    if (count < 0)
        count = 0;
    if (count > NAIVE_BYTES_LIMIT) {
        naive_fail(packet->unit, 0, "too many bytes in one value (limit %d)", NAIVE_BYTES_LIMIT);
        count = 0;
    }
    uint8_t *data = naive_alloc(packet->arena, (size_t)count + 1, 1);
    memset(data, (int)(byte & 0xff), (size_t)count);
    return naive_bytes(data, (size_t)count);
}

static naive_value extreme(naive_packet *packet, size_t n, const naive_value *args, bool greatest)
{
    naive_value best = naive_undefined();
    for (size_t i = 0; i < n; i++) {
        int64_t number;
        if (!naive_number(packet, args[i], &number))
            continue;
        bool better = greatest ? number > best.number : number < best.number;
        if (best.kind == NAIVE_UNDEFINED || better)
            best = naive_int(number);
    }
    return best;
}

/* Without surroundings: the fallbacks of the environment functions. */
static naive_value environment(naive_packet *packet, const char *name, size_t n,
                               const naive_value *args)
{
    static const uint8_t zeros[16], ones[6] = {255, 255, 255, 255, 255, 255};
    static const uint8_t loopback4[4] = {127, 0, 0, 1}, loopback6[16] = {[15] = 1};
    if (strcmp(name, "src_mac") == 0)
        return naive_bytes(zeros, 6);
    if (strcmp(name, "nexthop_mac") == 0)
        return naive_bytes(ones, 6);
    pk_bytes to = n == 1 && args[0].kind == NAIVE_BYTES ? args[0].bytes : (pk_bytes){zeros, 0};
    (void)packet;
    if (strcmp(name, "src_ip4") == 0)
        return to.len == 4 && to.data[0] == 127 ? naive_bytes(loopback4, 4) : naive_bytes(zeros, 4);
    if (strcmp(name, "src_ip6") == 0)
        return to.len == 16 && memcmp(to.data, loopback6, 16) == 0 ? naive_bytes(loopback6, 16)
                                                                   : naive_bytes(zeros, 16);
    return naive_undefined();
}

static naive_value of_bytes(const char *name, pk_bytes bytes)
{
    if (strcmp(name, "inet_sum") == 0)
        return naive_int(inet_sum(bytes));
    if (strcmp(name, "crc32") == 0)
        return naive_int(reflected_crc(bytes, 0xedb88320));
    if (strcmp(name, "crc32c") == 0)
        return naive_int(reflected_crc(bytes, 0x82f63b78));
    if (strcmp(name, "adler32") == 0)
        return naive_int(adler32(bytes));
    if (strcmp(name, "len") == 0)
        return naive_int((int64_t)bytes.len);
    return naive_undefined();
}

static int64_t least_bytes(uint64_t number)
{
    int64_t bytes = 1;
    while (bytes < 8 && number >> 8 * bytes != 0)
        bytes++;
    return bytes;
}

/* Bit i to change is a draw below their number, of stream 0 for seed `key` and packet i. */
static naive_value flip_bits(naive_packet *packet, pk_bytes bytes, int64_t count, uint64_t key)
{
    uint8_t *data = naive_alloc(packet->arena, bytes.len + 1, 1);
    if (bytes.len != 0)
        memcpy(data, bytes.data, bytes.len);
    for (int64_t i = 0; i < count && bytes.len != 0; i++) {
        uint64_t bit = (uint64_t)pk_rng_below(key, (pk_u128)i, 0, (pk_u128)bytes.len * 8);
        data[bit / 8] = (uint8_t)(data[bit / 8] ^ (1U << (7 - bit % 8)));
    }
    return naive_bytes(data, bytes.len);
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (strcmp(name, *names) == 0)
            return true;
    }
    return false;
}

bool naive_native(naive_packet *packet, const char *name, size_t n, const naive_value *args,
                  naive_value *ret_value)
{
    static const char *const bytewise[] = {"inet_sum", "crc32", "crc32c", "adler32", "len", NULL};
    static const char *const around[] = {"src_mac", "nexthop_mac", "src_ip4", "src_ip6", NULL};
    static const char *const numeric[] = {"nonzero", "zeros", "ubytes", "fill", NULL};
    int64_t a = 0, b = 0;
    bool has_a = n > 0 && naive_number(packet, args[0], &a);
    bool has_b = n > 1 && naive_number(packet, args[1], &b);
    naive_value value = naive_undefined();
    if (strcmp(name, "flip_bits") == 0) {
        int64_t key = 0;
        if (n == 3 && args[0].kind == NAIVE_BYTES && has_b && naive_number(packet, args[2], &key))
            value = flip_bits(packet, args[0].bytes, b, (uint64_t)key);
    } else if (is_one_of(name, bytewise)) {
        if (n == 1 && args[0].kind == NAIVE_BYTES)
            value = of_bytes(name, args[0].bytes);
    } else if (is_one_of(name, around)) {
        value = environment(packet, name, n, args);
    } else if (strcmp(name, "min") == 0 || strcmp(name, "max") == 0) {
        value = extreme(packet, n, args, name[1] == 'a');
    } else if (!is_one_of(name, numeric)) {
        return false;
    } else if (name[0] == 'n' && has_a) {
        value = naive_int(a == 0 ? 0xffff : a);
    } else if (name[0] == 'z' && has_a) {
        value = repeat(packet, 0, a);
    } else if (name[0] == 'u' && has_a) {
        value = naive_int(least_bytes((uint64_t)a));
    } else if (name[0] == 'f' && has_a && has_b) {
        value = repeat(packet, a, b);
    }
    *ret_value = value;
    return true;
}
