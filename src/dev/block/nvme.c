/* SPDX-License-Identifier: MIT */
#include "dev/block/nvme.h"

#include "base/panic.h"
#include "base/str.h"
#include "cpu/mmio.h"
#include "parse/load.h"

enum { /* registers */
    CAPABILITIES = 0x00,
    CONFIGURATION = 0x14,
    STATUS = 0x1c,
    ADMIN_SIZES = 0x24,
    ADMIN_SUBMITTED = 0x28,
    ADMIN_COMPLETED = 0x30,
    DOORBELLS = 0x1000,

    CONFIGURATION_ON = 1 | 6 << 16 | 4 << 20, /* entries of 64 and of 16 bytes, pages of 4 KiB */
    STATUS_READY = 1,
    STATUS_FATAL = 2,
    STRIDE_MAX = 8, /* so that the doorbells are within NVME_REGISTERS */

    ADMIN_CREATE_SUBMISSION = 0x01,
    ADMIN_CREATE_COMPLETION = 0x05,
    ADMIN_IDENTIFY = 0x06,
    IDENTIFY_SPACE = 0,
    IDENTIFY_CONTROLLER = 1,
    QUEUE_CONTIGUOUS = 1,
    QUEUE_INTERRUPTS = 2,

    IO_FLUSH = 0x00,
    IO_WRITE = 0x01,
    IO_READ = 0x02,
    IO_MANAGEMENT = 0x09,
    MANAGEMENT_DISCARD = 4,

    CONTROLLER_TRANSFER = 77, /* bytes of the controller's description */
    CONTROLLER_OPTIONS = 520,
    CONTROLLER_CACHE = 525,
    OPTION_MANAGEMENT = 4,
    SPACE_SIZE = 0, /* of the namespace's */
    SPACE_FORMAT = 26,
    SPACE_FORMATS = 128,

    ADMIN_ENTRIES = 4,
    IO_ENTRIES = 64,
    SPACE = 1,               /* the first namespace */
    REQUEST_MAX = 128 << 10, /* bytes */
    LIST_BYTES = 512,        /* of a command: its pages, and a range to discard */
    RANGE_AT = LIST_BYTES - 16,
    LISTS_AT = 4 * PAGE_SIZE,
};

#define FORCE_UNIT_ACCESS (UINT32_C(1) << 30)

_Static_assert(sizeof(struct nvme_command) == 64, "NVM Express 1.4, 4.2");
_Static_assert(sizeof(struct nvme_completion) == 16, "NVM Express 1.4, 4.6");
_Static_assert(IO_ENTRIES * sizeof(struct nvme_command) <= PAGE_SIZE, "a page");
_Static_assert(LISTS_AT + NVME_ROOM * LIST_BYTES <= NVME_MEMORY, "the lists are in it");
_Static_assert((REQUEST_MAX / PAGE_SIZE + 1) * sizeof(uint64_t) <= RANGE_AT, "a list has room");
_Static_assert(NVME_ROOM < IO_ENTRIES, "the queue is never full");

static struct nvme *nvme_of(struct block_device *disk)
{
    return CONTAINER_OF(disk, struct nvme, disk);
}

static volatile void *nvme_register(const struct nvme *n, uint32_t offset)
{
    return (volatile char *)n->registers + offset;
}

static void set_pair(const struct nvme *n, uint32_t offset, phys_t value)
{
    mmio_write32(nvme_register(n, offset), (uint32_t)value.v);
    mmio_write32(nvme_register(n, offset + 4), (uint32_t)(value.v >> 32));
}

/* Of the submission queue (0) or the completion queue (1) of a pair. */
static void ring_doorbell(const struct nvme *n, unsigned pair, unsigned which, uint16_t value)
{
    mmio_write32(nvme_register(n, DOORBELLS + (2 * pair + which) * n->stride), value);
}

/* --- queues --- */

static COLD void make_pair(struct nvme *n, struct nvme_queue *q, unsigned page, uint16_t size)
{
    q->submitted_at = phys(n->memory_at.v + page * PAGE_SIZE);
    q->completed_at = phys(q->submitted_at.v + PAGE_SIZE);
    q->submitted = (void *)(n->memory + page * PAGE_SIZE);
    q->completed = (void *)(n->memory + (page + 1) * PAGE_SIZE);
    q->size = size;
    q->tail = q->head = 0;
    q->phase = 1;
}

static void put_command(struct nvme_queue *q, const struct nvme_command *command)
{
    volatile struct nvme_command *to = &q->submitted[q->tail];
    to->head = command->head;
    to->space = command->space;
    to->unused = to->metadata = 0;
    for (unsigned i = 0; i < 2; i++)
        to->page[i] = command->page[i];
    for (unsigned i = 0; i < 6; i++)
        to->word[i] = command->word[i];
    q->tail = (uint16_t)((q->tail + 1) % q->size);
}

/* The next completion; false: none is new. The phase is read first. */
static bool take_completion(struct nvme_queue *q, struct nvme_completion *out)
{
    volatile struct nvme_completion *from = &q->completed[q->head];
    uint16_t status = from->status;
    if ((status & 1) != q->phase)
        return false;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    *out = (struct nvme_completion){.number = from->number, .status = (uint16_t)(status >> 1)};
    q->head = (uint16_t)((q->head + 1) % q->size);
    if (q->head == 0)
        q->phase ^= 1;
    return true;
}

/* --- start --- */

static COLD bool wait_until_ready(const struct nvme *n, uint32_t ready)
{
    for (unsigned i = 0; i < n->polls; i++) {
        uint32_t status = mmio_read32(nvme_register(n, STATUS));
        if (status == UINT32_MAX || (ready && status & STATUS_FATAL))
            return false;
        if ((status & STATUS_READY) == ready)
            return true;
    }
    return false;
}

/* A command of the admin queue, which is awaited. */
static COLD enum err administer(struct nvme *n, const struct nvme_command *command)
{
    struct nvme_completion done;
    put_command(&n->admin, command);
    ring_doorbell(n, 0, 0, n->admin.tail);
    for (unsigned i = 0; i < n->polls; i++) {
        if (take_completion(&n->admin, &done)) {
            ring_doorbell(n, 0, 1, n->admin.head);
            return done.status == 0 && done.number == 0 ? E_OK : E_IO;
        }
        if (mmio_read32(nvme_register(n, STATUS)) != STATUS_READY)
            return E_IO;
    }
    return E_IO;
}

/* The answer is in the page of the first lists. */
static COLD enum err identify_nvme(struct nvme *n, uint32_t space, uint32_t what)
{
    const struct nvme_command command = {.head = ADMIN_IDENTIFY,
                                         .space = space,
                                         .page = {n->memory_at.v + LISTS_AT},
                                         .word = {what}};
    memset(n->memory + LISTS_AT, 0, PAGE_SIZE);
    return administer(n, &command);
}

static COLD enum err read_controller(struct nvme *n)
{
    const uint8_t *answer = (uint8_t *)n->memory + LISTS_AT;
    struct block_limits *l = &n->disk.limits;
    enum err e = identify_nvme(n, 0, IDENTIFY_CONTROLLER);
    uint8_t transfer = answer[CONTROLLER_TRANSFER];
    n->disk.has_flush = answer[CONTROLLER_CACHE] & 1;
    n->disk.has_fua = true;
    *l = (struct block_limits){.segments = REQUEST_MAX / PAGE_SIZE,
                               .segment_bytes = REQUEST_MAX,
                               .bytes = REQUEST_MAX,
                               .alignment = 4,
                               .whole_pages = true};
    if (transfer > 0 && transfer < 5) /* in pages: 2^5 of them are REQUEST_MAX */
        l->bytes = (uint32_t)PAGE_SIZE << transfer;
    if (load16(answer + CONTROLLER_OPTIONS) & OPTION_MANAGEMENT)
        l->discard = UINT64_C(1) << 21; /* sectors: 1 GiB */
    return e;
}

static COLD enum err read_space(struct nvme *n)
{
    const uint8_t *answer = (uint8_t *)n->memory + LISTS_AT;
    enum err e = identify_nvme(n, SPACE, IDENTIFY_SPACE);
    if (e != E_OK)
        return E_NODEV;
    uint64_t blocks = load64(answer + SPACE_SIZE);
    uint32_t format = load32(answer + SPACE_FORMATS + 4 * (answer[SPACE_FORMAT] & 15));
    n->block_shift = format >> 16 & 0xff;
    if (blocks == 0)
        return E_NODEV;
    if (n->block_shift < BLOCK_SECTOR_SHIFT || n->block_shift > PAGE_SHIFT ||
        (format & 0xffff) != 0 || blocks > (uint64_t)INT64_MAX >> n->block_shift)
        return E_NOTSUP; /* metadata, or blocks of another size */
    n->disk.sectors = blocks << (n->block_shift - BLOCK_SECTOR_SHIFT);
    n->disk.logical_size = n->disk.physical_size = UINT32_C(1) << n->block_shift;
    return E_OK;
}

static COLD enum err create_queues(struct nvme *n)
{
    uint32_t size = (uint32_t)(n->io.size - 1) << 16 | 1;
    const struct nvme_command completion = {.head = ADMIN_CREATE_COMPLETION,
                                            .page = {n->io.completed_at.v},
                                            .word = {size, QUEUE_CONTIGUOUS | QUEUE_INTERRUPTS}};
    const struct nvme_command submission = {.head = ADMIN_CREATE_SUBMISSION,
                                            .page = {n->io.submitted_at.v},
                                            .word = {size, QUEUE_CONTIGUOUS | 1 << 16}};
    enum err e = administer(n, &completion);
    return e == E_OK ? administer(n, &submission) : e;
}

static COLD enum err start_nvme(struct nvme *n)
{
    uint32_t low = mmio_read32(nvme_register(n, CAPABILITIES)),
             high = mmio_read32(nvme_register(n, CAPABILITIES + 4));
    uint32_t most = (low & 0xffff) + 1, stride = high & 15;
    bool pages = (high >> 16 & 15) == 0, commands = high & 1 << 5;
    if (low == UINT32_MAX || most < 2 || stride > STRIDE_MAX || !pages || !commands)
        return E_NOTSUP;
    n->stride = UINT32_C(4) << stride;
    mmio_write32(nvme_register(n, CONFIGURATION), 0);
    if (!wait_until_ready(n, 0))
        return E_IO;
    make_pair(n, &n->admin, 0, most < ADMIN_ENTRIES ? 2 : ADMIN_ENTRIES);
    make_pair(n, &n->io, 2, (uint16_t)(most < IO_ENTRIES ? most : IO_ENTRIES));
    uint32_t sizes = n->admin.size - 1u;
    mmio_write32(nvme_register(n, ADMIN_SIZES), sizes | sizes << 16);
    set_pair(n, ADMIN_SUBMITTED, n->admin.submitted_at);
    set_pair(n, ADMIN_COMPLETED, n->admin.completed_at);
    mmio_write32(nvme_register(n, CONFIGURATION), CONFIGURATION_ON);
    return wait_until_ready(n, STATUS_READY) ? E_OK : E_IO;
}

void nvme_stop(struct nvme *n)
{
    mmio_write32(nvme_register(n, CONFIGURATION), 0);
}

static enum err nvme_start(struct block_device *disk, struct block_request *request);
static void nvme_kick(struct block_device *disk);
static void nvme_poll(struct block_device *disk) REQUIRES(class_block);

static void nvme_leave(struct block_device *disk)
{
    struct nvme *n = nvme_of(disk);
    nvme_stop(n);
    n->leave(n);
}

enum err nvme_open(struct nvme *n)
{
    static const struct block_ops ops = {nvme_start, nvme_kick, nvme_poll, nvme_leave};
    enum err e = start_nvme(n);
    if (e == E_OK)
        e = read_controller(n);
    if (e == E_OK)
        e = read_space(n);
    if (e == E_OK)
        e = create_queues(n);
    if (e != E_OK) {
        nvme_stop(n);
        return e;
    }
    /* A submission queue with one free entry less than it has is full. */
    unsigned room = n->io.size - 1u < NVME_ROOM ? n->io.size - 1u : NVME_ROOM;
    n->free_count = 0;
    while (room > 0)
        n->free[n->free_count++] = (uint8_t)--room;
    n->disk.driver = "blkext";
    n->disk.ops = &ops;
    return E_OK;
}

/* --- requests --- */

/* The pages of the segments: the first two, or the first and the list of the others. */
static void fill_pages(const struct nvme *n, const struct block_request *request, unsigned i,
                       uint64_t page[2])
{
    uint64_t *list = (void *)(n->memory + LISTS_AT + i * LIST_BYTES);
    unsigned count = 0;
    page[0] = request->segments[0].at.v;
    for (uint32_t s = 0; s < request->count; s++) {
        uint64_t at = request->segments[s].at.v, end = at + request->segments[s].bytes;
        if (s == 0)
            at = align_down(at, PAGE_SIZE) + PAGE_SIZE;
        for (; at < end; at += PAGE_SIZE)
            list[count++] = at;
    }
    assert(count * sizeof(uint64_t) <= RANGE_AT);
    page[1] = count == 0 ? 0 : count == 1 ? list[0] : n->memory_at.v + LISTS_AT + i * LIST_BYTES;
}

static void fill_range(const struct nvme *n, const struct block_request *request, unsigned i,
                       struct nvme_command *command)
{
    unsigned shift = n->block_shift - BLOCK_SECTOR_SHIFT;
    uint64_t *range = (void *)(n->memory + LISTS_AT + i * LIST_BYTES + RANGE_AT);
    range[0] = request->sectors >> shift << 32;
    range[1] = request->at >> shift;
    command->page[0] = n->memory_at.v + LISTS_AT + i * LIST_BYTES + RANGE_AT;
    command->word[1] = MANAGEMENT_DISCARD;
}

static enum err nvme_start(struct block_device *disk, struct block_request *request)
{
    static const uint8_t opcodes[BLOCK_OPERATIONS] = {[BLOCK_READ] = IO_READ,
                                                      [BLOCK_WRITE] = IO_WRITE,
                                                      [BLOCK_FLUSH] = IO_FLUSH,
                                                      [BLOCK_DISCARD] = IO_MANAGEMENT};
    struct nvme *n = nvme_of(disk);
    unsigned shift = n->block_shift - BLOCK_SECTOR_SHIFT;
    if (n->free_count == 0)
        return E_AGAIN;
    unsigned i = n->free[--n->free_count];
    struct nvme_command command = {.head = opcodes[request->now] | i << 16, .space = SPACE};
    if (request->now == BLOCK_DISCARD)
        fill_range(n, request, i, &command);
    if (request->now <= BLOCK_WRITE) {
        fill_pages(n, request, i, command.page);
        command.word[0] = (uint32_t)(request->at >> shift);
        command.word[1] = (uint32_t)(request->at >> shift >> 32);
        command.word[2] = (uint32_t)(request->sectors >> shift) - 1;
        if (request->fua && request->now == BLOCK_WRITE)
            command.word[2] |= FORCE_UNIT_ACCESS;
    }
    n->request[i] = request;
    put_command(&n->io, &command);
    return E_OK;
}

static void nvme_kick(struct block_device *disk)
{
    struct nvme *n = nvme_of(disk);
    __atomic_thread_fence(__ATOMIC_RELEASE); /* the commands before the doorbell */
    ring_doorbell(n, 1, 0, n->io.tail);
}

static void nvme_poll(struct block_device *disk)
{
    struct nvme *n = nvme_of(disk);
    struct nvme_completion done;
    bool any = false;
    while (disk->gone == NULL && take_completion(&n->io, &done)) {
        struct block_request *request = done.number < NVME_ROOM ? n->request[done.number] : NULL;
        if (request == NULL) {
            block_fail(disk, "it finished a request that it does not have");
            break;
        }
        n->request[done.number] = NULL;
        n->free[n->free_count++] = (uint8_t)done.number;
        any = true;
        block_finish(disk, request, done.status == 0 ? E_OK : E_IO);
    }
    if (any && disk->gone == NULL)
        ring_doorbell(n, 1, 1, n->io.head);
}
