/* SPDX-License-Identifier: MIT */
/* Samples become folded stacks by name; equal stacks are merged; the graph follows from the sorted stacks. */
#include "report/profile.h"
#include "host/fail.h"
#include "host/file.h"
#include "report/symbols.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KERNEL_START UINT64_C(0xffff800000000000)
#define DEPTH_MAX    16
#define TOP_LINES    20

#define SVG_WIDTH    1200.0
#define SVG_ROW      17
#define SVG_LETTER   7.0 /* width of a character */

struct stack {
    char *folded; /* outermost first, separated by ';' */
    uint64_t count;
};

struct profile {
    struct symbols kernel, program;
    uint64_t image; /* start of the program's image */
    struct stack *stacks;
    size_t stack_count;
    uint64_t total, lost;
    unsigned depth;
};

bool profile_line(struct args *lines, const char *line)
{
    if (!string_starts(line, "sample") && !string_starts(line, "image "))
        return false;
    args_add(lines, line);
    return true;
}

/* A return address follows its call, which may be the last instruction of the function. */
static char *name_of(const struct profile *p, uint64_t pc, bool innermost)
{
    bool kernel = pc >= KERNEL_START;
    const struct symbols *symbols = kernel ? &p->kernel : &p->program;
    uint64_t at = kernel ? pc : pc - p->image + symbols->lowest;
    const char *name = symbols_find(symbols, innermost ? at : at - 1);
    return name ? string_copy(name) : string_format("%s", kernel ? "[kernel]" : "[program]");
}

static void add_sample(struct profile *p, const char *line)
{
    char *end;
    uint64_t pc[DEPTH_MAX], count = strtoull(line, &end, 10);
    unsigned depth = 0;
    for (; *end && depth < DEPTH_MAX; depth++)
        pc[depth] = strtoull(end, &end, 16);
    struct text folded = {0};
    for (unsigned i = depth; i-- > 0;) {
        char *name = name_of(p, pc[i], i == 0 || pc[i] < KERNEL_START);
        text_format(&folded, "%s%s", folded.length ? ";" : "", name);
        free(name);
    }
    if (!folded.length)
        return;
    p->stacks = memory_resize(p->stacks, (p->stack_count + 1) * sizeof(*p->stacks));
    p->stacks[p->stack_count++] = (struct stack){folded.bytes, count};
    p->total += count;
    if (depth > p->depth)
        p->depth = depth;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct stack *)a)->folded, ((const struct stack *)b)->folded);
}

static int by_count(const void *a, const void *b)
{
    uint64_t x = ((const struct stack *)a)->count, y = ((const struct stack *)b)->count;
    return x < y ? 1 : x > y ? -1 : by_text(a, b);
}

/* Sorts by text and merges equal stacks; returns the new count. */
static size_t merge(struct stack *stacks, size_t count)
{
    size_t kept = 0;
    if (count > 0)
        qsort(stacks, count, sizeof(*stacks), by_text);
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && strcmp(stacks[kept - 1].folded, stacks[i].folded) == 0) {
            stacks[kept - 1].count += stacks[i].count;
            free(stacks[i].folded);
        } else {
            stacks[kept++] = stacks[i];
        }
    }
    return kept;
}

static void read_lines(struct profile *p, const struct args *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        const char *line = lines->item[i];
        if (string_starts(line, "image "))
            p->image = strtoull(line + 6, NULL, 16);
        else if (string_starts(line, "sample "))
            add_sample(p, line + 7);
        else
            sscanf(line, "samples %*u %" SCNu64, &p->lost);
    }
    p->stack_count = merge(p->stacks, p->stack_count);
}

static void write_folded(const struct profile *p, const char *file)
{
    struct text out = {0};
    for (size_t i = 0; i < p->stack_count; i++)
        text_format(&out, "%s %" PRIu64 "\n", p->stacks[i].folded, p->stacks[i].count);
    file_write(file, out.length ? out.bytes : "");
    text_free(&out);
}

static void print_top(const struct profile *p)
{
    struct stack *leaves = memory((p->stack_count + 1) * sizeof(*leaves));
    for (size_t i = 0; i < p->stack_count; i++) {
        const char *last = strrchr(p->stacks[i].folded, ';');
        leaves[i] =
            (struct stack){string_copy(last ? last + 1 : p->stacks[i].folded), p->stacks[i].count};
    }
    size_t count = merge(leaves, p->stack_count);
    if (count > 0)
        qsort(leaves, count, sizeof(*leaves), by_count);
    warn("profile: %" PRIu64 " samples, a millisecond each, %" PRIu64 " lost", p->total, p->lost);
    for (size_t i = 0; i < count && i < TOP_LINES; i++)
        warn("%6.1f%% %8" PRIu64 "  %s", 100.0 * (double)leaves[i].count / (double)p->total,
             leaves[i].count, leaves[i].folded);
    for (size_t i = 0; i < count; i++)
        free(leaves[i].folded);
    free(leaves);
}

static void add_escaped(struct text *out, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == '<')
            text_string(out, "&lt;");
        else if (bytes[i] == '>')
            text_string(out, "&gt;");
        else if (bytes[i] == '&')
            text_string(out, "&amp;");
        else
            text_add(out, bytes + i, 1);
    }
}

/* One box: the name as far as it fits, and in full as the tooltip. */
static void add_box(struct text *out, const struct profile *p, const char *name, size_t length,
                    unsigned level, const uint64_t range[2])
{
    double scale = SVG_WIDTH / (double)p->total, x = (double)range[0] * scale;
    double width = (double)(range[1] - range[0]) * scale;
    unsigned y = (p->depth - level) * SVG_ROW, hue = 0;
    size_t fits = width > 2 * SVG_LETTER ? (size_t)((width - SVG_LETTER) / SVG_LETTER) : 0;
    for (size_t i = 0; i < length; i++)
        hue = hue * 31 + (unsigned char)name[i];
    text_string(out, "<g><title>");
    add_escaped(out, name, length);
    text_format(out,
                " %.1f%%</title><rect x=\"%.1f\" y=\"%u\" width=\"%.1f\" height=\"%d\" "
                "fill=\"hsl(%u,75%%,65%%)\" stroke=\"white\"/><text x=\"%.1f\" y=\"%u\">",
                100.0 * (double)(range[1] - range[0]) / (double)p->total, x, y, width, SVG_ROW - 1,
                hue % 60, x + 3, y + 12);
    add_escaped(out, name, length < fits ? length : fits);
    text_string(out, "</text></g>\n");
}

/* Adds the boxes of stacks [from, to), which are equal up to `offset`, from there on. The stacks are
 * sorted, so stacks with a longer common prefix are adjacent. */
static void add_boxes(struct text *out, const struct profile *p, const size_t from_to[2],
                      size_t offset, unsigned level, uint64_t x)
{
    size_t i = from_to[0];
    while (i < from_to[1]) {
        const char *name = p->stacks[i].folded + offset;
        size_t length = strcspn(name, ";"), first = i;
        uint64_t range[2] = {x, x};
        if (strlen(p->stacks[i].folded) <=
            offset) { /* the stack ends below: its samples take their width */
            x += p->stacks[i++].count;
            continue;
        }
        for (; i < from_to[1]; i++) {
            const char *other = p->stacks[i].folded + offset;
            if (strcspn(other, ";") != length || strncmp(name, other, length) != 0)
                break;
            range[1] += p->stacks[i].count;
        }
        add_box(out, p, name, length, level, range);
        size_t inner[2] = {first, i};
        while (inner[0] < i && p->stacks[inner[0]].folded[offset + length] == '\0')
            x += p->stacks[inner[0]++].count;
        add_boxes(out, p, inner, offset + length + 1, level + 1, x);
        x = range[1];
    }
}

static void write_graph(const struct profile *p, const char *file)
{
    struct text out = {0};
    const size_t all[2] = {0, p->stack_count};
    text_format(&out,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%u\" "
                "font-family=\"monospace\" font-size=\"11\">\n",
                (int)SVG_WIDTH, (p->depth + 1) * SVG_ROW);
    add_boxes(&out, p, all, 0, 1, 0);
    text_string(&out, "</svg>\n");
    file_write(file, out.bytes);
    text_free(&out);
}

void profile_write(const struct args *lines, const char *kernel, const char *program,
                   const char *file)
{
    struct profile p = {0};
    char *graph = string_format("%s.svg", file);
    symbols_read(&p.kernel, kernel);
    if (program)
        symbols_read(&p.program, program);
    read_lines(&p, lines);
    if (p.total == 0) {
        warn("profile: no sample was taken: the program ended too soon");
    } else {
        write_folded(&p, file);
        write_graph(&p, graph);
        print_top(&p);
    }
    for (size_t i = 0; i < p.stack_count; i++)
        free(p.stacks[i].folded);
    free(p.stacks);
    symbols_free(&p.kernel);
    symbols_free(&p.program);
    free(graph);
}
