/* SPDX-License-Identifier: MIT */
/*
 * The kernel command line (src/parse/cmdline.h), as one text for QEMU's -append, and as arguments
 * of GRUB's multiboot2 command, which joins them and quotes those with spaces. Both give the same
 * words unless a word contains a quote, a backslash or a control character, which GRUB would change.
 * The program's arguments are percent-encoded, so they may contain any byte.
 */
#pragma once

#include "host/text.h"

/* Adds a word "name=" with a list, percent-encoded: argv=a,b%20c. */
void words_list(struct args *words, const char *name, char *const *items, size_t count);
/* Adds a word unchanged. Fails the tool if GRUB would change it; `what` names it in the message. */
void words_plain(struct args *words, const char *word, const char *what);
/* Splits the argument of --append into words at spaces; double quotes protect spaces. */
void words_typed(struct args *words, const char *typed);
/* The whole line, quoted for the kernel. Fails the tool if it is longer than the kernel's limit. */
char *words_line(const struct args *words);
/* The words as arguments in grub.cfg, each in single quotes. */
char *words_grub(const struct args *words);
