/* SPDX-License-Identifier: MIT */
/* The recursive back end's own set-up (mm/pt/recursive.c). Boot only. */
#pragma once

#include "mm/pt/paging.h"

/* Moves the kernel's window from the stub's slot to this one. */
void recursive_move_window(unsigned slot);
/* Enters the level-4 table once more, read-only and NX: sets paging_program_window. */
void recursive_add_program_window(unsigned slot);
/* Drops the stub's identity map. */
void recursive_forget_low_half(void);
/* Empties the window's slot, when another back end took over. */
void recursive_close_window(void);
