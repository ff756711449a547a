/*
 * Running a probe for a person: everything between a compiled image and an exit code, the same for
 * `pktc run`, `pktc send` and a standalone probe.
 *
 * pk_front_run sets the parameters, opens the lab where asked, asks the routes, opens the session,
 * runs it, puts results out as they come, shows progress, keeps the run in a file, prints the
 * summary whose numbers balance, and says what the exit code is. It prints nothing itself: results
 * and messages go through two functions of the caller. It installs no signal handlers: the caller's
 * handler counts up `stop` (1: stop sending, wait for what is under way; 2: leave).
 *
 * With `lab` the calling process moves into the lab's namespace for good (net/lab.h); it must have
 * one thread.
 */
#ifndef PK_RUN_FRONT_H
#define PK_RUN_FRONT_H

#include <signal.h>

#include "image/image.h"
#include "run/files.h"
#include "run/options.h"
#include "run/session.h"
#include "view/view.h"

#define PK_FRONT_TARGETS    UINT64_C(65536)     /* targets of a run that nobody has confirmed */
#define PK_FRONT_EXCLUSIONS "/etc/pktc/exclude" /* is read where it exists */

/* Exit codes (BEHAVIOUR): the same for every verb. */
enum {
    PK_EXIT_ANSWERED = 0,
    PK_EXIT_SILENT = 1,      /* ran, no answer */
    PK_EXIT_USAGE = 2,       /* usage or compile error */
    PK_EXIT_ENVIRONMENT = 3, /* permission, interface, route, memory */
    PK_EXIT_OUTPUT = 4,      /* results could not be written */
    PK_EXIT_LOST = 5         /* finished, but this machine lost replies */
};

typedef enum pk_front_form {
    PK_FRONT_LINE, /* a line per exchange */
    PK_FRONT_TREE, /* the reply's full field tree behind it */
    PK_FRONT_JSON, /* an object per exchange and line: {"v":1, "n":.., "sent":{..}, "reply":{..}} */
    PK_FRONT_HEX,  /* the reply's bytes behind the line */
    PK_FRONT_SOURCE /* the reply as a description */
} pk_front_form;

typedef enum pk_front_exit {
    PK_FRONT_EXIT_ANY, /* 0 when at least one stimulus was answered */
    PK_FRONT_EXIT_ALL, /* 0 when all were */
    PK_FRONT_EXIT_RAN  /* 0 when it ran */
} pk_front_exit;

typedef struct pk_front_param {
    const char *name, *text;
} pk_front_param;

/* A word of --exclude, --exclude-file, --scope or --allow. */
typedef struct pk_front_reach {
    pk_scope_list list;
    bool file;        /* `text` names a file of members */
    const char *text; /* else members, with commas between */
} pk_front_reach;

typedef struct pk_front_setup {
    const pk_image *image;
    pk_ref probe;                 /* PRB; must be one */
    const pk_front_param *params; /* as typed */
    uint32_t n_params;
    pk_files_resolve *resolve;    /* for host names, NULL: /etc/hosts alone */
    const pk_capture_codec *gzip; /* for packed captures in pcap(..), NULL: they are refused */
    pk_run_options options; /* pk_run_options_init, then what the command line gives, marked */

    bool lab;                  /* in a private network with a kernel that answers for everything */
    uint32_t lab_hops;         /* routers in between */
    const uint16_t *lab_ports; /* TCP ports that are open there */
    uint32_t n_lab_ports;

    const pk_front_reach *reach; /* which destinations are excluded, in scope, allowed */
    uint32_t n_reach;
    bool many; /* also more than PK_FRONT_TARGETS targets that others may own */

    pk_session_filter *filter; /* -f: of what is received; NULL: the probe's own, or none */
    const char *save;   /* -w: pcapng of the run; NULL: none (the probe's own `save` counts then) */
    const char *meta;   /* JSON about the run; NULL: none */
    bool print_config;  /* put out the options that would hold, and end */
    bool dry_run;       /* do everything but send, put out the plan, and end */
    const char *resume; /* go on with the run that this file keeps; NULL: a new one */
    bool unanswered;    /* list the stimuli without an answer, too */
    bool others;        /* list duplicates, late and unmatched packets, too */
    bool quiet;         /* no summary, no progress */
    bool progress;      /* keep a progress line (standard error is a terminal) */
    unsigned verbosity;
    pk_ref view;   /* VIW by which results are shown; 0: a line per exchange, in `form` */
    bool reformat; /* in `format` instead of the view's own */
    pk_view_format format;
    unsigned width; /* of tables in characters; 0: 80 */
    pk_front_form form;
    pk_front_exit exit_rule;
    const char *name;    /* of the program, before messages: "pktc" */
    const char *program; /* "pktc 0.1.0": kept in the file of the run */
    const char *source;  /* the program's text, kept likewise; NULL: the image's */

    /* Everything is open, nothing sent or received yet; may be NULL. For dropping privileges. */
    void (*opened)(void);
    const volatile sig_atomic_t *stop;
    const volatile sig_atomic_t *state; /* counts up: how the run goes is told */
    const volatile sig_atomic_t *again; /* counts up: the files of `reach` are read again */
    /* Results (text, whole lines) and messages. `put` returns false when it cannot be written. */
    bool (*put)(void *context, const char *text, size_t len);
    void (*tell)(void *context, const char *text, size_t len);
    void *context;
} pk_front_setup;

/* Returns the exit code. Errors are told in one sentence each. `ret_counts` may be NULL. */
int pk_front_run(const pk_front_setup *setup, pk_session_counts *ret_counts);

/* The exit code that an error of the library stands for. */
int pk_front_exit_of(int code);

#endif
