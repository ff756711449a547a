/* `pktc explain --match`: how the answers to a description's packets are told. Per layer the shapes
 * of `def answers`: which equations are looked up, which tests of one side guard them, and what is
 * left to be tested on what was found. */
#include <ctype.h>
#include <string.h>

#include "cli.h"
#include "vm/match.h"

/* ---- shapes ------------------------------------------------------------------------------------
 */

/* An expression without the name of the packet that it is about: `q.seq + q.seglen` is seq + seglen.
 */
static void add_without(pk_buf *out, const char *text, const char *packet)
{
    size_t len = strlen(packet);
    char before = 0;
    for (; *text; text++) {
        bool begins = !isalnum((unsigned char)before) && before != '_' && before != '.';
        before = *text;
        if (begins && strncmp(text, packet, len) == 0 && text[len] == '.')
            text += len;
        else
            pk_buf_byte(out, (uint8_t)*text);
    }
}

static const char *text_of(const pk_image *image, pk_ref expr)
{
    return pk_image_text(image, image->exprs[expr].text);
}

/* `packet`: how the expressions of the side call it. */
static void add_side(pk_buf *out, const pk_image *image, bool sent, pk_ref keys, uint32_t n,
                     const char *packet)
{
    pk_buf_text(out, sent ? "sent(" : "reply(");
    for (uint32_t i = 0; i < n; i++) {
        const pk_image_key_pair *pair = &image->key_pairs[keys + i];
        pk_buf_text(out, i ? ", " : "");
        add_without(out, text_of(image, sent ? pair->sent : pair->reply), packet);
    }
    pk_buf_byte(out, ')');
}

static void add_keys(pk_buf *out, const pk_image *image, pk_ref keys, uint32_t n, const char *reply,
                     const char *sent)
{
    if (!n) {
        pk_buf_text(out, "no key");
        return;
    }
    pk_buf_text(out, "key ");
    add_side(out, image, false, keys, n, reply);
    pk_buf_text(out, " = ");
    add_side(out, image, true, keys, n, sent);
}

static void add_guard(pk_buf *out, const pk_image *image, const char *side, pk_ref expr)
{
    if (!expr)
        return;
    pk_buf_printf(out, "  guard %s: ", side);
    add_without(out, text_of(image, expr), "q");
}

/* Does the shape tell one packet from another? */
static bool says_which(const pk_image_shape *shape)
{
    return shape->n_keys || shape->reply_guard || shape->sent_guard;
}

static void add_layer(pk_buf *out, const pk_image *image, pk_ref ref)
{
    const pk_image_layer *layer = &image->layers[ref];
    for (uint32_t i = 0; i < layer->n_shapes; i++) {
        const pk_image_shape *shape = &image->shapes[layer->shapes + i];
        pk_buf_printf(out, "  %-8s ", i ? "" : pk_image_text(image, layer->name));
        if (!says_which(shape) && strcmp(pk_image_text(image, shape->residual), "1") == 0) {
            pk_buf_text(out, "any\n");
            continue;
        }
        add_keys(out, image, shape->keys, shape->n_keys, "", "q");
        add_guard(out, image, "reply", shape->reply_guard);
        add_guard(out, image, "sent", shape->sent_guard);
        if (shape->residual)
            pk_buf_printf(out, "  then: %s", pk_image_text(image, shape->residual));
        pk_buf_byte(out, '\n');
    }
    if (layer->quotes)
        pk_buf_printf(out, "  %-8s quotes: %s\n",
                      layer->n_shapes ? "" : pk_image_text(image, layer->name),
                      text_of(image, layer->quotes));
}

static void add_all_layers(pk_buf *out, const pk_image *image)
{
    for (pk_ref ref = 1; ref < image->n_layers; ref++)
        if (image->layers[ref].answers || image->layers[ref].quotes)
            add_layer(out, image, ref);
}

/* ---- the probe ---------------------------------------------------------------------------------
 */

/* The layers of a stack, from the outermost. */
typedef struct stack {
    pk_ref layers[PK_LAYER_DEPTH];
    uint32_t count;
} stack;

static void stack_of(const pk_image *image, pk_ref alt, stack *ret_stack)
{
    ret_stack->count = 0;
    pk_ref plan = image->alts[alt].plan;
    while (plan && image->plans[plan].kind == PK_PLAN_INSTANCE &&
           ret_stack->count < PK_LAYER_DEPTH) {
        ret_stack->layers[ret_stack->count++] = image->plans[plan].ref;
        plan = image->plans[plan].payload;
    }
}

static bool same_stack(const stack *a, const stack *b)
{
    return a->count == b->count && memcmp(a->layers, b->layers, a->count * sizeof(pk_ref)) == 0;
}

static void add_stack(pk_buf *out, const pk_image *image, const stack *s)
{
    uint64_t keys = 1;
    bool any = false;
    for (uint32_t i = 0; i < s->count; i++)
        pk_buf_printf(out, "%s%s", i ? "/" : "",
                      pk_image_text(image, image->layers[s->layers[i]].name));
    pk_buf_byte(out, '\n');
    for (uint32_t i = 0; i < s->count; i++) {
        const pk_image_layer *layer = &image->layers[s->layers[i]];
        add_layer(out, image, s->layers[i]);
        for (uint32_t k = 0; k < layer->n_shapes; k++)
            any = any || says_which(&image->shapes[layer->shapes + k]);
        if (layer->n_shapes && keys * layer->n_shapes <= PK_MATCH_SHAPES)
            keys *= layer->n_shapes;
    }
    if (any)
        pk_buf_printf(out, "  a reply is looked up by at most %llu key%s of the whole stack\n",
                      (unsigned long long)keys, keys == 1 ? "" : "s");
    else
        pk_buf_text(out, "  no layer of it says what answers: `answer PATTERN` can\n");
}

static void add_patterns(pk_buf *out, const pk_image *image, const char *clause, pk_ref first,
                         uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        pk_buf_printf(out, "  %s %s\n", clause,
                      pk_image_text(image, image->patterns[first + i].text));
}

static void add_rule(pk_buf *out, const pk_image *image, const pk_image_probe *probe)
{
    add_patterns(out, image, "answer", probe->answer, probe->n_answer);
    if (probe->where)
        pk_buf_printf(out, "  where  %s\n", text_of(image, probe->where));
    if (probe->n_answer) {
        pk_buf_text(out, "  ");
        if (probe->n_keys)
            add_keys(out, image, probe->keys, probe->n_keys, "reply", "sent");
        else
            pk_buf_text(out,
                        "no key: a packet that fits answers the earliest stimulus without one");
        pk_buf_byte(out, '\n');
    }
    add_patterns(out, image, "listen", probe->listen, probe->n_listen);
}

static void add_stacks(pk_buf *out, const pk_image *image, const pk_image_probe *probe)
{
    enum { TOLD = 64 };
    static stack told[TOLD]; /* not on the stack: it is large */
    uint32_t n = 0;
    for (uint32_t i = 0; i < probe->n_alts && n < TOLD; i++) {
        stack_of(image, probe->alts + i, &told[n]);
        uint32_t known = 0;
        while (known < n && !same_stack(&told[known], &told[n]))
            known++;
        if (known < n)
            continue;
        add_stack(out, image, &told[n++]);
    }
}

int pk_cli_explain_match(pk_cli *cli)
{
    pk_description d = {0};
    bool standard = !cli->n_operands && !cli->n_exprs;
    int status = standard ? pk_describe_standard(cli, &d) : pk_describe_probe(cli, &d);
    if (!status && standard) {
        add_all_layers(&cli->out, &d.image);
    } else if (!status) {
        const pk_image_probe *probe = &d.image.probes[d.probe];
        if (probe->n_answer || probe->n_listen || probe->where) {
            pk_buf_printf(&cli->out, "probe %s\n", pk_image_text(&d.image, probe->name));
            add_rule(&cli->out, &d.image, probe);
        }
        if (!probe->n_answer)
            add_stacks(&cli->out, &d.image, probe);
    }
    pk_description_free(&d);
    return status;
}
