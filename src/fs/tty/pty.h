/* SPDX-License-Identifier: MIT */
/*
 * Pseudo terminals (pty(7)): a terminal whose other end is a file, too.
 *
 *     master write()  --tty_line_type()-->   line ring   --> slave read()
 *     master read()   <--  output ring  <--emit()--  echo, and slave write()
 *
 * Opening /dev/ptmx makes a pair, and the slave's node in /dev/pts, which goes when the master is
 * closed: the slave is hung up then. The pair is freed with its last file.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdint.h>

/* Registers /dev/ptmx and /dev/tty, the controlling terminal. Boot. */
void pty_init(void);
/* Mounts /dev/pts. Boot, after devfs_fill(). */
MUST_CHECK enum err pty_mount(void);
/* The leader of a session has ended: its terminal is nobody's, and who is in front there hears of it. */
void pty_session_ended(uint32_t session);
