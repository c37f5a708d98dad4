/* SPDX-License-Identifier: MIT */
/*
 * The only way to access the program's memory (Linux: copy_from_user). Pointers from the program
 * are untrusted: each range is checked against the program's half, and a fault in the copy is
 * either resolved (demand-zero) or ends the copy with E_FAULT (cpu/usercopy.h). Callers: threads,
 * on behalf of their program. Never read program memory twice: copy, then check the copy.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"

MUST_CHECK enum err copy_in(void *to, virt_t from, size_t size);
/* After a fault the bytes before the page that cannot be written are written, as in Linux. */
MUST_CHECK enum err copy_out(virt_t to, const void *from, size_t size);
/* Writes a word, or nothing (Linux: put_user). */
MUST_CHECK enum err put_out(virt_t to, uint64_t word);
MUST_CHECK enum err clear_out(virt_t to, size_t size);
/* Saves the FPU registers as an XSAVE (FXSAVE) area of cpu_features.xsave_size bytes, which is
 * `size`; `to` is 64-byte aligned. The registers must be unchanged since the program ran. */
MUST_CHECK enum err fpu_out(virt_t to, size_t size);
/* Loads them from such an XSAVE area; with XSAVE only. E_FAULT, with some of them loaded, also if
 * XRSTOR faults: a malformed header, a misaligned address (SDM 1 13.8). */
MUST_CHECK enum err fpu_in(virt_t from, size_t size);
/* Copies a NUL-terminated string of at most size - 1 bytes. E_NAMETOOLONG if it is longer. */
MUST_CHECK enum err copy_in_string(char *to, virt_t from, size_t size, size_t *length);

/* True if [start, start + size) lies in the program's half. For system calls that must not fail
 * halfway. */
MUST_CHECK bool user_range_ok(virt_t start, uint64_t size);
