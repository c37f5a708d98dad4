/* SPDX-License-Identifier: MIT */
#include "fs/dev/stdio.h"

#include "base/fmt.h"
#include "base/str.h"
#include "fs/tty/console.h"
#include "fs/vfs/file_table.h"
#include "fs/vfs/vfs.h"
#include "fs/vfs/wait.h"
#include "mm/vm/usercopy.h"

/* The pipes to the host; a stream of the console is one end. */
static struct filesystem console_fs = {
    .type = "pipefs", .magic = 0x50495045, .device = 12, .next_ino = UINT64_C(1) << 32};

static bool input_is_ready(void *context)
{
    (void)context;
    return console_input_ready();
}

static enum err stream_read(struct file *file, struct io *io, uint64_t *offset)
{
    (void)offset;
    char bytes[CONSOLE_PIECE];
    if (io_left(io) == 0)
        return E_OK;
    if (!console_input_ready()) {
        if (file->flags & O_NONBLOCK)
            return E_AGAIN;
        enum err e = fs_wait(console_input_queue(), input_is_ready, NULL, NO_DEADLINE);
        if (e != E_OK)
            return e;
    }
    while (io_left(io) > 0) {
        size_t size =
            console_read(bytes, io_left(io) < sizeof(bytes) ? io_left(io) : sizeof(bytes));
        if (size == 0)
            return E_OK;
        enum err e = io_put_waiting(io, bytes, size);
        if (e != E_OK)
            return e;
    }
    return E_OK;
}

static bool output_is_ready(void *context)
{
    (void)context;
    return console_output_ready();
}

static enum err stream_write(struct file *file, struct io *io, uint64_t *offset)
{
    (void)offset;
    char bytes[CONSOLE_PIECE];
    enum console_stream stream = (enum console_stream)(uintptr_t)file->state;
    enum err e = E_OK;
    if (io_left(io) == 0)
        return E_OK;
    do {
        if (!console_output_ready()) {
            console_push();
            if (file->flags & O_NONBLOCK)
                return E_AGAIN;
            e = fs_wait(console_output_queue(), output_is_ready, NULL, NO_DEADLINE);
            if (e != E_OK)
                return e;
        }
        uint64_t before = io_left(io);
        e = io_take(io, bytes, before < sizeof(bytes) ? before : sizeof(bytes));
        console_write_more(stream, bytes, before - io_left(io));
    } while (e == E_OK && io_left(io) > 0);
    console_push();
    return e;
}

static uint32_t stream_poll(struct file *file)
{
    uint32_t events = file_can_write(file) && console_output_ready() ? POLL_WRITABLE : 0;
    if (file_can_read(file)) {
        if (console_input_ended())
            events |= POLL_HUP;
        else if (console_input_ready())
            events |= POLL_READABLE;
    }
    return events;
}

static struct wait_queue *stream_queue(struct file *file, bool write)
{
    (void)file;
    return write ? console_output_queue() : console_input_queue();
}

static enum err stream_control(struct file *file, uint32_t command, uint64_t argument,
                               uint64_t *result)
{
    (void)result;
    if (command != FIONREAD)
        return E_NOTTY;
    /* 1 or 0: the console does not report the number of bytes that can be read. */
    int32_t waiting = file_can_read(file) && console_input_ready() && !console_input_ended();
    return copy_out(virt(argument), &waiting, sizeof(waiting));
}

static enum err open_stdout(struct file *file)
{
    file->state = (void *)(uintptr_t)CONSOLE_STDOUT;
    return E_OK;
}

static enum err open_stderr(struct file *file)
{
    file->state = (void *)(uintptr_t)CONSOLE_STDERR;
    return E_OK;
}

static const struct file_ops stdout_ops = {.open = open_stdout,
                                           .read = stream_read,
                                           .write = stream_write,
                                           .poll = stream_poll,
                                           .queue = stream_queue,
                                           .control = stream_control};
static const struct file_ops stderr_ops = {.open = open_stderr,
                                           .read = stream_read,
                                           .write = stream_write,
                                           .poll = stream_poll,
                                           .queue = stream_queue,
                                           .control = stream_control};

static MUST_CHECK enum err make_pipe_end(int fd, struct inode **out, char *name, size_t size)
{
    struct inode *inode;
    enum err e = inode_alloc(&console_fs, sizeof(*inode), S_IFIFO | 0600, &inode);
    if (e != E_OK)
        return e;
    inode->nlink = 1;
    inode->file_ops = fd == 2 ? &stderr_ops : &stdout_ops;
    fmt_snprintf(name, size, "pipe:[%lu]", inode->ino);
    *out = inode;
    return E_OK;
}

/* Another inode of /dev/console, for one stream; same numbers, so that ttyname() finds it. */
static MUST_CHECK enum err stdio_make_terminal(int fd, struct inode **out, char *name, size_t size)
{
    struct location at;
    enum err e = walk_lookup(NULL, "/dev/console", WALK_FOLLOW, &at);
    if (e != E_OK)
        return e;
    struct inode *inode;
    const struct dentry *node = at.dentry;
    e = inode_alloc(node->inode->fs, sizeof(*inode), S_IFCHR | 0620, &inode);
    if (e == E_OK) {
        inode->ino = node->inode->ino;
        inode->device = node->inode->device;
        inode->nlink = 1;
        inode->gid = 5; /* tty */
        inode->file_ops = tty_ops_of(fd == 2 ? CONSOLE_STDERR : CONSOLE_STDOUT);
        str_copy(name, "/dev/console", size);
        *out = inode;
    }
    location_put(&at);
    return e;
}

static MUST_CHECK enum err open_one(int fd)
{
    char name[32];
    struct inode *inode;
    bool terminal = console_is_terminal(fd);
    enum err e = terminal ? stdio_make_terminal(fd, &inode, name, sizeof(name))
                          : make_pipe_end(fd, &inode, name, sizeof(name));
    if (e != E_OK)
        return e;
    struct dentry *dentry;
    e = dentry_alloc(NULL, name, strlen(name), inode, &dentry);
    inode_put(inode);
    if (e != E_OK)
        return e;
    uint32_t access = fd == 0 ? O_RDONLY : O_WRONLY;
    struct file *file;
    e = vfs_open_at(&(const struct location){NULL, dentry}, terminal ? O_RDWR : access, &file);
    dentry_put(dentry);
    if (e != E_OK)
        return e;
    if (!terminal)
        file->flags = access;
    int got;
    e = file_table_add(file_table_current(), file, (uint32_t)fd, false, &got);
    if (e != E_OK)
        file_put(file);
    return e;
}

enum err stdio_open(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        enum err e = open_one(fd);
        if (e != E_OK)
            return e;
    }
    return E_OK;
}
