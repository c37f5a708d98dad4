/* SPDX-License-Identifier: MIT */
/* Arguments of system calls as text: what reports and strace share. Pure. */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Text that ends where its room does. */
struct text_out {
    char *at;
    size_t left;
};

void text_put(struct text_out *t, const char *format, ...) PRINTF_LIKE(2, 3);

/* A number or an address, as the letter of a signature (linux/call/syscall.h) has it. */
void syscall_put_plain(struct text_out *t, char letter, uint64_t value);

/* The names of what is in the set of the letter, "O_RDWR|O_CREAT"; false: the letter has no set, and
 * nothing was put. */
bool syscall_put_flags(struct text_out *t, char letter, uint64_t value);

/* As a C string; `more`: it goes on. */
void syscall_put_quoted(struct text_out *t, const char *bytes, size_t size, bool more);
