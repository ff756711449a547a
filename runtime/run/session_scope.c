/* What a run may send to: the destination of a packet, and the scope's verdict on it.
 *
 * Where a packet goes is what its outermost layer with an IPv4 or IPv6 field `dst` says, the rule
 * by which the machine asks for the way, too. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "run/session_internal.h"

static bool is_destination(const pk_image *image, pk_ref field)
{
    return field &&
           (image->fields[field].type == PK_TYPE_IP4 || image->fields[field].type == PK_TYPE_IP6);
}

/* The destination's field; NONE when the packet has none. */
static pk_tree_node destination_of(const pk_tree *tree, pk_ref name)
{
    pk_tree_node at = pk_tree_first(tree, (pk_tree_node){0, 0});
    while (name && !pk_tree_none(at) && pk_tree_kind(tree, at) == PK_REC_INSTANCE) {
        const pk_image_member *member =
            pk_image_member_find(tree->image, pk_tree_layer(tree, at), name);
        pk_tree_node field = PK_TREE_NONE;
        if (member && member->kind == PK_MEMBER_FIELD)
            field = pk_tree_slot(tree, at, member->ref);
        if (!pk_tree_none(field) && is_destination(tree->image, pk_tree_field(tree, field)))
            return field;
        at = pk_tree_payload(tree, at);
    }
    return PK_TREE_NONE;
}

pk_session_reach pk_session_reach_of(const pk_session *session, const pk_tree *tree)
{
    pk_bit_run runs[PK_TREE_RUNS];
    pk_tree_node field = destination_of(tree, pk_image_name_find(session->image, "dst"));
    if (pk_tree_none(field) || pk_tree_runs(tree, field, runs) != 1 || runs[0].off % 8 ||
        (runs[0].bits != 32 && runs[0].bits != 128))
        return (pk_session_reach){0, 0};
    return (pk_session_reach){runs[0].off / 8, runs[0].bits / 8};
}

static void note_exclusion(pk_session *session, pk_bytes address, const char *why, bool special)
{
    pk_ip ip = {.family = address.len == 4 ? AF_INET : AF_INET6};
    char text[PK_IP_TEXT_MAX];
    if (session->exclusion[0])
        return;
    memcpy(ip.bytes, address.data, address.len);
    (void)pk_ip_text(&ip, text);
    if (special)
        (void)snprintf(session->exclusion, sizeof session->exclusion,
                       "%s is of special purpose (%s) and behind a router; --allow %s sends there",
                       text, why, text);
    else
        (void)snprintf(session->exclusion, sizeof session->exclusion, "%s is %s", text, why);
}

bool pk_session_excludes(pk_session *session, pk_session_reach reach, const uint8_t *packet)
{
    const char *why = NULL;
    pk_bytes address = {packet + reach.at, reach.len};
    if (!session->scope || !reach.len)
        return false;
    pk_scope_verdict verdict = pk_scope_judge(session->scope, address, &why);
    if (verdict == PK_SCOPE_FREE)
        return false;
    bool special = verdict == PK_SCOPE_SPECIAL;
    if (special && !(session->setup.paths && pk_paths_by_router(session->setup.paths, address)))
        return false;
    note_exclusion(session, address, why, special);
    return true;
}

void pk_session_scope_set(pk_session *session, const pk_scope *scope)
{
    session->scope = scope;
    if (session->setup.paths)
        pk_paths_scope_set(session->setup.paths, scope);
}

const char *pk_session_exclusion(const pk_session *session)
{
    return session->exclusion;
}
