#include "image/verify.h"

#define REFUSE(verifier, section, ref, ...) \
    pk_verify_refuse(verifier, PK_SEC_##section, ref, PK_VERIFY_NO_INSN, __VA_ARGS__)

static int verify_field_args(const pk_verifier *verifier, pk_ref ref)
{
    const pk_image_field *field = &verifier->image->fields[ref];
    uint32_t formals = verifier->image->layers[field->layer].n_formals;
    if (field->n_args > 16)
        return REFUSE(verifier, FLD, ref, "%u arguments (limit 16)", field->n_args);
    int code = PK_OK;
    for (uint32_t i = 0; i < field->n_args && !code; i++)
        code = pk_verify_context(verifier, field->args + i, field->layer, formals, PK_SEC_FLD, ref,
                                 "an argument");
    return code;
}

/* The condition of a list `until` has the element as its argument. */
static int verify_field(const pk_verifier *verifier, pk_ref ref)
{
    const pk_image_field *field = &verifier->image->fields[ref];
    const pk_image_layer *layer = &verifier->image->layers[field->layer];
    uint32_t formals = layer->n_formals;
    uint32_t until = field->list == 1 + PK_IMAGE_LIST_UNTIL && !formals ? 1 : formals;
    if (field->slot >= layer->n_slots)
        return REFUSE(verifier, FLD, ref, "slot %u of %u", field->slot, layer->n_slots);
    if ((field->init != 0) != ((field->flags & PK_FIELD_HAS_INIT) != 0))
        return REFUSE(verifier, FLD, ref, "its flags are wrong about its default");
    const pk_verify_use uses[] = {{field->width, formals, "the width"},
                                  {field->extent, until, "the list's end"},
                                  {field->init, formals, "the default"},
                                  {field->select, formals, "the enum selector"}};
    int code = pk_verify_uses(verifier, uses, 4, field->layer, PK_SEC_FLD, ref);
    return code ? code : verify_field_args(verifier, ref);
}

static int verify_member(const pk_verifier *verifier, pk_ref ref, pk_ref owner)
{
    const pk_image *image = verifier->image;
    const pk_image_member *member = &image->members[ref];
    const pk_image_layer *layer = &image->layers[owner];
    bool is_expr = false;
    uint32_t limit = 0;
    switch ((pk_member_kind)member->kind) {
    case PK_MEMBER_FIELD:
        limit = layer->n_slots;
        break;
    case PK_MEMBER_LET:
    case PK_MEMBER_DEF:
    case PK_MEMBER_PARAM:
        limit = image->n_exprs;
        is_expr = true;
        break;
    case PK_MEMBER_CASE:
        limit = image->n_layers;
        break;
    case PK_MEMBER_WINDOW:
        limit = image->n_strings;
        break;
    }
    if (member->ref >= limit || (!member->ref && member->kind != PK_MEMBER_FIELD))
        return REFUSE(verifier, MEM, ref, "kind %u names %u of %u", member->kind, member->ref,
                      limit);
    uint32_t args = member->kind == PK_MEMBER_DEF ? UINT32_MAX : layer->n_formals;
    return is_expr
               ? pk_verify_context(verifier, member->ref, owner, args, PK_SEC_MEM, ref, "its value")
               : PK_OK;
}

static int verify_members(const pk_verifier *verifier, uint8_t *marks, pk_ref owner)
{
    const pk_image_layer *layer = &verifier->image->layers[owner];
    if (!pk_verify_mark(marks, layer->members, layer->n_members))
        return REFUSE(verifier, LAY, owner, "shares members with another layer");
    for (uint32_t i = 0; i < layer->n_members; i++) {
        pk_ref ref = layer->members + i;
        if (i && verifier->image->members[ref].name <= verifier->image->members[ref - 1].name)
            return REFUSE(verifier, MEM, ref, "the members of layer %u are not sorted", owner);
        int code = verify_member(verifier, ref, owner);
        if (code)
            return code;
    }
    return PK_OK;
}

static int verify_pair(const pk_verifier *verifier, pk_ref ref, pk_ref owner)
{
    const pk_image_key_pair *pair = &verifier->image->key_pairs[ref];
    const uint32_t slots[] = {pair->echoed_slot, pair->term_slot};
    for (unsigned i = 0; i < 2; i++)
        if (slots[i] != UINT32_MAX && slots[i] >= verifier->image->layers[owner].n_slots)
            return REFUSE(verifier, KYP, ref, "slot %u of %u", slots[i],
                          verifier->image->layers[owner].n_slots);
    const pk_verify_use uses[] = {{pair->reply, 1, "the reply's side"},
                                  {pair->sent, 1, "the stimulus's side"}};
    return pk_verify_uses(verifier, uses, 2, owner, PK_SEC_KYP, ref);
}

static int verify_shape(const pk_verifier *verifier, uint8_t *pair_marks, pk_ref ref, pk_ref owner)
{
    const pk_image_shape *shape = &verifier->image->shapes[ref];
    if (!pk_verify_mark(pair_marks, shape->keys, shape->n_keys))
        return REFUSE(verifier, SHP, ref, "shares key pairs with another shape");
    const pk_verify_use uses[] = {{shape->reply_guard, 1, "the reply's guard"},
                                  {shape->sent_guard, 1, "the stimulus's guard"}};
    int code = pk_verify_uses(verifier, uses, 2, owner, PK_SEC_SHP, ref);
    for (uint32_t i = 0; i < shape->n_keys && !code; i++)
        code = verify_pair(verifier, shape->keys + i, owner);
    return code;
}

int pk_verify_payload(const pk_verifier *verifier, pk_ref ref, pk_ref owner)
{
    const pk_image_payload *payload = &verifier->image->payloads[ref];
    uint32_t formals = verifier->image->layers[owner].n_formals;
    if (!pk_verify_mark(verifier->selectors, payload->selectors, payload->n_selectors))
        return REFUSE(verifier, PLD, ref, "is used twice, or shares selectors with another");
    int code =
        pk_verify_context(verifier, payload->window, owner, formals, PK_SEC_PLD, ref, "the window");
    for (uint32_t i = 0; i < payload->n_selectors && !code; i++) {
        pk_ref at = payload->selectors + i;
        code = pk_verify_context(verifier, verifier->image->selectors[at].key, owner, formals,
                                 PK_SEC_SEL, at, "the key");
    }
    return code;
}

static int verify_fields(const pk_verifier *verifier, pk_ref owner)
{
    const pk_image_layer *layer = &verifier->image->layers[owner];
    for (uint32_t i = 0; i < layer->n_fields; i++)
        if (verifier->image->fields[layer->fields + i].layer != owner)
            return REFUSE(verifier, LAY, owner, "field %u is of another layer", layer->fields + i);
    return PK_OK;
}

static int verify_shapes(const pk_verifier *verifier, uint8_t *marks, uint8_t *pair_marks,
                         pk_ref owner)
{
    const pk_image_layer *layer = &verifier->image->layers[owner];
    if (!pk_verify_mark(marks, layer->shapes, layer->n_shapes))
        return REFUSE(verifier, LAY, owner, "shares answer shapes with another layer");
    int code = PK_OK;
    for (uint32_t i = 0; i < layer->n_shapes && !code; i++)
        code = verify_shape(verifier, pair_marks, layer->shapes + i, owner);
    return code;
}

static int verify_layer(const pk_verifier *verifier, pk_ref ref)
{
    const pk_image_layer *layer = &verifier->image->layers[ref];
    if ((layer->kind == PK_LAYER_CASE) != (layer->parent != 0))
        return REFUSE(verifier, LAY, ref, "a case has a parent, nothing else has");
    const pk_verify_use uses[] = {{layer->answers, 1, "`answers`"}, {layer->quotes, 1, "`quotes`"}};
    int code = verify_fields(verifier, ref);
    return code ? code : pk_verify_uses(verifier, uses, 2, ref, PK_SEC_LAY, ref);
}

int pk_verify_layers(pk_verifier *verifier)
{
    const pk_image *image = verifier->image;
    uint8_t *members = pk_verify_marks(verifier, image->n_members);
    uint8_t *shapes = pk_verify_marks(verifier, image->n_shapes);
    uint8_t *pairs = pk_verify_marks(verifier, image->n_key_pairs);
    verifier->selectors = pk_verify_marks(verifier, image->n_selectors);
    int code = members && shapes && pairs && verifier->selectors ? PK_OK : PK_ENOMEM;
    for (pk_ref ref = 1; ref < image->n_layers && !code; ref++) {
        code = verify_layer(verifier, ref);
        if (!code)
            code = verify_members(verifier, members, ref);
        if (!code)
            code = verify_shapes(verifier, shapes, pairs, ref);
    }
    for (pk_ref ref = 1; ref < image->n_fields && !code; ref++)
        code = verify_field(verifier, ref);
    return code;
}
