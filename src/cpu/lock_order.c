/* SPDX-License-Identifier: MIT */
#include "cpu/lock_order.h"

#define NOT_REACHED 0xff

/* Breadth-first search: came_from[c] becomes the class before c on a shortest path from `from`;
 * came_from[from] is `from` itself. */
static void search_order(const struct lock_order *order, unsigned from,
                         uint8_t came_from[LOCK_ORDER_CLASSES])
{
    uint8_t queue[LOCK_ORDER_CLASSES];
    unsigned used = 0;
    for (unsigned c = 0; c < LOCK_ORDER_CLASSES; c++)
        came_from[c] = NOT_REACHED;
    came_from[from] = (uint8_t)from;
    queue[used++] = (uint8_t)from;
    for (unsigned done = 0; done < used; done++) {
        for (unsigned c = 0; c < LOCK_ORDER_CLASSES; c++) {
            if (!lock_order_has(order, queue[done], c) || came_from[c] != NOT_REACHED)
                continue;
            came_from[c] = queue[done];
            queue[used++] = (uint8_t)c;
        }
    }
}

static void write_way(const uint8_t came_from[LOCK_ORDER_CLASSES], unsigned from, unsigned to,
                      struct lock_way *out)
{
    unsigned length = 1;
    for (unsigned c = to; c != from; c = came_from[c])
        length++;
    out->length = length;
    for (unsigned c = to, i = length; i-- > 0; c = came_from[c])
        out->way[i] = (uint8_t)c;
}

bool lock_order_add(struct lock_order *order, unsigned outer, unsigned inner,
                    const struct lock_trace *trace, struct lock_way *against)
{
    uint8_t came_from[LOCK_ORDER_CLASSES];
    if (lock_order_has(order, outer, inner))
        return true;
    search_order(order, inner, came_from);
    if (came_from[outer] != NOT_REACHED) {
        write_way(came_from, inner, outer, against);
        return false;
    }
    order->under[outer] |= 1u << inner;
    order->trace[outer][inner] = *trace;
    return true;
}
