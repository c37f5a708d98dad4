/* SPDX-License-Identifier: MIT */
/*
 * The kernel command line.
 *
 *   console=ttyS0 loglevel=4 init=/bin/ls -- -l "two words"
 *   \________ words: name or name=value ___/    \_ arguments of the program, Linux's way
 *
 * A word may be quoted with double quotes, anywhere in it (name="a b"), as Linux takes it. After
 * the word "--" everything is the program's. The host tool hands over exact bytes in another way:
 * argv= and env= hold lists, separated by commas, whose items are percent-encoded (%20 is a space),
 * so that neither GRUB nor a shell finds anything in them to interpret.  Pure.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "parse/parse_fault.h"

#include <stdbool.h>
#include <stddef.h>

struct cmdline_word {
    const char *name;  /* NUL-terminated */
    const char *value; /* NUL-terminated; NULL when the word has no '=' */
};

/* Cuts `line` (NUL-terminated, changed in place: the words point into it) into at most `max` words
 * and sets *arguments to what follows "--", NULL when there is no "--". E_2BIG when there are more
 * words, E_INVAL for an open quote. */
MUST_CHECK enum err cmdline_split(char *line, struct cmdline_word *words, size_t max, size_t *count,
                                  char **arguments, struct parse_fault *fault);

/* Cuts what follows "--" into NUL-terminated arguments, in place; errors as cmdline_split(). */
MUST_CHECK enum err cmdline_arguments(char *text, const char **argv, size_t max, size_t *count,
                                      struct parse_fault *fault);

/* Decodes a comma-separated, percent-encoded list in place. "" is a list of no item, "," one of two
 * empty items; the single item that is empty is written "%". E_2BIG, E_INVAL (bad escape, or %00).
 */
MUST_CHECK enum err cmdline_list(char *text, const char **items, size_t max, size_t *count,
                                 struct parse_fault *fault);

/* "64", "0x40", "64K", "16M", "2G". False when it is no such number or does not fit. */
MUST_CHECK bool cmdline_number(const char *text, unsigned long *out);
