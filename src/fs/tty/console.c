/* SPDX-License-Identifier: MIT */
#include "fs/tty/console.h"

#include "fs/vfs/devices.h"
#include "fs/vfs/process.h"

static struct tty console;
static uint16_t far_columns, far_rows; /* window size at the last tty_pump() */
/* The stream whose host descriptor is a terminal: stderr if stdout is redirected. */
static enum console_stream terminal_stream = CONSOLE_STDOUT;
static enum console_stream echo_stream = CONSOLE_STDOUT;

static const struct file_ops stderr_ops;

/* Input of a cooked console has passed a line discipline: the byte is stored unchanged. */
static void type_framed(char c)
{
    struct tty_termios wanted = console.line.termios, plain = wanted;
    plain.iflag = plain.oflag = plain.lflag = 0;
    console.line.termios = plain;
    tty_line_type(&console.line, c);
    console.line.termios = wanted;
}

/* How many of `wanted` bytes the line accepts. In canonical mode all, because a full line must
 * remain editable. */
static size_t room_for(size_t wanted)
{
    if (!console_is_cooked() && (console.line.termios.lflag & TTY_ICANON))
        return wanted;
    size_t left = TTY_RING - 1 - (console.line.tail - console.line.head);
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
    struct tty_window window = console.window;
    window.columns = far_columns;
    window.rows = far_rows;
    tty_set_window(&console, &window);
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
                tty_line_type(&console.line, bytes[i]);
        }
    }
}

static void tty_console_emit(void *tty, const char *bytes, size_t size)
{
    (void)tty;
    console_write(echo_stream, bytes, size);
}

static void tty_console_pump(struct tty *tty)
{
    (void)tty;
    tty_pump();
}

static bool ended(struct tty *tty)
{
    (void)tty;
    return console_input_ended();
}

/* As tty_line_take(). In cooked input, which has no `ends`, a line ends at '\n' or at the end of
 * the input. */
static size_t tty_console_take(struct tty *tty, char *to, size_t size, bool *end)
{
    struct tty_line *line = &tty->line;
    if (!console_is_cooked())
        return tty_line_take(line, to, size, end);
    size_t done = 0;
    *end = false;
    while (done < size && line->head != line->tail && !*end) {
        char c = line->ring[line->head++ % TTY_RING];
        to[done++] = c;
        *end = (line->termios.lflag & TTY_ICANON) && c == '\n';
    }
    if (line->head == line->tail)
        *end = true;
    return done;
}

static void tty_console_write(struct tty *tty, struct file *file, const char *bytes, size_t size)
{
    enum console_stream stream = file->ops == &stderr_ops ? CONSOLE_STDERR : terminal_stream;
    if (console_is_cooked()) {
        console_write(stream, bytes, size);
    } else {
        echo_stream = stream;
        tty_line_write(&tty->line, bytes, size);
        echo_stream = terminal_stream;
    }
}

static bool tty_console_has_room(struct tty *tty)
{
    (void)tty;
    return console_output_ready();
}

static const struct tty_driver driver = {.emit = tty_console_emit,
                                         .pump = tty_console_pump,
                                         .ended = ended,
                                         .take = tty_console_take,
                                         .has_room = tty_console_has_room,
                                         .write = tty_console_write,
                                         .is_console = true};

/* Writes to the terminal that has redirected the console, if any (TIOCCONS). */
static enum err console_file_write(struct file *file, struct io *io, uint64_t *offset)
{
    if (likely(!tty_redirect))
        return tty_write(file, io, offset);
    struct file *to = tty_redirect;
    file_get(to); /* it may sleep */
    enum err e = to->ops->write(to, io, offset);
    file_put(to);
    return e;
}

static enum err open_console(struct file *file)
{
    file->state = &console;
    return E_OK;
}

static const struct file_ops stdout_ops = {.open = open_console,
                                           .read = tty_read,
                                           .write = console_file_write,
                                           .poll = tty_poll,
                                           .queue = tty_queue,
                                           .async_group = tty_async_group,
                                           .control = tty_control};
static const struct file_ops stderr_ops = {.open = open_console,
                                           .read = tty_read,
                                           .write = console_file_write,
                                           .poll = tty_poll,
                                           .queue = tty_queue,
                                           .async_group = tty_async_group,
                                           .control = tty_control};

const struct file_ops *tty_ops_of(enum console_stream stream)
{
    return stream == CONSOLE_STDERR ? &stderr_ops : &stdout_ops;
}

struct tty *tty_console(void)
{
    return &console;
}

void tty_init(void)
{
    static const struct device nodes[] = {{"console", 5 << 8 | 1, 0600, &stdout_ops}};
    bool seen = console_is_terminal(0) || console_is_terminal(1) || console_is_terminal(2);
    console = (struct tty){.foreground = 1, .session = seen ? 1 : 0, .device = 5 << 8 | 1};
    tty_setup(&console, &driver, console_input_queue(), console_output_queue());
    bool on_stderr = !console_is_terminal(1) && console_is_terminal(2);
    terminal_stream = echo_stream = on_stderr ? CONSOLE_STDERR : CONSOLE_STDOUT;
    console_size(&far_columns, &far_rows);
    console.window.columns = far_columns;
    console.window.rows = far_rows;
    device_register(&nodes[0]);
}
