/* SPDX-License-Identifier: MIT */
/* One sentence for an option that a command does not have: what a user of another tool meant by it, or the option that
 * is spelled nearly so. */
#pragma once

#include <argp.h>
#include <stdbool.h>

/* Looks at the arguments as getopt_long(3) will, up to the first that is no option. Ends the tool with STATUS_FAILED at an
 * option that the table lacks. */
void suggest_check(const struct argp_option *options, int argc, char **argv);

/* The number of letters to insert, remove, replace, or swap with their neighbour, that makes `b` of `a`, or `most` + 1 if
 * it is above `most`. O(length * length). Pure. */
unsigned suggest_distance(const char *a, const char *b, unsigned most);
