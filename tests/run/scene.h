/*
 * A session on a transport in memory, for tests: text is compiled, run, and each frame sent is
 * shown to a responder of the test, which puts answers before the receive side as it likes.
 */
#ifndef PK_TESTS_SCENE_H
#define PK_TESTS_SCENE_H

#include "io/memory.h"
#include "run/session.h"

typedef struct scene scene;

/* Called for every frame sent; puts answers with scene_put. */
typedef void scene_responder(scene *s, const pk_sent *sent);

struct scene {
    pk_image image;
    pk_buf image_bytes;
    pk_vm *vm;
    pk_run_options options;
    pk_transport *transport;
    pk_session *session;
    pk_session_counts counts;
    scene_responder *responder;
    volatile sig_atomic_t stop;
    uint64_t seen[6]; /* received packets by verdict, as the observer heard of them */
    uint64_t quoted;
    void *own; /* the test's */
    pk_error error;
};

/* Compiles; the program's first probe is what runs. Ends the test program when it cannot. */
void scene_open(scene *s, const char *text);
/* The same with surroundings for the machine. */
void scene_open_in(scene *s, const char *text, const pk_env *env);

/* Runs with the probe's options; `transport` may be NULL. Returns the run's code. */
int scene_run(scene *s, const pk_memory_options *transport);
void scene_close(scene *s);

void scene_put(scene *s, const uint8_t *frame, size_t len);

/* The echo reply to an Ethernet, IPv4, ICMP echo request; `out` takes as many bytes. Checksums are
 * left as they were: matching does not look at them. */
void scene_echo_reply(const pk_bytes request, uint8_t *out);

/* A destination unreachable from `from` that quotes `quoted` bytes of the request's datagram;
 * returns its length. */
size_t scene_unreachable(const pk_bytes request, const uint8_t from[4], size_t quoted,
                         uint8_t *out);

#endif
