/* SPDX-License-Identifier: MIT */
/* The line `hint` of a fault report: what to look for. */
#include "base/fmt.h"
#include "base/str.h"
#include "cpu/trap.h"
#include "diag/text_line.h"
#include "mm/layout.h"

/* The register with value 0 that the operand's address was computed from. */
static bool null_register(const struct fault_facts *f, const char **name, int64_t *offset)
{
    for (unsigned i = 0; f->has_insn && i < f->insn.operands; i++) {
        const struct x86_operand *m = &f->insn.operand[i];
        if (x86_address(&f->insn, m, f->registers, f->fs_base, f->gs_base) != f->address.v)
            continue;
        if (m->base < X86_RIP && f->registers[m->base] == 0) {
            *name = x86_register_name(m->base);
            *offset = m->displacement;
            return true;
        }
    }
    return false;
}

static void hint_null(const struct text_writer *w, const struct fault_facts *f)
{
    const char *name;
    int64_t offset;
    if (!null_register(f, &name, &offset))
        text_line(
            w,
            "  hint    an address this small comes from a null pointer: a register was zero or small");
    else if (offset == 0)
        text_line(w, "  hint    register %s was NULL: whoever set it returned nothing", name);
    else if (offset > 0)
        text_line(w, "  hint    register %s was NULL: field at +0x%llx of a NULL structure pointer",
                  name, LL(offset));
    else
        text_line(w, "  hint    register %s was NULL: 0x%llx bytes before a NULL pointer", name,
                  LL(-(uint64_t)offset));
}

void fault_report_text(uint64_t v, char text[9])
{
    unsigned n = 0;
    for (; n < 8; n++) {
        char c = (char)(v >> 8 * n);
        if (c < ' ' || c > '~')
            break;
        text[n] = c;
    }
    bool whole = n == 8 || v >> 8 * n == 0;
    text[n >= 4 && whole ? n : 0] = '\0';
}

static void hint_ascii(const struct text_writer *w, uint64_t v, const char *otherwise)
{
    char text[9];
    fault_report_text(v, text);
    if (text[0])
        text_line(w, "  hint    the address is text, \"%s\": a string was written over a pointer",
                  text);
    else if (otherwise != NULL)
        text_line(w, "  hint    %s", otherwise);
}

static bool hint_recursion(const struct text_writer *w, const struct fault_facts *f)
{
    if (f->circle_count == 0)
        return false;
    text_line(w,
              "  hint    %s %s %u times: look for what should end that, or give it a larger stack",
              f->circle, f->circle_of_many ? "and others called each other" : "called itself",
              f->circle_count);
    return true;
}

static const char *hint_privileged(const struct fault_facts *f)
{
    if (f->vector == VECTOR_PAGE_FAULT)
        return "`sysret` led to ring 3, where the program has no memory";
    if (strncmp(f->at, "__stack_chk_fail", 16) == 0)
        return "a local array was written past its end: the caller of this found its guard word changed";
    return "the C library musl says `hlt` where the heap is damaged: look for writes past a block's end";
}

static const char *plain_hint(const struct fault_facts *f, enum fault_class class)
{
    switch (class) {
    case FAULT_CLASS_STACK_OVERFLOW:
        return f->panic
                   ? "a kernel path recurses, or has large local variables"
                   : "a recursion without end, or local arrays that are larger than the stack; the trace shows which function";
    case FAULT_CLASS_READ_ONLY:
        return f->here.flags & AREA_IMAGE
                   ? prot_can_execute(f->here.prot)
                         ? "a program's code is read-only"
                         : "string literals and constants are read-only: a copy in an array can be written"
                   : "the mapping was made or changed to be read-only: see the history";
    case FAULT_CLASS_EXECUTE_DATA:
        return "data is never executed: a function pointer or return address holds the address of data";
    case FAULT_CLASS_NULL_CALL:
        return "a function pointer was NULL; the trace shows who called it";
    case FAULT_CLASS_RETURN:
        return "a local array was written past its end, over the return address of its function";
    case FAULT_CLASS_AFTER_UNMAP:
        return "the memory was given back before: the history says by whom";
    case FAULT_CLASS_UNALIGNED:
        return f->computed && f->insn.operand[0].base == X86_RSP
                   ? "rsp is not a multiple of 16 at calls: look at assembler code and at how this thread was started"
                   : "the pointer was cast from a type with a smaller alignment";
    case FAULT_CLASS_TRAP:
        return "compilers put ud2 where code must not come: __builtin_trap(), a sanitizer's check, or the end of a function without return";
    case FAULT_CLASS_ILLEGAL:
        return f->has_insn && f->insn.vex
                   ? "an AVX instruction that this CPU does not have, or that is not switched on"
                   : "the bytes are no code, or this CPU lacks the extension";
    case FAULT_CLASS_NO_ACCESS:
        return "the memory is reserved with PROT_NONE, or is a guard";
    case FAULT_CLASS_PAST_FILE:
        return "the file is shorter than its mapping, or was truncated";
    case FAULT_CLASS_KERNEL_MEMORY:
        return "the upper half belongs to the kernel: the program and it share one address space";
    case FAULT_CLASS_WINDOW:
        return "programs may read the page tables, not write them: use mprotect() and mmap()";
    case FAULT_CLASS_OUT_OF_MEMORY:
        return "give the machine more memory (--memory), or look for a leak";
    case FAULT_CLASS_ABORT:
        return "abort() was called: what the program printed last says why; the trace shows where";
    case FAULT_CLASS_DEADLOCK:
        return "a lock that its owner does not give back, or a wake-up that came before the sleep; deadlock=SECONDS sets the time, 0 never";
    case FAULT_CLASS_HANG:
        return f->panic ? "a loop of the kernel; the trace shows which"
                        : "`cli`, and then a loop or `hlt`: programs leave interrupts alone";
    case FAULT_CLASS_PRIVILEGED_INSN:
        return hint_privileged(f);
    case FAULT_CLASS_CALL_32:
        return "`int 0x80` and `sysenter` are for 32-bit programs; only the 64-bit `syscall` is there";
    case FAULT_CLASS_GS:
        return "thread-local storage is at FS: mov to gs, wrgsbase and wrmsr take the kernel's place";
    case FAULT_CLASS_RESERVED:
        return "a page-table entry was overwritten: the walk shows it";
    case FAULT_CLASS_MACHINE_CHECK:
        return "the hardware reports an error of its own, not of the program";
    default:
        return NULL;
    }
}

/* Blocks of malloc(): of a pointer that leads nowhere, the link that free() leaves in a block (its page number, XORed with the
 * next one's address), or another register that points into such a block. */
static bool hint_heap(const struct text_writer *w, const struct fault_facts *f,
                      enum fault_class class)
{
    bool wild = class == FAULT_CLASS_WILD || class == FAULT_CLASS_WILD_JUMP ||
                class == FAULT_CLASS_NON_CANONICAL;
    uint64_t page = f->address.v << 12;
    if (wild && f->block_count > 0)
        text_line(w, "  hint    perhaps a use after free: see heap");
    else if (wild && virt_range_contains(f->heap, virt(page)))
        text_line(w, "  hint    the address is a link of free()'s lists: a use after free");
    else if (f->damage.found && (wild || class == FAULT_CLASS_ABORT))
        text_line(w, "  hint    a block of malloc() was written past its end");
    else
        return false;
    return true;
}

void fault_report_hint(const struct fault_facts *f, fault_line sink, void *context)
{
    struct text_writer w = {sink, context};
    enum fault_class class = fault_classify(f);
    const char *text = plain_hint(f, class);
    if (class == FAULT_CLASS_STACK_OVERFLOW && hint_recursion(&w, f))
        return;
    if (hint_heap(&w, f, class))
        return;
    if (class == FAULT_CLASS_NULL)
        hint_null(&w, f);
    else if (class == FAULT_CLASS_RETURN)
        hint_ascii(&w, f->has_popped && f->popped == f->registers[X86_RIP] ? f->popped : f->top,
                   text);
    else if (class == FAULT_CLASS_NON_CANONICAL || class == FAULT_CLASS_WILD ||
             class == FAULT_CLASS_WILD_JUMP)
        hint_ascii(&w, f->address.v, NULL);
    else if (text != NULL)
        text_line(&w, "  hint    %s", text);
}
