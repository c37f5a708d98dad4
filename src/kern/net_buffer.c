/* SPDX-License-Identifier: MIT */
#include "kern/net_buffer.h"

#include "base/list.h"
#include "mm/heap/heap.h"
#include "mm/init/memory.h"
#include "mm/phys/shrinker.h"

enum {
    MEMORY_SHARE = 8, /* of the machine's memory may be buffers */
    SPARE_SHARE = 8,  /* of the buffers may be kept free */
};

_Static_assert(sizeof(struct net_buffer) == NET_BUFFER_SIZE, "half a page");
_Static_assert(2 * NET_BUFFER_SIZE == PAGE_SIZE, "two in a page");
_Static_assert(sizeof(struct list) <= NET_BUFFER_OWNER, "the link of a free one");

/* Free ones, linked in their owners' words. */
static struct list spares = LIST_INIT(spares);
static uint32_t spare_count, used, most;

static struct list *spare_link(struct net_buffer *buffer)
{
    return (struct list *)(void *)buffer->owner;
}

static void add_spare(struct net_buffer *buffer)
{
    buffer->spare = true;
    list_add_head(&spares, spare_link(buffer));
    spare_count++;
}

static void take_spare_buffer(struct net_buffer *buffer)
{
    buffer->spare = false;
    list_remove(spare_link(buffer));
    spare_count--;
}

/* The other half of the page. */
static struct net_buffer *half_beside(struct net_buffer *buffer)
{
    return ptr_of(virt(virt_of(buffer).v ^ NET_BUFFER_SIZE));
}

static void free_pair(struct net_buffer *buffer)
{
    kpage_free(ptr_of(virt(align_down(virt_of(buffer).v, PAGE_SIZE))));
}

/* Frees the pages of which both halves are free. */
static COLD bool net_buffers_shrink(void)
{
    bool freed = false;
    for (struct list *at = spares.next; at != &spares;) {
        struct net_buffer *buffer = CONTAINER_OF(at, struct net_buffer, owner);
        struct net_buffer *beside = half_beside(buffer);
        at = at->next;
        if (!beside->spare)
            continue;
        if (at == spare_link(beside))
            at = at->next;
        take_spare_buffer(beside);
        take_spare_buffer(buffer);
        free_pair(buffer);
        freed = true;
    }
    return freed;
}

static COLD bool add_pair(void)
{
    struct net_buffer *pair = kpage_alloc();
    if (pair == NULL)
        return false;
    phys_t at = kpage_phys(pair);
    for (unsigned i = 0; i < 2; i++) {
        pair[i].at = phys(at.v + i * NET_BUFFER_SIZE + __builtin_offsetof(struct net_buffer, data));
        add_spare(&pair[i]);
    }
    return true;
}

uint32_t net_buffers_most(void)
{
    static struct shrinker shrinker = {.shrink = net_buffers_shrink};
    if (most == 0) {
        most = (uint32_t)(memory_total() / MEMORY_SHARE / NET_BUFFER_SIZE);
        shrinker_register(&shrinker);
    }
    return most;
}

uint32_t net_buffers_used(void)
{
    return used;
}

struct net_buffer *net_buffer_alloc(void)
{
    if (used >= net_buffers_most() || (list_empty(&spares) && !add_pair()))
        return NULL;
    struct net_buffer *buffer = CONTAINER_OF(spares.next, struct net_buffer, owner);
    take_spare_buffer(buffer);
    used++;
    buffer->next = NULL;
    buffer->start = buffer->size = 0;
    buffer->checked = false;
    return buffer;
}

void net_buffer_free(struct net_buffer *buffer)
{
    struct net_buffer *beside = half_beside(buffer);
    used--;
    if (beside->spare && spare_count > most / SPARE_SHARE) {
        take_spare_buffer(beside);
        free_pair(buffer);
    } else {
        add_spare(buffer);
    }
}
