/* SPDX-License-Identifier: MIT */
#include "fs/vfs/hooks.h"

struct fs_hooks fs_hooks;

void fs_raise(int signal)
{
    if (fs_hooks.raise)
        fs_hooks.raise(signal);
}

void fs_raise_group(int signal, uint32_t group)
{
    if (fs_hooks.raise_group)
        fs_hooks.raise_group(signal, group);
}

uint64_t fs_limit(unsigned resource)
{
    return fs_hooks.limit ? fs_hooks.limit(resource) : UINT64_MAX;
}
