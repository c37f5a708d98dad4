/* SPDX-License-Identifier: MIT */
/* What an exec that cannot fail any more gives the process: its own descriptors, and new rights. */
#pragma once

#include <stdbool.h>

struct credentials;
struct fs_context;

/* Puts the calling thread's process into the context, in place of one that others share. Takes over the
 * reference. NULL: it stays where it is. */
void exec_take_context(struct fs_context *new);
/* Gives the calling thread the credentials of the new program. Takes over the reference to them. */
void exec_take_credentials(struct credentials *new, bool secure, bool dumpable);
