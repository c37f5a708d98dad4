/* SPDX-License-Identifier: MIT */
/* The memory of threads: new ones, and those that have ended. */
#include "base/str.h"
#include "kern/sched_cpu.h"
#include "mm/heap/heap.h"
#include "mm/heap/kstack.h"

#define SPARES_MAX 32

static uint32_t next_id GUARDED_BY(kernel_lock) = 1;
/* Ended threads with their stacks, for reuse (all_link). */
static struct list spares GUARDED_BY(class_sched) = LIST_INIT(spares);
static uint32_t spare_count GUARDED_BY(class_sched);

void thread_free(struct thread *t)
{
    kstack_free(t->kstack);
    heap_free(t->fpu_block);
    heap_free(t);
}

void thread_keep(struct thread *t)
{
    if (spare_count == SPARES_MAX) {
        thread_free(t);
        return;
    }
    list_add_head(&spares, &t->all_link);
    spare_count++;
}

static struct thread *take_kept(void)
{
    uint64_t flags = sched_lock();
    struct thread *t = NULL;
    if (spare_count > 0) {
        t = CONTAINER_OF(spares.next, struct thread, all_link);
        list_remove(&t->all_link);
        spare_count--;
    }
    sched_unlock(flags);
    return t;
}

COLD void thread_trim(void)
{
    struct thread *t;
    while ((t = take_kept()) != NULL)
        thread_free(t);
}

/* A new or reused thread: a stack, all else zero. */
static struct thread *thread_shell(void) REQUIRES(kernel_lock)
{
    struct thread *t = take_kept();
    if (t != NULL) {
        *t = (struct thread){.kstack = t->kstack, .fpu_block = t->fpu_block};
        return t;
    }
    t = heap_alloc_zero(sizeof *t);
    if (t == NULL)
        return NULL;
    if (kstack_alloc(&t->kstack) != E_OK) {
        heap_free(t);
        return NULL;
    }
    return t;
}

struct thread *thread_new(const char *name)
{
    struct thread *t = thread_shell();
    if (t == NULL)
        return NULL;
    str_copy(t->name, name, sizeof t->name);
    t->id = next_id++;
    if (SEVERAL_CPUS) {
        t->fpu_cpu = CPUS_MAX;
        t->allowed = UINT64_MAX;
    }
    timer_init(&t->sleep_timer, thread_sleep_ended);
    return t;
}
