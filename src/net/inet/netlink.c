/* SPDX-License-Identifier: MIT */
/* The sockets; netlink_route.c has the answers. */
#include "net/inet/netlink.h"

#include "base/str.h"
#include "fs/socket/socket.h"
#include "fs/vfs/credentials.h"
#include "mm/heap/heap.h"
#include "net/inet/filter.h"
#include "net/inet/netlink_route.h"
#include "net/stack/stack.h"

#define AF_NETLINK      16u
#define NETLINK_ROUTE   0u
#define NETLINK_UEVENT  15u /* NETLINK_KOBJECT_UEVENT */
#define NETLINK_GENERIC 16u
#define QUEUE_MAX       (SOCKET_BUFFER * 2)
#define SOL_NETLINK     270u
#define OPTIONS_END     13u /* NETLINK_GET_STRICT_CHK */

struct netlink_address { /* struct sockaddr_nl */
    uint16_t family, pad;
    uint32_t pid, groups;
};

struct netlink_socket {
    struct socket socket;
    struct list all;     /* in netlink_sockets */
    struct list answers; /* struct netlink_answer */
    uint32_t queued;     /* bytes */
    uint32_t pid;        /* 0: not bound */
    uint32_t groups;
    uint32_t peer_pid, peer_groups; /* of connect() */
};

static struct list netlink_sockets = LIST_INIT(netlink_sockets);
static const struct socket_ops netlink_ops;

static struct netlink_socket *netlink_of(struct socket *socket)
{
    return (struct netlink_socket *)(uintptr_t)socket;
}

static enum err netlink_create(uint32_t type, uint32_t protocol, struct socket **out)
{
    if (type != SOCK_RAW && type != SOCK_DGRAM)
        return E_SOCKTNOSUPPORT;
    if (protocol != NETLINK_ROUTE && protocol != NETLINK_UEVENT && protocol != NETLINK_GENERIC)
        return E_PROTONOSUPPORT;
    enum err e = protocol == NETLINK_ROUTE ? net_start() : E_OK;
    if (e != E_OK)
        return e;
    struct netlink_socket *n = heap_alloc_zero(sizeof(*n));
    if (!n)
        return E_NOMEM;
    socket_init(&n->socket, &netlink_ops, AF_NETLINK, type, protocol);
    list_init(&n->answers);
    list_add_tail(&netlink_sockets, &n->all);
    *out = &n->socket;
    return E_OK;
}

/* O(sockets). */
static struct netlink_socket *netlink_find(uint32_t protocol, uint32_t pid)
{
    list_for_each (link, &netlink_sockets) {
        struct netlink_socket *n = CONTAINER_OF(link, struct netlink_socket, all);
        if (n->socket.protocol == protocol && n->pid == pid)
            return n;
    }
    return NULL;
}

/* The first socket of a process has its pid, others a number from the upper half. O(sockets). */
static void netlink_autobind(struct netlink_socket *n)
{
    uint32_t pid = fs_caller_job().pid;
    for (uint32_t next = UINT32_MAX - 4096; n->pid == 0; pid = next--) {
        if (netlink_find(n->socket.protocol, pid) == NULL)
            n->pid = pid;
    }
}

static enum err netlink_address_in(const struct socket_address *address,
                                   struct netlink_address *out)
{
    if (address->length < sizeof(*out))
        return E_INVAL;
    memcpy(out, address->bytes, sizeof(*out));
    return out->family == AF_NETLINK ? E_OK : E_INVAL;
}

static enum err netlink_bind(struct socket *socket, const struct socket_address *address)
{
    struct netlink_socket *n = netlink_of(socket);
    struct netlink_address own;
    enum err e = netlink_address_in(address, &own);
    if (e != E_OK)
        return e;
    if (n->pid != 0 && own.pid != n->pid)
        return E_INVAL;
    if (n->pid == 0 && own.pid != 0 && netlink_find(socket->protocol, own.pid) != NULL)
        return E_ADDRINUSE;
    if (n->pid == 0)
        n->pid = own.pid;
    n->groups = own.groups;
    netlink_autobind(n);
    return E_OK;
}

/* To others than the kernel, pid 0, only the administrator talks. */
static enum err may_talk_to(const struct netlink_address *to)
{
    return (to->pid == 0 && to->groups == 0) || capable(CAP_NET_ADMIN) ? E_OK : E_PERM;
}

static enum err netlink_connect(struct socket *socket, const struct socket_address *address)
{
    struct netlink_socket *n = netlink_of(socket);
    struct netlink_address peer = {0};
    if (address->length < sizeof(address->family))
        return E_INVAL;
    if (address->family != AF_UNSPEC) {
        enum err e = netlink_address_in(address, &peer);
        if (e == E_OK)
            e = may_talk_to(&peer);
        if (e != E_OK)
            return e;
        netlink_autobind(n);
    }
    n->peer_pid = peer.pid;
    n->peer_groups = peer.groups;
    return E_OK;
}

static enum err netlink_listen(struct socket *socket, uint32_t backlog)
{
    (void)socket;
    (void)backlog;
    return E_NOTSUP;
}

static enum err netlink_accept(struct socket *socket, struct socket **out)
{
    (void)socket;
    (void)out;
    return E_NOTSUP;
}

static void netlink_address_out(uint32_t pid, uint32_t groups, struct socket_address *out)
{
    struct netlink_address address = {AF_NETLINK, 0, pid, groups};
    out->length = sizeof(address);
    memcpy(out->bytes, &address, sizeof(address));
}

static enum err netlink_name(struct socket *socket, bool peer, struct socket_address *out)
{
    const struct netlink_socket *n = netlink_of(socket);
    netlink_address_out(peer ? n->peer_pid : n->pid, peer ? n->peer_groups : n->groups, out);
    return E_OK;
}

static enum err netlink_shutdown(struct socket *socket, uint32_t how)
{
    (void)socket;
    (void)how;
    return E_NOTSUP;
}

/* Queues a copy of `from`, whose bytes are at `bytes`. */
static enum err netlink_queue(struct netlink_socket *n, const struct netlink_answer *from,
                              const void *bytes)
{
    struct bpf_packet packet = {.network = BPF_NOWHERE, .link = BPF_NOWHERE};
    uint32_t size = filter_bytes(&n->socket, &packet, bytes, from->size);
    if (size == 0)
        return E_OK;
    if (size > QUEUE_MAX - n->queued)
        return E_AGAIN;
    struct netlink_answer *answer = heap_alloc(sizeof(*answer) + size);
    if (!answer)
        return E_NOMEM;
    *answer = *from;
    answer->size = size;
    memcpy(answer->bytes, bytes, size);
    list_add_tail(&n->answers, &answer->link);
    n->queued += size;
    wait_queue_wake(&n->socket.readable);
    return E_OK;
}

static void ask_kernel(struct netlink_socket *n, const uint8_t *request, uint64_t size)
{
    struct netlink_answers answers = {.pid = n->pid,
                                      .room = n->queued < QUEUE_MAX ? QUEUE_MAX - n->queued : 0};
    list_init(&answers.list);
    if (n->socket.protocol == NETLINK_ROUTE)
        netlink_route_answer(request, size, &answers);
    else if (n->socket.protocol == NETLINK_GENERIC)
        netlink_generic_answer(request, size, &answers);
    n->queued += answers.bytes;
    while (!list_empty(&answers.list)) {
        struct list *link = answers.list.next;
        list_remove(link);
        list_add_tail(&n->answers, link);
    }
    wait_queue_wake(&n->socket.readable);
}

/* To the members of a group, of several the first, and to the socket of the pid, or to the kernel. O(sockets). */
static enum err netlink_pass(struct netlink_socket *n, const struct netlink_address *to,
                             const uint8_t *request, uint64_t size)
{
    const uint32_t group = to->groups & -to->groups;
    struct netlink_answer datagram = {.pid = n->pid, .groups = group, .size = (uint32_t)size};
    fs_caller_credentials(false, &datagram.sender);
    list_for_each (link, &netlink_sockets) {
        struct netlink_socket *other = CONTAINER_OF(link, struct netlink_socket, all);
        if (other != n && other->socket.protocol == n->socket.protocol && other->groups & group &&
            other->pid != to->pid)
            (void)netlink_queue(other, &datagram, request); /* who does not read loses some */
    }
    if (to->pid == 0) {
        ask_kernel(n, request, size);
        return E_OK;
    }
    struct netlink_socket *other = netlink_find(n->socket.protocol, to->pid);
    return other != NULL ? netlink_queue(other, &datagram, request) : E_CONNREFUSED;
}

static enum err netlink_send(struct socket *socket, struct socket_message *message)
{
    struct netlink_socket *n = netlink_of(socket);
    struct netlink_address to = {.pid = n->peer_pid, .groups = n->peer_groups};
    uint64_t size = io_left(message->io);
    if (message->flags & MSG_OOB)
        return E_NOTSUP;
    if (message->address) {
        enum err e = netlink_address_in(message->address, &to);
        if (e == E_OK)
            e = may_talk_to(&to);
        if (e != E_OK)
            return e;
    }
    if (size > socket->send_size - 32)
        return E_MSGSIZE;
    uint8_t *request = heap_alloc(size + 1);
    if (!request)
        return E_NOBUFS;
    struct io start = *message->io;
    enum err e = io_take(message->io, request, size);
    if (e == E_OK) {
        netlink_autobind(n);
        e = netlink_pass(n, &to, request, size);
    }
    if (e != E_OK)
        *message->io = start;
    heap_free(request);
    return e;
}

static enum err netlink_deliver(struct socket *socket, const void *bytes, uint32_t size)
{
    const struct netlink_answer datagram = {.size = size};
    return netlink_queue(netlink_of(socket), &datagram, bytes);
}

static bool netlink_has_answer(void *context)
{
    return !list_empty(&((const struct netlink_socket *)context)->answers);
}

static void drop_answer(struct netlink_socket *n, struct netlink_answer *answer)
{
    list_remove(&answer->link);
    n->queued -= answer->size;
    heap_free(answer);
}

static enum err netlink_receive(struct socket *socket, struct socket_message *message)
{
    struct netlink_socket *n = netlink_of(socket);
    if (message->flags & MSG_OOB)
        return E_NOTSUP;
    if (list_empty(&n->answers)) {
        enum err e = socket_wait(&socket->readable, netlink_has_answer, n,
                                 socket_waits(socket, message->flags), socket->receive_timeout_ns);
        if (e != E_OK)
            return e;
    }
    struct netlink_answer *answer = CONTAINER_OF(n->answers.next, struct netlink_answer, link);
    uint64_t room = io_left(message->io), size = answer->size < room ? answer->size : room;
    message->length = (message->flags & MSG_TRUNC) ? answer->size : size;
    message->result_flags = size < answer->size ? MSG_TRUNC : 0;
    struct io start = *message->io;
    enum err e = io_put(message->io, answer->bytes, size);
    if (e != E_OK) {
        *message->io = start;
        message->length = 0;
    } else if (message->address) {
        netlink_address_out(answer->pid, answer->groups, message->address);
    }
    message->credentials = answer->sender;
    message->has_credentials = true;
    if (!(message->flags & MSG_PEEK) && e != E_INTR)
        drop_answer(n, answer);
    return e;
}

static uint32_t netlink_poll(struct socket *socket)
{
    return POLL_ALL_WRITABLE | (list_empty(&netlink_of(socket)->answers) ? 0 : POLL_READABLE);
}

static enum err netlink_queued(struct socket *socket, bool out, uint32_t *bytes)
{
    (void)socket;
    (void)out;
    (void)bytes;
    return E_NOTTY;
}

static enum err netlink_peer(struct socket *socket, struct fs_credentials *out)
{
    (void)socket;
    *out = (struct fs_credentials){0, UINT32_MAX, UINT32_MAX};
    return E_OK;
}

static bool netlink_listens(const struct socket *socket)
{
    (void)socket;
    return false;
}

enum {
    NETLINK_ADD_MEMBERSHIP = 1,
    NETLINK_DROP_MEMBERSHIP = 2,
    NETLINK_LIST_MEMBERSHIPS = 9
};

/* Options that change what the kernel sends by itself are taken: it sends nothing. */
static enum err netlink_set_option(struct socket *socket, const struct socket_option *option)
{
    struct netlink_socket *n = netlink_of(socket);
    if (option->level != SOL_NETLINK || option->name == 0 || option->name >= OPTIONS_END)
        return E_NOPROTOOPT;
    if (option->size < sizeof(option->number))
        return E_INVAL;
    if (option->name > NETLINK_DROP_MEMBERSHIP)
        return E_OK;
    if (option->number < 1 || option->number > 32)
        return E_INVAL;
    uint32_t group = 1u << (option->number - 1);
    n->groups = option->name == NETLINK_ADD_MEMBERSHIP ? n->groups | group : n->groups & ~group;
    return E_OK;
}

static enum err netlink_get_option(struct socket *socket, struct socket_option *option)
{
    if (option->level != SOL_NETLINK || option->name != NETLINK_LIST_MEMBERSHIPS)
        return E_NOPROTOOPT;
    memcpy(option->bytes, &netlink_of(socket)->groups, sizeof(uint32_t));
    option->size = sizeof(uint32_t);
    return E_OK;
}

static void netlink_release(struct socket *socket)
{
    struct netlink_socket *n = netlink_of(socket);
    while (!list_empty(&n->answers))
        drop_answer(n, CONTAINER_OF(n->answers.next, struct netlink_answer, link));
    list_remove(&n->all);
    heap_free(n);
}

static const struct socket_ops netlink_ops = {
    .bind = netlink_bind,
    .connect = netlink_connect,
    .listen = netlink_listen,
    .accept = netlink_accept,
    .name = netlink_name,
    .shutdown = netlink_shutdown,
    .send = netlink_send,
    .receive = netlink_receive,
    .poll = netlink_poll,
    .queued = netlink_queued,
    .deliver = netlink_deliver,
    .peer = netlink_peer,
    .listens = netlink_listens,
    .release = netlink_release,
    .set_option = netlink_set_option,
    .get_option = netlink_get_option,
    .filters = true,
};

void netlink_init(void)
{
    static struct socket_family family = {.number = AF_NETLINK, .create = netlink_create};
    socket_family_register(&family);
}
