/* What a stimulus and its answer cost beside the kernel's work.
 *
 *   bench_probe KIND COUNT     prints ns a stimulus
 *
 * KIND is icmp or tcp (every stimulus is answered, on a transport in memory), or send (nothing is
 * received). COUNT stimuli, of 65,536 addresses, are sent at once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../run/scene.h"

#define ETHER "eth(dst=02:00:00:00:00:02, src=02:00:00:00:00:01)/"

enum { ETHERNET = 14, IPV4 = 20 };

static const struct {
    const char *name, *text;
} kinds[] = {
    {"icmp", "send " ETHER "ip(src=10.0.0.1, dst=10.1.0.0/16)/icmp()"},
    {"tcp", "send " ETHER "ip(src=10.0.0.1, dst=10.1.0.0/16)/tcp(dport=80, flags=S, seq=7)"},
    {"send", "send " ETHER "ip(src=10.0.0.1, dst=10.1.0.0/16)/tcp(dport=80, flags=S, seq=7)"},
};

static void swap(uint8_t *a, uint8_t *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t keep = a[i];
        a[i] = b[i];
        b[i] = keep;
    }
}

/* A SYN's answer: RST, ACK. */
static void answer(scene *s, const pk_sent *sent)
{
    uint8_t frame[128];
    uint8_t *tcp = frame + ETHERNET + IPV4;
    scene_echo_reply(sent->bytes, frame);
    if (frame[ETHERNET + 9] == 6) {
        memcpy(tcp, sent->bytes.data + ETHERNET + IPV4, 1);
        swap(tcp, tcp + 2, 2);
        memset(tcp + 4, 0, 4);
        memcpy(tcp + 8, sent->bytes.data + ETHERNET + IPV4 + 4, 4);
        tcp[11]++;
        tcp[13] = 0x14;
    }
    scene_put(s, frame, sent->bytes.len);
}

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
    scene s;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    const char *text = NULL;
    for (unsigned i = 0; argc > 1 && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, argv[1]) == 0)
            text = kinds[i].text;
    if (!text || !count) {
        (void)fprintf(stderr, "usage: bench_probe icmp|tcp|send COUNT\n");
        return 2;
    }
    scene_open(&s, text);
    s.options.rate = 0;
    s.options.count = count;
    s.options.discard = strcmp(argv[1], "send") == 0;
    s.responder = s.options.discard ? NULL : answer;
    double start = now();
    int code = scene_run(&s, NULL);
    double spent = now() - start;
    bool good = code == PK_OK && (s.options.discard || s.counts.answered == count);
    (void)printf("%.1f\n", spent / (double)count);
    scene_close(&s);
    return good ? 0 : 1;
}
