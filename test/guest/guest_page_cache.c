/* SPDX-License-Identifier: MIT */
/* Mappings of a cached file, with real page tables: stores dirty pages, write-back makes leaves read-only, memory is given back. */
#include "guest.h"

#include "fs/cache/page_cache.h"
#include "fs/vfs/file.h"
#include "kern/thread.h"
#include "mm/phys/shrinker.h"
#include "mm/vm/areas.h"
#include "mm/vm/usercopy.h"

#define PAGES 8
#define WORDS (PAGE_SIZE / sizeof(uint64_t))

static uint64_t medium[PAGES][WORDS];
static unsigned reads, writes, prepared;
static struct filesystem test_fs;
static struct cached_file test_file;
static struct file test_open;

static enum err medium_read(struct inode *inode, uint64_t index, unsigned count,
                            void *const pages[])
{
    (void)inode;
    thread_give_way();
    reads++;
    for (unsigned i = 0; i < count; i++)
        memcpy(pages[i], medium[index + i], PAGE_SIZE);
    return E_OK;
}

static enum err medium_write(struct inode *inode, uint64_t index, unsigned count,
                             void *const pages[], uint64_t bytes)
{
    (void)inode, (void)bytes;
    thread_give_way();
    writes++;
    for (unsigned i = 0; i < count; i++)
        memcpy(medium[index + i], pages[i], PAGE_SIZE);
    return E_OK;
}

static enum err medium_prepare(struct inode *inode, uint64_t offset, uint64_t size)
{
    (void)inode, (void)offset, (void)size;
    prepared++;
    return E_OK;
}

static enum err medium_set_size(struct inode *inode, uint64_t size)
{
    (void)inode, (void)size;
    return E_OK;
}

static const struct page_cache_ops medium_ops = {
    .read_pages = medium_read,
    .write_pages = medium_write,
    .prepare_write = medium_prepare,
    .set_size = medium_set_size,
};

static void map_file(uint32_t flags)
{
    struct area area = {
        .range = virt_range(GUEST_ARENA, GUEST_ARENA + PAGES * PAGE_SIZE),
        .kind = AREA_FILE,
        .flags = flags,
        .prot = prot_rw(),
        .source = &test_file.inode.pages,
        .file_end = UINT64_MAX,
    };
    memset(&test_file, 0, sizeof(test_file));
    test_file.inode.references = 1;
    test_file.inode.fs = &test_fs;
    test_file.inode.mode = S_IFREG;
    test_file.inode.size = PAGES * PAGE_SIZE;
    page_cache_begin(&test_file, &medium_ops);
    test_open = (struct file){.inode = &test_file.inode, .ops = &page_cache_file_ops};
    for (unsigned i = 0; i < PAGES; i++)
        medium[i][0] = 10 + i;
    reads = writes = prepared = 0;
    area.source->ops->get(area.source);
    CHECK_EQUAL(areas_add(running_space, &area), E_OK);
}

static void unmap_file(void) REQUIRES(kernel_lock)
{
    areas_clear(running_space);
    CHECK_EQUAL(test_file.inode.mappings, 0);
    CHECK_EQUAL(test_file.inode.references, 1);
    CHECK_EQUAL(page_cache_end(&test_file.inode, true), E_OK);
    CHECK_EQUAL(page_cache_counts.cached + page_cache_counts.dirty + page_cache_counts.writing, 0);
    for (unsigned i = 0; i < 10; i++) /* the write-back thread ends */
        thread_yield();
}

static enum fault_verdict store(virt_t at, uint64_t value)
{
    struct pt_walk walk;
    paging_walk(running_space, virt(align_down(at.v, PAGE_SIZE)), &walk);
    if (walk.leaf_level == 0 || !walk.writable) {
        enum fault_verdict verdict =
            fault_resolve(running_space, at, PF_WRITE | (walk.leaf_level != 0 ? PF_PRESENT : 0));
        if (verdict != FAULT_RESOLVED)
            return verdict;
    }
    CHECK_NO_FAULT(guest_write(at, value));
    return FAULT_RESOLVED;
}

GUEST_TEST(test_stores_of_a_mapping_are_written_back)
{
    map_file(AREA_SHARED);
    CHECK_EQUAL(store(GUEST_ARENA_PAGE(1), 7), FAULT_RESOLVED);
    CHECK_EQUAL(reads, 1);
    CHECK_EQUAL(prepared, 1);
    CHECK_EQUAL(store(virt(GUEST_ARENA_PAGE(1).v + 8), 8), FAULT_RESOLVED);
    CHECK_EQUAL(prepared, 1);
    CHECK_EQUAL(page_cache_counts.dirty, 1);
    CHECK_EQUAL(page_cache_write_back(&test_file.inode, 0, UINT64_MAX, true), E_OK);
    CHECK_EQUAL(medium[1][0], 7);
    CHECK_EQUAL(medium[1][1], 8);
    CHECK_EQUAL(page_cache_counts.dirty, 0);
    /* The leaf allows no store any more, whatever the TLB had; the next one makes the page dirty again. */
    CHECK_PAGE_FAULT(guest_write(GUEST_ARENA_PAGE(1), 1), GUEST_ARENA_PAGE(1),
                     PF_PRESENT | PF_WRITE);
    CHECK_EQUAL(store(GUEST_ARENA_PAGE(1), 9), FAULT_RESOLVED);
    CHECK_EQUAL(page_cache_counts.dirty, 1);
    CHECK_EQUAL(prepared, 2);
    CHECK_EQUAL(page_cache_write_back(&test_file.inode, 0, UINT64_MAX, true), E_OK);
    CHECK_EQUAL(medium[1][0], 9);
    CHECK_EQUAL(writes, 2);
    /* read() sees what a copy of the kernel has stored. (write() asks for the limits of a process.) */
    uint64_t word = 77, at;
    struct io io;
    CHECK_EQUAL(copy_out(GUEST_ARENA_PAGE(2), &word, sizeof word), E_OK);
    at = 2 * PAGE_SIZE;
    word = 0;
    io = io_kernel(&word, sizeof word);
    CHECK_EQUAL(test_open.ops->read(&test_open, &io, &at), E_OK);
    CHECK_EQUAL(word, 77);
    unmap_file();
    CHECK_EQUAL(medium[2][0], 77);
}

GUEST_TEST(test_mapped_pages_are_given_back)
{
    uint64_t value = 0;
    map_file(AREA_SHARED);
    CHECK_EQUAL(fault_resolve(running_space, GUEST_ARENA_PAGE(0), 0), FAULT_RESOLVED);
    CHECK_EQUAL(store(GUEST_ARENA_PAGE(3), 5), FAULT_RESOLVED);
    CHECK_EQUAL(page_cache_counts.cached, PAGES);
    while (page_cache_counts.cached > 1)
        CHECK(shrinkers_run());
    CHECK_EQUAL(page_cache_counts.dirty, 1); /* that one stays */
    CHECK_NO_FAULT(guest_read(GUEST_ARENA_PAGE(3), &value));
    CHECK_EQUAL(value, 5);
    CHECK_EQUAL(copy_in_waiting(&value, GUEST_ARENA_PAGE(0), sizeof value), E_OK);
    CHECK_EQUAL(value, 10);
    CHECK_EQUAL(reads, 2);
    unmap_file();
}

GUEST_TEST(test_truncation_takes_pages_away)
{
    map_file(AREA_SHARED);
    for (unsigned i = 0; i < PAGES; i++)
        CHECK_EQUAL(store(GUEST_ARENA_PAGE(i), 1), FAULT_RESOLVED);
    CHECK_EQUAL(page_cache_truncate(&test_file.inode, 2 * PAGE_SIZE + 8), E_OK);
    CHECK_EQUAL(store(GUEST_ARENA_PAGE(3), 1), FAULT_PAST_FILE);
    CHECK_EQUAL(page_cache_counts.cached, 3);
    CHECK_EQUAL(store(virt(GUEST_ARENA_PAGE(2).v + 16), 1), FAULT_RESOLVED); /* behind the end */
    CHECK_EQUAL(page_cache_write_back(&test_file.inode, 0, UINT64_MAX, true), E_OK);
    CHECK_EQUAL(medium[2][0], 1);
    CHECK_EQUAL(medium[2][2], 0);
    unmap_file();
}

GUEST_TEST(test_private_mapping_keeps_its_copy)
{
    uint64_t value = 0;
    map_file(0);
    CHECK_EQUAL(store(GUEST_ARENA_PAGE(4), 5), FAULT_RESOLVED);
    CHECK_EQUAL(fault_resolve(running_space, GUEST_ARENA_PAGE(5), 0), FAULT_RESOLVED);
    CHECK_EQUAL(page_cache_counts.dirty, 0);
    while (page_cache_counts.cached > 0)
        CHECK(shrinkers_run());
    CHECK_NO_FAULT(guest_read(GUEST_ARENA_PAGE(4), &value));
    CHECK_EQUAL(value, 5);
    CHECK_EQUAL(copy_in_waiting(&value, GUEST_ARENA_PAGE(5), sizeof value), E_OK);
    CHECK_EQUAL(value, 15);
    unmap_file();
    CHECK_EQUAL(writes, 0);
}
