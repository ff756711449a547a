/* Which destinations a run may have: lists of the command line and of files. */
#include <string.h>
#include <unistd.h>

#include "run/front_internal.h"

/* Members with commas between. */
static int add_members(pk_scope *scope, pk_scope_list list, const char *text, pk_error *reterr_)
{
    char member[PK_SCOPE_LINE_LIMIT];
    int error = PK_OK;
    while (!error && *text) {
        size_t len = strcspn(text, ",");
        if (len >= sizeof member)
            return pk_error_set(reterr_, PK_ELIMIT, "a member is too long (limit %u)",
                                PK_SCOPE_LINE_LIMIT);
        memcpy(member, text, len);
        member[len] = 0;
        error = pk_scope_add(scope, list, member, reterr_);
        text += len + (text[len] == ',');
    }
    return error;
}

static int read_scope(const pk_front *f, pk_scope *scope, pk_error *reterr_)
{
    const pk_front_setup *setup = f->setup;
    int error = PK_OK;
    if (access(PK_FRONT_EXCLUSIONS, F_OK) == 0)
        error = pk_scope_add_file(scope, PK_SCOPE_EXCLUDED, PK_FRONT_EXCLUSIONS, reterr_);
    for (uint32_t i = 0; !error && i < setup->n_reach; i++) {
        const pk_front_reach *reach = &setup->reach[i];
        error = reach->file ? pk_scope_add_file(scope, reach->list, reach->text, reterr_)
                            : add_members(scope, reach->list, reach->text, reterr_);
    }
    if (!error && setup->lab) /* nobody else is there */
        error = add_members(scope, PK_SCOPE_ALLOWED, "0.0.0.0/0,::/0", reterr_);
    pk_scope_settle(scope);
    return error;
}

static int make_scope(pk_front *f, pk_scope **ret_scope, pk_error *reterr_)
{
    pk_scope *scope = pk_scope_new();
    if (!scope)
        return pk_error_set(reterr_, PK_ENOMEM, "no memory for what is excluded");
    int error = read_scope(f, scope, reterr_);
    if (error)
        pk_scope_free(scope);
    else
        *ret_scope = scope;
    return error;
}

int pk_front_open_scope(pk_front *f)
{
    f->again = f->setup->again ? *f->setup->again : 0;
    int error = make_scope(f, &f->scope, &f->error);
    if (!error)
        pk_session_scope_set(f->session, f->scope);
    return error;
}

int pk_front_check_targets(pk_front *f)
{
    if (f->setup->lab || f->setup->many)
        return PK_OK;
    pk_u128 targets = pk_session_targets(f->session, f->scope, PK_FRONT_TARGETS);
    if (targets <= PK_FRONT_TARGETS)
        return PK_OK;
    return pk_error_set(&f->error, PK_EFORMAT,
                        "more than %llu targets outside of private and documentation ranges: --yes "
                        "sends to them all, -c to some, --shard to a part",
                        (unsigned long long)PK_FRONT_TARGETS);
}

void pk_front_scope_again(pk_front *f)
{
    pk_scope *scope = NULL;
    pk_error why = {0};
    if (!f->setup->again || *f->setup->again == f->again)
        return;
    f->again = *f->setup->again;
    if (make_scope(f, &scope, &why)) {
        pk_front_note(f, "what was excluded before stays so: %s\n", why.text);
        return;
    }
    pk_session_scope_set(f->session, scope);
    pk_scope_free(f->scope);
    f->scope = scope;
    if (!f->setup->quiet)
        pk_front_note(f, "the exclusions were read again\n");
}
