/* SPDX-License-Identifier: MIT */
/* A golden text of a native test: lines that the test writes, compared with a file of test/unit/golden. */
#pragma once

#include "base/compiler.h"

#include <stddef.h>

void golden_line(const char *format, ...) PRINTF_LIKE(1, 2);
/* Fails the test at the first line in which what `write` adds differs from the file. */
void golden_check(const char *path, void (*write)(void));
/* Makes the file anew; the exit status of the program. */
int golden_write(const char *path, void (*write)(void));

/* The facts in a line of text, without its wording: words with a digit, what is quoted, names of
 * registers, paths, [files], .sections and words in capitals, each without the punctuation around it, separated by
 * blanks. */
void golden_facts(const char *line, char *to, size_t size);
