/* SPDX-License-Identifier: MIT */
/* The long texts of /proc/self (proc(5)): generators for procfs_self.c. */
#pragma once

#include "fs/hooks.h"
#include "fs/text.h"

/* What the hook says, with a pid in any case. */
void procfs_describe(struct fs_process *out);

void procfs_show_maps(struct text *text, void *context);
void procfs_show_limits(struct text *text, void *context);
void procfs_show_stat(struct text *text, void *context);
void procfs_show_statm(struct text *text, void *context);
void procfs_show_status(struct text *text, void *context);
