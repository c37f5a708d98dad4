/* SPDX-License-Identifier: MIT */
/* An array of series with linear search: there are some hundred. */
#include "bench/bench_figures.h"
#include "host/fail.h"
#include "host/text.h"

#include <stdlib.h>
#include <string.h>

#define NAME_SIZE      48
#define COLUMNS_MAX    8
#define WORSE_AT_LEAST 1.03 /* below this ratio no regression, however narrow the spread */
#define WORSE_COUNTED  1.01 /* the same for counts, which have no noise */
#define COUNTED_SUFFIX "-instructions"

struct series {
    char section[NAME_SIZE], name[NAME_SIZE], unit[NAME_SIZE], series[NAME_SIZE];
    double *sample;
    size_t count;
};

static bool is_figure(const struct series *s, const struct figure_key *key)
{
    return strcmp(s->section, key->section) == 0 && strcmp(s->name, key->name) == 0 &&
           strcmp(s->unit, key->unit) == 0;
}

static struct series *find(const struct figures *f, const struct figure_key *key,
                           const char *series)
{
    for (size_t i = 0; i < f->count; i++)
        if (is_figure(&f->series[i], key) && strcmp(f->series[i].series, series) == 0)
            return &f->series[i];
    return NULL;
}

void figures_add(struct figures *f, const struct figure_key *key, const char *series, double sample)
{
    struct series *s = find(f, key, series);
    if (s == NULL) {
        f->series = memory_resize(f->series, (f->count + 1) * sizeof *f->series);
        s = &f->series[f->count++];
        *s = (struct series){.count = 0};
        snprintf(s->section, NAME_SIZE, "%s", key->section);
        snprintf(s->name, NAME_SIZE, "%s", key->name);
        snprintf(s->unit, NAME_SIZE, "%s", key->unit);
        snprintf(s->series, NAME_SIZE, "%s", series);
    }
    s->sample = memory_resize(s->sample, (s->count + 1) * sizeof *s->sample);
    s->sample[s->count++] = sample;
}

void figures_free(struct figures *f)
{
    for (size_t i = 0; i < f->count; i++)
        free(f->series[i].sample);
    free(f->series);
    *f = (struct figures){0};
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double median_of(double *numbers, size_t count)
{
    qsort(numbers, count, sizeof *numbers, by_size);
    double upper = numbers[count / 2];
    return count % 2 ? upper : (numbers[count / 2 - 1] + upper) / 2;
}

static struct summary summarise(const struct series *s)
{
    if (s == NULL || s->count == 0)
        return (struct summary){.samples = 0};
    double *sorted = memory(s->count * sizeof *sorted);
    memcpy(sorted, s->sample, s->count * sizeof *sorted);
    struct summary summary = {.median = median_of(sorted, s->count), .samples = s->count};
    summary.least = sorted[0];
    summary.greatest = sorted[s->count - 1];
    free(sorted);
    return summary;
}

struct summary figures_summary(const struct figures *f, const struct figure_key *key,
                               const char *series)
{
    return summarise(find(f, key, series));
}

/* Formats with three significant digits, at most two of them after the point. */
static void number(char *text, size_t size, double value)
{
    snprintf(text, size, "%.*f", value >= 100 ? 0 : value >= 10 ? 1 : 2, value);
}

static void print_spread(const struct summary *s, FILE *out)
{
    char median[32], least[32], greatest[32], both[80];
    number(median, sizeof median, s->median);
    number(least, sizeof least, s->least);
    number(greatest, sizeof greatest, s->greatest);
    snprintf(both, sizeof both, "%s-%s", least, greatest);
    if (s->samples == 0)
        fprintf(out, " %9s %-17s", "n/a", "");
    else
        fprintf(out, " %9s %-17s", median, s->samples > 1 ? both : "");
}

static void print_counted(const struct summary *s, FILE *out)
{
    if (s->samples == 0)
        fprintf(out, " %8s", "-");
    else
        fprintf(out, " %8.0f", s->median);
}

/* True if the series is in the section and is the first of its figure. */
static bool opens_figure(const struct figures *f, size_t position, const char *section)
{
    const struct series *s = &f->series[position];
    const struct figure_key key = {s->section, s->name, s->unit};
    if (strcmp(s->section, section) != 0)
        return false;
    for (size_t i = 0; i < position; i++)
        if (is_figure(&f->series[i], &key))
            return false;
    return true;
}

static bool has_section(const struct figures *f, const char *section)
{
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->series[i].section, section) == 0)
            return true;
    return false;
}

void figures_print(const struct figures *f, const char *section, FILE *out)
{
    if (!has_section(f, section))
        return;
    fprintf(out, "\n%-22s %-5s %9s %-17s %9s %-17s %8s %8s %7s\n", section, "unit", "Ouro",
            "least-greatest", "Linux", "least-greatest", "Ouro in", "Linux in", "ratio");
    for (size_t i = 0; i < f->count; i++) {
        if (!opens_figure(f, i, section))
            continue;
        const struct figure_key key = {f->series[i].section, f->series[i].name, f->series[i].unit};
        struct summary ours = figures_summary(f, &key, SERIES_OURO);
        struct summary peer = figures_summary(f, &key, SERIES_LINUX);
        struct summary counted = figures_summary(f, &key, SERIES_OURO_INSTRUCTIONS);
        struct summary peer_counted = figures_summary(f, &key, SERIES_LINUX_INSTRUCTIONS);
        fprintf(out, "%-22s %-5s", key.name, key.unit);
        print_spread(&ours, out);
        print_spread(&peer, out);
        print_counted(&counted, out);
        print_counted(&peer_counted, out);
        if (ours.samples && peer.samples && ours.median > 0)
            fprintf(out, " %6.2fx", peer.median / ours.median);
        fputc('\n', out);
    }
}

#define GROWTH_SIZES 4

/* Length of the name without "_SIZE". */
static int operation_length(const char *name)
{
    const char *end = strrchr(name, '_');
    return end ? (int)(end - name) : (int)strlen(name);
}

/* One line: the sizes, or the medians of one series at these sizes. */
static void print_growth_line(const struct series *at[GROWTH_SIZES], const char *series, FILE *out)
{
    double least = 0, last = 0;
    int length = operation_length(at[0]->name);
    fprintf(out, "%-22.*s %-18s", length, at[0]->name, series);
    for (size_t i = 0; i < GROWTH_SIZES && at[i]; i++) {
        char text[32];
        struct summary s = summarise(at[i]);
        number(text, sizeof text, s.median);
        fprintf(out, " %9s", text);
        least = i == 0 ? s.median : least;
        last = s.median;
    }
    if (least > 0)
        fprintf(out, " %6.2fx", last / least);
    if (strcmp(series, SERIES_OURO_INSTRUCTIONS) == 0 && last > least * GROWTH_MAX)
        fputs(" GROWS", out);
    fputc('\n', out);
}

void figures_print_growth(const struct figures *f, const char *section, FILE *out)
{
    bool *printed = memory(f->count * sizeof *printed + 1);
    memset(printed, 0, f->count * sizeof *printed);
    for (size_t i = 0; i < f->count; i++) {
        const struct series *first = &f->series[i], *at[GROWTH_SIZES] = {first};
        size_t count = 1;
        if (printed[i] || strcmp(first->section, section) != 0)
            continue;
        int length = operation_length(first->name);
        for (size_t k = i + 1; k < f->count && count < GROWTH_SIZES; k++) {
            const struct series *s = &f->series[k];
            if (strcmp(s->section, section) == 0 && strcmp(s->series, first->series) == 0 &&
                operation_length(s->name) == length &&
                strncmp(s->name, first->name, (size_t)length) == 0) {
                at[count++] = s;
                printed[k] = true;
            }
        }
        print_growth_line(at, first->series, out);
    }
    free(printed);
}

/* The series of a section in the order in which they appeared. */
static size_t columns_of(const struct figures *f, const char *section,
                         const char *column[COLUMNS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < f->count; i++) {
        bool known = strcmp(f->series[i].section, section) != 0;
        for (size_t k = 0; k < count; k++)
            known = known || strcmp(column[k], f->series[i].series) == 0;
        if (!known && count < COLUMNS_MAX)
            column[count++] = f->series[i].series;
    }
    return count;
}

void figures_print_columns(const struct figures *f, const char *section, FILE *out)
{
    const char *column[COLUMNS_MAX];
    size_t columns = columns_of(f, section, column);
    if (columns == 0)
        return;
    fprintf(out, "\n%-22s %-12s", section, "unit");
    for (size_t k = 0; k < columns; k++)
        fprintf(out, " %18s", column[k]);
    fputc('\n', out);
    for (size_t i = 0; i < f->count; i++) {
        if (!opens_figure(f, i, section))
            continue;
        const struct figure_key key = {f->series[i].section, f->series[i].name, f->series[i].unit};
        struct summary first = figures_summary(f, &key, column[0]);
        fprintf(out, "%-22s %-12s", key.name, key.unit);
        for (size_t k = 0; k < columns; k++) {
            struct summary s = figures_summary(f, &key, column[k]);
            char text[32] = "n/a", ratio[32] = "";
            if (s.samples)
                number(text, sizeof text, s.median);
            if (k > 0 && s.samples && first.samples && first.median > 0)
                snprintf(ratio, sizeof ratio, "%.2fx", s.median / first.median);
            fprintf(out, " %10s %7s", text, ratio);
        }
        fputc('\n', out);
    }
}

#define JSON_HEAD "{\"ouro-bench\": 1, \"accelerator\": \"%s\", \"figures\": [\n"
#define JSON_LINE                                                                                  \
    "{\"section\": \"%s\", \"figure\": \"%s\", \"unit\": \"%s\", \"series\": \"%s\", "             \
    "\"median\": %.10g, \"least\": %.10g, \"greatest\": %.10g, \"samples\": %zu}%s\n"
#define JSON_HEAD_SCAN "{\"ouro-bench\": 1, \"accelerator\": \"%47[^\"]\", \"figures\": ["
#define JSON_LINE_SCAN                                                                             \
    "{\"section\": \"%47[^\"]\", \"figure\": \"%47[^\"]\", \"unit\": \"%47[^\"]\", "               \
    "\"series\": \"%47[^\"]\", \"median\": %lf, \"least\": %lf, \"greatest\": %lf, "               \
    "\"samples\": %zu}"
#define JSON_LINE_FIELDS 8

/* Names are not escaped: they come from tables here and from a guest's output, which
 * tool/bench/bench_machine.c accepts only as words without quotes. */
void figures_write_json(const struct figures *f, const char *accelerator, FILE *out)
{
    fprintf(out, JSON_HEAD, accelerator);
    for (size_t i = 0; i < f->count; i++) {
        const struct series *s = &f->series[i];
        struct summary summary = summarise(s);
        fprintf(out, JSON_LINE, s->section, s->name, s->unit, s->series, summary.median,
                summary.least, summary.greatest, summary.samples, i + 1 < f->count ? "," : "");
    }
    fputs("]}\n", out);
}

/* True if the median got worse by more than the spread of both runs. */
static bool is_worse(const struct summary *now, const struct summary *then, const char *series)
{
    double margin = string_ends(series, COUNTED_SUFFIX) ? WORSE_COUNTED : WORSE_AT_LEAST;
    return now->samples > 0 && now->least > then->greatest && now->median > then->median * margin;
}

size_t figures_compare(const struct figures *f, const char *accelerator, const char *path,
                       FILE *out)
{
    char line[1024], section[NAME_SIZE], name[NAME_SIZE], unit[NAME_SIZE], series[NAME_SIZE];
    size_t worse = 0, compared = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        fail_errno("cannot read %s", path);
    if (fgets(line, sizeof line, file) == NULL || sscanf(line, JSON_HEAD_SCAN, unit) != 1)
        fail(STATUS_FAILED, "%s was not written by ouro bench --json", path);
    if (strcmp(unit, accelerator) != 0)
        fail(STATUS_FAILED, "%s was measured with %s, and this is %s", path, unit, accelerator);
    while (fgets(line, sizeof line, file) != NULL) {
        struct summary then;
        if (sscanf(line, JSON_LINE_SCAN, section, name, unit, series, &then.median, &then.least,
                   &then.greatest, &then.samples) != JSON_LINE_FIELDS ||
            string_starts(series, SERIES_LINUX))
            continue;
        const struct figure_key key = {section, name, unit};
        struct summary now = figures_summary(f, &key, series);
        compared += now.samples > 0;
        if (!is_worse(&now, &then, series))
            continue;
        worse++;
        fprintf(out, "worse: %s %s, %s: %.10g %s (%.10g-%.10g), before %.10g (%.10g-%.10g)\n",
                section, name, series, now.median, unit, now.least, now.greatest, then.median,
                then.least, then.greatest);
    }
    fclose(file);
    fprintf(out, "%zu figures compared with %s: %zu worse\n", compared, path, worse);
    return worse;
}
