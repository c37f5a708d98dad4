/* SPDX-License-Identifier: MIT */
#include "fs/tty/tty.h"

#include "base/str.h"
#include "fs/vfs/context.h"
#include "fs/vfs/credentials.h"
#include "fs/vfs/process.h"
#include "fs/vfs/wait.h"
#include "kern/time.h"
#include "mm/vm/usercopy.h"

#define TENTH_OF_A_SECOND (NS_PER_SECOND / 10)

void tty_raise(const struct tty *tty, int number)
{
    if (tty->foreground != 0)
        fs_raise_group(number, tty->foreground);
}

static void signal(void *context, int number)
{
    tty_raise(context, number);
}

void tty_setup(struct tty *tty, const struct tty_driver *driver, struct wait_queue *readable,
               struct wait_queue *writable)
{
    tty_line_init(&tty->line);
    tty->line.signal = signal;
    tty->line.emit = driver->emit;
    tty->line.context = tty;
    tty->driver = driver;
    tty->readable = readable;
    tty->writable = writable;
}

static void tty_tty_pump(struct tty *tty)
{
    if (tty->driver->pump)
        tty->driver->pump(tty);
}

static void tty_taken(struct tty *tty)
{
    if (tty->driver->taken)
        tty->driver->taken(tty);
}

static bool tty_is_canonical(const struct tty *tty)
{
    return tty->line.termios.lflag & TTY_ICANON;
}

static struct tty *tty_of(const struct file *file)
{
    return file->state;
}

static bool is_hung_up(const struct file *file)
{
    const struct tty *tty = tty_of(file);
    return tty->hung_up || file->limit != tty->hangups;
}

struct read_wait {
    const struct file *file;
    size_t needed; /* bytes */
};

static bool is_readable(void *context)
{
    const struct read_wait *wait = context;
    struct tty *tty = tty_of(wait->file);
    tty_tty_pump(tty);
    if (is_hung_up(wait->file) || tty->driver->ended(tty))
        return true;
    return tty_is_canonical(tty) ? tty_line_readable(&tty->line)
                                 : tty_line_available(&tty->line) >= wait->needed;
}

static enum err tty_hand_out(struct tty *tty, struct io *io)
{
    char bytes[128];
    bool ended = false;
    while (!ended && io_left(io) > 0 && tty_line_readable(&tty->line)) {
        size_t size = io_left(io) < sizeof(bytes) ? io_left(io) : sizeof(bytes);
        size = tty->driver->take(tty, bytes, size, &ended);
        enum err e = io_put_waiting(io, bytes, size);
        if (e != E_OK)
            return e;
    }
    return E_OK;
}

/* Waits for the input of a non-canonical read(), as VMIN and VTIME demand (termios(3)). */
static enum err wait_raw(const struct file *file, uint64_t size)
{
    struct tty *tty = tty_of(file);
    struct tty_line *line = &tty->line;
    uint64_t minimum = line->termios.cc[TTY_VMIN];
    uint64_t time = line->termios.cc[TTY_VTIME] * TENTH_OF_A_SECOND;
    struct read_wait wait = {file, 1};
    enum err e;
    if (minimum == 0) {
        e = fs_wait(tty->readable, is_readable, &wait, time_now_ns() + time);
        return e == E_TIMEDOUT ? E_OK : e;
    }
    if (minimum > size)
        minimum = size;
    if (time == 0) {
        wait.needed = minimum;
        return fs_wait(tty->readable, is_readable, &wait, NO_DEADLINE);
    }
    e = fs_wait(tty->readable, is_readable, &wait, NO_DEADLINE);
    while (e == E_OK && tty_line_available(line) < minimum && !is_hung_up(file) &&
           !tty->driver->ended(tty)) {
        wait.needed = tty_line_available(line) + 1;
        e = fs_wait(tty->readable, is_readable, &wait, time_now_ns() + time);
    }
    return e == E_TIMEDOUT ? E_OK : e;
}

/* Job control (POSIX 11.1.4): E_OK if the caller is in the foreground, or it is not its controlling
 * terminal; else as fs_stop_group(). */
static enum err check_foreground(const struct tty *tty, int number)
{
    if (tty->foreground == 0)
        return E_OK;
    struct fs_job job = fs_caller_job();
    return tty->session == job.session && tty->foreground != job.group ? fs_stop_group(number)
                                                                       : E_OK;
}

enum err tty_read(struct file *file, struct io *io, uint64_t *offset)
{
    (void)offset;
    struct tty *tty = tty_of(file);
    struct read_wait wait = {file, 1};
    bool was_hung_up = tty->hung_up;
    if (file->limit != tty->hangups)
        return E_OK;
    enum err e = check_foreground(tty, FS_SIGTTIN);
    if (e != E_OK || io_left(io) == 0)
        return e;
    if (!is_readable(&wait)) {
        if (file->flags & O_NONBLOCK)
            return !tty_is_canonical(tty) && tty->line.termios.cc[TTY_VMIN] == 0 ? E_OK : E_AGAIN;
        if (tty_is_canonical(tty))
            e = fs_wait(tty->readable, is_readable, &wait, NO_DEADLINE);
    }
    if (e == E_OK && !tty_is_canonical(tty) && !(file->flags & O_NONBLOCK))
        e = wait_raw(file, io_left(io));
    if (e == E_OK && tty->hung_up && !was_hung_up)
        e = E_IO;
    else if (e == E_OK && file->limit == tty->hangups)
        e = tty_hand_out(tty, io);
    tty_taken(tty);
    return e;
}

static bool tty_may_write(void *context)
{
    const struct file *file = context;
    struct tty *tty = tty_of(file);
    if (tty->line.stopped)
        tty_tty_pump(tty);
    return is_hung_up(file) ||
           (!tty->line.stopped && (!tty->driver->has_room || tty->driver->has_room(tty)));
}

enum err tty_write(struct file *file, struct io *io, uint64_t *offset)
{
    (void)offset;
    char bytes[TTY_PIECE];
    struct tty *tty = tty_of(file);
    enum err e = tty->line.termios.lflag & TTY_TOSTOP ? check_foreground(tty, FS_SIGTTOU) : E_OK;
    while (e == E_OK && io_left(io) > 0) {
        if (!tty_may_write(file)) {
            if (file->flags & O_NONBLOCK)
                return E_AGAIN;
            e = fs_wait(tty->writable, tty_may_write, file, NO_DEADLINE);
            if (e != E_OK)
                return e;
        }
        if (is_hung_up(file))
            return E_IO;
        uint64_t before = io_left(io);
        uint64_t size = before < sizeof(bytes) ? before : sizeof(bytes);
        e = io_take(io, bytes, size);
        tty->driver->write(tty, file, bytes, before - io_left(io));
    }
    return e;
}

uint32_t tty_poll(struct file *file)
{
    struct tty *tty = tty_of(file);
    const struct tty_termios *termios = &tty->line.termios;
    struct read_wait wait = {file, 1};
    if (!tty_is_canonical(tty) && termios->cc[TTY_VTIME] == 0 && termios->cc[TTY_VMIN] > 1)
        wait.needed = termios->cc[TTY_VMIN];
    uint32_t events = is_readable(&wait) ? POLL_READABLE : 0;
    if (is_hung_up(file))
        return events | POLL_WRITABLE | POLL_ERR | POLL_HUP;
    return tty_may_write(file) ? events | POLL_WRITABLE : events;
}

struct wait_queue *tty_queue(struct file *file, bool write)
{
    const struct tty *tty = tty_of(file);
    return write ? tty->writable : tty->readable;
}

static void tty_flush_input(struct tty *tty)
{
    if (tty->driver->discard) {
        tty->driver->discard(tty, false, false);
        return;
    }
    tty_tty_pump(tty);
    tty_line_flush(&tty->line);
    tty_taken(tty);
}

uint32_t tty_async_group(const struct file *file)
{
    return tty_of(file)->foreground;
}

#define TERMIOS_OLD_SIZE 36 /* struct termios of the kernel's ABI */
_Static_assert(sizeof(struct tty_termios) == 44, "struct termios2");

/* The speed that cflag stands for; `other` is that of BOTHER. */
static uint32_t speed_of(uint32_t cflag, uint32_t other)
{
    static const uint32_t speeds[] = {0,       50,      75,      110,     134,     150,     200,
                                      300,     600,     1200,    1800,    2400,    4800,    9600,
                                      19200,   38400,   57600,   115200,  230400,  460800,  500000,
                                      576000,  921600,  1000000, 1152000, 1500000, 2000000, 2500000,
                                      3000000, 3500000, 4000000};
    uint32_t i = cflag & 0xf;
    if (cflag & 0x1000) { /* CBAUDEX */
        if (i == 0)
            return other;
        i += 15;
    }
    return speeds[i];
}

#define TERMIO_CC 8u

struct termio { /* System V's, with the low halves of the flags; TERMIO_SIZE bytes of it */
    uint16_t flags[4];
    uint8_t line, cc[TERMIO_CC];
};
#define TERMIO_SIZE 18u /* with a byte after the last member */

_Static_assert(sizeof(struct termio) == TERMIO_SIZE, "struct termio");

COLD static enum err get_termio(const struct tty_termios *termios, uint64_t argument)
{
    struct termio old = {.flags = {(uint16_t)termios->iflag, (uint16_t)termios->oflag,
                                   (uint16_t)termios->cflag, (uint16_t)termios->lflag},
                         .line = termios->line};
    memcpy(old.cc, termios->cc, sizeof(old.cc));
    return copy_out(virt(argument), &old, TERMIO_SIZE);
}

COLD static enum err take_termio(struct tty_termios *termios, uint64_t argument)
{
    struct termio old;
    enum err e = copy_in(&old, virt(argument), TERMIO_SIZE);
    if (e != E_OK)
        return e;
    uint32_t *const flags[] = {&termios->iflag, &termios->oflag, &termios->cflag, &termios->lflag};
    for (size_t i = 0; i < ARRAY_LENGTH(flags); i++)
        *flags[i] = (*flags[i] & 0xffff0000) | old.flags[i];
    termios->line = old.line;
    memcpy(termios->cc, old.cc, sizeof(old.cc));
    return E_OK;
}

COLD static void keep_locked(const uint8_t *lock, const uint8_t *old, uint8_t *new)
{
    const size_t flags = offsetof(struct tty_termios, line);
    for (size_t i = 0; i < TERMIOS_OLD_SIZE; i++)
        new[i] ^= (new[i] ^ old[i]) & (i < flags || !lock[i] ? lock[i] : UINT8_MAX);
}

static enum err set_termios(struct tty *tty, uint32_t command, uint64_t argument)
{
    bool old = command <= TCSETSF;
    bool flush = command == TCSETSF || command == TCSETSF2 || command == TCSETAF;
    struct tty_termios before = tty->line.termios, termios = before;
    enum err e = command - TCSETA <= TCSETAF - TCSETA
                     ? take_termio(&termios, argument)
                     : copy_in(&termios, virt(argument), old ? TERMIOS_OLD_SIZE : sizeof(termios));
    if (e != E_OK)
        return e;
    uint32_t input = termios.cflag >> 16; /* IBSHIFT */
    termios.output_speed = speed_of(termios.cflag, termios.output_speed);
    termios.input_speed =
        (input & 0x100f) ? speed_of(input, termios.input_speed) : termios.output_speed;
    keep_locked((uint8_t *)&tty->locked, (uint8_t *)&before, (uint8_t *)&termios);
    if (flush)
        tty_flush_input(tty);
    tty_line_set(&tty->line, &termios);
    if (tty->driver->termios_changed)
        tty->driver->termios_changed(tty, &before);
    /* Unread input may have become readable, stopped output go on, and a full line have room. */
    wait_queue_wake(tty->readable);
    wait_queue_wake(tty->writable);
    tty_taken(tty);
    return E_OK;
}

void tty_set_window(struct tty *tty, const struct tty_window *window)
{
    bool same = memcmp(window, &tty->window, sizeof(*window)) == 0;
    tty->window = *window;
    if (!same)
        tty_raise(tty, FS_SIGWINCH);
}

static enum err set_window(struct tty *tty, uint64_t argument)
{
    struct tty_window window;
    enum err e = copy_in(&window, virt(argument), sizeof(window));
    if (e == E_OK)
        tty_set_window(tty, &window);
    return e;
}

static enum err put_int(uint64_t argument, uint32_t value)
{
    return copy_out(virt(argument), &value, sizeof(value));
}

bool tty_is_controlling(const struct tty *tty)
{
    return tty->session == fs_caller_job().session;
}

static enum err get_group(const struct tty *tty, bool remote, uint64_t argument, bool session)
{
    if (!remote && !tty_is_controlling(tty))
        return E_NOTTY;
    if (session && tty->session == 0)
        return E_NOTTY;
    return put_int(argument, session ? tty->session : tty->foreground);
}

static enum err set_group(struct tty *tty, uint64_t argument)
{
    uint32_t group;
    enum err e = copy_in(&group, virt(argument), sizeof(group));
    if (e != E_OK)
        return e;
    if (!tty_is_controlling(tty))
        return E_NOTTY;
    if ((int32_t)group < 0)
        return E_INVAL;
    e = fs_check_group(group);
    if (e == E_OK)
        tty->foreground = group;
    return e;
}

enum err tty_take_control(struct tty *tty)
{
    struct fs_job job = fs_caller_job();
    if (job.pid != job.session)
        return E_PERM;
    if (tty->session == job.session)
        return E_OK;
    if (tty->session != 0 || tty_find(job.session))
        return E_PERM;
    tty->session = job.session;
    tty->foreground = job.group;
    return E_OK;
}

void tty_release(struct tty *tty, bool leader_ended)
{
    tty_raise(tty, FS_SIGHUP);
    if (!leader_ended)
        tty_raise(tty, FS_SIGCONT);
    tty->session = tty->foreground = 0;
}

/* TIOCNOTTY: a session leader releases the terminal for its whole session. */
static enum err give_up_control(struct tty *tty)
{
    struct fs_job job = fs_caller_job();
    if (tty->session != job.session)
        return E_NOTTY;
    if (job.pid == job.session)
        tty_release(tty, false);
    return E_OK;
}

static enum err tty_flush(struct tty *tty, bool remote, uint64_t what)
{
    if (what > 2) /* TCIFLUSH, TCOFLUSH, TCIOFLUSH */
        return E_INVAL;
    if (what != 1 && !remote)
        tty_flush_input(tty);
    else if (what != 1)
        tty->driver->discard(tty, true, false);
    if (what != 0 && tty->driver->discard)
        tty->driver->discard(tty, remote, true);
    return E_OK;
}

static void follow_flow(struct tty *tty, bool was_stopped)
{
    if (tty->line.stopped == was_stopped)
        return;
    if (tty->driver->flow_changed)
        tty->driver->flow_changed(tty);
    wait_queue_wake(tty->writable);
}

void tty_type(struct tty *tty, char c)
{
    bool stopped = tty->line.stopped;
    tty_line_type(&tty->line, c);
    follow_flow(tty, stopped);
}

static enum err flow(struct tty *tty, uint64_t what)
{
    struct tty_line *line = &tty->line;
    bool stopped = line->stopped;
    char c;
    switch (what) {
    case 0: /* TCOOFF */
        line->held = line->stopped = true;
        break;
    case 1: /* TCOON */
        if (line->held)
            line->held = line->stopped = false;
        break;
    case 2: /* TCIOFF, TCION: the character goes to the other side */
    case 3:
        c = (char)line->termios.cc[what == 2 ? TTY_VSTOP : TTY_VSTART];
        if (c != 0)
            line->emit(tty, &c, 1);
        break;
    default:
        return E_INVAL;
    }
    follow_flow(tty, stopped);
    return E_OK;
}

static enum err type_for(struct tty *tty, uint64_t argument)
{
    char c;
    if (!capable(CAP_SYS_ADMIN) && !tty_is_controlling(tty))
        return E_PERM;
    enum err e = copy_in(&c, virt(argument), 1);
    if (e == E_OK) {
        tty_type(tty, c);
        wait_queue_wake(tty->readable);
    }
    return e;
}

static bool sets_termios(uint32_t command)
{
    return command - TCSETS <= TCSETSF - TCSETS || command - TCSETA <= TCSETAF - TCSETA ||
           command - TCSETS2 <= TCSETSF2 - TCSETS2;
}

/* True if a process in the background may not do it: job control. For the master only what Linux
 * does to the terminal behind it. */
static bool is_change(uint32_t command, bool remote)
{
    switch (command) {
    case TIOCSPGRP:
        return true;
    case TCSBRK:
    case TCSBRKP:
    case TIOCSBRK:
    case TIOCSETD:
    case TCXONC:
    case TCFLSH:
        return !remote;
    default:
        return sets_termios(command);
    }
}

static enum err set_discipline(uint64_t argument)
{
    int32_t number;
    enum err e = copy_in(&number, virt(argument), sizeof(number));
    return e == E_OK && number != 0 ? E_INVAL : e; /* N_TTY */
}

/* The requests that answer with a number. E_NOTTY: another request. */
static enum err tty_number(struct tty *tty, bool remote, uint32_t command, uint64_t argument)
{
    switch (command) {
    case FIONREAD:
        tty_tty_pump(tty);
        return put_int(argument, (uint32_t)tty_line_available(&tty->line));
    case TIOCOUTQ: /* nothing is on its way to a device */
    case TIOCGETD: /* N_TTY */
        return put_int(argument, 0);
    case TIOCGDEV:
        return put_int(argument, tty->device);
    case TIOCGEXCL:
        return put_int(argument, !remote && tty->exclusive);
    default:
        return E_NOTTY;
    }
}

/* E_NOTTY: another request. */
static enum err termios_command(struct tty *tty, uint32_t command, uint64_t argument)
{
    switch (command) {
    case TCGETS:
        return copy_out_now(virt(argument), &tty->line.termios, TERMIOS_OLD_SIZE);
    case TCGETS2:
        return copy_out_now(virt(argument), &tty->line.termios, sizeof(tty->line.termios));
    case TCGETA:
        return get_termio(&tty->line.termios, argument);
    case TIOCGLCKTRMIOS:
        return copy_out(virt(argument), &tty->locked, TERMIOS_OLD_SIZE);
    case TIOCSLCKTRMIOS:
        return !capable(CAP_SYS_ADMIN) ? E_PERM
                                       : copy_in(&tty->locked, virt(argument), TERMIOS_OLD_SIZE);
    default:
        return sets_termios(command) ? set_termios(tty, command, argument) : E_NOTTY;
    }
}

enum err tty_command(struct tty *tty, bool remote, uint32_t command, uint64_t argument)
{
    enum err e = is_change(command, remote) ? check_foreground(tty, FS_SIGTTOU) : E_OK;
    if (e != E_OK)
        return e == E_IO && command == TIOCSPGRP ? E_NOTTY : e;
    switch (command) {
    case TIOCGWINSZ:
        return copy_out_now(virt(argument), &tty->window, sizeof(tty->window));
    case TIOCSWINSZ:
        return set_window(tty, argument);
    case TIOCGPGRP:
    case TIOCGSID:
        return get_group(tty, remote, argument, command == TIOCGSID);
    case TIOCSPGRP:
        return set_group(tty, argument);
    case TIOCSETD:
        return set_discipline(argument);
    case TCFLSH:
        return tty_flush(tty, remote, argument);
    case TCXONC:
        return flow(tty, argument);
    case TIOCSTI:
        return type_for(tty, argument);
    case TIOCSCTTY:
        return tty_take_control(tty);
    case TIOCNOTTY:
        return give_up_control(tty);
    case TIOCEXCL:
    case TIOCNXCL:
        if (!remote)
            tty->exclusive = command == TIOCEXCL;
        return E_OK;
    case TIOCCONS:
        return E_INVAL; /* of a master; of others: tty_control() */
    case TIOCVHANGUP:
        if (!capable(CAP_SYS_ADMIN))
            return E_PERM;
        tty_hang_up(tty);
        return E_OK;
    case TCSBRK:
    case TCSBRKP:
    case TIOCSBRK:
    case TIOCCBRK:
        return E_OK;
    default:
        e = termios_command(tty, command, argument);
        return e == E_NOTTY ? tty_number(tty, remote, command, argument) : e;
    }
}

enum err tty_control(struct file *file, uint32_t command, uint64_t argument, uint64_t *result)
{
    (void)result;
    struct tty *tty = tty_of(file);
    if (is_hung_up(file))
        return command == TIOCSPGRP && !tty->hung_up ? E_NOTTY : E_IO;
    if (command == TIOCCONS)
        return tty_redirect_console(file);
    return tty_command(tty, false, command, argument);
}
