/* SPDX-License-Identifier: MIT */
/* The parts of the report that show state: registers, stack, memory, machine, and the JSON line. */
#include "base/fmt.h"
#include "base/str.h"
#include "cpu/features.h"
#include "cpu/x86.h"
#include "diag/parts.h"
#include "kern/boot_summary.h"
#include "kern/console.h"
#include "kern/log.h"
#include "kern/thread.h"
#include "mm/heap/heap.h"
#include "mm/init/memory.h"
#include "mm/layout.h"
#include "mm/phys/frames.h"
#include "mm/vm/areas.h"

#include <stdarg.h>

#define LL(x)       ((unsigned long long)(x))
#define STACK_WORDS 16
#define THREADS_MAX 100 /* in the JSON line, without the subject of the report */

static void flags_words(uint64_t flags, char *to, size_t size)
{
    static const struct {
        uint8_t bit;
        char name[4];
    } names[] = {{0, "CF"}, {2, "PF"},  {4, "AF"},  {6, "ZF"},  {7, "SF"},  {8, "TF"},
                 {9, "IF"}, {10, "DF"}, {11, "OF"}, {14, "NT"}, {16, "RF"}, {18, "AC"}};
    size_t n = 0;
    to[0] = '\0';
    for (unsigned i = 0; i < ARRAY_LENGTH(names) && n < size; i++)
        if (flags >> names[i].bit & 1)
            n += fmt_snprintf(to + n, size - n, " %s", names[i].name);
}

static void print_value(const char *label, const char *name, uint64_t value)
{
    char words[160];
    report_describe(value, words, sizeof words);
    report("  %-7s %-3s %016llx%s%s", label, name, LL(value), words[0] ? "  " : "", words);
}

void report_registers(const struct fault_facts *f)
{
    static const uint8_t order[] = {X86_RIP, X86_RSP, X86_RBP, X86_RAX, X86_RBX, X86_RCX,
                                    X86_RDX, X86_RSI, X86_RDI, 8,       9,       10,
                                    11,      12,      13,      14,      15};
    char flags[64];
    for (unsigned i = 0; i < ARRAY_LENGTH(order); i++)
        print_value(i == 0 ? "regs" : "", x86_register_name(order[i]), f->registers[order[i]]);
    flags_words(f->rflags, flags, sizeof flags);
    report("          rflags %08llx%s, fs %llx, gs %llx", LL(f->rflags), flags, LL(f->fs_base),
           LL(f->gs_base));
}

void report_stack_words(const struct fault_facts *f)
{
    char name[16];
    uint64_t rsp = f->registers[X86_RSP], word;
    for (unsigned i = 0; i < STACK_WORDS; i++) {
        if (f->stack.there && rsp + 8 * i >= f->stack.range.end.v)
            break;
        if (!report_read_word(rsp + 8 * i, &word)) {
            report("  %-7s +%02x nothing is mapped there", i == 0 ? "stack" : "", 8 * i);
            break;
        }
        fmt_snprintf(name, sizeof name, "+%02x", 8 * i);
        print_value(i == 0 ? "stack" : "", name, word);
    }
}

void report_memory_totals(void)
{
    struct memory_totals totals;
    memory_totals(&totals);
    int largest = frames_largest(&machine_frames);
    report(
        "  memory  %llu KiB of %llu KiB free, largest run %llu KiB, kernel heap %llu KiB, %llu areas of the program with %llu KiB",
        LL(totals.free / 1024), LL(totals.total / 1024),
        largest < 0 ? 0 : LL(PAGE_SIZE / 1024) << largest, LL(heap_used() / 1024),
        LL(areas_count(running_space)), LL(areas_bytes(running_space) / 1024));
}

void report_machine(const struct fault_facts *f)
{
    report("  machine cr0 %llx cr2 %llx cr3 %llx cr4 %llx efer %llx", LL(read_cr0()),
           LL(read_cr2()), LL(f->cr3), LL(read_cr4()), LL(rdmsr(MSR_EFER)));
    report("          cpu \"%s\", loaded by %s, %s firmware", cpu_features.brand,
           boot_summary.loader_name, boot_summary.uefi ? "UEFI" : "BIOS or no");
}

/* --- the JSON line; docs/diagnostics.md names its fields --- */

static PRINTF_LIKE(1, 2) void put(const char *format, ...)
{
    char text[240];
    va_list args;
    va_start(args, format);
    fmt_vsnprintf(text, sizeof text, format, args);
    va_end(args);
    console_write(CONSOLE_LOG, text, strlen(text));
}

/* Quotes, backslashes and control characters become question marks. */
static void state_put_string(const char *key, const char *value)
{
    char text[200];
    size_t n = 0;
    for (; value[n] != '\0' && n < sizeof text - 1; n++)
        text[n] = value[n] < ' ' || value[n] == '"' || value[n] == '\\' ? '?' : value[n];
    text[n] = '\0';
    put(",\"%s\":\"%s\"", key, text);
}

static void state_put_number(const char *key, uint64_t value)
{
    put(",\"%s\":%llu", key, LL(value));
}

static void put_address(const char *key, uint64_t value)
{
    put(",\"%s\":\"0x%llx\"", key, LL(value));
}

static void put_frame(void *context, uint64_t rip, char how, uint32_t count)
{
    bool *first = context;
    char place[FAULT_PLACE_SIZE];
    report_place(how == '0' ? rip : rip - 1, place, sizeof place);
    put("%s{\"rip\":\"0x%llx\",\"how\":\"%c\",\"count\":%u", *first ? "" : ",", LL(rip), how,
        count);
    state_put_string("at", place);
    put("}");
    *first = false;
}

static void put_registers(const uint64_t registers[X86_REGISTERS], uint64_t rflags, uint64_t fs)
{
    put(",\"registers\":{\"rflags\":\"0x%llx\"", LL(rflags));
    for (unsigned i = 0; i < X86_REGISTERS; i++)
        put_address(x86_register_name(i), registers[i]);
    put_address("fs", fs);
}

static unsigned threads_put;

static void put_thread(struct thread *t, void *context)
{
    const struct fault_facts *f = context;
    const struct trap_frame *program = (const struct trap_frame *)ptr_of(t->kstack.end) - 1;
    uint64_t registers[X86_REGISTERS];
    char text[160];
    if (threads_put == THREADS_MAX ||
        !report_thread_other(t, f->cause == FAULT_BY_DEADLOCK, text, sizeof text))
        return;
    put("%s{\"thread\":%u", threads_put++ == 0 ? "" : ",", t->id);
    state_put_string("name", t->name);
    state_put_string("does", text);
    report_registers_of(program, registers);
    put_registers(registers, program->rflags, t->fs_base);
    put("}}");
}

static void put_heap(const struct fault_facts *f)
{
    for (unsigned i = 0; i < f->block_count; i++) {
        const struct fault_block *b = &f->blocks[i];
        put("%s{\"register\":\"%s\",\"block\":\"0x%llx\",\"size\":%llu,\"at\":%llu}%s",
            i == 0 ? ",\"heap\":[" : ",", b->reg == X86_RIP ? "address" : x86_register_name(b->reg),
            LL(b->block.start), LL(b->block.size), LL(b->value - b->block.start),
            i + 1 == f->block_count ? "]" : "");
    }
    if (f->damage.found)
        put_address("heap_damage", f->damage.at);
}

static void put_insn(const struct fault_facts *f)
{
    put(",\"insn\":\"");
    for (unsigned i = 0; i < f->insn.length; i++)
        put("%02x", f->bytes[i]);
    put("\"");
}

/* Lists each file that is mapped executable, with its load bias. */
static void put_modules(void)
{
    bool first = true;
    static struct report_module m;
    char path[200];
    put(",\"modules\":[");
    for (const struct area *a = areas_next(running_space, virt(0)); a != NULL;
         a = areas_next(running_space, a->range.end)) {
        if (a->source == NULL || !prot_can_execute(a->prot) ||
            !report_module_at(a->range.start.v, &m))
            continue;
        a->source->ops->name(a->source, path, sizeof path);
        put("%s{\"start\":\"0x%llx\"", first ? "" : ",", LL(a->range.start.v));
        put_address("end", a->range.end.v);
        put_address("bias", m.bias);
        state_put_string("path", path);
        put("}");
        first = false;
    }
    put("]");
}

void report_json(const struct fault_facts *f)
{
    bool first = true;
    put("{\"ouro_report\":1");
    state_put_string("kind", f->cause == FAULT_BY_REQUEST ? "dump" : f->panic ? "panic" : "crash");
    state_put_string("class", fault_class_words(fault_classify(f)));
    if (f->reason != NULL)
        state_put_string("reason", f->reason);
    if (f->signal != NULL) {
        state_put_string("signal", f->signal);
        state_put_number("signal_number", (uint64_t)f->signal_number);
        put(",\"code\":%d", f->code);
        if (f->code_name != NULL)
            state_put_string("code_name", f->code_name);
    }
    state_put_string("version", f->version);
    put(",\"build\":\"%012llx\"", LL(f->build_id >> 16));
    state_put_number("thread", f->thread);
    state_put_string("name", f->who);
    state_put_number("cpu", f->cpu);
    state_put_number("time_ns", f->time_ns);
    if (f->vector != FAULT_NO_VECTOR) {
        state_put_number("vector", f->vector);
        state_put_number("error", f->error);
    }
    if (f->has_address && f->cause != FAULT_BY_DEADLOCK) {
        static const char *const access[] = {"read", "write", "execute"};
        put_address("address", f->address.v);
        state_put_string("access", access[f->access]);
    }
    if (f->has_insn)
        put_insn(f);
    put_heap(f);
    state_put_string("at", f->at);
    put_registers(f->registers, f->rflags, f->fs_base);
    put_address("gs", f->gs_base);
    put_address("cr3", f->cr3);
    put("},\"threads\":[");
    threads_put = 0;
    thread_visit(put_thread, (void *)(uintptr_t)f);
    put("],\"trace\":[");
    report_trace_visit(put_frame, &first);
    put("]");
    put_modules();
    put("}%s", console_is_framed() ? "\n" : "\r\n");
}
