/* SPDX-License-Identifier: MIT */
/* Calls a function on another stack, with an early exit: for fault reports, which must not trust
 * the stack that faulted. */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

/* Calls function(argument) with rsp = top (16-byte aligned). True if the function returned, false
 * if call_on_stack_leave(*mark) ended it. */
bool call_on_stack(void (*function)(void *), void *argument, uint64_t top, uint64_t *mark);
/* Returns to the call_on_stack() that set the mark; that call must still be active. */
NORETURN void call_on_stack_leave(uint64_t mark);
