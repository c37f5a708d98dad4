/* SPDX-License-Identifier: MIT */
/*
 * The terminal of the machine: the console as a tty. There is one. A cooked console has a host
 * terminal that does echo, editing and output processing: bytes pass unchanged, and termios is only
 * stored. A raw console leaves these to the line discipline here, and reports window changes.
 *
 * Input stays in the console until tty_pump() moves it to the line discipline, which turns ^C into
 * SIGINT.
 */
#pragma once

#include "fs/tty/tty.h"
#include "kern/console.h"

/* Registers /dev/console. Boot. */
void tty_init(void);
/* The console's tty: the controlling terminal of the first process if one of its streams is a
 * terminal. */
struct tty *tty_console(void);

/* Moves input from the console to the line discipline and updates the window. Callers: threads. */
void tty_pump(void);
/* True if tty_pump() can move another byte. */
bool tty_has_room(void);
/* True if the window size differs from that at the last tty_pump(). */
bool tty_window_changed(void);
/* Starts the thread that calls tty_pump() when input comes or the window changes; none is needed if
 * the console is cooked. Boot. E_NOMEM. */
MUST_CHECK enum err tty_watch_start(void);

/* The file operations of a terminal whose output goes to the stream. */
const struct file_ops *tty_ops_of(enum console_stream stream);
