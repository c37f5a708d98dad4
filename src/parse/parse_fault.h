/* SPDX-License-Identifier: MIT */
/* Where and why bytes from outside were refused: what every parser fills in beside E_INVAL. */
#pragma once

#include <stdint.h>

struct parse_fault {
    uint64_t offset;  /* bytes from the start of the input */
    const char *what; /* a clause for "…: %s at offset %llu", static storage */
};
