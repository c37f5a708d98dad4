/* SPDX-License-Identifier: MIT */
/*
 * The console: the source and the destination of the program's standard streams and of the log.
 *
 * Plain (serial terminal or screen): everything is text on one terminal, and the tty's line
 * discipline (fs/tty/tty.c) does echo and editing.
 *
 * Framed (console=framed, with the host tool at the other end): escape sequences separate the
 * streams, so that one serial port carries the program's stdout and stderr, the kernel's log and
 * the exit status, byte for byte and in order. kern/console_frame.h has the format.
 *
 * A port (kern/console_frame.h) takes the place of the serial port where the machine has one; reports
 * go to the serial port all the same, and so does everything if the port fails.
 *
 * A screen may exist beside or instead of the serial port. It shows the same text, never framed,
 * and the local keyboard adds to the input.
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

/* A serial line, which fetches its bytes by console_output(); implemented in dev/. */
struct console_line {
    /* Sends what the line has room for now. After console_line_interrupts() the rest is sent by
     * the line's interrupts. Callers: any. */
    void (*send)(void);
    /* Polls until there is room; false: the line is dead. Callers: any. */
    bool (*wait)(void);
    void (*drain)(void); /* waits until the last byte has left the machine */
    /* Called when console_input_room() has become positive. */
    void (*resume_input)(void);
};

/* A port, which carries blocks to and from the host tool; implemented in dev/. Not for reports,
 * except settle(). */
struct console_port {
    /* Adds a block with as many of the bytes as there is room for; returns their number. They may
     * stay with the kernel until send(). Callers: any. */
    size_t (*put)(char kind, const void *bytes, size_t size);
    void (*send)(void); /* Callers: any. */
    /* Sends, and polls until everything has arrived; false if nothing moves for `ns`, the port has
     * failed, or this call has interrupted its code. In a report, only waits for what was sent.
     * Callers: any. */
    bool (*settle)(uint64_t ns);
    /* True if a thread may put CONSOLE_PIECE bytes, or the port has failed. A condition of waits. */
    bool (*ready)(void);
    const char *(*failure)(void); /* why it has failed; NULL: it works */
    void (*resume_input)(void);   /* as in struct console_line */
};

/* A screen; implemented in dev/. */
struct console_device {
    void (*write)(const void *bytes,
                  size_t size); /* any context; returns when all bytes are taken */
    void (*flush)(void);        /* waits until all bytes can be seen */
};

#define CONSOLE_PIECE 1024 /* bytes that a thread writes at once */

struct console_options {
    bool framed;
    bool raw;               /* framed, but the kernel's line discipline does echo and editing */
    bool serial, screen;    /* console=: devices in use; neither: both */
    uint8_t terminals;      /* bit n: the host's file descriptor n is a terminal (framed) */
    uint16_t columns, rows; /* 0: unknown */
};

/* `line` may be NULL: all output is lost then. A framed console sends FRAME_HELLO. Boot. */
void console_init(const struct console_line *line, const struct console_options *options);
/* From now on the line sends by interrupts. Boot. */
void console_line_interrupts(void);
/* Output goes to the port from now on, and input comes from it, through a ring of `size` bytes, a power
 * of two. Framed consoles only. Boot. */
void console_start_port(const struct console_port *port, void *ring, uint32_t size);
/* Output goes to the line for good, after what was put into the port has arrived or the port does not
 * move. For the end of a panic. */
void console_leave_port(void);
/* True if console= permits a screen. */
bool console_wants_screen(void);
/* Adds a screen of that size, in characters, to the output; NULL: none. Boot. */
void console_add_screen(const struct console_device *screen, uint16_t columns, uint16_t rows);
/* Framed: allows the host to send input. Boot. */
void console_ready(void);
/* Framed: sends a line such as "exit 0" to the host tool. Plain: does nothing. Callers: any. */
void console_tell_host(const char *line);

/* Waits until all output has left the machine: before power-off. Callers: any. */
void console_flush(void);

/* For the device: bytes received. Interrupts off. */
void console_input(const void *bytes, size_t size);
/* For the port: takes bytes of blocks from the front, until there is no room; returns their number.
 * Interrupts off. */
size_t console_port_input(const uint8_t *bytes, size_t size);
/* For the port: there is room for output again, or the port has failed. Callers: any. */
void console_port_changed(void);
/* For the keyboard: unframed bytes, even on a framed console; bytes beyond the free room are lost.
 * Callers: any. */
void console_type(const void *bytes, size_t size);
/* Bytes that console_input() can take now. Interrupts off. */
size_t console_input_room(void);

/* Fetches the next bytes for the line, at most `most`; returns their number. For the line;
 * interrupts off. */
size_t console_output(uint8_t *to, size_t most);
/* True if the line has to call console_output() again when it has room: because of bytes, or of a
 * thread that a report could not wake. For the line; interrupts off. */
bool console_output_pending(void);

/*
 * Writes all bytes unchanged, without sleeping. Bytes for which the ring has no room wait for the
 * line, polling; a report polls until all of its bytes are sent. Callers: any, including a panic
 * (polled and unlocked).
 *
 * A thread that writes much sleeps until console_output_ready() first, in console_output_queue():
 * other threads run while the line is slow, and a part of the ring stays free for the log.
 */
void console_write(enum console_stream stream, const void *bytes, size_t size);

/* As console_write(), but the bytes may stay with the kernel until console_push(). */
void console_write_more(enum console_stream stream, const void *bytes, size_t size);
void console_push(void);

/* Writes text, escape sequences included, to the screen only, unless console_pass_over_screen() is
 * in force. Callers: any. */
void console_write_screen(const char *text);
/* True: output no longer goes to the screen, where reports are kept short; false: it does again.
 * Callers: any. */
void console_pass_over_screen(bool pass_over);

/* Takes up to `size` bytes of pending input; returns 0 if there is none. Callers: threads. */
size_t console_read(void *to, size_t size);
/* True if input is pending or has ended. */
bool console_input_ready(void);
/* True if the host has ended the input (framed consoles only) and all of it has been read. */
bool console_input_ended(void);
/* True if CONSOLE_PIECE bytes find room. A condition of waits. */
bool console_output_ready(void);
/* Woken when input arrives or ends. */
struct wait_queue *console_input_queue(void);
/* Woken when there is room for output again. */
struct wait_queue *console_output_queue(void);

/* Framed: true if the host's file descriptor 0, 1 or 2 is a terminal. Plain: always true. */
bool console_is_terminal(int fd);
bool console_is_framed(void);
/* True if the host's own terminal does echo and line editing. */
bool console_is_cooked(void);
/* The host's last size, else the screen's, else 80 x 25. A change wakes the input queue. */
void console_size(uint16_t *columns, uint16_t *rows);
