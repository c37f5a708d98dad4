/* SPDX-License-Identifier: MIT */
/* A counter as a file (eventfd(2)). */
#pragma once

#include "fs/vfs/file.h"

/* `flags`: O_NONBLOCK or 0. `semaphore`: read() takes 1 instead of the value. *out: one
 * reference. E_NOMEM. */
MUST_CHECK enum err eventfd_open(uint32_t value, bool semaphore, uint32_t flags, struct file **out);
/* Adds to the counter, up to its maximum, and wakes its readers. E_INVAL: not an eventfd. */
MUST_CHECK enum err eventfd_add(struct file *file, uint64_t value);
