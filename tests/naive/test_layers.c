/*
 * Dissection by the standard layers: what the leaves are on chosen inputs; and on every vector, cut
 * short everywhere and mutated from a fixed seed: that the leaves partition the input (T1) and that
 * giving every leaf back rebuilds it (T2).
 */
#include "test.h"

#include <dirent.h>

typedef struct reading {
    const char *layer, *bytes, *leaves;
} reading;

static const reading readings[] = {
    {"arp", "0001 0800 06 04 0001 020000000002 c0000201 000000000000",
     "arp.hwtype:16=1 arp.ptype:16=2048 arp.hwlen:8=6 arp.plen:8=4 arp.op:16=1 "
     "arp.hwsrc:48=020000000002 arp.psrc:32=c0000201 arp.hwdst:48=000000000000 arp.pdst:0="},
    {"udp", "0001 0002 000a 0000 6869 ffff",
     "udp.sport:16=1 udp.dport:16=2 udp.len:16=10 udp.chksum:16=0 raw.load:16=6869 "
     "frame._rest:16=ffff"},
    {"ip", "45000020 00010000 40110000 c0000201 c0000209 0001 0002 000a 0000 6869 eeee ffff",
     "ip.version:4=4 ip.ihl:4=5 ip.tos:8=0 ip.len:16=32 ip.id:16=1 ip.flags:3=0 ip.frag:13=0 "
     "ip.ttl:8=64 ip.proto:8=17 ip.chksum:16=0 ip.src:32=c0000201 ip.dst:32=c0000209 ip.optpad:0= "
     "udp.sport:16=1 udp.dport:16=2 udp.len:16=10 udp.chksum:16=0 raw.load:16=6869 "
     "ip._rest:16=eeee frame._rest:16=ffff"},
    {"udp", "0001 0002 0003 0000 6869",
     "udp.sport:16=1 udp.dport:16=2 udp.len:16=3 udp.chksum:16=0 frame._rest:16=6869"},
    {"udp", "0001 0002 00", "udp.sport:16=1 udp.dport:16=2 udp._cut:8=00"},
    {"udp", "0001 0002", "udp.sport:16=1 udp.dport:16=2 udp._cut:0="},
    {"dot1q", "b0", "dot1q.prio:3=5 dot1q.dei:1=1 dot1q._cut:4=00"},
    {"tcp", "0014 0050 00000000 00000000 7002 2000 0000 0000 01 030302 00 aabbcc dd",
     "tcp.sport:16=20 tcp.dport:16=80 tcp.seq:32=0 tcp.ack:32=0 tcp.dataofs:4=7 tcp.reserved:3=0 "
     "tcp.flags:9=2 tcp.window:16=8192 tcp.chksum:16=0 tcp.urgptr:16=0 tcp_option.kind:8=1 "
     "tcp_option.kind:8=3 tcp_option.length:8=3 wscale.shift:8=2 tcp_option.kind:8=0 "
     "tcp.optpad:24=aabbcc raw.load:8=dd"},
    {"tcp_option", "02 63 05b4 01",
     "tcp_option.kind:8=2 tcp_option.length:8=99 mss.mss:16=1460 "
     "tcp_option._rest:8=01"},
    {"tcp_option", "02 00 05b4", "tcp_option.kind:8=2 tcp_option.length:8=0 frame._rest:16=05b4"},
    {"tcp_option", "4c 04 0102", "tcp_option.kind:8=76 tcp_option.length:8=4 raw.load:16=0102"},
    {"icmp", "0b00 0000 00 00 0000 4500001c",
     "icmp.type:8=11 icmp.code:8=0 icmp.chksum:16=0 icmp.reserved:8=0 icmp.length:8=0 "
     "icmp.unused:16=0 ip.version:4=4 ip.ihl:4=5 ip.tos:8=0 ip.len:16=28 ip._cut:0= "
     "icmp.quotepad:0="},
    {"icmp", "0500 0000 c0000201",
     "icmp.type:8=5 icmp.code:8=0 icmp.chksum:16=0 icmp.gw:32=c0000201 "
     "icmp.quotepad:0="},
    {"llc", "f0 f0 10 02 55",
     "llc.dsap:8=240 llc.ssap:8=240 llc.ctrl:8=16 llc.ctrl2:8=2 "
     "raw.load:8=55"},
    {"eth", "ffffffffffff 020000000002 0004 141403aa 0000",
     "eth.dst:48=ffffffffffff eth.src:48=020000000002 eth.type:16=4 llc.dsap:8=20 llc.ssap:8=20 "
     "llc.ctrl:8=3 raw.load:8=aa eth.pad:16=0000"},
    {"rawip", "60", "ipv6.version:4=6 ipv6._cut:4=00"},
};

static void summary(naive_unit *unit, const naive_layer *layer, const char *hex, pk_buf *out)
{
    uint8_t bytes[2048];
    naive_dissection *d = naive_dissect(unit, layer, bytes, from_hex(hex, bytes, sizeof bytes));
    for (size_t i = 0; i < naive_leaves(d); i++) {
        const naive_leaf *leaf = naive_leaf_at(d, i);
        pk_buf_printf(out, "%s%s:%llu=", i == 0 ? "" : " ", leaf->path,
                      (unsigned long long)leaf->bits);
        if (leaf->is_number)
            pk_buf_printf(out, "%llu", (unsigned long long)leaf->number);
        for (size_t b = 0; !leaf->is_number && b < leaf->value_len; b++)
            pk_buf_printf(out, "%02x", leaf->value[b]);
    }
    naive_dissection_free(d);
}

static void chosen_inputs(naive_unit *unit)
{
    for (size_t i = 0; i < sizeof readings / sizeof *readings; i++) {
        const naive_layer *layer = naive_layer_find(unit, readings[i].layer);
        pk_buf got = {0};
        EXPECT(layer != NULL, "no layer %s", readings[i].layer);
        summary(unit, layer, readings[i].bytes, &got);
        EXPECT(strcmp(pk_buf_cstr(&got), readings[i].leaves) == 0,
               "%s %s\n  expected %s\n  got      %s", readings[i].layer, readings[i].bytes,
               readings[i].leaves, pk_buf_cstr(&got));
        pk_buf_free(&got);
    }
}

/* ---- properties --------------------------------------------------------------------------------
 */

static unsigned long inputs;

static void tiles_and_rebuilds(naive_unit *unit, const naive_layer *layer, const uint8_t *bytes,
                               size_t len)
{
    naive_dissection *d = naive_dissect(unit, layer, bytes, len);
    uint64_t at = 0;
    for (size_t i = 0; i < naive_leaves(d); i++) {
        const naive_leaf *leaf = naive_leaf_at(d, i);
        EXPECT(leaf->off == at, "a gap or overlap at bit %llu before %s", (unsigned long long)at,
               leaf->path);
        at += leaf->bits;
    }
    EXPECT(at == (uint64_t)len * 8, "leaves cover %llu of %zu bits", (unsigned long long)at,
           len * 8);
    pk_buf again = {0};
    bool good = naive_rebuild(d, &again);
    EXPECT(good && again.len == len && (len == 0 || memcmp(again.data, bytes, len) == 0),
           "rebuilt differently (%s)", good ? "" : naive_unit_error(unit));
    pk_buf_free(&again);
    naive_dissection_free(d);
    inputs++;
}

static void mutate(uint8_t *bytes, size_t len, uint64_t *state)
{
    uint64_t flips = 1 + next_random(state) % 4;
    for (uint64_t i = 0; i < flips && len; i++) {
        uint64_t r = next_random(state);
        bytes[r % len] = (uint8_t)(r >> 32);
    }
}

static void one_vector(naive_unit *unit, const char *hex, const char *expression, uint64_t *state)
{
    uint8_t bytes[2048], changed[2048];
    char name[64];
    size_t len = from_hex(hex, bytes, sizeof bytes), n = strcspn(expression, "(");
    EXPECT(n < sizeof name, "%s is no vector", expression);
    if (n >= sizeof name)
        return;
    memcpy(name, expression, n);
    name[n] = 0;
    const naive_layer *layer = naive_layer_find(unit, name);
    EXPECT(layer != NULL, "no layer %s", name);
    for (size_t cut = 0; cut <= len; cut++)
        tiles_and_rebuilds(unit, layer, bytes, cut);
    for (unsigned round = 0; round < 60; round++) {
        memcpy(changed, bytes, len);
        mutate(changed, len, state);
        tiles_and_rebuilds(unit, layer, changed, len);
    }
}

static void every_vector(naive_unit *unit, const char *path, uint64_t *state)
{
    FILE *in = fopen(path, "r");
    char *line = NULL;
    size_t cap = 0;
    EXPECT(in != NULL, "cannot read %s", path);
    while (in != NULL && getline(&line, &cap, in) > 0) {
        char *blank = strchr(line, ' ');
        if (line[0] == '#' || blank == NULL)
            continue;
        *blank = 0;
        one_vector(unit, line, blank + 1, state);
    }
    free(line);
    if (in != NULL)
        fclose(in);
}

static void random_bytes_into_each_layer(naive_unit *unit, uint64_t *state)
{
    static const char *const layers[] = {"eth",       "dot1q",      "arp",      "llc",   "snap",
                                         "ip",        "icmp",       "ipv6",     "tcp",   "udp",
                                         "ip_option", "tcp_option", "icmp_ext", "rawip", "dot3"};
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        const naive_layer *layer = naive_layer_find(unit, layers[i]);
        for (unsigned round = 0; round < 100; round++) {
            uint8_t bytes[256];
            size_t len = next_random(state) % sizeof bytes;
            for (size_t b = 0; b < len; b++)
                bytes[b] = (uint8_t)(next_random(state) >> 56);
            tiles_and_rebuilds(unit, layer, bytes, len);
        }
    }
}

int main(int argc, char **argv)
{
    char path[4096];
    uint64_t state = 0x706b7463;
    if (argc < 3)
        return 2;
    naive_unit *unit = standard_unit(argv[1], NULL);
    chosen_inputs(unit);
    snprintf(path, sizeof path, "%s/vectors/scapy.txt", argv[2]);
    every_vector(unit, path, &state);
    random_bytes_into_each_layer(unit, &state);
    EXPECT(inputs > 5000, "only %lu inputs", inputs);
    printf("%lu inputs, %u failures\n", inputs, failures);
    naive_unit_free(unit);
    return failures != 0;
}
