/* SPDX-License-Identifier: MIT */
#include "linux/fault/raised.h"

#include "base/compiler.h"
#include "cpu/apic.h"
#include "cpu/machine_check.h"
#include "cpu/trap.h"
#include "cpu/x86.h"
#include "diag/report.h"
#include "kern/thread.h"
#include "linux/call/syscall.h"
#include "linux/task/signal.h"
#include "linux/task/signal_frame.h"
#include "mm/layout.h"
#include "mm/vm/usercopy.h"
#include "parse/x86_insn.h"

#define X86_INT 0xcd

/* The instruction at rip. False: it cannot be read, or is not one. */
COLD static bool insn_at(uint64_t rip, uint8_t bytes[X86_INSN_MAX], struct x86_insn *out)
{
    size_t size = X86_INSN_MAX;
    if (!report_read(rip, bytes, size)) {
        size = PAGE_SIZE - (rip & PAGE_MASK);
        if (size >= X86_INSN_MAX || !report_read(rip, bytes, size))
            return false;
    }
    return x86_decode(bytes, size, out);
}

/* True if the instruction at rip may have raised the vector, an exception that is a fault. */
COLD static bool may_raise(uint64_t rip, uint64_t vector)
{
    uint8_t bytes[X86_INSN_MAX];
    struct x86_insn i;
    bool decoded = insn_at(rip, bytes, &i);
    if (vector == VECTOR_INVALID_OPCODE)
        return !decoded || (i.map == 1 && (i.opcode == 0x0b || i.opcode == 0xb9));
    if (vector == VECTOR_DIVIDE)
        return decoded && i.map == 0 && (i.opcode & 0xfe) == 0xf6 && (i.modrm >> 3 & 7) >= 6;
    /* #NM, #MF, #XM: x87, fwait, and what has a map of its own */
    return decoded && (i.vex || i.map != 0 || (i.opcode & 0xf8) == 0xd8 || i.opcode == 0x9b);
}

COLD static bool hardware_explains(const struct trap_frame *frame)
{
    switch (frame->vector) {
    case VECTOR_DEBUG:
        return (read_dr6() & DR6_CAUSES) != 0;
    case VECTOR_MACHINE_CHECK:
        return (machine_check_status() & MACHINE_CHECK_IN_PROGRESS) != 0;
    case VECTOR_DIVIDE:
    case VECTOR_INVALID_OPCODE:
    case VECTOR_DEVICE_NOT_AVAILABLE:
    case VECTOR_X87:
    case VECTOR_SIMD:
        return may_raise(frame->rip, frame->vector);
    default:
        return frame->vector >= VECTOR_EXCEPTIONS && apic_in_service((unsigned)frame->vector);
    }
}

bool trap_raised_by_program(struct trap_frame *frame)
{
    uint8_t bytes[INT_SIZE];
    if (frame->rip >= LAYOUT_PROGRAM_END || !report_read(frame->rip - INT_SIZE, bytes, INT_SIZE) ||
        bytes[0] != X86_INT || bytes[1] != frame->vector || hardware_explains(frame))
        return false;
    frame->error = frame->vector << IDT_ERROR_SHIFT | IDT_ERROR;
    frame->vector = VECTOR_GENERAL_PROTECTION;
    frame->rip -= INT_SIZE;
    return true;
}

/* --- Linux's user selectors --- */

struct far_frame { /* what lret and iret pop */
    uint64_t rip, cs, rflags, rsp, ss;
};

/* Pops `count` words of `width` bytes. */
COLD static enum err pop_words(const struct trap_frame *frame, size_t width, size_t count,
                               uint64_t *out)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = 0;
        enum err e = copy_in(&out[i], virt(frame->rsp + i * width), width);
        if (e != E_OK)
            return e;
    }
    return E_OK;
}

COLD static size_t operand_width(const uint8_t *bytes, size_t length)
{
    size_t width = 4;
    for (size_t i = 0; i < length; i++) {
        if ((bytes[i] & 0xf8) == 0x48)
            return 8;
        if (bytes[i] == 0x66)
            width = 2;
        else if ((bytes[i] & 0xf0) != 0x40)
            break;
    }
    return width;
}

/* lret and iret to Linux's code segment: the code at rip goes on, in ring 0. */
COLD static bool emulate_far_return(struct trap_frame *frame, const struct x86_insn *i,
                                    const uint8_t *bytes)
{
    struct far_frame f = {.rflags = frame->rflags, .ss = SELECTOR_LINUX_DATA};
    bool iret = i->opcode == 0xcf;
    size_t width = operand_width(bytes, i->length), words = iret ? 5 : 2;
    if (pop_words(frame, width, words, &f.rip) != E_OK || f.rip >= LAYOUT_PROGRAM_END ||
        !signal_selectors_ok((uint16_t)f.cs, (uint16_t)f.ss))
        return false;
    if (!iret)
        f.rsp = frame->rsp + words * width;
    if (i->opcode == 0xca)
        f.rsp += (uint64_t)(bytes[i->length - 2] | bytes[i->length - 1] << 8);
    frame->rip = f.rip;
    frame->rsp = f.rsp;
    frame->rflags = (frame->rflags & ~SIGNAL_RFLAGS) | (f.rflags & SIGNAL_RFLAGS);
    return true;
}

COLD bool emulate_selector(struct trap_frame *frame)
{
    uint8_t bytes[X86_INSN_MAX];
    struct x86_insn i;
    if ((frame->error != (SELECTOR_LINUX_CODE & ~3) &&
         frame->error != (SELECTOR_LINUX_DATA & ~3)) ||
        !insn_at(frame->rip, bytes, &i))
        return false;
    if (i.map == 0 && (i.opcode == 0xcb || i.opcode == 0xca || i.opcode == 0xcf))
        return emulate_far_return(frame, &i, bytes);
    bool pop = i.map == 1 && (i.opcode == 0xa1 || i.opcode == 0xa9);
    unsigned segment = pop ? i.opcode >> 3 & 7 : i.modrm >> 3 & 7; /* ES CS SS DS FS GS */
    if (!pop && (i.map != 0 || i.opcode != 0x8e))
        return false;
    if (segment == 2 && frame->error != (SELECTOR_LINUX_DATA & ~3))
        return false;
    if (segment == 4)
        thread_set_fs_base(0); /* as the descriptor says; GS stays the kernel's */
    frame->rip += i.length;
    if (pop)
        frame->rsp += bytes[0] == 0x66 ? 2 : 8;
    return true;
}

/* --- The vsyscall page --- */

COLD bool emulate_vsyscall(struct trap_frame *frame, virt_t v)
{
    static const uint16_t numbers[] = {96 /* gettimeofday */, 201 /* time */, 309 /* getcpu */};
    uint64_t at = v.v - VSYSCALL_PAGE, back;
    if (at % VSYSCALL_STEP != 0 || at / VSYSCALL_STEP >= ARRAY_LENGTH(numbers) ||
        copy_in(&back, virt(frame->rsp), sizeof back) != E_OK)
        return false;
    const uint64_t arg[6] = {frame->rdi, frame->rsi, frame->rdx};
    struct syscall call = {.arg = arg, .frame = frame};
    if (syscall_table[numbers[at / VSYSCALL_STEP]](&call) != E_OK) {
        signal_from_fault(frame, SIGNAL_SEGV, SEGV_MAPERR, frame->rdi); /* a bad pointer */
        return true;
    }
    frame->rax = call.result;
    frame->rip = back;
    frame->rsp += sizeof back;
    return true;
}
