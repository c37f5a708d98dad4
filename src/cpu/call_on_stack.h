/* SPDX-License-Identifier: MIT */
/* Calling a function on another stack, with a way out of the middle of it: for fault reports, which
 * must not trust the stack that they are about. */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

/* Calls function(argument) with rsp = top (16-byte aligned). True: it returned. False: it was left
 * by call_on_stack_leave(*mark). */
bool call_on_stack(void (*function)(void *), void *argument, uint64_t top, uint64_t *mark);
/* Goes back to the call_on_stack() that set the mark and is still under way. */
NORETURN void call_on_stack_leave(uint64_t mark);
