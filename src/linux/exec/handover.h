/* SPDX-License-Identifier: MIT */
/* What an exec that cannot fail any more gives the process: new rights. */
#pragma once

#include <stdbool.h>

struct credentials;

/* Gives the calling thread the credentials of the new program. Takes over the reference to them. */
void exec_take_credentials(struct credentials *new, bool secure, bool dumpable);
