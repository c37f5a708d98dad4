/* SPDX-License-Identifier: MIT */
#include "mm/fault_report.h"

#include "base/fmt.h"
#include "mm/layout.h"

#include <stdarg.h>

#define LL(x) ((unsigned long long)(x))
#define LINE  240

struct writer {
    fault_line sink;
    void *context;
};

static PRINTF_LIKE(2, 3) void line(const struct writer *w, const char *format, ...)
{
    char text[LINE];
    va_list args;
    va_start(args, format);
    fmt_vsnprintf(text, sizeof text, format, args);
    va_end(args);
    w->sink(w->context, text);
}

static const char *access_verb(enum fault_access access)
{
    static const char *const words[] = {"read at", "write at", "jump to"};
    return words[access];
}

static bool is_canonical(virt_t v)
{
    return (uint64_t)((int64_t)(v.v << 16) >> 16) == v.v;
}

static const char *kind_words(const struct fault_neighbour *n)
{
    if (n->kind == AREA_GUARD)
        return n->flags & AREA_STACK ? "guard below the stack" : "guard";
    if (n->flags & AREA_STACK)
        return "stack";
    if (n->flags & AREA_HEAP)
        return "heap";
    if (n->flags & AREA_IMAGE)
        return n->kind == AREA_FILE ? "program image" : "program image (bss)";
    return n->kind == AREA_FILE ? "file mapping" : "anonymous memory";
}

void fault_report_cause(const struct fault_facts *f, char *to, size_t size)
{
    if (!f->page_fault) {
        fmt_snprintf(to, size, "%s", f->exception);
    } else if (!is_canonical(f->address)) {
        fmt_snprintf(to, size, "non-canonical pointer");
    } else if (f->address.v < LAYOUT_PROGRAM_START) {
        if (f->access == ACCESS_EXECUTE)
            fmt_snprintf(to, size, "call of a null function pointer");
        else
            fmt_snprintf(to, size, "null pointer, offset 0x%llx", LL(f->address.v));
    } else if (f->here.there && f->here.kind == AREA_GUARD) {
        fmt_snprintf(to, size, "stack overflow by %llu bytes",
                     LL(f->here.range.end.v - f->address.v));
    } else if (f->here.there && f->access == ACCESS_EXECUTE) {
        fmt_snprintf(to, size, "jump into data (%s)", kind_words(&f->here));
    } else if (f->here.there && f->access == ACCESS_WRITE && !prot_can_write(f->here.prot)) {
        fmt_snprintf(to, size, "write to read-only memory (%s)", kind_words(&f->here));
    } else if (f->here.there) {
        fmt_snprintf(to, size, "access that the area does not allow (%s)", kind_words(&f->here));
    } else if (f->address.v >= LAYOUT_PROGRAM_END) {
        fmt_snprintf(to, size, "address outside the program's half");
    } else {
        fmt_snprintf(to, size, "nothing is mapped there");
    }
}

static void write_area(const struct writer *w, const char *label, const struct fault_neighbour *n,
                       const char *distance)
{
    line(w, "%s[0x%llx, 0x%llx) %c%c%c %s%s%s%s", label, LL(n->range.start.v), LL(n->range.end.v),
         prot_can_read(n->prot) ? 'r' : '-', prot_can_write(n->prot) ? 'w' : '-',
         prot_can_execute(n->prot) ? 'x' : '-', kind_words(n), n->name[0] ? " " : "", n->name,
         distance);
}

static void write_where(const struct writer *w, const struct fault_facts *f)
{
    char distance[64];
    if (f->here.there) {
        fmt_snprintf(distance, sizeof distance, ", at +0x%llx",
                     LL(f->address.v - f->here.range.start.v));
        write_area(w, "  where   ", &f->here, distance);
        return;
    }
    line(w, "  where   in no area of the program");
    if (f->below.there) {
        fmt_snprintf(distance, sizeof distance, ", ends 0x%llx below",
                     LL(f->address.v - f->below.range.end.v));
        write_area(w, "    below ", &f->below, distance);
    }
    if (f->above.there) {
        fmt_snprintf(distance, sizeof distance, ", starts 0x%llx above",
                     LL(f->above.range.start.v - f->address.v));
        write_area(w, "    above ", &f->above, distance);
    }
}

static bool area_allows(const struct fault_facts *f)
{
    return f->here.there && f->here.kind != AREA_GUARD &&
           (f->access == ACCESS_WRITE     ? prot_can_write(f->here.prot)
            : f->access == ACCESS_EXECUTE ? prot_can_execute(f->here.prot)
                                          : f->here.prot.bits != 0);
}

/* Which entry said no, after a fresh walk. */
static const char *denial(const struct fault_facts *f)
{
    if (f->walk.leaf_level == 0)
        return "not present";
    if (f->access == ACCESS_WRITE && !f->walk.writable)
        return "W=0";
    if (f->access == ACCESS_EXECUTE && !f->walk.executable)
        return "NX=1";
    return "nothing denies it now: a stale TLB entry, or the tables changed";
}

static void write_why(const struct writer *w, const struct fault_facts *f)
{
    if (f->walk.last_level > PT_LEVELS) {
        line(w, "  why     the address is not canonical: bits 63-47 differ; error code 0x%llx",
             LL(f->error));
        return;
    }
    line(w, "  why     %slevel %d entry: %s; error code 0x%llx = %s%s%s%s",
         f->here.there && !area_allows(f) ? "the area does not allow it; " : "", f->walk.last_level,
         denial(f), LL(f->error), f->error & 1 ? "protection" : "not present",
         f->error & 2    ? " | write"
         : f->error & 16 ? ""
                         : " | read",
         f->error & 8 ? " | reserved bit" : "", f->error & 16 ? " | instruction fetch" : "");
}

static void write_walk(const struct writer *w, const struct pt_walk *walk)
{
    for (int level = PT_LEVELS; level >= 1 && level >= walk->last_level; level--) {
        uint64_t e = walk->entry[level].v;
        const char *label = level == PT_LEVELS ? "walk   " : "       ";
        unsigned index = pt_index(walk->address, level);
        if (!(e & PTE_P))
            line(w, "  %s L%d[0x%03x] = %016llx not present", label, level, index, LL(e));
        else
            line(w, "  %s L%d[0x%03x] = %016llx r%c%c%s%s%s%s", label, level, index, LL(e),
                 e & PTE_W ? 'w' : '-', e & PTE_NX ? '-' : 'x', e & PTE_A ? " accessed" : "",
                 e & PTE_D ? " dirty" : "", level > 1 && e & PTE_PS ? " large" : "",
                 e & PTE_COPY ? " copy-on-write" : "");
    }
}

static const char *hint(const struct fault_facts *f)
{
    if (!f->page_fault)
        return NULL;
    if (f->address.v < LAYOUT_PROGRAM_START)
        return "look for the register that is zero or small below; the offset is the member's";
    if (f->here.there && f->here.kind == AREA_GUARD)
        return "a recursion without end, or local arrays larger than the stack (8 MiB)";
    if (f->here.there && f->here.flags & AREA_IMAGE && f->access == ACCESS_WRITE)
        return "string literals and constants are read-only";
    return NULL;
}

void fault_report_write(const struct fault_facts *f, fault_line sink, void *context)
{
    struct writer w = {sink, context};
    char cause[96];
    fault_report_cause(f, cause, sizeof cause);
    line(&w, "==== %s: %s", f->headline, cause);
    uint64_t us = f->time_ns / 1000;
    if (f->page_fault)
        line(&w, "  what    %s 0x%llx by rip 0x%llx, thread \"%s\", %llu.%06llu s after boot",
             access_verb(f->access), LL(f->address.v), LL(f->rip), f->who, LL(us / 1000000),
             LL(us % 1000000));
    else
        line(
            &w,
            "  what    %s by rip 0x%llx, thread \"%s\", error code 0x%llx, %llu.%06llu s after boot",
            f->exception, LL(f->rip), f->who, LL(f->error), LL(us / 1000000), LL(us % 1000000));
    if (f->page_fault) {
        write_where(&w, f);
        write_why(&w, f);
        write_walk(&w, &f->walk);
    }
    if (hint(f) != NULL)
        line(&w, "  hint    %s", hint(f));
}
