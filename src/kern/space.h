/* SPDX-License-Identifier: MIT */
/* Address spaces of programs: made, ended, and looked into from another. */
#pragma once

#include "mm/space.h"
#include "mm/vm/usercopy.h"

/* A space without areas. E_NOMEM. O(1). */
MUST_CHECK enum err space_new(struct address_space **out);
/* Ends a space of space_new(), which no program is in any more. If it runs, the calling thread goes on in first_space.
 * O(areas + pages). */
void space_end(struct address_space *space);

/* Makes the space the calling thread's, and the running one; returns the one before. To reach the memory of another
 * program, and back. kernel_lock is held. */
struct address_space *thread_use_space(struct address_space *space);

/* As copy_in() and copy_out_now(): E_FAULT; E_INTR: copy_wait(), after which the space may have ended. Costs two loads of CR3 if the space is not the running one. Callers: threads of
 * programs. */
MUST_CHECK enum err copy_in_from(struct address_space *space, void *to, virt_t from, size_t size);
MUST_CHECK enum err copy_out_to(struct address_space *space, virt_t to, const void *from,
                                size_t size);
/* As these, for a tracer, which reaches what the program itself may not: private memory that is not to be written gets a
 * copy. E_FAULT, E_INTR, E_NOMEM. O(size). */
MUST_CHECK enum err space_reach(struct address_space *space, virt_t at, void *bytes, size_t size,
                                bool write);
