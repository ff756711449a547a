/*
 * The program pktc: what its verbs share.
 *
 * Only here does anything read argv, print or exit. Results go to standard output through one
 * buffer whose write errors decide the exit code; everything else goes to standard error. The exit
 * codes are those of run/front.h, for all verbs.
 */
#ifndef PK_CLI_CLI_H
#define PK_CLI_CLI_H

#include "compile.h"
#include "run/files.h"
#include "run/front.h"
#include "source_verify.h"
#include "tree/writers.h"
#include "vm/vm.h"

#ifdef PKTC_GZIP
#include "io/capture_gzip.h"
#define PK_CLI_GZIP pk_capture_gzip() /* reads packed captures */
#else
#define PK_CLI_GZIP NULL
#endif

typedef enum pk_verb {
#define PK_VERB(id, name, operands, doc) PK_VERB_##id,
#include "opts.def"
    PK_VERBS
} pk_verb;

typedef enum pk_option {
#define PK_OPT(id, letter, name, value, verbs, doc) PK_OPT_##id,
#include "opts.def"
    PK_OPTIONS
} pk_option;

typedef struct pk_cli_param {
    const char *name; /* of `name_len` bytes */
    size_t name_len;
    const char *value;
} pk_cli_param;

enum { PK_CLI_LIST = 256 }; /* operands, parameters, repeated options of each kind */

typedef struct pk_cli {
    const char *program;
    pk_verb verb;
    const char *value[PK_OPTIONS];  /* the last one given */
    unsigned times[PK_OPTIONS];     /* how often */
    const char *exprs[PK_CLI_LIST]; /* every -e */
    size_t n_exprs;
    const char *imports[PK_CLI_LIST];
    size_t n_imports;
    pk_cli_param params[PK_CLI_LIST];
    size_t n_params;
    const char *interfaces[PK_CLI_LIST]; /* every -i */
    size_t n_interfaces;
    pk_front_reach reach[PK_CLI_LIST]; /* --exclude and its kin */
    size_t n_reach;
    const char *operands[PK_CLI_LIST];
    size_t n_operands;
    pk_buf out;               /* standard output */
    pk_source_verify *verify; /* descriptions on their way to `out`, see pk_form_verify */
    pk_writer_cache *cache;   /* of the image that packets are written by, or NULL */
} pk_cli;

/* ---- options.c ---- */
typedef struct pk_cli_verb {
    const char *name, *operands, *doc;
} pk_cli_verb;

typedef struct pk_cli_option {
    char letter;
    const char *name;
    const char *value;
    unsigned verbs;
    const char *doc;
} pk_cli_option;

extern const pk_cli_verb pk_cli_verbs[PK_VERBS];
extern const pk_cli_option pk_cli_options[PK_OPTIONS];

static inline bool pk_cli_goes_with(size_t option, size_t verb)
{
    return (pk_cli_options[option].verbs & 1u << verb) != 0;
}
/* Whether the verb expands a set of packets and so takes the parameters of the description. */
static inline bool pk_cli_takes_params(pk_verb verb)
{
    return verb <= PK_VERB_WRITE;
}
enum { PK_CLI_DONE = 0x100 };
/* Fills `cli` from argv; 0, or the exit code after a message (PK_CLI_DONE set: after help). */
int pk_cli_parse(pk_cli *cli, int argc, char **argv);
static inline bool pk_cli_given(const pk_cli *cli, pk_option option)
{
    return cli->times[option] != 0;
}
/* A count given to an option; false after a message. */
bool pk_cli_number(pk_cli *cli, pk_option option, pk_u128 *ret_number);
/* The seed, 0 when none is given; false after a message. */
bool pk_cli_seed(pk_cli *cli, uint64_t *ret_seed);

/* ---- help.c, manual.c: what the tables say, for a person, man(1) and a shell ---- */
extern const char *const pk_cli_exits[6]; /* by exit code */
void pk_cli_help_all(pk_cli *cli);
void pk_cli_help_verb(pk_cli *cli, pk_verb verb);
void pk_cli_manual(pk_buf *out);

/* ---- output.c ---- */
/* "pktc: ..." on standard error, control characters made visible. Returns `status`. */
int pk_cli_fail(const pk_cli *cli, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void pk_cli_note(const pk_cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Writes what `out` holds when it is much, or `all`; 0 or PK_EXIT_OUTPUT (a closed pipe is no
 * failure: *ret_closed). */
int pk_cli_flush(pk_cli *cli, bool all, bool *ret_closed);
bool pk_cli_color(const pk_cli *cli, int fd);

/* ---- describe.c: from what the user typed to a machine ---- */
typedef struct pk_description {
    pk_sources *sources;
    pk_diags *diags;
    struct pk_image_builder *builder; /* holds the image, or image_bytes do */
    pk_buf image_bytes;
    pk_image image;
    pk_files *files;
    pk_vm *vm;
    pk_arena arena;
    pk_ref probe; /* the one asked for, or the first */
} pk_description;

typedef struct pk_source_text {
    const char *name, *text;
    size_t len;
} pk_source_text;

/* Compiles the files or -e texts of the command line. 0 or an exit code, diagnostics printed. */
/* Host names by the system's resolver (pk_files_resolve). */
int pk_cli_resolve(const char *host, uint32_t len, uint8_t ret_address[16], pk_error *reterr_);

int pk_describe(pk_cli *cli, const char *const *files, size_t n_files, pk_description *ret);
/* The same behind texts that are there already. */
int pk_describe_texts(pk_cli *cli, const pk_source_text *given, size_t n_given,
                      const char *const *files, size_t n_files, pk_description *ret);
/* The name under which the verb's description is told of: its path, "-e" or "standard input". */
const char *pk_describe_name(const pk_cli *cli);
/* The same for one description (file operand, -, or -e) that must have a probe, and chooses it. */
int pk_describe_probe(pk_cli *cli, pk_description *ret);
/* The same, and makes the machine, sets parameters and opens the space: the set can be expanded. */
int pk_describe_set(pk_cli *cli, pk_description *ret);
/* Shows reports on standard error, in the form asked for; PK_EXIT_USAGE when there are errors. */
int pk_describe_report(pk_cli *cli, const pk_diags *diags);
/* ---- ignored.c ---- */
/* Warns of values given to fields that the packets do not have; looks at the first packet of each
 * alternative. */
void pk_describe_ignored(pk_cli *cli, const pk_description *d);
/* ---- describe.c ---- */
/* "packet N of the set: ..." of one that cannot be built, behind what was shown before it. */
int pk_describe_unbuilt(pk_cli *cli, pk_u128 n, const pk_vm_error *error);
/* A machine over the standard layers alone. */
int pk_describe_standard(pk_cli *cli, pk_description *ret);
/* The same with a condition over one packet, whose EXP is *ret_filter. */
int pk_describe_filter(pk_cli *cli, const char *text, pk_description *ret, pk_ref *ret_filter);
void pk_description_free(pk_description *description);

/* ---- layers.c ---- */
/* Says that there is no layer of that name, and which is nearest; PK_EXIT_USAGE. */
int pk_cli_unknown_layer(pk_cli *cli, const pk_image *image, const char *name);

/* ---- forms.c: a tree in the form that --as names ---- */
typedef enum pk_form {
    PK_FORM_TREE,
    PK_FORM_LINE,
    PK_FORM_PKT,
    PK_FORM_JSON,
    PK_FORM_HEX,
    PK_FORM_C,
    PK_FORM_SPANS
} pk_form;
pk_writer pk_form_writer(pk_cli *cli, pk_vm *vm);
pk_form pk_form_of(const pk_cli *cli, pk_form otherwise);
/* From now on descriptions (PK_FORM_PKT) of packets of `image` are written when they are known to
 * give the packets back, in batches; until pk_cli_flush of all. 0 or an exit code. The image must
 * last until the end, where what is still on its way goes to `out`. */
int pk_form_verify(pk_cli *cli, pk_form form, const pk_image *image);
void pk_form_verify_end(pk_cli *cli);
void pk_form_write(pk_cli *cli, pk_vm *vm, pk_form form, const pk_tree *tree,
                   const pk_writer_packet *packet);

/* ---- view.c: views of runs ---- */
/* The view to show of a run of `probe`: the one named, else the first there is; 0: none. `--as` in
 * *ret_format when it names a format of rows. 0 or an exit code. */
int pk_view_choose(pk_cli *cli, const pk_image *image, pk_ref probe, const char *name,
                   pk_ref *ret_view, bool *ret_reformat, pk_view_format *ret_format);

/* ---- run.c: the options that shape the lab, --hops and --listen ---- */
enum { PK_CLI_PORTS = 1024 };
int pk_cli_lab_options(pk_cli *cli, uint32_t *ret_hops, uint16_t *ports, uint32_t *ret_count);

/* ---- the verbs ---- */
int pk_cli_run(pk_cli *cli);
int pk_cli_show(pk_cli *cli);
int pk_cli_write(pk_cli *cli);
int pk_cli_read(pk_cli *cli);
int pk_cli_view(pk_cli *cli);
int pk_cli_sniff(pk_cli *cli);
int pk_cli_doctor(pk_cli *cli);
int pk_cli_lab(pk_cli *cli);
int pk_cli_build(pk_cli *cli);
int pk_cli_check(pk_cli *cli);
int pk_cli_layers(pk_cli *cli);
int pk_cli_disasm(pk_cli *cli);
int pk_cli_explain(pk_cli *cli);
int pk_cli_explain_match(pk_cli *cli); /* explain --match */
int pk_cli_explain_route(pk_cli *cli);
int pk_cli_completion(pk_cli *cli);
int pk_cli_help(pk_cli *cli);

#endif
