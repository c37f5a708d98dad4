/* SPDX-License-Identifier: MIT */
#include "kern/thread.h"

#include "base/panic.h"
#include "base/str.h"
#include "cpu/features.h"
#include "cpu/frame.h"
#include "cpu/irq_flags.h"
#include "cpu/percpu.h"
#include "cpu/x86.h"
#include "mm/heap.h"
#include "mm/kstack.h"

#define SLICE_NS      UINT64_C(4000000)
#define VECTORS_ALIGN 64

/* cpu/entry.S */
void switch_stacks(uint64_t *save_rsp, uint64_t load_rsp);
void thread_entry(void);

static struct list run_queue = LIST_INIT(run_queue);
static struct thread *ended;         /* waits for its stack to be left */
static struct thread *vectors_owner; /* whose state the vector registers hold */
static struct timer slice_timer;
static volatile bool slice_over;
static uint32_t next_id = 1;

struct thread *thread_current(void)
{
    return percpu()->current;
}

static void slice_ended(struct timer *timer)
{
    (void)timer;
    slice_over = true;
}

static void sleep_ended(struct timer *timer)
{
    struct thread *t = CONTAINER_OF(timer, struct thread, sleep_timer);
    if (t->state == THREAD_ASLEEP)
        thread_wake(t, E_TIMEDOUT);
}

static void reap(void)
{
    struct thread *t = ended;
    if (t == NULL)
        return;
    ended = NULL;
    kstack_free(t->kstack);
    heap_free(t->vectors_block);
    heap_free(t);
}

static void load_state(struct thread *t)
{
    struct percpu *cpu = percpu();
    cpu->current = t;
    cpu->kstack_top = t->kstack.end.v;
    cpu->kstack_low = t->kstack.start.v;
    t->started_ns = time_now_ns();
    if (t->vectors == NULL)
        return; /* kernel thread: FS and the vector registers stay as they are */
    wrmsr(MSR_FS_BASE, t->fs_base);
    if (vectors_owner != t) {
        if (vectors_owner != NULL)
            cpu_vectors_save(vectors_owner->vectors);
        cpu_vectors_load(t->vectors);
        vectors_owner = t;
    }
}

/* Interrupts are off. */
static void switch_to(struct thread *next)
{
    struct thread *self = thread_current();
    slice_over = false;
    if (!list_empty(&run_queue))
        timer_start(&slice_timer, time_now_ns() + SLICE_NS);
    else
        timer_cancel(&slice_timer);
    if (next == self)
        return;
    self->cpu_ns += time_now_ns() - self->started_ns;
    load_state(next);
    switch_stacks(&self->rsp, next->rsp);
    reap();
}

static struct thread *next_runnable(void)
{
    /* Nothing to run: wait here, on the stack of whoever ran last. */
    while (list_empty(&run_queue))
        cpu_wait_for_interrupt();
    struct thread *next = CONTAINER_OF(run_queue.next, struct thread, run_link);
    list_remove(&next->run_link);
    return next;
}

/* Waiting for something to run happens on this thread's stack, but is not its CPU time. */
void thread_block(void)
{
    struct thread *self = thread_current();
    self->cpu_ns += time_now_ns() - self->started_ns;
    self->state = THREAD_ASLEEP;
    struct thread *next = next_runnable();
    self->started_ns = time_now_ns();
    switch_to(next);
}

void thread_wake(struct thread *t, enum err reason)
{
    uint64_t flags = irq_save();
    if (t->state == THREAD_ASLEEP) {
        t->state = THREAD_RUNNABLE;
        t->started_ns = time_now_ns();
        t->wake_reason = reason;
        list_remove(&t->wait_link);
        list_add_tail(&run_queue, &t->run_link);
        if (!slice_timer.armed)
            timer_start(&slice_timer, time_now_ns() + SLICE_NS);
    }
    irq_restore(flags);
}

void thread_wake_for_signal(struct thread *t)
{
    thread_wake(t, E_INTR);
}

void thread_yield(void)
{
    uint64_t flags = irq_save();
    slice_over = false;
    if (!list_empty(&run_queue)) {
        list_add_tail(&run_queue, &thread_current()->run_link);
        switch_to(next_runnable());
    }
    irq_restore(flags);
}

bool thread_slice_over(void)
{
    return slice_over;
}

void thread_preempt(void)
{
    if (unlikely(slice_over))
        thread_yield();
}

static struct thread *thread_new(const char *name)
{
    struct thread *t = heap_alloc_zero(sizeof *t);
    if (t == NULL)
        return NULL;
    if (kstack_alloc(&t->kstack) != E_OK) {
        heap_free(t);
        return NULL;
    }
    str_copy(t->name, name, sizeof t->name);
    t->id = next_id++;
    t->state = THREAD_RUNNABLE;
    list_init(&t->run_link);
    list_init(&t->wait_link);
    timer_init(&t->sleep_timer, sleep_ended);
    return t;
}

/* What switch_stacks() will pop, and thread_entry() find. The top is kept for the program's
 * registers. */
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

enum err thread_create(const char *name, void (*function)(void *argument), void *argument,
                       struct thread **out)
{
    struct thread *t = thread_new(name);
    if (t == NULL)
        return E_NOMEM;
    lay_out_stack(t, function, argument);
    uint64_t flags = irq_save();
    list_add_tail(&run_queue, &t->run_link);
    if (percpu()->current != NULL && !slice_timer.armed)
        timer_start(&slice_timer, time_now_ns() + SLICE_NS);
    irq_restore(flags);
    *out = t;
    return E_OK;
}

NORETURN INIT_CODE void thread_start_first(void (*function)(void *argument), void *argument)
{
    timer_init(&slice_timer, slice_ended);
    struct thread *first;
    must(thread_create("init", function, argument, &first));
    uint64_t boot_rsp;
    irq_save();
    load_state(next_runnable());
    switch_stacks(&boot_rsp, first->rsp);
    __builtin_unreachable();
}

NORETURN void thread_exit(void)
{
    irq_save();
    struct thread *self = thread_current();
    self->state = THREAD_ENDED;
    timer_cancel(&self->sleep_timer);
    if (vectors_owner == self)
        vectors_owner = NULL;
    ended = self;
    switch_to(next_runnable());
    panic("an ended thread was switched to");
}

enum err thread_use_vectors(void)
{
    struct thread *self = thread_current();
    void *block = heap_alloc(cpu_features.xsave_size + VECTORS_ALIGN);
    if (block == NULL)
        return E_NOMEM;
    self->vectors_block = block;
    self->vectors = ptr_of(virt(align_up(virt_of(block).v, VECTORS_ALIGN)));
    cpu_vectors_reset(self->vectors);
    uint64_t flags = irq_save();
    load_state(self);
    irq_restore(flags);
    return E_OK;
}

void thread_set_fs_base(uint64_t base)
{
    thread_current()->fs_base = base;
    wrmsr(MSR_FS_BASE, base);
}

uint64_t thread_get_fs_base(void)
{
    return thread_current()->fs_base;
}

uint64_t thread_cpu_ns(const struct thread *t)
{
    bool running = t == thread_current() && t->state == THREAD_RUNNABLE;
    return t->cpu_ns + (running ? time_now_ns() - t->started_ns : 0);
}
