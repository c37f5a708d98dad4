/* SPDX-License-Identifier: MIT */
/*
 * Translates scan codes to the bytes that a terminal of TERM=linux sends. Pure.
 *
 *   i8042 byte --> key number (set 1's codes; 128 + code after the prefix E0)
 *              --> modifiers, or a special key's sequence, or the layout's character
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum keymap_modifier {
    KEYMAP_SHIFT = 1,
    KEYMAP_CONTROL = 2,
    KEYMAP_ALT = 4,
    KEYMAP_ALTGR = 8,
    KEYMAP_CAPS = 16, /* locked */
    KEYMAP_NUM = 32,  /* locked */
};

enum keymap_action {
    KEYMAP_NOTHING,
    KEYMAP_TYPE, /* `bytes` are input */
    KEYMAP_LOOK_BACK,
    KEYMAP_LOOK_FORTH,
    KEYMAP_RESTART, /* Ctrl+Alt+Del */
    KEYMAP_MAGIC,   /* Alt+PrintScreen+letter: bytes[0] is the letter */
    KEYMAP_LIGHTS,  /* a lock changed: the LEDs shall show `modifiers` */
};

struct keymap_event {
    enum keymap_action action;
    uint8_t size; /* of bytes */
    char bytes[8];
};

struct keymap_layout;

struct keymap {
    const struct keymap_layout *layout;
    bool set_2;        /* scan code set 2: the controller does not translate to set 1 */
    uint8_t modifiers; /* enum keymap_modifier */
    uint8_t held;      /* modifier keys that are down; left and right have separate bits */
    bool extended;     /* prefix E0 was seen */
    bool released;     /* prefix F0 was seen (set 2) */
    uint8_t to_skip;   /* bytes left of the sequence E1 ... (Pause) */
    bool magic;        /* PrintScreen is down, with Alt */
    uint16_t dead;     /* pending dead key, as a combining character; 0: none */
};

/* The layout of that name ("us", "de", "fr", "uk"), or NULL. */
const struct keymap_layout *keymap_find(const char *name);
/* Processes one byte from the keyboard. `application_cursor`: the terminal's mode ?1 (DECCKM). */
void keymap_scancode(struct keymap *map, uint8_t byte, bool application_cursor,
                     struct keymap_event *out);
