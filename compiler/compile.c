#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "parse.h"

bool pk_grow(void **array, size_t *cap, size_t count, size_t size)
{
    if (count < *cap)
        return true;
    size_t grown_cap = *cap ? *cap * 2 : 16;
    void *grown = grown_cap > SIZE_MAX / size ? NULL : realloc(*array, grown_cap * size);
    if (!grown)
        return false;
    *array = grown;
    *cap = grown_cap;
    return true;
}

pk_ref pk_text_of_atom(pk_compiler *cx, pk_atom atom)
{
    const char *text = pk_ast_atom_text(cx->ast, atom);
    return pk_image_builder_text(cx->builder, text, strlen(text));
}

const char *pk_str(pk_compiler *cx, pk_ref text)
{
    pk_image view;
    pk_image_builder_view(cx->builder, &view);
    return pk_image_text(&view, text);
}

pk_ref pk_text_of_node(pk_compiler *cx, pk_node node)
{
    pk_bytes text = pk_sources_text(cx->sources, pk_at(cx, node)->span);
    pk_buf folded = {0};
    bool space = false;
    for (size_t i = 0; i < text.len && folded.len < 200; i++) {
        bool blank = text.data[i] == ' ' || text.data[i] == '\n' || text.data[i] == '\t' ||
                     text.data[i] == '\r' || text.data[i] == 0;
        if (!blank) {
            if (space && folded.len)
                pk_buf_byte(&folded, ' ');
            pk_buf_byte(&folded, text.data[i]);
        }
        space = blank;
    }
    pk_ref ref = pk_image_builder_text(cx->builder, pk_buf_cstr(&folded), folded.len);
    pk_buf_free(&folded);
    return ref;
}

pk_ref pk_place_text(pk_compiler *cx, pk_span span)
{
    pk_place place = pk_sources_place(cx->sources, span.lo);
    char text[512];
    int len = snprintf(text, sizeof text, "%s:%u", place.name, place.line);
    return len > 0 && (size_t)len < sizeof text
               ? pk_image_builder_text(cx->builder, text, (size_t)len)
               : 0;
}

/* ---- imports ----------------------------------------------------------------------------------
 */

/* Files are known by device and inode, so that no chain of links can import one twice. */
typedef struct imported {
    dev_t device;
    ino_t inode;
} imported;

typedef struct imports {
    imported *list;
    size_t count, cap;
} imports;

static bool seen(imports *known, const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return false;
    for (size_t i = 0; i < known->count; i++)
        if (known->list[i].device == info.st_dev && known->list[i].inode == info.st_ino)
            return true;
    if (pk_grow((void **)&known->list, &known->cap, known->count, sizeof *known->list))
        known->list[known->count++] = (imported){info.st_dev, info.st_ino};
    return false;
}

static bool add_file(pk_compiler *cx, pk_span text)
{
    pk_node file = pk_parse(cx->ast, cx->sources, text, cx->diags);
    if (!file || !pk_grow((void **)&cx->files, &cx->cap_files, cx->n_files, sizeof *cx->files))
        return false;
    cx->files[cx->n_files++] = file;
    return true;
}

/* `name` beside the importing file, then in each import path. */
static bool import_path(pk_compiler *cx, pk_span from, const char *name, size_t which, char *ret,
                        size_t size)
{
    int len;
    if (which == 0) {
        const char *importer = pk_sources_place(cx->sources, from.lo).name;
        const char *slash = strrchr(importer, '/');
        int folder = slash && *name != '/' ? (int)(slash - importer + 1) : 0;
        len = snprintf(ret, size, "%.*s%s", folder, importer, name);
    } else {
        if (which > cx->options->n_import_paths)
            return false;
        len = snprintf(ret, size, "%s/%s", cx->options->import_paths[which - 1], name);
    }
    return len > 0 && (size_t)len < size;
}

static void import_one(pk_compiler *cx, pk_node node, imports *known)
{
    pk_ast_node at = *pk_at(cx, node);
    pk_bytes name = pk_ast_blob_bytes(cx->ast, at.a);
    char wanted[1024];
    char path[2048];
    if (name.len >= sizeof wanted)
        return;
    memcpy(wanted, name.data, name.len);
    wanted[name.len] = 0;
    for (size_t which = 0; import_path(cx, at.span, wanted, which, path, sizeof path); which++) {
        struct stat info;
        if (stat(path, &info) != 0)
            continue;
        pk_span text;
        if (seen(known, path))
            return;
        if (!S_ISREG(info.st_mode)) {
            pk_diag_report(cx->diags, PK_DIAG_IMPORT_MISSING, at.span, "`%s` is not a regular file",
                           wanted);
            return;
        }
        if (pk_sources_read(cx->sources, path, &text) == PK_OK) {
            (void)add_file(cx, text);
            return;
        }
    }
    pk_diag_report(cx->diags, PK_DIAG_IMPORT_MISSING, at.span, "cannot read `%s`", wanted);
    pk_diag_help(cx->diags, "looked beside this file and in the folders given with -I");
}

/* Files are taken in order; those they import are appended and looked at in their turn, so the
 * depth of imports is the number of generations here. */
static void read_imports(pk_compiler *cx)
{
    imports known = {0};
    for (size_t f = 0; f < cx->n_files; f++) {
        const char *name = pk_sources_place(cx->sources, pk_at(cx, cx->files[f])->span.lo).name;
        (void)seen(&known, name);
    }
    size_t generation_end = cx->n_files;
    unsigned depth = 0;
    for (size_t f = 0; f < cx->n_files; f++) {
        if (f == generation_end) {
            generation_end = cx->n_files;
            depth++;
        }
        for (pk_node at = pk_at(cx, cx->files[f])->a; at; at = pk_at(cx, at)->next) {
            if (pk_at(cx, at)->kind != PK_AST_IMPORT)
                continue;
            if (depth >= PK_IMPORT_DEPTH_LIMIT) {
                pk_diag_report(cx->diags, PK_DIAG_IMPORT_DEPTH, pk_at(cx, at)->span,
                               "imports nested too deeply (limit %d)", PK_IMPORT_DEPTH_LIMIT);
                break;
            }
            import_one(cx, at, &known);
        }
    }
    free(known.list);
}

/* ---- the steps --------------------------------------------------------------------------------
 */

/* `link` is where dissection starts: its table `dlt` says which layer a capture's link type is. */
static void declare_link(pk_compiler *cx)
{
    pk_ref name = pk_image_builder_text(cx->builder, "link", 4);
    if (pk_layer_by_name(cx, name))
        return;
    pk_ref dlt = pk_image_builder_text(cx->builder, "dlt", 3);
    pk_ref layer = PK_ADD(cx->builder, LAY, 1);
    pk_ref table = PK_ADD(cx->builder, TAB, 1);
    pk_ref code = PK_ADD(cx->builder, CODE, 1);
    PK_AT(cx->builder, CODE, code)->op = PK_OPC_END;
    pk_image_layer *at = PK_AT(cx->builder, LAY, layer);
    at->name = name;
    at->items = code;
    at->n_items = 1;
    *PK_AT(cx->builder, TAB, table) = (pk_image_table){.layer = layer, .name = dlt};
    (void)pk_symbol_add(cx, name, PK_SYM_LAYER, layer, 0, (pk_span){0, 0});
}

static void compile_steps(pk_compiler *cx)
{
    pk_names_load(cx);
    declare_link(cx);
    for (size_t f = 0; f < cx->n_files; f++)
        pk_declare_file(cx, cx->files[f]);
    pk_declare_members(cx);
    pk_lower_layers(cx);
    pk_bind_layers(cx);
    pk_bind_successors(cx);
    pk_bind_finish(cx);
    pk_lower_aliases(cx);
    pk_lower_params(cx);
    pk_lower_program(cx);
}

static void close_compiler(pk_compiler *cx)
{
    free(cx->files);
    free(cx->declared);
    free(cx->keys);
    free(cx->binds);
    free(cx->axes);
    free(cx->draws);
    free(cx->dims);
    pk_ast_free(cx->ast);
    pk_image_builder_free(cx->builder);
    pk_arena_free(&cx->arena);
}

/* The program's text goes with it: what was compiled can be shown again. */
static void keep_source(pk_compiler *cx, const pk_span *texts, size_t n_texts)
{
    for (size_t i = 0; !cx->options->mark_standard && i < n_texts; i++) {
        pk_bytes text = pk_sources_text(cx->sources, texts[i]);
        if (text.len < UINT32_MAX)
            (void)PK_PUT(cx->builder, SRC, text.data, (uint32_t)text.len);
    }
}

int pk_compile_view(const pk_compile_options *options, pk_sources *sources, const pk_span *texts,
                    size_t n_texts, pk_diags *diags, pk_image_builder **ret_builder)
{
    pk_compiler cx = {.options = options, .sources = sources, .diags = diags};
    cx.ast = pk_ast_new(0);
    cx.builder = pk_image_builder_new(options->standard);
    int result = cx.ast && cx.builder ? PK_OK : PK_ENOMEM;
    for (size_t i = 0; result == PK_OK && i < n_texts; i++)
        if (!add_file(&cx, texts[i]))
            result = pk_diags_errors(diags) ? PK_EFORMAT : PK_ENOMEM;
    if (result == PK_OK) {
        read_imports(&cx);
        /* A tree with holes would only bring errors that are not the user's. */
        if (!pk_diags_errors(diags)) {
            compile_steps(&cx);
            keep_source(&cx, texts, n_texts);
        }
        result = pk_diags_errors(diags) ? PK_EFORMAT : pk_image_builder_failure(cx.builder);
    }
    if (result == PK_OK) {
        *ret_builder = cx.builder;
        cx.builder = NULL;
    }
    close_compiler(&cx);
    return result;
}

int pk_compile(const pk_compile_options *options, pk_sources *sources, const pk_span *texts,
               size_t n_texts, pk_diags *diags, pk_buf *ret_image)
{
    pk_image_builder *builder = NULL;
    int result = pk_compile_view(options, sources, texts, n_texts, diags, &builder);
    if (result == PK_OK)
        result = pk_image_builder_finish(builder, ret_image);
    pk_image_builder_free(builder);
    return result;
}

int pk_compile_filter(const pk_image *base, pk_sources *sources, pk_span text, pk_diags *diags,
                      pk_image_builder **ret_builder, pk_ref *ret_expr)
{
    const pk_compile_options options = {.standard = base};
    pk_compiler cx = {.options = &options, .sources = sources, .diags = diags};
    pk_ref expr = 0;
    cx.ast = pk_ast_new(0);
    cx.builder = pk_image_builder_new(base);
    int result = cx.ast && cx.builder ? PK_OK : PK_ENOMEM;
    if (result == PK_OK && !add_file(&cx, text))
        result = pk_diags_errors(diags) ? PK_EFORMAT : PK_ENOMEM;
    if (result == PK_OK && !pk_diags_errors(diags)) {
        pk_names_load(&cx);
        expr = pk_lower_filter(&cx, cx.files[0]);
    }
    if (result == PK_OK)
        result = pk_diags_errors(diags) ? PK_EFORMAT : pk_image_builder_failure(cx.builder);
    if (result == PK_OK) {
        *ret_expr = expr;
        *ret_builder = cx.builder;
        cx.builder = NULL;
    }
    close_compiler(&cx);
    return result;
}
