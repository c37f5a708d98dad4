/* SPDX-License-Identifier: MIT */
/*
 * The results of `ouro bench`: figures, each with one series of samples per system. Less is better for
 * all. A series is shown by its median and its spread, least to greatest.
 *
 * The JSON format, which --against reads (only as written here: one object a line):
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
    size_t samples; /* 0: no samples, and the rest is 0 */
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
/* The median; sorts the numbers in place; count > 0. */
double median_of(double *numbers, size_t count);
/* Prints a table of one section: Ouro, Linux, instructions, and the ratio last. */
void figures_print(const struct figures *figures, const char *section, FILE *out);
/* Prints a table of a section with figures named OPERATION_SIZE: a line for each operation and
 * series, with the medians of up to four sizes in the order of their first sample, and the last divided
 * by the first. Counted instructions of Ouro that grow more than GROWTH_MAX times are marked. */
#define GROWTH_MAX 3
void figures_print_growth(const struct figures *figures, const char *section, FILE *out);
/* Prints a table whose columns are the series of the section in the order of their first sample; each
 * but the first shows its ratio to the first. */
void figures_print_columns(const struct figures *figures, const char *section, FILE *out);
void figures_write_json(const struct figures *figures, const char *accelerator, FILE *out);
/* Compares with an earlier run: prints the figures that got worse beyond the spread of both, and returns
 * their number. Fails the tool if the file has another format or another accelerator. The series of
 * Linux are not compared. */
size_t figures_compare(const struct figures *figures, const char *accelerator, const char *path,
                       FILE *out);
