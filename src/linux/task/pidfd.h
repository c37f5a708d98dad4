/* SPDX-License-Identifier: MIT */
/*
 * Descriptors of processes (pidfd_open(2)). All files of a process share one struct pidfd, which the process holds too
 * and leaves when it has been waited for: its pid may be another's then, the file stands for none.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct file;
struct process;

/* A file of the process; flags: O_NONBLOCK or 0. *out: one reference. E_NOMEM. O(1). */
MUST_CHECK enum err pidfd_make(struct process *process, uint32_t flags, struct file **out);
/* *out: the process of a descriptor; *file, which may be NULL: its file, without a reference. E_BADF: not
 * such a descriptor; E_SRCH: the process has been waited for. */
MUST_CHECK enum err pidfd_process(uint64_t fd, struct process **out, struct file **file);
/* Sleeps until the process of the file is a zombie or has been waited for: its memory is free. E_INTR. */
MUST_CHECK enum err pidfd_wait_end(struct file *file);
/* The process has become a zombie, or (`gone`) is being freed. */
void pidfd_wake(struct process *process, bool gone);
