/* SPDX-License-Identifier: MIT */
/*
 * The screen: a terminal (dev/screen/vt.h) on the framebuffer that the loader set up, or in the EGA
 * text mode that the firmware left.
 *
 *   console_write --> vt: cells  --compare--> shown: cells --changed ones--> the card
 *                                                                 (written, never read)
 *
 * Output changes only the terminal's cells. A thread redraws the changed cells about ten
 * milliseconds later, so a burst of lines is drawn once. A panic and the end of the machine draw at
 * once.
 */
#pragma once

#include "kern/console.h"
#include "parse/boot_info.h"

/* Finds a screen and maps it; NULL if there is none, or if memory is short. After memory_start().
 * Boot only. */
const struct console_device *screen_init(const struct boot_framebuffer *framebuffer);
/* Starts the thread that draws. After threads exist. */
void screen_start(void);
/* Scrolls the view back by `lines` (negative: forward). Callers: any. */
void screen_look_back(int lines);
/* True if the terminal is in application cursor key mode (?1, DECCKM). Callers: any. */
bool screen_application_cursor(void);
/* The size in characters; false if there is no screen. */
bool screen_size(uint16_t *columns, uint16_t *rows);
