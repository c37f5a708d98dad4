/* SPDX-License-Identifier: MIT */
/* The first line of a script (execve(2)). Pure. */
#pragma once

#include <stdbool.h>

/* Splits "#! interpreter argument", in EXEC_HEAD_SIZE bytes, in place; the argument may contain blanks
 * (NULL: none). False if the line is too long or names no interpreter. */
bool script_cut_line(char *line, char **interpreter, char **argument);
