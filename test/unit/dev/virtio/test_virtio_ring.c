/* SPDX-License-Identifier: MIT */
/* The ring against an honest device, which moves bytes, and against devices that lie. */
#include "unit.h"

#include "dev/virtio/ring.h"
#include "native.h"
#include "virtio_model.h"

#include <stdlib.h>
#include <string.h>

#define BUS      UINT64_C(0x1230000000)
#define INDIRECT 8

/* A driver and a device, with a piece of shared memory for the ring and one for data. */
struct world {
    struct virtio_ring ring;
    struct virtio_slot *slots;
    struct model_memory memory;
    struct model_queue device;
    uint64_t data; /* physical: start of the buffers */
    uint32_t random;
};

static uint32_t draw(struct world *w, uint32_t below)
{
    w->random = w->random * 1664525 + 1013904223;
    return (w->random >> 8) % below;
}

enum {
    DATA_OF_REQUEST = 1024,
};

static void open_world(struct world *w, uint16_t size, bool indirect, bool event_index)
{
    const struct virtio_ring_options options = {size, indirect ? INDIRECT : 0, event_index, NULL};
    struct virtio_ring_layout layout;
    virtio_ring_layout(&options, &layout);
    memset(w, 0, sizeof(*w));
    w->random = size;
    size_t data = align_up(layout.total, 16);
    w->memory.bus = BUS;
    w->memory.bytes = data + (size_t)size * DATA_OF_REQUEST;
    w->memory.start = aligned_alloc(16, align_up(w->memory.bytes, 16));
    w->slots = malloc(sizeof(*w->slots) * size);
    assert_true(w->memory.start != NULL && w->slots != NULL);
    memset(w->memory.start, 0xa5, w->memory.bytes);
    w->data = BUS + data;
    virtio_ring_init(&w->ring, &options, w->memory.start, phys(BUS), w->slots);
    w->device = (struct model_queue){.memory = &w->memory,
                                     .descriptors = BUS,
                                     .available = BUS + layout.available,
                                     .used = BUS + layout.used,
                                     .size = size,
                                     .event_index = event_index,
                                     .indirect = indirect};
}

static void close_world(struct world *w)
{
    free(w->memory.start);
    free(w->slots);
}

static uint8_t *data_of(struct world *w, unsigned place)
{
    return model_at(&w->memory, w->data + (uint64_t)place * DATA_OF_REQUEST, DATA_OF_REQUEST);
}

/* Every free descriptor is in the list once, and with the chains they are all. */
static void check_free(const struct world *w)
{
    const struct virtio_ring *r = &w->ring;
    unsigned in_chains = 0, requests = 0, free_seen = 0;
    for (unsigned i = 0; i < r->options.size; i++) {
        in_chains += r->slots[i].count;
        requests += r->slots[i].count > 0;
    }
    for (uint16_t at = r->free_head; free_seen < r->free_count; at = r->slots[at].next) {
        assert_true(at < r->options.size);
        assert_int_equal(r->slots[at].count, 0);
        free_seen++;
    }
    assert_int_equal(free_seen + in_chains, r->options.size);
    assert_int_equal(requests, r->pending);
}

/* A request of `readable` buffers, whose bytes the device copies into `writable` others. */
struct request {
    bool used;
    unsigned place, readable, writable;
    uint32_t size, seed;
};

enum {
    PIECE = 48,     /* bytes of a buffer */
    PIECES_MAX = 4, /* buffers of each kind */
};

struct traffic {
    struct world w;
    struct request *requests;
    unsigned held_count;
    struct model_chain held[256]; /* taken by the device and not returned */
    bool interrupt, notified;
    unsigned added, finished, notifications, interrupts;
};

static bool submit(struct traffic *t)
{
    struct world *w = &t->w;
    struct virtio_buffer buffers[2 * PIECES_MAX];
    unsigned place = 0;
    while (place < w->ring.options.size && t->requests[place].used)
        place++;
    if (place == w->ring.options.size)
        return false;
    unsigned most = w->ring.options.size / 2 < PIECES_MAX ? w->ring.options.size / 2 : PIECES_MAX;
    if (most == 0)
        most = 1;
    struct request *r = &t->requests[place];
    *r = (struct request){true, place, 1 + draw(w, most), 0, 0, draw(w, 1000)};
    r->writable = w->ring.options.size == 1 && w->ring.options.indirect == 0 ? 0 : r->readable;
    unsigned count = r->readable + r->writable;
    for (unsigned i = 0; i < count; i++) {
        uint32_t size = i < r->readable ? 1 + draw(w, PIECE) : PIECE;
        buffers[i].at = phys(w->data + place * DATA_OF_REQUEST + i * PIECE);
        buffers[i].size = size;
        for (uint32_t k = 0; i < r->readable && k < size; k++)
            data_of(w, place)[i * PIECE + k] = (uint8_t)(r->seed + r->size++);
    }
    enum err e = r->readable + r->writable == 1 && draw(w, 2)
                     ? virtio_ring_add_one(&w->ring, buffers, r->writable == 1, r)
                     : virtio_ring_add(&w->ring, buffers, r->readable, r->writable, r);
    if (e == E_AGAIN) {
        bool fits = w->ring.options.indirect > 0 && count > 1;
        assert_true(w->ring.free_count < (fits ? 1 : count));
        r->used = false;
        return false;
    }
    assert_int_equal(e, E_OK);
    t->added++;
    return true;
}

/* Copies readable bytes to the writable segments; returns how many were written. */
static uint32_t copy_through(const struct model_chain *c)
{
    uint8_t bytes[PIECE * PIECES_MAX];
    uint32_t size = 0, done = 0;
    for (unsigned i = 0; i < c->count; i++) {
        const struct model_segment *s = &c->segment[i];
        if (!s->writable) {
            memcpy(bytes + size, s->bytes, s->size);
            size += s->size;
        } else {
            uint32_t part = size - done < s->size ? size - done : s->size;
            memcpy(s->bytes, bytes + done, part);
            done += part;
        }
    }
    return done;
}

static void device_works(struct traffic *t)
{
    struct model_queue *d = &t->w.device;
    if (t->notified) {
        t->notified = false;
        model_ignore(d);
        do {
            while (model_take(d, &t->held[t->held_count]))
                t->held_count++;
        } while (!model_listen(d));
    }
    for (unsigned n = draw(&t->w, t->held_count + 1); n > 0; n--) {
        unsigned i = draw(&t->w, t->held_count);
        uint32_t written = copy_through(&t->held[i]);
        if (model_return(d, t->held[i].head, written)) {
            t->interrupt = true;
            t->interrupts++;
        }
        t->held[i] = t->held[--t->held_count];
    }
}

static void finish(struct traffic *t, const struct virtio_done *done)
{
    struct request *r = done->token;
    assert_true(r >= t->requests && r < t->requests + t->w.ring.options.size && r->used);
    assert_int_equal(done->written, r->writable > 0 ? r->size : 0);
    for (uint32_t i = 0; i < done->written; i++)
        assert_int_equal(data_of(&t->w, r->place)[r->readable * PIECE + i], (uint8_t)(r->seed + i));
    r->used = false;
    t->finished++;
}

static void driver_handles_interrupt(struct traffic *t)
{
    struct virtio_done done;
    if (!t->interrupt)
        return;
    t->interrupt = false;
    virtio_ring_ignore(&t->w.ring);
    do {
        while (virtio_ring_take(&t->w.ring, &done))
            finish(t, &done);
    } while (!virtio_ring_listen(&t->w.ring));
}

static void driver_adds(struct traffic *t)
{
    for (unsigned n = draw(&t->w, 5); n > 0 && submit(t); n--)
        ;
    if (virtio_ring_notifies(&t->w.ring)) {
        t->notified = true;
        t->notifications++;
    }
}

/* Past the wrap of the 16-bit indices. */
static void run_traffic(uint16_t size, bool indirect, bool event_index)
{
    struct traffic *t = calloc(1, sizeof(*t));
    open_world(&t->w, size, indirect, event_index);
    t->requests = calloc(size, sizeof(*t->requests));
    assert_true(virtio_ring_listen(&t->w.ring));
    assert_true(model_listen(&t->w.device));
    unsigned quiet = 0;
    while (t->finished < 70000) {
        unsigned before = t->added + t->finished;
        driver_adds(t);
        device_works(t);
        driver_handles_interrupt(t);
        assert_null(t->w.ring.broken);
        if (t->finished % 512 == 0)
            check_free(&t->w);
        quiet = t->added + t->finished == before ? quiet + 1 : 0;
        assert_true(quiet < 1000); /* a lost notification or interrupt */
    }
    while (t->finished < t->added) {
        device_works(t);
        driver_handles_interrupt(t);
        assert_true(quiet++ < 100000);
    }
    check_free(&t->w);
    assert_int_equal(t->w.ring.free_count, size);
    assert_true(t->notifications <= t->added && t->interrupts <= t->finished);
    free(t->requests);
    close_world(&t->w);
    free(t);
}

static void test_honest_device(void **state)
{
    (void)state;
    static const uint16_t sizes[] = {1, 2, 8, 64, 256};
    for (unsigned i = 0; i < 5; i++)
        for (unsigned kind = 0; kind < 4; kind++)
            run_traffic(sizes[i], kind & 1, kind & 2);
}

/* Quiet sides get no notification and no interrupt. */
static void test_wishes(void **state)
{
    (void)state;
    for (unsigned event = 0; event < 2; event++) {
        struct world w;
        struct virtio_done done;
        struct model_chain chain;
        open_world(&w, 8, false, event);
        const struct virtio_buffer b = {phys(w.data), 16};
        model_listen(&w.device);
        assert_false(virtio_ring_notifies(&w.ring)); /* nothing was added */
        assert_int_equal(virtio_ring_add(&w.ring, &b, 0, 1, &w), E_OK);
        assert_true(virtio_ring_notifies(&w.ring));
        assert_false(virtio_ring_notifies(&w.ring)); /* nothing since */
        assert_true(model_take(&w.device, &chain));
        model_ignore(&w.device); /* by event index: it stays where it was */
        assert_int_equal(virtio_ring_add(&w.ring, &b, 1, 0, &w), E_OK);
        assert_false(virtio_ring_notifies(&w.ring));
        assert_false(model_listen(&w.device)); /* it came meanwhile */
        virtio_ring_ignore(&w.ring);
        assert_false(model_return(&w.device, chain.head, 16));
        assert_false(virtio_ring_listen(&w.ring)); /* it came meanwhile */
        assert_true(virtio_ring_take(&w.ring, &done));
        assert_int_equal(done.written, 16);
        assert_true(virtio_ring_listen(&w.ring));
        assert_true(model_take(&w.device, &chain));
        assert_true(model_return(&w.device, chain.head, 0));
        assert_false(virtio_ring_listen(&w.ring));
        close_world(&w);
    }
}

static void test_full_ring_says_so(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, 4, false, false);
    const struct virtio_buffer b[3] = {
        {phys(w.data), 1}, {phys(w.data + 1), 1}, {phys(w.data + 2), 1}};
    assert_int_equal(virtio_ring_add(&w.ring, b, 3, 0, &w), E_OK);
    assert_int_equal(virtio_ring_add(&w.ring, b, 1, 1, &w), E_AGAIN);
    assert_int_equal(w.ring.free_count, 1);
    assert_int_equal(virtio_ring_add(&w.ring, b, 1, 0, &w), E_OK);
    assert_int_equal(virtio_ring_add(&w.ring, b, 1, 0, &w), E_AGAIN);
    assert_int_equal(virtio_ring_add_one(&w.ring, b, false, &w), E_AGAIN);
    check_free(&w);
    close_world(&w);
}

static void test_driver_mistakes_panic(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, 2, false, false);
    const struct virtio_buffer empty = {phys(w.data), 0};
    const struct virtio_buffer three[3] = {{phys(BUS), 1}, {phys(BUS), 1}, {phys(BUS), 1}};
    const struct virtio_buffer huge[2] = {{phys(BUS), UINT32_MAX}, {phys(BUS), 1}};
    assert_true(NATIVE_PANICS((void)!virtio_ring_add(&w.ring, &empty, 1, 0, &w)));
    assert_true(NATIVE_PANICS((void)!virtio_ring_add_one(&w.ring, &empty, true, &w)));
    assert_true(NATIVE_PANICS((void)!virtio_ring_add(&w.ring, &empty, 0, 0, &w)));
    assert_true(NATIVE_PANICS((void)!virtio_ring_add(&w.ring, three, 3, 0, &w)));
    assert_true(NATIVE_PANICS((void)!virtio_ring_add(&w.ring, huge, 0, 2, &w)));
    close_world(&w);
}

/* One request of 16 writable bytes is with the device, at descriptor 0, and one was returned. */
static void open_for_a_lie(struct world *w)
{
    struct virtio_done done;
    struct model_chain chain;
    open_world(w, 8, false, false);
    const struct virtio_buffer b[2] = {{phys(w->data), 16}, {phys(w->data + 16), 16}};
    assert_int_equal(virtio_ring_add(&w->ring, b, 1, 1, w), E_OK);
    assert_true(model_take(&w->device, &chain));
    model_return(&w->device, chain.head, 16);
    assert_true(virtio_ring_take(&w->ring, &done));
    assert_int_equal(virtio_ring_add(&w->ring, b, 1, 1, w), E_OK);
}

static void refuse(struct world *w, const char *why)
{
    struct virtio_done done = {w, 77};
    const struct virtio_buffer b = {phys(w->data), 16};
    assert_false(virtio_ring_take(&w->ring, &done));
    assert_non_null(w->ring.broken);
    assert_non_null(strstr(w->ring.broken, why));
    assert_ptr_equal(done.token, w);
    assert_int_equal(done.written, 77);
    assert_false(virtio_ring_take(&w->ring, &done)); /* for good */
    assert_int_equal(virtio_ring_add(&w->ring, &b, 1, 0, w), E_IO);
    assert_int_equal(virtio_ring_add_one(&w->ring, &b, true, w), E_IO);
    assert_false(virtio_ring_notifies(&w->ring));
    assert_true(virtio_ring_listen(&w->ring)); /* no loop of a driver goes on for ever */
    assert_int_equal(w->ring.pending, 1);
    check_free(w);
    close_world(w);
}

static void test_lie_head_outside(void **state)
{
    (void)state;
    static const uint32_t heads[] = {8, 255, 65535, 65536, 0x80000000, UINT32_MAX};
    for (unsigned i = 0; i < 6; i++) {
        struct world w;
        open_for_a_lie(&w);
        model_return(&w.device, heads[i], 0);
        refuse(&w, "a request that it does not have");
    }
}

static void test_lie_head_not_with_device(void **state)
{
    (void)state;
    for (uint32_t head = 1; head < 8; head++) { /* 1: the middle of a chain; above: free */
        struct world w;
        open_for_a_lie(&w);
        model_return(&w.device, head, 0);
        refuse(&w, "a request that it does not have");
    }
}

static void test_lie_same_request_twice(void **state)
{
    (void)state;
    struct world w;
    struct virtio_done done;
    open_for_a_lie(&w);
    const struct virtio_buffer b = {phys(w.data + 32), 16};
    assert_int_equal(virtio_ring_add(&w.ring, &b, 1, 0, &w), E_OK);
    model_return(&w.device, 0, 0);
    model_return(&w.device, 0, 0);
    assert_true(virtio_ring_take(&w.ring, &done));
    refuse(&w, "a request that it does not have");
}

static void test_lie_too_many_bytes(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {17, 32, 65536, UINT32_MAX};
    for (unsigned i = 0; i < 4; i++) {
        struct world w;
        open_for_a_lie(&w);
        model_return(&w.device, 0, sizes[i]);
        refuse(&w, "more bytes");
    }
}

static void test_lie_index(void **state)
{
    (void)state;
    static const uint16_t ahead[] = {2, 8, 9, 1000, 0x8000, 0xffff};
    for (unsigned i = 0; i < 6; i++) {
        struct world w;
        open_for_a_lie(&w);
        uint16_t index = (uint16_t)(w.device.returned + ahead[i]);
        memcpy(model_at(&w.memory, w.device.used + 2, 2), &index, 2);
        refuse(&w, "more requests than it has");
    }
}

/* What the device may overwrite, descriptors and tables too, changes nothing that the driver relies on. */
static void test_lie_shared_memory_overwritten(void **state)
{
    (void)state;
    struct world w;
    struct virtio_done done;
    open_for_a_lie(&w);
    memset(w.memory.start, 0xff, w.device.used - BUS);
    model_return(&w.device, 0, 16);
    assert_true(virtio_ring_take(&w.ring, &done));
    assert_ptr_equal(done.token, &w);
    check_free(&w);
    close_world(&w);
}

static void test_size(void **state)
{
    (void)state;
    assert_int_equal(virtio_ring_size(256, 64), 64);
    assert_int_equal(virtio_ring_size(48, 64), 32);
    assert_int_equal(virtio_ring_size(1, 64), 1);
    assert_int_equal(virtio_ring_size(0, 64), 0);
    assert_int_equal(virtio_ring_size(UINT32_MAX, UINT16_MAX), 32768);
}

/* What a device in another thread does when the driver has stored and not yet loaded. */
static struct world *racing;

static void device_listens(void)
{
    (void)model_listen(&racing->device);
}

static void device_finishes(void)
{
    (void)model_return(&racing->device, 0, 0);
}

/* The driver's loads come after the fence of the machine, its stores before it. */
static void test_fence_of_the_machine(void **state)
{
    (void)state;
    for (unsigned event = 0; event < 2; event++) {
        struct world w;
        struct model_chain chain;
        open_world(&w, 4, false, event);
        racing = &w;
        const struct virtio_buffer b = {phys(w.data), 16};
        model_ignore(&w.device);
        virtio_ring_ignore(&w.ring);
        assert_int_equal(virtio_ring_add_one(&w.ring, &b, true, &w), E_OK);
        w.ring.options.fence = device_listens;
        assert_true(virtio_ring_notifies(&w.ring));
        assert_true(model_take(&w.device, &chain));
        w.ring.options.fence = device_finishes;
        assert_false(virtio_ring_listen(&w.ring));
        close_world(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_honest_device),
        cmocka_unit_test(test_wishes),
        cmocka_unit_test(test_full_ring_says_so),
        cmocka_unit_test(test_driver_mistakes_panic),
        cmocka_unit_test(test_lie_head_outside),
        cmocka_unit_test(test_lie_head_not_with_device),
        cmocka_unit_test(test_lie_same_request_twice),
        cmocka_unit_test(test_lie_too_many_bytes),
        cmocka_unit_test(test_lie_index),
        cmocka_unit_test(test_lie_shared_memory_overwritten),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_fence_of_the_machine),
    };
    return RUN_TESTS(tests);
}
