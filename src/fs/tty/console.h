/* SPDX-License-Identifier: MIT */
/*
 * The terminal of the machine: the console, seen as Linux's tty. There is one. A cooked console has
 * a terminal at the other end, whose host does echo, editing and output processing: bytes pass
 * through then, and termios is only remembered. A raw one leaves all of that to the line discipline
 * here, and says when its window changes.
 *
 * Input waits in the console until somebody asks: tty_pump() moves it here, and that is when ^C
 * becomes SIGINT.
 */
#pragma once

#include "fs/tty/tty.h"
#include "kern/console.h"

/* Registers /dev/tty and /dev/console. Boot. */
void tty_init(void);
/* The console: the first process's controlling terminal when anybody sees it. */
struct tty *tty_console(void);

/* Takes in what has been typed. Callers: threads. */
void tty_pump(void);
/* Would tty_pump() take another byte? */
bool tty_has_room(void);
/* Has the window another size than tty_pump() last saw? */
bool tty_window_changed(void);
/* Starts the thread that watches keyboard and window; nothing to do when the console is cooked.
 * Boot. E_NOMEM. */
MUST_CHECK enum err tty_watch_start(void);

/* The operations of a terminal whose writes go to the stream. */
const struct file_ops *tty_ops_of(enum console_stream stream);
