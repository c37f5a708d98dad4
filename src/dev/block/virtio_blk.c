/* SPDX-License-Identifier: MIT */
#include "dev/block/virtio_blk.h"

#include "base/panic.h"
#include "parse/load.h"

#define F_SIZE_MAX (UINT64_C(1) << 1)
#define F_SEG_MAX  (UINT64_C(1) << 2)
#define F_READONLY (UINT64_C(1) << 5)
#define F_BLK_SIZE (UINT64_C(1) << 6)
#define F_FLUSH    (UINT64_C(1) << 9)
#define F_TOPOLOGY (UINT64_C(1) << 10)
#define F_DISCARD  (UINT64_C(1) << 13)

enum { /* VIRTIO 1.1, 5.2.4 and 5.2.6 */
    CONFIG_CAPACITY = 0,
    CONFIG_SIZE_MAX = 8,
    CONFIG_SEG_MAX = 12,
    CONFIG_BLK_SIZE = 20,
    CONFIG_PHYSICAL = 24,
    CONFIG_MIN_IO = 26,
    CONFIG_OPT_IO = 28,
    CONFIG_DISCARD_MAX = 36,
    CONFIG_DISCARD_ALIGNMENT = 44,
    CONFIG_BYTES = 48,

    TYPE_IN = 0,
    TYPE_OUT = 1,
    TYPE_FLUSH = 4,
    TYPE_DISCARD = 11,
    STATUS_OK = 0,
    STATUS_IOERR = 1,
    STATUS_UNSUPPORTED = 2,
    STATUS_NONE = 0xff, /* nothing was written */

    DEVICE_NEEDS_RESET = 64,

    HEAD_BYTES = 16,
    RANGE_BYTES = 16,
    EXTRA = 2, /* descriptors of a request besides its segments: head and status */
    TABLE = VIRTIO_BLK_SEGMENTS + EXTRA,
    ROOM_SMALL = 8,
    REQUEST_MAX = 1 << 20, /* bytes */
    PHYSICAL_MAX = 3,      /* 512 << this is PAGE_SIZE */
    STATUS_AT = __builtin_offsetof(struct virtio_blk_head, status),
    RANGE_AT = __builtin_offsetof(struct virtio_blk_head, range),
};

_Static_assert(sizeof(struct virtio_blk_head) == 48, "the device's layout");
_Static_assert(RANGE_AT == HEAD_BYTES, "the head is before it");

static struct virtio_blk *blk_of(struct block_device *disk)
{
    return CONTAINER_OF(disk, struct virtio_blk, disk);
}

/* --- start --- */

static COLD enum err read_sizes(struct virtio_blk *b, const uint8_t *config)
{
    struct block_device *d = &b->disk;
    uint64_t features = b->device->features;
    d->sectors = load64(config + CONFIG_CAPACITY);
    d->logical_size = features & F_BLK_SIZE ? load32(config + CONFIG_BLK_SIZE) : BLOCK_SECTOR;
    if (d->logical_size < BLOCK_SECTOR || d->logical_size > PAGE_SIZE ||
        (d->logical_size & (d->logical_size - 1)) != 0 || d->sectors > INT64_MAX / BLOCK_SECTOR)
        return E_INVAL;
    d->sectors &= ~(uint64_t)(d->logical_size / BLOCK_SECTOR - 1);
    d->physical_size = d->logical_size;
    if (features & F_TOPOLOGY) {
        if (config[CONFIG_PHYSICAL] <= PHYSICAL_MAX &&
            d->logical_size << config[CONFIG_PHYSICAL] <= PAGE_SIZE)
            d->physical_size = d->logical_size << config[CONFIG_PHYSICAL];
        d->minimum_io = (uint32_t)load16(config + CONFIG_MIN_IO) * d->logical_size;
        if (load32(config + CONFIG_OPT_IO) <= UINT32_MAX / d->logical_size)
            d->optimal_io = load32(config + CONFIG_OPT_IO) * d->logical_size;
    }
    return E_OK;
}

static COLD enum err read_limits(struct virtio_blk *b, const uint8_t *config)
{
    struct block_limits *l = &b->disk.limits;
    uint64_t features = b->device->features;
    uint32_t most =
        b->ring.options.indirect > 0 ? VIRTIO_BLK_SEGMENTS : b->ring.options.size - (uint32_t)EXTRA;
    *l = (struct block_limits){
        .segments = most, .segment_bytes = REQUEST_MAX, .bytes = REQUEST_MAX, .alignment = 1};
    if (features & F_SEG_MAX && load32(config + CONFIG_SEG_MAX) < most)
        l->segments = load32(config + CONFIG_SEG_MAX);
    if (features & F_SIZE_MAX && load32(config + CONFIG_SIZE_MAX) < REQUEST_MAX)
        l->segment_bytes = load32(config + CONFIG_SIZE_MAX);
    if (features & F_DISCARD) {
        uint32_t block = b->disk.logical_size / BLOCK_SECTOR;
        l->discard = load32(config + CONFIG_DISCARD_MAX) & ~(block - 1);
        l->discard_blocks = load32(config + CONFIG_DISCARD_ALIGNMENT);
    }
    return l->segments == 0 || l->segment_bytes < PAGE_SIZE ? E_INVAL : E_OK;
}

static COLD enum err make_queue(struct virtio_blk *b, const struct virtio_blk_memory *memory)
{
    struct virtio_ring_options options;
    struct virtio_ring_layout layout;
    uint16_t wanted = memory->size < VIRTIO_BLK_MEMORY_MAX ? ROOM_SMALL : VIRTIO_BLK_ROOM;
    enum err e = virtio_queue_options(b->device, 0, wanted, TABLE, &options);
    if (e != E_OK)
        return e;
    if (options.indirect == 0 && options.size <= EXTRA)
        return E_NOTSUP;
    virtio_ring_layout(&options, &layout);
    uint64_t heads = align_up(layout.total, 16);
    assert(heads + options.size * sizeof(struct virtio_blk_head) <= memory->size);
    virtio_ring_init(&b->ring, &options, memory->start, memory->at, b->slots);
    b->heads = (void *)((char *)memory->start + heads);
    b->heads_at = phys(memory->at.v + heads);
    b->free_count = 0;
    for (unsigned i = options.size; i > 0; i--)
        b->free[b->free_count++] = (uint8_t)(i - 1);
    return virtio_set_queue(b->device, 0, &b->ring);
}

static COLD enum err blk_read_config(struct virtio_blk *b)
{
    uint8_t config[CONFIG_BYTES] = {0};
    uint64_t features = b->device->features;
    /* What no feature promises need not be there. */
    size_t size = features & F_DISCARD    ? CONFIG_BYTES
                  : features & F_TOPOLOGY ? CONFIG_OPT_IO + 4
                  : features & F_BLK_SIZE ? CONFIG_BLK_SIZE + 4
                  : features & F_SEG_MAX  ? CONFIG_SEG_MAX + 4
                  : features & F_SIZE_MAX ? CONFIG_SIZE_MAX + 4
                                          : CONFIG_CAPACITY + 8;
    enum err e = virtio_read_config(b->device, 0, config, size);
    if (e == E_OK)
        e = read_sizes(b, config);
    if (e == E_OK)
        e = read_limits(b, config);
    b->disk.readonly = features & F_READONLY;
    b->disk.has_flush = features & F_FLUSH;
    b->disk.has_fua = false;
    if (b->disk.readonly)
        b->disk.limits.discard = 0;
    return e;
}

static enum err blk_start(struct block_device *disk, struct block_request *request);
static void blk_kick(struct block_device *disk);
static void blk_poll(struct block_device *disk) REQUIRES(class_block);

static void blk_leave(struct block_device *disk)
{
    struct virtio_blk *b = blk_of(disk);
    b->leave(b);
}

enum err virtio_blk_open(struct virtio_blk *b, const struct virtio_blk_memory *memory)
{
    static const struct block_ops ops = {blk_start, blk_kick, blk_poll, blk_leave};
    /* Without VIRTIO_F_EVENT_IDX, as dev/nic/virtio_net.c. */
    enum err e =
        virtio_start(b->device, F_SIZE_MAX | F_SEG_MAX | F_READONLY | F_BLK_SIZE | F_FLUSH |
                                    F_TOPOLOGY | F_DISCARD | VIRTIO_F_INDIRECT_DESC);
    if (e != E_OK)
        return e;
    e = make_queue(b, memory);
    if (e == E_OK)
        e = blk_read_config(b);
    if (e == E_OK)
        e = virtio_go(b->device);
    if (e != E_OK)
        virtio_stop(b->device, true);
    b->disk.driver = "virtblk"; /* as in Linux's /proc/devices */
    b->disk.rotational = true;  /* as Linux has it */
    b->disk.ops = &ops;
    return e;
}

bool virtio_blk_needs_reset(struct virtio_blk *b)
{
    return b->ring.used[1] == b->ring.removed &&
           b->device->ops->status(b->device) & DEVICE_NEEDS_RESET;
}

/* --- requests --- */

static phys_t head_at(const struct virtio_blk *b, unsigned i, unsigned offset)
{
    return phys(b->heads_at.v + i * sizeof(struct virtio_blk_head) + offset);
}

static void fill_head(struct virtio_blk_head *head, const struct block_request *request)
{
    static const uint8_t types[BLOCK_OPERATIONS] = {
        [BLOCK_READ] = TYPE_IN,
        [BLOCK_WRITE] = TYPE_OUT,
        [BLOCK_FLUSH] = TYPE_FLUSH,
        [BLOCK_DISCARD] = TYPE_DISCARD,
    };
    bool moves = request->now <= BLOCK_WRITE;
    head->operation = types[request->now];
    head->reserved = 0;
    head->sector = moves ? request->at : 0;
    head->status = STATUS_NONE;
    if (request->now == BLOCK_DISCARD) {
        head->range.sector = request->at;
        head->range.sectors = (uint32_t)request->sectors;
        head->range.flags = 0;
    }
}

static enum err blk_start(struct block_device *disk, struct block_request *request)
{
    struct virtio_blk *b = blk_of(disk);
    struct virtio_buffer buffers[TABLE];
    unsigned count = 1, segments = request->now <= BLOCK_WRITE ? request->count : 0;
    if (b->free_count == 0)
        return E_AGAIN;
    unsigned i = b->free[b->free_count - 1];
    fill_head(&b->heads[i], request);
    buffers[0] = (struct virtio_buffer){head_at(b, i, 0), HEAD_BYTES};
    for (unsigned s = 0; s < segments; s++)
        buffers[count++] =
            (struct virtio_buffer){request->segments[s].at, request->segments[s].bytes};
    if (request->now == BLOCK_DISCARD)
        buffers[count++] = (struct virtio_buffer){head_at(b, i, RANGE_AT), RANGE_BYTES};
    buffers[count] = (struct virtio_buffer){head_at(b, i, STATUS_AT), 1};
    unsigned readable = request->now == BLOCK_READ ? 1 : count;
    enum err e =
        virtio_ring_add(&b->ring, buffers, readable, count + 1 - readable, (void *)(uintptr_t)i);
    if (e != E_OK)
        return e;
    b->free_count--;
    b->request[i] = request;
    return E_OK;
}

static void blk_kick(struct block_device *disk)
{
    struct virtio_blk *b = blk_of(disk);
    if (virtio_ring_notifies(&b->ring))
        b->device->ops->notify(b->device, 0);
}

/* The result of a request. `status` was read once. */
static enum err result_of(const struct block_request *request, uint8_t status, uint32_t written)
{
    if (status == STATUS_UNSUPPORTED && request->now == BLOCK_DISCARD)
        return E_NOTSUP;
    if (status != STATUS_OK)
        return E_IO;
    if (request->now == BLOCK_READ && written != (request->sectors << BLOCK_SECTOR_SHIFT) + 1)
        return E_IO;
    return E_OK;
}

static void blk_poll(struct block_device *disk)
{
    struct virtio_blk *b = blk_of(disk);
    struct virtio_done done;
    while (virtio_ring_take(&b->ring, &done)) {
        unsigned i = (unsigned)(uintptr_t)done.token;
        struct block_request *request = b->request[i];
        uint8_t status = *(volatile uint8_t *)&b->heads[i].status;
        b->request[i] = NULL;
        b->free[b->free_count++] = (uint8_t)i;
        if (status > STATUS_UNSUPPORTED)
            block_fail(disk, "it has finished a request without a status");
        block_finish(disk, request, result_of(request, status, done.written));
    }
    if (b->ring.broken != NULL)
        block_fail(disk, b->ring.broken);
}
