#include "net/lab.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/lab_node.h"

#define MTU_DEFAULT    1500u
#define NODES_MAX      (PK_LAB_HOPS_MAX + 2)
#define LISTEN_BACKLOG 65535

struct pk_lab {
    pk_lab_node nodes[NODES_MAX]; /* from near to far */
    uint32_t node_count;
    int origin_fd; /* the namespace the caller came from; -1: no way back */
    int services[PK_LAB_SERVICES_MAX];
    uint32_t service_count;
    pk_lab_notes notes;
};

/* /proc/self/uid_map and its kin take exactly one write. */
static int write_once(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t done = write(fd, text, strlen(text));
    int sys_errno = errno;
    (void)close(fd);
    errno = sys_errno;
    return done < 0 ? -1 : 0;
}

static int map_id(const char *path, unsigned long id)
{
    char text[64];
    (void)snprintf(text, sizeof text, "%lu %lu 1\n", id, id);
    return write_once(path, text);
}

static int refuse_user_namespace(int sys_errno, pk_error *reterr_)
{
    const char *way = "";
    if (sys_errno == EPERM || sys_errno == EACCES)
        way =
            "; `sudo sysctl kernel.unprivileged_userns_clone=1` (Debian) or `sudo sysctl "
            "kernel.apparmor_restrict_unprivileged_userns=0` (Ubuntu) allow it, or run it as root";
    else if (sys_errno == ENOSPC || sys_errno == EUSERS)
        way = "; `sudo sysctl user.max_user_namespaces=1000 user.max_net_namespaces=1000` allows "
              "it";
    else if (sys_errno == EINVAL)
        way = "; the process must have one thread only";
    (void)pk_error_sys(reterr_, sys_errno, "the lab needs a namespace of its own");
    pk_error_append(reterr_, "%s", way);
    if (reterr_)
        reterr_->code = PK_EPERM;
    return PK_EPERM;
}

/* The ids stay what they are. Where they cannot be said (root without CAP_SETFCAP) they read as
 * those of nobody; the rights in the lab are the same. */
static int enter_user_namespace(pk_error *reterr_)
{
    unsigned long user = geteuid();
    unsigned long group = getegid();
    if (unshare(CLONE_NEWUSER) < 0)
        return refuse_user_namespace(errno, reterr_);
    (void)write_once("/proc/self/setgroups", "deny");
    (void)map_id("/proc/self/uid_map", user);
    (void)map_id("/proc/self/gid_map", group);
    return PK_OK;
}

/* Makes sure that network namespaces may be made, by the caller's own right or in a user namespace.
 * The first of them is made on the way, and left for the next. */
static int gain_right(pk_lab *lab, pk_error *reterr_)
{
    lab->origin_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (unshare(CLONE_NEWNET) == 0)
        return PK_OK;
    if (errno != EPERM)
        return refuse_user_namespace(errno, reterr_);
    int code = enter_user_namespace(reterr_);
    if (code < 0)
        return code;
    if (lab->origin_fd >= 0)
        (void)close(lab->origin_fd);
    lab->origin_fd = -1; /* another user namespace owns it */
    return unshare(CLONE_NEWNET) < 0 ? refuse_user_namespace(errno, reterr_) : PK_OK;
}

static pk_lab_role role_of(const pk_lab *lab, uint32_t place)
{
    if (place == 0)
        return PK_LAB_NEAR;
    return place == lab->node_count - 1 ? PK_LAB_FAR : PK_LAB_ROUTER;
}

/* From the far end to the near one, so that the caller ends up in the near namespace. */
static int create_nodes(pk_lab *lab, pk_error *reterr_)
{
    int code = PK_OK;
    for (uint32_t place = lab->node_count; place-- > 0 && code == PK_OK;)
        code = pk_lab_node_create(&lab->nodes[place], role_of(lab, place), place, &lab->notes,
                                  reterr_);
    return code;
}

static int connect_nodes(pk_lab *lab, uint32_t mtu, pk_error *reterr_)
{
    int code = PK_OK;
    for (uint32_t i = 0; i + 1 < lab->node_count && code == PK_OK; i++)
        code = pk_lab_node_join(&lab->nodes[i], &lab->nodes[i + 1], mtu, reterr_);
    for (uint32_t i = 0; i < lab->node_count && code == PK_OK; i++)
        code = pk_lab_node_configure(&lab->nodes[i], &lab->notes, reterr_);
    return code;
}

static int build(pk_lab *lab, uint32_t mtu, pk_error *reterr_)
{
    int code = gain_right(lab, reterr_);
    if (code == PK_OK)
        code = create_nodes(lab, reterr_);
    return code < 0 ? code : connect_nodes(lab, mtu, reterr_);
}

int pk_lab_open(pk_lab **ret_lab, const pk_lab_options *options, pk_error *reterr_)
{
    static const pk_lab_options none = {0};
    options = options ? options : &none;
    if (options->hops > PK_LAB_HOPS_MAX)
        return pk_error_set(reterr_, PK_ELIMIT, "a lab of %u routers (limit of hops %u)",
                            options->hops, PK_LAB_HOPS_MAX);
    pk_lab *lab = calloc(1, sizeof *lab);
    if (!lab)
        return pk_error_set(reterr_, PK_ENOMEM, "no memory for a lab");
    lab->origin_fd = -1;
    lab->node_count = options->hops + 2;
    for (uint32_t i = 0; i < NODES_MAX; i++)
        lab->nodes[i].namespace_fd = -1;
    int code = build(lab, options->mtu ? options->mtu : MTU_DEFAULT, reterr_);
    if (code < 0) {
        pk_lab_close(lab);
        return code;
    }
    *ret_lab = lab;
    return PK_OK;
}

static int bind_any(int fd, int family, uint16_t port)
{
    struct sockaddr_in any4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 any6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    if (family == AF_INET)
        return bind(fd, (const struct sockaddr *)&any4, sizeof any4);
    int off = 0;
    (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    return bind(fd, (const struct sockaddr *)&any6, sizeof any6);
}

/* The far end's socket, made while the caller is there. */
static int open_service(int family, uint16_t port, int *ret_fd, pk_error *reterr_)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return pk_error_sys(reterr_, errno, "cannot open port %u of the lab", port);
    if (bind_any(fd, family, port) < 0 || listen(fd, LISTEN_BACKLOG) < 0) {
        int sys_errno = errno;
        (void)close(fd);
        return pk_error_sys(reterr_, sys_errno, "cannot open port %u of the lab", port);
    }
    *ret_fd = fd;
    return PK_OK;
}

int pk_lab_listen(pk_lab *lab, int family, uint16_t port, pk_error *reterr_)
{
    int fd = -1;
    if (lab->service_count >= PK_LAB_SERVICES_MAX)
        return pk_error_set(reterr_, PK_ELIMIT, "too many open ports in a lab (limit %u)",
                            PK_LAB_SERVICES_MAX);
    if (port == 0)
        return pk_error_set(reterr_, PK_ENOENT, "a lab cannot open port 0");
    if (setns(lab->nodes[lab->node_count - 1].namespace_fd, CLONE_NEWNET) < 0)
        return pk_error_sys(reterr_, errno, "cannot reach the far end of the lab");
    int code = open_service(family, port, &fd, reterr_);
    if (setns(lab->nodes[0].namespace_fd, CLONE_NEWNET) < 0 && code == PK_OK) {
        code = pk_error_sys(reterr_, errno, "cannot return to the near end of the lab");
        (void)close(fd);
    }
    if (code == PK_OK)
        lab->services[lab->service_count++] = fd;
    return code;
}

const char *pk_lab_warning(const pk_lab *lab)
{
    return lab->notes.text;
}

void pk_lab_addresses(const pk_lab *lab, pk_ip *ret_near4, pk_ip *ret_near6, pk_ip *ret_hop4,
                      pk_ip *ret_hop6)
{
    bool ipv6 = !lab->notes.no_ipv6;
    *ret_near4 = pk_lab_ip(AF_INET, 0, 0);
    *ret_hop4 = pk_lab_ip(AF_INET, 0, 1);
    *ret_near6 = ipv6 ? pk_lab_ip(AF_INET6, 0, 0) : (pk_ip){0};
    *ret_hop6 = ipv6 ? pk_lab_ip(AF_INET6, 0, 1) : (pk_ip){0};
}

void pk_lab_close(pk_lab *lab)
{
    if (!lab)
        return;
    for (uint32_t i = 0; i < lab->service_count; i++)
        (void)close(lab->services[i]);
    for (uint32_t i = 0; i < NODES_MAX; i++)
        pk_lab_node_close(&lab->nodes[i]);
    if (lab->origin_fd >= 0) {
        (void)setns(lab->origin_fd, CLONE_NEWNET);
        (void)close(lab->origin_fd);
    }
    free(lab);
}
