/* SPDX-License-Identifier: MIT */
/* Which frame of a crash is the program's own, and what its language's runtime has to do with it. Only for the reader process of
 * report.c. */
#pragma once

#include "host/json.h"
#include "image/tree.h"
#include "report/report_render.h"

/* Sets `own`, `own_note`, `advice` and `debugging` of the notes, whose lines are there. */
void report_own_find(const struct tree *tree, struct json report, struct report_notes *out);
