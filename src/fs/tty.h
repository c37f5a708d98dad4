/* SPDX-License-Identifier: MIT */
/*
 * The terminal of the machine: the console, seen as Linux's tty. There is one. A framed console has
 * a terminal at the other end, whose host does echo, editing and output processing: bytes pass
 * through then, and termios is only remembered.
 *
 * Input waits in the console until somebody asks: tty_pump() moves it here, and that is when ^C
 * becomes SIGINT.
 */
#pragma once

#include "fs/file.h"
#include "kern/console.h"

/* Registers /dev/tty and /dev/console. Boot. */
void tty_init(void);

/* Takes in what has been typed. Callers: threads; on the way back to the program when
 * console_input_ready() says so, that a program which never reads can be interrupted from the
 * keyboard. */
void tty_pump(void);

/* The operations of a terminal whose writes go to the stream. */
const struct file_ops *tty_ops_of(enum console_stream stream);
