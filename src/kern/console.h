/* SPDX-License-Identifier: MIT */
/*
 * The console: where the program's bytes go and come from, whichever device carries them.
 *
 * Plain (a person at a serial port or a screen): everything is text on one terminal, and the tty's
 * line discipline (fs/tty/tty.c) does echo and editing.
 *
 * Framed (console=framed: the host tool is at the other end, and unframes): streams are told apart
 * by escapes, so that one serial port carries the program's stdout and stderr, the kernel's log and
 * the exit status in the order in which they came, byte for byte. kern/console_frame.h has the
 * format.
 *
 * A screen may be there beside or instead of the serial port: it shows the same text, never framed, and
 * what is typed at the machine's own keyboard joins the input.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum console_stream {
    CONSOLE_STDOUT = 1,
    CONSOLE_STDERR = 2,
    CONSOLE_LOG = 3, /* kernel log and reports */
};

/* A serial line, which takes its bytes by console_output(); implemented in dev/. */
struct console_line {
    /* Sends what the line has room for now. Once console_line_interrupts() was called, the rest goes by its
     * interrupts. Callers: any. */
    void (*send)(void);
    /* Waits, with the CPU, until there is room or the line is dead; false: dead. Callers: any. */
    bool (*wait)(void);
    void (*drain)(void);        /* waits until the last byte has left the machine */
    void (*resume_input)(void); /* there is room again: see console_input_room() */
};

/* A screen; implemented in dev/. */
struct console_device {
    void (*write)(const void *bytes, size_t size); /* any context; returns when all were taken */
    void (*flush)(void);                           /* what was written can be seen */
};

#define CONSOLE_PIECE 1024 /* bytes that a thread writes at once */

struct console_options {
    bool framed;
    bool raw;            /* framed, with a terminal that the host leaves to our line discipline */
    bool serial, screen; /* console=: which of them; neither: both */
    uint8_t terminals;   /* bit n: the host's file descriptor n is a terminal (framed) */
    uint16_t columns, rows; /* 0: unknown */
};

/* `line` may be NULL: all output is lost then. Framed consoles say hello. Boot only. */
void console_init(const struct console_line *line, const struct console_options *options);
/* The line sends by interrupts from now on. Boot only. */
void console_line_interrupts(void);
/* May there be a screen (console=)? */
bool console_wants_screen(void);
/* The screen (or NULL), of that many characters, shows what is written from now on. Boot only. */
void console_add_screen(const struct console_device *screen, uint16_t columns, uint16_t rows);
/* Tells the host (framed) that input may come now. Boot only. */
void console_ready(void);
/* Sends a line of text to the host tool itself (framed; plain: nothing): "exit 0". Callers: any. */
void console_tell_host(const char *line);

/* Waits until everything written has left: before the machine goes. Callers: any. */
void console_flush(void);

/* For the device: bytes that arrived. Interrupts off. */
void console_input(const void *bytes, size_t size);
/* For the keyboard: bytes as they are, whatever the framing; what does not fit is lost. Callers:
 * any. */
void console_type(const void *bytes, size_t size);
/* Bytes that console_input() can take now. Interrupts off. */
size_t console_input_room(void);

/* The next bytes for the line, at most `most`; returns their number. For the line; interrupts off. */
size_t console_output(uint8_t *to, size_t most);
/* True if the line has to call console_output() again when it has room: bytes wait, or a thread that a report could not
 * wake. For the line; interrupts off. */
bool console_output_pending(void);

/*
 * Writes all bytes as they are, and does not sleep. What finds no room in the ring waits for the line with the CPU; a
 * report waits for all of its bytes. Callers: any, a panic too (then polled and unlocked).
 *
 * A thread that writes much waits for console_output_ready() first, in console_input_queue(): then others go on while
 * the line is slow, and a part of the ring stays free for the log.
 */
void console_write(enum console_stream stream, const void *bytes, size_t size);

/* Writes a text, an escape sequence perhaps, to the screen alone, unless it is passed over. Callers: any. */
void console_write_screen(const char *text);
/* What is written from now on does not go to the screen, or does again: there, a report has to be short.
 * Callers: any. */
void console_pass_over_screen(bool pass_over);

/* Takes up to `size` bytes of input that has arrived; 0 when there is none now. Callers: threads.
 */
size_t console_read(void *to, size_t size);
/* Is there input to take, or has it ended? */
bool console_input_ready(void);
/* Has the other end said that no more input comes (framed consoles only), and was all of it taken?
 */
bool console_input_ended(void);
/* True if CONSOLE_PIECE bytes find room. A condition of waits. */
bool console_output_ready(void);
/* Woken when input arrives or ends, and when there is room for output again. */
struct wait_queue *console_input_queue(void);

/* Framed: is the host's file descriptor 0, 1, 2 a terminal? Plain: always true. */
bool console_is_terminal(int fd);
bool console_is_framed(void);
/* True when the host's own terminal does echo and line editing. */
bool console_is_cooked(void);
/* What the host said last, else the screen's, else 80 x 25. Changes wake the input queue. */
void console_size(uint16_t *columns, uint16_t *rows);
