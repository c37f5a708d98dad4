/* SPDX-License-Identifier: MIT */
/*
 * The order of lock classes: a graph that grows as the kernel runs. An edge outer -> inner means
 * that a lock of class `inner` was taken while one of class `outer` was held. A cycle is a possible
 * deadlock between CPUs, so the edge that would close one is refused, even on one CPU. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define LOCK_ORDER_CLASSES 24
#define LOCK_TRACE_DEPTH   10

struct lock_trace {
    unsigned depth;
    uint64_t rip[LOCK_TRACE_DEPTH]; /* return addresses, the innermost first */
};

struct lock_order {
    uint32_t under[LOCK_ORDER_CLASSES]; /* bit i of under[o]: edge o -> i */
    struct lock_trace trace[LOCK_ORDER_CLASSES]
                           [LOCK_ORDER_CLASSES]; /* of the take that made the edge */
};

_Static_assert(LOCK_ORDER_CLASSES <= 32, "a row is a uint32_t");

/* A path that contradicts an edge: classes way[0] -> ... -> way[length - 1], each step an edge. */
struct lock_way {
    unsigned length;
    uint8_t way[LOCK_ORDER_CLASSES];
};

static inline bool lock_order_has(const struct lock_order *order, unsigned outer, unsigned inner)
{
    return order->under[outer] >> inner & 1;
}

/* Adds outer -> inner. False if that would close a cycle: the graph is unchanged, and *against is
 * the shortest path from `inner` to `outer` (one class if they are equal). O(classes^2). */
bool lock_order_add(struct lock_order *order, unsigned outer, unsigned inner,
                    const struct lock_trace *trace, struct lock_way *against);
