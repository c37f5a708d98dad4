/* SPDX-License-Identifier: MIT */
/* Offset and reason of an error in untrusted input; each parser fills it in with the error. */
#pragma once

#include <stdint.h>

struct parse_fault {
    uint64_t offset;  /* bytes from the start of the input */
    const char *what; /* a clause for "…: %s at offset %llu", static storage */
};
