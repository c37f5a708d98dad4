/* SPDX-License-Identifier: MIT */
/* What is counted by real user: threads for RLIMIT_NPROC (getrlimit(2)), of which those of root are not counted, as the limit
 * does not bind it, and a zombie counts until its parent has waited for it; and the bytes of POSIX message queues, for
 * RLIMIT_MSGQUEUE. */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdint.h>

/* O(1) each. E_AGAIN: no memory. */
MUST_CHECK enum err user_add_thread(uint32_t uid);
void user_remove_thread(uint32_t uid);
/* 0 for root. */
uint32_t user_threads(uint32_t uid);
/* E_MFILE: there would be more than `most`; E_NOMEM. */
MUST_CHECK enum err user_add_queue(uint32_t uid, uint64_t bytes, uint64_t most);
void user_remove_queue(uint32_t uid, uint64_t bytes);
