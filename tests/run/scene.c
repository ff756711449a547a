#include "scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compiled.h"

void scene_open(scene *s, const char *text)
{
    scene_open_in(s, text, NULL);
}

void scene_open_in(scene *s, const char *text, const pk_env *env)
{
    char why[256];
    *s = (scene){0};
    compiled(text, &s->image_bytes);
    if (pk_image_load(s->image_bytes.data, s->image_bytes.len, &s->image, why, sizeof why))
        compiled_give_up(text, why);
    s->vm = pk_vm_new(&s->image, env);
    pk_run_options_init(&s->options);
    if (!s->vm ||
        pk_run_options_read(s->vm, &s->image, &s->image.probes[1], &s->options, &s->error))
        compiled_give_up(text, s->error.text);
    pk_vm_error error = {0};
    if (pk_vm_space_open(s->vm, s->options.seed, &error))
        compiled_give_up(text, error.text);
}

static int on_sent(void *context, const pk_sent *sent)
{
    scene *s = context;
    if (s->responder)
        s->responder(s, sent);
    return PK_OK;
}

static int on_received(void *context, const pk_exchange *exchange)
{
    scene *s = context;
    s->seen[exchange->verdict]++;
    s->quoted += exchange->quoted;
    return PK_OK;
}

int scene_run(scene *s, const pk_memory_options *transport)
{
    pk_session_setup setup = {
        .vm = s->vm, .image = &s->image, .probe = 1, .options = &s->options, .keep = true};
    pk_session_observer observer = {
        .sent = on_sent, .received = on_received, .context = s, .stop = &s->stop};
    pk_memory_options none = {0};
    int error = pk_transport_open_memory(&s->transport, transport ? transport : &none, &s->error);
    if (!error)
        error = pk_session_new(&s->session, &setup, &s->error);
    if (!error)
        error = pk_session_use(s->session, s->transport, &s->error);
    if (!error)
        error = pk_session_run(s->session, &observer, &s->error);
    if (s->session)
        pk_session_counts_of(s->session, &s->counts);
    return error;
}

void scene_close(scene *s)
{
    pk_session_free(s->session);
    pk_transport_close(s->transport);
    pk_vm_free(s->vm);
    pk_buf_free(&s->image_bytes);
}

void scene_put(scene *s, const uint8_t *frame, size_t len)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t time_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    if (pk_memory_put(s->transport, (pk_bytes){frame, len}, time_ns, &s->error))
        compiled_give_up("put", s->error.text);
}

static void swap(uint8_t *a, uint8_t *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t keep = a[i];
        a[i] = b[i];
        b[i] = keep;
    }
}

enum { ETHERNET = 14, IPV4 = 20 };

void scene_echo_reply(const pk_bytes request, uint8_t *out)
{
    memcpy(out, request.data, request.len);
    swap(out, out + 6, 6);
    swap(out + ETHERNET + 12, out + ETHERNET + 16, 4);
    out[ETHERNET + IPV4] = 0;
}

size_t scene_unreachable(const pk_bytes request, const uint8_t from[4], size_t quoted, uint8_t *out)
{
    static const uint8_t icmp[8] = {3, 3};
    size_t datagram = request.len - ETHERNET;
    quoted = quoted < datagram ? quoted : datagram;
    memcpy(out, request.data, ETHERNET + IPV4);
    swap(out, out + 6, 6);
    memcpy(out + ETHERNET + 16, request.data + ETHERNET + 12, 4);
    memcpy(out + ETHERNET + 12, from, 4);
    out[ETHERNET + 2] = 0;
    out[ETHERNET + 3] = (uint8_t)(IPV4 + sizeof icmp + quoted);
    out[ETHERNET + 9] = 1;
    memcpy(out + ETHERNET + IPV4, icmp, sizeof icmp);
    memcpy(out + ETHERNET + IPV4 + sizeof icmp, request.data + ETHERNET, quoted);
    return ETHERNET + IPV4 + sizeof icmp + quoted;
}
