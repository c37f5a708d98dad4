/* SPDX-License-Identifier: MIT */
/*
 * The tool's stdin on its way to the program, escaped or in blocks as in src/kern/console_frame.h. At
 * most a few kilobytes are read ahead (blocks: 128). In the background of a terminal nothing is read, so that the tool is not
 * stopped by SIGTTIN.
 */
#pragma once

#include "host/text.h"

#include <stdbool.h>

struct input {
    int fd;   /* -1: none; the end of input was sent or is in `bytes` */
    bool own; /* fd is our own open file, non-blocking */
    bool terminal;
    bool raw;          /* the terminal is raw while the tool is in the foreground */
    bool interrupted;  /* Ctrl-C was typed */
    bool end;          /* three Ctrl-C were typed: the machine must end */
    bool background;   /* in the background of the terminal, at the last check */
    bool linked;       /* the machine takes input: `bytes` has a form */
    bool blocks;       /* that of the port */
    bool ended;        /* the end has been read */
    struct text early; /* read before it was linked */
    struct text bytes; /* in its form */
    size_t sent;       /* of them, at the front; all: none are left */
};

/* With `wanted` false the program gets the end of input at once. A usable terminal (terminal.h) becomes
 * raw. */
void input_open(struct input *in, bool wanted);
/* Sends nothing, not even the end of input: the machine has a keyboard. */
void input_none(struct input *in);
/* True if there is room, input is left, and the tool is in the foreground. Updates `background`. */
bool input_wants(struct input *in);
/* Reads once. */
void input_read(struct input *in);
/* The machine takes input, by the port or by the serial port. What was in the other form and not sent is
 * lost. */
void input_link(struct input *in, bool blocks);
/* Sends what the connection accepts now. Errors are ignored: reading the port will report them. */
void input_send(struct input *in, int connection);
/* Sends the time of day. Only while no input has been sent: it would split an escape sequence. */
void input_send_time(int serial);
/* Presses the machine's power button, after the input that is on its way. */
void input_press(struct input *in);
void input_close(struct input *in);
