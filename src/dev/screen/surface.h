/* SPDX-License-Identifier: MIT */
/* Drawing back ends of the screen: dev/screen/framebuffer.c and dev/screen/ega_text.c. */
#pragma once

#include "dev/screen/vt.h"
#include "parse/boot_info.h"

struct surface {
    uint16_t columns, rows; /* in characters */
    /* Draws cells [from, to) of a row. */
    void (*draw)(unsigned row, unsigned from, unsigned to, const vt_cell *cells);
};

/* Map the video memory. False if the mode is not supported or memory is short. Boot only. */
bool framebuffer_open(const struct boot_framebuffer *boot, struct surface *out);
bool ega_text_open(const struct boot_framebuffer *boot, struct surface *out);
/* True if a VGA adapter is in text mode; does not depend on the loader's description. */
bool ega_text_present(void);
