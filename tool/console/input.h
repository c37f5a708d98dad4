/* SPDX-License-Identifier: MIT */
/*
 * The tool's stdin on its way to the program, escaped as src/kern/console_frame.h says. At most a
 * few kilobytes are read ahead. In the background of a terminal nothing is read, so that the tool
 * goes on running there as a program that does not read would.
 */
#pragma once

#include "host/text.h"

#include <stdbool.h>

struct input {
    int fd;   /* -1: none, the end was sent or waits in `bytes` */
    bool own; /* fd is our own open file, non-blocking */
    bool terminal;
    bool raw;          /* the terminal is the machine's while we are in its foreground */
    bool interrupted;  /* Ctrl-C was typed */
    bool end;          /* what was typed says that the machine is to end */
    bool background;   /* of its terminal, when we looked last */
    struct text bytes; /* escaped, not yet sent */
};

/* With `wanted` false the program sees the end of input at once. A terminal that can be had
 * (terminal.h) becomes raw. */
void input_open(struct input *in, bool wanted);
/* Nothing is ever sent, not even the end: the machine has a keyboard of its own. */
void input_none(struct input *in);
/* Is it time to read: is there room and input left? Updates `background`. */
bool input_wants(struct input *in);
/* Reads once. */
void input_read(struct input *in);
/* Sends what the serial port takes now; errors are left for its reader to see. */
void input_send(struct input *in, int serial);
void input_close(struct input *in);
