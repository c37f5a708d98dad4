/* SPDX-License-Identifier: MIT */
/*
 * The stack trace, of kernel and program in one list. The kernel has frame pointers. Most programs
 * have none: .eh_frame describes where each function saves its return address. Without a
 * description frame pointers are tried, and if these are invalid the stack is searched for a
 * possible return address; a frame found so is marked with a question mark.
 */
#include "base/fmt.h"
#include "base/str.h"
#include "cpu/backtrace.h"
#include "diag/parts.h"
#include "kern/console.h"
#include "kern/log.h"
#include "kern/thread.h"
#include "mm/layout.h"
#include "mm/pt/paging.h"
#include "parse/eh_frame.h"
#include "parse/line_table.h"
#include "parse/x86_halt.h"

#define STEPS_MAX  2000 /* frames walked, without those that skip_recursion() counts */
#define SCAN_WORDS 512  /* words searched for one return address */
#define LINES_SIZE (UINT64_C(1) << 20) /* bytes of line tables that are read for one trace */

static struct trace trace;
static bool cut;

static const uint8_t dwarf_of[UNWIND_REGISTERS] = {
    [UNWIND_RAX] = X86_RAX,
    [UNWIND_RDX] = X86_RDX,
    [UNWIND_RCX] = X86_RCX,
    [UNWIND_RBX] = X86_RBX,
    [UNWIND_RSI] = X86_RSI,
    [UNWIND_RDI] = X86_RDI,
    [UNWIND_RBP] = X86_RBP,
    [UNWIND_RSP] = X86_RSP,
    [8] = 8,
    [9] = 9,
    [10] = 10,
    [11] = 11,
    [12] = 12,
    [13] = 13,
    [14] = 14,
    [15] = 15,
    [UNWIND_RIP] = X86_RIP,
};

static void start_frame(struct unwind_frame *u, const uint64_t registers[X86_REGISTERS])
{
    for (unsigned i = 0; i < UNWIND_REGISTERS; i++)
        u->r[i] = registers[dwarf_of[i]];
    u->known = (1U << UNWIND_REGISTERS) - 1;
    u->exact = true;
}

static struct report_module module;
static struct unwind_tables tables;

/* Sets `tables` to those of the file that is mapped at rip; keeps those of the last call, because
 * neighbouring frames are mostly in one file. */
static bool trace_find_tables(uint64_t rip)
{
    struct elf_unwind found;
    if (virt_range_contains(module.range, virt(rip)))
        return true;
    if (!report_module_at(rip, &module) || !elf_unwind_tables(&module.file, &found)) {
        module.range = virt_range(0, 0);
        return false;
    }
    tables = (struct unwind_tables){found.header + module.bias, found.header_size,
                                    found.frames + module.bias, found.frames_size};
    return true;
}

/* The function that contains the byte at `at`. False if it is not known. */
static bool halt_function(uint64_t at, struct virt_range *out)
{
    struct report_module m; /* not that of a report, which an NMI may start meanwhile */
    struct elf_unwind found;
    struct elf_name symbol;
    uint64_t start, end;
    if (!report_module_at(at, &m))
        return false;
    if (elf_unwind_tables(&m.file, &found)) {
        const struct unwind_tables t = {found.header + m.bias, found.header_size,
                                        found.frames + m.bias, found.frames_size};
        if (eh_frame_function(&report_memory, &t, at, &start, &end)) {
            *out = virt_range(start, end);
            return true;
        }
    }
    if (!elf_symbol_at(&m.file, at - m.bias, &symbol) || symbol.size == 0)
        return false;
    *out = virt_range(symbol.start + m.bias, symbol.start + m.bias + symbol.size);
    return true;
}

bool report_came_from_halt(uint64_t rip, uint64_t rflags)
{
    static struct {
        uint64_t rip, before; /* the 8 bytes before rip, so that changed code is searched again */
        uint16_t jumps;
    } known[32] GUARDED_BY(kernel_lock);
    struct virt_range function;
    uint64_t before;
    if (!report_read_word(rip - sizeof before, &before))
        return false;
    size_t slot = (rip ^ rip >> 5) % ARRAY_LENGTH(known);
    /* A known answer only saves work: one that ends in a signal is computed again. */
    if (known[slot].rip == rip && known[slot].before == before &&
        !x86_came_from_halt(known[slot].jumps, rflags))
        return false;
    known[slot].jumps = X86_HALT_NEVER;
    if (halt_function(rip - 1, &function))
        known[slot].jumps = x86_jumps_behind_halt(&report_memory, function, rip);
    known[slot].rip = rip;
    known[slot].before = before;
    return x86_came_from_halt(known[slot].jumps, rflags);
}

static void set_frame(struct unwind_frame *u, uint64_t rip, uint64_t rsp, uint64_t rbp)
{
    u->r[UNWIND_RIP] = rip;
    u->r[UNWIND_RSP] = rsp;
    u->r[UNWIND_RBP] = rbp;
    u->known = 1U << UNWIND_RIP | 1U << UNWIND_RSP | 1U << UNWIND_RBP;
    u->exact = false;
}

static bool scan(struct unwind_frame *u)
{
    uint64_t at = u->r[UNWIND_RSP] & ~UINT64_C(7), word;
    for (unsigned i = 0; i < SCAN_WORDS && report_read_word(at, &word); i++, at += 8) {
        if (report_is_return_address(word)) {
            set_frame(u, word, at + 8, u->known >> UNWIND_RBP & 1 ? u->r[UNWIND_RBP] : 0);
            return true;
        }
    }
    return false;
}

static bool by_frame_pointer(struct unwind_frame *u)
{
    uint64_t rip = u->r[UNWIND_RIP], rsp = u->r[UNWIND_RSP], rbp = u->r[UNWIND_RBP];
    if (!(u->known >> UNWIND_RBP & 1) || !backtrace_step(&report_memory, &rip, &rsp, &rbp) ||
        !report_is_return_address(rip))
        return false;
    set_frame(u, rip, rsp, rbp);
    return true;
}

/* True if a function may return to rip: behind a call, or to the code that ends a signal handler. */
static bool is_caller(const struct unwind_frame *u)
{
    uint32_t code;
    return u->exact || report_is_return_address(u->r[UNWIND_RIP]) ||
           (byte_read(&report_memory, u->r[UNWIND_RIP], &code, sizeof code) &&
            code == 0x0fc0c748); /* mov $__NR_rt_sigreturn, %rax */
}

/* Moves one frame up. Returns how: '0' to code that a signal interrupted, 'c' by call frame information, 'f' by frame pointer, 'r' by the
 * return address at rsp after a call of an invalid address, '?' by search; 0: no more frames. */
static char trace_step(struct unwind_frame *u)
{
    uint64_t rip = u->r[UNWIND_RIP], rsp = u->r[UNWIND_RSP], word;
    if (rip >= LAYOUT_PROGRAM_END && fault_is_canonical(rip)) {
        if (by_frame_pointer(u))
            return 'f';
        return rsp < LAYOUT_PROGRAM_END && scan(u) ? '?' : 0; /* the program called it */
    }
    if (trace_find_tables(rip)) {
        struct unwind_frame up = *u;
        if (eh_frame_step(&report_memory, &tables, &up)) {
            if (up.r[UNWIND_RSP] <= rsp && !up.exact)
                return 0;
            if (is_caller(&up)) {
                *u = up;
                return up.exact ? '0' : 'c';
            }
        }
    } else if (u->exact && report_read_word(rsp, &word) && report_is_return_address(word)) {
        set_frame(u, word, rsp + 8, u->r[UNWIND_RBP]);
        return 'r';
    }
    if (by_frame_pointer(u))
        return 'f';
    return scan(u) ? '?' : 0;
}

/* A function that calls itself leaves frames of equal size: after two of them the further return
 * addresses are found by that size, without the tables. This makes traces of a million frames
 * feasible. */
static void skip_recursion(struct unwind_frame *u, const struct unwind_frame *before, char how)
{
    uint64_t rip = u->r[UNWIND_RIP], size = u->r[UNWIND_RSP] - before->r[UNWIND_RSP], word, n = 0;
    if (before->r[UNWIND_RIP] != rip || before->exact || size < 16 || size > LAYOUT_STACK_SIZE)
        return;
    while (report_read_word(u->r[UNWIND_RSP] + size - 8, &word) && word == rip) {
        u->r[UNWIND_RSP] += size;
        trace_add(&trace, rip, how);
        n++;
    }
    uint32_t kept = 1U << UNWIND_RIP | 1U << UNWIND_RSP;
    bool moves = u->r[UNWIND_RBP] - before->r[UNWIND_RBP] == size; /* a frame pointer */
    if (n == 0)
        return;
    if (moves)
        u->r[UNWIND_RBP] += n * size;
    for (unsigned i = 0; i < UNWIND_RIP; i++)
        if (u->r[i] == before->r[i] || (i == UNWIND_RBP && moves))
            kept |= 1U << i;
    u->known &= before->known & kept;
}

static void collect(const uint64_t registers[X86_REGISTERS], char how)
{
    struct unwind_frame u, before;
    start_frame(&u, registers);
    for (unsigned n = 0; how != 0; n++) {
        trace_add(&trace, u.r[UNWIND_RIP], how);
        if (n == STEPS_MAX) {
            cut = true;
            return;
        }
        before = u;
        how = trace_step(&u);
        if (how == 'c')
            skip_recursion(&u, &before, how);
    }
}

void report_registers_of(const struct trap_frame *p, uint64_t registers[X86_REGISTERS])
{
    const uint64_t values[X86_REGISTERS] = {
        p->rax, p->rcx, p->rdx, p->rbx, p->rsp, p->rbp, p->rsi, p->rdi, p->r8,
        p->r9,  p->r10, p->r11, p->r12, p->r13, p->r14, p->r15, p->rip,
    };
    for (unsigned i = 0; i < X86_REGISTERS; i++)
        registers[i] = values[i];
}

/* True if the kernel ran on behalf of a program, whose registers are at the top of the kernel
 * stack. */
static bool program_below(const struct fault_facts *f, uint64_t registers[X86_REGISTERS])
{
    const struct thread *t = thread_current();
    if (t == NULL || t->linux_thread == NULL || f->registers[X86_RIP] < LAYOUT_PROGRAM_END)
        return false;
    const struct trap_frame *p = (const struct trap_frame *)ptr_of(t->kstack.end) - 1;
    report_registers_of(p, registers);
    return p->rip >= LAYOUT_PROGRAM_START && p->rip < LAYOUT_PROGRAM_END;
}

static uint64_t line_fuel;

/* " at crash.c:10", for screens and serial ports; the host tool puts what it knows itself in its place. */
static void name_line(uint64_t at, char *to, size_t size)
{
    struct report_module m;
    struct line_place place;
    to[0] = '\0';
    if (at < LAYOUT_PROGRAM_END && report_module_at(at, &m) &&
        line_table_find(&m.file, at - m.bias, &line_fuel, &place))
        fmt_snprintf(to, size, " at %s:%llu", place.file, (unsigned long long)place.line);
}

static void print_frame(unsigned number, unsigned line, const struct trace_frame *frame)
{
    char place[FAULT_PLACE_SIZE], line_text[ELF_NAME_SIZE + 24];
    /* rip - 1, because a return address may be the first byte of the next function. */
    uint64_t at = frame->how == '0' ? frame->rip : frame->rip - 1;
    if (!report_place(at, place, sizeof place))
        fmt_snprintf(place, sizeof place, "no code is known there");
    name_line(at, line_text, sizeof line_text);
    report("  %s #%u%s 0x%016llx %s%s", line == 0 ? "trace  " : "       ", number,
           frame->how == '?' ? "?" : "", (unsigned long long)frame->rip, place, line_text);
}

static void diag_trace_start(void)
{
    trace_start(&trace);
    line_fuel = LINES_SIZE;
    cut = false;
    module.range = virt_range(0, 0);
}

static void trace_print(unsigned on_screen)
{
    unsigned number = 0;
    trace_end(&trace);
    for (unsigned i = 0; i < trace.used; i++) {
        const struct trace_frame *t = &trace.frames[i];
        unsigned period = t->period;
        unsigned lines = period + (t->repeat > 1);
        on_screen = lines <= on_screen ? on_screen - lines : 0;
        if (on_screen == 0)
            console_pass_over_screen(true);
        for (unsigned k = 0; k < period; k++)
            print_frame(number + k, i + k, &trace.frames[i + k]);
        if (t->repeat > 1)
            report("          ... %s repeated %u times",
                   period == 1 ? "that frame" : "those frames", t->repeat);
        number += period * t->repeat;
        i += period - 1;
    }
    if (trace.lost != 0 || cut)
        report("          (truncated: %u frames more%s)", trace.lost,
               cut ? ", and those that were not walked" : "");
    console_pass_over_screen(false);
}

void report_trace(const struct fault_facts *f, unsigned on_screen)
{
    uint64_t program[X86_REGISTERS];
    diag_trace_start();
    collect(f->registers, f->panic && f->vector == FAULT_NO_VECTOR ? 'f' : '0');
    if (program_below(f, program))
        collect(program, '0');
    trace_print(on_screen);
}

void report_thread_trace(const struct trap_frame *frame, struct address_space *space)
{
    uint64_t registers[X86_REGISTERS];
    struct address_space *before = running_space;
    paging_run(space != NULL ? space : before);
    report_registers_of(frame, registers);
    diag_trace_start();
    collect(registers, '0');
    trace_print(UINT32_MAX);
    paging_run(before);
}

void report_recursion(struct fault_facts *f)
{
    unsigned i = 0;
    while (i < trace.used && trace.frames[i].repeat < 2)
        i++;
    if (i == trace.used || !report_place(trace.frames[i].rip - 1, f->circle, sizeof f->circle))
        return;
    char *offset = strchr(f->circle, '+');
    if (offset != NULL)
        *offset = '\0';
    f->circle_count = trace.frames[i].repeat;
    f->circle_of_many = trace.frames[i].period > 1;
}

void report_trace_visit(void (*take)(void *context, uint64_t rip, char how, uint32_t count),
                        void *context)
{
    for (unsigned i = 0; i < trace.used; i++)
        take(context, trace.frames[i].rip, trace.frames[i].how, trace.frames[i].repeat);
}
