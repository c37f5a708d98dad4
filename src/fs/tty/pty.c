/* SPDX-License-Identifier: MIT */
#include "fs/tty/pty.h"

#include "base/fmt.h"
#include "base/list.h"
#include "fs/pipe/pipe.h"
#include "fs/tty/console.h"
#include "fs/vfs/async.h"
#include "fs/vfs/context.h"
#include "fs/vfs/credentials.h"
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
#define INPUT_ROOM                                                                                 \
    16384u           /* typed bytes that the line has no room for; Linux: 16 KiB and a little */
#define EXPANSION 8u /* maximal bytes that output processing makes of one: a tab */
/* Unread output at which a writer sleeps: the same and a line of the master, as on Linux. */
#define OUTPUT_ROOM (INPUT_ROOM + TTY_RING + TTY_PIECE * EXPANSION)

enum { /* the first byte of a read() in packet mode (TIOCPKT) */
    PACKET_DATA = 0,
    PACKET_FLUSH_READ = 1,
    PACKET_FLUSH_WRITE = 2,
    PACKET_STOP = 4,
    PACKET_START = 8,
    PACKET_NO_STOP = 16,
    PACKET_DO_STOP = 32,
    PACKET_IOCTL = 64,
};

struct pty {
    struct tty tty; /* must be first: file->state is the tty of a slave, and the pty of a master */
    struct list link;
    uint32_t number;
    bool locked;
    bool opened;            /* the slave has been opened */
    bool master;            /* the master is open */
    bool packet;            /* TIOCPKT */
    uint8_t status;         /* what packet mode has to report */
    uint32_t slaves;        /* open files of the slave */
    struct dentry *node;    /* in /dev/pts; one reference */
    struct pipe_ring input; /* typed, but the line had no room */
    struct pipe_ring output;
    uint32_t
        settled; /* bytes of `output` that a signal character leaves: no echo of its own write */
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

static void pty_report(struct pty *pty, uint8_t set, uint8_t clear)
{
    if (!pty->packet)
        return;
    pty->status = (uint8_t)((pty->status & ~clear) | set);
    wait_queue_wake(&pty->master_readable);
}

/* Discards unread output but `keep` bytes. */
static void pty_cut_output(struct pty *pty, uint32_t keep)
{
    if (pty->output.used > keep) {
        pty->output.used = keep;
        wait_queue_wake(&pty->writable);
    }
}

/* Unless NOFLSH is set, a signal character discards output as well as unread input: what the
 * master's side has not received, and the echo of the same write. */
static void pty_interrupt(void *tty, int number)
{
    struct pty *pty = pty_of(tty);
    if (!(pty->tty.line.termios.lflag & TTY_NOFLSH)) {
        pty_cut_output(pty, pty->settled < TTY_RING - 1 ? pty->settled : TTY_RING - 1);
        pty_report(pty, PACKET_FLUSH_READ | PACKET_FLUSH_WRITE, 0);
    }
    tty_raise(tty, number);
}

static bool line_accepts(const struct tty_line *line)
{
    /* A full line without an end still accepts characters that edit it, and drops others. */
    return tty_line_has_room(line) ||
           ((line->termios.lflag & TTY_ICANON) && !tty_line_readable(line));
}

/* Moves input to the line. O(bytes moved), at most INPUT_ROOM. */
static void pty_move_input(struct pty *pty)
{
    struct pipe_ring *ring = &pty->input;
    pty->settled = pty->output.used;
    while (ring->used > 0 && line_accepts(&pty->tty.line)) {
        char c = ring->bytes[ring->head];
        ring->head = (ring->head + 1) & (ring->size - 1);
        ring->used--;
        tty_type(&pty->tty, c);
        if (c == '\n')
            pty->settled = pty->output.used;
    }
    pty->settled = UINT32_MAX;
    wait_queue_wake(&pty->readable);
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
    struct pty *pty = pty_of(tty);
    if (pty->input.used > 0)
        pty_move_input(pty);
    wait_queue_wake(&pty->master_writable);
}

/* As on Linux, discarding what one side has written leaves what the other side's line has already
 * received. */
static void pty_discard(struct tty *tty, bool remote, bool output)
{
    struct pty *pty = pty_of(tty);
    if (remote != output) {
        pty_cut_output(pty, output ? TTY_RING - 1 : 0);
    } else {
        pty->input.used = 0;
        if (!output)
            tty_line_flush(&tty->line);
        wait_queue_wake(&pty->master_writable);
    }
    if (!remote)
        pty_report(pty, output ? PACKET_FLUSH_WRITE : PACKET_FLUSH_READ, 0);
}

static void pty_flow_changed(struct tty *tty)
{
    if (tty->line.stopped)
        pty_report(pty_of(tty), PACKET_STOP, PACKET_START);
    else
        pty_report(pty_of(tty), PACKET_START, PACKET_STOP);
}

/* True if ^S and ^Q stop and start output. */
static bool has_usual_flow(const struct tty_termios *termios)
{
    return (termios->iflag & TTY_IXON) && termios->cc[TTY_VSTOP] == 'S' - '@' &&
           termios->cc[TTY_VSTART] == 'Q' - '@';
}

static void pty_termios_changed(struct tty *tty, const struct tty_termios *before)
{
    struct tty_termios *now = &tty->line.termios;
    bool flow = has_usual_flow(now);
    now->cflag = (now->cflag & ~UINT32_C(0x100)) | 0xb0; /* always CS8 and CREAD, never PARENB */
    if (flow != has_usual_flow(before))
        pty_report(pty_of(tty), flow ? PACKET_DO_STOP : PACKET_NO_STOP,
                   PACKET_DO_STOP | PACKET_NO_STOP);
    if ((now->lflag | before->lflag) & TTY_EXTPROC)
        pty_report(pty_of(tty), PACKET_IOCTL, 0);
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
                                         .write = pty_write,
                                         .discard = pty_discard,
                                         .flow_changed = pty_flow_changed,
                                         .termios_changed = pty_termios_changed};

static void pty_free_unused(struct pty *pty)
{
    if (pty->master || pty->slaves > 0)
        return;
    list_remove(&pty->link);
    heap_free(pty->input.bytes);
    heap_free(pty->output.bytes);
    heap_free(pty);
}

static enum err slave_join(struct file *file, struct pty *pty)
{
    if (pty->locked || pty->tty.hung_up)
        return E_IO;
    if (pty->tty.exclusive && !capable(CAP_SYS_ADMIN))
        return E_BUSY;
    file->state = &pty->tty;
    file->limit = pty->tty.hangups;
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
                                          .async_group = tty_async_group,
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
    pty->input.capacity = INPUT_ROOM;
    pty->output.capacity = OUTPUT_ROOM;
    pty->settled = UINT32_MAX;
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
    pty->tty.device = (uint32_t)pty->node->inode->device;
    file->state = pty;
    return E_OK;
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
    tty_redirect_end(tty);
    if (tty->session != 0 && tty->session != tty->foreground)
        fs_raise_group(FS_SIGHUP, tty->session); /* the session leader, usually a shell */
    tty_release(tty, false);
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
    return pty->output.used > 0 || is_left(pty) || pty->status != 0;
}

/* The byte that a read() begins with in packet mode: a status, after which it is complete. */
static enum err put_packet_byte(struct pty *pty, struct io *io)
{
    uint8_t status = pty->status;
    pty->status = 0;
    return io_put_waiting(io, &status, 1);
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
    if (e == E_OK && pty->status != 0)
        return put_packet_byte(pty, io);
    if (e == E_OK && pty->output.used == 0)
        e = E_IO;
    if (e == E_OK && pty->packet)
        e = put_packet_byte(pty, io); /* PACKET_DATA */
    if (e == E_OK)
        do
            e = pipe_ring_drain(&pty->output, io);
        while (e != E_OK && (e = copy_wait(e)) == E_OK); /* else another packet's byte is between */
    wait_queue_wake(&pty->writable);
    return e;
}

static bool can_type(void *context)
{
    const struct pipe_ring *ring = &((const struct pty *)context)->input;
    return ring->used < ring->capacity;
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
        if (e == E_OK)
            e = pipe_ring_fill(&pty->input, io, io_left(io));
        pty_move_input(pty);
    }
    return e;
}

static uint32_t master_poll(struct file *file)
{
    struct pty *pty = file->state;
    return (pty->status != 0 ? POLL_PRI | POLL_READABLE : 0) |
           (pty->output.used > 0 ? POLL_READABLE : 0) | (is_left(pty) ? POLL_HUP : 0) |
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
    const struct location at = location_any(pty->node);
    enum err e = vfs_open_at(&at, flags & ~O_CLOEXEC, &file);
    if (e != E_OK)
        return e;
    e = file_table_add(file_table_current(), file, 0, flags & O_CLOEXEC, &fd);
    if (e != E_OK)
        file_put(file);
    else
        *result = (uint64_t)fd;
    return e;
}

static enum err set_packet(struct pty *pty, bool on)
{
    if (!on || !pty->packet)
        pty->status = 0;
    pty->packet = on;
    return E_OK;
}

/* TIOCSIG: a signal character without the character. */
static enum err signal_foreground(const struct pty *pty, uint64_t number)
{
    if (number != FS_SIGINT && number != FS_SIGQUIT && number != FS_SIGTSTP)
        return E_INVAL;
    tty_raise(&pty->tty, (int)number);
    return E_OK;
}

static enum err master_control(struct file *file, uint32_t command, uint64_t argument,
                               uint64_t *result)
{
    struct pty *pty = file->state;
    uint32_t value;
    enum err e;
    switch (command) {
    case TIOCGPTN:
        value = pty->number;
        break;
    case TIOCGPTLCK:
        value = pty->locked;
        break;
    case TIOCGPKT:
        value = pty->packet;
        break;
    case FIONREAD:
        value = pty->output.used;
        break;
    case TIOCSPTLCK:
    case TIOCPKT:
        e = copy_in(&value, virt(argument), sizeof(value));
        if (e == E_OK && command == TIOCPKT)
            return set_packet(pty, value != 0);
        if (e == E_OK)
            pty->locked = value != 0;
        return e;
    case TIOCSIG:
        return signal_foreground(pty, argument);
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
                                           .async_group = async_no_group,
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
        tty_release(tty, true);
}

enum err pty_hang_up_session(uint32_t session)
{
    if (!capable(CAP_SYS_TTY_CONFIG))
        return E_PERM;
    struct tty *tty = tty_find(session);
    if (tty)
        tty_hang_up(tty);
    return E_OK;
}

/* /dev/tty: the controlling terminal of the calling process. */
static enum err controlling_open(struct file *file)
{
    struct tty *tty = tty_find(fs_caller_job().session);
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
