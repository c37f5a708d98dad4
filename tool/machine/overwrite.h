/* SPDX-License-Identifier: MIT */
#pragma once

#include "machine/options.h"

/* Fails the tool if a file that it will write is one that it reads: ouro iso ./prog -o ./prog. */
void overwrite_check(const struct request *request);
