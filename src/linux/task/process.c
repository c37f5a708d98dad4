/* SPDX-License-Identifier: MIT */
#define LOG_TAG "process"
#include "linux/task/process.h"

#include "base/log.h"
#include "base/panic.h"
#include "base/str.h"
#include "cpu/features.h"
#include "fs/vfs/context.h"
#include "fs/vfs/file_table.h"
#include "fs/vfs/mount.h"
#include "fs/vfs/process.h"
#include "kern/machine.h"
#include "kern/profile.h"
#include "kern/thread.h"
#include "linux/abi/trace.h"
#include "linux/task/pidfd.h"
#include "linux/task/signal.h"
#include "linux/task/rights.h"
#include "linux/task/settings.h"
#include "linux/task/thread_exit.h"
#include "linux/task/trace.h"
#include "linux/task/user.h"
#include "mm/heap/heap.h"
#include "mm/layout.h"
#include "mm/phys/frames.h"
#include "mm/vm/areas.h"

#define SIGNAL_EXIT  128 /* added to the signal's number by a shell */
#define SPARES_MAX   32
#define FPU_ALIGN    64
#define TID_MAX      PID_MAX_MOST
#define TID_RESERVED 300 /* the search restarts here after a wrap, as in Linux */
#define TID_LEAF     64  /* tids of a leaf of the table */

static struct process first_process;
static struct linux_thread first_thread;
static struct list processes = LIST_INIT(processes); /* struct process.all_link */

/* Written under kernel_lock and class_signal, read under either: */
static struct linux_thread **tids[TID_MAX / TID_LEAF]; /* leaves: heap, made at the first use */
/* Guarded by kernel_lock: */
static uint64_t tids_used[TID_MAX / 64];
uint32_t linux_threads;
static int last_tid = PROCESS_PID;
static struct list spares =
    LIST_INIT(spares); /* struct linux_thread.link; each with its FPU state */
static unsigned spare_count;

struct process *process_first(void)
{
    return &first_process;
}

struct process *process_next(struct process *process)
{
    struct list *next = process->all_link.next;
    return next == &processes ? NULL : CONTAINER_OF(next, struct process, all_link);
}

struct linux_thread *linux_thread_of(struct thread *thread)
{
    return thread->linux_thread;
}

struct linux_thread *linux_thread_find(int tid)
{
    unsigned index = (unsigned)tid;
    struct linux_thread **leaf = index < TID_MAX ? tids[index / TID_LEAF] : NULL;
    return leaf != NULL ? leaf[index % TID_LEAF] : NULL;
}

struct linux_thread *linux_thread_by_tid(int tid)
{
    return tid == 0 ? linux_current() : linux_thread_find(tid);
}

struct process *process_find(int pid)
{
    struct linux_thread *lt = linux_thread_find(pid);
    return lt != NULL && lt->process->pid == pid ? lt->process : NULL;
}

struct process *process_by_tid(int tid)
{
    const struct linux_thread *lt = linux_thread_by_tid(tid);
    return lt != NULL ? lt->process : NULL;
}

/* The leaf of the tid's entry is there. */
static void table_set(int tid, struct linux_thread *lt)
{
    uint64_t irq = signal_lock(), bit = UINT64_C(1) << tid % 64;
    tids[tid / TID_LEAF][tid % TID_LEAF] = lt;
    signal_unlock(irq);
    tids_used[tid / 64] = lt != NULL ? tids_used[tid / 64] | bit : tids_used[tid / 64] & ~bit;
}

static MUST_CHECK enum err table_add(struct linux_thread *lt, int tid)
{
    struct linux_thread ***leaf = &tids[tid / TID_LEAF];
    if (*leaf == NULL)
        *leaf = heap_alloc_zero(TID_LEAF * sizeof **leaf);
    if (*leaf == NULL)
        return E_NOMEM;
    lt->tid = tid;
    table_set(tid, lt);
    return E_OK;
}

/* The next free tid after last_tid; 0 if none is free. O(used tids / 64). */
static int free_tid(void)
{
    int tid = last_tid;
    for (int passed = 0; passed < TID_MAX; passed++) {
        tid = tid + 1 < (int)pid_max ? tid + 1 : TID_RESERVED;
        uint64_t used = tids_used[tid / 64];
        if (!(used >> tid % 64 & 1))
            return last_tid = tid;
        if (used == UINT64_MAX) {
            passed += 63 - tid % 64;
            tid |= 63;
        }
    }
    return 0;
}

static MUST_CHECK enum err process_give_fpu(struct linux_thread *lt)
{
    lt->fpu_block = heap_alloc(cpu_features.xsave_size + FPU_ALIGN);
    if (lt->fpu_block == NULL)
        return E_NOMEM;
    lt->fpu = ptr_of(virt(align_up(virt_of(lt->fpu_block).v, FPU_ALIGN)));
    return E_OK;
}

/* Clears all but members that are expensive to clear and unused until set. */
static void process_clear(struct linux_thread *lt)
{
    lt->thread = NULL;
    lt->credentials = NULL;
    lt->over_user_limit = lt->must_exit = lt->mask_saved = false;
    lt->trace = NULL;
    lt->vfork_child = lt->vfork_parent = 0;
    lt->clear_tid = lt->robust_list = lt->rseq = 0;
    lt->history_next = 0;
    lt->alternate_stack = (struct signal_stack){.flags = SS_DISABLE};
    lt->restart = 0;
    lt->trap_number = lt->trap_error = lt->trap_address = 0;
    lt->scheduling = (struct scheduling){0};
    lt->blocked = lt->awaited = 0;
    list_init(&lt->link);
    lt->pi_locks = (struct pqueue){.root = NULL};
    lt->pi_waiter = NULL;
    signal_pending_init(&lt->pending);
}

static struct linux_thread *shell(void)
{
    struct linux_thread *lt;
    if (spare_count > 0) {
        spare_count--;
        lt = CONTAINER_OF(spares.next, struct linux_thread, link);
        list_remove(&lt->link);
        return lt;
    }
    lt = heap_alloc_zero(sizeof *lt);
    if (lt != NULL && process_give_fpu(lt) != E_OK) {
        heap_free(lt);
        return NULL;
    }
    return lt;
}

static NOINLINE enum err count_for_user(const struct process *process, uint32_t uid)
{
    if (process_is_at_user_limit(process->rlimits[RLIMIT_NPROC].soft) &&
        !capable(CAP_SYS_RESOURCE) && !capable(CAP_SYS_ADMIN))
        return E_AGAIN;
    return user_add_thread(uid);
}

enum err linux_thread_new(struct process *process, int tid, struct linux_thread **out)
{
    const struct credentials *credentials = linux_current()->credentials;
    uint32_t uid = credentials->uid.real;
    if (uid != 0 && count_for_user(process, uid) != E_OK)
        return E_AGAIN;
    struct linux_thread *lt = shell();
    if (lt == NULL) {
        user_remove_thread(uid);
        return E_NOMEM;
    }
    lt->memory_policy = linux_current()->memory_policy;
    process_clear(lt);
    lt->process = process;
    lt->credentials = credentials;
    credentials_get(credentials);
    enum err e = E_OK;
    if (tid == 0)
        e = linux_threads < threads_max && (tid = free_tid()) != 0 ? E_OK : E_AGAIN;
    else if (tid < 0 || tid >= TID_MAX)
        e = E_INVAL;
    else if (tids_used[tid / 64] >> tid % 64 & 1)
        e = E_EXIST;
    if (e == E_OK)
        e = table_add(lt, tid);
    if (e != E_OK) {
        linux_thread_free(lt);
        return e;
    }
    *out = lt;
    return E_OK;
}

void linux_thread_free(struct linux_thread *lt)
{
    if (unlikely(lt->trace != NULL))
        trace_forget(lt);
    if (linux_thread_find(lt->tid) == lt)
        table_set(lt->tid, NULL);
    if (lt->credentials != NULL) {
        if (lt->credentials->uid.real != 0)
            user_remove_thread(lt->credentials->uid.real);
        credentials_put(lt->credentials);
        lt->credentials = NULL;
    }
    if (lt == &first_thread)
        return;
    if (spare_count == SPARES_MAX) {
        heap_free(lt->fpu_block);
        heap_free(lt);
        return;
    }
    list_add_head(&spares, &lt->link);
    spare_count++;
}

void linux_thread_join(struct linux_thread *lt, struct thread *thread)
{
    uint64_t irq = signal_lock();
    lt->thread = thread;
    thread->linux_thread = lt;
    thread->fs_context = lt->process->fs;
    thread->credentials = lt->credentials;
    list_add_tail(&lt->process->threads, &lt->link);
    lt->process->thread_count++;
    linux_threads++;
    signal_unlock(irq);
}

/* Linux's defaults (asm-generic/resource.h, fork_init, signal.c); the stack is LAYOUT_STACK_SIZE.
 */
static void init_rlimits(struct process *process, uint64_t memory)
{
    uint64_t threads = memory / PAGE_SIZE / 32; /* 8 kernel stacks of 16 KiB must fit in memory */
    for (int i = 0; i < RLIMIT_COUNT; i++)
        process->rlimits[i] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
    process->rlimits[RLIMIT_STACK].soft = LAYOUT_STACK_SIZE;
    process->rlimits[RLIMIT_CORE].soft = 0;
    process->rlimits[RLIMIT_NPROC] = (struct rlimit){threads / 2, threads / 2};
    process->rlimits[RLIMIT_SIGPENDING] = (struct rlimit){threads / 2, threads / 2};
    process->rlimits[RLIMIT_NOFILE] = (struct rlimit){FILE_TABLE_LIMIT, FILE_TABLE_LIMIT_HARD};
    process->rlimits[RLIMIT_MEMLOCK] = (struct rlimit){UINT64_C(8) << 20, UINT64_C(8) << 20};
    process->rlimits[RLIMIT_MSGQUEUE] = (struct rlimit){819200, 819200};
    process->rlimits[RLIMIT_NICE] = (struct rlimit){0, 0};
    process->rlimits[RLIMIT_RTPRIO] = (struct rlimit){0, 0};
}

static void init_lists(struct process *process)
{
    list_init(&process->threads);
    list_init(&process->children);
    list_init(&process->tracees);
    list_init(&process->sibling_link);
    list_init(&process->sem_undos);
    wait_queue_init(&process->thread_left);
    wait_queue_init(&process->child_changed);
    wait_queue_init(&process->continued);
    wait_queue_init(&process->signal_arrived);
    signal_pending_init(&process->pending);
    timers_init(process);
}

void process_init(uint64_t memory)
{
    struct process *process = &first_process;
    init_lists(process);
    list_add_tail(&processes, &process->all_link);
    process->program = &program_none;
    first_space.programs = 1;
    process->fs = &fs_first;
    process_clear(&first_thread);
    if (process_give_fpu(&first_thread) != E_OK)
        panic("no memory for the first thread of the program");
    first_thread.process = process;
    first_thread.credentials = &credentials_first;
    credentials_get(&credentials_first);
    must(table_add(&first_thread, PROCESS_PID));
    linux_thread_join(&first_thread, thread_current());

    process->pid = process->pgid = process->sid = PROCESS_PID;
    process->leader = &first_thread;
    process->timer_slack = 50000;
    uts_init();
    process->uts = &uts_first;
    init_rlimits(process, memory);
    process->start_ns = time_now_ns();
}

/* Sets the members of a child that differ from its parent's copy. */
static void become_child(struct process *process, struct process *parent) NO_LOCK_ANALYSIS
{
    init_lists(process);
    process->parent = parent;
    process->ppid = parent->pid;
    process->thread_count = 0;
    process->exit_status = 0;
    process->pidfd = NULL;
    process->ending = process->has_run_exec = process->unwanted = false;
    process->ended = (struct usage_counts){0};
    process->children_usage = (struct usage){0};
    process->shown = (struct usage_shown){0};
    process->stopped = process->wait_pending = 0;
    process->child_subreaper = process->pdeath_signal = process->io_flusher = 0;
    process->start_ns = time_now_ns();
}

static void drop_handlers(struct process *process)
{
    for (int s = 1; s <= SIGNAL_COUNT; s++)
        if (process->actions[s].handler != SIG_IGN)
            process->actions[s] = (struct signal_action){0};
}

enum err process_new(struct process *parent, const struct process_sharing *share,
                     struct process **out)
{
    struct process *process = heap_alloc(sizeof *process);
    if (process == NULL)
        return E_NOMEM;
    *process = *process_current();
    become_child(process, parent);
    if (share->no_handlers)
        drop_handlers(process);
    enum err e;
    if (share->cwd && share->files) {
        process->fs->references++;
    } else {
        e = fs_context_copy(process->fs, share->files, share->cwd, &process->fs);
        if (e != E_OK)
            goto free_process;
    }
    e = linux_thread_new(process, share->tid, &process->leader);
    if (e != E_OK)
        goto put_context;
    process->pid = process->leader->tid;
    if (share->program != NULL)
        process->program = share->program;
    else
        process->program->users++;
    namespace_get(&process->uts->base);
    list_add_tail(&processes, &process->all_link);
    list_add_tail(&parent->children, &process->sibling_link);
    timers_limit_cpu(process);
    *out = process;
    return E_OK;

put_context:
    fs_context_put(process->fs);
free_process:
    heap_free(process);
    return e;
}

void process_free(struct process *process)
{
    pidfd_wake(process, true);
    process_leave_context(process);
    if (process->program != NULL)
        program_put(process->program);
    wait_queue_end(&process->signal_arrived);
    timer_cancel(&process->timers.cpu_limit);
    list_remove(&process->all_link);
    list_remove(&process->sibling_link);
    linux_thread_free(process->leader);
    heap_free(process);
}

uint64_t process_cpu_ns_locked(const struct process *process)
{
    uint64_t sum = process->ended.cpu_ns;
    list_for_each (it, &process->threads)
        sum += thread_cpu_ns(CONTAINER_OF(it, struct linux_thread, link)->thread);
    return sum;
}

uint64_t process_cpu_ns(const struct process *process)
{
    uint64_t irq = signal_lock(), sum = process_cpu_ns_locked(process);
    signal_unlock(irq);
    return sum;
}

static void tell_others_to_exit(struct process *process)
{
    uint64_t irq = signal_lock();
    list_for_each (it, &process->threads) {
        struct linux_thread *lt = CONTAINER_OF(it, struct linux_thread, link);
        if (lt == linux_current())
            continue;
        lt->must_exit = true;
        lt->thread->signal_pending = true;
        thread_wake_for_signal(lt->thread);
    }
    signal_unlock(irq);
}

static bool check_at_end;

void process_check_at_end(void)
{
    check_at_end = true;
}

/* The machine ends with a program that has copied itself into the background, as daemons do. */
COLD static void hint_at_daemon(void)
{
    struct process *p = process_next(&first_process);
    while (p != NULL && (p->zombie || (p->has_run_exec && p->sid == first_process.sid)))
        p = process_next(p);
    if (p != NULL)
        log_warn("the program went into the background, and the machine ends: use its foreground "
                 "option, or --init");
}

static NORETURN void machine_ends(int status)
{
    int signal = status & 0x7f;
    if (status == 0)
        hint_at_daemon();
    if (strace_on)
        strace_exit(status);
    strace_on = false;
    fs_stop_others();
    file_table_clear(file_table_current());
    vfs_shut_down();
    if (check_at_end) {
        areas_check_all();
        frames_check(&machine_frames);
    }
    stats_report();
    profile_tell(first_process.program->image.v);
    machine_exit(signal != 0 ? SIGNAL_EXIT + signal : status >> 8 & 0xff);
}

/* Removes the calling thread from its process; false if it was the last. */
static bool process_leave(struct linux_thread *lt)
{
    struct process *process = lt->process;
    thread_exit_futexes(lt);
    process_release_vfork(lt);
    usage_thread_ends(lt);
    uint64_t irq = signal_lock();
    list_remove(&lt->link);
    process->thread_count--;
    linux_threads--;
    signal_unlock(irq);
    signal_thread_ended(lt);
    return process->thread_count > 0;
}

NORETURN void linux_thread_exit(int status)
{
    kernel_lock_assert();
    struct linux_thread *lt = linux_current();
    struct process *process = lt->process;
    if (unlikely(lt->trace != NULL))
        trace_event(TRACE_EXIT, (uint64_t)(process->ending ? process->exit_status : status));
    bool leader = lt == process->leader;
    if (leader && !process->ending)
        process->exit_status = status;
    if (process->thread_count == 1 && process == &first_process)
        machine_ends(process->exit_status);
    bool others = process_leave(lt);
    if (unlikely(strace_on && !others))
        strace_exit(process->exit_status);
    thread_current()->linux_thread = NULL;
    thread_current()->fs_context = NULL;
    thread_current()->credentials = NULL;
    lt->thread = NULL;
    wait_queue_wake(&process->thread_left);
    if (!leader && unlikely(lt->trace != NULL))
        trace_thread_ended(lt, process->ending ? process->exit_status : status);
    if (!leader)
        linux_thread_free(lt);
    if (!others)
        process_make_zombie(process);
    thread_exit();
}

NORETURN void process_exit(int status)
{
    struct process *process = process_current();
    if (!process->ending) {
        process->ending = true;
        process->exit_status = status;
    }
    if (process == &first_process)
        machine_ends(process->exit_status); /* the other threads never run again */
    tell_others_to_exit(process);
    linux_thread_exit(process->exit_status);
}

NORETURN void process_die(int signal)
{
    process_exit(signal);
}

enum err process_be_only_thread(void)
{
    struct linux_thread *self = linux_current();
    struct process *process = self->process;
    kernel_lock_assert();
    tell_others_to_exit(process);
    while (process->thread_count > 1) {
        enum err e = WAIT_EVENT(&process->thread_left, process->thread_count == 1, NO_DEADLINE);
        if (e != E_OK && self->must_exit)
            return E_INTR;
        if (e != E_OK)
            thread_yield(); /* a signal: stays pending for the new program */
    }
    if (process->leader != self) {
        struct linux_thread *leader = process->leader;
        process->leader = self; /* whose credentials interrupts read */
        linux_thread_free(leader);
        table_set(self->tid, NULL);
        self->tid = process->pid;
        table_set(self->tid, self);
    }
    return E_OK;
}

bool process_is_at_user_limit(uint64_t limit)
{
    uint32_t uid = credentials_current()->uid.real;
    return uid != 0 && user_threads(uid) >= limit;
}

enum err credentials_commit(struct credentials *new, enum err e)
{
    struct linux_thread *self = linux_current();
    struct process *process = self->process;
    const struct credentials *old = self->credentials;
    bool other_user = new->uid.real != old->uid.real;
    uint32_t others = user_threads(new->uid.real);
    if (e == E_OK && other_user)
        e = user_add_thread(new->uid.real);
    if (e != E_OK) {
        credentials_put(new);
        return e;
    }
    if (other_user) {
        user_remove_thread(old->uid.real);
        self->over_user_limit = others > process->rlimits[RLIMIT_NPROC].soft;
    }
    if (rights_differs(old, new)) {
        process->program->dumpable = false;
        process->pdeath_signal = 0;
    }
    self->credentials = self->thread->credentials = new;
    credentials_put(old);
    return E_OK;
}

void process_rename(struct thread *thread, const char *name, size_t length)
{
    if (length > sizeof thread->name - 1)
        length = sizeof thread->name - 1;
    memset(thread->name, 0, sizeof thread->name);
    memcpy(thread->name, name, length);
}
