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

#define KSTACK_SLOTS 32768 /* pid_max: a thread has one each */

/* The range of a stack; its end is the initial rsp. E_NOMEM. */
MUST_CHECK enum err kstack_alloc(struct virt_range *out);
/* The stack must not be the running one. */
void kstack_free(struct virt_range stack);
/* Of all that are in use. */
uint64_t kstack_bytes(void);

/* Is v in one of them, or in a guard, whether in use or not? */
bool kstack_holds(virt_t v);
/* Is v in a guard? Then *stack is the stack above it, whether that is in use or not. */
bool kstack_guard_at(virt_t v, struct virt_range *stack);
