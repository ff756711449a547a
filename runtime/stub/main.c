/* The main of a standalone probe: an image in a section of this program, its parameters as flags.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "run/confine.h"
#include "run/front.h"
#include "stub/arguments.h"
#include "stub/carried.h"

#ifndef PK_STUB_VERSION_TEXT
#define PK_STUB_VERSION_TEXT "of an unknown build"
#endif

static volatile sig_atomic_t stop, again, state;

static void on_signal(int number)
{
    if (number == SIGHUP)
        again = again + 1;
    else if (number == SIGUSR1)
        state = state + 1;
    else if (stop < 2)
        stop++;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static bool write_all(int fd, const char *text, size_t len)
{
    while (len) {
        ssize_t wrote = write(fd, text, len);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return false;
        text += wrote;
        len -= (size_t)wrote;
    }
    return true;
}

static bool put(void *context, const char *text, size_t len)
{
    (void)context;
    if (write_all(STDOUT_FILENO, text, len))
        return true;
    if (stop < 2)
        stop = 2;
    return false;
}

static void tell(void *context, const char *text, size_t len)
{
    (void)context;
    (void)!write_all(STDERR_FILENO, text, len);
}

static int complain(const char *name, const char *text)
{
    const char *parts[] = {name, ": ", text, "\n"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        tell(NULL, parts[i], strlen(parts[i]));
    return PK_EXIT_USAGE;
}

static void info(const pk_image *image, pk_buf *out)
{
    pk_buf_printf(out, "pktc probe, runtime %s\nimage %016llx, %zu bytes, %u layers\n",
                  PK_STUB_VERSION_TEXT, (unsigned long long)image->hash, image->blob_len,
                  image->n_layers ? image->n_layers - 1 : 0);
    for (pk_ref i = 1; i < image->n_probes; i++)
        pk_buf_printf(out, "probe %s\n",
                      image->probes[i].name ? pk_image_text(image, image->probes[i].name)
                                            : "(without a name)");
    for (pk_ref i = 1; i < image->n_params; i++)
        pk_buf_printf(out, "parameter %s\n", pk_image_text(image, image->params[i].name));
}

/* What only says something; the image was checked when it was loaded. */
static int say(const pk_image *image, pk_stub_verb verb, const char *name)
{
    pk_buf out = {0};
    if (verb == PK_STUB_HELP)
        pk_stub_help(image, name, &out);
    else if (verb == PK_STUB_VERSION)
        pk_buf_text(&out, "pktc probe " PK_STUB_VERSION_TEXT "\n");
    else if (verb == PK_STUB_INFO)
        info(image, &out);
    else if (verb == PK_STUB_VERIFY)
        pk_buf_printf(&out, "image %016llx is sound\n", (unsigned long long)image->hash);
    else if (image->n_source > 1)
        pk_buf_add(&out, image->source + 1, image->n_source - 1);
    bool fine = !out.failed && write_all(STDOUT_FILENO, pk_buf_cstr(&out), out.len);
    pk_buf_free(&out);
    return fine ? PK_EXIT_ANSWERED : PK_EXIT_OUTPUT;
}

static int run(const pk_image *image, int argc, char **argv, const char *name)
{
    pk_arena arena = {0};
    pk_error error = {0};
    pk_stub_verb verb;
    pk_front_setup setup = {.image = image,
                            .progress = isatty(STDERR_FILENO),
                            .program = "pktc probe " PK_STUB_VERSION_TEXT,
                            .opened = pk_confine,
                            .stop = &stop,
                            .again = &again,
                            .state = &state,
                            .name = name,
                            .put = put,
                            .tell = tell};
    pk_run_options_init(&setup.options);
    int code;
    if (pk_stub_arguments(image, argc, argv, &arena, &setup, &verb, &error))
        code = complain(name, error.text);
    else if (verb != PK_STUB_RUN)
        code = say(image, verb, name);
    else
        code = pk_front_run(&setup, NULL);
    pk_arena_free(&arena);
    return code;
}

int main(int argc, char **argv)
{
    const char *slash = argc ? strrchr(argv[0], '/') : NULL;
    const char *name = slash ? slash + 1 : argc ? argv[0] : "probe";
    pk_bytes carried;
    pk_image image;
    char why[256];
    catch_signals();
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (!pk_carried_image(&carried))
        return complain(name, "this is a stub without an image (pktc build gives it one)");
    if (pk_image_load(carried.data, carried.len, &image, why, sizeof why)) {
        complain(name, why);
        return PK_EXIT_ENVIRONMENT;
    }
    return run(&image, argc, argv, name);
}
