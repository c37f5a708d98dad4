/* SPDX-License-Identifier: MIT */
#include "kern/profile.h"

#include "base/addr.h"
#include "base/fmt.h"
#include "base/str.h"
#include "cpu/cpus.h"
#include "cpu/trap.h"
#include "kern/console.h"
#include "kern/thread.h"
#include "kern/time.h"
#include "mm/heap/heap.h"

#define PERIOD_NS UINT64_C(1000000)
#define DEPTH     12 /* so that a line fits UNFRAME_LINE_MAX */
#define SLOTS     2048

struct sample {
    uint64_t count; /* 0: the slot is free */
    uint64_t pc[DEPTH];
};

static struct sample *samples; /* hash table of SLOTS; NULL: not started */
static uint64_t taken, lost;
static struct timer timer;
static trap_handler timer_handler;
static const struct trap_frame *interrupted;
static bool due[CPUS_MAX]; /* of several CPUs: the next VECTOR_KICK is also for a sample */

/* The kernel's frames from `frame` outwards. The chain must lie in the thread's stack and rise. */
static unsigned trace_kernel(const struct trap_frame *frame, struct virt_range stack, uint64_t *pc)
{
    unsigned n = 0;
    uint64_t rbp = frame->rbp, last = stack.start.v;
    pc[n++] = frame->rip;
    while (n < DEPTH - 1 && rbp >= last && rbp % 8 == 0 &&
           rbp <= stack.end.v - sizeof(struct trap_frame) - 16) {
        const uint64_t *link = ptr_of(virt(rbp));
        last = rbp + 16;
        rbp = link[0];
        pc[n++] = link[1];
    }
    return n;
}

static void profile_count(const uint64_t *pc)
{
    uint64_t hash = 0;
    for (unsigned i = 0; i < DEPTH; i++)
        hash = (hash ^ pc[i]) * UINT64_C(0x9e3779b97f4a7c15);
    for (unsigned i = 0; i < SLOTS; i++) {
        struct sample *s = &samples[((hash >> 40) + i) % SLOTS];
        if (s->count == 0)
            memcpy(s->pc, pc, sizeof s->pc);
        else if (memcmp(s->pc, pc, sizeof s->pc) != 0)
            continue;
        s->count++;
        return;
    }
    lost++;
}

/* The position of this CPU. */
static void profile_take(const struct trap_frame *at)
{
    const struct thread *self = thread_current();
    const struct trap_frame *program = (const struct trap_frame *)ptr_of(self->kstack.end) - 1;
    uint64_t pc[DEPTH] = {0};
    if (thread_state_now(self) != THREAD_RUNNABLE)
        return;
    taken++;
    unsigned n = 0;
    if (at != program)
        n = trace_kernel(at, self->kstack, pc);
    if (self->linux_thread != NULL)
        pc[n] = program->rip;
    profile_count(pc);
}

static void profile_ring(struct timer *t)
{
    timer_start(t, time_now_ns() + PERIOD_NS);
    profile_take(interrupted);
    for (unsigned cpu = 0; SEVERAL_CPUS && cpu < cpus_online; cpu++) {
        due[cpu] = cpu != cpu_index();
        if (due[cpu])
            cpu_send(cpu, VECTOR_KICK);
    }
}

COLD void profile_kicked(const struct trap_frame *frame)
{
    bool mine = due[cpu_index()];
    due[cpu_index()] = false;
    if (mine)
        profile_take(frame);
}

static void profile_timer_interrupt(struct trap_frame *frame)
{
    interrupted = frame;
    timer_handler(frame);
}

INIT_CODE enum err profile_start(void)
{
    samples = heap_alloc_zero(SLOTS * sizeof *samples);
    if (samples == NULL)
        return E_NOMEM;
    timer_handler = trap_set_handler(VECTOR_TIMER, profile_timer_interrupt);
    timer_init(&timer, profile_ring);
    timer.background = true;
    timer_start(&timer, time_now_ns() + PERIOD_NS);
    return E_OK;
}

static void tell_sample(const struct sample *s)
{
    char line[32 + 17 * DEPTH];
    size_t n = fmt_snprintf(line, sizeof line, "sample %llu", (unsigned long long)s->count);
    for (unsigned i = 0; i < DEPTH && s->pc[i] != 0; i++)
        n += fmt_snprintf(line + n, sizeof line - n, " %llx", (unsigned long long)s->pc[i]);
    console_tell_host(line);
}

void profile_tell(uint64_t image_start)
{
    char line[64];
    if (samples == NULL)
        return;
    timer_cancel(&timer);
    fmt_snprintf(line, sizeof line, "image %llx", (unsigned long long)image_start);
    console_tell_host(line);
    for (unsigned i = 0; i < SLOTS; i++)
        if (samples[i].count != 0)
            tell_sample(&samples[i]);
    fmt_snprintf(line, sizeof line, "samples %llu %llu", (unsigned long long)taken,
                 (unsigned long long)lost);
    console_tell_host(line);
}
