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

/* The device under the console; implemented in dev/. */
struct console_device {
    void (*write)(const void *bytes,
                  size_t size); /* any context; returns when all bytes are taken */
    void (*flush)(void);        /* waits until all bytes have been sent */
    /* Called when console_input_room() has become positive. NULL: the device has no input. */
    void (*resume_input)(void);
};

struct console_options {
    bool framed;
    bool raw;               /* framed, but the kernel's line discipline does echo and editing */
    bool serial, screen;    /* console=: devices in use; neither: both */
    uint8_t terminals;      /* bit n: the host's file descriptor n is a terminal (framed) */
    uint16_t columns, rows; /* 0: unknown */
};

/* `device` may be NULL: all output is lost then. A framed console sends FRAME_HELLO. Boot. */
void console_init(const struct console_device *device, const struct console_options *options);
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
/* For the keyboard: unframed bytes, even on a framed console; bytes beyond the free room are lost.
 * Callers: any. */
void console_type(const void *bytes, size_t size);
/* Bytes that console_input() can take now. Interrupts off. */
size_t console_input_room(void);

/* Writes all bytes unchanged. Callers: any, including a panic. */
void console_write(enum console_stream stream, const void *bytes, size_t size);

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
/* Woken when input arrives or ends. */
struct wait_queue *console_input_queue(void);

/* Framed: true if the host's file descriptor 0, 1 or 2 is a terminal. Plain: always true. */
bool console_is_terminal(int fd);
bool console_is_framed(void);
/* True if the host's own terminal does echo and line editing. */
bool console_is_cooked(void);
/* The host's last size, else the screen's, else 80 x 25. A change wakes the input queue. */
void console_size(uint16_t *columns, uint16_t *rows);
