/* SPDX-License-Identifier: MIT */
/*
 * Gathers the facts of a fault, then prints them: `parts` lists the steps in order. Each step runs
 * through call_on_stack(), so that report_recover() can leave it when it faults.
 */
#include "diag/report.h"

#include "base/fmt.h"
#include "base/sections.h"
#include "base/str.h"
#include "cpu/call_on_stack.h"
#include "cpu/features.h"
#include "cpu/lock.h"
#include "cpu/machine_check.h"
#include "cpu/apic.h"
#include "cpu/cpus.h"
#include "cpu/tables.h"
#include "cpu/trap.h"
#include "cpu/x86.h"
#include "diag/parts.h"
#include "kern/boot_summary.h"
#include "kern/console.h"
#include "kern/log.h"
#include "kern/thread.h"
#include "mm/layout.h"
#include "mm/phys/frames.h"
#include "mm/pt/paging.h"
#include "mm/vm/fault.h"
#include "parse/symbol_table.h"

#define LL(x)       ((unsigned long long)(x))
#define STACK_SIZE  16384
#define CALLS_SHOWN 16
#define LOG_LINES   16
#define FAULTS_MAX  12 /* a report ends after this many faults inside it */

static ALIGNED(16) char stack[STACK_SIZE];
static struct fault_facts facts;
static const struct report_subject *subject;
static bool running;
static uint64_t mark;
static unsigned faults;
static uint64_t fault_address; /* CR2 at the start of the report */

bool report_is_running(void)
{
    return running;
}

/* The screen. On a tall one, of QEMU's 50 lines, there is room for the instruction and the registers. */
static uint16_t columns, rows;
static unsigned rows_left; /* without those for the hint and the end */
static bool on_screen;     /* the part that is being printed */

#define TALL           40
#define ROWS_REGISTERS 18
#define ROWS_AT_END    5

static void use_rows(unsigned n)
{
    if (on_screen)
        rows_left -= n < rows_left ? n : rows_left;
}

static void to_console(void *context, const char *line)
{
    (void)context;
    use_rows(1 + (unsigned)strlen(line) / columns);
    report("%s", line);
}

/* --- gathering --- */

static const struct thread *subject_thread(void)
{
    return subject->thread != NULL ? subject->thread : thread_current();
}

static void gather_registers(void *unused)
{
    (void)unused;
    const struct trap_frame *t = subject->frame;
    report_registers_of(t, facts.registers);
    facts.rflags = t->rflags;
    facts.vector = subject->trapped ? (unsigned)t->vector : FAULT_NO_VECTOR;
    facts.error = subject->trapped ? t->error : 0;
    facts.exception = subject->trapped ? trap_name(t->vector) : NULL;
    facts.cr3 = read_cr3();
    facts.fs_base = rdmsr(MSR_FS_BASE);
    facts.gs_base = rdmsr(MSR_GS_BASE);
    if (cpu_features.physical_bits >= 32 && cpu_features.physical_bits < 52)
        facts.phys_end = UINT64_C(1) << cpu_features.physical_bits;
}

static void gather_subject(void *unused)
{
    (void)unused;
    const struct thread *t = subject_thread();
    const struct symbol_table *symbols = (const struct symbol_table *)kernel_symbols;
    facts.panic = subject->panic;
    facts.signal = subject->signal;
    facts.signal_number = subject->signal_number;
    facts.code = subject->code;
    facts.code_name = subject->code_name;
    facts.reason = subject->reason;
    facts.cause = subject->cause;
    facts.has_address = subject->has_address;
    facts.address = subject->address;
    if (facts.vector == VECTOR_PAGE_FAULT && !facts.has_address) {
        facts.has_address = true;
        facts.address = virt(fault_address);
    }
    facts.past_file = subject->past_file;
    facts.out_of_memory = subject->out_of_memory;
    facts.version = OURO_VERSION;
    facts.build_id = symbols->build_id;
    facts.who = t != NULL ? t->name : "boot";
    facts.thread = t != NULL ? t->id : 0;
    facts.process = report_process(t, &facts.parent);
    facts.cpu = percpu()->index;
    facts.time_ns = time_now_ns();
    facts.window = virt_range(paging_program_window, paging_program_window);
    if (paging_program_window != 0)
        facts.window.end.v += UINT64_C(512) << 30;
    facts.access = facts.vector == VECTOR_PAGE_FAULT && facts.error & PF_EXECUTE ? ACCESS_EXECUTE
                   : facts.vector == VECTOR_PAGE_FAULT && facts.error & PF_WRITE ? ACCESS_WRITE
                                                                                 : ACCESS_READ;
}

/* For #GP and #SS, for which the CPU gives no address: uses the address of the first operand that
 * is not canonical or not aligned. */
static void compute_address(void)
{
    bool protection = facts.vector == VECTOR_GENERAL_PROTECTION || facts.vector == VECTOR_STACK;
    if (!protection || !facts.has_insn)
        return;
    for (unsigned i = 0; i < facts.insn.operands; i++) {
        const struct x86_operand *m = &facts.insn.operand[i];
        uint64_t at = x86_address(&facts.insn, m, facts.registers, facts.fs_base, facts.gs_base);
        if (fault_is_canonical(at) && (m->size < 16 || at % 16 == 0))
            continue;
        facts.has_address = facts.computed = true;
        facts.address = virt(at);
        facts.access = m->write ? ACCESS_WRITE : ACCESS_READ;
        return;
    }
}

/* A jump or call through a register to an address that is not canonical. */
static void compute_target(void)
{
    const struct x86_insn *i = &facts.insn;
    unsigned reg = i->modrm >> 3 & 7;
    if (facts.vector != VECTOR_GENERAL_PROTECTION || facts.computed || !facts.has_insn ||
        i->map != 0 || i->opcode != 0xff || i->modrm < 0xc0 || (reg != 2 && reg != 4))
        return;
    uint64_t at = facts.registers[(i->modrm & 7) | (facts.bytes[0] == 0x41 ? 8 : 0)];
    if (fault_is_canonical(at))
        return;
    facts.has_address = facts.computed = true;
    facts.address = virt(at);
    facts.access = ACCESS_EXECUTE;
}

static void gather_code(void *unused)
{
    (void)unused;
    uint64_t rip = facts.registers[X86_RIP], rsp = facts.registers[X86_RSP];
    while (facts.vector != FAULT_NO_VECTOR && facts.byte_count < X86_INSN_MAX &&
           byte_read(&report_memory, rip + facts.byte_count, &facts.bytes[facts.byte_count], 1))
        facts.byte_count++;
    facts.has_insn = x86_decode(facts.bytes, facts.byte_count, &facts.insn);
    facts.has_popped = report_read_word(rsp - 8, &facts.popped);
    facts.has_top = report_read_word(rsp, &facts.top);
    compute_address();
    compute_target();
}

static void gather_walk(void *unused)
{
    (void)unused;
    if (!facts.has_address || paging == NULL)
        return;
    paging_walk(running_space, facts.address, &facts.walk);
    facts.walked = fault_is_canonical(facts.address.v);
    int level = facts.walk.leaf_level;
    pte_t leaf = level != 0 ? facts.walk.entry[level] : (pte_t){0};
    if (leaf.v & PTE_FORKED)
        facts.sharers = frames_references(&machine_frames, pt_leaf_frame(leaf, pt_span(level)));
}

static void gather_banks(void *unused)
{
    (void)unused;
    if (facts.vector != VECTOR_MACHINE_CHECK)
        return;
    facts.machine_check_status = machine_check_status();
    for (unsigned n = 0; n < machine_check_banks() && facts.bank_count < FAULT_BANKS; n++) {
        struct fault_bank *b = &facts.banks[facts.bank_count];
        b->number = n;
        b->status = machine_check_read(n, MACHINE_CHECK_STATUS);
        if (!(b->status & FAULT_BANK_VALID))
            continue;
        b->address =
            b->status & FAULT_BANK_ADDRESS ? machine_check_read(n, MACHINE_CHECK_ADDRESS) : 0;
        b->misc = b->status & FAULT_BANK_MISC ? machine_check_read(n, MACHINE_CHECK_MISC) : 0;
        facts.bank_count++;
    }
}

static void gather_areas(void *unused)
{
    (void)unused;
    report_find_stack(&facts);
    if (facts.has_address && fault_is_canonical(facts.address.v))
        report_find_areas(&facts);
}

static void gather_blocks(void *unused)
{
    (void)unused;
    if (!facts.panic && facts.vector != VECTOR_MACHINE_CHECK)
        report_find_blocks(&facts);
}

static void describe_event(const struct history_event *e, struct fault_past *out)
{
    char place[FAULT_PLACE_SIZE], caller[FAULT_PLACE_SIZE] = "";
    const char *name = report_call_name(e->call);
    *out = (struct fault_past){true,      e->kind, e->prot, e->range, facts.time_ns - e->time_ns,
                               e->thread, ""};
    report_place(e->rip, place, sizeof place);
    if (report_is_return_address(e->caller))
        report_place(e->caller - 1, caller, sizeof caller);
    fmt_snprintf(out->by, sizeof out->by, "by %s at %s%s%s", name != NULL ? name : "the kernel",
                 place[0] ? place : "?", caller[0] ? " from " : "", caller);
}

static void gather_history(void *unused)
{
    (void)unused;
    const struct history_event *e = NULL;
    for (unsigned i = 0; facts.has_address && i < 2; i++) {
        e = history_find(facts.address, e);
        if (e == NULL)
            break;
        describe_event(e, &facts.past[i]);
    }
}

static void gather_names(void *unused)
{
    (void)unused;
    uint64_t word = facts.top;
    bool called = facts.panic && facts.vector == FAULT_NO_VECTOR; /* rip is a return address */
    report_place(facts.registers[X86_RIP] - called, facts.at, sizeof facts.at);
    if (facts.has_address)
        report_place(facts.address.v, facts.target, sizeof facts.target);
    if (facts.access == ACCESS_EXECUTE && facts.has_top && report_is_return_address(word))
        report_place(word - 1, facts.caller, sizeof facts.caller);
}

/* --- printing --- */

static void print_explanation(void *unused)
{
    (void)unused;
    fault_report_write(&facts, to_console, NULL);
}

static void print_code(void *unused)
{
    (void)unused;
    fault_report_code(&facts, to_console, NULL);
}

static void print_registers(void *unused)
{
    (void)unused;
    report_registers(&facts);
    use_rows(ROWS_REGISTERS);
}

static void print_trace(void *unused)
{
    (void)unused;
    report_trace(&facts, rows_left);
    report_recursion(&facts);
}

static void print_stack(void *unused)
{
    (void)unused;
    report_stack_words(&facts);
}

/* Oldest first. */
static void print_calls(void *unused)
{
    (void)unused;
    char text[160];
    unsigned count = 0;
    while (count < CALLS_SHOWN && report_call_line(count, text, sizeof text))
        count++;
    for (unsigned n = count; n > 0; n--)
        if (report_call_line(n - 1, text, sizeof text))
            report("  %s %s", n == count ? "calls  " : "       ", text);
}

static void print_connection(void *unused)
{
    (void)unused;
    char text[160];
    if (!facts.panic && report_connection_line(text, sizeof text))
        report("  serving %s", text);
}

bool report_thread_other(const struct thread *t, bool all_processes, char *to, size_t size)
{
    const struct trap_frame *program = (const struct trap_frame *)ptr_of(t->kstack.end) - 1;
    return t != subject_thread() && program->rip >= LAYOUT_PROGRAM_START &&
           program->rip < LAYOUT_PROGRAM_END && report_thread_line(t, all_processes, to, size);
}

static void print_thread(const struct thread *t, const char *does)
{
    report("  thread  %u \"%s\" %s", t->id, t->name, does);
    report_thread_trace((const struct trap_frame *)ptr_of(t->kstack.end) - 1, t->space);
}

static void print_other(struct thread *t, void *unused)
{
    char text[160];
    (void)unused;
    if (report_thread_other(t, true, text, sizeof text))
        print_thread(t, text);
}

static void print_threads(void *unused)
{
    (void)unused;
    char text[160];
    if (facts.cause <= FAULT_BY_ASSERTION)
        return;
    if (facts.cause == FAULT_BY_DEADLOCK &&
        report_thread_line(subject_thread(), true, text, sizeof text))
        print_thread(subject_thread(), text);
    thread_visit(print_other, NULL);
}

static void print_memory(void *unused)
{
    (void)unused;
    char text[200];
    report_memory_totals();
    for (unsigned n = 0; facts.out_of_memory && report_usage_line(n, text, sizeof text); n++)
        report("  %-7s %s", n == 0 ? "usage" : "", text);
}

static void print_machine(void *unused)
{
    (void)unused;
    report_machine(&facts);
    if (facts.panic && boot_summary.command_line != NULL)
        report("          words \"%s\"", boot_summary.command_line);
}

#ifdef OURO_CPUS
void report_cpus(void)
{
    for (unsigned cpu = 0; cpu < cpus_online; cpu++) {
        const struct trap_frame *frame = cpus_stopped_at(cpu);
        if (cpu == cpu_index())
            continue;
        report("  cpu %-3u %s", cpu, frame != NULL ? "" : "does not answer");
        if (frame != NULL)
            report_thread_trace(frame, running_spaces[cpu]);
    }
}

static void print_cpus(void *unused)
{
    (void)unused;
    if (subject->panic || subject->cause == FAULT_BY_REQUEST)
        report_cpus();
}
#endif

static void print_log(void *unused)
{
    (void)unused;
    if (!facts.panic)
        return;
    report("  log     the last lines:");
    log_print_recent(LOG_LINES);
}

static void print_hint(void *unused)
{
    (void)unused;
    fault_report_hint(&facts, to_console, NULL);
}

static void print_headline(void *unused)
{
    (void)unused;
    fault_report_headline(&facts, to_console, NULL);
}

static void print_json(void *unused)
{
    (void)unused;
    report_json(&facts);
}

static const struct {
    const char *name;
    void (*function)(void *);
    bool of_one;     /* about the thread that failed; skipped in a deadlock */
    uint8_t rows_at; /* printed on screens of so many rows, too; 0: not */
} parts[] = {
    {"registers", gather_registers, false, 0},
    {"subject", gather_subject, false, 0},
    {"code", gather_code, true, 0},
    {"page tables", gather_walk, true, 0},
    {"machine check", gather_banks, true, 0},
    {"areas", gather_areas, true, 0},
    {"history", gather_history, true, 0},
    {"names", gather_names, true, 0},
    {"blocks", gather_blocks, true, 0},
    {"explanation", print_explanation, false, 1},
    {"instruction", print_code, true, TALL},
    {"regs", print_registers, true, TALL},
    {"threads", print_threads, false, 1},
#ifdef OURO_CPUS
    {"cpus", print_cpus, false, 0},
#endif
    {"trace", print_trace, true, 1},
    {"stack", print_stack, true, 0},
    {"calls", print_calls, true, 0},
    {"connection", print_connection, true, 0},
    {"memory", print_memory, false, 0},
    {"machine", print_machine, false, 0},
    {"log", print_log, false, 0},
    {"hint", print_hint, false, 1},
    {"headline", print_headline, false, 0},
    {"JSON", print_json, false, 0},
};

static const char *current_part;

/* Nested traps push their frames on this stack, as on a kernel stack, and find its bounds in
 * struct percpu. */
void report_fault(const struct report_subject *s)
{
    bool all, mine = SEVERAL_CPUS && cpus_stop(&all);
    uint64_t flags = irq_save();
    uint64_t gs = (uint64_t)(uintptr_t)&percpus[SEVERAL_CPUS ? cpu_index_by_apic() : 0];
    lock_check_pause(); /* nothing runs beside a report, and it takes no lock */
    log_report_begin();
    if (rdmsr(MSR_GS_BASE) != gs) {
        report("ouro: GS base was 0x%llx: the program overwrote the kernel's; restored",
               LL(rdmsr(MSR_GS_BASE)));
        wrmsr(MSR_GS_BASE, gs);
    }
    fault_address = read_cr2();
    struct percpu *cpu = percpu();
    uint64_t top = cpu->kstack_top, low = cpu->kstack_low;
    memset(&facts, 0, sizeof facts);
    subject = s;
    faults = 0;
    console_size(&columns, &rows);
    rows_left = rows - (rows < ROWS_AT_END ? rows : ROWS_AT_END);
    running = true;
    cpu->kstack_top = (uint64_t)(uintptr_t)stack + sizeof stack;
    cpu->kstack_low = (uint64_t)(uintptr_t)stack;
    for (unsigned i = 0; i < ARRAY_LENGTH(parts) && faults < FAULTS_MAX; i++) {
        if (s->cause == FAULT_BY_DEADLOCK && parts[i].of_one)
            continue;
        current_part = parts[i].name;
        on_screen = parts[i].rows_at != 0 && rows >= parts[i].rows_at;
        console_pass_over_screen(!on_screen);
        call_on_stack(parts[i].function, NULL, cpu->kstack_top, &mark);
    }
    console_pass_over_screen(false);
    cpu->kstack_top = top;
    cpu->kstack_low = low;
    running = false;
    log_report_end();
    lock_check_resume();
    if (mine)
        cpus_go_on();
    irq_restore(flags);
}

void report_recover(const struct trap_frame *frame)
{
    faults++;
    report("ouro: fault inside the report (%s): vector %llu at rip 0x%llx, cr2 0x%llx; it goes on",
           current_part, LL(frame->vector), LL(frame->rip), LL(read_cr2()));
    call_on_stack_leave(mark);
}

void report_by_request(const struct trap_frame *frame)
{
    const struct report_subject request = {
        .frame = frame,
        .trapped = true,
        .cause = FAULT_BY_REQUEST,
    };
    report_fault(&request);
}
