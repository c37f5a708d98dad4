/* SPDX-License-Identifier: MIT */
/*
 * The kernel command line.
 *
 *   console=ttyS0 loglevel=4 init=/bin/ls -- -l "two words"
 *   \________ words: name or name=value ___/    \_ arguments of the program, as on Linux
 *
 * Double quotes may stand anywhere in a word (name="a b"), as on Linux. What follows the word "--"
 * is arguments of the program. The tool passes exact bytes in another way: argv= and env= are
 * comma-separated lists of percent-encoded items (%20 is a space), which neither GRUB nor a shell
 * changes. Pure.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "parse/parse_fault.h"

#include <stdbool.h>
#include <stddef.h>

struct cmdline_word {
    const char *name;  /* NUL-terminated */
    const char *value; /* NUL-terminated; NULL if the word has no '=' */
};

/* Splits `line` (NUL-terminated) in place into at most `max` words, which point into it, and sets
 * *arguments to the text after "--", or to NULL. E_2BIG: more than `max` words; E_INVAL: an open
 * quote, or a word without a name. */
MUST_CHECK enum err cmdline_split(char *line, struct cmdline_word *words, size_t max, size_t *count,
                                  char **arguments, struct parse_fault *fault);

/* Splits the text after "--" in place into arguments. E_2BIG; E_INVAL: open quote. */
MUST_CHECK enum err cmdline_arguments(char *text, const char **argv, size_t max, size_t *count,
                                      struct parse_fault *fault);

/* Decodes a comma-separated, percent-encoded list in place. "" is the empty list, "," is a list of
 * two empty items, "%" is a list of one empty item. E_2BIG, E_INVAL (bad escape, or %00). */
MUST_CHECK enum err cmdline_list(char *text, const char **items, size_t max, size_t *count,
                                 struct parse_fault *fault);

/* Parses "64", "0x40", "64K", "16M", "2G". False if the text is no such number or does not fit. */
MUST_CHECK bool cmdline_number(const char *text, unsigned long *out);
