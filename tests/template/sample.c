#include "sample.h"

#include <inttypes.h>

uint64_t sample_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t sample_below(uint64_t *state, uint64_t n)
{
    return sample_next(state) % n;
}

/* A number or a set of numbers of up to `bits` bits; the program's sets `a` (0 to 12) and `b` may take part. */
static void number(uint64_t *state, pk_buf *out, unsigned bits)
{
    uint64_t mask = bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    uint64_t lo = sample_next(state) & mask, more = sample_below(state, 5);
    switch (sample_below(state, 10)) {
    case 0:
    case 1:
        pk_buf_printf(out, "%" PRIu64, lo);
        return;
    case 2:
        pk_buf_printf(out, "%" PRIu64 "..%" PRIu64, lo - (lo > more ? more : lo), lo);
        return;
    case 3:
        pk_buf_printf(out, "[%" PRIu64 ", %" PRIu64 ", %" PRIu64 "]", lo, lo >> 1, mask);
        return;
    case 4:
        pk_buf_printf(out, "random(0..%" PRIu64 ")", lo);
        return;
    case 5:
        pk_buf_text(out, bits >= 4 ? "a" : "1");
        return;
    case 6:
        pk_buf_printf(out, "a * %" PRIu64 " + b & 0x%" PRIx64, 1 + more, mask);
        return;
    case 7:
        pk_buf_printf(out, "(a << %" PRIu64 " ^ b) & 0x%" PRIx64, more, mask);
        return;
    case 8:
        pk_buf_printf(out, "b %% %" PRIu64, 1 + (lo & 7));
        return;
    default:
        pk_buf_printf(out, "0..%" PRIu64, mask < 1000 ? mask : 999);
        return;
    }
}

static void field(uint64_t *state, pk_buf *out, bool *some, const char *name, unsigned bits)
{
    if (sample_below(state, 3))
        return;
    pk_buf_printf(out, "%s%s=", *some ? ", " : "", name);
    number(state, out, bits);
    *some = true;
}

static void address(uint64_t *state, pk_buf *out)
{
    unsigned x = (unsigned)sample_below(state, 200) + 1, y = (unsigned)sample_below(state, 256);
    switch (sample_below(state, 7)) {
    case 0:
        pk_buf_printf(out, "10.%u.%u.0/%u", x, y, 20 + x % 12);
        return;
    case 1:
        pk_buf_printf(out, "192.0.2.%u..192.0.3.%u", y, x);
        return;
    case 2:
        pk_buf_printf(out, "[10.0.0.%u, 172.16.%u.1, 9.9.9.9]", x, y);
        return;
    case 3:
        pk_buf_printf(out, "random(10.%u.0.0/16)", y);
        return;
    case 4:
        pk_buf_printf(out, "10.%u.0.0 + a", x);
        return;
    case 5:
        pk_buf_printf(out, "10.0.0.0/%u except [10.0.0.%u, 10.0.0.%u..10.0.0.250]", 22 + x % 6, y,
                      y);
        return;
    default:
        pk_buf_printf(out, "10.0.%u.%u", y, x);
        return;
    }
}

static void ether(uint64_t *state, pk_buf *out)
{
    static const char *const sources[] = {
        "02:00:00:00:00:01", "02:00:00:00:00:00..02:00:00:00:00:09", "02:00:00:00:00:00 + b",
        "random(02:00:00:00:00:00..02:00:00:00:ff:00)"};
    pk_buf_printf(out, "eth(dst=02:00:00:00:00:02, src=%s)/", sources[sample_below(state, 4)]);
    for (uint64_t tags = sample_below(state, 3); tags; tags--) {
        bool some = false;
        pk_buf_text(out, "dot1q(");
        field(state, out, &some, "vlan", 12);
        field(state, out, &some, "prio", 3);
        pk_buf_text(out, ")/");
    }
}

static void network4(uint64_t *state, pk_buf *out)
{
    bool some = true;
    pk_buf_text(out, "ip(dst=");
    address(state, out);
    if (sample_below(state, 2)) {
        pk_buf_text(out, ", src=");
        address(state, out);
    }
    field(state, out, &some, "ttl", 8);
    field(state, out, &some, "id", 16);
    field(state, out, &some, "tos", 8);
    field(state, out, &some, "flags", 3);
    if (!sample_below(state, 6))
        pk_buf_text(out, ", options=[router_alert(alert=a), nop]");
    pk_buf_text(out, ")/");
}

static void network6(uint64_t *state, pk_buf *out)
{
    static const char *const to[] = {"2001:db8::1", "2001:db8::/120", "2001:db8::7 + 0",
                                     "[2001:db8::1, fe80::2, ff02::1]",
                                     "2001:db8::fffe..2001:db8::1:3"};
    bool some = true;
    pk_buf_printf(out, "ipv6(src=2001:db8::9, dst=%s",
                  to[sample_below(state, 5) == 2 ? 0 : sample_below(state, 5)]);
    field(state, out, &some, "hlim", 8);
    field(state, out, &some, "fl", 20);
    pk_buf_text(out, ")/");
}

static void payload(uint64_t *state, pk_buf *out)
{
    switch (sample_below(state, 6)) {
    case 0:
        return;
    case 1:
        pk_buf_text(out, "/\"odd\"");
        return;
    case 2:
        pk_buf_text(out, "/[\"GET a\", \"GET b\", \"POST.\"]");
        return;
    case 3:
        pk_buf_printf(out, "/zeros(%" PRIu64 ")", sample_below(state, 90));
        return;
    case 4:
        pk_buf_text(out, "/(\"n\" + u16(a * 7) + u8(b & 255) + \"tail\")");
        return;
    default:
        pk_buf_text(out, "/(\"x\" + u32(random) + [\"abcdefghijk\", \"ABCDEFGHIJK\"])");
        return;
    }
}

static void transport(uint64_t *state, pk_buf *out)
{
    bool some = true;
    switch (sample_below(state, 3)) {
    case 0:
        pk_buf_text(out, "tcp(flags=S");
        field(state, out, &some, "sport", 16);
        field(state, out, &some, "dport", 16);
        field(state, out, &some, "seq", 32);
        field(state, out, &some, "window", 16);
        field(state, out, &some, "reserved", 3);
        if (!sample_below(state, 3))
            pk_buf_text(out, ", options=[mss(1400..1402), nop, wscale(b & 7), ts(random(u32), 1)]");
        break;
    case 1:
        pk_buf_text(out, "udp(sport=9");
        field(state, out, &some, "dport", 16);
        if (!sample_below(state, 8))
            pk_buf_text(out, ", chksum=0");
        break;
    default:
        pk_buf_text(out, "icmp(code=0");
        field(state, out, &some, "id", 16);
        field(state, out, &some, "seq", 16);
        break;
    }
    pk_buf_text(out, ")");
}

void sample_program(uint64_t *state, pk_buf *out)
{
    uint64_t first = sample_below(state, 900);
    pk_buf_printf(out,
                  "param a: set(u16) = 0..%" PRIu64 "\nparam b: set(u16) = %" PRIu64 "..%" PRIu64
                  "\nsend ",
                  sample_below(state, 13), first, first + sample_below(state, 60));
    if (sample_below(state, 2))
        ether(state, out);
    bool six = !sample_below(state, 4);
    six ? network6(state, out) : network4(state, out);
    if (!six && !sample_below(state, 4)) {
        pk_buf_text(out, sample_below(state, 2) ? "gre()/" : "gre(chksum_present=1)/");
        network4(state, out);
    }
    transport(state, out);
    payload(state, out);
    pk_buf_text(out, "\n");
}
