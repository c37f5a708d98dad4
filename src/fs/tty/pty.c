/* SPDX-License-Identifier: MIT */
#include "fs/tty/pty.h"

#include "base/fmt.h"
#include "base/list.h"
#include "fs/pipe/pipe.h"
#include "fs/tty/console.h"
#include "fs/vfs/context.h"
#include "fs/vfs/devices.h"
#include "fs/vfs/file_table.h"
#include "fs/vfs/process.h"
#include "fs/vfs/vfs.h"
#include "fs/vfs/wait.h"
#include "mm/heap/heap.h"
#include "mm/vm/usercopy.h"

#define DEVPTS_MAGIC  0x1cd1
#define DEVPTS_DEVICE 24
#define SLAVE_MAJOR   136
#define PTYS_MAX      1024u /* /proc/sys/kernel/pty/max; 4096 on Linux */
#define OUTPUT_ROOM   16384u
#define EXPANSION     8u /* maximal bytes that output processing makes of one: a tab */
#define SIGCONT       18

struct pty {
    struct tty tty; /* must be first: file->state is the tty of a slave, and the pty of a master */
    struct list link;
    uint32_t number;
    bool locked;
    bool opened;         /* the slave has been opened */
    bool master;         /* the master is open */
    uint32_t slaves;     /* open files of the slave */
    struct dentry *node; /* in /dev/pts; one reference */
    struct pipe_ring output;
    struct wait_queue readable, writable; /* the slave */
    struct wait_queue master_readable, master_writable;
};

static struct list ptys = LIST_INIT(ptys); /* by number */

static struct filesystem devpts = {
    .type = "devpts", .magic = DEVPTS_MAGIC, .device = DEVPTS_DEVICE, .next_ino = 1};

static struct pty *pty_of(struct tty *tty)
{
    return (struct pty *)(uintptr_t)tty;
}

static void pty_emit(void *tty, const char *bytes, size_t size)
{
    struct pty *pty = pty_of(tty);
    struct io io = io_kernel(bytes, size);
    if (pty->master && pipe_ring_fill(&pty->output, &io, size) == E_OK)
        wait_queue_wake(&pty->master_readable);
}

/* Unless NOFLSH is set, a signal character discards unread output as well as unread input. */
static void pty_interrupt(void *tty, int number)
{
    struct pty *pty = pty_of(tty);
    if (!(pty->tty.line.termios.lflag & TTY_NOFLSH)) {
        pty->output.used = 0;
        wait_queue_wake(&pty->writable);
    }
    tty_raise(tty, number);
}

static bool never_ended(struct tty *tty)
{
    (void)tty;
    return false;
}

static size_t pty_take(struct tty *tty, char *to, size_t size, bool *ended)
{
    return tty_line_take(&tty->line, to, size, ended);
}

static void pty_taken(struct tty *tty)
{
    wait_queue_wake(&pty_of(tty)->master_writable);
}

static bool pty_has_room(struct tty *tty)
{
    const struct pipe_ring *ring = &pty_of(tty)->output;
    return ring->capacity - ring->used >= TTY_PIECE * EXPANSION;
}

static void pty_write(struct tty *tty, struct file *file, const char *bytes, size_t size)
{
    (void)file;
    tty_line_write(&tty->line, bytes, size);
}

static const struct tty_driver driver = {.emit = pty_emit,
                                         .ended = never_ended,
                                         .take = pty_take,
                                         .taken = pty_taken,
                                         .has_room = pty_has_room,
                                         .write = pty_write};

static void pty_free_unused(struct pty *pty)
{
    if (pty->master || pty->slaves > 0)
        return;
    list_remove(&pty->link);
    heap_free(pty->output.bytes);
    heap_free(pty);
}

static enum err slave_join(struct file *file, struct pty *pty)
{
    if (pty->locked || pty->tty.hung_up)
        return E_IO;
    file->state = &pty->tty;
    pty->slaves++;
    pty->opened = true;
    if (!(file->flags & O_NOCTTY))
        (void)!tty_take_control(&pty->tty); /* the open succeeds without control */
    wait_queue_wake(&pty->master_readable);
    return E_OK;
}

static enum err slave_open(struct file *file)
{
    list_for_each (link, &ptys) {
        struct pty *pty = CONTAINER_OF(link, struct pty, link);
        if (pty->number == device_minor(file->inode->device))
            return slave_join(file, pty);
    }
    return E_IO;
}

static void slave_release(struct file *file)
{
    struct pty *pty = pty_of(file->state);
    pty->slaves--;
    if (pty->slaves == 0) {
        wait_queue_wake(&pty->master_readable);
        wait_queue_wake(&pty->master_writable);
    }
    pty_free_unused(pty);
}

static const struct file_ops slave_ops = {.open = slave_open,
                                          .release = slave_release,
                                          .read = tty_read,
                                          .write = tty_write,
                                          .poll = tty_poll,
                                          .queue = tty_queue,
                                          .control = tty_control};

static MUST_CHECK enum err node_make(struct pty *pty)
{
    struct inode *inode;
    char name[16];
    enum err e = inode_alloc(&devpts, sizeof(*inode), S_IFCHR | 0620, &inode);
    if (e != E_OK)
        return e;
    inode->ino = pty->number + 3;
    inode->nlink = 1;
    inode->uid = credentials_current()->uid.fs;
    inode->gid = 5; /* tty */
    inode->device = device_number(SLAVE_MAJOR, pty->number);
    inode->file_ops = &slave_ops;
    size_t length = fmt_snprintf(name, sizeof(name), "%u", pty->number);
    e = dentry_alloc(devpts.root, name, length, inode, &pty->node);
    inode_put(inode);
    if (e != E_OK)
        return e;
    e = dentry_link(pty->node);
    if (e != E_OK)
        dentry_put(pty->node);
    return e;
}

/* Finds the lowest free number; returns the list member before which it belongs. */
static struct list *free_place(uint32_t *number)
{
    *number = 0;
    struct list *link = ptys.next;
    while (link != &ptys && CONTAINER_OF(link, struct pty, link)->number == *number) {
        ++*number;
        link = link->next;
    }
    return link;
}

static enum err master_open(struct file *file)
{
    struct pty *pty = heap_alloc_zero(sizeof(*pty));
    if (!pty)
        return E_NOMEM;
    wait_queue_init(&pty->readable);
    wait_queue_init(&pty->writable);
    wait_queue_init(&pty->master_readable);
    wait_queue_init(&pty->master_writable);
    tty_setup(&pty->tty, &driver, &pty->readable, &pty->writable);
    pty->tty.line.signal = pty_interrupt;
    pty->output.capacity = OUTPUT_ROOM;
    pty->locked = pty->master = true;
    struct list *behind = free_place(&pty->number);
    enum err e = pty->number < PTYS_MAX ? E_OK : E_NOSPC;
    if (e == E_OK)
        e = devpts.root ? node_make(pty) : E_NODEV;
    if (e != E_OK) {
        heap_free(pty);
        return e;
    }
    list_add_tail(behind, &pty->link);
    file->state = pty;
    return E_OK;
}

static void give_up(struct tty *tty)
{
    tty_raise(tty, FS_SIGHUP);
    tty_raise(tty, SIGCONT);
    tty->session = tty->foreground = 0;
}

static void master_release(struct file *file)
{
    struct pty *pty = file->state;
    struct tty *tty = &pty->tty;
    pty->master = false;
    tty->hung_up = true;
    /* Before the signals, so that a sleeping reader gets E_IO and not E_INTR. */
    wait_queue_wake(&pty->readable);
    wait_queue_wake(&pty->writable);
    if (tty->session != 0 && tty->session != tty->foreground)
        fs_raise_group(FS_SIGHUP, tty->session); /* the session leader, usually a shell */
    give_up(tty);
    pty->node->inode->nlink = 0;
    dentry_unlink(pty->node);
    dentry_put(pty->node);
    pty_free_unused(pty);
}

static bool is_left(const struct pty *pty)
{
    return pty->opened && pty->slaves == 0;
}

static bool has_output(void *context)
{
    const struct pty *pty = context;
    return pty->output.used > 0 || is_left(pty);
}

static enum err master_read(struct file *file, struct io *io, uint64_t *offset)
{
    (void)offset;
    struct pty *pty = file->state;
    enum err e = E_OK;
    if (!has_output(pty))
        e = (file->flags & O_NONBLOCK)
                ? E_AGAIN
                : fs_wait(&pty->master_readable, has_output, pty, NO_DEADLINE);
    if (e == E_OK && pty->output.used == 0)
        e = E_IO;
    if (e == E_OK)
        e = pipe_ring_drain(&pty->output, io);
    wait_queue_wake(&pty->writable);
    return e;
}

/* In canonical mode a full line still accepts characters that edit it. */
static bool can_type(void *context)
{
    const struct tty_line *line = &((const struct pty *)context)->tty.line;
    return (line->termios.lflag & TTY_ICANON) || tty_line_has_room(line);
}

static enum err master_write(struct file *file, struct io *io, uint64_t *offset)
{
    (void)offset;
    struct pty *pty = file->state;
    enum err e = E_OK;
    while (e == E_OK && io_left(io) > 0) {
        if (!can_type(pty)) {
            if (file->flags & O_NONBLOCK)
                return E_AGAIN;
            e = fs_wait(&pty->master_writable, can_type, pty, NO_DEADLINE);
        }
        bool stopped = pty->tty.line.stopped;
        while (e == E_OK && io_left(io) > 0 && can_type(pty)) {
            char c;
            e = io_take(io, &c, 1);
            if (e == E_OK)
                tty_line_type(&pty->tty.line, c);
        }
        wait_queue_wake(&pty->readable);
        if (stopped != pty->tty.line.stopped)
            wait_queue_wake(&pty->writable);
    }
    return e;
}

static uint32_t master_poll(struct file *file)
{
    struct pty *pty = file->state;
    return (pty->output.used > 0 ? POLL_READABLE : 0) | (is_left(pty) ? POLL_HUP : 0) |
           (can_type(pty) ? POLL_WRITABLE : 0);
}

static struct wait_queue *master_queue(struct file *file, bool write)
{
    struct pty *pty = file->state;
    return write ? &pty->master_writable : &pty->master_readable;
}

/* TIOCGPTPEER: opens the slave without its path. */
static enum err open_peer(const struct pty *pty, uint32_t flags, uint64_t *result)
{
    struct file *file;
    int fd;
    enum err e = vfs_open_dentry(pty->node, flags & ~O_CLOEXEC, &file);
    if (e != E_OK)
        return e;
    e = file_table_add(file_table_current(), file, 0, flags & O_CLOEXEC, &fd);
    if (e != E_OK)
        file_put(file);
    else
        *result = (uint64_t)fd;
    return e;
}

static enum err master_control(struct file *file, uint32_t command, uint64_t argument,
                               uint64_t *result)
{
    struct pty *pty = file->state;
    uint32_t value;
    switch (command) {
    case TIOCGPTN:
        value = pty->number;
        break;
    case TIOCGPTLCK:
        value = pty->locked;
        break;
    case FIONREAD:
        value = pty->output.used;
        break;
    case TIOCSPTLCK: {
        enum err e = copy_in(&value, virt(argument), sizeof(value));
        if (e == E_OK)
            pty->locked = value != 0;
        return e;
    }
    case TIOCGPTPEER:
        return open_peer(pty, (uint32_t)argument, result);
    default:
        return tty_command(&pty->tty, true, command, argument);
    }
    return copy_out(virt(argument), &value, sizeof(value));
}

static const struct file_ops master_ops = {.open = master_open,
                                           .release = master_release,
                                           .read = master_read,
                                           .write = master_write,
                                           .poll = master_poll,
                                           .queue = master_queue,
                                           .control = master_control};

struct tty *tty_find(uint32_t session)
{
    if (session == 0)
        return NULL;
    list_for_each (link, &ptys) {
        struct tty *tty = &CONTAINER_OF(link, struct pty, link)->tty;
        if (tty->session == session)
            return tty;
    }
    return tty_console()->session == session ? tty_console() : NULL;
}

void pty_session_ended(uint32_t session)
{
    struct tty *tty = tty_find(session);
    if (tty)
        give_up(tty);
}

/* /dev/tty: the controlling terminal of the calling process. */
static enum err controlling_open(struct file *file)
{
    struct fs_process process = {.session = 1};
    (void)fs_describe(0, 0, &process);
    struct tty *tty = tty_find(process.session);
    if (!tty)
        return E_NXIO;
    file->ops = tty == tty_console() ? tty_ops_of(CONSOLE_STDOUT) : &slave_ops;
    return tty == tty_console() ? file->ops->open(file) : slave_join(file, pty_of(tty));
}

static const struct file_ops controlling_ops = {.open = controlling_open};

void pty_init(void)
{
    static const struct device nodes[] = {
        {"tty", 5 << 8 | 0, 0666, &controlling_ops},
        {"ptmx", 5 << 8 | 2, 0666, &master_ops},
    };
    device_register(&nodes[0]);
    device_register(&nodes[1]);
}

enum err pty_mount(void)
{
    struct inode *root;
    enum err e = inode_alloc(&devpts, sizeof(*root), S_IFDIR | 0755, &root);
    if (e != E_OK)
        return e;
    root->nlink = 2;
    e = dentry_alloc_root(&devpts, root);
    inode_put(root);
    return e == E_OK ? vfs_mount("/dev/pts", &devpts) : e;
}
