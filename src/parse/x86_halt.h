/* SPDX-License-Identifier: MIT */
/*
 * Did the CPU come to `rip` through the `hlt` before it, or by a jump over it?
 *
 *        test %rax, %rax              hlt
 *        jns  1f                      pop %rbx     <-- rip: nothing jumps here
 *        hlt
 *     1: mov  %rdi, %rdx   <-- rip: by jns only when SF is 0, and it still is what it was
 *
 * Of a wait that an interrupt has ended nothing is left but rip. So the function is read from its
 * start: the byte before rip must be an instruction of its own, and each direct jump to rip must be
 * one that the flags, which neither jumps nor `hlt` change, rule out. An indirect jump rules out
 * nothing. Pure.
 */
#pragma once

#include "base/addr.h"
#include "base/byte_reader.h"

#define X86_HLT 0xf4

/* False when in doubt. */
bool x86_came_from_halt(const struct byte_reader *memory, struct virt_range function, uint64_t rip,
                        uint64_t rflags);
