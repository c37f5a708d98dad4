/* SPDX-License-Identifier: MIT */
/* The marks of the system calls, for the kernel for several CPUs. */
#include "linux/call/syscall.h"

#define ROW(number, name, function, args, result, ...) [number] = (__VA_ARGS__ + 0),
const uint8_t syscall_marks[SYSCALL_COUNT] = {
#include "linux/call/rows.inc"
};
