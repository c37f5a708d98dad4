/* SPDX-License-Identifier: MIT */
/* QEMU's gdb server, as far as a core file needs it ("Remote Serial Protocol" in gdb's manual). Each
 * answer is awaited for some seconds at most. The machine stops when its socket is connected to. */
#pragma once

#include "host/text.h"

#include <stdint.h>

#define GDB_REMOTE_READ_MAX 2048 /* bytes that QEMU gives at a time */

/* All registers, in the order of QEMU's gdb-xml/i386-64bit.xml; false when QEMU does not answer. */
bool gdb_remote_registers(int fd, struct text *out);
/* At most GDB_REMOTE_READ_MAX bytes at an address, by the page tables that the CPU has loaded. */
bool gdb_remote_read(int fd, uint64_t address, size_t size, struct text *out);
/* What a command of QEMU's monitor prints. */
bool gdb_remote_monitor(int fd, const char *command, struct text *out);
