/* SPDX-License-Identifier: MIT */
/*
 * The only way to access the program's memory (Linux: copy_from_user). Pointers from the program
 * are untrusted: each range is checked against the program's half, and a fault in the copy is
 * either resolved (demand-zero) or ends the copy with E_FAULT (cpu/usercopy.h). Callers: threads,
 * on behalf of their program. Never read program memory twice: copy, then check the copy.
 *
 * A page that a device has.
 *
 *   copy_out(), clear_out(), put_out()   sleep until the page is there, and go on. The caller holds no
 *                        pointer and no half-made change over them, and `from` stays as it is.
 *   all others           end with E_INTR, and the thread keeps the page's address. A system call that
 *                        has done nothing yet returns it, and begins again when the page is there
 *                        (linux/call/syscall.c). One that has done something calls copy_wait(), and copies
 *                        again; so do the loops over a struct io (fs/vfs/file.c).
 *
 * Of several CPUs, a thread that shares kernel_lock (cpu/lock.h) has it alone after a copy of the first kind that missed a page; the others end
 * with E_INTR for each page that cannot be had beside other threads. Under a short lock, copies of the second kind only.
 *
 * So a pointer into the kernel's structures may be held over copy_in(), and read, compare and write of
 * a word of the program (copy_in() and copy_out_now()) are one step for other threads.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"
#include "mm/space.h"

#include <stdbool.h>

MUST_CHECK enum err copy_in(void *to, virt_t from, size_t size);
/* As copy_in(), but sleeps: for what is not a system call that could begin again. */
MUST_CHECK enum err copy_in_waiting(void *to, virt_t from, size_t size);
/* After a fault the bytes before the page that cannot be written are written, as in Linux. */
MUST_CHECK enum err copy_out(virt_t to, const void *from, size_t size);
MUST_CHECK enum err clear_out(virt_t to, size_t size);
/* As these, but do not sleep: E_INTR, with the bytes before the page written. */
MUST_CHECK enum err copy_out_now(virt_t to, const void *from, size_t size);
/* Replaces a word that is `old`, at once for other CPUs. E_CHANGED: it is another; never on one CPU, where nothing runs between the
 * caller's look and this. */
#define E_CHANGED E_DOM
MUST_CHECK enum err change_out(virt_t to, uint32_t old, uint32_t now);
MUST_CHECK enum err clear_out_now(virt_t to, size_t size);
/* Writes a word, or nothing (Linux: put_user). */
MUST_CHECK enum err put_out(virt_t to, uint64_t word);
/* `e` is what a copy of this call has answered. If it is E_INTR for a page that a device has, sleeps until
 * the page is in memory. E_OK: copy again. E_FAULT: the page cannot be had. Else `e`. */
MUST_CHECK enum err copy_wait(enum err e);
/* Saves the FPU registers as an XSAVE (FXSAVE) area of cpu_features.xsave_size bytes, which is
 * `size`; `to` is 64-byte aligned. The registers must be unchanged since the program ran. */
MUST_CHECK enum err fpu_out(virt_t to, size_t size);
/* Loads them from such an XSAVE area; with XSAVE only. E_FAULT, with some of them loaded, also if
 * XRSTOR faults: a malformed header, a misaligned address (SDM 1 13.8). */
MUST_CHECK enum err fpu_in(virt_t from, size_t size);
/* Copies a NUL-terminated string of at most size - 1 bytes. E_NAMETOOLONG if it is longer. */
MUST_CHECK enum err copy_in_string(char *to, virt_t from, size_t size, size_t *length);

/* Defined above, in linux/task/missing_page.c: */

/* The calling thread's copy has missed the page at v in the running space; `error` is the fault's. */
void copy_missed(virt_t v, uint64_t error);
/* True if it has in this system call, and not asked for it since. */
bool copy_missing(struct address_space **space, virt_t *v, uint64_t *error);

/* True if [start, start + size) lies in the program's half. For system calls that must not fail
 * halfway. */
MUST_CHECK bool user_range_ok(virt_t start, uint64_t size);
