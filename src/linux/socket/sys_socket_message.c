/* SPDX-License-Identifier: MIT */
/* Messages: send(2), recv(2), and control messages (cmsg(3)). */
#include "linux/socket/sys_socket.h"

#include "base/str.h"
#include "kern/time.h"
#include "kern/thread.h"
#include "linux/abi/time.h"
#include "linux/socket/args.h"
#include "linux/task/process.h"
#include "mm/heap/heap.h"
#include "mm/vm/usercopy.h"

#define CONTROL_MAX  20480u /* net.core.optmem_max */
#define MESSAGES_MAX 1024u

struct user_message { /* struct msghdr */
    uint64_t name;
    uint32_t name_size, unused;
    uint64_t segments, segment_count;
    uint64_t control, control_size;
    uint32_t flags, unused2;
};

struct control_header { /* struct cmsghdr; the next one starts at a multiple of 8 */
    uint64_t size;      /* header included */
    int32_t level, type;
};

static enum err send_message(struct syscall *call, struct socket *socket,
                             struct socket_message *message)
{
    uint64_t before = io_left(message->io);
    for (;;) {
        enum err e = socket->ops->send(socket, message);
        call->result = before - io_left(message->io);
        if (call->result > 0)
            return E_OK;
        if (e == E_OK || (e = copy_wait(e)) != E_OK)
            return e;
    }
}

enum err sys_sendto(struct syscall *call)
{
    uint64_t size = call->arg[2] < IO_BYTES_MAX ? call->arg[2] : IO_BYTES_MAX;
    struct socket *socket;
    struct socket_address address;
    if (!user_range_ok(virt(call->arg[1]), size))
        return E_FAULT;
    enum err e = socket_hold(call->arg[0], &socket);
    if (e != E_OK)
        return e;
    struct io io = io_user(virt(call->arg[1]), size);
    struct socket_message message = {.io = &io, .flags = (uint32_t)call->arg[3]};
    if (call->arg[4] != 0) {
        e = socket_address_in(&address, call->arg[4], call->arg[5]);
        message.address = address.length > 0 ? &address : NULL;
    }
    if (e == E_OK)
        e = send_message(call, socket, &message);
    return socket_finish(call, socket, socket->send_timeout_ns, e);
}

static enum err receive_message(struct syscall *call, struct socket *socket,
                                struct socket_message *message)
{
    uint64_t before = io_left(message->io);
    for (;;) {
        enum err e = socket->ops->receive(socket, message);
        uint64_t moved = before - io_left(message->io);
        if (e == E_INTR && moved == 0)
            message->length = 0;
        call->result = message->length > moved ? message->length : moved;
        if (call->result > 0)
            return E_OK;
        if (e == E_OK || (e = copy_wait(e)) != E_OK)
            return e;
    }
}

enum err sys_recvfrom(struct syscall *call)
{
    uint64_t size = call->arg[2] < IO_BYTES_MAX ? call->arg[2] : IO_BYTES_MAX;
    struct socket *socket;
    struct socket_address address = {0};
    if (!user_range_ok(virt(call->arg[1]), size))
        return E_FAULT;
    enum err e = socket_hold(call->arg[0], &socket);
    if (e != E_OK)
        return e;
    struct io io = io_user(virt(call->arg[1]), size);
    struct socket_message message = {.io = &io, .flags = (uint32_t)call->arg[3]};
    if (call->arg[4] != 0)
        message.address = &address;
    e = receive_message(call, socket, &message);
    socket_files_put(message.files);
    if (e == E_OK && call->arg[4] != 0)
        e = socket_address_out(&address, call->arg[4], call->arg[5]);
    return socket_finish(call, socket, socket->receive_timeout_ns, e);
}

static enum err take_files(const uint8_t *data, uint64_t size, struct socket_message *message)
{
    uint32_t count = (uint32_t)(size / sizeof(int32_t));
    struct socket_files *files = message->files;
    uint32_t have = files ? files->count : 0;
    if (count == 0)
        return E_OK;
    if (have + count > SOCKET_FILES_MAX)
        return E_INVAL;
    files = heap_resize(files, sizeof(*files) + (have + count) * sizeof(files->file[0]));
    if (!files)
        return E_NOMEM;
    files->count = have;
    message->files = files;
    for (uint32_t i = 0; i < count; i++) {
        int32_t fd;
        memcpy(&fd, data + i * sizeof(fd), sizeof(fd));
        struct file *file = fd_any((uint32_t)fd);
        if (!file)
            return E_BADF;
        file_get(file);
        files->file[files->count++] = file;
    }
    return E_OK;
}

static bool is_one_of(const struct ids *ids, uint32_t id)
{
    return id == ids->real || id == ids->effective || id == ids->saved;
}

/* SCM_CREDENTIALS: ids of others take a capability each. E_INVAL, E_PERM, E_SRCH. */
static enum err take_credentials(const uint8_t *data, uint64_t size, struct socket_message *message)
{
    if (size != sizeof(message->credentials))
        return E_INVAL;
    memcpy(&message->credentials, data, size);
    message->has_credentials = true;
    const struct credentials *c = credentials_current();
    const struct fs_credentials *claim = &message->credentials;
    bool user = is_one_of(&c->uid, claim->uid) || credentials_have(c, CAP_SETUID);
    bool group = is_one_of(&c->gid, claim->gid) || credentials_have(c, CAP_SETGID);
    if (claim->pid != process_current()->pid && !credentials_have(c, CAP_SYS_ADMIN))
        return E_PERM;
    return !user || !group ? E_PERM : process_find(claim->pid) ? E_OK : E_SRCH;
}

/* One that the family understands, or ignores. */
static enum err take_control_of_family(const struct control_header *header, const uint8_t *data,
                                       uint64_t size, struct socket_controls *controls)
{
    if (size > SOCKET_CONTROL_MAX || controls->count == SOCKET_CONTROLS_MAX)
        return E_INVAL;
    struct socket_control *control = &controls->control[controls->count++];
    control->level = header->level;
    control->type = header->type;
    control->size = (uint32_t)size;
    memcpy(control->bytes, data, size);
    return E_OK;
}

static enum err control_parse(const uint8_t *control, uint64_t size, struct socket_message *message)
{
    struct control_header header;
    uint64_t at = 0;
    while (size - at >= sizeof(header)) {
        memcpy(&header, control + at, sizeof(header));
        if (header.size < sizeof(header) || header.size > size - at)
            return E_INVAL;
        const uint8_t *data = control + at + sizeof(header);
        uint64_t length = header.size - sizeof(header);
        enum err e = E_OK;
        if (header.level == SOL_SOCKET && header.type == SCM_RIGHTS)
            e = take_files(data, length, message);
        else if (header.level == SOL_SOCKET && header.type == SCM_CREDENTIALS)
            e = take_credentials(data, length, message);
        else if (header.level == SOL_SOCKET)
            e = E_INVAL;
        else if (message->controls)
            e = take_control_of_family(&header, data, length, message->controls);
        if (e != E_OK)
            return e;
        uint64_t step = align_up(header.size, 8);
        if (step >= size - at)
            break;
        at += step;
    }
    return E_OK;
}

static enum err control_in(const struct user_message *user, struct socket_message *message)
{
    if (user->control_size == 0)
        return E_OK;
    if (user->control_size > CONTROL_MAX)
        return E_NOBUFS;
    uint8_t *control = heap_alloc(user->control_size);
    if (!control)
        return E_NOMEM;
    enum err e = copy_in(control, virt(user->control), user->control_size);
    if (e == E_OK)
        e = control_parse(control, user->control_size, message);
    heap_free(control);
    return e;
}

static enum err message_in(struct user_message *user, uint64_t from, struct iov *iov)
{
    enum err e = copy_in(user, virt(from), sizeof(*user));
    if (e != E_OK)
        return e;
    if (user->name == 0)
        user->name_size = 0;
    if ((int32_t)user->name_size < 0)
        return E_INVAL;
    if (user->name_size > SOCKET_ADDRESS_MAX)
        user->name_size = SOCKET_ADDRESS_MAX;
    if (user->segment_count > IO_SEGMENTS_MAX)
        return E_MSGSIZE;
    return iov_copy_in(iov, user->segments, user->segment_count);
}

static enum err send_one(struct syscall *call, struct socket *socket, uint64_t from, uint32_t flags)
{
    struct user_message user;
    struct iov iov;
    struct socket_address address;
    struct socket_controls controls;
    controls.count = 0;
    enum err e = message_in(&user, from, &iov);
    if (e != E_OK)
        return e;
    struct socket_message message = {
        .io = &iov.io, .flags = flags, .controls = socket->family == AF_UNIX ? NULL : &controls};
    if (user.name_size > 0) {
        e = socket_address_in(&address, user.name, user.name_size);
        message.address = &address;
    }
    if (e == E_OK)
        e = control_in(&user, &message);
    if (e == E_OK)
        e = send_message(call, socket, &message);
    socket_files_put(message.files);
    iov_free(&iov);
    return e;
}

/* The socket of a call with struct msghdr. E_INVAL: a flag of 32-bit programs. */
static enum err message_hold(uint64_t fd, uint32_t flags, struct socket **out)
{
    return flags & MSG_CMSG_COMPAT ? E_INVAL : socket_hold(fd, out);
}

enum err sys_sendmsg(struct syscall *call)
{
    struct socket *socket;
    enum err e = message_hold(call->arg[0], (uint32_t)call->arg[2], &socket);
    if (e != E_OK)
        return e;
    e = send_one(call, socket, call->arg[1], (uint32_t)call->arg[2]);
    return socket_finish(call, socket, socket->send_timeout_ns, e);
}

/* The unused rest of the program's buffer for control messages. */
struct control_out {
    uint64_t at, left;
    uint32_t flags; /* MSG_CTRUNC */
};

/* Writes one control message, truncated to the buffer (MSG_CTRUNC). E_FAULT. */
static enum err control_put(struct control_out *out, int32_t level, int32_t type, const void *data,
                            uint64_t size)
{
    struct control_header header = {sizeof(header) + size, level, type};
    if (out->left < sizeof(header)) {
        out->flags |= MSG_CTRUNC;
        return E_OK;
    }
    if (out->left < header.size) {
        out->flags |= MSG_CTRUNC;
        header.size = out->left;
    }
    enum err e = copy_out(virt(out->at), &header, sizeof(header));
    if (e == E_OK)
        e = copy_out(virt(out->at + sizeof(header)), data, header.size - sizeof(header));
    uint64_t step = align_up(header.size, 8);
    if (step > out->left)
        step = out->left;
    out->at += step;
    out->left -= step;
    return e;
}

/* SCM_RIGHTS: installs as many files as fit in the buffer and the file table; the caller drops the
 * rest. */
static enum err control_put_files(struct control_out *out, struct socket_files *files,
                                  bool close_on_exec)
{
    int32_t fds[SOCKET_FILES_MAX];
    uint64_t room = out->left < sizeof(struct control_header)
                        ? 0
                        : (out->left - sizeof(struct control_header)) / sizeof(fds[0]);
    uint32_t count = 0;
    while (count < files->count && count < room) {
        int fd;
        if (file_table_add(file_table_current(), files->file[count], 0, close_on_exec, &fd) != E_OK)
            break;
        file_get(files->file[count]);
        fds[count++] = fd;
    }
    if (count < files->count)
        out->flags |= MSG_CTRUNC;
    return count == 0 ? E_OK
                      : control_put(out, SOL_SOCKET, SCM_RIGHTS, fds, count * sizeof(fds[0]));
}

static enum err control_put_all(struct socket *socket, struct control_out *out,
                                const struct socket_message *message)
{
    enum err e = E_OK;
    if (message->has_credentials && socket_flag(socket, SO_PASSCRED))
        e = control_put(out, SOL_SOCKET, SCM_CREDENTIALS, &message->credentials,
                        sizeof(message->credentials));
    if (e == E_OK && message->files)
        e = control_put_files(out, message->files, message->flags & MSG_CMSG_CLOEXEC);
    for (uint32_t i = 0; e == E_OK && i < message->controls->count; i++) {
        const struct socket_control *control = &message->controls->control[i];
        e = control_put(out, control->level, control->type, control->bytes, control->size);
    }
    return e;
}

static enum err receive_one(struct syscall *call, struct socket *socket, uint64_t at,
                            uint32_t flags)
{
    struct user_message user;
    struct iov iov;
    struct socket_address address = {0};
    struct socket_controls controls;
    controls.count = 0;
    enum err e = message_in(&user, at, &iov);
    if (e != E_OK)
        return e;
    struct socket_message message = {.io = &iov.io, .flags = flags, .controls = &controls};
    if (user.name != 0)
        message.address = &address;
    e = receive_message(call, socket, &message);
    iov_free(&iov);
    if (e != E_OK) {
        socket_files_put(message.files);
        return e;
    }
    struct control_out control = {user.control, user.control != 0 ? user.control_size : 0, 0};
    e = control_put_all(socket, &control, &message);
    socket_files_put(message.files);
    if (e == E_OK && user.name != 0)
        e = socket_address_out(&address, user.name, at + offsetof(struct user_message, name_size));
    user.control_size = user.control != 0 ? control.at - user.control : 0;
    user.flags = message.result_flags | control.flags | (flags & MSG_CMSG_CLOEXEC);
    if (e == E_OK)
        e = copy_out(virt(at + offsetof(struct user_message, control_size)), &user.control_size,
                     sizeof(user.control_size));
    if (e == E_OK)
        e = copy_out(virt(at + offsetof(struct user_message, flags)), &user.flags,
                     sizeof(user.flags));
    return e;
}

enum err sys_recvmsg(struct syscall *call)
{
    struct socket *socket;
    enum err e = message_hold(call->arg[0], (uint32_t)call->arg[2], &socket);
    if (e != E_OK)
        return e;
    e = receive_one(call, socket, call->arg[1], (uint32_t)call->arg[2]);
    return socket_finish(call, socket, socket->receive_timeout_ns, e);
}

/* struct mmsghdr: a message and its length */
#define MANY_SIZE (sizeof(struct user_message) + 8)

typedef enum err (*one_message)(struct syscall *call, struct socket *socket, uint64_t at,
                                uint32_t flags);

/* After the first message, an error ends the loop and only the count is returned. */
static enum err many(struct syscall *call, one_message one, struct socket *socket,
                     uint64_t deadline)
{
    uint32_t flags = (uint32_t)call->arg[3], count = (uint32_t)call->arg[2], done = 0;
    enum err e = E_OK;
    if (count > MESSAGES_MAX)
        count = MESSAGES_MAX;
    while (e == E_OK && done < count) {
        uint64_t at = call->arg[1] + done * MANY_SIZE;
        call->result = 0;
        e = one(call, socket, at, flags & ~MSG_WAITFORONE);
        if (e != E_OK)
            break;
        uint32_t length = (uint32_t)call->result;
        e = copy_out(virt(at + sizeof(struct user_message)), &length, sizeof(length));
        if (e != E_OK)
            break;
        done++;
        if (flags & MSG_WAITFORONE)
            flags |= MSG_DONTWAIT;
        if (deadline != NO_DEADLINE && time_now_ns() >= deadline)
            break;
        thread_give_way();
    }
    if (done > 0)
        e = E_OK;
    call->result = done;
    return e;
}

enum err sys_sendmmsg(struct syscall *call)
{
    struct socket *socket;
    enum err e = message_hold(call->arg[0], (uint32_t)call->arg[3], &socket);
    if (e != E_OK)
        return e;
    e = many(call, send_one, socket, NO_DEADLINE);
    return socket_finish(call, socket, socket->send_timeout_ns, e);
}

enum err sys_recvmmsg(struct syscall *call)
{
    struct socket *socket;
    uint64_t deadline = NO_DEADLINE;
    enum err e = E_OK;
    if (call->arg[4] != 0) {
        uint64_t ns;
        e = timespec_copy_in(virt(call->arg[4]), &ns);
        if (e != E_OK)
            return e;
        deadline = deadline_after(ns);
    }
    e = message_hold(call->arg[0], (uint32_t)call->arg[3], &socket);
    if (e != E_OK)
        return e;
    e = many(call, receive_one, socket, deadline);
    if (e == E_OK && call->arg[4] != 0) {
        uint64_t now = time_now_ns();
        e = timespec_copy_out(virt(call->arg[4]), deadline > now ? deadline - now : 0);
    }
    return socket_finish(call, socket, socket->receive_timeout_ns, e);
}
