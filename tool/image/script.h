/* SPDX-License-Identifier: MIT */
/* Scripts: the #! line, and where the machine finds what it names. */
#pragma once

#include "image/tree.h"

/* The first line of a script without "#!" and blanks at both ends; NULL: not a script. malloc'ed. */
char *script_line(const char *file);
/* The command that env(1) starts with these words: the first that is neither an option nor a variable. NULL: none. malloc'ed. */
char *script_env_command(const char *words);
/* Searches `path` as execvp(3) will do in the machine. NULL: not found. malloc'ed. */
char *script_search(struct tree *tree, const char *name, const char *path);
