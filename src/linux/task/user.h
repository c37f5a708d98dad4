/* SPDX-License-Identifier: MIT */
/* Threads by real user, for RLIMIT_NPROC (getrlimit(2)). Those of root are not counted: the limit does
 * not bind it. A zombie counts until its parent has waited for it. */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdint.h>

/* O(1) each. E_AGAIN: no memory. */
MUST_CHECK enum err user_add_thread(uint32_t uid);
void user_remove_thread(uint32_t uid);
/* 0 for root. */
uint32_t user_threads(uint32_t uid);
