/* SPDX-License-Identifier: MIT */
/* The names of the machine, of which a process may have its own (uts_namespaces(7)). Under kernel_lock. */
#pragma once

#include "base/err.h"
#include "fs/vfs/namespace.h"

#define HOST_NAME_MAX 64

struct uts_namespace {
    struct namespace base;
    char host[HOST_NAME_MAX + 1], domain[HOST_NAME_MAX + 1];
};

/* Of the first process, and of those that have left it for no other. */
extern struct uts_namespace uts_first;

/* "ouro" and "(none)". Boot. */
void uts_init(void);
/* A copy, with one reference. E_NOMEM. O(1). */
MUST_CHECK enum err uts_copy(const struct uts_namespace *from, struct uts_namespace **out);
