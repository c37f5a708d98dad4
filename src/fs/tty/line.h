/* SPDX-License-Identifier: MIT */
/*
 * The line discipline of a terminal (termios(3), Linux's n_tty): processes bytes between keyboard
 * and read(), and between write() and screen. Pure: output and signals go through two function
 * pointers.
 *
 *     ring    | c a t \n | f o o |            head      oldest unread byte
 *             ^          ^       ^            finished  end of the complete lines
 *             head    finished  tail          tail      end of the input
 *
 * The three are running counts; a byte lies at count % TTY_RING. In canonical mode read() returns
 * bytes up to `finished`, and at most one line: a line ends at a byte whose bit in `ends` is set.
 * An end-of-file character is stored as such an end, and not returned. In non-canonical mode
 * `finished` follows `tail`.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TTY_RING 4096u

struct tty_termios { /* struct termios2; TCGETS has it without the speeds */
    uint32_t iflag, oflag, cflag, lflag;
    uint8_t line;
    uint8_t cc[19];
    uint32_t input_speed, output_speed;
};

enum tty_cc {
    TTY_VINTR = 0,
    TTY_VQUIT = 1,
    TTY_VERASE = 2,
    TTY_VKILL = 3,
    TTY_VEOF = 4,
    TTY_VTIME = 5,
    TTY_VMIN = 6,
    TTY_VSTART = 8,
    TTY_VSTOP = 9,
    TTY_VSUSP = 10,
    TTY_VEOL = 11,
    TTY_VREPRINT = 12,
    TTY_VWERASE = 14,
    TTY_VLNEXT = 15,
    TTY_VEOL2 = 16,
};

#define TTY_ISTRIP  0x0020u
#define TTY_INLCR   0x0040u
#define TTY_IGNCR   0x0080u
#define TTY_ICRNL   0x0100u
#define TTY_IUCLC   0x0200u
#define TTY_IXON    0x0400u
#define TTY_IXANY   0x0800u
#define TTY_IMAXBEL 0x2000u
#define TTY_IUTF8   0x4000u

#define TTY_OPOST   0x0001u
#define TTY_OLCUC   0x0002u
#define TTY_ONLCR   0x0004u
#define TTY_OCRNL   0x0008u
#define TTY_ONOCR   0x0010u
#define TTY_ONLRET  0x0020u
#define TTY_XTABS   0x1800u

#define TTY_ISIG    0x0001u
#define TTY_ICANON  0x0002u
#define TTY_ECHO    0x0008u
#define TTY_ECHOE   0x0010u
#define TTY_ECHOK   0x0020u
#define TTY_ECHONL  0x0040u
#define TTY_NOFLSH  0x0080u
#define TTY_TOSTOP  0x0100u
#define TTY_ECHOCTL 0x0200u
#define TTY_ECHOKE  0x0800u
#define TTY_IEXTEN  0x8000u
#define TTY_EXTPROC 0x10000u

struct tty_line {
    struct tty_termios termios;
    uint32_t head, finished, tail;
    uint32_t column;       /* of the cursor, computed from the output */
    uint32_t start_column; /* of the first byte of the line that is being typed */
    bool literal;          /* the next byte is stored unprocessed (after VLNEXT) */
    bool stopped;          /* output is stopped, until VSTART unless `held` */
    bool held;             /* stopped by TCOOFF, until TCOON */
    char ring[TTY_RING];
    uint8_t ends[TTY_RING / 8]; /* bit: this byte ends a line */
    /* Writes bytes to the screen, after output processing. */
    void (*emit)(void *context, const char *bytes, size_t size);
    void (*signal)(void *context, int number);
    void *context;
};

/* Linux's settings for a new terminal; the caller sets the two functions and the context. */
void tty_line_init(struct tty_line *line);
/* Sets termios; it applies to unread bytes too (tcsetattr(3)). */
void tty_line_set(struct tty_line *line, const struct tty_termios *termios);
/* Processes one byte from the keyboard. Drops it if the ring is full. */
void tty_line_type(struct tty_line *line, char c);
/* True if the ring has room for another byte. */
bool tty_line_has_room(const struct tty_line *line);
/* Processes bytes from the program to the screen. */
void tty_line_write(struct tty_line *line, const char *bytes, size_t size);

/* True if read() would not block: with a complete line (canonical mode), or with any byte. */
bool tty_line_readable(const struct tty_line *line);
/* Number of bytes that can be read (FIONREAD). O(that number). */
size_t tty_line_available(const struct tty_line *line);
/* Reads at most `size` > 0 bytes and, in canonical mode, at most one line. *ended: the end of a
 * line was reached, so this read() is complete; 0 bytes with *ended is an end of file. */
size_t tty_line_take(struct tty_line *line, char *to, size_t size, bool *ended);
/* Discards unread input. */
void tty_line_flush(struct tty_line *line);
