/* SPDX-License-Identifier: MIT */
/* What a screen is drawn on: dev/screen/framebuffer.c, dev/screen/ega_text.c. */
#pragma once

#include "dev/screen/vt.h"
#include "parse/boot_info.h"

struct surface {
    uint16_t columns, rows; /* of characters */
    /* Draws cells [from, to) of the row. */
    void (*draw)(unsigned row, unsigned from, unsigned to, const vt_cell *cells);
};

/* Maps the card's memory. False when the description makes no sense for us, or memory is short.
 * Boot only. */
bool framebuffer_open(const struct boot_framebuffer *boot, struct surface *out);
bool ega_text_open(const struct boot_framebuffer *boot, struct surface *out);
/* Is there a VGA card in its text mode, whatever the loader said of it? */
bool ega_text_present(void);
