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
 * `hlt` change, must exclude each direct jump to rip. An indirect jump is never excluded. The first
 * step looks at the code alone, and its answer serves for as long as the code is the same; the
 * second looks at the flags. Pure.
 */
#pragma once

#include "base/addr.h"
#include "base/byte_reader.h"

#define X86_HLT 0xf4
#define X86_HALT_NEVER                                                                             \
    0xffff /* as an answer: the CPU did not come from a `hlt`, or it is in doubt */
#define X86_FUNCTION_MAX 16384 /* bytes; a longer function is not decoded */

/* The set of conditions with which the function jumps to rip past a `hlt`: bit n for jcc with condition n.
 * X86_HALT_NEVER: there is no `hlt` before rip, or a jump that needs no condition, or it is in doubt. O(size of the
 * function), at most X86_FUNCTION_MAX. */
uint16_t x86_jumps_behind_halt(const struct byte_reader *memory, struct virt_range function,
                               uint64_t rip);
/* True if no such jump was taken. O(1). */
bool x86_came_from_halt(uint16_t jumps, uint64_t rflags);
