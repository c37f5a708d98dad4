/* SPDX-License-Identifier: MIT */
/* Names of C++ and of Rust as people write them. */
#pragma once

#include "host/text.h"

/* Adds the text with each mangled name ("_ZN3app5parseEv") replaced, by libiberty; Rust's hashes are left out. Names are not trusted: only for the reader process of report.c. */
void demangle_text(const char *text, size_t size, struct text *out);
