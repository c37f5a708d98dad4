/* SPDX-License-Identifier: MIT */
/* A virtio disk that says and writes anything at any time: each request ends once, and never with success that the disk did not
 * claim; no memory but that of requests under way is given to it. */
#include "dev/block/virtio_blk.h"

#include "base/panic.h"
#include "mm/heap/heap.h"
#include "mm/pt/paging.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    RING = 8,
    REQUESTS = 24,
    STEPS = 300,
};

static const uint8_t *at, *end;
static struct virtio_blk *blk;

static struct asked {
    struct block_request request;
    struct block_segment segment[4];
    uint8_t bytes[4][4096];
    bool under_way;
} asked[REQUESTS];

static uint8_t byte(void)
{
    return at < end ? *at++ : 0;
}

static uint16_t word(void)
{
    return (uint16_t)(byte() | byte() << 8);
}

#include "virtio_fuzz.h"

static uint8_t fuzz_config(struct virtio_device *d, uint32_t offset)
{
    static const uint8_t sane[48] = {0, 1, [10] = 1, [12] = 4, [21] = 2, [37] = 1};
    (void)d;
    return fickle ? byte() : sane[offset];
}

/* Finishes a request, or says so. */
static void finish(void)
{
    struct virtio_ring *ring = &blk->ring;
    uint16_t size = ring->options.size, index = (uint16_t)(ring->used[1] % size);
    uint8_t how = byte();
    unsigned head = how < 220 ? byte() % size : word();
    if (head < size && ring->slots[head].count > 0 && how < 240)
        blk->heads[(uintptr_t)ring->slots[head].token].status = how < 200 ? how % 3 : byte();
    ring->used_elements[index].head = head;
    ring->used_elements[index].written =
        how < 200 && head < size && byte() < 200 ? ring->slots[head].writable : word();
    ring->used[1] = (uint16_t)(how == 255 ? word() : ring->used[1] + 1);
}

static void asked_done(struct block_request *request)
{
    struct asked *a = CONTAINER_OF(request, struct asked, request);
    assert(a->under_way);
    a->under_way = false;
    for (unsigned i = 0; i < VIRTIO_BLK_ROOM; i++)
        assert(blk->request[i] != request || blk->disk.left);
}

static void ask(void)
{
    unsigned i = byte() % REQUESTS;
    struct asked *a = &asked[i];
    if (a->under_way)
        return;
    unsigned count = byte() % 5;
    for (unsigned s = 0; s < count; s++)
        a->segment[s] =
            (struct block_segment){phys((uintptr_t)a->bytes[s]), word() % 4097u & ~511u};
    a->request = (struct block_request){.operation = byte() % BLOCK_OPERATIONS,
                                        .fua = byte() % 2,
                                        .sector = word() % 300,
                                        .segments = a->segment,
                                        .count = count,
                                        .sectors = byte(),
                                        .done = asked_done};
    a->under_way = true;
    block_submit(&blk->disk, &a->request);
}

static void leave(struct virtio_blk *b)
{
    assert(b == blk);
    virtio_stop(b->device, true);
}

/* A registered disk stays, so each input has its own, in memory that is never reused by another list. */
static void forget_disk(void) NO_LOCK_ANALYSIS
{
    if (blk->disk.disk != NULL)
        list_remove(&blk->disk.link);
    free(blk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct virtio_device device;
    struct virtio_blk_memory memory = {.size = VIRTIO_BLK_MEMORY_MIN};
    at = data;
    end = data + size;
    fickle = byte() % 4 == 0;
    status = 0;
    device = (struct virtio_device){.ops = &fuzz_ops, .config_bytes = 60};
    memory.start = aligned_alloc(4096, memory.size);
    memset(memory.start, 0, memory.size);
    memory.at = phys((uintptr_t)memory.start);
    blk = calloc(1, sizeof *blk);
    blk->device = &device;
    blk->leave = leave;
    if (virtio_blk_open(blk, &memory) == E_OK) {
        block_register(&blk->disk);
        for (unsigned i = 0; i < STEPS && at < end; i++) {
            uint8_t what = byte();
            if (what < 100)
                ask();
            else if (what < 200)
                finish();
            else
                block_interrupt(&blk->disk, what > 253 ? "a test" : NULL);
        }
        block_interrupt(&blk->disk, "the end");
        for (unsigned i = 0; i < REQUESTS; i++)
            assert(!asked[i].under_way);
        assert(blk->disk.usage.under_way == 0 && native_irq_depth == 0);
    }
    forget_disk();
    free(memory.start);
    return 0;
}
