/* SPDX-License-Identifier: MIT */
/*
 * --trace-files: the program runs once on this computer under ptrace(2), with these arguments, /dev/null as its streams and the
 * machine's environment, and the files that it and its children open, execute, map or ask for are packed at their paths.
 * Left out: /proc, /sys, /dev, /run, /tmp, and files that are opened for writing only.
 */
#pragma once

#include "image/tree.h"

/* Runs the file (argv[0] as the program shall see it), and packs. `seconds`: the run is ended after them, with a warning. Needs
 * guard_start(). Returns the number of files that were added. Fails the tool if the program cannot be started. */
size_t trace_files(struct tree *tree, const char *file, char *const *argv, char *const *environment,
                   double seconds);
