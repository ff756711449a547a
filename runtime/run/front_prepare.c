#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "run/front_internal.h"
#include "run/params.h"

#define LAB_RATE (UINT64_C(10000) * 1000000) /* in a network of our own */

static int open_lab(pk_front *f)
{
    const pk_front_setup *setup = f->setup;
    pk_lab_options options = {.hops = setup->lab_hops};
    int error = pk_lab_open(&f->lab, &options, &f->error);
    for (uint32_t i = 0; !error && i < setup->n_lab_ports; i++)
        error = pk_lab_listen(f->lab, AF_INET6, setup->lab_ports[i], &f->error);
    if (!error && *pk_lab_warning(f->lab) && !setup->quiet)
        pk_front_note(f, "lab: %s\n", pk_lab_warning(f->lab));
    return error;
}

static int open_machine(pk_front *f)
{
    int error = pk_paths_open(&f->paths, &f->error);
    if (error)
        return error;
    const pk_files_options options = {.resolve = f->setup->resolve, .gzip = f->setup->gzip};
    f->files = pk_files_new(&options);
    if (!f->files)
        return pk_error_set(&f->error, PK_ENOMEM, "no memory for files");
    pk_env env = pk_paths_env(f->paths);
    env.files = pk_files_env(f->files);
    f->vm = pk_vm_new(f->setup->image, &env);
    return f->vm ? PK_OK : pk_error_set(&f->error, PK_ENOMEM, "no memory for the machine");
}

static int set_params(pk_front *f)
{
    const pk_front_setup *setup = f->setup;
    pk_ref *given = pk_arena_array(&f->arena, setup->n_params + 1u, sizeof *given);
    if (!given)
        return pk_error_set(&f->error, PK_ENOMEM, "no memory for parameters");
    for (uint32_t i = 0; i < setup->n_params; i++) {
        const pk_front_param *param = &setup->params[i];
        int error =
            pk_params_assign(f->vm, setup->image, &f->arena, param->name, param->text, &f->error);
        if (error)
            return error;
        given[i] = pk_params_find(setup->image, param->name);
    }
    return pk_params_complete(setup->image, given, setup->n_params, &f->error);
}

/* The lab has one link, and nobody in it is disturbed by a rate. */
static void suit_lab(pk_front *f)
{
    pk_run_options *options = &f->options;
    if (!f->setup->lab)
        return;
    if (options->interface[0] && strcmp(options->interface, PK_LAB_INTERFACE) != 0) {
        if (!f->setup->quiet)
            pk_front_note(f, "lab: %s stands for interface %s\n", PK_LAB_INTERFACE,
                          options->interface);
    }
    memcpy(options->interface, PK_LAB_INTERFACE, sizeof PK_LAB_INTERFACE);
    if (!(options->given & PK_RUN_RATE))
        options->rate = LAB_RATE;
}

static int choose_seed(pk_front *f)
{
    if (f->options.given & PK_RUN_SEED)
        return PK_OK;
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        return pk_error_set(&f->error, PK_EIO, "the kernel gives no random number for a seed");
    /* Short enough to be typed again; as the key of cookies, too long to be tried out. */
    f->options.seed = f->options.stateless ? seed >> 1 : seed >> 32;
    return PK_OK;
}

static int read_options(pk_front *f)
{
    const pk_image *image = f->setup->image;
    f->options = f->setup->options;
    int error = pk_front_earlier(f);
    if (error)
        return error;
    error =
        pk_run_options_read(f->vm, image, &image->probes[f->setup->probe], &f->options, &f->error);
    if (error)
        return error;
    suit_lab(f);
    return choose_seed(f);
}

static int open_space(pk_front *f)
{
    pk_vm_error error = {0};
    if (pk_vm_space_open(f->vm, f->options.seed, &error) == PK_OK)
        return PK_OK;
    return pk_error_set(&f->error, error.code, "%s", error.text);
}

static int open_session(pk_front *f)
{
    pk_session_setup setup = {.vm = f->vm,
                              .image = f->setup->image,
                              .probe = f->setup->probe,
                              .options = &f->options,
                              .paths = f->paths,
                              .filter = f->setup->filter,
                              .filter_context = f->setup->context};
    int error = PK_OK;
    if (f->options.interface[0])
        error = pk_paths_interface_set(f->paths, f->options.interface, &f->error);
    if (!error)
        error = pk_session_new(&f->session, &setup, &f->error);
    if (!error)
        error = pk_front_resume(f);
    if (!error)
        error = pk_front_open_scope(f);
    return error ? error : pk_session_open(f->session, &f->error);
}

static int open_view(pk_front *f)
{
    const pk_front_setup *setup = f->setup;
    if (!setup->view)
        return PK_OK;
    const pk_viewed_setup viewed = {
        .image = setup->image,
        .vm = f->vm,
        .view = setup->view,
        .forced = setup->reformat,
        .format = setup->format,
        .width = setup->width,
        .link = pk_transport_link_of(pk_session_transport(f->session))->link,
        .program = setup->program};
    return pk_viewed_open(&f->viewed, &viewed, &f->error);
}

/* A run without the guard that it asked for is a run that knows of it. */
static void open_guard(pk_front *f)
{
    pk_error why = {0};
    const pk_transport_link *link = pk_transport_link_of(pk_session_transport(f->session));
    if (f->options.guard && pk_guard_open(&f->guard, link->index, &why))
        pk_front_note(f, "guard: this kernel will answer TCP with resets: %s\n", why.text);
}

int pk_front_prepare(pk_front *f)
{
    if (f->setup->lab && open_lab(f))
        return pk_front_fail(f, PK_EXIT_ENVIRONMENT);
    if (open_machine(f))
        return pk_front_fail(f, PK_EXIT_ENVIRONMENT);
    int error = set_params(f);
    if (error)
        return pk_front_fail(f, error == PK_ENOENT ? PK_EXIT_USAGE : pk_front_exit_of(error));
    if (read_options(f) || open_space(f))
        return pk_front_fail(f, f->error.code == PK_ENOMEM ? PK_EXIT_ENVIRONMENT : PK_EXIT_USAGE);
    if (f->setup->print_config) {
        pk_front_config(f, &f->out);
        return 0;
    }
    if (f->setup->dry_run)
        pk_paths_silence(f->paths);
    if ((error = open_session(f)) || (error = pk_front_check_targets(f)))
        return pk_front_fail(f, error == PK_ELIMIT ? PK_EXIT_USAGE : pk_front_exit_of(error));
    open_guard(f);
    f->report = (pk_report){.session = f->session,
                            .vm = f->vm,
                            .image = f->setup->image,
                            .form = f->setup->form,
                            .verbosity = f->setup->verbosity,
                            .cache = pk_writer_cache_new(f->setup->image)};
    if (f->setup->dry_run) {
        pk_front_plan(f, &f->out);
        return 0;
    }
    return pk_front_open_record(f) || open_view(f) ? pk_front_fail(f, PK_EXIT_OUTPUT) : 0;
}
