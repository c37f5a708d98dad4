/* SPDX-License-Identifier: MIT */
/*
 * Keyboard layouts as data. The strings give the characters of 48 keys, plain, with Shift and with
 * AltGr, in the order of these scan codes (set 1). A space means no character; combining characters
 * are dead keys.
 *
 *   29 02 03 04 05 06 07 08 09 0a 0b 0c 0d     `  1  2 ... 0  -  =
 *      10 11 12 13 14 15 16 17 18 19 1a 1b     q  w  e ... p  [  ]
 *   2b                                         the key beside Enter
 *      1e 1f 20 21 22 23 24 25 26 27 28        a  s  d ... ;  '
 *   56                                         the key that US keyboards lack
 *      2c 2d 2e 2f 30 31 32 33 34 35           z  x  c ... ,  .  /
 */
#pragma once

#include <stdint.h>

#define KEYMAP_KEYS 48

struct keymap_layout {
    const char *name;
    uint16_t plain[KEYMAP_KEYS + 1], shifted[KEYMAP_KEYS + 1], altgr[KEYMAP_KEYS + 1];
};

extern const struct keymap_layout keymap_layouts[];
extern const unsigned keymap_layout_count;
