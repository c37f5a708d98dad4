/* SPDX-License-Identifier: MIT */
#include "fs/hooks.h"

struct fs_hooks fs_hooks;

void fs_raise(int signal)
{
    if (fs_hooks.raise)
        fs_hooks.raise(signal);
}

uint64_t fs_limit(unsigned resource)
{
    return fs_hooks.limit ? fs_hooks.limit(resource) : UINT64_MAX;
}
