/* SPDX-License-Identifier: MIT */
/* The manual page and the completions of shells, from the option tables (machine/option_tables.h). */
#pragma once

/* Prints `what`: "man", "bash", "zsh" or "fish". Fails the tool for another word. */
void describe(const char *what);
