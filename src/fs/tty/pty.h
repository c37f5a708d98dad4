/* SPDX-License-Identifier: MIT */
/*
 * Pseudo terminals (pty(7)): the other end of the terminal is a file, the master.
 *
 *     master write()  -->  input ring  --tty_line_type()-->   line ring   --> slave read()
 *     master read()   <--  output ring  <--emit()--  echo, and slave write()
 *
 * Opening /dev/ptmx makes a pair and the slave's node in /dev/pts. Closing the master hangs up the
 * slave and removes the node. The pair is freed with its last file.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdint.h>

/* Registers /dev/ptmx and /dev/tty, the controlling terminal. Boot. */
void pty_init(void);
/* Mounts /dev/pts. Boot, after devfs_fill(). */
MUST_CHECK enum err pty_mount(void);
/* The leader of a session has ended: sends SIGHUP to the foreground group of the
 * session's terminal, and releases the terminal from the session. */
void pty_session_ended(uint32_t session);
/* vhangup(2) for the terminal of a session, if it has one. E_PERM. */
MUST_CHECK enum err pty_hang_up_session(uint32_t session);
