/* SPDX-License-Identifier: MIT */
/*
 * Who runs next. Pure: times are handed in.
 *
 * Real-time threads come first: the highest priority, in turns among equals. All others share the
 * CPU by weight: each has a virtual time that its running moves on (faster for the light), and the
 * one that is furthest behind is next.
 *
 * Whoever has slept gets no credit for all of it, or it would keep the CPU for as long: it is placed
 * a little before the furthest behind, which is enough to run at once. `floor` is the virtual time
 * of the furthest behind, and never goes back.
 *
 *   virtual time ->   floor - CREDIT        floor                        ceiling
 *                     woken sleepers        next to run, new threads     after a yield
 */
#pragma once

#include "base/list.h"
#include "base/pqueue.h"

#define RUN_PRIORITY_MAX  99   /* of real-time threads: 1 to 99; 0 is all others */
#define RUN_WEIGHT_NORMAL 1024 /* nice 0 */
#define RUN_SLICE_NS      UINT64_C(4000000)
#define RUN_CREDIT_NS     UINT64_C(3000000) /* a woken sleeper's */
#define RUN_GRANULARITY_NS                                                                         \
    UINT64_C(1000000) /* being further behind by that is worth a preemption */

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
    uint32_t count;
};

void run_queue_init(struct run_queue *queue);
/* nice 0, as far behind as those that are queued. */
void run_entity_init(struct run_entity *entity, const struct run_queue *queue);

enum run_place {
    RUN_PREEMPTED, /* goes on where it was; real-time: first of its priority */
    RUN_WOKEN,     /* slept */
    RUN_YIELDED,   /* behind all others */
};

/* The entity is not queued. */
void run_queue_add(struct run_queue *queue, struct run_entity *entity, enum run_place place);
/* The entity is queued. */
void run_queue_remove(struct run_queue *queue, struct run_entity *entity);
/* The next to run, NULL when nobody is queued. */
struct run_entity *run_queue_first(const struct run_queue *queue);
/* The entity, which is not queued, has run for `ns`. */
void run_queue_charge(struct run_queue *queue, struct run_entity *entity, uint64_t ns);
/* Should `woken` run instead of `running` before the slice of that is over? */
bool run_queue_preempts(const struct run_entity *woken, const struct run_entity *running);

/* The weight of a nice value, [-20, 19]: each step is a factor of 1.25. */
uint32_t run_weight_of_nice(int nice);
