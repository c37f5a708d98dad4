/* SPDX-License-Identifier: MIT */
#include "kern/thread.h"

#include "base/panic.h"
#include "base/str.h"
#include "cpu/features.h"
#include "cpu/lock.h"
#include "cpu/percpu.h"
#include "cpu/trap.h"
#include "cpu/trap_frame.h"
#include "cpu/x86.h"
#include "kern/deferred.h"
#include "kern/sched_cpu.h"
#include "kern/swap.h"
#include "kern/watchdog.h"
#include "mm/heap/heap.h"
#include "mm/heap/kstack.h"
#include "mm/pt/spaces.h"
#include "mm/vm/usercopy.h"

#define FPU_ALIGN  64
#define SPARES_MAX 32
#define FPU_TURNS  5

/* cpu/entry.S */
void switch_stacks(uint64_t *save_rsp, uint64_t load_rsp);
void thread_entry(void);
/* Called by thread_entry. */
NORETURN void thread_run(void (*function)(void *argument), void *argument);

struct spin_lock sched_spin;

struct sched_cpu sched_cpus[CPUS_MAX];
static struct list all_threads GUARDED_BY(class_sched) = LIST_INIT(all_threads);
static uint64_t not_idle_ns; /* of the deferred work in the present idle time */

static struct timer idle_timer;
static uint64_t idle_limit_ns;
static volatile bool idle_over;

static void slice_begin(bool over) REQUIRES(class_sched)
{
    percpu()->slice =
        (uint8_t)((percpu_slice() & (SLICE_POINTS | SLICE_DEFERRED | SLICE_MOVED)) | over);
}

void thread_sleep_ended(struct timer *timer)
{
    struct thread *t = CONTAINER_OF(timer, struct thread, sleep_timer);
    spin_lock(&sched_spin, &class_sched);
    thread_wake(t, E_TIMEDOUT);
    spin_unlock(&sched_spin, &class_sched);
}

static void disable_fpu_trap(void) REQUIRES(class_sched)
{
    if (!own()->fpu_trap)
        return;
    __asm__ volatile("clts");
    own()->fpu_trap = false;
}

static void swap_fpu(struct thread *t) REQUIRES(class_sched)
{
    disable_fpu_trap();
    if (!SEVERAL_CPUS &&
        own()->fpu_owner != NULL) /* of several, they are saved when it leaves its CPU */
        cpu_fpu_save(own()->fpu_owner->fpu);
    cpu_fpu_load(t->fpu);
    own()->fpu_owner = t;
    t->fpu_cpu = (uint8_t)cpu_index();
    t->fpu_turns = t->fpu_at_once ? FPU_TURNS + 1 : (uint8_t)(t->fpu_turns + 1);
}

/* Of several CPUs another may have had its registers since. */
static bool owns_fpu(const struct thread *t) NO_LOCK_ANALYSIS
{
    return own()->fpu_owner == t && (!SEVERAL_CPUS || t->fpu_cpu == cpu_index());
}

static void load_state(struct thread *t) REQUIRES(class_sched)
{
    struct percpu *cpu = percpu();
    cpu->current = t;
    cpu->kstack_top = t->kstack.end.v;
    cpu->kstack_low = t->kstack.start.v;
    if (SEVERAL_CPUS)
        paging_run(t->space != NULL ? t->space : &resting_space);
    if (t->fpu == NULL)
        return; /* kernel thread: the space, FS and the FPU registers stay as they are */
    if (unlikely(t->space != running_space))
        paging_run(t->space);
    wrmsr(MSR_FS_BASE, t->fs_base);
    if (unlikely(t->debug != NULL))
        load_debug_registers(t->debug);
    if (owns_fpu(t)) {
        disable_fpu_trap();
    } else if (t->fpu_turns > FPU_TURNS) {
        swap_fpu(t);
    } else {
        t->fpu_turns = 0;
        if (!own()->fpu_trap) {
            write_cr0(CR0_KNOWN | CR0_TS);
            own()->fpu_trap = true;
        }
    }
}

static void fpu_used(struct trap_frame *frame)
{
    struct thread *self = thread_current();
    uint8_t before; /* `int 7` ends in a 7: a look at one byte, for speed */
    if (trap_from_program(frame) && copy_in(&before, virt(frame->rip - 1), 1) == E_OK &&
        before == VECTOR_DEVICE_NOT_AVAILABLE && trap_raised_by_program(frame)) {
        trap_pass_on(frame);
        return;
    }
    spin_lock(&sched_spin, &class_sched);
    if (self->fpu == NULL || !own()->fpu_trap)
        panic_at(frame, "the kernel used an FPU register");
    swap_fpu(self);
    spin_unlock(&sched_spin, &class_sched);
}

/* Looks without the lock: only the running thread makes itself the owner, and another only when it runs. */
void thread_own_fpu(void) NO_LOCK_ANALYSIS
{
    if (likely(owns_fpu(thread_current())))
        return;
    uint64_t flags = sched_lock();
    swap_fpu(thread_current());
    sched_unlock(flags);
}

/* `next` has been removed from the run queue. class_sched stays held across the switch. */
static void switch_to(struct thread *next, uint64_t now) REQUIRES(class_sched)
{
    struct thread *self = thread_current();
    slice_begin(false);
    next->started_ns = now;
    next->slice_end_ns = now + RUN_SLICE_NS;
    arm_slice(next->slice_end_ns);
    if (next == self)
        return;
    sched_times.switches++;
    if (SEVERAL_CPUS) {
        if (self->fpu != NULL && self->state != THREAD_ENDED && owns_fpu(self) && !own()->fpu_trap)
            cpu_fpu_save(self->fpu);
        sched_note_switch(next);
    }
    load_state(next);
    switch_stacks(&self->rsp, next->rsp);
}

static NOINLINE void reap(void) REQUIRES(kernel_lock, class_sched)
{
    struct thread *t = own()->ended;
    own()->ended = NULL;
    thread_keep(t);
}

/* kernel_lock precedes class_sched: drops class_sched, then takes both in order. What has ended is freed by a thread that has kernel_lock
 * alone. */
static void take_kernel_lock_again(bool shared) REQUIRES(class_sched) ACQUIRE(kernel_lock)
{
    bool begins = SEVERAL_CPUS && own()->begins;
    shared = shared && own()->ended == NULL && !begins;
    own()->begins = false;
    spin_unlock(&sched_spin, &class_sched);
    kernel_lock_take_as(shared);
    spin_lock(&sched_spin, &class_sched);
    if (begins)
        cpus_disturb();
    if (own()->ended != NULL)
        reap();
}

void thread_run(void (*function)(void *argument), void *argument) NO_LOCK_ANALYSIS
{
    take_kernel_lock_again(false);
    if (SEVERAL_CPUS) /* it began before its creator had given it all: the creator had kernel_lock */
        load_state(thread_current());
    sched_unlock(RFLAGS_IF);
    function(argument);
    thread_exit();
}

/* Charges CPU time up to now to the running thread; returns now. */
static uint64_t charge(struct thread *self) REQUIRES(class_sched)
{
    uint64_t now = time_now_ns(), ran = now - self->started_ns;
    self->cpu_ns += ran;
    if (unlikely(percpu_slice() & SLICE_POINTS))
        thread_point_passed();
    self->started_ns = now;
    run_queue_charge(&own()->queue, &self->run, ran);
    return now;
}

static void idle_ended(struct timer *timer)
{
    (void)timer;
    idle_over = true;
}

/* A switch does not move the timer: if it fires too early, it is set again. A real-time thread goes on with another
 * slice, so that its time is counted. */
static void slice_ended(struct timer *timer)
{
    struct thread *self = thread_current();
    uint64_t now = time_now_ns();
    spin_lock(&sched_spin, &class_sched);
    if (own()->queue.count != 0 && now < self->slice_end_ns) {
        timer_start(timer, self->slice_end_ns);
    } else if (own()->queue.count != 0) {
        if (self->run.priority != 0)
            charge(self);
        run_queue_limit(&own()->queue, now);
        bool over = run_queue_turn_is_over(&own()->queue, &self->run, self->round_robin);
        if (!over)
            timer_start(timer, self->slice_end_ns = now + RUN_SLICE_NS);
        slice_begin(over); /* SLICE_OVER is 1 */
    }
    spin_unlock(&sched_spin, &class_sched);
}

/* Idles on the stack of the thread that ran last, until a thread is runnable. */
static NOINLINE void wait_for_work(void) REQUIRES(class_sched)
{
    timer_cancel(&own()->slice);
    if (idle_limit_ns != 0 && !timer_any_armed())
        timer_start(&idle_timer, time_now_ns() + idle_limit_ns);
    idle_over = false;
    not_idle_ns = 0;
    while (own()->queue.count == 0) {
        not_idle_ns += deferred_idle();
        if (unlikely(idle_over)) {
            idle_over = false;
            if (own()->queue.count == 0 && !timer_any_armed() &&
                !(SEVERAL_CPUS && sched_others_run())) {
                spin_unlock(&sched_spin, &class_sched);
                threads_stuck();
                spin_lock(&sched_spin, &class_sched);
            }
        }
    }
    timer_cancel(&idle_timer);
    watchdog_wake();
}

static struct thread *take_first(void) REQUIRES(class_sched)
{
    if (SEVERAL_CPUS)
        return sched_next();
    struct run_entity *first = run_queue_first(&own()->queue);
    run_queue_remove(&own()->queue, first);
    return thread_of(first);
}

/* Idling happens on this thread's stack, but is not charged to it. */
void thread_block(void)
{
    struct thread *self = thread_current();
    uint64_t now = charge(self);
    self->state = THREAD_ASLEEP;
    bool shared = kernel_lock_is_shared();
    kernel_lock_drop();
    self->switches[1]++;
    if (!SEVERAL_CPUS && own()->queue.count == 0) {
        uint64_t idle_from = now;
        wait_for_work();
        now = time_now_ns();
        sched_times.idle_ns += now - idle_from - not_idle_ns;
    }
    switch_to(take_first(), now);
    take_kernel_lock_again(shared);
}

void thread_wake(struct thread *t, enum err reason)
{
    struct thread *self = thread_current();
    if (t->state != THREAD_ASLEEP)
        return;
    t->state = THREAD_RUNNABLE;
    t->wake_reason = reason;
    list_remove(&t->wait.link);
    if (SEVERAL_CPUS) {
        sched_enqueue(t, RUN_WOKEN);
        return;
    }
    if (self->state == THREAD_RUNNABLE)
        run_queue_advance(&own()->queue, &self->run);
    run_queue_add(&own()->queue, &t->run, RUN_WOKEN);
    if (self->state != THREAD_RUNNABLE)
        return;
    if (run_queue_preempts(&t->run, &self->run))
        percpu()->slice |= SLICE_OVER;
    else if (!own()->slice.armed)
        arm_slice(time_now_ns() + RUN_SLICE_NS);
}

void thread_wake_for_signal(struct thread *t)
{
    uint64_t flags = sched_lock();
    thread_wake(t, E_INTR);
    if (SEVERAL_CPUS && t->cpu != cpu_index() && percpus[t->cpu].current == t)
        cpu_send(t->cpu, VECTOR_KICK); /* it looks on its way back to the program */
    sched_unlock(flags);
}

static NOINLINE void thread_hand_over(enum run_place place) REQUIRES(kernel_lock, class_sched)
{
    struct thread *self = thread_current();
    uint64_t now = charge(self);
    if (SEVERAL_CPUS && !(self->allowed >> cpu_index() & 1))
        sched_enqueue(self, RUN_WOKEN); /* no other CPU has it before this one has left its stack */
    else if (SEVERAL_CPUS && self->run.priority != 0)
        sched_enqueue(self, place); /* maybe where less precedes it */
    else
        run_queue_add(&own()->queue, &self->run, place);
    bool shared = kernel_lock_is_shared();
    kernel_lock_drop();
    self->switches[0]++;
    switch_to(take_first(), now);
    take_kernel_lock_again(shared);
}

/* kernel_lock precedes class_sched. */
static void let_others_locked(void) REQUIRES(kernel_lock, class_sched)
{
    bool shared = kernel_lock_is_shared();
    if (!cpu_kernel_is_wanted())
        return;
    kernel_lock_drop();
    take_kernel_lock_again(shared);
}

void thread_let_others(void)
{
    bool shared = kernel_lock_is_shared();
    kernel_lock_drop();
    kernel_lock_take_as(shared);
}

static void give_way(enum run_place place) REQUIRES(kernel_lock, class_sched)
{
    slice_begin(false);
    if (own()->queue.count != 0 ||
        (SEVERAL_CPUS && !(thread_current()->allowed >> cpu_index() & 1)))
        thread_hand_over(place);
    else if (SEVERAL_CPUS)
        let_others_locked();
}

INIT_CODE void thread_count_points(void)
{
    percpu()->slice |= SLICE_POINTS;
}

void thread_yield(void)
{
    uint64_t flags = sched_lock();
    give_way(RUN_YIELDED);
    sched_unlock(flags);
}

void thread_preempt(void)
{
    uint8_t slice = percpu_slice();
    if (likely(slice != SLICE_OVER)) {
        if (slice & SLICE_POINTS)
            thread_point_passed();
        if (slice & (SLICE_DEFERRED | SLICE_ROOM))
            kernel_lock_alone();
        if (slice & SLICE_DEFERRED)
            deferred_run();
        if (slice & SLICE_ROOM)
            swap_pay();
        if (!(percpu_slice() & SLICE_OVER))
            return;
    }
    uint64_t flags = sched_lock();
    const struct thread *self = thread_current();
    bool turn = self->round_robin && time_now_ns() >= self->slice_end_ns;
    give_way(turn ? RUN_YIELDED : RUN_PREEMPTED);
    sched_unlock(flags);
}

/* Without the lock: a report may have interrupted its holder. */
void thread_visit(void (*visit)(struct thread *thread, void *context),
                  void *context) NO_LOCK_ANALYSIS
{
    list_for_each (it, &all_threads)
        visit(CONTAINER_OF(it, struct thread, all_link), context);
}

void thread_watch_idle(uint64_t after_ns)
{
    idle_limit_ns = after_ns;
}

/* The registers that switch_stacks() pops for thread_entry. The top is reserved for the program's
 * trap frame. */
static void lay_out_stack(struct thread *t, void (*function)(void *), void *argument)
{
    struct trap_frame *registers = (struct trap_frame *)ptr_of(t->kstack.end) - 1;
    uint64_t *top = (uint64_t *)registers - 2; /* keeps rsp 16-byte aligned at the call */
    *--top = (uint64_t)(uintptr_t)thread_entry;
    *--top = 0;                             /* rbp */
    *--top = 0;                             /* rbx */
    *--top = (uint64_t)(uintptr_t)function; /* r12 */
    *--top = (uint64_t)(uintptr_t)argument; /* r13 */
    *--top = 0;                             /* r14 */
    *--top = 0;                             /* r15 */
    t->rsp = (uint64_t)(uintptr_t)top;
}

static void launch(struct thread *t, void (*function)(void *), void *argument)
{
    lay_out_stack(t, function, argument);
    uint64_t flags = sched_lock();
    t->state = THREAD_RUNNABLE;
    wait_entry_init(&t->wait, thread_wake_entry);
    run_entity_init(&t->run, &own()->queue);
    list_add_tail(&all_threads, &t->all_link);
    if (SEVERAL_CPUS) {
        t->cpu = t->cpu_told = (uint8_t)cpu_index();
        if (t->fpu != NULL) {
            sched_enqueue(t, RUN_PREEMPTED);
            sched_unlock(flags);
            return;
        }
    } /* a thread of the kernel begins here: its creator may go on to raise its priority */
    run_queue_add(&own()->queue, &t->run, RUN_PREEMPTED);
    if (percpu()->current != NULL && !own()->slice.armed)
        arm_slice(time_now_ns() + RUN_SLICE_NS);
    sched_unlock(flags);
}

enum err thread_create(const char *name, void (*function)(void *argument), void *argument,
                       struct thread **out)
{
    struct thread *t = thread_new(name);
    if (t == NULL)
        return E_NOMEM;
    launch(t, function, argument);
    *out = t;
    return E_OK;
}

static MUST_CHECK enum err thread_give_fpu(struct thread *t)
{
    if (t->fpu_block == NULL)
        t->fpu_block = heap_alloc(cpu_features.xsave_size + FPU_ALIGN);
    if (t->fpu_block == NULL)
        return E_NOMEM;
    t->fpu = ptr_of(virt(align_up(virt_of(t->fpu_block).v, FPU_ALIGN)));
    cpu_fpu_reset(t->fpu);
    return E_OK;
}

enum err thread_create_program(const char *name, void (*function)(void *argument), void *argument,
                               struct thread **out)
{
    struct thread *t = thread_new(name);
    if (t == NULL)
        return E_NOMEM;
    if (thread_give_fpu(t) != E_OK) {
        thread_free(t);
        return E_NOMEM;
    }
    thread_own_fpu();
    cpu_fpu_save(t->fpu);
    t->fpu_turns = thread_current()->fpu_turns;
    t->fpu_at_once = thread_current()->fpu_at_once;
    t->space = running_space;
    if (SEVERAL_CPUS)
        t->allowed = thread_current()->allowed;
    *out = t;
    launch(t, function, argument);
    return E_OK;
}

NORETURN INIT_CODE void thread_start_first(void (*function)(void *argument), void *argument)
{
    uint64_t flags = sched_lock();
    run_queue_init(&own()->queue);
    sched_unlock(flags);
    timer_init(&own()->slice, slice_ended);
    if (SEVERAL_CPUS) {
        virt_t unused;
        must(paging_space_make(&resting_space));
        must(thread_create_idle(0, &unused));
    }
    timer_init(&idle_timer, idle_ended);
    struct thread *first;
    must(thread_create("init", function, argument, &first));
    /* Code of the boot loader may have run in these frames. QEMU keeps its translation of a page, and
     * makes each store there slow, until all of the code is overwritten. */
    memset(ptr_of(first->kstack.start), 0, first->rsp - first->kstack.start.v);
    uint64_t boot_rsp;
    sched_lock();
    kernel_lock_drop();
    run_queue_remove(&own()->queue, &first->run);
    first->started_ns = time_now_ns();
    if (SEVERAL_CPUS)
        first->space = &first_space;
    load_state(first);
    switch_stacks(&boot_rsp, first->rsp);
    __builtin_unreachable();
}

/* Its first turn begins as others do, after a switch. */
static void idle_loop(void) NO_LOCK_ANALYSIS
{
    for (;;) {
        if (own()->ended != NULL) { /* the next to take the lock here may be long in coming */
            cpus_count_busy(1);
            take_kernel_lock_again(false);
            kernel_lock_drop();
            cpus_count_busy(-1);
        }
        if (own()->queue.count == 0)
            wait_for_work();
        uint64_t now = time_now_ns();
        own()->idle_ns += now - thread_current()->started_ns;
        switch_to(take_first(), now);
    }
}

/* The thread is in no queue yet. */
COLD enum err thread_create_idle(unsigned cpu, virt_t *stack) NO_LOCK_ANALYSIS
{
    struct thread *t = thread_new("idle");
    struct sched_cpu *sched = &sched_cpus[cpu];
    if (t == NULL)
        return E_NOMEM;
    t->state = THREAD_ASLEEP; /* for ever: no one is to think that it runs */
    t->cpu = (uint8_t)cpu;
    lay_out_stack(t, NULL, NULL);
    ((uint64_t *)(uintptr_t)t->rsp)[6] = (uint64_t)(uintptr_t)idle_loop;
    sched->idle = t;
    if (cpu != 0)
        run_queue_init(&sched->queue);
    timer_init(&sched->slice, slice_ended);
    *stack = virt(t->rsp);
    return E_OK;
}

NORETURN void thread_start_cpu(void)
{
    struct thread *self = sched_cpus[cpu_index()].idle;
    spin_lock(&sched_spin, &class_sched);
    self->started_ns = time_now_ns();
    load_state(self);
    idle_loop();
    __builtin_unreachable();
}

NORETURN void thread_exit(void)
{
    sched_lock();
    struct thread *self = thread_current();
    uint64_t now = charge(self);
    self->state = THREAD_ENDED;
    timer_cancel(&self->sleep_timer);
    list_remove(&self->all_link);
    if (own()->fpu_owner == self)
        own()->fpu_owner = NULL;
    kernel_lock_drop();
    if (!SEVERAL_CPUS && own()->queue.count == 0) {
        wait_for_work();
        now = time_now_ns();
    }
    own()->ended = self;
    switch_to(take_first(), now);
    panic("an ended thread was switched to");
}

enum err thread_use_fpu(void)
{
    struct thread *self = thread_current();
    enum err e = thread_give_fpu(self);
    if (e != E_OK)
        return e;
    trap_set_handler(VECTOR_DEVICE_NOT_AVAILABLE, fpu_used);
    self->space = running_space;
    uint64_t flags = sched_lock();
    load_state(self);
    sched_unlock(flags);
    return E_OK;
}

void thread_set_fs_base(uint64_t base)
{
    thread_current()->fs_base = base;
    wrmsr(MSR_FS_BASE, base);
}
