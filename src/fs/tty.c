/* SPDX-License-Identifier: MIT */
#include "fs/tty.h"

#include "base/str.h"
#include "fs/devices.h"
#include "fs/hooks.h"
#include "fs/tty_line.h"
#include "fs/wait.h"
#include "kern/time.h"
#include "mm/usercopy.h"

#define TENTH_OF_A_SECOND (NS_PER_SECOND / 10)

struct window_size { /* TIOCGWINSZ */
    uint16_t rows, columns, x_pixels, y_pixels;
};

static struct tty_line line;
static struct window_size window;
static uint16_t far_columns, far_rows; /* what the far end said last */
static uint32_t foreground;            /* process group; 0: nobody has set one */
/* Where the terminal is: a redirected stdout is none. */
static enum console_stream terminal_stream = CONSOLE_STDOUT;
static enum console_stream echo_stream = CONSOLE_STDOUT;

static void emit(void *context, const char *bytes, size_t size)
{
    console_write(*(enum console_stream *)context, bytes, size);
}

static void signal(void *context, int number)
{
    (void)context;
    fs_raise_group(number, foreground);
}

/* The far terminal has done what a line discipline does: the byte is there as it is. */
static void type_framed(char c)
{
    struct tty_termios wanted = line.termios, plain = line.termios;
    plain.iflag = plain.oflag = plain.lflag = 0;
    line.termios = plain;
    tty_line_type(&line, c);
    line.termios = wanted;
}

/* Bytes that the line takes now. In canonical mode a full line must still be editable, so it takes
 * any. */
static size_t room_for(size_t wanted)
{
    if (!console_is_cooked() && (line.termios.lflag & TTY_ICANON))
        return wanted;
    size_t left = TTY_RING - 1 - (line.tail - line.head);
    return left < wanted ? left : wanted;
}

bool tty_has_room(void)
{
    return room_for(1) > 0;
}

bool tty_window_changed(void)
{
    uint16_t columns, rows;
    console_size(&columns, &rows);
    return columns != far_columns || rows != far_rows;
}

static void follow_window(void)
{
    if (!tty_window_changed())
        return;
    console_size(&far_columns, &far_rows);
    window.columns = far_columns;
    window.rows = far_rows;
    fs_raise_group(FS_SIGWINCH, foreground);
}

void tty_pump(void)
{
    char bytes[64];
    size_t room, size;
    follow_window();
    while ((room = room_for(sizeof(bytes))) > 0 && (size = console_read(bytes, room)) > 0) {
        for (size_t i = 0; i < size; i++) {
            if (console_is_cooked())
                type_framed(bytes[i]);
            else
                tty_line_type(&line, bytes[i]);
        }
    }
}

static bool is_canonical(void)
{
    return line.termios.lflag & TTY_ICANON;
}

struct read_wait {
    size_t needed; /* bytes */
};

static bool is_readable(void *context)
{
    const struct read_wait *wait = context;
    tty_pump();
    if (console_input_ended())
        return true;
    return is_canonical() ? tty_line_readable(&line) : tty_line_available(&line) >= wait->needed;
}

/* Framed input carries no line ends of ours: a read() still gets one line. */
static size_t take(char *to, size_t size, bool *ended)
{
    if (!console_is_cooked())
        return tty_line_take(&line, to, size, ended);
    size_t done = 0;
    *ended = false;
    while (done < size && line.head != line.tail && !*ended) {
        char c = line.ring[line.head++ % TTY_RING];
        to[done++] = c;
        *ended = is_canonical() && c == '\n';
    }
    if (line.head == line.tail)
        *ended = true;
    return done;
}

static enum err hand_out(struct io *io)
{
    char bytes[128];
    bool ended = false;
    while (!ended && io_left(io) > 0 && tty_line_readable(&line)) {
        size_t size = io_left(io) < sizeof(bytes) ? io_left(io) : sizeof(bytes);
        size = take(bytes, size, &ended);
        enum err e = io_put(io, bytes, size);
        if (e != E_OK)
            return e;
    }
    return E_OK;
}

/* How many bytes a read() without lines waits for, and how long (termios(3), VMIN and VTIME). */
static enum err wait_raw(uint64_t size)
{
    uint64_t minimum = line.termios.cc[TTY_VMIN];
    uint64_t time = line.termios.cc[TTY_VTIME] * TENTH_OF_A_SECOND;
    struct read_wait wait = {1};
    enum err e;
    if (minimum == 0) {
        e = fs_wait(console_input_queue(), is_readable, &wait, time_now_ns() + time);
        return e == E_TIMEDOUT ? E_OK : e;
    }
    if (minimum > size)
        minimum = size;
    if (time == 0) {
        wait.needed = minimum;
        return fs_wait(console_input_queue(), is_readable, &wait, NO_DEADLINE);
    }
    e = fs_wait(console_input_queue(), is_readable, &wait, NO_DEADLINE);
    while (e == E_OK && tty_line_available(&line) < minimum && !console_input_ended()) {
        wait.needed = tty_line_available(&line) + 1;
        e = fs_wait(console_input_queue(), is_readable, &wait, time_now_ns() + time);
    }
    return e == E_TIMEDOUT ? E_OK : e;
}

static enum err tty_read(struct file *file, struct io *io, uint64_t *offset)
{
    (void)offset;
    struct read_wait wait = {1};
    if (io_left(io) == 0)
        return E_OK;
    enum err e = E_OK;
    if (!is_readable(&wait)) {
        if (file->flags & O_NONBLOCK)
            return !is_canonical() && line.termios.cc[TTY_VMIN] == 0 ? E_OK : E_AGAIN;
        if (is_canonical())
            e = fs_wait(console_input_queue(), is_readable, &wait, NO_DEADLINE);
    }
    if (e == E_OK && !is_canonical() && !(file->flags & O_NONBLOCK))
        e = wait_raw(io_left(io));
    return e == E_OK ? hand_out(io) : e;
}

static bool may_write(void *context)
{
    (void)context;
    if (line.stopped)
        tty_pump();
    return !line.stopped;
}

static enum err tty_write(struct file *file, struct io *io, uint64_t *offset)
{
    (void)offset;
    char bytes[512];
    enum console_stream stream = (enum console_stream)(uintptr_t)file->state;
    enum err e = E_OK;
    while (e == E_OK && io_left(io) > 0) {
        if (!may_write(NULL)) {
            if (file->flags & O_NONBLOCK)
                return E_AGAIN;
            e = fs_wait(console_input_queue(), may_write, NULL, NO_DEADLINE);
            if (e != E_OK)
                return e;
        }
        uint64_t before = io_left(io);
        uint64_t size = before < sizeof(bytes) ? before : sizeof(bytes);
        e = io_take(io, bytes, size);
        size = before - io_left(io);
        if (console_is_cooked()) {
            console_write(stream, bytes, size);
        } else {
            echo_stream = stream;
            tty_line_write(&line, bytes, size);
            echo_stream = terminal_stream;
        }
    }
    return e;
}

static uint32_t tty_poll(struct file *file)
{
    (void)file;
    struct read_wait wait = {1};
    if (!is_canonical() && line.termios.cc[TTY_VTIME] == 0 && line.termios.cc[TTY_VMIN] > 1)
        wait.needed = line.termios.cc[TTY_VMIN];
    uint32_t events = line.stopped ? 0 : POLL_WRITABLE;
    return is_readable(&wait) ? events | POLL_READABLE : events;
}

static struct wait_queue *tty_queue(struct file *file)
{
    (void)file;
    return console_input_queue();
}

static enum err set_termios(uint32_t command, uint64_t argument)
{
    struct tty_termios termios;
    _Static_assert(sizeof(termios) == 36, "struct termios of the kernel's ABI");
    enum err e = copy_in(&termios, virt(argument), sizeof(termios));
    if (e != E_OK)
        return e;
    if (command == TCSETSF) {
        tty_pump();
        tty_line_flush(&line);
    }
    tty_line_set(&line, &termios);
    return E_OK;
}

static enum err set_window(uint64_t argument)
{
    struct window_size size;
    enum err e = copy_in(&size, virt(argument), sizeof(size));
    if (e != E_OK)
        return e;
    bool same = memcmp(&size, &window, sizeof(size)) == 0;
    window = size;
    if (!same)
        fs_raise_group(FS_SIGWINCH, foreground);
    return E_OK;
}

static enum err put_int(uint64_t argument, uint32_t value)
{
    return copy_out(virt(argument), &value, sizeof(value));
}

static enum err get_group(uint64_t argument, bool session)
{
    struct fs_process process = {0};
    if (fs_hooks.describe)
        (void)fs_hooks.describe(0, 0, &process);
    if (session)
        return put_int(argument, process.session);
    return put_int(argument, foreground ? foreground : 1);
}

static enum err set_group(uint64_t argument)
{
    uint32_t group;
    enum err e = copy_in(&group, virt(argument), sizeof(group));
    if (e != E_OK)
        return e;
    if ((int32_t)group < 0)
        return E_INVAL;
    if (fs_hooks.has_group && !fs_hooks.has_group(group))
        return E_PERM;
    foreground = group;
    return E_OK;
}

static enum err flush(uint64_t what)
{
    if (what > 2) /* TCIFLUSH, TCOFLUSH, TCIOFLUSH: output is never held back */
        return E_INVAL;
    if (what != 1) {
        tty_pump();
        tty_line_flush(&line);
    }
    return E_OK;
}

static enum err flow(uint64_t what)
{
    if (what > 3) /* TCOOFF, TCOON, TCIOFF, TCION */
        return E_INVAL;
    if (what < 2) {
        line.stopped = what == 0;
        wait_queue_wake(console_input_queue());
    }
    return E_OK;
}

static enum err type_for(uint64_t argument)
{
    char c;
    enum err e = copy_in(&c, virt(argument), 1);
    if (e == E_OK) {
        tty_line_type(&line, c);
        wait_queue_wake(console_input_queue());
    }
    return e;
}

static enum err tty_control(struct file *file, uint32_t command, uint64_t argument,
                            uint64_t *result)
{
    (void)file;
    (void)result;
    switch (command) {
    case TCGETS:
        return copy_out(virt(argument), &line.termios, sizeof(line.termios));
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
        return set_termios(command, argument);
    case TIOCGWINSZ:
        return copy_out(virt(argument), &window, sizeof(window));
    case TIOCSWINSZ:
        return set_window(argument);
    case TIOCGPGRP:
    case TIOCGSID:
        return get_group(argument, command == TIOCGSID);
    case TIOCSPGRP:
        return set_group(argument);
    case FIONREAD:
        tty_pump();
        return put_int(argument, (uint32_t)tty_line_available(&line));
    case TIOCOUTQ:
        return put_int(argument, 0);
    case TCFLSH:
        return flush(argument);
    case TCXONC:
        return flow(argument);
    case TIOCSTI:
        return type_for(argument);
    case TCSBRK:
    case TCSBRKP:
    case TIOCEXCL:
    case TIOCNXCL:
    case TIOCSCTTY:
    case TIOCNOTTY:
        return E_OK;
    default:
        return E_NOTTY;
    }
}

static enum err open_stdout(struct file *file)
{
    file->state = (void *)(uintptr_t)terminal_stream;
    return E_OK;
}

static enum err open_stderr(struct file *file)
{
    file->state = (void *)(uintptr_t)CONSOLE_STDERR;
    return E_OK;
}

static const struct file_ops stdout_ops = {.open = open_stdout,
                                           .read = tty_read,
                                           .write = tty_write,
                                           .poll = tty_poll,
                                           .queue = tty_queue,
                                           .control = tty_control};
static const struct file_ops stderr_ops = {.open = open_stderr,
                                           .read = tty_read,
                                           .write = tty_write,
                                           .poll = tty_poll,
                                           .queue = tty_queue,
                                           .control = tty_control};

const struct file_ops *tty_ops_of(enum console_stream stream)
{
    return stream == CONSOLE_STDERR ? &stderr_ops : &stdout_ops;
}

void tty_init(void)
{
    static const struct device nodes[] = {
        {"tty", 5 << 8 | 0, 0666, &stdout_ops},
        {"console", 5 << 8 | 1, 0600, &stdout_ops},
    };
    tty_line_init(&line);
    line.emit = emit;
    line.signal = signal;
    line.context = &echo_stream;
    bool on_stderr = !console_is_terminal(1) && console_is_terminal(2);
    terminal_stream = echo_stream = on_stderr ? CONSOLE_STDERR : CONSOLE_STDOUT;
    console_size(&far_columns, &far_rows);
    window.columns = far_columns;
    window.rows = far_rows;
    foreground = 0;
    device_register(&nodes[0]);
    device_register(&nodes[1]);
}
