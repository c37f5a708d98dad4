/* SPDX-License-Identifier: MIT */
/* The part of QEMU's gdb server that a core file needs ("Remote Serial Protocol" in gdb's manual).
 * Each answer has a time limit of some seconds. Connecting to the socket stops the machine. */
#pragma once

#include "host/text.h"

#include <stdint.h>

#define GDB_REMOTE_READ_MAX 2048 /* bytes per packet */

/* All registers, in the order of QEMU's gdb-xml/i386-64bit.xml; false if QEMU does not answer. */
bool gdb_remote_registers(int fd, struct text *out);
/* Reads at most GDB_REMOTE_READ_MAX bytes at a virtual address, through the CPU's page tables. */
bool gdb_remote_read(int fd, uint64_t address, size_t size, struct text *out);
/* The output of a command of QEMU's monitor. */
bool gdb_remote_monitor(int fd, const char *command, struct text *out);
