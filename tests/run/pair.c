#include "pair.h"

#include "compiled.h"

/* Packet `n`, built, and read back as whoever receives it would. */
static void make(pair *p, const char *text, uint32_t n, pk_buf *bytes, pk_tree *tree)
{
    pk_point point;
    pk_vm_error error = {0};
    const pk_space *space = pk_vm_space(p->vm);
    pk_tree built;
    pk_tree_init(&built, &p->image);
    pk_tree_init(tree, &p->image);
    if (pk_point_init(space, &point) ||
        !pk_space_locate(space, p->image.probes[1].alts, 2, n, &point) ||
        pk_vm_build(p->vm, &point, bytes, &built, &error))
        compiled_give_up(text, error.text);
    const pk_image_plan *outermost = &p->image.plans[p->image.alts[point.alt].plan];
    if (pk_vm_dissect(p->vm, outermost->ref, bytes->data, (uint32_t)bytes->len,
                      (uint32_t)bytes->len, tree))
        compiled_give_up(text, "no memory");
    pk_tree_free(&built);
    pk_point_free(&point);
}

void pair_open(pair *p, const char *sent, const char *reply, const char *clauses)
{
    char why[256];
    pk_buf text = {0};
    *p = (pair){0};
    pk_buf_printf(&text, "probe p {\nsend [%s,\n %s]\n%s\n}\n", sent, reply, clauses);
    compiled(pk_buf_cstr(&text), &p->image_bytes);
    if (pk_image_load(p->image_bytes.data, p->image_bytes.len, &p->image, why, sizeof why))
        compiled_give_up(sent, why);
    p->vm = pk_vm_new(&p->image, NULL);
    pk_vm_error error = {0};
    if (!p->vm || pk_vm_space_open(p->vm, 1, &error))
        compiled_give_up(sent, error.text);
    make(p, pk_buf_cstr(&text), 0, &p->sent_bytes, &p->sent);
    make(p, pk_buf_cstr(&text), 1, &p->reply_bytes, &p->reply);
    pk_buf_free(&text);
}

void pair_close(pair *p)
{
    pk_tree_free(&p->sent);
    pk_tree_free(&p->reply);
    pk_buf_free(&p->sent_bytes);
    pk_buf_free(&p->reply_bytes);
    pk_vm_free(p->vm);
    pk_buf_free(&p->image_bytes);
}

static const pk_tree *rebuild(void *context, uint32_t number)
{
    const pair *p = context;
    return number == 0 ? &p->sent : NULL;
}

static bool answered(void *context, uint32_t number)
{
    (void)context;
    (void)number;
    return false;
}

pk_match_kind pair_judge(pair *p)
{
    pk_match *match = pk_match_new(p->vm, &p->image);
    pk_match_source source = {rebuild, answered, p};
    pk_match_result result = {0};
    if (!match)
        compiled_give_up("matcher", "no memory");
    pk_match_rule_set(match, &p->image.probes[1]);
    if (pk_match_add(match, 0, &p->sent))
        compiled_give_up("matcher", "no memory");
    pk_match_find(match, &p->reply, &source, &result);
    pk_match_free(match);
    return result.kind;
}
