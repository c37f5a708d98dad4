/* SPDX-License-Identifier: MIT */
#pragma once

/* Makes ext4 known to mount(2) and the word mount=. Boot, once. */
void ext4_type_register(void);
