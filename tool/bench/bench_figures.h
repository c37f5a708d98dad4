/* SPDX-License-Identifier: MIT */
/*
 * What `ouro bench` found out: figures, each with one series of samples a system. Less is better in
 * all of them. A series is shown by its median and its spread, least to greatest.
 *
 * As JSON, which is also what --against reads (this file's own writing only: one object a line):
 *
 *     {"ouro-bench": 1, "accelerator": "tcg", "figures": [
 *     {"section": "primitives", "figure": "getppid", "unit": "ns", "series": "ouro",
 *      "median": 134.1, "least": 131, "greatest": 140.2, "samples": 5},            (on one line)
 *     ...
 *     ]}
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define SERIES_OURO               "ouro"
#define SERIES_LINUX              "linux"
#define SERIES_OURO_INSTRUCTIONS  "ouro-instructions"
#define SERIES_LINUX_INSTRUCTIONS "linux-instructions"

struct figure_key {
    const char *section, *name, *unit;
};

struct summary {
    double median, least, greatest;
    size_t samples; /* 0: nothing is known, and the rest is 0 */
};

struct figures {
    struct series *series;
    size_t count;
};

void figures_add(struct figures *figures, const struct figure_key *key, const char *series,
                 double sample);
struct summary figures_summary(const struct figures *figures, const struct figure_key *key,
                               const char *series);
void figures_free(struct figures *figures);
/* The median of numbers, which are sorted in place; count > 0. */
double median_of(double *numbers, size_t count);
/* A table of one section for people: Ouro, Linux, instructions, and the ratio last. */
void figures_print(const struct figures *figures, const char *section, FILE *out);
/* A table whose columns are the series of the section in the order of their first sample, each but
 * the first with its ratio to the first. */
void figures_print_columns(const struct figures *figures, const char *section, FILE *out);
void figures_write_json(const struct figures *figures, const char *accelerator, FILE *out);
/* Compares with an earlier run: prints what got worse beyond the spread of both, and returns how many
 * did. Fails the tool when the file was not written by us or with another accelerator. Linux's own
 * series are not judged. */
size_t figures_compare(const struct figures *figures, const char *accelerator, const char *path,
                       FILE *out);
