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

/* Takes in what has been typed. Callers: threads. */
void tty_pump(void);
/* Would tty_pump() take another byte? */
bool tty_has_room(void);
/* Starts the thread that watches the keyboard of a plain console; nothing to do when it is framed.
 * Boot. E_NOMEM. */
MUST_CHECK enum err tty_watch_start(void);

/* The operations of a terminal whose writes go to the stream. */
const struct file_ops *tty_ops_of(enum console_stream stream);
