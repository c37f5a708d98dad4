/* SPDX-License-Identifier: MIT */
/*
 * io_setup(2) and its calls: requests on files, whose results the program finds in a ring that it shares with the kernel.
 *
 *     id = address of the ring   | head  tail  ... | event | event | event | ...
 *                                  ^program  ^kernel, and io_getevents() both
 *
 * The ring is an area of the program, whose source is the context: it ends with the area, by io_destroy(), munmap(), exec or
 * the program's end. A request is done when io_submit() returns, as on Linux those of files in the page cache, of pipes and of
 * sockets are. To find a context is O(log areas), a request costs what its read or write does.
 */
#pragma once

#include "linux/abi/call.h"

/* Events that all contexts together were asked for, and the most: fs.aio-nr, fs.aio-max-nr. */
extern uint64_t aio_count, aio_max;

enum err sys_io_setup(struct syscall *call);
enum err sys_io_destroy(struct syscall *call);
enum err sys_io_submit(struct syscall *call);
enum err sys_io_cancel(struct syscall *call);
enum err sys_io_getevents(struct syscall *call);
enum err sys_io_pgetevents(struct syscall *call);
