/* SPDX-License-Identifier: MIT */
/*
 * Decides if the CPU reached `rip` through the `hlt` before it, or by a jump over that `hlt`.
 *
 *        test %rax, %rax              hlt
 *        jns  1f                      pop %rbx     <-- rip: nothing jumps here
 *        hlt
 *     1: mov  %rdi, %rdx   <-- rip: reached by jns only if SF is 0, and SF has not changed since
 *
 * After an interrupt has ended a wait, rip is the only trace of it. So the function is decoded from
 * its start: the byte before rip must be an instruction, and the flags, which neither jumps nor
 * `hlt` change, must exclude each direct jump to rip. An indirect jump is never excluded. Pure.
 */
#pragma once

#include "base/addr.h"
#include "base/byte_reader.h"

#define X86_HLT 0xf4

/* True if the CPU came from the `hlt`; false if in doubt. O(size of the function). */
bool x86_came_from_halt(const struct byte_reader *memory, struct virt_range function, uint64_t rip,
                        uint64_t rflags);
