/* SPDX-License-Identifier: MIT */
#include "fs/socket/socket.h"

#include "fs/vfs/anon_file.h"
#include "fs/vfs/async.h"
#include "kern/time.h"
#include "mm/heap/heap.h"
#include "mm/vm/usercopy.h"

#define SOCKFS_MAGIC 0x534f434b

static struct filesystem sockfs = {
    .type = "sockfs", .magic = SOCKFS_MAGIC, .device = 8, .next_ino = 1};

static struct socket_family *families;

void socket_family_register(struct socket_family *family)
{
    family->next = families;
    families = family;
}

const struct socket_family *socket_family_find(uint32_t number)
{
    const struct socket_family *family = families;
    while (family && family->number != number)
        family = family->next;
    return family;
}

void socket_init(struct socket *socket, const struct socket_ops *ops, uint32_t family,
                 uint32_t type, uint32_t protocol)
{
    socket->ops = ops;
    wait_queue_init(&socket->readable);
    wait_queue_init(&socket->writable);
    socket->family = (uint16_t)family;
    socket->type = (uint16_t)type;
    socket->protocol = (uint16_t)protocol;
    socket->send_size = socket->receive_size = SOCKET_BUFFER;
    socket->low_water = 1;
    socket->peek_at = -1;
    socket->send_timeout_ns = socket->receive_timeout_ns = NO_DEADLINE;
}

enum err socket_take_error(struct socket *socket)
{
    enum err e = socket->error;
    socket->error = E_OK;
    return e;
}

void socket_peeked(struct socket *socket, uint32_t flags, uint64_t bytes)
{
    int64_t at = socket->peek_at,
            moved = (flags & MSG_PEEK) ? at + (int64_t)bytes : at - (int64_t)bytes;
    if (at >= 0)
        socket->peek_at = moved < 0 ? 0 : moved > INT32_MAX ? INT32_MAX : (int32_t)moved;
}

void socket_wake(struct socket *socket)
{
    wait_queue_wake_all(&socket->readable);
    wait_queue_wake_all(&socket->writable);
}

static uint64_t deadline_of(uint64_t timeout_ns)
{
    uint64_t deadline = NO_DEADLINE;
    if (timeout_ns != NO_DEADLINE && __builtin_add_overflow(time_now_ns(), timeout_ns, &deadline))
        deadline = NO_DEADLINE;
    return deadline;
}

enum err socket_wait(struct wait_queue *queue, fs_condition condition, void *context, bool wait,
                     uint64_t timeout_ns)
{
    if (!wait)
        return E_AGAIN;
    enum err e = fs_wait(queue, condition, context, deadline_of(timeout_ns));
    return e == E_TIMEDOUT ? E_AGAIN : e;
}

enum err socket_wait_one(struct wait_queue *queue, fs_condition condition, void *context, bool wait,
                         uint64_t timeout_ns)
{
    if (!wait)
        return E_AGAIN;
    enum err e = fs_wait_one(queue, condition, context, deadline_of(timeout_ns));
    return e == E_TIMEDOUT ? E_AGAIN : e;
}

static enum err socket_read(struct file *file, struct io *io, uint64_t *offset)
{
    (void)offset;
    struct socket *socket = file->state;
    struct socket_message message = {.io = io};
    if (io_left(io) == 0)
        return E_OK;
    enum err e = socket->ops->receive(socket, &message);
    socket_files_put(message.files); /* read() discards files */
    return e;
}

static enum err socket_write(struct file *file, struct io *io, uint64_t *offset)
{
    (void)offset;
    struct socket *socket = file->state;
    struct socket_message message = {.io = io};
    return socket->ops->send(socket, &message);
}

static uint32_t socket_poll(struct file *file)
{
    struct socket *socket = file->state;
    return socket->ops->poll(socket);
}

static struct wait_queue *socket_queue(struct file *file, bool write)
{
    struct socket *socket = file->state;
    return write ? &socket->writable : &socket->readable;
}

static enum err interface_control(struct socket *socket, uint32_t command, uint64_t argument)
{
    const struct socket_family *family = socket_family_find(AF_INET);
    return family && family->control ? family->control(socket, command, argument) : E_NOTTY;
}

static enum err socket_control(struct file *file, uint32_t command, uint64_t argument,
                               uint64_t *result)
{
    (void)result;
    struct socket *socket = file->state;
    if (command == FIOSETOWN || command == SIOCSPGRP) {
        int32_t number;
        enum err e = copy_in(&number, virt(argument), sizeof(number));
        return e == E_OK ? async_set_number(file, number) : e;
    }
    if (command == FIOGETOWN || command == SIOCGPGRP) {
        int32_t number = async_number(file);
        return copy_out(virt(argument), &number, sizeof(number));
    }
    if (command == SIOCATMARK && socket->ops->at_mark) {
        int32_t number = socket->ops->at_mark(socket);
        return copy_out(virt(argument), &number, sizeof(number));
    }
    if (command != FIONREAD && command != TIOCOUTQ)
        return interface_control(socket, command, argument);
    uint32_t bytes;
    enum err e = socket->ops->queued(socket, command == TIOCOUTQ, &bytes);
    return e == E_OK ? copy_out(virt(argument), &bytes, sizeof(bytes)) : e;
}

static void socket_release(struct file *file)
{
    struct socket *socket = file->state;
    heap_free(socket->filter);
    socket->filter = NULL;
    socket->ops->release(socket);
}

static struct page_source *socket_pages(struct file *file)
{
    struct socket *socket = file->state;
    return socket->ops->pages ? socket->ops->pages(socket) : NULL;
}

static const struct file_ops socket_file_ops = {
    .release = socket_release,
    .read = socket_read,
    .write = socket_write,
    .poll = socket_poll,
    .queue = socket_queue,
    .async_group = async_no_group,
    .control = socket_control,
    .pages = socket_pages,
};

static const struct inode_ops stream_ops = {.protocol = "UNIX-STREAM"},
                              packet_ops = {.protocol = "UNIX"};

enum err socket_open(struct socket *socket, uint32_t flags, struct file **out)
{
    struct dentry *dentry;
    enum err e = anon_dentry(&sockfs, S_IFSOCK | 0777, "socket:[%lu]", &dentry);
    if (e == E_OK) {
        dentry->inode->ops = socket->type == SOCK_STREAM ? &stream_ops : &packet_ops;
        e = anon_open(dentry, &socket_file_ops, socket, O_RDWR | flags, out);
        dentry_put(dentry);
    }
    if (e == E_OK)
        socket->file = *out;
    else
        socket->ops->release(socket);
    return e;
}

struct socket *socket_of(const struct file *file)
{
    return file->ops == &socket_file_ops ? file->state : NULL;
}

void socket_files_put(struct socket_files *files)
{
    for (uint32_t i = 0; files && i < files->count; i++)
        file_put(files->file[i]);
    heap_free(files);
}
