/* SPDX-License-Identifier: MIT */
#include "unit.h"
#include "fs_native.h"
#include "native.h"

#include "fs/vfs/context.h"
#include "fs/pipe/eventfd.h"
#include "fs/vfs/process.h"
#include "fs/pipe/pipe.h"
#include "fs/ram/ramfs.h"
#include "fs/vfs/vfs.h"

#include <string.h>

static struct file *r, *w;
static size_t live_before;
static struct filesystem root;

static int setup(void **state)
{
    (void)state;
    live_before = native_heap_live();
    native_raised = 0;
    native_other_thread = NULL;
    assert_int_equal(ramfs_init(&root, "tmpfs", 2), E_OK);
    vfs_init(&root);
    assert_int_equal(pipe_create(0, &r, &w), E_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    native_other_thread = NULL;
    file_put(r);
    file_put(w);
    vfs_end();
    assert_int_equal(native_heap_live(), live_before);
    return 0;
}

static enum err put(struct file *f, const void *bytes, size_t size, uint64_t *done)
{
    struct io io = io_kernel(bytes, size);
    uint64_t offset = 0;
    *done = 0;
    return file_write(f, &io, &offset, done);
}

static enum err get(struct file *f, void *bytes, size_t size, uint64_t *done)
{
    struct io io = io_kernel(bytes, size);
    uint64_t offset = 0;
    *done = 0;
    return file_read(f, &io, &offset, done);
}

static char big[200000], back[200000];
static uint64_t n;

static void test_order_is_kept(void **state)
{
    (void)state;
    uint8_t next_in = 0, next_out = 0;
    uint8_t bytes[5000];
    w->flags |= O_NONBLOCK;
    r->flags |= O_NONBLOCK;
    for (int round = 0; round < 400; round++) {
        size_t size = (size_t)(round * 37 % 4999) + 1;
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)(next_in + i);
        enum err e = put(w, bytes, size, &n);
        assert_true(e == E_OK || e == E_AGAIN);
        next_in = (uint8_t)(next_in + n);
        if (get(r, bytes, (size_t)(round * 53 % 4999) + 1, &n) == E_OK) {
            for (size_t i = 0; i < n; i++)
                assert_int_equal(bytes[i], next_out++);
        }
    }
}

static void test_full_and_empty(void **state)
{
    (void)state;
    w->flags |= O_NONBLOCK;
    r->flags |= O_NONBLOCK;
    assert_int_equal(get(r, back, 1, &n), E_AGAIN);
    assert_int_equal(put(w, big, sizeof big, &n), E_OK);
    assert_int_equal(n, 65536);
    assert_int_equal(put(w, big, 1, &n), E_AGAIN);
    assert_int_equal(file_poll(w), 0);
    assert_int_equal(get(r, back, 4095, &n), E_OK);
    /* A write of at most PIPE_BUF is atomic. */
    assert_int_equal(put(w, big, 4096, &n), E_AGAIN);
    assert_int_equal(put(w, big, 4097, &n), E_OK);
    assert_int_equal(n, 4095);
    assert_int_equal(get(r, back, 65536, &n), E_OK);
    assert_int_equal(n, 65536);
    assert_int_equal(file_poll(w), POLL_WRITABLE);
    assert_int_equal(file_poll(r), 0);
}

static void test_ends_close(void **state)
{
    (void)state;
    assert_int_equal(put(w, "abc", 3, &n), E_OK);
    file_put(w);
    assert_int_equal(file_poll(r), POLL_READABLE | POLL_HUP);
    assert_int_equal(get(r, back, 10, &n), E_OK);
    assert_int_equal(n, 3);
    assert_int_equal(get(r, back, 10, &n), E_OK);
    assert_int_equal(n, 0);
    file_put(r);
    assert_int_equal(pipe_create(0, &r, &w), E_OK);
    file_put(r);
    assert_int_equal(put(w, "abc", 3, &n), E_PIPE);
    assert_int_equal(native_raised, FS_SIGPIPE);
    assert_int_equal(file_poll(w), POLL_WRITABLE | POLL_ERR);
    file_put(w);
    assert_int_equal(pipe_create(0, &r, &w), E_OK);
}

static bool reader_runs(void)
{
    char bytes[3000];
    struct io io = io_kernel(bytes, sizeof bytes);
    uint64_t offset = 0, done;
    assert_int_equal(file_read(r, &io, &offset, &done), E_OK);
    memcpy(back + n, bytes, done);
    n += done;
    return true;
}

static void test_writer_waits_for_the_reader(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 7 + i / 256);
    n = 0;
    native_other_thread = reader_runs;
    struct io io = io_kernel(big, sizeof big);
    uint64_t offset = 0, done;
    assert_int_equal(file_write(w, &io, &offset, &done), E_OK);
    assert_int_equal(done, sizeof big);
    native_other_thread = NULL;
    r->flags |= O_NONBLOCK;
    uint64_t rest;
    assert_int_equal(get(r, back + n, sizeof back - n, &rest), E_OK);
    assert_int_equal(n + rest, sizeof big);
    assert_memory_equal(back, big, sizeof big);
}

static void test_signal_interrupts_a_sleep(void **state)
{
    (void)state;
    assert_int_equal(get(r, back, 1, &n), E_INTR);
    assert_int_equal(put(w, big, 65000, &n), E_OK);
    assert_int_equal(put(w, big, 2000, &n), E_INTR);
    assert_int_equal(put(w, big, 5000, &n), E_OK);
    assert_int_equal(n, 536);
}

static bool take_the_rest(void)
{
    assert_int_equal(get(r, back, sizeof(back), &n), E_OK);
    return true;
}

/* A device has a page of the program's buffer: the call goes on, but does not sleep for more bytes. */
static void test_missing_page_of_a_buffer(void **state)
{
    (void)state;
    static _Alignas(4096) char memory[3 * 4096];
    uint64_t offset = 0;
    for (unsigned i = 0; i < sizeof(memory); i++)
        memory[i] = (char)(i * 7);
    struct io io = io_user(virt_of(memory + 100), 9000);
    native_missing = (uintptr_t)memory + 4096;
    assert_int_equal(file_write(w, &io, &offset, &n), E_OK);
    assert_int_equal(n, 9000);
    assert_int_equal(get(r, back, sizeof(back), &n), E_OK);
    assert_int_equal(n, 9000);
    assert_memory_equal(back, memory + 100, 9000);

    assert_int_equal(put(w, big, 6000, &n), E_OK);
    io = io_user(virt_of(memory), 8192);
    native_missing = (uintptr_t)memory + 4096;
    assert_int_equal(file_read(r, &io, &offset, &n), E_OK);
    assert_int_equal(n, 6000);
    assert_memory_equal(memory, big, 6000);
    /* Another reader takes the rest meanwhile. */
    assert_int_equal(put(w, big, 6000, &n), E_OK);
    io = io_user(virt_of(memory), 8192);
    native_missing = (uintptr_t)memory + 4096;
    native_other_thread = take_the_rest;
    uint64_t done;
    assert_int_equal(file_read(r, &io, &offset, &done), E_OK);
    native_other_thread = NULL;
    assert_int_equal(done, 4096);
    assert_int_equal(n, 6000 - 4096);
}

static void test_capacity_is_a_power_of_two(void **state)
{
    (void)state;
    uint32_t size;
    assert_int_equal(pipe_set_capacity(w, 5000, &size), E_OK);
    assert_int_equal(size, 8192);
    w->flags |= O_NONBLOCK;
    assert_int_equal(put(w, big, 10000, &n), E_OK);
    assert_int_equal(n, 8192);
    assert_int_equal(pipe_set_capacity(r, 4096, &size), E_BUSY);
    assert_int_equal(pipe_set_capacity(r, 16000, &size), E_OK);
    assert_int_equal(put(w, big, 10000, &n), E_OK);
    assert_int_equal(n, 8192);
    assert_int_equal(pipe_set_capacity(r, UINT64_C(1) << 32, &size), E_INVAL);
}

static bool open_writer(void)
{
    native_other_thread = NULL;
    return vfs_open(NULL, "/p", O_WRONLY, 0, &w) == E_OK;
}

static void test_fifo(void **state)
{
    (void)state;
    struct file *f;
    file_put(r);
    file_put(w);
    assert_int_equal(vfs_make_node((struct vfs_place){NULL, "/p"}, S_IFIFO | 0600, 0), E_OK);
    assert_int_equal(vfs_open(NULL, "/p", O_WRONLY | O_NONBLOCK, 0, &f), E_NXIO);
    assert_int_equal(vfs_open(NULL, "/p", O_RDONLY, 0, &f), E_INTR);
    assert_int_equal(vfs_open(NULL, "/p", O_RDONLY | O_NONBLOCK, 0, &f), E_OK);
    assert_int_equal(file_poll(f), 0);
    assert_int_equal(get(f, back, 1, &n), E_OK);
    assert_int_equal(n, 0);
    file_put(f);
    native_other_thread = open_writer;
    assert_int_equal(vfs_open(NULL, "/p", O_RDONLY, 0, &r), E_OK);
    assert_int_equal(put(w, "x", 1, &n), E_OK);
    assert_int_equal(get(r, back, 10, &n), E_OK);
    assert_int_equal(n, 1);
}

static void test_eventfd(void **state)
{
    (void)state;
    struct file *f;
    uint64_t value = 5;
    assert_int_equal(eventfd_open(3, false, O_NONBLOCK, &f), E_OK);
    assert_int_equal(put(f, &value, 8, &n), E_OK);
    assert_int_equal(n, 8);
    assert_int_equal(get(f, &value, 8, &n), E_OK);
    assert_int_equal(value, 8);
    assert_int_equal(get(f, &value, 8, &n), E_AGAIN);
    assert_int_equal(get(f, &value, 7, &n), E_INVAL);
    value = UINT64_MAX;
    assert_int_equal(put(f, &value, 8, &n), E_INVAL);
    value = UINT64_MAX - 1;
    assert_int_equal(put(f, &value, 8, &n), E_OK);
    assert_int_equal(file_poll(f), POLL_READABLE);
    value = 1;
    assert_int_equal(put(f, &value, 8, &n), E_AGAIN);
    file_put(f);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_order_is_kept),
        T(test_full_and_empty),
        T(test_ends_close),
        T(test_writer_waits_for_the_reader),
        T(test_signal_interrupts_a_sleep),
        T(test_missing_page_of_a_buffer),
        T(test_capacity_is_a_power_of_two),
        T(test_fifo),
        T(test_eventfd),
    };
    return RUN_TESTS(tests);
}
