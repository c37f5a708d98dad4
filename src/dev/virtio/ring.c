/* SPDX-License-Identifier: MIT */
#include "dev/virtio/ring.h"

#include "base/panic.h"
#include "base/str.h"

enum { /* of a descriptor */
    DESCRIPTOR_NEXT = 1,
    DESCRIPTOR_WRITE = 2,
    DESCRIPTOR_INDIRECT = 4,
};

enum { /* words of the available and the used ring */
    WORD_FLAGS = 0,
    WORD_INDEX = 1,
    WORD_FIRST = 2,
    FLAG_QUIET = 1, /* available: no interrupts; used: no notifications */
};

#define RING_NONE UINT16_MAX /* above all indices of descriptors */

_Static_assert(sizeof(struct virtio_descriptor) == 16, "VIRTIO 1.1, 2.6.5");
_Static_assert(sizeof(struct virtio_used_element) == 8, "VIRTIO 1.1, 2.6.8");

/* The device sees all stores before it, and the loads after it see what the device stored before. */
static void ring_fence(const struct virtio_ring *ring)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (ring->options.fence != NULL)
        ring->options.fence();
}

void virtio_ring_layout(const struct virtio_ring_options *options, struct virtio_ring_layout *out)
{
    size_t size = options->size;
    out->available = sizeof(struct virtio_descriptor) * size;
    out->used = align_up(out->available + sizeof(uint16_t) * (WORD_FIRST + size + 1), 4);
    out->tables = align_up(out->used + 2 * sizeof(uint16_t) +
                               sizeof(struct virtio_used_element) * size + sizeof(uint16_t),
                           16);
    out->total = out->tables + sizeof(struct virtio_descriptor) * options->indirect * size;
}

uint16_t virtio_ring_size(uint32_t most, uint16_t wanted)
{
    uint16_t size = VIRTIO_RING_MAX;
    while (size > 0 && (size > most || size > wanted))
        size = (uint16_t)(size / 2);
    return size;
}

void virtio_ring_init(struct virtio_ring *ring, const struct virtio_ring_options *options,
                      void *memory, phys_t at, struct virtio_slot *slots)
{
    struct virtio_ring_layout layout;
    uint16_t size = options->size;
    assert(size > 0 && size <= VIRTIO_RING_MAX && (size & (size - 1)) == 0);
    assert(is_aligned(virt_of(memory).v, 16) && is_aligned(at.v, 16));
    virtio_ring_layout(options, &layout);
    memset(memory, 0, layout.total);
    memset(slots, 0, sizeof *slots * size);
    for (uint16_t i = 0; i < size; i++)
        slots[i].next = i + 1 < size ? (uint16_t)(i + 1) : RING_NONE;
    char *bytes = memory;
    *ring = (struct virtio_ring){
        .options = *options,
        .descriptors = memory,
        .available = (volatile uint16_t *)(void *)(bytes + layout.available),
        .used = (volatile uint16_t *)(void *)(bytes + layout.used),
        .used_elements = (volatile struct virtio_used_element *)(void *)(bytes + layout.used +
                                                                         2 * sizeof(uint16_t)),
        .tables = (volatile struct virtio_descriptor *)(void *)(bytes + layout.tables),
        .at = at,
        .slots = slots,
        .free_count = size,
    };
}

/* The event word that we write, which follows the heads in the available ring. */
static volatile uint16_t *used_event(const struct virtio_ring *ring)
{
    return ring->available + WORD_FIRST + ring->options.size;
}

/* The event word that the device writes, which follows the elements of the used ring. */
static uint16_t available_event(const struct virtio_ring *ring)
{
    return *(volatile uint16_t *)(ring->used_elements + ring->options.size);
}

static void ring_break(struct virtio_ring *ring, const char *why)
{
    ring->broken = why;
}

static uint16_t flags_of(unsigned i, unsigned readable)
{
    return i >= readable ? DESCRIPTOR_WRITE : 0;
}

static void describe(volatile struct virtio_descriptor *d, const struct virtio_buffer *buffer,
                     uint16_t flags, uint16_t next)
{
    d->at = buffer->at.v;
    d->size = buffer->size;
    d->flags = flags;
    d->next = next;
}

/* The buffers in the table of the first free descriptor, which refers to it. */
static void add_indirect(struct virtio_ring *ring, const struct virtio_buffer *buffers,
                         unsigned readable, unsigned count)
{
    uint16_t head = ring->free_head;
    size_t first = (size_t)head * ring->options.indirect;
    struct virtio_ring_layout layout;
    for (unsigned i = 0; i < count; i++)
        describe(&ring->tables[first + i], &buffers[i],
                 (uint16_t)(flags_of(i, readable) | (i + 1 < count ? DESCRIPTOR_NEXT : 0)),
                 i + 1 < count ? (uint16_t)(i + 1) : 0);
    virtio_ring_layout(&ring->options, &layout);
    const struct virtio_buffer table = {
        phys(ring->at.v + layout.tables + first * sizeof(struct virtio_descriptor)),
        (uint32_t)(count * sizeof(struct virtio_descriptor)),
    };
    describe(&ring->descriptors[head], &table, DESCRIPTOR_INDIRECT, 0);
}

/* The buffers in the first free descriptors, which are linked already. */
static void add_direct(struct virtio_ring *ring, const struct virtio_buffer *buffers,
                       unsigned readable, unsigned count)
{
    uint16_t at = ring->free_head;
    for (unsigned i = 0; i < count; i++) {
        bool last = i + 1 == count;
        uint16_t next = ring->slots[at].next;
        describe(&ring->descriptors[at], &buffers[i],
                 (uint16_t)(flags_of(i, readable) | (last ? 0 : DESCRIPTOR_NEXT)), last ? 0 : next);
        at = next;
    }
}

/* The place of an index in the available or the used ring. */
static inline uint16_t place_of(const struct virtio_ring *ring, uint16_t index)
{
    return index & (uint16_t)(ring->options.size - 1);
}

/* The device sees the chain. */
static inline void publish(struct virtio_ring *ring, uint16_t head)
{
    ring->pending++;
    ring->available[WORD_FIRST + place_of(ring, ring->added)] = head;
    ring->added++;
    __atomic_thread_fence(__ATOMIC_RELEASE); /* the chain before the index */
    ring->available[WORD_INDEX] = ring->added;
}

enum err virtio_ring_add(struct virtio_ring *ring, const struct virtio_buffer *buffers,
                         unsigned readable, unsigned writable, void *token)
{
    unsigned count = readable + writable;
    bool indirect = count > 1 && count <= ring->options.indirect;
    unsigned descriptors = indirect ? 1 : count;
    uint64_t room = 0;
    assert(count > 0 && (indirect || count <= ring->options.size));
    for (unsigned i = 0; i < count; i++) {
        assert(buffers[i].size > 0);
        room += i >= readable ? buffers[i].size : 0;
    }
    assert(room <= UINT32_MAX);
    if (ring->broken != NULL)
        return E_IO;
    if (descriptors > ring->free_count)
        return E_AGAIN;
    uint16_t head = ring->free_head, after = head;
    if (indirect)
        add_indirect(ring, buffers, readable, count);
    else
        add_direct(ring, buffers, readable, count);
    for (unsigned i = 0; i < descriptors; i++)
        after = ring->slots[after].next;
    ring->free_head = after;
    ring->free_count = (uint16_t)(ring->free_count - descriptors);
    ring->slots[head].token = token;
    ring->slots[head].writable = (uint32_t)room;
    ring->slots[head].count = (uint16_t)descriptors;
    publish(ring, head);
    return E_OK;
}

enum err virtio_ring_add_one(struct virtio_ring *ring, const struct virtio_buffer *buffer,
                             bool writable, void *token)
{
    uint16_t head = ring->free_head;
    assert(buffer->size > 0);
    if (ring->broken != NULL)
        return E_IO;
    if (ring->free_count == 0)
        return E_AGAIN;
    struct virtio_slot *slot = &ring->slots[head];
    describe(&ring->descriptors[head], buffer, writable ? DESCRIPTOR_WRITE : 0, 0);
    ring->free_head = slot->next;
    ring->free_count--;
    slot->token = token;
    slot->writable = writable ? buffer->size : 0;
    slot->count = 1;
    publish(ring, head);
    return E_OK;
}

bool virtio_ring_notifies(struct virtio_ring *ring)
{
    uint16_t since = (uint16_t)(ring->added - ring->notified);
    if (since == 0 || ring->broken != NULL)
        return false;
    ring_fence(ring); /* the index before the device's wish */
    ring->notified = ring->added;
    if (ring->options.event_index)
        return (uint16_t)(ring->added - available_event(ring) - 1) < since;
    return !(ring->used[WORD_FLAGS] & FLAG_QUIET);
}

static void free_chain(struct virtio_ring *ring, uint16_t head)
{
    struct virtio_slot *slots = ring->slots;
    uint16_t last = head, count = slots[head].count;
    for (uint16_t i = 1; i < count; i++)
        last = slots[last].next;
    slots[last].next = ring->free_count > 0 ? ring->free_head : RING_NONE;
    slots[head].count = 0;
    slots[head].token = NULL;
    ring->free_head = head;
    ring->free_count = (uint16_t)(ring->free_count + count);
}

bool virtio_ring_take(struct virtio_ring *ring, struct virtio_done *out)
{
    if (ring->broken != NULL)
        return false;
    uint16_t finished = (uint16_t)(ring->used[WORD_INDEX] - ring->removed);
    if (finished == 0)
        return false;
    if (finished > ring->pending) {
        ring_break(ring, "the device finished more requests than it has");
        return false;
    }
    __atomic_thread_fence(__ATOMIC_ACQUIRE); /* the index before the element */
    /* Each word is loaded once: the device may change it after the check. */
    volatile struct virtio_used_element *element =
        &ring->used_elements[place_of(ring, ring->removed)];
    uint32_t head = element->head, written = element->written;
    if (head >= ring->options.size || ring->slots[head].count == 0) {
        ring_break(ring, "the device finished a request that it does not have");
        return false;
    }
    if (written > ring->slots[head].writable) {
        ring_break(ring, "the device wrote more bytes than the request has room for");
        return false;
    }
    *out = (struct virtio_done){ring->slots[head].token, written};
    free_chain(ring, (uint16_t)head);
    ring->removed++;
    ring->pending--;
    return true;
}

bool virtio_ring_listen(struct virtio_ring *ring)
{
    if (ring->options.event_index)
        *used_event(ring) = ring->removed;
    else
        ring->available[WORD_FLAGS] = 0;
    ring_fence(ring); /* our wish before the device's index */
    return ring->broken != NULL || ring->used[WORD_INDEX] == ring->removed;
}

void virtio_ring_ignore(struct virtio_ring *ring)
{
    if (ring->options.event_index) /* 65,535 requests away */
        *used_event(ring) = (uint16_t)(ring->removed - 1);
    else
        ring->available[WORD_FLAGS] = FLAG_QUIET;
}
