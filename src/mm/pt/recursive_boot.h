/* SPDX-License-Identifier: MIT */
/* Set-up of the recursive back end (mm/pt/recursive.c). Boot. */
#pragma once

#include "mm/pt/paging.h"

/* Moves the kernel's window from LAYOUT_WINDOW_SLOT_DEFAULT to this slot. */
void recursive_move_window(unsigned slot);
/* Adds a second self-reference, read-only and NX: the program window. Sets
 * paging_program_window. */
void recursive_add_program_window(unsigned slot);
/* Unmaps the identity map of multiboot2.S. */
void recursive_forget_low_half(void);
/* Empties the window's slot, once another back end is in use. */
void recursive_close_window(void);
