/* SPDX-License-Identifier: MIT */
/* The machine's disks, by their driver. Run by name, on machines with a disk that may be overwritten. */
#include "guest.h"

#include "base/fmt.h"
#include "cpu/x86.h"
#include "kern/block.h"
#include "kern/console.h"
#include "kern/machine.h"
#include "kern/thread.h"
#include "kern/wait.h"
#include "mm/heap/heap.h"

enum {
    LARGE = 300000, /* bytes, rounded to sectors: several requests */
    MANY = 150,
    READS = 64, /* of the figures */
};

static void disk_say(const char *name, const char *what, uint64_t value)
{
    char line[80];
    size_t size = fmt_snprintf(line, sizeof line, "%s %s %llu\n", name, what, ULL(value));
    console_write(CONSOLE_STDOUT, line, size);
}

static void fill_pattern(uint8_t *bytes, size_t size, uint32_t seed)
{
    for (size_t i = 0; i < size; i++) {
        seed = seed * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(seed >> 24);
    }
}

/* At any address, of heap, page and stack. */
static void move_blocks_of_memory(struct block_device *disk)
{
    size_t size = align_up(LARGE, disk->logical_size);
    uint8_t *first = heap_alloc(size + 100), *second = heap_alloc(size + 1000);
    uint8_t *page = kpage_alloc(), here[BLOCK_SECTOR];
    CHECK(first != NULL && second != NULL && page != NULL);
    fill_pattern(first + 100, size, 1);
    CHECK_EQUAL(block_write(disk, 8192, first + 100, size), E_OK);
    CHECK_EQUAL(block_flush(disk), E_OK);
    CHECK_EQUAL(block_read(disk, 8192, second + 999, size), E_OK);
    CHECK(memcmp(first + 100, second + 999, size) == 0);
    CHECK_EQUAL(block_read(disk, 12288, page, PAGE_SIZE), E_OK);
    CHECK(memcmp(first + 100 + 4096, page, PAGE_SIZE) == 0);
    if (disk->logical_size == BLOCK_SECTOR) {
        CHECK_EQUAL(block_read(disk, 8704, here, sizeof here), E_OK);
        CHECK(memcmp(first + 100 + 512, here, sizeof here) == 0);
    }
    CHECK_EQUAL(block_read(disk, block_bytes(disk), page, PAGE_SIZE), E_INVAL);
    CHECK_EQUAL(block_read(disk, block_bytes(disk) - PAGE_SIZE, page, PAGE_SIZE), E_OK);
    heap_free(first);
    heap_free(second);
    kpage_free(page);
}

static struct wait_queue all_done;
static volatile unsigned disk_done, disk_errors;

static void count_done(struct block_request *request)
{
    disk_errors += request->result != E_OK;
    disk_done = disk_done + 1;
    wait_queue_wake(&all_done);
}

/* More at once than the device has room for. */
static void move_many(struct block_device *disk, enum block_operation operation, phys_t memory)
    REQUIRES(kernel_lock)
{
    static struct block_request requests[MANY];
    static struct block_segment segments[MANY];
    disk_done = disk_errors = 0;
    for (unsigned i = 0; i < MANY; i++) {
        segments[i] = (struct block_segment){phys(memory.v + i * PAGE_SIZE), PAGE_SIZE};
        requests[i] = (struct block_request){.operation = operation,
                                             .sector = (i * 7 % MANY) * 8,
                                             .segments = &segments[i],
                                             .count = 1,
                                             .done = count_done};
        block_submit(disk, &requests[i]);
    }
    CHECK_EQUAL(WAIT_EVENT(&all_done, disk_done == MANY, NO_DEADLINE), E_OK);
    CHECK_EQUAL(disk_errors, 0);
}

static void move_many_both_ways(struct block_device *disk) REQUIRES(kernel_lock)
{
    phys_t memory;
    uint8_t page[BLOCK_SECTOR];
    uint8_t *bytes = kpage_alloc();
    CHECK_EQUAL(frames_alloc(&machine_frames, 8, &memory), E_OK);
    CHECK(bytes != NULL);
    wait_queue_init(&all_done);
    all_done.outside = true;
    for (unsigned i = 0; i < MANY; i++) {
        fill_pattern(bytes, PAGE_SIZE, i);
        CHECK_EQUAL(block_write(disk, (i * 7 % MANY) * (uint64_t)PAGE_SIZE, bytes, PAGE_SIZE),
                    E_OK);
    }
    move_many(disk, BLOCK_READ, memory);
    memset(bytes, 0, PAGE_SIZE);
    for (unsigned i = 0; i < MANY; i++)
        CHECK_EQUAL(block_write(disk, i * (uint64_t)PAGE_SIZE, bytes, PAGE_SIZE), E_OK);
    move_many(disk, BLOCK_WRITE, memory);
    for (unsigned i = 0; i < MANY; i++) {
        fill_pattern(page, sizeof page, i);
        CHECK_EQUAL(block_read(disk, (i * 7 % MANY) * (uint64_t)PAGE_SIZE, bytes, PAGE_SIZE), E_OK);
        CHECK(memcmp(page, bytes, sizeof page) == 0);
    }
    kpage_free(bytes);
    frames_put(&machine_frames, memory);
}

/* The kernel itself is on it. */
static void only_read(struct block_device *disk)
{
    uint8_t *page = kpage_alloc(), *large = heap_alloc(LARGE);
    size_t size = align_down(LARGE, disk->logical_size);
    CHECK(page != NULL && large != NULL);
    CHECK_EQUAL(block_read(disk, 0, page, PAGE_SIZE), E_OK);
    CHECK(memcmp(page, "\177ELF", 4) == 0);
    CHECK_EQUAL(block_read(disk, 0, large, size), E_OK);
    CHECK(memcmp(page, large, PAGE_SIZE) == 0);
    CHECK_EQUAL(block_read(disk, 65536, page, PAGE_SIZE), E_OK);
    CHECK(memcmp(page, large + 65536, PAGE_SIZE) == 0);
    CHECK_EQUAL(block_write(disk, 0, page, PAGE_SIZE), E_ROFS);
    kpage_free(page);
    heap_free(large);
}

GUEST_FATAL(disks_work)
{
    unsigned count = 0;
    struct block_device *disk = NULL;
    while ((disk = block_next(disk)) != NULL) {
        count++;
        disk_say(disk->name, "sectors", disk->sectors);
        CHECK(!block_has_gone(disk));
        if (disk->readonly) {
            only_read(disk);
            continue;
        }
        move_blocks_of_memory(disk);
        move_many_both_ways(disk);
        if (disk->limits.discard > 0)
            CHECK_EQUAL(block_discard(disk, 0, 65536), E_OK);
        CHECK_EQUAL(disk->usage.under_way, 0);
        CHECK(disk->usage.of[BLOCK_READ].requests > MANY);
    }
    CHECK(count > 0);
    disk_say("disks", "work", count);
    if (guest_test_passed())
        machine_exit(0);
}

/* Instructions for a page from the call to the data, with the interrupt and the switches of threads. */
GUEST_FATAL(disk_figures)
{
    struct block_device *disk = block_find("vda");
    uint8_t *page = kpage_alloc();
    CHECK(disk != NULL && page != NULL);
    if (disk == NULL || page == NULL)
        return;
    CHECK_EQUAL(block_read(disk, 0, page, PAGE_SIZE), E_OK);
    uint64_t from = rdtsc(), idle = thread_idle_ns();
    for (unsigned i = 0; i < READS; i++)
        CHECK_EQUAL(block_read(disk, i * (uint64_t)PAGE_SIZE, page, PAGE_SIZE), E_OK);
    uint64_t ticks = rdtsc() - from;
    disk_say("figure disk", "read", (ticks - (thread_idle_ns() - idle)) / READS);
    if (guest_test_passed())
        machine_exit(0);
}
