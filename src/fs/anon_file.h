/* SPDX-License-Identifier: MIT */
/* Files without a name in any directory: eventfd, timerfd, signalfd. */
#pragma once

#include "fs/file.h"

/* An open file with these operations; `name` is what /proc/self/fd shows ("anon_inode:[eventfd]").
 * On success ops->release owns `state`. E_NOMEM. */
MUST_CHECK enum err anon_file_open(const char *name, const struct file_ops *ops, void *state,
                                   uint32_t flags, struct file **out);
