/* SPDX-License-Identifier: MIT */
#pragma once

/* mount(2) knows "tmpfs" from now on. Boot. */
void tmpfs_register(void);
