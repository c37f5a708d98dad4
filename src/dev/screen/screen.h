/* SPDX-License-Identifier: MIT */
/*
 * The screen: a terminal (dev/screen/vt.h) on the framebuffer that the loader set up, or in the EGA text
 * mode that firmware left.
 *
 *   console_write --> vt: cells  --compare--> shown: cells --changed ones--> the card
 *                                                                 (written, never read)
 *
 * What a program prints only changes the terminal's cells; a thread brings the picture up to date
 * some ten milliseconds later, so that a flood of lines costs one picture and not one a line. A
 * panic and the end of the machine draw at once.
 */
#pragma once

#include "kern/console.h"
#include "parse/boot_info.h"

/* Looks for a screen and maps it; NULL when there is none, or no memory for it. After memory_start().
 * Boot only. */
const struct console_device *screen_init(const struct boot_framebuffer *framebuffer);
/* Starts the thread that draws. Threads exist. */
void screen_start(void);
/* Looks `lines` back into what scrolled away (negative: forth). Callers: any. */
void screen_look_back(int lines);
/* Has a program asked for the cursor keys' application codes? Callers: any. */
bool screen_application_cursor(void);
/* Size in characters; false when there is no screen. */
bool screen_size(uint16_t *columns, uint16_t *rows);
