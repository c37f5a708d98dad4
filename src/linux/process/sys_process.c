/* SPDX-License-Identifier: MIT */
#include "linux/process/sys_process.h"

#include "base/str.h"
#include "fs/tty/pty.h"
#include "kern/thread.h"
#include "linux/task/rights.h"
#include "linux/task/process.h"
#include "linux/task/scheduling.h"
#include "mm/layout.h"
#include "mm/vm/usercopy.h"

#define ROBUST_LIST_SIZE 24 /* sizeof(struct robust_list_head) */

enum err sys_exit(struct syscall *call)
{
    linux_thread_exit(((int)call->arg[0] & 0xff) << 8);
}

enum err sys_exit_group(struct syscall *call)
{
    process_exit(((int)call->arg[0] & 0xff) << 8);
}

enum err sys_vhangup(struct syscall *call)
{
    (void)call;
    return pty_hang_up_session((uint32_t)process_current()->sid);
}

enum err sys_getpid(struct syscall *call)
{
    call->result = (uint64_t)process_current()->pid;
    return E_OK;
}

enum err sys_gettid(struct syscall *call)
{
    call->result = (uint64_t)linux_current()->tid;
    return E_OK;
}

enum err sys_set_tid_address(struct syscall *call)
{
    linux_current()->clear_tid = call->arg[0];
    call->result = (uint64_t)linux_current()->tid;
    return E_OK;
}

enum err sys_set_robust_list(struct syscall *call)
{
    if (call->arg[1] != ROBUST_LIST_SIZE)
        return E_INVAL;
    linux_current()->robust_list = call->arg[0];
    return E_OK;
}

enum err sys_get_robust_list(struct syscall *call)
{
    const struct linux_thread *lt = linux_thread_by_tid((int)call->arg[0]);
    if (lt == NULL)
        return E_SRCH;
    if (!process_may_trace(lt, false))
        return E_PERM;
    enum err e = put_out(virt(call->arg[2]), ROBUST_LIST_SIZE);
    return e == E_OK ? put_out(virt(call->arg[1]), lt->robust_list) : e;
}

enum {
    PR_SET_PDEATHSIG = 1,
    PR_GET_PDEATHSIG = 2,
    PR_GET_DUMPABLE = 3,
    PR_SET_DUMPABLE = 4,
    PR_GET_KEEPCAPS = 7,
    PR_SET_KEEPCAPS = 8,
    PR_GET_TIMING = 13,
    PR_SET_TIMING = 14,
    PR_SET_NAME = 15,
    PR_GET_NAME = 16,
    PR_GET_SECCOMP = 21,
    PR_CAPBSET_READ = 23,
    PR_CAPBSET_DROP = 24,
    PR_GET_TSC = 25,
    PR_GET_SECUREBITS = 27,
    PR_SET_SECUREBITS = 28,
    PR_SET_TIMERSLACK = 29,
    PR_GET_TIMERSLACK = 30,
    PR_MCE_KILL_GET = 34,
    PR_SET_MM = 35,
    PR_SET_CHILD_SUBREAPER = 36,
    PR_GET_CHILD_SUBREAPER = 37,
    PR_SET_NO_NEW_PRIVS = 38,
    PR_GET_NO_NEW_PRIVS = 39,
    PR_GET_TID_ADDRESS = 40,
    PR_SET_THP_DISABLE = 41,
    PR_GET_THP_DISABLE = 42,
    PR_CAP_AMBIENT = 47,
    PR_GET_SPECULATION_CTRL = 52,
    PR_SET_SPECULATION_CTRL = 53,
    PR_SET_IO_FLUSHER = 57,
    PR_GET_IO_FLUSHER = 58,
    PR_SET_PTRACER = 0x59616d61,
};

#define SPECULATIONS        3 /* store bypass, indirect branch, flush of L1D */

#define PR_MCE_KILL_DEFAULT 2

enum { /* operations of PR_CAP_AMBIENT */
    PR_CAP_AMBIENT_IS_SET = 1,
    PR_CAP_AMBIENT_RAISE = 2,
    PR_CAP_AMBIENT_LOWER = 3,
    PR_CAP_AMBIENT_CLEAR_ALL = 4,
};

#define PR_TSC_ENABLE       1
#define TIMER_SLACK_DEFAULT 50000

static enum err prctl_set_name(virt_t from)
{
    char name[sizeof((struct thread *)0)->name];
    size_t length;
    enum err e = copy_in_string(name, from, sizeof name, &length);
    if (e == E_NAMETOOLONG) { /* longer names are truncated */
        e = copy_in(name, from, sizeof name - 1);
        length = sizeof name - 1;
    }
    if (e == E_OK)
        process_rename(thread_current(), name, length);
    return e;
}

static enum err out_int(virt_t to, int value)
{
    return copy_out(to, &value, sizeof value);
}

static enum err ambient_change(struct credentials *new, const uint64_t *arg)
{
    if (arg[1] == PR_CAP_AMBIENT_CLEAR_ALL)
        new->ambient = 0;
    else
        return rights_set_ambient(new, arg[2], arg[1] == PR_CAP_AMBIENT_RAISE);
    return E_OK;
}

static enum err prctl_change(struct credentials *new, const uint64_t *arg)
{
    switch ((int)arg[0]) {
    case PR_SET_KEEPCAPS:
        return arg[1] > 1 ? E_INVAL : rights_set_keep(new, arg[1]);
    case PR_SET_NO_NEW_PRIVS:
        new->no_new_privs = true;
        return arg[1] != 1 || arg[2] || arg[3] || arg[4] ? E_INVAL : E_OK;
    case PR_CAPBSET_DROP:
        return rights_drop_bound(new, arg[1]);
    case PR_SET_SECUREBITS:
        return rights_set_securebits(new, arg[1]);
    default:
        return ambient_change(new, arg);
    }
}

/* The settings that are part of the credentials. */
static enum err prctl_credentials(const struct syscall *call)
{
    struct credentials *new = credentials_copy(credentials_current());
    return new != NULL ? credentials_commit(new, prctl_change(new, call->arg)) : E_NOMEM;
}

static enum err prctl_ambient(struct syscall *call)
{
    const uint64_t *arg = call->arg;
    bool clear = arg[1] == PR_CAP_AMBIENT_CLEAR_ALL;
    if ((clear ? arg[2] != 0 : arg[2] > CAP_LAST) || arg[3] || arg[4])
        return E_INVAL;
    if (arg[1] == PR_CAP_AMBIENT_IS_SET) {
        call->result = credentials_current()->ambient >> arg[2] & 1;
        return E_OK;
    }
    bool known = clear || arg[1] == PR_CAP_AMBIENT_RAISE || arg[1] == PR_CAP_AMBIENT_LOWER;
    return known ? prctl_credentials(call) : E_INVAL;
}

static enum err prctl_io_flusher(struct syscall *call)
{
    struct process *self = process_current();
    bool get = (int)call->arg[0] == PR_GET_IO_FLUSHER;
    if (!capable(CAP_SYS_RESOURCE))
        return E_PERM;
    if ((get && call->arg[1]) || call->arg[2] || call->arg[3] || call->arg[4] || call->arg[1] > 1)
        return E_INVAL;
    if (get)
        call->result = self->io_flusher;
    else
        self->io_flusher = call->arg[1];
    return E_OK;
}

static enum err prctl_rare(struct syscall *call)
{
    switch ((int)call->arg[0]) {
    case PR_GET_SPECULATION_CTRL: /* nothing is mitigated: 0, not affected */
        if (call->arg[2] || call->arg[3] || call->arg[4])
            return E_INVAL;
        return call->arg[1] < SPECULATIONS ? E_OK : E_NODEV;
    case PR_SET_SPECULATION_CTRL:
        if (call->arg[3] || call->arg[4])
            return E_INVAL;
        return call->arg[1] < SPECULATIONS ? E_NXIO : E_NODEV;
    case PR_SET_MM:
        return prctl_set_mm(call);
    case PR_SET_IO_FLUSHER:
    case PR_GET_IO_FLUSHER:
        return prctl_io_flusher(call);
    default:
        return E_INVAL;
    }
}

/* Settings that are stored and returned. */
static enum err prctl_set(struct syscall *call)
{
    uint64_t value = call->arg[1];
    switch ((int)call->arg[0]) {
    case PR_SET_PDEATHSIG:
        if (value > SIGNAL_COUNT)
            return E_INVAL;
        process_current()->pdeath_signal = value;
        return E_OK;
    case PR_SET_DUMPABLE:
        if (value > 1)
            return E_INVAL;
        process_current()->program->dumpable = value;
        return E_OK;
    case PR_SET_KEEPCAPS:
    case PR_SET_NO_NEW_PRIVS:
    case PR_CAPBSET_DROP:
    case PR_SET_SECUREBITS:
        return prctl_credentials(call);
    case PR_CAP_AMBIENT:
        return prctl_ambient(call);
    case PR_SET_TIMERSLACK:
        process_current()->timer_slack = value == 0 ? TIMER_SLACK_DEFAULT : value;
        return E_OK;
    case PR_SET_CHILD_SUBREAPER:
        process_current()->child_subreaper = value != 0;
        return E_OK;
    case PR_SET_THP_DISABLE:
        if (call->arg[2] || call->arg[3] || call->arg[4])
            return E_INVAL;
        process_current()->thp_disable = value != 0;
        return E_OK;
    case PR_SET_TIMING:
        return value == 0 ? E_OK : E_INVAL;
    case PR_SET_PTRACER: /* of Yama: without ptrace() there is no tracer */
        return value == 0 || value == UINT64_MAX || linux_thread_by_tid((int)value) != NULL
                   ? E_OK
                   : E_INVAL;
    default:
        return prctl_rare(call);
    }
}

static enum err prctl_get(struct syscall *call)
{
    uint64_t value = call->arg[1];
    switch ((int)call->arg[0]) {
    case PR_GET_DUMPABLE:
        call->result = process_current()->program->dumpable;
        return E_OK;
    case PR_GET_KEEPCAPS:
        call->result = (credentials_current()->securebits & SECURE_KEEP_CAPS) != 0;
        return E_OK;
    case PR_GET_TIMERSLACK:
        call->result = sched_is_realtime(linux_current()->scheduling.policy)
                           ? 0
                           : process_current()->timer_slack;
        return E_OK;
    case PR_MCE_KILL_GET:
        if (value || call->arg[2] || call->arg[3] || call->arg[4])
            return E_INVAL;
        call->result = PR_MCE_KILL_DEFAULT;
        return E_OK;
    case PR_CAPBSET_READ:
        if (value > CAP_LAST)
            return E_INVAL;
        call->result = credentials_current()->bounding >> value & 1;
        return E_OK;
    case PR_GET_NO_NEW_PRIVS:
    case PR_GET_THP_DISABLE:
        if (value || call->arg[2] || call->arg[3] || call->arg[4])
            return E_INVAL;
        call->result = (int)call->arg[0] == PR_GET_NO_NEW_PRIVS
                           ? credentials_current()->no_new_privs
                           : process_current()->thp_disable;
        return E_OK;
    case PR_GET_SECUREBITS:
        call->result = credentials_current()->securebits;
        return E_OK;
    case PR_GET_TIMING: /* PR_TIMING_STATISTICAL */
    case PR_GET_SECCOMP:
        return E_OK;
    default:
        return prctl_set(call);
    }
}

enum err sys_prctl(struct syscall *call)
{
    virt_t to = virt(call->arg[1]);
    switch ((int)call->arg[0]) {
    case PR_SET_NAME:
        return prctl_set_name(to);
    case PR_GET_NAME:
        return copy_out(to, thread_current()->name, sizeof thread_current()->name);
    case PR_GET_PDEATHSIG:
        return out_int(to, (int)process_current()->pdeath_signal);
    case PR_GET_CHILD_SUBREAPER:
        return out_int(to, (int)process_current()->child_subreaper);
    case PR_GET_TSC:
        return out_int(to, PR_TSC_ENABLE);
    case PR_GET_TID_ADDRESS:
        return copy_out(to, &linux_current()->clear_tid, sizeof(uint64_t));
    default:
        return prctl_get(call);
    }
}

enum {
    ARCH_SET_GS = 0x1001,
    ARCH_SET_FS = 0x1002,
    ARCH_GET_FS = 0x1003,
    ARCH_GET_GS = 0x1004,
    ARCH_GET_CPUID = 0x1011,
    ARCH_SET_CPUID = 0x1012,
};

enum err sys_arch_prctl(struct syscall *call)
{
    uint64_t value = call->arg[1], base = 0;
    switch ((int)call->arg[0]) {
    case ARCH_SET_GS: /* the kernel's per-CPU data is addressed by GS */
        return E_PERM;
    case ARCH_SET_FS:
        if (value >= LAYOUT_PROGRAM_END)
            return E_PERM;
        thread_set_fs_base(value);
        return E_OK;
    case ARCH_GET_FS:
        base = thread_get_fs_base();
        return copy_out(virt(value), &base, sizeof base);
    case ARCH_GET_GS:
        return copy_out(virt(value), &base, sizeof base);
    case ARCH_GET_CPUID:
        call->result = 1;
        return E_OK;
    case ARCH_SET_CPUID:
        return E_NODEV;
    default:
        return E_INVAL;
    }
}

#define PERSONALITY_QUERY 0xffffffff

enum err sys_personality(struct syscall *call)
{
    call->result = process_current()->personality;
    if ((uint32_t)call->arg[0] != PERSONALITY_QUERY)
        process_current()->personality = (uint32_t)call->arg[0];
    return E_OK;
}

enum {
    MEMBARRIER_QUERY = 0,
    MEMBARRIER_GLOBAL = 1,
    MEMBARRIER_GLOBAL_EXPEDITED = 2,
    MEMBARRIER_REGISTER_GLOBAL_EXPEDITED = 4,
    MEMBARRIER_PRIVATE_EXPEDITED = 8, /* of twice the number: the registration for it */
    MEMBARRIER_PRIVATE_EXPEDITED_SYNC_CORE = 32,
    MEMBARRIER_PRIVATE_EXPEDITED_RSEQ = 128,
    MEMBARRIER_KNOWN = 511,
    MEMBARRIER_FLAG_CPU = 1, /* on that processor only */
};

/* On the CPUs that run programs an interrupt is one. */
static void membarrier_others(void)
{
    if (SEVERAL_CPUS)
        cpu_flush_others(cpus_all(), NULL, 0);
}

/* Kernel entry is a sufficient barrier on its CPU. */
enum err sys_membarrier(struct syscall *call)
{
    uint32_t *registered = &process_current()->program->barriers;
    uint32_t command = (uint32_t)call->arg[0];
    uint32_t flags = (uint32_t)call->arg[1];
    kernel_lock_assert();
    if (flags != 0 &&
        (flags != MEMBARRIER_FLAG_CPU || command != MEMBARRIER_PRIVATE_EXPEDITED_RSEQ))
        return E_INVAL;
    switch (command) {
    case MEMBARRIER_QUERY:
        call->result = MEMBARRIER_KNOWN;
        return E_OK;
    case MEMBARRIER_PRIVATE_EXPEDITED << 1:
    case MEMBARRIER_PRIVATE_EXPEDITED_SYNC_CORE << 1:
    case MEMBARRIER_PRIVATE_EXPEDITED_RSEQ << 1:
        *registered |= command >> 1;
        return E_OK;
    case MEMBARRIER_PRIVATE_EXPEDITED:
    case MEMBARRIER_PRIVATE_EXPEDITED_SYNC_CORE:
    case MEMBARRIER_PRIVATE_EXPEDITED_RSEQ:
        if (!(*registered & command))
            return E_PERM;
        if (SEVERAL_CPUS && command == MEMBARRIER_PRIVATE_EXPEDITED_RSEQ)
            threads_interrupt_others(); /* on all CPUs, whatever the flag says */
        membarrier_others();
        return E_OK;
    case MEMBARRIER_GLOBAL:
    case MEMBARRIER_GLOBAL_EXPEDITED:
        membarrier_others();
        return E_OK;
    case MEMBARRIER_REGISTER_GLOBAL_EXPEDITED:
        return E_OK;
    default:
        return E_INVAL;
    }
}
