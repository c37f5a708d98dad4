/* SPDX-License-Identifier: MIT */
#include "linux/fault/crash.h"

#include "cpu/trap.h"
#include "cpu/x86.h"
#include "diag/panic.h"
#include "diag/report.h"
#include "kern/machine.h"
#include "kern/thread.h"
#include "linux/call/syscall.h"
#include "linux/task/process.h"
#include "linux/task/signal.h"
#include "mm/layout.h"

#define STATUS_SIGNAL 128 /* a shell's status for a death by signal */

/* The number of calls since the loader and the C library have started the program, the newest being calls[0]: what comes before
 * set_tid_address() or rseq() is theirs, as is what begins behind it. `count` if those are not among the calls. */
static size_t calls_of_program(const struct syscall_record *calls, size_t count)
{
    enum {
        MPROTECT = 10,
        MUNMAP = 11,
        READLINK = 89,
        SET_TID_ADDRESS = 218,
        SET_ROBUST_LIST = 273,
        PRLIMIT64 = 302,
        RSEQ = 334
    };
    size_t n = 0;
    while (n < count && calls[n].number != SET_TID_ADDRESS && calls[n].number != RSEQ)
        n++;
    if (n == count)
        return count;
    for (; n > 0; n--) {
        uint32_t next = calls[n - 1].number;
        if (next != MPROTECT && next != SET_ROBUST_LIST && next != PRLIMIT64 && next != READLINK &&
            (next != MUNMAP || calls[n].number != PRLIMIT64))
            break;
    }
    return n;
}

bool report_call_line(unsigned n, char *to, size_t size)
{
    static struct syscall_record calls[SYSCALL_HISTORY];
    if (thread_current() == NULL)
        return false;
    if (n >= calls_of_program(calls, syscall_history(calls, SYSCALL_HISTORY)))
        return false;
    const struct linux_thread *lt = linux_current();
    syscall_format(&calls[n], lt->texts, lt->history_next - n, to, size);
    return true;
}

const char *report_call_name(unsigned number)
{
    return number < SYSCALL_COUNT ? syscall_row(number).name : NULL;
}

int report_process(const struct thread *thread, int *parent)
{
    const struct linux_thread *lt = thread != NULL ? thread->linux_thread : NULL;
    if (lt == NULL || lt->process == process_first())
        return 0;
    *parent = lt->process->ppid;
    return lt->process->pid;
}

static const struct code_word {
    int16_t signal, code; /* signal 0: of all */
    const char *name;
} code_words[] = {
    {0, SI_USER, "SI_USER"},
    {0, SI_KERNEL, "SI_KERNEL"},
    {0, SI_QUEUE, "SI_QUEUE"},
    {0, SI_TIMER, "SI_TIMER"},
    {0, SI_TKILL, "SI_TKILL"},
    {SIGNAL_ILL, ILL_ILLOPN, "ILL_ILLOPN"},
    {SIGNAL_FPE, FPE_INTDIV, "FPE_INTDIV"},
    {SIGNAL_FPE, FPE_INTOVF, "FPE_INTOVF"},
    {SIGNAL_FPE, FPE_FLTDIV, "FPE_FLTDIV"},
    {SIGNAL_FPE, FPE_FLTOVF, "FPE_FLTOVF"},
    {SIGNAL_FPE, FPE_FLTUND, "FPE_FLTUND"},
    {SIGNAL_FPE, FPE_FLTRES, "FPE_FLTRES"},
    {SIGNAL_FPE, FPE_FLTINV, "FPE_FLTINV"},
    {SIGNAL_SEGV, SEGV_MAPERR, "SEGV_MAPERR"},
    {SIGNAL_SEGV, SEGV_ACCERR, "SEGV_ACCERR"},
    {SIGNAL_BUS, BUS_ADRALN, "BUS_ADRALN"},
    {SIGNAL_BUS, BUS_ADRERR, "BUS_ADRERR"},
    {SIGNAL_TRAP, TRAP_BRKPT, "TRAP_BRKPT"},
    {SIGNAL_TRAP, TRAP_TRACE, "TRAP_TRACE"},
    {SIGNAL_TRAP, TRAP_HWBKPT, "TRAP_HWBKPT"},
};

static const char *code_name(int signal, int code)
{
    for (size_t i = 0; i < ARRAY_LENGTH(code_words); i++)
        if ((code_words[i].signal == 0 || code_words[i].signal == signal) &&
            code_words[i].code == code)
            return code_words[i].name;
    return NULL;
}

void signal_fault_report(const struct trap_frame *frame, int signal, int code, uint64_t address)
{
    /* Vector 0 may also stand for a system call: no room for a handler's frame, or abort(). */
    bool gs = frame->vector == FRAME_VECTOR_GS;
    bool trapped = signal != SIGNAL_ABRT && (frame->vector < VECTOR_EXCEPTIONS || gs) &&
                   (frame->vector != VECTOR_DIVIDE || signal == SIGNAL_FPE);
    bool page_fault = trapped && frame->vector == VECTOR_PAGE_FAULT;
    struct report_subject subject = {
        .frame = frame,
        .trapped = trapped,
        .reason = gs ? "a wrong GS base, seen at a trap" : NULL,
        .signal = signal_name(signal),
        .signal_number = signal,
        .code = code,
        .code_name = code_name(signal, code),
        .has_address = page_fault,
        .address = virt(page_fault ? address : 0),
        .past_file = page_fault && signal == SIGNAL_BUS,
    };
    report_fault(&subject);
}

void crash_out_of_memory(const struct trap_frame *frame, virt_t at)
{
    struct report_subject subject = {
        .frame = frame,
        .trapped = true,
        .signal = signal_name(SIGNAL_KILL),
        .signal_number = SIGNAL_KILL,
        .has_address = true,
        .address = at,
        .out_of_memory = true,
    };
    report_fault(&subject);
}

void watchdog_stuck(const struct trap_frame *frame)
{
    if (frame->rip >= LAYOUT_PROGRAM_END)
        panic_hang(frame);
    const struct report_subject subject = {
        .frame = frame,
        .trapped = true,
        .signal = signal_name(SIGNAL_SEGV),
        .signal_number = SIGNAL_SEGV,
        .code = SI_KERNEL,
        .code_name = "SI_KERNEL",
        .reason = "the program keeps interrupts off",
        .cause = FAULT_BY_HANG,
    };
    report_fault(&subject);
    machine_exit(STATUS_SIGNAL + SIGNAL_SEGV);
}
