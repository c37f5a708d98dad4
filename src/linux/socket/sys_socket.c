/* SPDX-License-Identifier: MIT */
/* Creation and connection of sockets. Messages: sys_socket_message.c; options:
 * sys_socket_option.c. */
#define LOG_TAG "linux"
#include "linux/socket/sys_socket.h"

#include "base/log.h"
#include "linux/socket/args.h"
#include "linux/task/settings.h"
#include "mm/vm/usercopy.h"

#define SOCK_TYPE_MASK 0xfu
#define FAMILIES       46u /* AF_MAX */
#define TYPES          11u /* SOCK_MAX */

enum err socket_hold(uint64_t fd, struct socket **out)
{
    struct file *file = fd_file(fd);
    if (!file)
        return E_BADF;
    struct socket *socket = socket_of(file);
    if (!socket)
        return E_NOTSOCK;
    file_get(file);
    *out = socket;
    return E_OK;
}

void socket_let_go(struct socket *socket)
{
    file_put(socket->file);
}

enum err socket_finish(struct syscall *call, struct socket *socket, uint64_t timeout_ns, enum err e)
{
    if (e == E_INTR && timeout_ns == NO_DEADLINE)
        call->restart = true; /* signal(7): with a timeout, EINTR regardless of SA_RESTART */
    socket_let_go(socket);
    return e;
}

enum err socket_address_in(struct socket_address *address, uint64_t from, uint64_t size)
{
    if ((uint32_t)size > SOCKET_ADDRESS_MAX)
        return E_INVAL;
    *address = (struct socket_address){.length = (uint32_t)size};
    return address->length == 0 ? E_OK : copy_in(address->bytes, virt(from), address->length);
}

enum err socket_address_out(const struct socket_address *address, uint64_t to, uint64_t size_at)
{
    int32_t room;
    enum err e = copy_in_waiting(&room, virt(size_at), sizeof(room));
    if (e == E_OK && room < 0)
        e = E_INVAL;
    if (e == E_OK)
        e = copy_out(virt(to), address->bytes,
                     (uint32_t)room < address->length ? (uint32_t)room : address->length);
    return e == E_OK ? copy_out(virt(size_at), &address->length, sizeof(address->length)) : e;
}

#define TYPE_BITS (SOCK_TYPE_MASK | O_NONBLOCK | O_CLOEXEC)

static enum err socket_make(const struct syscall *call, const struct socket_family **family,
                            struct socket **out)
{
    uint32_t number = (uint32_t)call->arg[0], type = (uint32_t)call->arg[1];
    if (type & ~TYPE_BITS)
        return E_INVAL;
    if (number >= FAMILIES)
        return E_AFNOSUPPORT;
    if ((type & SOCK_TYPE_MASK) >= TYPES)
        return E_INVAL;
    *family = socket_family_find(number);
    if (!*family) {
        static uint64_t said;
        if (!(said >> number & 1))
            log_info("socket() of family %u is answered with EAFNOSUPPORT: it is not there",
                     number);
        said |= UINT64_C(1) << number;
        return E_AFNOSUPPORT;
    }
    return (*family)->create(type & SOCK_TYPE_MASK, (uint32_t)call->arg[2], out);
}

enum err sys_socket(struct syscall *call)
{
    const struct socket_family *family;
    struct socket *socket;
    struct file *file;
    enum err e = socket_make(call, &family, &socket);
    if (e == E_OK)
        e = socket_open(socket, call->arg[1] & O_NONBLOCK, &file);
    return e == E_OK ? fd_install(call, file, call->arg[1] & O_CLOEXEC) : e;
}

enum err sys_socketpair(struct syscall *call)
{
    const struct socket_family *family;
    struct socket *sockets[2];
    struct file *files[2] = {NULL, NULL};
    uint32_t numbers[2]; /* written first, also if there will be no sockets */
    enum err e = (uint32_t)call->arg[1] & ~TYPE_BITS ? E_INVAL : E_OK;
    if (e == E_OK)
        e = file_table_next(file_table_current(), numbers);
    if (e == E_OK)
        e = copy_out_now(virt(call->arg[3]), numbers, sizeof(numbers));
    for (unsigned i = 0; e == E_OK && i < 2; i++) {
        e = socket_make(call, &family, &sockets[i]);
        if (e == E_OK)
            e = socket_open(sockets[i], call->arg[1] & O_NONBLOCK, &files[i]);
    }
    if (e == E_OK)
        e = family->pair ? family->pair(sockets[0], sockets[1]) : E_NOTSUP;
    if (e == E_OK)
        return fd_install_pair(files, call->arg[1] & O_CLOEXEC, call->arg[3]);
    file_put(files[0]);
    file_put(files[1]);
    return e;
}

enum err sys_bind(struct syscall *call)
{
    struct socket *socket;
    struct socket_address address;
    enum err e = socket_hold(call->arg[0], &socket);
    if (e != E_OK)
        return e;
    e = socket_address_in(&address, call->arg[1], call->arg[2]);
    if (e == E_OK)
        e = socket->ops->bind(socket, &address);
    socket_let_go(socket);
    return e;
}

enum err sys_connect(struct syscall *call)
{
    struct socket *socket;
    struct socket_address address;
    enum err e = socket_hold(call->arg[0], &socket);
    if (e != E_OK)
        return e;
    e = socket_address_in(&address, call->arg[1], call->arg[2]);
    if (e == E_OK)
        e = socket->ops->connect(socket, &address);
    return socket_finish(call, socket, socket->send_timeout_ns, e);
}

enum err sys_listen(struct syscall *call)
{
    struct socket *socket;
    uint32_t backlog = (uint32_t)call->arg[1];
    enum err e = socket_hold(call->arg[0], &socket);
    if (e != E_OK)
        return e;
    e = socket->ops->listen(socket,
                            backlog < socket_backlog_max ? backlog : (uint32_t)socket_backlog_max);
    socket_let_go(socket);
    return e;
}

static enum err accept_with(struct syscall *call, uint32_t flags)
{
    struct socket *socket, *end;
    struct socket_address address;
    struct file *file;
    if (flags & ~(O_NONBLOCK | O_CLOEXEC))
        return E_INVAL;
    enum err e = socket_hold(call->arg[0], &socket);
    if (e != E_OK)
        return e;
    /* Without a free descriptor the connection stays in the queue. */
    e = E_MFILE;
    if (file_table_has_room(file_table_current()))
        e = socket->ops->accept(socket, &end);
    /* The name first: the peer may be gone, and with it what getpeername() says of an open socket. */
    if (e == E_OK && end->ops->name(end, true, &address) != E_OK)
        address = (struct socket_address){.length = 2, .family = socket->family};
    if (e == E_OK)
        e = socket_open(end, flags & O_NONBLOCK, &file);
    if (e == E_OK && call->arg[1] != 0) {
        e = socket_address_out(&address, call->arg[1], call->arg[2]);
        if (e != E_OK)
            file_put(file);
    }
    if (e == E_OK)
        e = fd_install(call, file, flags & O_CLOEXEC);
    return socket_finish(call, socket, socket->receive_timeout_ns, e);
}

enum err sys_accept(struct syscall *call)
{
    return accept_with(call, 0);
}

enum err sys_accept4(struct syscall *call)
{
    return accept_with(call, (uint32_t)call->arg[3]);
}

enum err sys_shutdown(struct syscall *call)
{
    struct socket *socket;
    uint32_t how = (uint32_t)call->arg[1]; /* 0, 1, 2: read, write, both */
    enum err e = socket_hold(call->arg[0], &socket);
    if (e != E_OK)
        return e;
    e = how <= 2 ? socket->ops->shutdown(socket, how + 1) : E_INVAL;
    socket_let_go(socket);
    return e;
}

static enum err name(struct syscall *call, bool peer)
{
    struct socket *socket;
    struct socket_address address;
    enum err e = socket_hold(call->arg[0], &socket);
    if (e != E_OK)
        return e;
    e = socket->ops->name(socket, peer, &address);
    if (e == E_OK)
        e = socket_address_out(&address, call->arg[1], call->arg[2]);
    socket_let_go(socket);
    return e;
}

enum err sys_getsockname(struct syscall *call)
{
    return name(call, false);
}

enum err sys_getpeername(struct syscall *call)
{
    return name(call, true);
}
