/* SPDX-License-Identifier: MIT */
/* getsockopt(2) and setsockopt(2): the options of SOL_SOCKET that all families share. The family has the others, and those
 * of other levels. */
#include "linux/socket/sys_socket.h"

#include "linux/abi/time.h"
#include "linux/socket/args.h"
#include "mm/vm/usercopy.h"

#define BUFFER_LEAST 2304u
#define BOOLEANS                                                                                   \
    (1u << SO_DEBUG | 1u << SO_REUSEADDR | 1u << SO_DONTROUTE | 1u << SO_BROADCAST |               \
     1u << SO_KEEPALIVE | 1u << SO_OOBINLINE | 1u << SO_REUSEPORT | 1u << SO_PASSCRED |            \
     1u << SO_TIMESTAMP)

static bool is_boolean(uint32_t option)
{
    return option < 32 && (BOOLEANS >> option & 1);
}

/* As in Linux, twice the requested size, at least BUFFER_LEAST. */
static uint32_t buffer_size(int32_t asked)
{
    uint32_t size = asked < 0 || (uint32_t)asked > SOCKET_BUFFER ? SOCKET_BUFFER : (uint32_t)asked;
    return 2 * size > BUFFER_LEAST ? 2 * size : BUFFER_LEAST;
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

static enum err set_number(struct socket *socket, uint32_t option, int32_t value)
{
    if (is_boolean(option)) {
        uint32_t bit = 1u << option;
        socket->flags = value ? socket->flags | bit : socket->flags & ~bit;
        return E_OK;
    }
    switch (option) {
    case SO_SNDBUF:
    case SO_SNDBUFFORCE:
        socket->send_size = buffer_size(value);
        wait_queue_wake(&socket->writable);
        return E_OK;
    case SO_RCVBUF:
    case SO_RCVBUFFORCE:
        socket->receive_size = buffer_size(value);
        return E_OK;
    case SO_PRIORITY:
        socket->priority = (uint32_t)value;
        return E_OK;
    case SO_RCVLOWAT:
        socket->low_water = value < 0 ? INT32_MAX : value == 0 ? 1 : (uint32_t)value;
        return E_OK;
    default:
        return E_NOPROTOOPT;
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
    return socket->ops->get_option(socket, option);
}

union option_value {
    int32_t number;
    uint64_t linger;
    struct timeval time;
    struct fs_credentials credentials;
};

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
    default:
        return E_NOPROTOOPT;
    }
}

static enum err get_option(struct socket *socket, uint32_t option, union option_value *out,
                           uint32_t *size)
{
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
    default:
        *size = sizeof(out->number);
        return get_number(socket, option, &out->number);
    }
}

enum err sys_getsockopt(struct syscall *call)
{
    struct socket *socket;
    union option_value value;
    struct socket_option of_family;
    const void *from = &value;
    bool common = (int32_t)call->arg[1] == SOL_SOCKET;
    int32_t room;
    uint32_t size;
    enum err e = socket_hold(call->arg[0], &socket);
    if (e != E_OK)
        return e;
    if (!common && !socket->ops->get_option)
        e = E_NOTSUP;
    if (e == E_OK)
        e = copy_in(&room, virt(call->arg[4]), sizeof(room));
    if (e == E_OK && room < 0)
        e = E_INVAL;
    if (e == E_OK && common)
        e = get_option(socket, (uint32_t)call->arg[2], &value, &size);
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
