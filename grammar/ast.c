#include "ast.h"

#include <stdlib.h>
#include <string.h>

typedef struct atom {
    const char *text;
    uint32_t len;
    uint32_t hash;
} atom;

struct pk_ast {
    pk_arena arena; /* texts of atoms, bytes of blobs */
    uint32_t limit;
    bool exhausted;
    pk_ast_node *nodes;
    uint32_t node_count, node_cap;
    atom *atoms;
    uint32_t atom_count, atom_cap;
    uint32_t *buckets; /* open addressing: atom indices, 0 = free; a power of two of them */
    uint32_t bucket_count;
    pk_bytes *blobs;
    uint32_t blob_count, blob_cap;
};

static const pk_ast_node none = {0};

/* Room for one more element of an array that grows by doubling up to the budget. */
static bool grow(pk_ast *ast, void **array, uint32_t *cap, uint32_t count, size_t size)
{
    if (count < *cap)
        return true;
    uint32_t want = *cap ? *cap * 2 : 64;
    if (want > ast->limit)
        want = ast->limit;
    void *bigger = want > count ? realloc(*array, want * size) : NULL;
    if (!bigger) {
        ast->exhausted = true;
        return false;
    }
    *array = bigger;
    *cap = want;
    return true;
}

static bool grow_nodes(pk_ast *ast)
{
    void *array = ast->nodes;
    bool fine = grow(ast, &array, &ast->node_cap, ast->node_count, sizeof *ast->nodes);
    ast->nodes = array;
    return fine;
}

static bool grow_atoms(pk_ast *ast)
{
    void *array = ast->atoms;
    bool fine = grow(ast, &array, &ast->atom_cap, ast->atom_count, sizeof *ast->atoms);
    ast->atoms = array;
    return fine;
}

static bool grow_blobs(pk_ast *ast)
{
    void *array = ast->blobs;
    bool fine = grow(ast, &array, &ast->blob_cap, ast->blob_count, sizeof *ast->blobs);
    ast->blobs = array;
    return fine;
}

pk_ast *pk_ast_new(uint32_t node_limit)
{
    pk_ast *ast = calloc(1, sizeof *ast);
    if (!ast)
        return NULL;
    ast->limit = node_limit && node_limit < PK_AST_NODE_LIMIT ? node_limit : PK_AST_NODE_LIMIT;
    if (!grow_nodes(ast) || !grow_atoms(ast) || !grow_blobs(ast)) {
        pk_ast_free(ast);
        return NULL;
    }
    ast->nodes[ast->node_count++] = none;
    ast->atoms[ast->atom_count++] = (atom){"", 0, 0};
    ast->blobs[ast->blob_count++] = (pk_bytes){(const uint8_t *)"", 0};
    return ast;
}

void pk_ast_free(pk_ast *ast)
{
    if (!ast)
        return;
    pk_arena_free(&ast->arena);
    free(ast->nodes);
    free(ast->atoms);
    free(ast->buckets);
    free(ast->blobs);
    free(ast);
}

pk_node pk_ast_add(pk_ast *ast, pk_ast_kind kind, pk_span span, uint32_t a, uint32_t b, uint32_t c,
                   uint32_t d, uint64_t value)
{
    if (ast->exhausted || !grow_nodes(ast))
        return 0;
    ast->nodes[ast->node_count] = (pk_ast_node){
        .kind = (uint16_t)kind, .span = span, .a = a, .b = b, .c = c, .d = d, .value = value};
    return ast->node_count++;
}

bool pk_ast_exhausted(const pk_ast *ast)
{
    return ast->exhausted;
}

const pk_ast_node *pk_ast_get(const pk_ast *ast, pk_node node)
{
    return node < ast->node_count ? &ast->nodes[node] : &none;
}

pk_ast_node *pk_ast_edit(pk_ast *ast, pk_node node)
{
    return node && node < ast->node_count ? &ast->nodes[node] : NULL;
}

void pk_ast_link(pk_ast *ast, pk_node last, pk_node next)
{
    if (last && last < ast->node_count)
        ast->nodes[last].next = next;
}

size_t pk_ast_list_len(const pk_ast *ast, pk_node list)
{
    size_t len = 0;
    for (; list; list = pk_ast_get(ast, list)->next)
        len++;
    return len;
}

/* ---- atoms ------------------------------------------------------------------------------------
 */

static uint32_t hash_text(const char *text, size_t len)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
    return (uint32_t)(hash ^ hash >> 32);
}

static void put_bucket(pk_ast *ast, uint32_t index)
{
    uint32_t mask = ast->bucket_count - 1;
    uint32_t at = ast->atoms[index].hash & mask;
    while (ast->buckets[at])
        at = (at + 1) & mask;
    ast->buckets[at] = index;
}

/* Keeps the table at most half full. */
static bool grow_buckets(pk_ast *ast)
{
    if (ast->atom_count * 2 < ast->bucket_count)
        return true;
    uint32_t count = ast->bucket_count ? ast->bucket_count * 2 : 256;
    uint32_t *buckets = calloc(count, sizeof *buckets);
    if (!buckets) {
        ast->exhausted = true;
        return false;
    }
    free(ast->buckets);
    ast->buckets = buckets;
    ast->bucket_count = count;
    for (uint32_t i = 1; i < ast->atom_count; i++)
        put_bucket(ast, i);
    return true;
}

static pk_atom find_atom(const pk_ast *ast, const char *text, size_t len, uint32_t hash)
{
    if (!ast->bucket_count)
        return 0;
    uint32_t mask = ast->bucket_count - 1;
    for (uint32_t at = hash & mask; ast->buckets[at]; at = (at + 1) & mask) {
        const atom *have = &ast->atoms[ast->buckets[at]];
        if (have->hash == hash && have->len == len && !memcmp(have->text, text, len))
            return ast->buckets[at];
    }
    return 0;
}

pk_atom pk_ast_atom(pk_ast *ast, const char *text, size_t len)
{
    if (!len || len > UINT32_MAX)
        return 0;
    uint32_t hash = hash_text(text, len);
    pk_atom found = find_atom(ast, text, len, hash);
    if (found)
        return found;
    if (ast->exhausted || !grow_atoms(ast) || !grow_buckets(ast))
        return 0;
    const char *copy = pk_arena_strndup(&ast->arena, text, len);
    if (!copy) {
        ast->exhausted = true;
        return 0;
    }
    ast->atoms[ast->atom_count] = (atom){copy, (uint32_t)len, hash};
    put_bucket(ast, ast->atom_count);
    return ast->atom_count++;
}

const char *pk_ast_atom_text(const pk_ast *ast, pk_atom index)
{
    return index < ast->atom_count ? ast->atoms[index].text : "";
}

uint32_t pk_ast_atom_count(const pk_ast *ast)
{
    return ast->atom_count;
}

/* ---- blobs ------------------------------------------------------------------------------------
 */

pk_blob pk_ast_blob(pk_ast *ast, const void *bytes, size_t len)
{
    if (ast->exhausted || !grow_blobs(ast))
        return 0;
    char *copy = pk_arena_strndup(&ast->arena, bytes, len);
    if (!copy) {
        ast->exhausted = true;
        return 0;
    }
    ast->blobs[ast->blob_count] = (pk_bytes){(const uint8_t *)copy, len};
    return ast->blob_count++;
}

pk_bytes pk_ast_blob_bytes(const pk_ast *ast, pk_blob blob)
{
    return ast->blobs[blob < ast->blob_count ? blob : 0];
}

/* ---- names of kinds and operators -------------------------------------------------------------
 */

const char *pk_ast_kind_name(pk_ast_kind kind)
{
    static const char *const names[] = {
        "none",
#define PK_AST(kind, name, a, b, c, d, value) name,
#include "ast.def"
#undef PK_AST
    };
    return (size_t)kind < sizeof names / sizeof names[0] ? names[kind] : names[0];
}

const char *pk_ast_op_text(pk_ast_op op)
{
    static const char *const texts[] = {"or", "and", "not",    "==", "!=", "<", "<=", ">",
                                        ">=", "in",  "except", "|",  "^",  "&", "<<", ">>",
                                        "+",  "-",   "*",      "/",  "%",  "-", "~"};
    return (size_t)op < sizeof texts / sizeof texts[0] ? texts[op] : "?";
}
