/* SPDX-License-Identifier: MIT */
/* The page cache over a file system that takes its time, against a model of the file, byte by byte. */
#include "unit.h"

#include "cache_world.h"
#include "native.h"

#include "fs/vfs/process.h"
#include "mm/phys/shrinker.h"

#include <string.h>

extern uintptr_t world_bad_page, world_missing_page;

static uint8_t model[WORLD_BYTES];
static uint64_t model_size;
static unsigned
    changes; /* counts the operations of the thread that changes the file; odd: in one */
static uint8_t buffer[WORLD_BYTES], other[WORLD_BYTES];
static size_t live_before;

static int setup(void **state)
{
    (void)state;
    live_before = native_heap_live();
    memset(model, 0, sizeof(model));
    model_size = 0;
    changes = 0;
    world_begin(1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_end();
    assert_int_equal(native_heap_live(), live_before);
    return 0;
}

static enum err do_write(uint64_t at, const void *bytes, uint64_t size, uint64_t *done)
{
    struct io io = io_kernel(bytes, size);
    enum err e = world_open.ops->write(&world_open, &io, &at);
    *done = size - io_left(&io);
    return e;
}

static enum err do_read(uint64_t at, void *to, uint64_t size, uint64_t *done)
{
    struct io io = io_kernel(to, size);
    enum err e = world_open.ops->read(&world_open, &io, &at);
    *done = size - io_left(&io);
    return e;
}

static enum err do_sync(enum file_sync how)
{
    return world_open.ops->sync(&world_open, 0, UINT64_MAX, how);
}

/* All that the file has, read again from the device if `cold`. */
static void check_file(bool cold)
{
    uint64_t done;
    if (cold) {
        assert_int_equal(do_sync(FILE_SYNC_ALL), E_OK);
        page_cache_drop(&world_file.inode, 0, UINT64_MAX);
        assert_true(!world_stops || page_cache_counts.cached == 0); /* the last thread */
    }
    assert_int_equal(world_file.inode.size, model_size);
    assert_int_equal(do_read(0, other, sizeof(other), &done), E_OK);
    assert_int_equal(done, model_size);
    for (uint64_t i = 0; i < model_size; i++)
        if (other[i] != model[i])
            fail_msg("byte %lu is %02x, not %02x", i, other[i], model[i]);
}

/* ---- random operations beside other threads ---- */

static uint64_t some_size(void)
{
    static const uint64_t most[] = {5, 600, PAGE_SIZE, 5 * PAGE_SIZE, 20 * PAGE_SIZE};
    uint64_t size = world_random() % most[world_random() % 5] + 1;
    return world_random() % 3 == 0 ? (size + PAGE_SIZE - 1) & ~(uint64_t)PAGE_MASK : size;
}

static uint64_t some_place(uint64_t most)
{
    uint64_t at = world_random() % (most + 1);
    return world_random() % 3 == 0 ? at & ~(uint64_t)PAGE_MASK : at;
}

static void step_write(void)
{
    uint64_t size = some_size(), at = some_place(WORLD_BYTES - size), done;
    for (uint64_t i = 0; i < size; i++)
        buffer[i] = (uint8_t)world_random();
    assert_int_equal(do_write(at, buffer, size, &done), E_OK);
    assert_int_equal(done, size);
    memcpy(model + at, buffer, size);
    if (at + size > model_size)
        model_size = at + size;
}

static void step_truncate(void)
{
    uint64_t size = world_random() % 8 == 0 ? 0 : some_place(WORLD_BYTES);
    assert_int_equal(page_cache_truncate(&world_file.inode, size), E_OK);
    if (size < model_size)
        memset(model + size, 0, model_size - size);
    model_size = size;
}

static void step_punch(void)
{
    uint64_t size = some_size(), at = some_place(WORLD_BYTES - size);
    assert_int_equal(
        page_cache_allocate(&world_file.inode, FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE, at, size),
        E_OK);
    memset(model + at, 0, size);
}

static void step_allocate(void)
{
    uint64_t size = some_size(), at = some_place(WORLD_BYTES - size);
    uint32_t mode = world_random() % 2 ? FALLOC_KEEP_SIZE : 0;
    assert_int_equal(page_cache_allocate(&world_file.inode, mode, at, size), E_OK);
    if (!mode && at + size > model_size)
        model_size = at + size;
}

/* Also behind the end of the file, in its last page: never seen again. */
static void step_store(void)
{
    for (unsigned i = world_random() % 20; i > 0 && model_size > 0; i--) {
        uint64_t at = some_place((model_size + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE - 1);
        uint8_t byte = (uint8_t)world_random();
        assert_true(world_store(at, byte));
        if (at < model_size)
            model[at] = byte;
    }
    if (model_size < WORLD_BYTES - PAGE_SIZE)
        assert_false(world_store(model_size + PAGE_SIZE, 1));
}

static void step_load(void)
{
    for (unsigned i = world_random() % 20; i > 0 && model_size > 0; i--) {
        uint64_t at = some_place(model_size - 1);
        uint8_t byte;
        assert_true(world_load(at, &byte));
        assert_int_equal(byte, model[at]);
    }
}

static void step_read(void)
{
    uint64_t size = some_size(), at = some_place(WORLD_BYTES - size), done;
    uint64_t want = at < model_size ? (model_size - at < size ? model_size - at : size) : 0;
    assert_int_equal(do_read(at, buffer, size, &done), E_OK);
    assert_int_equal(done, want);
    assert_memory_equal(buffer, model + at, want);
}

static void step_private(void)
{
    uint64_t n = some_place(WORLD_BYTES - 1) / PAGE_SIZE;
    struct page_source *source = &world_file.inode.pages;
    enum err e;
    while ((e = source->ops->read(source, n * PAGE_SIZE, buffer, PAGE_SIZE)) == E_AGAIN)
        assert_int_equal(source->ops->fetch(source, n, false), E_OK);
    assert_int_equal(e, n < (model_size + PAGE_SIZE - 1) / PAGE_SIZE ? E_OK : E_INVAL);
    if (e == E_OK)
        assert_memory_equal(buffer, model + n * PAGE_SIZE, PAGE_SIZE);
}

static void changer(void)
{
    static void (*const steps[])(void) = {step_write,    step_write, step_write, step_truncate,
                                          step_punch,    step_store, step_store, step_load,
                                          step_allocate, step_read,  step_read,  step_private};
    for (unsigned i = 0; i < 200; i++) {
        changes++;
        steps[world_random() % (sizeof(steps) / sizeof(steps[0]))]();
        changes++;
        if (world_random() % 50 == 0)
            check_file(world_random() % 2);
        if (world_random() % 4 == 0)
            world_give_way();
    }
}

static void flusher(void)
{
    while (!world_stops) {
        uint64_t first = world_random() % WORLD_PAGES, end = first + world_random() % WORLD_PAGES;
        enum err e = world_random() % 2
                         ? page_cache_sync_all(NULL, world_random() % 2)
                         : page_cache_write_back(&world_file.inode, first, end, world_random() % 2);
        assert_int_equal(e, E_OK);
        world_give_way();
    }
}

static void evicter(void)
{
    while (!world_stops) {
        if (world_random() % 3 == 0 && world_shrinker)
            world_shrinker->shrink();
        else if (world_random() % 4 == 0)
            page_cache_drop(&world_file.inode, world_random() % WORLD_PAGES, WORLD_PAGES);
        world_give_way();
        world_give_way();
    }
}

/* Reads what does not change meanwhile. */
static void reader(void)
{
    static uint8_t mine[WORLD_BYTES];
    while (!world_stops) {
        uint64_t size = some_size(), at = some_place(WORLD_BYTES - size), done;
        unsigned before = changes;
        assert_int_equal(do_read(at, mine, size, &done), E_OK);
        if (before == changes && changes % 2 == 0)
            assert_memory_equal(mine, model + at, done);
        world_give_way();
    }
}

static void syncer(void)
{
    while (!world_stops) {
        assert_int_equal(do_sync(world_random() % 2 ? FILE_SYNC_DATA : FILE_SYNC_WAIT), E_OK);
        if (world_random() % 3 == 0)
            world_open.ops->advise(&world_open, 0, WORLD_BYTES,
                                   world_random() % 2 ? FILE_ADVICE_WILL_NEED
                                                      : FILE_ADVICE_DONT_NEED);
        world_give_way();
    }
}

/* What the device has after fsync(): the model, and zeros in the last block behind the end. */
static void check_disk(void)
{
    assert_int_equal(world_disk.size, model_size);
    for (uint64_t i = 0; i < WORLD_BYTES; i++) {
        uint64_t n = i / PAGE_SIZE;
        bool last = n == model_size / PAGE_SIZE && model_size % PAGE_SIZE != 0;
        uint8_t byte = world_disk.written[n] ? world_disk.bytes[n][i % PAGE_SIZE] : 0;
        if (i < model_size || last)
            assert_int_equal(byte, i < model_size ? model[i] : 0);
    }
}

static void test_each_byte_is_the_models(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 12; seed++) {
        world_begin(seed);
        memset(model, 0, sizeof(model));
        model_size = 0;
        world_ops.most = seed % 3 == 0 ? 3 : 0;
        world_thread(changer);
        world_thread(flusher);
        world_thread(evicter);
        world_thread(reader);
        if (seed % 2)
            world_thread(syncer);
        world_run();
        check_file(false);
        check_file(true);
        assert_int_equal(do_sync(FILE_SYNC_ALL), E_OK);
        check_disk();
        world_end();
    }
    world_begin(1);
}

/* ---- failures ---- */

/* Fixed operations; what fails may fail, and the rest must hold. */
static void some_operations(void)
{
    uint64_t done;
    uint8_t byte;
    memset(buffer, 7, sizeof(buffer));
    (void)!do_write(100, buffer, 3 * PAGE_SIZE, &done);
    (void)!do_sync(FILE_SYNC_ALL);
    page_cache_drop(&world_file.inode, 0, UINT64_MAX);
    (void)!do_read(0, other, 2 * PAGE_SIZE, &done);
    (void)!do_write(PAGE_SIZE + 5, buffer, 10, &done);
    (void)world_store(2 * PAGE_SIZE + 1, 9);
    (void)world_load(3 * PAGE_SIZE, &byte);
    (void)!page_cache_write_back(&world_file.inode, 0, UINT64_MAX, true);
    page_cache_drop(&world_file.inode, 0, UINT64_MAX);
    (void)!page_cache_allocate(&world_file.inode, FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE, 50,
                               PAGE_SIZE);
    (void)!page_cache_truncate(&world_file.inode, PAGE_SIZE + 17);
    (void)!page_cache_truncate(&world_file.inode, 4 * PAGE_SIZE);
    (void)!page_cache_allocate(&world_file.inode, 0, 0, 6 * PAGE_SIZE);
    (void)!do_sync(FILE_SYNC_DATA);
}

static void test_each_operation_fails(void **state)
{
    (void)state;
    static const enum err errors[] = {E_IO, E_NOMEM, E_NOSPC};
    some_operations();
    long calls = world_calls;
    assert_true(calls > 15);
    world_end();
    for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        for (long at = 0; at < calls; at++) {
            world_begin(1);
            world_fail_at = at;
            world_error = errors[i];
            some_operations();
            world_fail_at = -1;
            page_cache_drop(&world_file.inode, 0, UINT64_MAX);
            uint64_t done;
            assert_int_equal(do_read(0, other, sizeof(other), &done), E_OK);
            assert_int_equal(done, world_file.inode.size);
            world_end();
        }
    world_begin(1);
}

static void test_each_allocation_fails(void **state)
{
    (void)state;
    for (long successes = 0; successes < 60; successes++) {
        native_heap_fail_after(successes);
        some_operations();
        native_heap_fail_after(-1);
        world_end();
        world_begin(1);
    }
}

/* An error of write-back is told once to each open file, by fsync(). */
static void test_error_is_told_once(void **state)
{
    (void)state;
    uint64_t done;
    struct file second = world_open;
    assert_int_equal(do_write(0, "abc", 3, &done), E_OK);
    world_fail_at = world_calls;
    world_error = E_IO;
    assert_int_equal(page_cache_sync_all(NULL, true), E_IO);
    assert_true(page_cache_is_clean(&world_file.inode));
    assert_int_equal(do_sync(FILE_SYNC_DATA), E_IO);
    assert_int_equal(do_sync(FILE_SYNC_DATA), E_OK);
    assert_int_equal(second.ops->sync(&second, 0, 1, FILE_SYNC_ALL), E_IO);
    assert_int_equal(second.ops->sync(&second, 0, 1, FILE_SYNC_ALL), E_OK);
    struct file third = world_open;
    assert_int_equal(third.ops->open(&third), E_OK);
    assert_int_equal(third.ops->sync(&third, 0, 1, FILE_SYNC_ALL), E_OK);
    /* E_AGAIN is none: the page stays dirty. */
    assert_int_equal(do_write(0, "def", 3, &done), E_OK);
    world_fail_at = world_calls;
    world_error = E_AGAIN;
    assert_int_equal(page_cache_write_back(&world_file.inode, 0, 1, false), E_OK);
    assert_false(page_cache_is_clean(&world_file.inode));
    assert_int_equal(do_sync(FILE_SYNC_ALL), E_OK);
    assert_memory_equal(world_disk.bytes[0], "def", 3);
}

static void test_full_disk(void **state)
{
    (void)state;
    uint64_t done;
    world_fail_at = world_calls;
    world_error = E_NOSPC;
    assert_int_equal(do_write(0, buffer, PAGE_SIZE, &done), E_NOSPC);
    assert_int_equal(done, 0);
    assert_int_equal(world_file.inode.size, 0);
    assert_int_equal(page_cache_truncate(&world_file.inode, 3 * PAGE_SIZE), E_OK);
    uint8_t byte;
    assert_true(world_load(PAGE_SIZE, &byte));
    world_fail_at = world_calls;
    assert_false(world_store(PAGE_SIZE, 1)); /* SIGBUS */
    assert_true(world_store(PAGE_SIZE, 1));
    world_rlimit = 2 * PAGE_SIZE + 10;
    assert_int_equal(do_write(2 * PAGE_SIZE, buffer, 100, &done), E_OK);
    assert_int_equal(done, 10);
    assert_int_equal(do_write(2 * PAGE_SIZE + 10, buffer, 100, &done), E_FBIG);
    assert_int_equal(page_cache_truncate(&world_file.inode, 4 * PAGE_SIZE), E_FBIG);
    world_rlimit = UINT64_MAX;
}

/* ---- the program's memory ---- */

static void test_bytes_before_a_bad_page(void **state)
{
    (void)state;
    static _Alignas(4096) uint8_t memory[4 * PAGE_SIZE];
    uint64_t done;
    memset(buffer, 1, sizeof(buffer));
    memset(memory, 2, sizeof(memory));
    assert_int_equal(do_write(0, buffer, 4 * PAGE_SIZE, &done), E_OK);
    assert_int_equal(do_sync(FILE_SYNC_ALL), E_OK);
    for (unsigned missing = 0; missing < 2; missing++) {
        page_cache_drop(&world_file.inode, 0, UINT64_MAX);
        *(missing ? &world_missing_page : &world_bad_page) = (uintptr_t)memory + PAGE_SIZE;
        struct io io = io_user(virt_of(memory + 100), 2 * PAGE_SIZE);
        uint64_t at = 0;
        /* The page would be covered, but only a part comes: what it had besides must stay. */
        enum err e = world_open.ops->write(&world_open, &io, &at);
        assert_int_equal(e, missing ? E_INTR : E_FAULT);
        assert_int_equal(at, 2 * PAGE_SIZE - io_left(&io));
        assert_int_equal(at, missing ? 0 : PAGE_SIZE - 100);
        world_bad_page = world_missing_page = 0;
        assert_int_equal(do_read(0, other, sizeof(other), &done), E_OK);
        assert_memory_equal(other, memory, missing ? 0 : PAGE_SIZE - 100);
        assert_memory_equal(other + PAGE_SIZE - 100, buffer, 100);
        assert_int_equal(do_write(0, buffer, 4 * PAGE_SIZE, &done), E_OK);
        assert_int_equal(do_sync(FILE_SYNC_ALL), E_OK);
    }
    /* Behind the end a part may stay. */
    world_missing_page = (uintptr_t)memory + PAGE_SIZE;
    struct io io = io_user(virt_of(memory + 100), 2 * PAGE_SIZE);
    uint64_t at = 10 * PAGE_SIZE;
    assert_int_equal(world_open.ops->write(&world_open, &io, &at), E_INTR);
    world_missing_page = 0;
    assert_int_equal(world_open.ops->write(&world_open, &io, &at), E_OK);
    assert_int_equal(io_left(&io), 0);
    assert_int_equal(world_file.inode.size, 12 * PAGE_SIZE);
}

/* ---- how often the device is asked ---- */

static void test_read_ahead(void **state)
{
    (void)state;
    uint64_t done;
    assert_int_equal(do_write(0, buffer, sizeof(buffer), &done), E_OK);
    assert_int_equal(world_reads, 0); /* all pages were overwritten */
    assert_int_equal(do_sync(FILE_SYNC_ALL), E_OK);
    assert_int_equal(world_writes, 1);
    page_cache_drop(&world_file.inode, 0, UINT64_MAX);
    for (uint64_t at = 0; at < sizeof(buffer); at += PAGE_SIZE / 2)
        assert_int_equal(do_read(at, other, PAGE_SIZE / 2, &done), E_OK);
    assert_true(world_reads <= 6); /* 4, 8, 16, 32, 64 pages */
    page_cache_drop(&world_file.inode, 0, UINT64_MAX);
    world_read_pages = 0;
    for (uint64_t n = 1; n < WORLD_PAGES; n += 7)
        assert_int_equal(do_read(n * PAGE_SIZE, other, 100, &done), E_OK);
    assert_true(world_read_pages <= WORLD_PAGES / 7 + 4);
    page_cache_drop(&world_file.inode, 0, UINT64_MAX);
    world_reads = 0;
    world_open.ops->advise(&world_open, 0, sizeof(buffer), FILE_ADVICE_WILL_NEED);
    assert_int_equal(world_reads, 1);
    assert_int_equal(do_read(0, other, sizeof(other), &done), E_OK);
    assert_int_equal(world_reads, 1);
    /* Small writes: one prepare_write() each, and one run. */
    world_prepares = world_writes = 0;
    for (uint64_t at = 0; at < 10 * PAGE_SIZE; at += 1000)
        assert_int_equal(do_write(at, buffer, 1000, &done), E_OK);
    assert_true(world_prepares <= 41);
    assert_int_equal(do_sync(FILE_SYNC_DATA), E_OK);
    assert_int_equal(world_writes, 1);
    assert_int_equal(do_sync(FILE_SYNC_DATA), E_OK);
    assert_int_equal(world_writes, 1);
}

static void test_synchronous_writes(void **state)
{
    (void)state;
    uint64_t done;
    world_open.flags = O_RDWR | O_DSYNC;
    assert_int_equal(do_write(0, "abc", 3, &done), E_OK);
    assert_memory_equal(world_disk.bytes[0], "abc", 3);
    assert_int_equal(world_syncs, 1);
    world_open.flags = O_RDWR | O_DIRECT;
    assert_int_equal(do_write(1, buffer, 512, &done), E_INVAL);
    assert_int_equal(do_write(512, "x", 1, &done), E_INVAL);
    memset(buffer, 3, 1024);
    assert_int_equal(do_write(512, buffer, 1024, &done), E_OK);
    assert_memory_equal(world_disk.bytes[0] + 512, buffer, 1024);
    assert_int_equal(world_syncs, 1);
    world_open.flags = O_RDWR | O_SYNC;
    world_fail_at = world_calls + 1; /* prepare, write */
    world_error = E_IO;
    assert_int_equal(do_write(0, "def", 3, &done), E_IO);
    assert_int_equal(done, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_each_byte_is_the_models),
        T(test_each_operation_fails),
        T(test_each_allocation_fails),
        T(test_error_is_told_once),
        T(test_full_disk),
        T(test_bytes_before_a_bad_page),
        T(test_read_ahead),
        T(test_synchronous_writes),
    };
    return RUN_TESTS(tests);
}
