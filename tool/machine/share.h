/* SPDX-License-Identifier: MIT */
/*
 * Folders of this computer that the machine sees (--share): QEMU's own server of 9P, and a kernel word that mounts each.
 *
 * The security model is "none": files keep the mode bits that the program gives them, links are links, and all files that it
 * makes belong to the user of this computer, as QEMU runs as that user; nothing needs root. "mapped-xattr" would keep
 * owners and modes in extended attributes instead, which not all file systems have, and would show this computer plain files where the
 * program made links. docs/share.md says what a program can reach.
 */
#pragma once

#include "host/text.h"

#include <stdbool.h>

#define SHARES_MAX 8

struct share {
    char *folder; /* of this computer */
    char *place;  /* in the machine: normalised, absolute */
    bool readonly;
};

struct shares {
    struct share item[SHARES_MAX];
    unsigned count;
};

/* The value of --share. NULL, or why it is none. */
const char *shares_add(struct shares *shares, const char *text);
/* Adds the words that mount them. `ids`: UID:GID[:GROUP,...] of the program's user, who sees all files as its own; NULL: root. */
void shares_words(const struct shares *shares, const char *ids, struct args *words);
/* Adds the options of QEMU. `bus`: of microvm, the place of the first, the others are before it; 0: they are on PCI. */
void shares_qemu(const struct shares *shares, unsigned bus, struct args *args);
