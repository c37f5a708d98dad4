/* SPDX-License-Identifier: MIT */
/*
 * Derives the class of a fault from its facts. The order of the checks matters: the most specific
 * cause comes first. An access just below a stack is an overflow even if the address is in no area;
 * an access near 0 is a null pointer whatever is mapped there.
 */
#include "cpu/trap.h"
#include "diag/text.h"
#include "mm/layout.h"
#include "mm/vm/fault.h"

#include "base/compiler.h"

/* The largest distance of rsp below a stack that still counts as its overflow: a function with a
 * large frame skips any guard. */
#define JUMP_MAX (UINT64_C(1) << 30)

const char *fault_class_words(enum fault_class class)
{
    static const char *const words[] = {
        [FAULT_CLASS_PANIC] = "the kernel stopped itself",
        [FAULT_CLASS_ASSERTION] = "assertion failed",
        [FAULT_CLASS_DEADLOCK] = "deadlock",
        [FAULT_CLASS_HANG] = "hang with interrupts off",
        [FAULT_CLASS_ASKED] = "asked for by an NMI",
        [FAULT_CLASS_GS] = "GS base overwritten",
        [FAULT_CLASS_NULL] = "null pointer",
        [FAULT_CLASS_NULL_CALL] = "call of a null pointer",
        [FAULT_CLASS_STACK_OVERFLOW] = "stack overflow",
        [FAULT_CLASS_READ_ONLY] = "write to read-only memory",
        [FAULT_CLASS_EXECUTE_DATA] = "jump into data",
        [FAULT_CLASS_RETURN] = "return address overwritten",
        [FAULT_CLASS_AFTER_UNMAP] = "use after unmap",
        [FAULT_CLASS_NON_CANONICAL] = "non-canonical pointer",
        [FAULT_CLASS_UNALIGNED] = "misaligned SSE operand",
        [FAULT_CLASS_WILD] = "wild pointer: nothing is mapped there",
        [FAULT_CLASS_WILD_JUMP] = "wild jump: nothing is mapped there",
        [FAULT_CLASS_NO_ACCESS] = "access to memory without permission",
        [FAULT_CLASS_PAST_FILE] = "access past the end of a mapped file",
        [FAULT_CLASS_KERNEL_MEMORY] = "stray access to kernel memory",
        [FAULT_CLASS_WINDOW] = "write to the read-only page tables",
        [FAULT_CLASS_RESERVED] = "reserved bit set in a page-table entry",
        [FAULT_CLASS_STALE] = "fault without a cause: it is allowed",
        [FAULT_CLASS_OUT_OF_MEMORY] = "out of memory",
        [FAULT_CLASS_TRAP] = "trap instruction: abort, failed check, or unreachable code",
        [FAULT_CLASS_ILLEGAL] = "illegal instruction",
        [FAULT_CLASS_DIVIDE] = "division by zero or overflow",
        [FAULT_CLASS_BREAKPOINT] = "breakpoint without a debugger",
        [FAULT_CLASS_STEP] = "single step without a debugger",
        [FAULT_CLASS_FLOAT] = "floating-point exception",
        [FAULT_CLASS_ABORT] = "abort",
        [FAULT_CLASS_PRIVILEGED] = "privileged register refused the value",
        [FAULT_CLASS_PRIVILEGED_INSN] = "privileged instruction",
        [FAULT_CLASS_SELECTOR] = "bad segment selector",
        [FAULT_CLASS_CALL_32] = "32-bit system call",
        [FAULT_CLASS_SOFTWARE] = "software interrupt",
        [FAULT_CLASS_PROTECTION] = "general protection",
        [FAULT_CLASS_ALIGNMENT] = "alignment check",
        [FAULT_CLASS_DOUBLE] = "double fault",
        [FAULT_CLASS_MACHINE_CHECK] = "machine check",
        [FAULT_CLASS_OTHER] = "unexpected exception",
    };
    return words[class];
}

const char *fault_area_words(const struct fault_neighbour *n)
{
    if (n->kind == AREA_GUARD)
        return n->flags & AREA_STACK ? "guard below the stack" : "guard";
    if (n->flags & AREA_STACK)
        return "stack";
    if (n->flags & AREA_HEAP)
        return "heap";
    if (n->flags & AREA_IMAGE)
        return n->kind == AREA_FILE ? "image of" : "image (bss) of";
    return n->kind == AREA_FILE ? "file mapping of" : n->kind == 0 ? "" : "anonymous memory";
}

bool fault_is_canonical(uint64_t v)
{
    return (uint64_t)((int64_t)(v << 16) >> 16) == v;
}

uint64_t fault_overflow_bytes(const struct fault_facts *f)
{
    uint64_t rsp = f->registers[X86_RSP], end = f->stack.range.start.v;
    uint64_t lowest = f->has_address && f->address.v < end ? f->address.v : rsp;
    return lowest < end ? end - lowest : 0;
}

/* True if rsp has left the stack downwards, or if the address is in the guard and rsp near it. */
static bool overflows_stack(const struct fault_facts *f)
{
    uint64_t rsp = f->registers[X86_RSP], start = f->stack.range.start.v;
    if (f->here.there && f->here.kind == AREA_GUARD && f->here.flags & AREA_STACK)
        return true;
    if (!f->stack.there)
        return false;
    if (f->vector == VECTOR_DOUBLE_FAULT && rsp - start < 8) /* no room for one more word */
        return true;
    if (rsp < start && start - rsp < JUMP_MAX && (!f->has_address || f->address.v < start))
        return true;
    return f->has_address && f->address.v < start && start - f->address.v <= f->stack.guard &&
           rsp < start + PAGE_SIZE + f->stack.guard;
}

static bool area_allows(const struct fault_facts *f)
{
    return f->here.kind != AREA_GUARD &&
           (f->access == ACCESS_WRITE     ? prot_can_write(f->here.prot)
            : f->access == ACCESS_EXECUTE ? prot_can_execute(f->here.prot)
                                          : f->here.prot.bits != 0);
}

int fault_denying_level(const struct fault_facts *f, const char **why)
{
    const struct pt_walk *w = &f->walk;
    int lowest = w->last_level < 1 ? 1 : w->last_level;
    for (int level = PT_LEVELS; level >= lowest; level--) {
        uint64_t e = w->entry[level].v;
        *why = NULL;
        if (!(e & PTE_P))
            *why = "not present";
        else if (f->phys_end != 0 && (e & PTE_ADDRESS) >= f->phys_end)
            *why = "reserved address bits are set";
        else if (level == PT_LEVELS && e & PTE_PS)
            *why = "reserved bit 7 is set";
        else if (f->access == ACCESS_WRITE && !(e & PTE_W))
            *why = "W=0";
        else if (f->access == ACCESS_EXECUTE && e & PTE_NX)
            *why = "NX=1";
        if (*why != NULL)
            return level;
    }
    return 0;
}

static bool near_null(uint64_t v)
{
    return v < LAYOUT_PROGRAM_START || v >= (uint64_t)-LAYOUT_PROGRAM_START;
}

static enum fault_class classify_jump(const struct fault_facts *f)
{
    if (f->has_popped && f->popped == f->registers[X86_RIP] && f->address.v != 0)
        return FAULT_CLASS_RETURN;
    if (near_null(f->address.v))
        return FAULT_CLASS_NULL_CALL;
    if (f->here.there)
        return FAULT_CLASS_EXECUTE_DATA;
    return f->past[0].there && f->past[0].kind == HISTORY_UNMAP ? FAULT_CLASS_AFTER_UNMAP
                                                                : FAULT_CLASS_WILD_JUMP;
}

static enum fault_class classify_page_fault(const struct fault_facts *f)
{
    const char *why;
    if (f->error & PF_RESERVED)
        return FAULT_CLASS_RESERVED;
    if (f->error & PF_USER) /* sysret */
        return FAULT_CLASS_PRIVILEGED_INSN;
    if (f->out_of_memory)
        return FAULT_CLASS_OUT_OF_MEMORY;
    if (f->access == ACCESS_EXECUTE)
        return classify_jump(f);
    if (overflows_stack(f))
        return FAULT_CLASS_STACK_OVERFLOW;
    if (near_null(f->address.v))
        return FAULT_CLASS_NULL;
    if (f->past_file)
        return FAULT_CLASS_PAST_FILE;
    if (virt_range_contains(f->window, f->address))
        return FAULT_CLASS_WINDOW;
    if (!fault_is_canonical(f->address.v))
        return FAULT_CLASS_NON_CANONICAL;
    if (!f->panic && f->address.v >= LAYOUT_PROGRAM_END)
        return FAULT_CLASS_KERNEL_MEMORY;
    if (f->here.there && f->access == ACCESS_WRITE && f->here.prot.bits != 0 && !area_allows(f))
        return FAULT_CLASS_READ_ONLY;
    if (f->here.there && !area_allows(f))
        return FAULT_CLASS_NO_ACCESS;
    if (f->here.there || (f->walked && fault_denying_level(f, &why) == 0))
        return FAULT_CLASS_STALE;
    if (f->past[0].there && f->past[0].kind == HISTORY_UNMAP)
        return FAULT_CLASS_AFTER_UNMAP;
    return FAULT_CLASS_WILD;
}

/* True for movaps, movdqa, movntdq and SSE arithmetic, whose operands must be aligned to 16 bytes;
 * false for movups, movupd and lddqu. */
static bool wants_alignment(const struct x86_insn *i)
{
    bool loose = i->opcode == 0x10 || i->opcode == 0x11 || i->opcode == 0xf0;
    return i->operands > 0 && i->map >= 1 && i->operand[0].size >= 16 && !loose;
}

/* wrmsr, rdmsr, mov to CR and DR, lgdt and the like, xsetbv, iret. */
static bool is_privileged(const struct x86_insn *i)
{
    if (i->map == 0)
        return i->opcode == 0xcf;
    return i->map == 1 && ((i->opcode >= 0x20 && i->opcode <= 0x23) || i->opcode == 0x30 ||
                           i->opcode == 0x32 || i->opcode <= 0x01 || i->opcode == 0xc7);
}

static bool is_selector_load(const struct x86_insn *i)
{
    if (i->map == 0)
        return i->opcode == 0x8e || i->opcode == 0xcf || i->opcode == 0xcb || i->opcode == 0xca ||
               (i->opcode == 0xff && ((i->modrm >> 3 & 7) == 3 || (i->modrm >> 3 & 7) == 5));
    return i->map == 1 && (i->opcode == 0xb2 || i->opcode == 0xb4 || i->opcode == 0xb5 ||
                           i->opcode == 0xa1 || i->opcode == 0xa9 || i->opcode == 0x00);
}

static enum fault_class classify_protection(const struct fault_facts *f)
{
    const struct x86_insn *i = &f->insn;
    if (!fault_is_canonical(f->registers[X86_RIP]))
        return f->has_popped && f->popped == f->registers[X86_RIP] ? FAULT_CLASS_RETURN
                                                                   : FAULT_CLASS_NON_CANONICAL;
    if ((f->error & (IDT_ERROR | 1)) == IDT_ERROR)
        return f->error >> IDT_ERROR_SHIFT == VECTOR_CALL_32 ? FAULT_CLASS_CALL_32
                                                             : FAULT_CLASS_SOFTWARE;
    if (!f->has_insn)
        return FAULT_CLASS_PROTECTION;
    if (i->map == 1 && i->opcode == 0x34) /* sysenter */
        return FAULT_CLASS_CALL_32;
    if (i->map == 0 && (i->opcode == 0xc3 || i->opcode == 0xc2) && f->has_top &&
        !fault_is_canonical(f->top))
        return FAULT_CLASS_RETURN;
    if (f->computed && !fault_is_canonical(f->address.v))
        return FAULT_CLASS_NON_CANONICAL;
    if (f->error != 0 || is_selector_load(i))
        return FAULT_CLASS_SELECTOR;
    if (i->map == 0 && i->opcode == 0xf4)
        return FAULT_CLASS_PRIVILEGED_INSN;
    if (is_privileged(i))
        return FAULT_CLASS_PRIVILEGED;
    if (f->computed && wants_alignment(i) && f->address.v % 16 != 0)
        return FAULT_CLASS_UNALIGNED;
    return FAULT_CLASS_PROTECTION;
}

#define CODE_ICEBP 1 /* TRAP_BRKPT: a #DB for which DR6 names no cause */

static enum fault_class classify_undefined(const struct fault_facts *f)
{
    bool ud2 = f->byte_count >= 2 && f->bytes[0] == 0x0f && f->bytes[1] == 0x0b;
    bool ud1 = f->byte_count >= 2 && f->bytes[0] == 0x0f && f->bytes[1] == 0xb9;
    return ud2 || ud1 ? FAULT_CLASS_TRAP : FAULT_CLASS_ILLEGAL;
}

enum fault_class fault_classify(const struct fault_facts *f)
{
    static const uint8_t of_cause[] = {
        [FAULT_BY_ASSERTION] = FAULT_CLASS_ASSERTION,
        [FAULT_BY_DEADLOCK] = FAULT_CLASS_DEADLOCK,
        [FAULT_BY_HANG] = FAULT_CLASS_HANG,
        [FAULT_BY_REQUEST] = FAULT_CLASS_ASKED,
    };
    if (f->cause != FAULT_BY_VECTOR)
        return (enum fault_class)of_cause[f->cause];
    switch (f->vector) {
    case FRAME_VECTOR_GS:
        return FAULT_CLASS_GS;
    case VECTOR_DIVIDE:
        return FAULT_CLASS_DIVIDE;
    case VECTOR_DEBUG:
        return f->code == CODE_ICEBP ? FAULT_CLASS_BREAKPOINT : FAULT_CLASS_STEP;
    case VECTOR_BREAKPOINT:
        return FAULT_CLASS_BREAKPOINT;
    case VECTOR_INVALID_OPCODE:
        return classify_undefined(f);
    case VECTOR_DOUBLE_FAULT:
        return overflows_stack(f) ? FAULT_CLASS_STACK_OVERFLOW : FAULT_CLASS_DOUBLE;
    case VECTOR_SEGMENT:
    case VECTOR_STACK:
    case VECTOR_GENERAL_PROTECTION:
        return classify_protection(f);
    case VECTOR_PAGE_FAULT:
        return classify_page_fault(f);
    case VECTOR_X87:
    case VECTOR_SIMD:
        return FAULT_CLASS_FLOAT;
    case VECTOR_ALIGNMENT:
        return FAULT_CLASS_ALIGNMENT;
    case VECTOR_MACHINE_CHECK:
        return FAULT_CLASS_MACHINE_CHECK;
    case FAULT_NO_VECTOR:
        return f->panic                 ? FAULT_CLASS_PANIC
               : f->signal_number == 11 ? FAULT_CLASS_STACK_OVERFLOW /* no room for a handler */
                                        : FAULT_CLASS_ABORT;
    default:
        return FAULT_CLASS_OTHER;
    }
}
