/* SPDX-License-Identifier: MIT */
/* getsockopt(2) and setsockopt(2): the options of SOL_SOCKET that all families share. The family has the others, and those
 * of other levels. */
#include "linux/socket/sys_socket.h"

#include "fs/vfs/credentials.h"
#include "linux/abi/time.h"
#include "linux/socket/args.h"
#include "mm/heap/heap.h"
#include "mm/vm/usercopy.h"

#define SEND_LEAST    4608u
#define RECEIVE_LEAST 2304u
#define BIT(option)   (1ul << (option))
#define STAMPS        (BIT(SO_TIMESTAMP) | BIT(SO_TIMESTAMPNS)) /* of which one is on at a time */
#define BOOLEANS                                                                                   \
    (BIT(SO_DEBUG) | BIT(SO_REUSEADDR) | BIT(SO_DONTROUTE) | BIT(SO_BROADCAST) |                   \
     BIT(SO_KEEPALIVE) | BIT(SO_OOBINLINE) | BIT(SO_REUSEPORT) | BIT(SO_PASSCRED) |                \
     BIT(SO_PASSSEC) | BIT(SO_RXQ_OVFL) | BIT(SO_NOFCS) | BIT(SO_LOCK_FILTER) |                    \
     BIT(SO_SELECT_ERR_QUEUE) | STAMPS)
/* struct sock_fprog; SKF_AD_MAX */
#define FILTER_SIZE    16u
#define BPF_EXTENSIONS 64
#define IPPROTO_UDP    17
#define SOL_PACKET     263
#define PRIORITY_MOST  6 /* of a program without CAP_NET_ADMIN */

static bool is_boolean(uint32_t option)
{
    return option < 64 && (BOOLEANS >> option & 1);
}

/* SO_SNDBUF, SO_RCVBUF, and as ...FORCE above the limit of all: as in Linux, twice what is asked for. From then on it does
 * not grow by itself. */
static enum err set_buffer(struct socket *socket, uint32_t option, int32_t asked)
{
    bool send = option == SO_SNDBUF || option == SO_SNDBUFFORCE;
    bool forced = option == SO_SNDBUFFORCE || option == SO_RCVBUFFORCE;
    uint32_t least = send ? SEND_LEAST : RECEIVE_LEAST;
    uint32_t most = forced ? INT32_MAX / 2 : SOCKET_BUFFER;
    if (forced && !capable(CAP_NET_ADMIN))
        return E_PERM;
    uint32_t size = forced && asked < 0 ? 0 : (uint32_t)asked < most ? (uint32_t)asked : most;
    *(send ? &socket->send_size : &socket->receive_size) = 2 * size > least ? 2 * size : least;
    socket->flags |= BIT(send ? SO_SNDBUF : SO_RCVBUF);
    if (send)
        wait_queue_wake(&socket->writable);
    return E_OK;
}

static enum err set_timeout(uint64_t *out, uint64_t from, uint64_t size)
{
    struct timeval value;
    uint64_t ns;
    if (size < sizeof(value))
        return E_INVAL;
    enum err e = copy_in(&value, virt(from), sizeof(value));
    if (e != E_OK)
        return e;
    if (value.microseconds < 0 || value.microseconds >= 1000000)
        return E_DOM;
    if (value.seconds < 0)
        ns = 1; /* expires at once */
    else if (timeval_to_ns(&value, &ns) != E_OK || ns == 0)
        ns = NO_DEADLINE;
    *out = ns;
    return E_OK;
}

static enum err set_boolean(struct socket *socket, uint32_t option, bool on)
{
    uint64_t bit = BIT(option);
    if (option == SO_DEBUG && on && !capable(CAP_NET_ADMIN))
        return E_ACCES;
    if (option == SO_REUSEPORT && on && socket->family == AF_UNIX)
        return E_NOTSUP;
    if (option == SO_LOCK_FILTER && !on && (socket->flags & bit))
        return E_PERM;
    if (bit & STAMPS)
        socket->flags &= ~STAMPS;
    socket->flags = on ? socket->flags | bit : socket->flags & ~bit;
    return E_OK;
}

/* As Linux 6.1: streams of TCP and raw sockets have no SO_PEEK_OFF, nor has netlink. */
static bool has_peek_at(const struct socket *socket)
{
    return socket->family == AF_UNIX ||
           (socket->type == SOCK_DGRAM && socket->protocol == IPPROTO_UDP);
}

/* NULL: none from now on. Owns it. */
static enum err socket_set_filter(struct socket *socket, struct socket_filter *filter)
{
    enum err e = socket_flag(socket, SO_LOCK_FILTER) ? E_PERM
                 : filter == NULL && !socket->filter ? E_NOENT
                                                     : E_OK;
    if (e == E_OK) {
        heap_free(socket->filter);
        socket->filter = filter;
    } else {
        heap_free(filter);
    }
    return e;
}

struct filter_program { /* struct sock_fprog */
    uint16_t count;
    uint64_t code;
};
_Static_assert(sizeof(struct filter_program) == FILTER_SIZE, "linux/filter.h");

/* SO_ATTACH_FILTER. E_INVAL: it is not one; E_NOPROTOOPT: the family has none. */
static enum err attach_filter(struct socket *socket, uint64_t from)
{
    struct filter_program program;
    enum err e = copy_in(&program, virt(from), sizeof(program));
    if (e != E_OK)
        return e;
    if (!socket->ops->filters)
        return E_NOPROTOOPT;
    if (socket_flag(socket, SO_LOCK_FILTER))
        return E_PERM;
    if (program.code == 0 || program.count == 0 || program.count > BPF_INSTRUCTIONS_MAX)
        return E_INVAL;
    size_t size = program.count * sizeof(struct bpf_instruction);
    struct socket_filter *filter = heap_alloc(sizeof(*filter) + size);
    uint16_t *seen = heap_alloc(program.count * sizeof(*seen));
    e = filter && seen ? copy_in(filter->code, virt(program.code), size) : E_NOMEM;
    if (e == E_OK && !bpf_check(filter->code, program.count, seen))
        e = E_INVAL;
    heap_free(seen);
    if (e != E_OK) {
        heap_free(filter);
        return e;
    }
    filter->count = program.count;
    return socket_set_filter(socket, filter);
}

/* What is kept and returned, without an effect. */
static enum err set_kept(struct socket *socket, uint32_t option, int32_t value)
{
    switch (option) {
    case SO_MARK:
        if (!capable(CAP_NET_ADMIN) && !capable(CAP_NET_RAW))
            return E_PERM;
        socket->mark = (uint32_t)value;
        return E_OK;
    case SO_BUSY_POLL:
        if (value < 0)
            return E_INVAL;
        if ((uint32_t)value > socket->busy_poll && !capable(CAP_NET_ADMIN))
            return E_PERM;
        socket->busy_poll = (uint32_t)value;
        return E_OK;
    case SO_MAX_PACING_RATE:
        socket->pacing_rate = ~(uint32_t)value;
        return E_OK;
    case SO_PEEK_OFF:
        if (!has_peek_at(socket))
            return E_NOTSUP;
        socket->peek_at = value;
        return E_OK;
    case SO_DETACH_FILTER:
        return socket_set_filter(socket, NULL);
    case SO_ATTACH_BPF:
        return E_INVAL;
    default:
        return E_NOPROTOOPT;
    }
}

static enum err set_number(struct socket *socket, uint32_t option, int32_t value)
{
    if (is_boolean(option))
        return set_boolean(socket, option, value != 0);
    switch (option) {
    case SO_SNDBUF:
    case SO_SNDBUFFORCE:
    case SO_RCVBUF:
    case SO_RCVBUFFORCE:
        return set_buffer(socket, option, value);
    case SO_PRIORITY:
        if ((value < 0 || value > PRIORITY_MOST) && !capable(CAP_NET_ADMIN) &&
            !capable(CAP_NET_RAW))
            return E_PERM;
        socket->priority = (uint32_t)value;
        return E_OK;
    case SO_RCVLOWAT:
        socket->low_water = value < 0 ? INT32_MAX : value == 0 ? 1 : (uint32_t)value;
        return E_OK;
    default:
        return set_kept(socket, option, value);
    }
}

/* An option that the family has. */
static enum err set_option_of_family(struct socket *socket, const struct syscall *call)
{
    struct socket_option option = {.level = (uint32_t)call->arg[1], .name = (uint32_t)call->arg[2]};
    uint32_t size = (uint32_t)call->arg[4];
    if (!socket->ops->set_option)
        return option.level == SOL_SOCKET ? E_NOPROTOOPT : E_NOTSUP;
    option.size = size < SOCKET_OPTION_MAX ? size : SOCKET_OPTION_MAX;
    enum err e = copy_in(option.bytes, virt(call->arg[3]), option.size);
    return e == E_OK ? socket->ops->set_option(socket, &option) : e;
}

static enum err set_option(struct socket *socket, uint32_t option, uint64_t from, uint64_t size)
{
    int32_t value;
    if (option == SO_RCVTIMEO)
        return set_timeout(&socket->receive_timeout_ns, from, size);
    if (option == SO_SNDTIMEO)
        return set_timeout(&socket->send_timeout_ns, from, size);
    if (size < sizeof(value))
        return E_INVAL;
    if (option == SO_LINGER)
        return size < sizeof(socket->linger)
                   ? E_INVAL
                   : copy_in(&socket->linger, virt(from), sizeof(socket->linger));
    if (option == SO_ATTACH_FILTER && size != FILTER_SIZE)
        return E_INVAL;
    if (option == SO_ATTACH_FILTER)
        return attach_filter(socket, from);
    enum err e = copy_in(&value, virt(from), sizeof(value));
    return e == E_OK ? set_number(socket, option, value) : e;
}

enum err sys_setsockopt(struct syscall *call)
{
    struct socket *socket;
    enum err e = socket_hold(call->arg[0], &socket);
    if (e != E_OK)
        return e;
    if ((int32_t)call->arg[4] < 0)
        e = E_INVAL;
    else if ((int32_t)call->arg[1] != SOL_SOCKET || (uint32_t)call->arg[2] == SO_BINDTODEVICE)
        e = set_option_of_family(socket, call);
    else
        e = set_option(socket, (uint32_t)call->arg[2], call->arg[3], (uint32_t)call->arg[4]);
    if (e == E_OK && (int32_t)call->arg[1] == SOL_SOCKET && socket->ops->changed)
        socket->ops->changed(socket);
    socket_let_go(socket);
    return e;
}

static enum err get_option_of_family(struct socket *socket, const struct syscall *call,
                                     uint32_t room, struct socket_option *option)
{
    option->level = (uint32_t)call->arg[1];
    option->name = (uint32_t)call->arg[2];
    option->size = room < SOCKET_OPTION_MAX ? room : SOCKET_OPTION_MAX;
    option->number = 0;
    if (option->level == SOL_PACKET &&
        room >= sizeof(option->number)) { /* PACKET_HDRLEN: of what */
        enum err e = copy_in(&option->number, virt(call->arg[3]), sizeof(option->number));
        if (e != E_OK)
            return e;
    }
    return socket->ops->get_option(socket, option);
}

union option_value {
    int32_t number;
    uint64_t linger;
    struct timeval time;
    struct fs_credentials credentials;
    uint64_t cookie;
    struct socket_address name;
};

static uint64_t socket_cookie(struct socket *socket)
{
    static uint64_t last;
    if (socket->cookie == 0)
        socket->cookie = ++last;
    return socket->cookie;
}

static struct timeval timeout_of(uint64_t ns)
{
    return timeval_of_ns(ns == NO_DEADLINE ? 0 : ns);
}

static enum err get_number(struct socket *socket, uint32_t option, int32_t *out)
{
    if (is_boolean(option)) {
        *out = socket_flag(socket, option);
        return E_OK;
    }
    switch (option) {
    case SO_TYPE:
        *out = socket->type;
        return E_OK;
    case SO_ERROR:
        *out = (int32_t)socket_take_error(socket);
        return E_OK;
    case SO_SNDBUF:
        *out = (int32_t)socket->send_size;
        return E_OK;
    case SO_RCVBUF:
        *out = (int32_t)socket->receive_size;
        return E_OK;
    case SO_PRIORITY:
        *out = (int32_t)socket->priority;
        return E_OK;
    case SO_RCVLOWAT:
        *out = (int32_t)socket->low_water;
        return E_OK;
    case SO_SNDLOWAT:
        *out = 1;
        return E_OK;
    case SO_ACCEPTCONN:
        *out = socket->ops->listens(socket);
        return E_OK;
    case SO_PROTOCOL:
        *out = socket->protocol;
        return E_OK;
    case SO_DOMAIN:
        *out = socket->family;
        return E_OK;
    case SO_MARK:
        *out = (int32_t)socket->mark;
        return E_OK;
    case SO_BUSY_POLL:
        *out = (int32_t)socket->busy_poll;
        return E_OK;
    case SO_MAX_PACING_RATE:
        *out = (int32_t)~socket->pacing_rate;
        return E_OK;
    case SO_PEEK_OFF:
        *out = socket->peek_at;
        return has_peek_at(socket) ? E_OK : E_NOTSUP;
    case SO_BPF_EXTENSIONS:
        *out = BPF_EXTENSIONS;
        return E_OK;
    default:
        return E_NOPROTOOPT;
    }
}

/* *size: the room, which is replaced by the size of the value. */
static enum err get_option(struct socket *socket, uint32_t option, union option_value *out,
                           uint32_t *size)
{
    uint32_t room = *size;
    enum err e;
    switch (option) {
    case SO_LINGER:
        *size = sizeof(out->linger);
        out->linger = socket->linger;
        return E_OK;
    case SO_RCVTIMEO:
        *size = sizeof(out->time);
        out->time = timeout_of(socket->receive_timeout_ns);
        return E_OK;
    case SO_SNDTIMEO:
        *size = sizeof(out->time);
        out->time = timeout_of(socket->send_timeout_ns);
        return E_OK;
    case SO_PEERCRED:
        *size = sizeof(out->credentials);
        return socket->ops->peer(socket, &out->credentials);
    case SO_COOKIE:
        *size = sizeof(out->cookie);
        out->cookie = socket_cookie(socket);
        return room < sizeof(out->cookie) ? E_INVAL : E_OK;
    case SO_PEERNAME:
        e = socket->ops->name(socket, true, &out->name);
        if (e != E_OK)
            return E_NOTCONN;
        *size = room;
        return out->name.length < room ? E_INVAL : E_OK;
    default:
        *size = sizeof(out->number);
        return get_number(socket, option, &out->number);
    }
}

/* SO_GET_FILTER, in instructions; 0: only their number. */
static enum err get_filter(const struct socket *socket, const struct syscall *call, uint32_t room)
{
    uint32_t count = socket->filter ? socket->filter->count : 0;
    if (room != 0 && room < count)
        return E_INVAL;
    enum err e = room == 0 || count == 0 ? E_OK
                                         : copy_out(virt(call->arg[3]), socket->filter->code,
                                                    count * sizeof(struct bpf_instruction));
    return e == E_OK ? copy_out(virt(call->arg[4]), &count, sizeof(count)) : e;
}

enum err sys_getsockopt(struct syscall *call)
{
    struct socket *socket;
    union option_value value;
    struct socket_option of_family;
    const void *from = &value;
    bool common = (int32_t)call->arg[1] == SOL_SOCKET;
    int32_t room;
    uint32_t size = 0;
    enum err e = socket_hold(call->arg[0], &socket);
    if (e != E_OK)
        return e;
    if (!common && !socket->ops->get_option)
        e = E_NOTSUP;
    if (e == E_OK)
        e = copy_in(&room, virt(call->arg[4]), sizeof(room));
    if (e == E_OK && room < 0)
        e = E_INVAL;
    if (e == E_OK && common && (uint32_t)call->arg[2] == SO_ATTACH_FILTER) {
        e = get_filter(socket, call, (uint32_t)room);
        socket_let_go(socket);
        return e;
    }
    if (e == E_OK && common) {
        size = (uint32_t)room;
        e = get_option(socket, (uint32_t)call->arg[2], &value, &size);
        if (e == E_OK && (uint32_t)call->arg[2] == SO_PEERNAME)
            from = value.name.bytes;
    }
    if (socket->ops->get_option && (common ? e == E_NOPROTOOPT : e == E_OK)) {
        e = get_option_of_family(socket, call, (uint32_t)room, &of_family);
        from = of_family.bytes;
        size = of_family.size;
    }
    socket_let_go(socket);
    if (e != E_OK)
        return e;
    if ((uint32_t)room < size)
        size = (uint32_t)room;
    e = copy_out(virt(call->arg[3]), from, size);
    return e == E_OK ? copy_out(virt(call->arg[4]), &size, sizeof(size)) : e;
}
