/* SPDX-License-Identifier: MIT */
/*
 * POSIX message queues (mq_overview(7)). A queue is an inode in no directory, found by its name; messages are in a priority
 * queue, so that to send and to receive cost O(log messages).
 */
#include "linux/ipc/sys_ipc.h"

#include "base/fmt.h"
#include "base/str.h"
#include "fs/socket/socket.h"
#include "fs/vfs/context.h"
#include "fs/vfs/inode.h"
#include "kern/thread.h"
#include "kern/time.h"
#include "linux/abi/time.h"
#include "linux/file/args.h"
#include "linux/ipc/ids.h"
#include "linux/task/process.h"
#include "linux/task/user.h"
#include "mm/heap/heap.h"
#include "mm/vm/usercopy.h"

#define MQUEUE_MAGIC  0x19800202
#define PRIORITIES    32768u /* MQ_PRIO_MAX */
#define MOST_MESSAGES 65536u /* HARD_MSGMAX */
#define MOST_SIZE     (UINT64_C(16) << 20)
#define MESSAGE_EXTRA 96u /* what Linux counts for a message besides its bytes */
#define STATUS_SIZE   80u
#define SI_MESGQ      (-3)

enum { /* sigev_notify */
    SIGEV_SIGNAL = 0,
    SIGEV_NONE = 1,
    SIGEV_THREAD = 2,
};

#define COOKIE_SIZE 32u /* NOTIFY_COOKIE_LEN */
enum {                  /* its last byte, in what a library's thread gets */
    NOTIFY_WOKEN = 1,
    NOTIFY_REMOVED = 2,
};

uint64_t mq_queues_max = 256, mq_msg_max = 10, mq_size_max = 8192, mq_msg_default = 10,
         mq_size_default = 8192;

struct mq_message {
    struct pqueue_node node; /* key: by priority */
    uint32_t priority;
    uint64_t size;
    char bytes[];
};

struct mqueue {
    struct inode inode;
    struct hash_link by_name;
    struct dentry *dentry; /* one reference while it has a name; NULL */
    struct pqueue messages;
    uint64_t most, size_most, count, bytes;
    uint32_t user;
    uint64_t charge;
    uint32_t receivers; /* threads that sleep in mq_timedreceive() */
    struct wait_queue readable, writable;
    /* mq_notify(3): the process that is told when a message comes to the empty queue; pid 0: none. */
    int notify_pid, notify_how, notify_signal;
    uint64_t notify_value, notify_born;
    /* SIGEV_THREAD: where the library's thread hears of it, by the cookie. One reference; NULL: none. */
    struct file *notify_socket;
    uint8_t cookie[COOKIE_SIZE];
};

struct mq_attr {
    int64_t flags, most, size_most, count, reserved[4];
};

static struct hash_table names = HASH_TABLE_INIT(names);
static uint64_t queue_count;

static struct mqueue *mqueue_of(const struct inode *inode)
{
    return (struct mqueue *)(uintptr_t)inode;
}

static void mq_drop_messages(struct mqueue *q)
{
    while (!pqueue_empty(&q->messages)) {
        struct mq_message *m = CONTAINER_OF(pqueue_first(&q->messages), struct mq_message, node);
        pqueue_remove(&q->messages, &m->node);
        heap_free(m);
        thread_give_way(); /* no other thread reaches the queue */
    }
}

/* The registration is over; `why` is the last byte of the cookie that a library's thread gets. */
static void mq_notify_ends(struct mqueue *q, uint8_t why)
{
    struct file *file = q->notify_socket;
    q->notify_pid = 0;
    q->notify_socket = NULL;
    if (!file)
        return;
    struct socket *socket = socket_of(file);
    q->cookie[COOKIE_SIZE - 1] = why;
    (void)!socket->ops->deliver(socket, q->cookie,
                                COOKIE_SIZE); /* as in Linux, lost if it has no room */
    file_put(file);
}

static void mq_destroy(struct inode *inode)
{
    struct mqueue *q = mqueue_of(inode);
    mq_drop_messages(q);
    mq_notify_ends(q, NOTIFY_REMOVED);
    if (q->charge > 0) {
        user_remove_queue(q->user, q->charge);
        queue_count--;
    }
}

static const struct inode_ops mq_inode_ops = {.destroy = mq_destroy};

static struct process *notified(const struct mqueue *q)
{
    struct process *process = q->notify_pid != 0 ? process_find(q->notify_pid) : NULL;
    return process && !process->zombie && process->start_ns == q->notify_born ? process : NULL;
}

static enum err mq_read(struct file *file, struct io *io, uint64_t *offset)
{
    const struct mqueue *q = mqueue_of(file->inode);
    const struct process *owner = notified(q);
    char text[STATUS_SIZE];
    size_t length = fmt_snprintf(
        text, sizeof(text), "QSIZE:%-10lu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n", q->bytes,
        owner ? q->notify_how : 0, owner && q->notify_how == SIGEV_SIGNAL ? q->notify_signal : 0,
        owner ? q->notify_pid : 0);
    if (*offset >= length)
        return E_OK;
    uint64_t size = length - *offset < io_left(io) ? length - *offset : io_left(io);
    uint64_t before = io_left(io);
    enum err e = io_put(io, text + *offset, size);
    *offset += before - io_left(io);
    return e;
}

static uint32_t mq_poll(struct file *file)
{
    const struct mqueue *q = mqueue_of(file->inode);
    return (q->count > 0 ? POLL_READABLE : 0) | (q->count < q->most ? POLL_WRITABLE : 0);
}

static struct wait_queue *mq_queue(struct file *file, bool write)
{
    struct mqueue *q = mqueue_of(file->inode);
    return write ? &q->writable : &q->readable;
}

static void mq_release(struct file *file)
{
    struct mqueue *q = mqueue_of(file->inode);
    if (q->notify_pid != 0 && q->notify_pid == ipc_caller_pid())
        mq_notify_ends(q, NOTIFY_REMOVED);
}

static const struct file_ops mq_ops = {
    .release = mq_release, .read = mq_read, .poll = mq_poll, .queue = mq_queue, .seekable = true};

/* ---- names ---- */

/* The name, without the slash that the library takes off. */
static MUST_CHECK enum err name_copy_in(char name[NAME_MAX_LENGTH + 1], uint64_t from,
                                        size_t *length)
{
    struct path path;
    enum err e = path_copy_in(&path, virt(from));
    if (e != E_OK)
        return e;
    *length = strlen(path.text);
    if (*length == 0)
        e = E_NOENT;
    else if (strchr(path.text, '/') || strcmp(path.text, ".") == 0 || strcmp(path.text, "..") == 0)
        e = E_ACCES;
    else if (*length > NAME_MAX_LENGTH)
        e = E_NAMETOOLONG;
    else
        memcpy(name, path.text, *length + 1);
    path_free(&path);
    return e;
}

static struct mqueue *mq_find(const char *name, size_t length)
{
    struct hash_link *link = hash_table_first(&names, hash_bytes(name, length));
    for (; link; link = hash_link_next(link)) {
        struct mqueue *q = CONTAINER_OF(link, struct mqueue, by_name);
        if (q->dentry->length == length && memcmp(q->dentry->name, name, length) == 0)
            return q;
    }
    return NULL;
}

static MUST_CHECK enum err mq_check_sizes(const struct mq_attr *a, uint64_t *charge)
{
    bool free = capable(CAP_SYS_RESOURCE);
    if (a->most <= 0 || a->size_most <= 0)
        return E_INVAL;
    uint64_t most = (uint64_t)a->most, size = (uint64_t)a->size_most;
    if (most > (free ? MOST_MESSAGES : mq_msg_max) || size > (free ? MOST_SIZE : mq_size_max))
        return E_INVAL;
    *charge = most * (size + MESSAGE_EXTRA);
    return E_OK;
}

static MUST_CHECK enum err mq_make(const char *name, size_t length, uint32_t mode,
                                   const struct mq_attr *a, struct mqueue **out)
{
    static struct filesystem mqueues = {
        .type = "mqueue", .magic = MQUEUE_MAGIC, .device = 15, .next_ino = 2};
    struct inode *inode;
    uint64_t charge;
    if (queue_count >= mq_queues_max && !capable(CAP_SYS_RESOURCE))
        return E_NOSPC;
    enum err e = mq_check_sizes(a, &charge);
    if (e == E_OK)
        e = inode_alloc(&mqueues, sizeof(struct mqueue),
                        S_IFREG | (mode & 07777 & ~fs_current()->umask), &inode);
    if (e != E_OK)
        return e;
    struct mqueue *q = mqueue_of(inode);
    inode->ops = &mq_inode_ops;
    inode->nlink = 1;
    inode->size = STATUS_SIZE;
    inode->uid = credentials_current()->uid.fs;
    inode->gid = credentials_current()->gid.fs;
    inode_mode_changed(inode);
    q->user = credentials_current()->uid.real;
    q->most = (uint64_t)a->most;
    q->size_most = (uint64_t)a->size_most;
    wait_queue_init(&q->readable);
    wait_queue_init(&q->writable);
    e = user_add_queue(q->user, charge, process_current()->rlimits[RLIMIT_MSGQUEUE].soft);
    if (e == E_OK) {
        q->charge = charge;
        queue_count++;
        e = dentry_alloc(NULL, name, length, inode, &q->dentry);
    }
    if (e == E_OK)
        hash_table_add(&names, &q->by_name, hash_bytes(name, length));
    inode_put(inode);
    *out = q;
    return e;
}

/* *out: the queue of the name, which is made if the flags say so. */
static MUST_CHECK enum err mq_lookup(struct syscall *call, const struct mq_attr *attr,
                                     struct mqueue **out)
{
    static const uint8_t may[] = {MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE};
    char name[NAME_MAX_LENGTH + 1];
    size_t length;
    uint32_t flags = (uint32_t)call->arg[1];
    enum err e = name_copy_in(name, call->arg[0], &length);
    if (e != E_OK)
        return e;
    *out = mq_find(name, length);
    if (!*out)
        return flags & O_CREAT ? mq_make(name, length, (uint32_t)call->arg[2], attr, out) : E_NOENT;
    if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
        return E_EXIST;
    if ((flags & O_ACCMODE) == O_ACCMODE)
        return E_INVAL;
    return inode_permission(&(*out)->inode, may[flags & O_ACCMODE]);
}

enum err sys_mq_open(struct syscall *call)
{
    uint32_t flags = (uint32_t)call->arg[1];
    struct mq_attr attr = {
        .most = (int64_t)(mq_msg_max < mq_msg_default ? mq_msg_max : mq_msg_default),
        .size_most = (int64_t)(mq_size_max < mq_size_default ? mq_size_max : mq_size_default)};
    struct mqueue *q;
    struct file *file;
    enum err e = call->arg[3] != 0 ? copy_in(&attr, virt(call->arg[3]), sizeof(attr)) : E_OK;
    if (e == E_OK && !file_table_has_room(file_table_current()))
        e = E_MFILE;
    if (e == E_OK)
        e = mq_lookup(call, &attr, &q);
    if (e == E_OK)
        e = file_alloc(q->dentry, &mq_ops, flags & (O_ACCMODE | O_NONBLOCK), &file);
    if (e != E_OK)
        return e;
    if (file_can_write(file))
        q->inode.writers++;
    return fd_install(call, file, true);
}

enum err sys_mq_unlink(struct syscall *call)
{
    char name[NAME_MAX_LENGTH + 1];
    size_t length;
    enum err e = name_copy_in(name, call->arg[0], &length);
    if (e != E_OK)
        return e;
    struct mqueue *q = mq_find(name, length);
    if (!q)
        return E_NOENT;
    if (credentials_current()->uid.fs != q->inode.uid && !capable(CAP_FOWNER))
        return E_PERM; /* the folder is sticky */
    struct dentry *dentry = q->dentry;
    hash_table_remove(&names, &q->by_name);
    q->inode.nlink = 0;
    q->dentry = NULL;
    dentry_put(dentry);
    return E_OK;
}

/* ---- messages ---- */

/* *out: the file of a queue, open for the direction. */
static MUST_CHECK enum err mq_file(uint64_t fd, bool read, bool write, struct file **out)
{
    struct file *file = fd_file(fd);
    if (!file || file->ops != &mq_ops || (read && !file_can_read(file)) ||
        (write && !file_can_write(file)))
        return E_BADF;
    *out = file;
    return E_OK;
}

static bool mq_has_message(const struct mqueue *q)
{
    return q->count > 0;
}

static bool mq_has_room(const struct mqueue *q)
{
    return q->count < q->most;
}

/* Sleeps until the queue is `ready`, or the time `until` (NO_DEADLINE: for ever) of the realtime clock. */
static MUST_CHECK enum err mq_wait(struct mqueue *q, struct wait_queue *on,
                                   bool (*ready)(const struct mqueue *), uint64_t until)
{
    return WAIT_EVENT_IN(on, ready(q), until, WAIT_ONE | WAIT_REALTIME);
}

static MUST_CHECK enum err mq_deadline(uint64_t at, uint64_t *out)
{
    *out = NO_DEADLINE;
    return at != 0 ? timespec_copy_in(virt(at), out) : E_OK;
}

/* Tells the process that waits for a message in the empty queue, once. */
static void mq_tell(struct mqueue *q)
{
    struct process *process = notified(q);
    if (process && q->notify_how == SIGEV_SIGNAL && q->notify_signal != 0) {
        struct siginfo info = {.signal = q->notify_signal,
                               .code = SI_MESGQ,
                               .user = {.pid = process_current()->pid,
                                        .uid = credentials_current()->uid.real,
                                        .value = q->notify_value}};
        (void)!signal_send(&(struct signal_target){.process = process}, &info);
    }
    mq_notify_ends(q, NOTIFY_WOKEN);
}

static void mq_add(struct mqueue *q, struct mq_message *m)
{
    pqueue_insert(&q->messages, &m->node, PRIORITIES - m->priority);
    q->bytes += m->size;
    if (q->count++ == 0 && q->receivers == 0 && q->notify_pid != 0)
        mq_tell(q);
    inode_touch_modified(&q->inode);
    wait_queue_wake(&q->readable);
    if (mq_has_room(q))
        wait_queue_wake_one(&q->writable);
}

static MUST_CHECK enum err mq_send(struct file *file, struct mq_message *m, uint64_t until)
{
    struct mqueue *q = mqueue_of(file->inode);
    enum err e = E_OK;
    if (!mq_has_room(q)) {
        if (file->flags & O_NONBLOCK)
            return E_AGAIN;
        file_get(file);
        e = mq_wait(q, &q->writable, mq_has_room, until);
        if (e == E_OK)
            mq_add(q, m);
        file_put(file);
        return e;
    }
    mq_add(q, m);
    return E_OK;
}

enum err sys_mq_timedsend(struct syscall *call)
{
    uint64_t until, size = call->arg[2];
    struct file *file;
    enum err e = mq_deadline(call->arg[4], &until);
    if (e == E_OK && (uint32_t)call->arg[3] >= PRIORITIES)
        e = E_INVAL;
    if (e == E_OK)
        e = mq_file(call->arg[0], false, true, &file);
    if (e != E_OK)
        return e;
    if (size > mqueue_of(file->inode)->size_most)
        return E_MSGSIZE;
    struct mq_message *m = heap_alloc(sizeof(*m) + size);
    if (!m)
        return E_NOMEM;
    *m = (struct mq_message){.priority = (uint32_t)call->arg[3], .size = size};
    e = copy_in(m->bytes, virt(call->arg[1]), size);
    if (e == E_OK)
        e = mq_send(file, m, until);
    if (e != E_OK)
        heap_free(m);
    call->restart = true;
    return e;
}

static struct mq_message *mq_take(struct mqueue *q)
{
    struct mq_message *m = CONTAINER_OF(pqueue_first(&q->messages), struct mq_message, node);
    pqueue_remove(&q->messages, &m->node);
    q->count--;
    q->bytes -= m->size;
    inode_touch_modified(&q->inode);
    wait_queue_wake(&q->writable);
    if (mq_has_message(q))
        wait_queue_wake_one(&q->readable);
    return m;
}

static MUST_CHECK enum err mq_receive(struct file *file, uint64_t until, struct mq_message **out)
{
    struct mqueue *q = mqueue_of(file->inode);
    enum err e = E_OK;
    if (!mq_has_message(q)) {
        if (file->flags & O_NONBLOCK)
            return E_AGAIN;
        file_get(file);
        q->receivers++;
        e = mq_wait(q, &q->readable, mq_has_message, until);
        q->receivers--;
        if (e == E_OK)
            *out = mq_take(q);
        file_put(file);
        return e;
    }
    *out = mq_take(q);
    return E_OK;
}

enum err sys_mq_timedreceive(struct syscall *call)
{
    uint64_t until;
    struct file *file;
    struct mq_message *m;
    enum err e = mq_deadline(call->arg[4], &until);
    if (e == E_OK)
        e = mq_file(call->arg[0], true, false, &file);
    if (e != E_OK)
        return e;
    if (call->arg[2] < mqueue_of(file->inode)->size_most)
        return E_MSGSIZE;
    call->restart = true;
    e = mq_receive(file, until, &m);
    if (e != E_OK)
        return e;
    call->result = m->size;
    if (call->arg[3] != 0)
        e = copy_out(virt(call->arg[3]), &m->priority, sizeof(m->priority));
    if (e == E_OK)
        e = copy_out(virt(call->arg[1]), m->bytes, m->size);
    heap_free(m);
    return e;
}

struct mq_event { /* sigevent_t */
    uint64_t value;
    int32_t signal, how, padding[12];
};

/* SIGEV_THREAD: `signal` is a socket of the library, `value` points to its cookie; *to: no reference. */
static MUST_CHECK enum err mq_check_event(const struct mq_event *event, uint8_t cookie[COOKIE_SIZE],
                                          struct file **to)
{
    *to = NULL;
    if (event->how == SIGEV_SIGNAL)
        return (uint32_t)event->signal > SIGNAL_COUNT ? E_INVAL : E_OK;
    if (event->how != SIGEV_THREAD)
        return event->how == SIGEV_NONE ? E_OK : E_INVAL;
    enum err e = copy_in(cookie, virt(event->value), COOKIE_SIZE);
    if (e != E_OK)
        return e;
    struct file *file = fd_file((uint32_t)event->signal);
    if (!file)
        return E_BADF;
    struct socket *socket = socket_of(file);
    if (!socket)
        return E_NOTSOCK;
    *to = file;
    return socket->ops->deliver ? E_OK : E_INVAL;
}

enum err sys_mq_notify(struct syscall *call)
{
    struct mq_event event;
    struct file *file;
    bool on = call->arg[1] != 0;
    enum err e = on ? copy_in(&event, virt(call->arg[1]), sizeof(event)) : E_OK;
    if (e != E_OK)
        return e;
    struct file *to = NULL;
    uint8_t cookie[COOKIE_SIZE];
    if (on)
        e = mq_check_event(&event, cookie, &to);
    if (e == E_OK)
        e = mq_file(call->arg[0], false, false, &file);
    if (e != E_OK)
        return e;
    struct mqueue *q = mqueue_of(file->inode);
    const struct process *self = process_current(), *owner = notified(q);
    if (!on) {
        if (owner == self)
            mq_notify_ends(q, NOTIFY_REMOVED);
        return E_OK;
    }
    if (owner)
        return E_BUSY;
    mq_notify_ends(q, NOTIFY_REMOVED); /* of a process that has ended */
    if (to) {
        file_get(to);
        memcpy(q->cookie, cookie, COOKIE_SIZE);
    }
    q->notify_socket = to;
    q->notify_pid = self->pid;
    q->notify_born = self->start_ns;
    q->notify_how = event.how;
    q->notify_signal = event.signal;
    q->notify_value = event.value;
    return E_OK;
}

enum err sys_mq_getsetattr(struct syscall *call)
{
    struct mq_attr new, old;
    struct file *file;
    bool set = call->arg[1] != 0;
    enum err e = set ? copy_in(&new, virt(call->arg[1]), sizeof(new)) : E_OK;
    if (e == E_OK && set && new.flags & ~(int64_t)O_NONBLOCK)
        e = E_INVAL;
    if (e == E_OK)
        e = mq_file(call->arg[0], false, false, &file);
    if (e != E_OK)
        return e;
    const struct mqueue *q = mqueue_of(file->inode);
    old = (struct mq_attr){.flags = file->flags & O_NONBLOCK,
                           .most = (int64_t)q->most,
                           .size_most = (int64_t)q->size_most,
                           .count = (int64_t)q->count};
    if (set)
        file->flags = (file->flags & ~O_NONBLOCK) | ((uint32_t) new.flags &O_NONBLOCK);
    return call->arg[2] != 0 ? copy_out(virt(call->arg[2]), &old, sizeof(old)) : E_OK;
}
