/* SPDX-License-Identifier: MIT */
#include "kern/run_queue.h"

#include "base/compiler.h"

/* The most by which a yield moves a thread behind `floor`; only low-weight threads are further. */
#define YIELD_MAX_NS (16 * RUN_SLICE_NS)

void run_queue_init(struct run_queue *queue)
{
    *queue = (struct run_queue){.fair = {0}};
    for (unsigned i = 0; i <= RUN_PRIORITY_MAX; i++)
        list_init(&queue->realtime[i]);
}

void run_entity_init(struct run_entity *entity, const struct run_queue *queue)
{
    *entity =
        (struct run_entity){.virtual_ns = queue->floor + RUN_DEBIT_NS, .weight = RUN_WEIGHT_NORMAL};
    list_init(&entity->link);
}

static void place_fair(struct run_queue *queue, struct run_entity *entity, enum run_place place)
{
    if (queue->count == 0)
        queue->ceiling = queue->floor;
    uint64_t least = queue->floor;
    if (place == RUN_WOKEN)
        least = least > RUN_CREDIT_NS ? least - RUN_CREDIT_NS : 0;
    else if (place == RUN_YIELDED && queue->count > 0)
        least = queue->ceiling < least + YIELD_MAX_NS ? queue->ceiling : least + YIELD_MAX_NS;
    if (entity->virtual_ns < least)
        entity->virtual_ns = least;
    if (queue->ceiling < entity->virtual_ns)
        queue->ceiling = entity->virtual_ns;
    pqueue_insert(&queue->fair, &entity->node, entity->virtual_ns);
}

void run_queue_add(struct run_queue *queue, struct run_entity *entity, enum run_place place)
{
    unsigned priority = entity->priority;
    if (priority == 0) {
        place_fair(queue, entity, place);
    } else {
        queue->present[priority / 64] |= UINT64_C(1) << priority % 64;
        if (place == RUN_PREEMPTED)
            list_add_head(&queue->realtime[priority], &entity->link);
        else
            list_add_tail(&queue->realtime[priority], &entity->link);
    }
    entity->queued = true;
    queue->count++;
}

void run_queue_remove(struct run_queue *queue, struct run_entity *entity)
{
    unsigned priority = entity->priority;
    entity->queued = false;
    queue->count--;
    if (priority == 0) {
        pqueue_remove(&queue->fair, &entity->node);
        return;
    }
    list_remove(&entity->link);
    if (list_empty(&queue->realtime[priority]))
        queue->present[priority / 64] &= ~(UINT64_C(1) << priority % 64);
}

COLD struct run_entity *run_queue_first_realtime(const struct run_queue *queue)
{
    struct pqueue_node *fair = pqueue_first(&queue->fair);
    if (queue->realtime_held && fair != NULL)
        return CONTAINER_OF(fair, struct run_entity, node);
    for (int word = 1; word >= 0; word--) {
        if (queue->present[word] == 0)
            continue;
        int priority = word * 64 + 63 - __builtin_clzll(queue->present[word]);
        return CONTAINER_OF(queue->realtime[priority].next, struct run_entity, link);
    }
    return NULL;
}

bool run_queue_turn_is_over(const struct run_queue *queue, const struct run_entity *running,
                            bool round_robin)
{
    const struct run_entity *first = run_queue_first(queue);
    if (first == NULL || running->priority == 0)
        return first != NULL;
    return first->priority > running->priority || (first->priority == 0 && queue->realtime_held) ||
           (first->priority == running->priority && round_robin);
}

void run_queue_advance(struct run_queue *queue, const struct run_entity *running)
{
    if (running->priority != 0)
        return;
    const struct run_entity *first = (const struct run_entity *)pqueue_first(&queue->fair);
    uint64_t least = running->virtual_ns;
    if (first != NULL && first->virtual_ns < least)
        least = first->virtual_ns;
    if (queue->floor < least)
        queue->floor = least;
}

void run_queue_charge(struct run_queue *queue, struct run_entity *entity, uint64_t ns)
{
    if (entity->priority != 0) {
        queue->realtime_ns += ns;
        return;
    }
    entity->virtual_ns +=
        entity->weight == RUN_WEIGHT_NORMAL ? ns : ns * RUN_WEIGHT_NORMAL / entity->weight;
    run_queue_advance(queue, entity);
}

void run_queue_limit(struct run_queue *queue, uint64_t now)
{
    if (now - queue->period_ns >= RUN_PERIOD_NS) {
        queue->period_ns = now;
        queue->realtime_ns = 0;
    }
    queue->realtime_held = queue->realtime_ns >= RUN_REALTIME_NS;
}

COLD uint32_t run_weight_of_nice(int nice)
{
    uint32_t weight = RUN_WEIGHT_NORMAL;
    for (; nice > 0; nice--)
        weight = weight * 4 / 5;
    for (; nice < 0; nice++)
        weight = weight * 5 / 4;
    return weight;
}
