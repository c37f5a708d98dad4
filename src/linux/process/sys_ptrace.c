/* SPDX-License-Identifier: MIT */
#include "linux/process/sys_ptrace.h"

#include "base/str.h"
#include "cpu/features.h"
#include "cpu/selectors.h"
#include "cpu/x86.h"
#include "kern/space.h"
#include "linux/task/process.h"
#include "linux/task/rights.h"
#include "linux/task/signal_frame.h"
#include "linux/task/trace.h"
#include "mm/heap/heap.h"
#include "mm/layout.h"
#include "mm/vm/usercopy.h"

enum request { /* linux/ptrace.h, asm/ptrace-abi.h */
    PTRACE_TRACEME,
    PTRACE_PEEKTEXT,
    PTRACE_PEEKDATA,
    PTRACE_PEEKUSER,
    PTRACE_POKETEXT,
    PTRACE_POKEDATA,
    PTRACE_POKEUSER,
    PTRACE_CONT,
    PTRACE_KILL,
    PTRACE_SINGLESTEP,
    PTRACE_GETREGS = 12,
    PTRACE_SETREGS,
    PTRACE_GETFPREGS,
    PTRACE_SETFPREGS,
    PTRACE_ATTACH,
    PTRACE_DETACH,
    PTRACE_SYSCALL = 24,
    PTRACE_SYSEMU = 31,
    PTRACE_SETOPTIONS = 0x4200,
    PTRACE_GETEVENTMSG,
    PTRACE_GETSIGINFO,
    PTRACE_SETSIGINFO,
    PTRACE_GETREGSET,
    PTRACE_SETREGSET,
    PTRACE_SEIZE,
    PTRACE_INTERRUPT,
    PTRACE_LISTEN,
    PTRACE_GETSIGMASK = 0x420a,
    PTRACE_SETSIGMASK,
    PTRACE_GET_SYSCALL_INFO = 0x420e,
    PTRACE_GET_RSEQ_CONFIGURATION,
};

enum note { /* NT_*: sets of registers */
    NOTE_GENERAL = 1,
    NOTE_FLOAT = 2,
    NOTE_XSTATE = 0x202,
};

/* ---- registers ---- */

enum { /* of struct user_regs_struct; those before ORIG_RAX and from RIP to SS are in the order of struct trap_frame */
    REG_RAX = 10,
    REG_ORIG_RAX = 15,
    REG_RIP,
    REG_CS,
    REG_RFLAGS,
    REG_RSP,
    REG_SS,
    REG_FS_BASE,
    REG_GS_BASE,
    REG_COUNT = 27,
};

#define USER_SIZE       928 /* struct user */
#define USER_DEBUGREG   848
#define DEBUGREGS       8
#define FXSAVE_MXCSR    24
#define XSAVE_XSTATE_BV 512
#define XSAVE_RESERVED  (XSAVE_XSTATE_BV + 8) /* XCOMP_BV, then zeros */
#define XSAVE_END       (XSAVE_XSTATE_BV + 64)
#define XSTATE_LEGACY   UINT64_C(3)

/* enum signal_restart as Linux's errors in rax: ERESTARTSYS, ERESTARTNOHAND, ERESTART_RESTARTBLOCK, ERESTARTNOINTR. */
static const uint16_t restart_codes[] = {
    [SIGNAL_RESTART_SA] = 512,
    [SIGNAL_RESTART_UNHANDLED] = 514,
    [SIGNAL_RESTART_RESUME] = 516,
    [SIGNAL_RESTART_ALWAYS] = 513,
};

static void get_registers(const struct linux_thread *lt, uint64_t regs[REG_COUNT])
{
    const struct trap_frame *frame = trace_frame(lt);
    memset(regs, 0, REG_COUNT * sizeof *regs);
    memcpy(regs, frame, REG_ORIG_RAX * sizeof *regs);
    memcpy(&regs[REG_RIP], &frame->rip, (REG_SS + 1 - REG_RIP) * sizeof *regs);
    regs[REG_ORIG_RAX] = (uint64_t)lt->trace->number;
    regs[REG_CS] = SELECTOR_LINUX_CODE;
    regs[REG_SS] = SELECTOR_LINUX_DATA;
    regs[REG_FS_BASE] = lt->thread->fs_base;
    if (lt->restart != SIGNAL_RESTART_NOTHING)
        regs[REG_RAX] = -(uint64_t)restart_codes[lt->restart];
}

/* E_IO for what a program cannot have: addresses of the kernel's half, other segments. */
static MUST_CHECK enum err set_registers(struct linux_thread *lt, const uint64_t regs[REG_COUNT])
{
    struct trap_frame *frame = trace_frame(lt);
    uint64_t rflags = (frame->rflags & ~SIGNAL_RFLAGS) | (regs[REG_RFLAGS] & SIGNAL_RFLAGS);
    if (regs[REG_RIP] >= LAYOUT_PROGRAM_END || regs[REG_FS_BASE] >= LAYOUT_PROGRAM_END ||
        regs[REG_GS_BASE] != 0 ||
        !signal_selectors_ok((uint16_t)regs[REG_CS], (uint16_t)regs[REG_SS]))
        return E_IO;
    memcpy(frame, regs, REG_ORIG_RAX * sizeof *regs);
    frame->rip = regs[REG_RIP];
    frame->rsp = regs[REG_RSP];
    frame->rflags = rflags;
    lt->thread->fs_base = regs[REG_FS_BASE];
    lt->trace->number = (int32_t)regs[REG_ORIG_RAX];
    frame->error = (uint64_t)lt->trace->number;
    lt->restart = SIGNAL_RESTART_NOTHING;
    for (uint8_t i = 0; lt->trace->number >= 0 && i < ARRAY_LENGTH(restart_codes); i++)
        if (restart_codes[i] != 0 && regs[REG_RAX] == -(uint64_t)restart_codes[i])
            lt->restart = i;
    return E_OK;
}

/* Linux's checks of an area from outside, so that XRSTOR takes it. */
static bool area_is_ok(const uint8_t *area, size_t size)
{
    uint32_t mxcsr;
    uint64_t components;
    memcpy(&mxcsr, area + FXSAVE_MXCSR, sizeof mxcsr);
    if (mxcsr & ~cpu_features.mxcsr_mask)
        return false;
    if (size < XSAVE_END)
        return true;
    memcpy(&components, area + XSAVE_XSTATE_BV, sizeof components);
    for (size_t i = XSAVE_RESERVED; i < XSAVE_END; i++)
        if (area[i] != 0)
            return false;
    return !(components & ~cpu_features.xcr0);
}

/* Sets the first `size` bytes of the FPU state: all of it, or what FXSAVE knows. */
static MUST_CHECK enum err set_float(struct linux_thread *lt, virt_t from, size_t size)
{
    uint8_t *area = heap_alloc(size);
    enum err e = area != NULL ? copy_in(area, from, size) : E_NOMEM;
    if (e == E_OK && !area_is_ok(area, size))
        e = E_INVAL;
    if (e == E_OK) {
        uint8_t *to = lt->fpu;
        memcpy(to, area, size);
        if (size == FXSAVE_SIZE && cpu_features.xsave)
            to[XSAVE_XSTATE_BV] |= XSTATE_LEGACY;
    }
    heap_free(area);
    return e;
}

static MUST_CHECK enum err get_float(struct linux_thread *lt, virt_t to, size_t size)
{
    uint8_t *area = lt->fpu;
    memcpy(area + FXSAVE_SOFTWARE, &cpu_features.xcr0, sizeof cpu_features.xcr0);
    return copy_out_now(to, area, size);
}

static MUST_CHECK enum err move_general(struct linux_thread *lt, virt_t at, size_t size, bool set)
{
    uint64_t regs[REG_COUNT];
    get_registers(lt, regs);
    if (!set)
        return copy_out_now(at, regs, size);
    enum err e = copy_in(regs, at, size);
    return e == E_OK ? set_registers(lt, regs) : e;
}

struct io_vector {
    uint64_t base, size;
};

static enum err move_set(struct linux_thread *lt, uint32_t note, uint64_t at, bool set)
{
    struct io_vector v;
    size_t whole = note == NOTE_GENERAL ? REG_COUNT * sizeof(uint64_t)
                   : note == NOTE_FLOAT ? FXSAVE_SIZE
                                        : cpu_features.xsave_size;
    enum err e = copy_in(&v, virt(at), sizeof v);
    if (e != E_OK)
        return e;
    if (note == NOTE_XSTATE && !cpu_features.xsave)
        return E_NODEV;
    if ((note != NOTE_GENERAL && note != NOTE_FLOAT && note != NOTE_XSTATE) || v.size % 8 != 0)
        return E_INVAL;
    if (v.size > whole)
        v.size = whole;
    if (note == NOTE_GENERAL)
        e = move_general(lt, virt(v.base), v.size, set);
    else if (!set)
        e = get_float(lt, virt(v.base), v.size);
    else
        e = v.size == whole       ? set_float(lt, virt(v.base), whole)
            : note == NOTE_XSTATE ? E_FAULT
                                  : E_INVAL;
    return e == E_OK ? copy_out_now(virt(at + sizeof v.base), &v.size, sizeof v.size) : e;
}

static enum err move_user(struct linux_thread *lt, const struct syscall *call, bool set)
{
    uint64_t at = call->arg[2], value = 0, regs[REG_COUNT];
    if (at % 8 != 0 || at >= USER_SIZE)
        return E_IO;
    get_registers(lt, regs);
    bool general = at < sizeof regs;
    uint64_t debug = (at - USER_DEBUGREG) / sizeof value;
    if (debug < DEBUGREGS)
        value = lt->trace->debug[debug] ^ (debug == 6 ? DR6_NONE : 0);
    if (!set)
        return copy_out_now(virt(call->arg[3]), general ? &regs[at / 8] : &value, sizeof value);
    if (general) {
        regs[at / 8] = call->arg[3];
        return set_registers(lt, regs);
    }
    return debug < DEBUGREGS ? trace_set_debug(lt->trace, (unsigned)debug,
                                               call->arg[3] ^ (debug == 6 ? DR6_NONE : 0))
                             : E_IO;
}

/* ---- memory ---- */

static enum err move_word(struct linux_thread *lt, const struct syscall *call, bool set)
{
    uint64_t word = call->arg[3], at = call->arg[2];
    enum err e = space_reach(lt->process->program->space, virt(at), &word, sizeof word, set);
    if (e != E_OK || set)
        return e == E_FAULT ? E_IO : e;
    return copy_out_now(virt(call->arg[3]), &word, sizeof word);
}

/* ---- what a stop was for ---- */

struct call_info { /* struct ptrace_syscall_info */
    uint8_t kind, padding[3];
    uint32_t architecture;
    uint64_t rip, rsp;
    union {
        struct {
            uint64_t number, arg[6];
        } entry;
        struct {
            int64_t value;
            uint8_t is_error;
        } exit;
    };
};

#define AUDIT_ARCH_X86_64 0xc000003e

static enum err get_call_info(const struct linux_thread *lt, struct syscall *call)
{
    uint64_t regs[REG_COUNT], size = offsetof(struct call_info, entry);
    const struct trap_frame *f = trace_frame(lt);
    struct call_info info = {.architecture = AUDIT_ARCH_X86_64, .rip = f->rip, .rsp = f->rsp};
    get_registers(lt, regs);
    if (lt->trace->kind == TRACE_AT_CALL) {
        info.kind = TRACE_AT_CALL;
        info.entry.number = regs[REG_ORIG_RAX];
        const uint64_t arg[] = {f->rdi, f->rsi, f->rdx, f->r10, f->r8, f->r9};
        memcpy(info.entry.arg, arg, sizeof arg);
        size += sizeof info.entry;
    } else if (lt->trace->kind == TRACE_AT_RETURN) {
        info.kind = TRACE_AT_RETURN;
        info.exit.value = (int64_t)regs[REG_RAX];
        info.exit.is_error = regs[REG_RAX] >= -UINT64_C(4095);
        size = offsetof(struct call_info, exit.is_error) + 1;
    }
    call->result = size;
    return copy_out_now(virt(call->arg[3]), &info, size < call->arg[2] ? size : call->arg[2]);
}

static enum err move_siginfo(struct linux_thread *lt, uint64_t at, bool set)
{
    struct siginfo info;
    if (lt->trace->kind == TRACE_AT_GROUP_STOP)
        return E_INVAL;
    if (!set)
        return copy_out_now(virt(at), &lt->trace->info, sizeof info);
    enum err e = copy_in(&info, virt(at), sizeof info);
    if (e == E_OK)
        lt->trace->info = info;
    return e;
}

static enum err move_mask(struct linux_thread *lt, const struct syscall *call, bool set)
{
    uint64_t mask;
    if (call->arg[2] != sizeof mask)
        return E_INVAL;
    if (!set)
        return copy_out_now(virt(call->arg[3]), &lt->blocked, sizeof mask);
    enum err e = copy_in(&mask, virt(call->arg[3]), sizeof mask);
    if (e != E_OK)
        return e;
    uint64_t irq = signal_lock();
    lt->blocked = mask & ~SIGNAL_SET_UNMASKED;
    signal_unlock(irq);
    return E_OK;
}

struct rseq_configuration {
    uint64_t at;
    uint32_t size, signature, flags, padding;
};

static enum err get_rseq(const struct linux_thread *lt, struct syscall *call)
{
    const struct rseq_configuration c = {
        .at = lt->rseq, .size = lt->rseq_size, .signature = lt->rseq_signature};
    if (call->arg[2] != sizeof c)
        return E_INVAL;
    call->result = sizeof c;
    return copy_out_now(virt(call->arg[3]), &c, sizeof c);
}

/* ---- begin, go on, end ---- */

static enum err trace_me(void)
{
    struct process *process = process_current();
    struct linux_thread *self = linux_current();
    if (self->trace != NULL || process->parent == NULL)
        return E_PERM;
    struct trace *t = trace_new();
    if (t == NULL)
        return E_NOMEM;
    trace_begin(t, self, process->parent, false, 0);
    return E_OK;
}

static enum err attach(struct linux_thread *lt, const struct syscall *call, bool seize)
{
    struct signal_target to = {.process = lt->process, .thread = lt};
    const struct siginfo info = {.signal = SIGNAL_STOP, .code = SI_KERNEL};
    uint64_t options = seize ? call->arg[3] : 0;
    if (seize && (call->arg[2] != 0 || options & ~(uint64_t)TRACE_OPTIONS))
        return E_IO;
    if (lt->process == process_current() || !process_may_trace(lt, false) || lt->thread == NULL ||
        lt->trace != NULL)
        return E_PERM;
    struct trace *t = trace_new();
    if (t == NULL)
        return E_NOMEM;
    trace_begin(t, lt, process_current(), seize, (uint32_t)options);
    if (!seize)
        return signal_send(&to, &info);
    if (process_stop_signal(lt->process))
        trace_trap(t);
    return E_OK;
}

static enum err go_on(struct trace *t, enum request request, uint64_t signal)
{
    if (signal > SIGNAL_COUNT)
        return E_IO;
    if (request == PTRACE_DETACH)
        trace_detach(t, (int)signal);
    else
        trace_resume(t,
                     request == PTRACE_SYSCALL      ? TRACE_CALLS
                     : request == PTRACE_SYSEMU     ? TRACE_EMULATE
                     : request == PTRACE_SINGLESTEP ? TRACE_STEP
                                                    : TRACE_CONT,
                     (int)signal);
    return E_OK;
}

static enum err listen(struct trace *t)
{
    if (!t->seized || t->code >> 8 != TRACE_STOP)
        return E_IO;
    t->listening = true;
    t->news = false;
    if (t->trap_due)
        trace_trap(t);
    return E_OK;
}

/* Of a thread that is stopped. */
static enum err request_of_stopped(struct linux_thread *lt, struct syscall *call)
{
    struct trace *t = lt->trace;
    uint64_t data = call->arg[3];
    switch (call->arg[0]) {
    case PTRACE_PEEKTEXT:
    case PTRACE_PEEKDATA:
        return move_word(lt, call, false);
    case PTRACE_POKETEXT:
    case PTRACE_POKEDATA:
        return move_word(lt, call, true);
    case PTRACE_PEEKUSER:
    case PTRACE_POKEUSER:
        return move_user(lt, call, call->arg[0] == PTRACE_POKEUSER);
    case PTRACE_GETREGS:
    case PTRACE_SETREGS:
        return move_general(lt, virt(data), REG_COUNT * sizeof data,
                            call->arg[0] == PTRACE_SETREGS);
    case PTRACE_GETFPREGS:
        return get_float(lt, virt(data), FXSAVE_SIZE);
    case PTRACE_SETFPREGS:
        return set_float(lt, virt(data), FXSAVE_SIZE);
    case PTRACE_GETREGSET:
    case PTRACE_SETREGSET:
        return move_set(lt, (uint32_t)call->arg[2], data, call->arg[0] == PTRACE_SETREGSET);
    case PTRACE_CONT:
    case PTRACE_SINGLESTEP:
    case PTRACE_SYSCALL:
    case PTRACE_SYSEMU:
    case PTRACE_DETACH:
        return go_on(t, (enum request)call->arg[0], data);
    case PTRACE_SETOPTIONS:
        if (data & ~(uint64_t)TRACE_OPTIONS)
            return E_INVAL;
        t->options = (uint32_t)data;
        return E_OK;
    case PTRACE_GETEVENTMSG:
        return copy_out_now(virt(data), &t->message, sizeof t->message);
    case PTRACE_GETSIGINFO:
    case PTRACE_SETSIGINFO:
        return move_siginfo(lt, data, call->arg[0] == PTRACE_SETSIGINFO);
    case PTRACE_LISTEN:
        return listen(t);
    case PTRACE_GETSIGMASK:
    case PTRACE_SETSIGMASK:
        return move_mask(lt, call, call->arg[0] == PTRACE_SETSIGMASK);
    case PTRACE_GET_SYSCALL_INFO:
        return get_call_info(lt, call);
    case PTRACE_GET_RSEQ_CONFIGURATION:
        return get_rseq(lt, call);
    default:
        return E_IO;
    }
}

enum err sys_ptrace(struct syscall *call)
{
    if (call->arg[0] == PTRACE_TRACEME)
        return trace_me();
    struct linux_thread *lt = linux_thread_find((int)call->arg[1]);
    if (lt == NULL)
        return E_SRCH;
    if (call->arg[0] == PTRACE_ATTACH || call->arg[0] == PTRACE_SEIZE)
        return attach(lt, call, call->arg[0] == PTRACE_SEIZE);
    struct trace *t = lt->trace;
    if (t == NULL || t->tracer != process_current())
        return E_SRCH;
    if (call->arg[0] == PTRACE_KILL) {
        signal_raise(lt->process, SIGNAL_KILL);
        return E_OK;
    }
    if (call->arg[0] == PTRACE_INTERRUPT) {
        if (!t->seized)
            return E_IO;
        trace_trap(t);
        return E_OK;
    }
    return t->stopped && !t->listening ? request_of_stopped(lt, call) : E_SRCH;
}
