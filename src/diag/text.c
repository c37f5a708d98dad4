/* SPDX-License-Identifier: MIT */
#include "diag/text.h"
#include "diag/text_line.h"

#include "base/fmt.h"
#include "base/str.h"
#include "cpu/trap.h"
#include "mm/layout.h"
#include "mm/vm/fault.h"

#include <stdarg.h>

#define LINE 240

PRINTF_LIKE(2, 3) void text_line(const struct text_writer *w, const char *format, ...)
{
    char text[LINE];
    va_list args;
    va_start(args, format);
    fmt_vsnprintf(text, sizeof text, format, args);
    va_end(args);
    w->sink(w->context, text);
}

/* Appends at `used`; returns the new length, which stays below `size`. */
static PRINTF_LIKE(4, 5) size_t add(char *to, size_t size, size_t used, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    used += fmt_vsnprintf(to + used, size - used, format, args);
    va_end(args);
    return used < size ? used : size - 1;
}

static const char *verb(enum fault_access access)
{
    static const char *const words[] = {"READ", "WRITE", "EXECUTE"};
    return words[access];
}

/* Bytes of the access by the instruction's operand; 0: unknown. */
static unsigned width(const struct fault_facts *f)
{
    for (unsigned i = 0; f->has_insn && i < f->insn.operands; i++) {
        const struct x86_operand *m = &f->insn.operand[i];
        bool right = f->access == ACCESS_WRITE ? m->write : m->read;
        uint64_t at = x86_address(&f->insn, m, f->registers, f->fs_base, f->gs_base);
        if (right && f->address.v - at < (m->size ? m->size : 1))
            return m->size;
    }
    return 0;
}

void fault_report_deed(const struct fault_facts *f, char *to, size_t size)
{
    size_t n = 0;
    if (!f->has_address || (f->vector != VECTOR_PAGE_FAULT && !f->computed)) {
        const char *what = f->reason != NULL      ? f->reason
                           : f->exception != NULL ? f->exception
                           : f->signal != NULL    ? f->signal
                                                  : "stop";
        fmt_snprintf(to, size, "%s", what);
        return;
    }
    unsigned bytes = f->access == ACCESS_EXECUTE ? 0 : width(f);
    n = add(to, size, n, "%s", verb(f->access));
    if (bytes != 0)
        n = add(to, size, n, " of %u byte%s", bytes, bytes == 1 ? "" : "s");
    n = add(to, size, n, " at 0x%llx", LL(f->address.v));
    if (f->target[0])
        add(to, size, n, " (%s)", f->target);
}

/* CRASH: of the program. PANIC: of the kernel. DUMP: on request; the program continues. */
static const char *kind(const struct fault_facts *f)
{
    return f->cause == FAULT_BY_REQUEST ? "DUMP" : f->panic ? "PANIC" : "CRASH";
}

static void write_banner(const struct text_writer *w, const struct fault_facts *f)
{
    char signal[48] = "";
    if (f->signal != NULL && f->code_name != NULL)
        fmt_snprintf(signal, sizeof signal, " (%s, %s)", f->signal, f->code_name);
    else if (f->signal != NULL)
        fmt_snprintf(signal, sizeof signal, " (%s, code %d)", f->signal, f->code);
    text_line(w, "==== %s: %s%s ==== ouro %s build %012llx", kind(f),
              fault_class_words(fault_classify(f)), signal, f->version, LL(f->build_id >> 16));
}

static void write_what(const struct text_writer *w, const struct fault_facts *f)
{
    char deed[200];
    uint64_t us = f->time_ns / 1000;
    fault_report_deed(f, deed, sizeof deed);
    if (f->reason != NULL && f->has_address)
        text_line(w, "  reason  %s", f->reason);
    if (f->cause == FAULT_BY_DEADLOCK) {
        text_line(w, "  what    %s", deed);
        text_line(w, "  who     nobody runs, %llu.%06llu s after boot", LL(us / 1000000),
                  LL(us % 1000000));
        return;
    }
    text_line(w, "  what    %s by %s%s0x%llx%s", deed, f->at, f->at[0] ? " (rip " : "rip ",
              LL(f->registers[X86_RIP]), f->at[0] ? ")" : "");
    if (f->caller[0])
        text_line(w, "          called or jumped to from %s", f->caller);
    char process[32] = "";
    if (f->process != 0)
        fmt_snprintf(process, sizeof process, " of process %d", f->process);
    text_line(w, "  who     thread %u \"%s\"%s on CPU %u, %llu.%06llu s after boot%s", f->thread,
              f->who, process, f->cpu, LL(us / 1000000), LL(us % 1000000),
              f->panic && f->vector != VECTOR_MACHINE_CHECK ? ", in the kernel" : "");
}

static void write_area(const struct text_writer *w, const char *label,
                       const struct fault_neighbour *n, const char *distance)
{
    text_line(w, "%s[0x%llx, 0x%llx) %c%c%c %s%s%s%s%s%s", label, LL(n->range.start.v),
              LL(n->range.end.v), prot_can_read(n->prot) ? 'r' : '-',
              prot_can_write(n->prot) ? 'w' : '-', prot_can_execute(n->prot) ? 'x' : '-',
              fault_area_words(n), n->name[0] && n->kind != 0 ? " " : "", n->name,
              n->place[0] ? ", " : "", n->place, distance);
}

/* A neighbour farther away has nothing to do with the access. */
#define FAR (UINT64_C(1) << 30)

/* "ends 0x1234 below"; from 1 MiB up "ends 0x400000 (4 MiB) below". */
static void write_neighbour(const struct text_writer *w, const struct fault_neighbour *n,
                            uint64_t bytes, bool below)
{
    char distance[64], words[24] = "";
    if (!n->there || bytes >= FAR)
        return;
    if (bytes >= UINT64_C(1) << 20)
        fmt_snprintf(words, sizeof words, " (%llu MiB)", LL(bytes >> 20));
    fmt_snprintf(distance, sizeof distance, ", %s 0x%llx%s %s", below ? "ends" : "starts",
                 LL(bytes), words, below ? "below" : "above");
    write_area(w, below ? "          below " : "          above ", n, distance);
}

static void write_where(const struct text_writer *w, const struct fault_facts *f)
{
    char distance[64];
    if (!f->has_address)
        return;
    if (!fault_is_canonical(f->address.v)) {
        text_line(w, "  where   nowhere: bits 63 to 47 of an address must be equal");
        return;
    }
    if (f->here.there) {
        fmt_snprintf(distance, sizeof distance, ", at +0x%llx",
                     LL(f->address.v - f->here.range.start.v));
        write_area(w, "  where   ", &f->here, distance);
        return;
    }
    text_line(w, "  where   in no area%s",
              f->address.v < LAYOUT_PROGRAM_START ? ": the first 64 KiB are never mapped" : "");
    write_neighbour(w, &f->below, f->address.v - f->below.range.end.v, true);
    write_neighbour(w, &f->above, f->above.range.start.v - f->address.v, false);
}

static void write_stack(const struct text_writer *w, const struct fault_facts *f)
{
    const struct fault_stack *s = &f->stack;
    uint64_t rsp = f->registers[X86_RSP], size = virt_range_size(s->range);
    char state[120];
    if (!s->there) {
        text_line(w, "  stack   rsp 0x%llx is in no stack", LL(rsp));
        return;
    }
    if (rsp >= s->range.start.v && rsp <= s->range.end.v) {
        uint64_t used = s->range.end.v - rsp;
        fmt_snprintf(state, sizeof state, "%llu KiB, %llu bytes used (%llu%%)", LL(size / 1024),
                     LL(used), size ? LL(used * 100 / size) : 0);
    } else {
        fmt_snprintf(state, sizeof state, "%llu KiB, rsp 0x%llx is %llu bytes below it",
                     LL(size / 1024), LL(rsp), LL(s->range.start.v - rsp));
    }
    text_line(w, "  stack   %s: [0x%llx, 0x%llx) %s", s->owner, LL(s->range.start.v),
              LL(s->range.end.v), state);
    if (fault_classify(f) != FAULT_CLASS_STACK_OVERFLOW)
        return;
    if (s->guard != 0)
        text_line(w, "          overflow by %llu bytes; the guard below the stack is %llu KiB",
                  LL(fault_overflow_bytes(f)), LL(s->guard / 1024));
    else
        text_line(w, "          overflow by %llu bytes, past any guard",
                  LL(fault_overflow_bytes(f)));
}

static void write_error(const struct text_writer *w, const struct fault_facts *f)
{
    uint64_t e = f->error;
    static const char *const tables[] = {"GDT", "IDT", "LDT", "IDT"};
    if (f->vector == VECTOR_PAGE_FAULT)
        text_line(w, "          error code 0x%llx = %s, %s%s%s; rights of ring 0", LL(e),
                  e & PF_PRESENT ? "protection" : "not present",
                  e & PF_EXECUTE ? "instruction fetch"
                  : e & PF_WRITE ? "write"
                                 : "read",
                  e & PF_RESERVED ? ", reserved bit" : "", e & PF_USER ? ", user mode" : "");
    else if (e != 0 && f->vector < VECTOR_EXCEPTIONS)
        text_line(w, "          error code 0x%llx = selector 0x%llx in the %s%s", LL(e),
                  LL(e & 0xfff8), tables[e >> 1 & 3],
                  e & 1 ? ", while an event was delivered" : "");
}

static void write_why_not_mapped(const struct text_writer *w, const struct fault_facts *f)
{
    const char *why = NULL;
    int level = fault_denying_level(f, &why);
    bool allowed = f->here.there && f->here.kind != AREA_GUARD &&
                   (f->access == ACCESS_WRITE     ? prot_can_write(f->here.prot)
                    : f->access == ACCESS_EXECUTE ? prot_can_execute(f->here.prot)
                                                  : f->here.prot.bits != 0);
    const char *area = !f->here.there ? ""
                       : allowed      ? "; the area allows it"
                                      : "; the area does not allow it";
    if (f->past_file)
        text_line(w, "  why     the file ends before this page");
    else if (f->out_of_memory)
        text_line(w, "  why     the area allows it, but no free page is left");
    else if (level == 0)
        text_line(
            w,
            "  why     nothing denies it after a fresh walk: a stale TLB entry, or the tables changed%s",
            area);
    else
        text_line(w, "  why     level %d entry: %s%s", level, why, area);
}

/* The MCA error code, bits 15-0 of a bank's status (SDM 3B 16.9). */
static const char *bank_words(uint64_t status)
{
    uint16_t code = (uint16_t)status & 0xefff; /* without bit 12: correction report filtering */
    return code >> 11 == 1         ? "bus or interconnect"
           : code == 0x0400        ? "internal timer"
           : code >> 10 == 1       ? "internal error"
           : code >> 8 == 1        ? "cache"
           : code >> 7 == 1        ? "memory controller"
           : (code >> 4 & ~8) == 1 ? "TLB"
           : code == 5             ? "internal parity"
           : code == 1             ? "unclassified"
                                   : "error of the model's own";
}

static void write_banks(const struct text_writer *w, const struct fault_facts *f)
{
    for (unsigned i = 0; i < f->bank_count; i++) {
        const struct fault_bank *b = &f->banks[i];
        char place[40] = "";
        if (b->status & FAULT_BANK_ADDRESS)
            fmt_snprintf(place, sizeof place, " at physical 0x%llx", LL(b->address));
        text_line(w, "  %s bank %u: %s error: %s%s%s%s%s", i == 0 ? "why    " : "       ",
                  b->number, b->status & FAULT_BANK_UNCORRECTED ? "uncorrected" : "corrected",
                  bank_words(b->status), place,
                  b->status & FAULT_BANK_CORRUPT ? ", the state of the CPU is damaged" : "",
                  b->status & FAULT_BANK_OVERFLOW ? ", others were lost" : "",
                  f->machine_check_status & 1 ? "" : "; it cannot go on at rip");
        text_line(w, "          status 0x%llx misc 0x%llx, MCG_STATUS 0x%llx", LL(b->status),
                  LL(b->misc), LL(f->machine_check_status));
    }
}

static void write_why(const struct text_writer *w, const struct fault_facts *f)
{
    switch (fault_classify(f)) {
    case FAULT_CLASS_UNALIGNED:
        text_line(
            w,
            "  why     the instruction wants its operand aligned to 16 bytes; 0x%llx is %llu past that",
            LL(f->address.v), LL(f->address.v % 16));
        break;
    case FAULT_CLASS_RETURN:
        text_line(w, "  why     the word that `ret` took as its target is 0x%llx",
                  LL(f->has_popped && f->popped == f->registers[X86_RIP] ? f->popped : f->top));
        break;
    case FAULT_CLASS_PRIVILEGED:
        text_line(
            w,
            "  why     ring 0 may do this, but the CPU refuses the register or its value: rcx 0x%llx, rdx:rax 0x%llx:0x%llx",
            LL(f->registers[X86_RCX]), LL(f->registers[X86_RDX]), LL(f->registers[X86_RAX]));
        break;
    case FAULT_CLASS_PRIVILEGED_INSN:
        text_line(w, "  why     ring 0 may do this, but a program on Linux may not");
        break;
    case FAULT_CLASS_SOFTWARE:
        text_line(w, "  why     `int 0x%llx`: on Linux programs may raise 3 and 4 only",
                  LL(f->error >> IDT_ERROR_SHIFT));
        break;
    case FAULT_CLASS_GS:
        text_line(w, "  why     GS base belongs to the kernel, and was 0x%llx at the next trap",
                  LL(f->error));
        break;
    case FAULT_CLASS_HANG:
        text_line(w, "  why     interrupts are off, and for seconds no timer's was taken");
        break;
    case FAULT_CLASS_MACHINE_CHECK:
        write_banks(w, f);
        break;
    case FAULT_CLASS_NON_CANONICAL:
        text_line(w, "  why     the CPU takes only addresses whose bits 63 to 47 are equal");
        break;
    default:
        if (f->has_address && f->walked)
            write_why_not_mapped(w, f);
    }
    write_error(w, f);
}

static void write_entry(const struct text_writer *w, const struct pt_walk *walk, int level,
                        const char *mark)
{
    uint64_t e = walk->entry[level].v;
    unsigned index = pt_index(walk->address, level);
    if (level == 1 && pt_swapped(walk->entry[level]))
        text_line(w, "          L%d[0x%03x] = %016llx on disk, slot %u%s", level, index, LL(e),
                  pt_swapped_slot(walk->entry[level]), mark);
    else if (!(e & PTE_P))
        text_line(w, "          L%d[0x%03x] = %016llx not present%s", level, index, LL(e), mark);
    else
        text_line(w, "          L%d[0x%03x] = %016llx r%c%c%s%s%s%s%s%s", level, index, LL(e),
                  e & PTE_W ? 'w' : '-', e & PTE_NX ? '-' : 'x', e & PTE_U ? " user" : "",
                  e & PTE_A ? " accessed" : "",
                  level == walk->leaf_level && e & PTE_D ? " dirty" : "",
                  level > 1 && level == walk->leaf_level ? " large" : "",
                  e & PTE_COW ? " copy-on-write" : "", mark);
}

static void write_walk(const struct text_writer *w, const struct fault_facts *f)
{
    const struct pt_walk *walk = &f->walk;
    const char *why;
    if (!f->walked || !fault_is_canonical(walk->address.v))
        return;
    int denies = fault_denying_level(f, &why);
    text_line(w, "  walk    of 0x%llx from cr3 0x%llx", LL(walk->address.v), LL(f->cr3));
    for (int level = PT_LEVELS; level >= 1 && level >= walk->last_level; level--)
        write_entry(w, walk, level, level == denies ? "  <== denies" : "");
    if (walk->leaf_level != 0)
        text_line(w, "          effective r%c%c, physical 0x%llx", walk->writable ? 'w' : '-',
                  walk->executable ? 'x' : '-', LL(walk->phys.v));
    if (f->sharers > 1)
        text_line(w,
                  "          copied by the next write: since fork() by process %d it has %u users",
                  f->parent, f->sharers);
    else if (f->sharers == 1)
        text_line(w,
                  "          shared by fork() until the other user went; the next write takes it");
}

static void operand_words(const struct fault_facts *f, const struct x86_operand *m, char *to,
                          size_t size)
{
    uint64_t at = x86_address(&f->insn, m, f->registers, f->fs_base, f->gs_base);
    size_t n = add(to, size, 0, "; %s%s%s[",
                   m->write  ? "writes "
                   : m->read ? "reads "
                             : "computes ",
                   m->segment == 'f'   ? "fs:"
                   : m->segment == 'g' ? "gs:"
                                       : "",
                   "");
    n = add(to, size, n, "%s", x86_register_name(m->base));
    if (m->index != X86_NONE && m->base != X86_NONE)
        n = add(to, size, n, "+");
    if (m->index != X86_NONE && m->scale != 1)
        n = add(to, size, n, "%u*", m->scale);
    n = add(to, size, n, "%s", x86_register_name(m->index));
    if (m->displacement < 0)
        n = add(to, size, n, "-0x%llx", LL(-(uint64_t)m->displacement));
    else if (m->displacement > 0 || (m->base == X86_NONE && m->index == X86_NONE))
        n = add(to, size, n, "+0x%llx", LL(m->displacement));
    n = add(to, size, n, "] = 0x%llx", LL(at));
    if (m->base < X86_RIP)
        n = add(to, size, n, ", %s = 0x%llx", x86_register_name(m->base),
                LL(f->registers[m->base]));
    if (m->index < X86_RIP)
        add(to, size, n, ", %s = 0x%llx", x86_register_name(m->index), LL(f->registers[m->index]));
}

static void write_insn(const struct text_writer *w, const struct fault_facts *f)
{
    char hex[3 * X86_INSN_MAX + 1] = "", first[110] = "", second[110] = "";
    size_t n = 0;
    if (f->byte_count == 0) {
        if (f->vector != FAULT_NO_VECTOR)
            text_line(w, "  insn    no code can be read at rip");
        return;
    }
    unsigned shown = f->has_insn ? f->insn.length : f->byte_count;
    for (unsigned i = 0; i < shown; i++)
        n = add(hex, sizeof hex, n, "%s%02x", i ? " " : "", f->bytes[i]);
    if (f->has_insn && f->insn.operands > 0)
        operand_words(f, &f->insn.operand[0], first, sizeof first);
    if (f->has_insn && f->insn.operands > 1)
        operand_words(f, &f->insn.operand[1], second, sizeof second);
    text_line(w, "  insn    %s%s%s%s", hex, f->has_insn ? "" : " (no instruction)", first, second);
}

static void write_past(const struct text_writer *w, const struct fault_facts *f)
{
    static const char *const deeds[] = {"", "mapped", "unmapped", "given other permissions"};
    for (unsigned i = 0; i < 2; i++) {
        const struct fault_past *p = &f->past[i];
        char rights[8] = "";
        if (!p->there)
            break;
        if (p->kind != HISTORY_UNMAP)
            fmt_snprintf(rights, sizeof rights, " %c%c%c", prot_can_read(p->prot) ? 'r' : '-',
                         prot_can_write(p->prot) ? 'w' : '-',
                         prot_can_execute(p->prot) ? 'x' : '-');
        text_line(w, "  %s %s%s %llu.%06llu s before, [0x%llx, 0x%llx), by thread %u %s",
                  i == 0 ? "history" : "       ", deeds[p->kind & 3], rights,
                  LL(p->ago_ns / 1000000000), LL(p->ago_ns / 1000 % 1000000), LL(p->range.start.v),
                  LL(p->range.end.v), p->thread, p->by);
    }
}

static void write_blocks(const struct text_writer *w, const struct fault_facts *f)
{
    const struct malloc_damage *d = &f->damage;
    const char *label = "heap";
    for (unsigned i = 0; i < f->block_count; i++, label = "") {
        const struct fault_block *b = &f->blocks[i];
        const char *name = b->reg == X86_RIP ? "the address" : x86_register_name(b->reg);
        uint64_t at = b->value - b->block.start;
        if (at < b->block.size)
            text_line(w, "  %-7s %s is at +0x%llx in a freed block of %llu bytes, 0x%llx", label,
                      name, LL(at), LL(b->block.size), LL(b->block.start));
        else
            text_line(w, "  %-7s %s is what free() leaves in a block, as in 0x%llx", label, name,
                      LL(b->block.start));
    }
    char text[9];
    fault_report_text(d->value, text);
    if (d->found)
        text_line(
            w,
            "  %-7s the allocator's word at 0x%llx is overwritten: 0x%llx \"%s\"; before it is a block of %llu bytes, 0x%llx",
            label, LL(d->at), LL(d->value), text, LL(d->before_size), LL(d->before));
}

void fault_report_write(const struct fault_facts *f, fault_line sink, void *context)
{
    struct text_writer w = {sink, context};
    write_banner(&w, f);
    write_what(&w, f);
    if (f->cause == FAULT_BY_DEADLOCK)
        return; /* a deadlock has no address; the threads follow */
    write_where(&w, f);
    write_stack(&w, f);
    write_why(&w, f);
    write_walk(&w, f);
}

void fault_report_code(const struct fault_facts *f, fault_line sink, void *context)
{
    struct text_writer w = {sink, context};
    write_insn(&w, f);
    write_past(&w, f);
    write_blocks(&w, f);
}

void fault_report_headline(const struct fault_facts *f, fault_line sink, void *context)
{
    struct text_writer w = {sink, context};
    char deed[140];
    fault_report_deed(f, deed, sizeof deed);
    if (f->cause == FAULT_BY_DEADLOCK) {
        text_line(&w, "==== %s: %s; %s; ouro %s build %012llx", kind(f),
                  fault_class_words(fault_classify(f)), deed, f->version, LL(f->build_id >> 16));
        return;
    }
    text_line(&w, "==== %s: %s; %s by %s%s0x%llx; %s%souro %s build %012llx", kind(f),
              fault_class_words(fault_classify(f)), deed, f->at, f->at[0] ? " rip " : "rip ",
              LL(f->registers[X86_RIP]), f->signal != NULL ? f->signal : "",
              f->signal != NULL ? "; " : "", f->version, LL(f->build_id >> 16));
}
