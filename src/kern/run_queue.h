/* SPDX-License-Identifier: MIT */
/*
 * The run queue: the choice of the next thread. Pure: times are arguments.
 *
 * Real-time threads come first: the highest priority, round-robin or FIFO among equals. All others
 * share the CPU by weight (Linux: CFS): running advances a thread's virtual time, faster for a
 * lower weight, and the thread with the least virtual time is next.
 *
 * Real-time threads that have run for RUN_REALTIME_NS of a period wait until it ends if others are there
 * (sched_rt_runtime_us): a loop at real-time priority does not take the machine away from whoever would end it.
 *
 * A thread that has slept does not keep all of its lag, which would let it monopolize the CPU: it
 * is placed RUN_CREDIT_NS before the least virtual time, enough to run at once. `floor` is the
 * least virtual time and never decreases.
 *
 * A new thread is placed RUN_DEBIT_NS after it: threads that come one after the other would else always be before those
 * that are there, which would never run.
 *
 *   virtual time ->   floor - CREDIT        floor           floor + DEBIT        ceiling
 *                     woken sleepers        next to run     new threads          after a yield
 */
#pragma once

#include "base/compiler.h"
#include "base/list.h"
#include "base/pqueue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RUN_PRIORITY_MAX   99   /* real-time priorities are 1 to 99; 0: not real-time */
#define RUN_WEIGHT_NORMAL  1024 /* nice 0 */
#define RUN_SLICE_NS       UINT64_C(4000000)
#define RUN_CREDIT_NS      UINT64_C(3000000) /* head start of a woken sleeper */
#define RUN_PERIOD_NS      UINT64_C(1000000000)
#define RUN_REALTIME_NS    UINT64_C(950000000) /* of real-time threads in a period */
#define RUN_GRANULARITY_NS UINT64_C(1000000)   /* lag that justifies a preemption */
/* Of a new thread; less than the lag at which one that it wakes would preempt it. */
#define RUN_DEBIT_NS (RUN_GRANULARITY_NS / 2)

struct run_entity {
    struct pqueue_node node; /* while queued, priority 0 */
    struct list link;        /* while queued, priority > 0 */
    uint64_t virtual_ns;
    uint32_t weight;
    uint8_t priority;
    bool queued;
};

struct run_queue {
    struct pqueue fair;
    struct list realtime[RUN_PRIORITY_MAX + 1];
    uint64_t present[2]; /* bit n: realtime[n] is not empty */
    uint64_t floor, ceiling;
    uint64_t period_ns, realtime_ns; /* the period's start; what real-time threads had of it */
    uint32_t count;
    bool realtime_held; /* they had their part */
};

void run_queue_init(struct run_queue *queue);
/* nice 0, virtual time `floor` + RUN_DEBIT_NS. */
void run_entity_init(struct run_entity *entity, const struct run_queue *queue);

enum run_place {
    RUN_PREEMPTED, /* keeps its place; real-time: first of its priority */
    RUN_WOKEN,     /* has slept */
    RUN_YIELDED,   /* behind all others */
};

/* Gives an entity of one queue, not queued, the same place in the order of another. O(1). */
static inline void run_entity_move(struct run_entity *entity, const struct run_queue *from,
                                   const struct run_queue *to)
{
    uint64_t at = entity->virtual_ns + to->floor;
    entity->virtual_ns = at > from->floor ? at - from->floor : 0;
}

/* Adds an entity that is not queued. O(1). */
void run_queue_add(struct run_queue *queue, struct run_entity *entity, enum run_place place);
/* Removes a queued entity. O(log n) amortized. */
void run_queue_remove(struct run_queue *queue, struct run_entity *entity);
/* The first entity of those with the highest priority, or, while those are held, of the others; NULL: none is
 * real-time. O(1). */
struct run_entity *run_queue_first_realtime(const struct run_queue *queue);

/* The next entity to run, still queued; NULL if the queue is empty. O(1). */
static inline struct run_entity *run_queue_first(const struct run_queue *queue)
{
    _Static_assert(offsetof(struct run_entity, node) == 0, "a NULL node is a NULL entity");
    if (unlikely((queue->present[0] | queue->present[1]) != 0))
        return run_queue_first_realtime(queue);
    return (struct run_entity *)pqueue_first(&queue->fair);
}

/* True if another entity is to run now that the slice of `running` is over. O(1). */
bool run_queue_turn_is_over(const struct run_queue *queue, const struct run_entity *running,
                            bool round_robin);
/* Raises `floor` to the least virtual time of the entity that runs and those queued. Before a sleeper
 * is added: else one that wakes often would never be lifted, and so would get ahead of a thread that
 * is always runnable by all the time it slept. O(1). */
void run_queue_advance(struct run_queue *queue, const struct run_entity *running);
/* Charges `ns` of CPU time to an entity that is not queued. */
void run_queue_charge(struct run_queue *queue, struct run_entity *entity, uint64_t ns);
/* Holds real-time entities that had their part of the period, until it ends: to be called at the end of each slice. O(1). */
void run_queue_limit(struct run_queue *queue, uint64_t now);
/* True if `woken` should run before the slice of `running` ends. */
static inline bool run_queue_preempts(const struct run_entity *woken,
                                      const struct run_entity *running)
{
    if (woken->priority != running->priority)
        return woken->priority > running->priority;
    return woken->priority == 0 && woken->virtual_ns + RUN_GRANULARITY_NS < running->virtual_ns;
}

/* The weight of a nice value, [-20, 19]: each step is a factor of 1.25. */
uint32_t run_weight_of_nice(int nice);
