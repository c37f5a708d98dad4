/* SPDX-License-Identifier: MIT */
#include "virtio_model.h"

#include "unit.h"

#include <string.h>

enum {
    D_NEXT = 1,
    D_WRITE = 2,
    D_INDIRECT = 4,
};

uint8_t *model_at(const struct model_memory *memory, uint64_t at, uint64_t size)
{
    assert_true(at >= memory->bus && size <= memory->bytes);
    assert_true(at - memory->bus <= memory->bytes - size);
    return memory->start + (at - memory->bus);
}

static uint16_t get16(const struct model_queue *q, uint64_t at)
{
    uint16_t value;
    assert_int_equal(at % 2, 0);
    memcpy(&value, model_at(q->memory, at, 2), 2);
    return value;
}

static void put16(const struct model_queue *q, uint64_t at, uint16_t value)
{
    memcpy(model_at(q->memory, at, 2), &value, 2);
}

static uint64_t available_ring(const struct model_queue *q, uint16_t index)
{
    return q->available + 4 + 2 * (uint64_t)(index % q->size);
}

static uint64_t used_event(const struct model_queue *q)
{
    return q->available + 4 + 2 * (uint64_t)q->size;
}

static uint64_t available_event(const struct model_queue *q)
{
    return q->used + 4 + 8 * (uint64_t)q->size;
}

struct descriptor {
    uint64_t at;
    uint32_t size;
    uint16_t flags, next;
};

static struct descriptor read_descriptor(const struct model_queue *q, uint64_t table, unsigned i)
{
    struct descriptor d;
    memcpy(&d, model_at(q->memory, table + 16 * (uint64_t)i, 16), 16);
    return d;
}

/* 2.6.4.2, 2.6.5.1: readable before writable, no loop, nothing empty. */
static void add_segment(const struct model_queue *q, struct model_chain *chain,
                        const struct descriptor *d)
{
    bool writable = d->flags & D_WRITE;
    assert_true(chain->count < MODEL_SEGMENTS && d->size > 0);
    assert_true(writable || chain->count == 0 || !chain->segment[chain->count - 1].writable);
    chain->segment[chain->count++] =
        (struct model_segment){model_at(q->memory, d->at, d->size), d->size, writable};
}

/* 2.6.5.3.1 */
static void read_table(const struct model_queue *q, struct model_chain *chain,
                       const struct descriptor *reference)
{
    assert_true(q->indirect);
    assert_int_equal(reference->flags, D_INDIRECT);
    assert_int_equal(reference->size % 16, 0);
    unsigned count = reference->size / 16, i = 0, seen = 0;
    struct descriptor d;
    do {
        assert_true(i < count && seen++ < count);
        d = read_descriptor(q, reference->at, i);
        assert_false(d.flags & D_INDIRECT);
        add_segment(q, chain, &d);
        i = d.next;
    } while (d.flags & D_NEXT);
    assert_int_equal(seen, count);
}

bool model_take(struct model_queue *q, struct model_chain *out)
{
    uint16_t waiting = (uint16_t)(get16(q, q->available + 2) - q->taken);
    if (waiting == 0)
        return false;
    assert_true(waiting <= q->size);
    unsigned i = get16(q, available_ring(q, q->taken++)), seen = 0;
    struct descriptor d;
    out->head = (uint16_t)i;
    out->count = 0;
    do {
        assert_true(i < q->size && seen++ < q->size);
        d = read_descriptor(q, q->descriptors, i);
        if (d.flags & D_INDIRECT)
            read_table(q, out, &d);
        else
            add_segment(q, out, &d);
        i = d.next;
    } while (d.flags & D_NEXT);
    return true;
}

bool model_listen(struct model_queue *q)
{
    if (q->event_index)
        put16(q, available_event(q), q->taken);
    else
        put16(q, q->used, 0);
    return get16(q, q->available + 2) == q->taken;
}

void model_ignore(struct model_queue *q)
{
    if (!q->event_index)
        put16(q, q->used, 1);
}

/* 2.6.7: an interrupt is due when the index passes used_event. */
bool model_return(struct model_queue *q, uint32_t head, uint32_t written)
{
    uint64_t element = q->used + 4 + 8 * (uint64_t)(q->returned % q->size);
    memcpy(model_at(q->memory, element, 4), &head, 4);
    memcpy(model_at(q->memory, element + 4, 4), &written, 4);
    put16(q, q->used + 2, ++q->returned);
    if (!q->event_index)
        return !(get16(q, q->available) & 1);
    return get16(q, used_event(q)) == (uint16_t)(q->returned - 1);
}
