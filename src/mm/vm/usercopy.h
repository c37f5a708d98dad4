/* SPDX-License-Identifier: MIT */
/*
 * The only way to touch the program's memory. Pointers from the program are hostile: each range is
 * checked against the program's half, and a fault in the copy either resolves (demand-zero) or
 * ends it with E_FAULT through the recovery table. Callers: threads, on behalf of their program.
 * Never follow a program pointer twice: copy, then check the copy.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"

MUST_CHECK enum err copy_in(void *to, virt_t from, size_t size);
MUST_CHECK enum err copy_out(virt_t to, const void *from, size_t size);
MUST_CHECK enum err clear_out(virt_t to, size_t size);
/* Saves the FPU registers as an XSAVE (FXSAVE) area of cpu_features.xsave_size bytes, which is
 * `size`; `to` is 64-byte aligned. The caller has not changed them since the program ran. */
MUST_CHECK enum err fpu_out(virt_t to, size_t size);
/* Loads them from such an XSAVE area; with XSAVE only. E_FAULT, with some of them loaded, also when
 * XRSTOR refuses what is there: a malformed header, an address that is not aligned (SDM 1 13.8). */
MUST_CHECK enum err fpu_in(virt_t from, size_t size);
/* Copies a NUL-terminated string of at most size - 1 bytes. E_NAMETOOLONG when no NUL came. */
MUST_CHECK enum err copy_in_string(char *to, virt_t from, size_t size, size_t *length);

/* Is [start, start + size) inside the program's half? What a system call that must not fail halfway
 * asks first. */
MUST_CHECK bool user_range_ok(virt_t start, uint64_t size);
