/* SPDX-License-Identifier: MIT */
#include "fs/tty/line.h"

#include "base/str.h"
#include "fs/vfs/process.h"

#define CHARACTER_OFF 0 /* _POSIX_VDISABLE */
#define TAB_STOP      8

static bool has(uint32_t flags, uint32_t bit)
{
    return (flags & bit) != 0;
}

static bool line_is_canonical(const struct tty_line *line)
{
    return has(line->termios.lflag, TTY_ICANON);
}

static bool is_cc(const struct tty_line *line, char c, enum tty_cc which)
{
    uint8_t value = line->termios.cc[which];
    return value != CHARACTER_OFF && value == (uint8_t)c;
}

static bool is_continuation(const struct tty_line *line, char c)
{
    return has(line->termios.iflag, TTY_IUTF8) && ((uint8_t)c & 0xc0) == 0x80;
}

static bool is_control(char c)
{
    return (uint8_t)c < 0x20 || c == 0x7f;
}

static char ring_at(const struct tty_line *line, uint32_t count)
{
    return line->ring[count % TTY_RING];
}

static bool ends_at(const struct tty_line *line, uint32_t count)
{
    return line->ends[count % TTY_RING / 8] >> (count % 8) & 1;
}

void tty_line_init(struct tty_line *line)
{
    memset(line, 0, sizeof(*line));
    line->termios = (struct tty_termios){
        .iflag = TTY_ICRNL | TTY_IXON,
        .oflag = TTY_OPOST | TTY_ONLCR,
        .cflag = 0xbf, /* B38400 | CS8 | CREAD */
        .lflag = TTY_ISIG | TTY_ICANON | TTY_ECHO | TTY_ECHOE | TTY_ECHOK | TTY_ECHOCTL |
                 TTY_ECHOKE | TTY_IEXTEN,
        .cc = {3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0},
        .input_speed = 38400,
        .output_speed = 38400,
    };
}

static void line_emit(struct tty_line *line, const char *bytes, size_t size)
{
    if (size > 0)
        line->emit(line->context, bytes, size);
}

static void emit_tab(struct tty_line *line)
{
    uint32_t spaces = TAB_STOP - line->column % TAB_STOP;
    line->column += spaces;
    if (has(line->termios.oflag, TTY_XTABS))
        line_emit(line, "        ", spaces);
    else
        line_emit(line, "\t", 1);
}

/* Emits a byte for which is_special() is true. */
static void emit_special(struct tty_line *line, char c)
{
    uint32_t oflag = line->termios.oflag;
    switch (c) {
    case '\n':
        if (has(oflag, TTY_ONLRET | TTY_ONLCR))
            line->column = 0;
        if (has(oflag, TTY_ONLCR))
            line_emit(line, "\r\n", 2);
        else
            line_emit(line, "\n", 1);
        break;
    case '\r':
        if (has(oflag, TTY_ONOCR) && line->column == 0)
            break;
        if (has(oflag, TTY_OCRNL)) {
            line_emit(line, "\n", 1);
            if (has(oflag, TTY_ONLRET))
                line->column = 0;
            break;
        }
        line->column = 0;
        line_emit(line, "\r", 1);
        break;
    case '\t':
        emit_tab(line);
        break;
    default: /* \b */
        if (line->column > 0)
            line->column--;
        line_emit(line, &c, 1);
    }
}

static bool is_special(char c)
{
    return c == '\n' || c == '\r' || c == '\t' || c == '\b';
}

void tty_line_write(struct tty_line *line, const char *bytes, size_t size)
{
    if (!has(line->termios.oflag, TTY_OPOST)) {
        line_emit(line, bytes, size);
        return;
    }
    size_t start = 0;
    for (size_t i = 0; i < size; i++) {
        char c = bytes[i];
        if (is_special(c)) {
            line_emit(line, bytes + start, i - start);
            emit_special(line, c);
            start = i + 1;
        } else if (has(line->termios.oflag, TTY_OLCUC) && c >= 'a' && c <= 'z') {
            line_emit(line, bytes + start, i - start);
            char upper = (char)(c - 'a' + 'A');
            line_emit(line, &upper, 1);
            line->column++;
            start = i + 1;
        } else if (!is_control(c) && !is_continuation(line, c)) {
            line->column++;
        }
    }
    line_emit(line, bytes + start, size - start);
}

static void echo_bytes(struct tty_line *line, const char *bytes, size_t size)
{
    tty_line_write(line, bytes, size);
}

/* Echoes a character; with ECHOCTL control characters as ^C. */
static void echo(struct tty_line *line, char c)
{
    if (has(line->termios.lflag, TTY_ECHOCTL) && is_control(c) && c != '\t' && c != '\n') {
        char shown[2] = {'^', (char)(c ^ 0x40)};
        echo_bytes(line, shown, 2);
    } else {
        echo_bytes(line, &c, 1);
    }
}

static bool echoes(const struct tty_line *line)
{
    return has(line->termios.lflag, TTY_ECHO);
}

bool tty_line_has_room(const struct tty_line *line)
{
    /* One byte is reserved for the end of a line. */
    return line->tail - line->head < TTY_RING - 1;
}

static void line_put(struct tty_line *line, char c, bool end)
{
    uint8_t bit = (uint8_t)(1 << line->tail % 8);
    uint8_t *ends = &line->ends[line->tail % TTY_RING / 8];
    *ends = (uint8_t)(end ? *ends | bit : *ends & ~bit);
    line->ring[line->tail % TTY_RING] = c;
    line->tail++;
}

/* The column of the byte at `until` of the line that is being typed. */
static uint32_t columns_before(const struct tty_line *line, uint32_t until)
{
    uint32_t column = line->start_column;
    for (uint32_t i = line->finished; i != until; i++) {
        char c = ring_at(line, i);
        if (c == '\t')
            column += TAB_STOP - column % TAB_STOP;
        else if (is_control(c))
            column += has(line->termios.lflag, TTY_ECHOCTL) ? 2 : 0;
        else
            column += !is_continuation(line, c);
    }
    return column;
}

/* Erases the last character, in the ring and on the screen. */
static void erase_character(struct tty_line *line)
{
    if (line->tail == line->finished)
        return;
    uint32_t last = line->tail - 1;
    while (last != line->finished && is_continuation(line, ring_at(line, last)))
        last--;
    uint32_t before = columns_before(line, line->tail), after = columns_before(line, last);
    line->tail = last;
    if (!echoes(line))
        return;
    if (!has(line->termios.lflag, TTY_ECHOE)) {
        echo(line, (char)line->termios.cc[TTY_VERASE]);
        return;
    }
    for (; before > after; before--)
        echo_bytes(line, "\b \b", 3);
}

static bool is_word_character(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (uint8_t)c >= 0x80;
}

static void erase_word(struct tty_line *line)
{
    bool seen = false;
    while (line->tail != line->finished) {
        bool word = is_word_character(ring_at(line, line->tail - 1));
        if (seen && !word)
            break;
        seen |= word;
        erase_character(line);
    }
}

static void kill_line(struct tty_line *line)
{
    uint32_t lflag = line->termios.lflag;
    if (echoes(line) && has(lflag, TTY_ECHOK) && has(lflag, TTY_ECHOKE) && has(lflag, TTY_ECHOE)) {
        while (line->tail != line->finished)
            erase_character(line);
        return;
    }
    line->tail = line->finished;
    if (!echoes(line))
        return;
    echo(line, (char)line->termios.cc[TTY_VKILL]);
    if (has(lflag, TTY_ECHOK))
        echo_bytes(line, "\n", 1);
}

static void reprint(struct tty_line *line)
{
    if (!echoes(line))
        return;
    echo(line, (char)line->termios.cc[TTY_VREPRINT]);
    echo_bytes(line, "\n", 1);
    line->start_column = line->column;
    for (uint32_t i = line->finished; i != line->tail; i++)
        echo(line, ring_at(line, i));
}

void tty_line_flush(struct tty_line *line)
{
    line->head = line->finished = line->tail;
}

static int signal_of(const struct tty_line *line, char c)
{
    if (is_cc(line, c, TTY_VINTR))
        return FS_SIGINT;
    if (is_cc(line, c, TTY_VQUIT))
        return FS_SIGQUIT;
    return is_cc(line, c, TTY_VSUSP) ? FS_SIGTSTP : 0;
}

/* True if the byte was a flow control character or a signal character. */
static bool type_control(struct tty_line *line, char c)
{
    if (has(line->termios.iflag, TTY_IXON)) {
        if (is_cc(line, c, TTY_VSTOP)) {
            line->stopped = true;
            return true;
        }
        if (is_cc(line, c, TTY_VSTART)) {
            line->stopped = line->held;
            return true;
        }
        if (has(line->termios.iflag, TTY_IXANY))
            line->stopped = line->held;
    }
    int signal = has(line->termios.lflag, TTY_ISIG) ? signal_of(line, c) : 0;
    if (signal == 0)
        return false;
    if (!has(line->termios.lflag, TTY_NOFLSH))
        tty_line_flush(line);
    if (has(line->termios.iflag, TTY_IXON))
        line->stopped = line->held;
    line->signal(line->context, signal);
    if (echoes(line))
        echo(line, c);
    return true;
}

static void finish_line(struct tty_line *line, char c)
{
    line_put(line, c, true);
    line->finished = line->tail;
    line->start_column = line->column;
}

/* True if the byte edited or ended the line. */
static bool type_edit(struct tty_line *line, char c)
{
    bool extended = has(line->termios.lflag, TTY_IEXTEN);
    if (is_cc(line, c, TTY_VERASE)) {
        erase_character(line);
    } else if (is_cc(line, c, TTY_VKILL)) {
        kill_line(line);
    } else if (extended && is_cc(line, c, TTY_VWERASE)) {
        erase_word(line);
    } else if (extended && is_cc(line, c, TTY_VREPRINT)) {
        reprint(line);
    } else if (extended && is_cc(line, c, TTY_VLNEXT)) {
        line->literal = true;
        if (echoes(line) && has(line->termios.lflag, TTY_ECHOCTL))
            echo_bytes(line, "^\b", 2);
    } else if (is_cc(line, c, TTY_VEOF)) {
        finish_line(line, CHARACTER_OFF);
    } else if (c == '\n') {
        if (echoes(line) || has(line->termios.lflag, TTY_ECHONL))
            echo_bytes(line, "\n", 1);
        finish_line(line, c);
    } else if (is_cc(line, c, TTY_VEOL) || (extended && is_cc(line, c, TTY_VEOL2))) {
        if (echoes(line))
            echo(line, c);
        finish_line(line, c);
    } else {
        return false;
    }
    return true;
}

/* Applies the input modes. False: the byte is dropped. */
static bool translate(const struct tty_line *line, char *c)
{
    uint32_t iflag = line->termios.iflag;
    if (has(iflag, TTY_ISTRIP))
        *c &= 0x7f;
    if (has(iflag, TTY_IUCLC) && has(line->termios.lflag, TTY_IEXTEN) && *c >= 'A' && *c <= 'Z')
        *c = (char)(*c - 'A' + 'a');
    if (*c == '\r') {
        if (has(iflag, TTY_IGNCR))
            return false;
        if (has(iflag, TTY_ICRNL))
            *c = '\n';
    } else if (*c == '\n' && has(iflag, TTY_INLCR)) {
        *c = '\r';
    }
    return true;
}

void tty_line_type(struct tty_line *line, char c)
{
    bool literal = line->literal;
    line->literal = false;
    if (!literal) {
        if (!translate(line, &c) || type_control(line, c))
            return;
        bool fits = line->tail - line->head < TTY_RING;
        if (line_is_canonical(line) && fits && type_edit(line, c))
            return;
    }
    if (!tty_line_has_room(line)) {
        if (has(line->termios.iflag, TTY_IMAXBEL))
            line_emit(line, "\a", 1);
        return;
    }
    if (line->tail == line->finished)
        line->start_column = line->column;
    line_put(line, c, false);
    if (!line_is_canonical(line))
        line->finished = line->tail;
    if (!echoes(line))
        return;
    if (c == '\n')
        echo_bytes(line, "\n", 1);
    else
        echo(line, c);
}

void tty_line_set(struct tty_line *line, const struct tty_termios *termios)
{
    bool was = line_is_canonical(line);
    line->termios = *termios;
    /* Leaving canonical mode makes an incomplete line readable; entering it makes the unread bytes
     * one line. */
    if (was != line_is_canonical(line)) {
        if (!was && line->tail != line->head) {
            uint32_t last = line->tail - 1;
            line->ends[last % TTY_RING / 8] |= (uint8_t)(1 << last % 8);
        }
        line->finished = line->tail;
        line->literal = false;
    }
}

bool tty_line_readable(const struct tty_line *line)
{
    return line->head != line->finished;
}

static bool is_file_end(const struct tty_line *line, uint32_t count)
{
    return ends_at(line, count) && ring_at(line, count) == CHARACTER_OFF;
}

size_t tty_line_available(const struct tty_line *line)
{
    size_t available = 0;
    for (uint32_t i = line->head; i != line->finished; i++)
        available += !(line_is_canonical(line) && is_file_end(line, i));
    return available;
}

size_t tty_line_take(struct tty_line *line, char *to, size_t size, bool *ended)
{
    bool canonical = line_is_canonical(line);
    size_t done = 0;
    *ended = false;
    while (line->head != line->finished && !*ended) {
        bool file_end = canonical && is_file_end(line, line->head);
        /* An end-of-file character directly after a full buffer ends this read(), not the next. */
        if (done == size && !file_end)
            break;
        *ended = canonical && ends_at(line, line->head);
        if (!file_end)
            to[done++] = ring_at(line, line->head);
        line->head++;
    }
    return done;
}
