/* SPDX-License-Identifier: MIT */
/* Copies from and to the program in another address space, or in this one. */
#pragma once

#include "mm/space.h"
#include "mm/vm/usercopy.h"

/* As copy_in() and copy_out(): E_FAULT. Costs two loads of CR3 if the space is not the running one. Callers: threads of
 * programs. */
MUST_CHECK enum err copy_in_from(struct address_space *space, void *to, virt_t from, size_t size);
MUST_CHECK enum err copy_out_to(struct address_space *space, virt_t to, const void *from,
                                size_t size);
