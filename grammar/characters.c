#include "lexer.h"

#include <string.h>

#include "base/escape.h"

typedef struct lookalike {
    uint32_t code;
    char closes; /* of a quote: the plain quote that it stands for */
    const char *name;
    const char *label;
} lookalike;

static const lookalike lookalikes[] = {
    {0x201c, '"', "a typographic quote", "pasted from a document? strings use \""},
    {0x201d, '"', "a typographic quote", "pasted from a document? strings use \""},
    {0x201e, '"', "a typographic quote", "pasted from a document? strings use \""},
    {0x00ab, '"', "a typographic quote", "pasted from a document? strings use \""},
    {0x00bb, '"', "a typographic quote", "pasted from a document? strings use \""},
    {0x2018, '\'', "a typographic quote", "pasted from a document? strings use ' or \""},
    {0x2019, '\'', "a typographic quote", "pasted from a document? strings use ' or \""},
    {0x201a, '\'', "a typographic quote", "pasted from a document? strings use ' or \""},
    {0x2010, 0, "a typographic hyphen", "write -"},
    {0x2011, 0, "a typographic hyphen", "write -"},
    {0x2013, 0, "a typographic dash", "write - (or .. for a range)"},
    {0x2014, 0, "a typographic dash", "write - (or .. for a range)"},
    {0x2212, 0, "a typographic minus", "write -"},
    {0x2026, 0, "a typographic ellipsis", "write two dots for a range, three to skip layers"},
    {0x00d7, 0, "a typographic multiplication sign", "write *"},
    {0x2264, 0, "a typographic comparison", "write <="},
    {0x2265, 0, "a typographic comparison", "write >="},
    {0x2260, 0, "a typographic comparison", "write !="},
    {0x00a0, 0, "a no-break space", "write a plain blank"},
    {0x202f, 0, "a no-break space", "write a plain blank"},
    {0x2007, 0, "a no-break space", "write a plain blank"},
    {0x3000, 0, "an ideographic space", "write a plain blank"},
};

static const lookalike *find(uint32_t code)
{
    for (size_t i = 0; i < sizeof lookalikes / sizeof lookalikes[0]; i++) {
        if (lookalikes[i].code == code)
            return &lookalikes[i];
    }
    return NULL;
}

/* What the opening quote began, up to a closing one on the same line; none: just the character. */
static bool read_quoted(pk_lexer *lexer, const uint8_t *from, const lookalike *quote,
                        pk_node *ret_node)
{
    for (const uint8_t *at = lexer->at; at < lexer->limit && *at != '\n';) {
        uint32_t code = 0;
        size_t size = pk_escape_utf8(at, (size_t)(lexer->limit - at), &code);
        const lookalike *other = size ? find(code) : NULL;
        if ((other && other->closes == quote->closes) ||
            (size == 1 && code == (uint8_t)quote->closes)) {
            pk_span span = {lexer->base + (uint32_t)(from - lexer->begin),
                            lexer->base + (uint32_t)(at + size - lexer->begin)};
            size_t len = (size_t)(at - lexer->at);
            pk_blob blob = len <= PK_LITERAL_LIMIT ? pk_ast_blob(lexer->ast, lexer->at, len) : 0;
            *ret_node = pk_ast_add(lexer->ast, PK_AST_STRING, span, blob, 0, 0, 0, 0);
            lexer->at = at + size;
            return true;
        }
        at += size ? size : 1;
    }
    return false;
}

static void report_lookalike(pk_lexer *lexer, const uint8_t *from, size_t size,
                             const lookalike *found)
{
    pk_buf words = {0};
    if (pk_escape_invisible(found->code) || strstr(found->name, "space"))
        pk_buf_printf(&words, "U+%04X is %s", found->code, found->name);
    else
        pk_buf_printf(&words, "%.*s is %s", (int)size, (const char *)from, found->name);
    pk_lexer_report(lexer, PK_DIAG_LOOKALIKE, from, from + size, pk_buf_cstr(&words));
    pk_diag_label(lexer->diags, "%s", found->label);
    pk_buf_free(&words);
}

static void report_character(pk_lexer *lexer, const uint8_t *from, size_t size, uint32_t code)
{
    pk_buf words = {0};
    if (code >= ' ' && !pk_escape_invisible(code))
        pk_buf_printf(&words, "`%.*s` means nothing here", (int)size, (const char *)from);
    else
        pk_buf_printf(&words, "the character U+%04X means nothing here", code);
    pk_lexer_report(lexer, PK_DIAG_BAD_CHARACTER, from, from + size, pk_buf_cstr(&words));
    if (code == '\\')
        pk_diag_label(lexer->diags,
                      "a line goes on by itself after an operator or inside brackets");
    else if (code == '$')
        pk_diag_label(lexer->diags, "names have no sigil; parameters are declared with `param`");
    else
        pk_diag_label(lexer->diags, "only comments and strings may hold it");
    pk_buf_free(&words);
}

/* A run of bytes that are no text at all is one mistake. */
static void report_bytes(pk_lexer *lexer, const uint8_t *from)
{
    uint32_t code = 0;
    bool nul = !*from;
    while (
        lexer->at < lexer->limit &&
        (nul ? !*lexer->at : !pk_escape_utf8(lexer->at, (size_t)(lexer->limit - lexer->at), &code)))
        lexer->at++;
    pk_lexer_report(lexer, nul ? PK_DIAG_NUL_BYTE : PK_DIAG_BAD_UTF8, from, from + 1,
                    nul ? "a NUL byte: this is not a text" : "this is not UTF-8 text");
    if (nul)
        pk_diag_label(lexer->diags, "is it a binary file, or UTF-16?");
    else
        pk_diag_label(lexer->diags, "the byte 0x%02x begins no character", *from);
}

bool pk_lexer_strange(pk_lexer *lexer, const uint8_t *from, pk_node *ret_node)
{
    uint32_t code = 0;
    size_t size = pk_escape_utf8(from, (size_t)(lexer->limit - from), &code);
    lexer->at = from + (size ? size : 1);
    if (!size || !code) {
        report_bytes(lexer, from);
        return false;
    }
    const lookalike *found = find(code);
    if (!found) {
        report_character(lexer, from, size, code);
        return false;
    }
    report_lookalike(lexer, from, size, found);
    return found->closes && read_quoted(lexer, from, found, ret_node);
}

void pk_lexer_comment(pk_lexer *lexer)
{
    const uint8_t *end = memchr(lexer->at, '\n', (size_t)(lexer->limit - lexer->at));
    if (!end)
        end = lexer->limit;
    bool complained = false;
    while (lexer->at < end) {
        uint32_t code = 0;
        size_t size = pk_escape_utf8(lexer->at, (size_t)(end - lexer->at), &code);
        const uint8_t *from = lexer->at;
        lexer->at += size ? size : 1;
        if ((!size || !code) && !complained) {
            report_bytes(lexer, from);
            complained = true;
            if (lexer->at > end)
                lexer->at = end;
        }
    }
}
