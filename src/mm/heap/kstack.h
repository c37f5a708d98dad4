/* SPDX-License-Identifier: MIT */
/*
 * Kernel stacks, each with an unmapped guard of the same size below it:
 *
 *   slot n:   | guard: never mapped | stack, grows down <---- top |
 *             ^ START + n * 2 * LAYOUT_KSTACK_SIZE
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"

#define KSTACK_SLOTS 32768 /* pid_max: each thread has one */

/* Allocates a stack; the end of the range is the initial rsp. E_NOMEM. */
MUST_CHECK enum err kstack_alloc(struct virt_range *out);
/* Frees a stack, which must not be the running one. */
void kstack_free(struct virt_range stack);
/* Bytes of all stacks in use. */
uint64_t kstack_bytes(void);

/* True if v is in a stack slot, guard or stack, in use or not. */
bool kstack_holds(virt_t v);
/* True if v is in a guard; *stack is then the stack above it, in use or not. */
bool kstack_guard_at(virt_t v, struct virt_range *stack);
