/* SPDX-License-Identifier: MIT */
/*
 * The kernel command line (src/parse/cmdline.h), as one text for QEMU's -append, and as arguments
 * of GRUB's multiboot2 command, which joins them again with quotes where they hold spaces. So both
 * carry the same words, as long as no word holds a quote, a backslash or a control character: GRUB
 * would change those. Exact bytes of the program's arguments travel percent-encoded.
 */
#pragma once

#include "host/text.h"

/* A word of "name=" and a list, encoded: argv=a,b%20c. */
void words_list(struct args *words, const char *name, char *const *items, size_t count);
/* A word as it is. Fails the tool when GRUB could not pass it on; `what` names it. */
void words_plain(struct args *words, const char *word, const char *what);
/* Cuts what a person typed (--append) into words at spaces; double quotes hold one together. */
void words_typed(struct args *words, const char *typed);
/* The whole line, quoted as the kernel expects it. Fails the tool when it is longer than the kernel
 * takes. */
char *words_line(const struct args *words);
/* The same as arguments in a grub.cfg, each in single quotes. */
char *words_grub(const struct args *words);
