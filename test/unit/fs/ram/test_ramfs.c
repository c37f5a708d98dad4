/* SPDX-License-Identifier: MIT */
#include "unit.h"
#include "fs_native.h"
#include "native.h"

#include "base/addr.h"
#include "fs/vfs/context.h"
#include "fs/vfs/file.h"
#include "fs/ram/ramfs.h"
#include "fs/vfs/vfs.h"
#include "mm/heap/heap.h"

#include <stdlib.h>
#include <string.h>

static struct filesystem root;
static size_t live_before;

/* Three and a half pages, page-aligned as in the tool's archives. */
#define ARCHIVED (3 * 4096 + 2048)
static _Alignas(4096) uint8_t archive[4 * 4096];

static int setup(void **state)
{
    (void)state;
    live_before = native_heap_live();
    for (size_t i = 0; i < sizeof archive; i++)
        archive[i] = (uint8_t)(1 + i / 4096 + i % 7);
    assert_int_equal(ramfs_init(&root, "tmpfs", 2), E_OK);
    vfs_init(&root);
    ramfs_set_limit(UINT64_MAX);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    vfs_end();
    assert_int_equal(ramfs_used_pages(), 0);
    assert_int_equal(native_heap_live(), live_before);
    return 0;
}

static struct file *open_new(void)
{
    struct file *f;
    assert_int_equal(vfs_open(NULL, "/f", O_RDWR | O_CREAT, 0644, &f), E_OK);
    return f;
}

static struct file *open_archived(void)
{
    struct file *f = open_new();
    ramfs_set_archive(f->inode, archive, ARCHIVED, phys(0x100000));
    return f;
}

static enum err write_at(struct file *f, const void *bytes, size_t size, uint64_t offset)
{
    struct io io = io_kernel(bytes, size);
    uint64_t done = 0;
    enum err e = file_write(f, &io, &offset, &done);
    if (e == E_OK)
        assert_int_equal(done, size);
    return e;
}

static uint64_t read_at(struct file *f, void *to, size_t size, uint64_t offset)
{
    uint64_t done;
    memset(to, 0xee, size);
    assert_int_equal(file_read_at(f, to, size, offset, &done), E_OK);
    return done;
}

static void test_write_and_read_back(void **state)
{
    (void)state;
    struct file *f = open_new();
    char text[10000], back[20000];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i * 31);
    assert_int_equal(write_at(f, text, sizeof text, 5000), E_OK);
    assert_int_equal(f->inode->size, 15000);
    assert_int_equal(read_at(f, back, sizeof back, 0), 15000);
    for (size_t i = 0; i < 5000; i++)
        assert_int_equal(back[i], 0);
    assert_memory_equal(back + 5000, text, sizeof text);
    assert_int_equal(ramfs_used_pages(), 3); /* the first page is a hole */
    assert_int_equal(read_at(f, back, 100, 15000), 0);
    assert_int_equal(write_at(f, "", 0, 1 << 30), E_OK);
    assert_int_equal(f->inode->size, 15000);
    file_put(f);
}

static void test_sparse_and_huge_offsets(void **state)
{
    (void)state;
    struct file *f = open_new();
    char byte;
    uint64_t at;
    assert_int_equal(write_at(f, "x", 1, (uint64_t)INT64_MAX - 1), E_OK);
    assert_int_equal(write_at(f, "x", 1, INT64_MAX), E_FBIG);
    assert_int_equal(f->inode->size, INT64_MAX);
    assert_int_equal(read_at(f, &byte, 1, (uint64_t)INT64_MAX - 1), 1);
    assert_int_equal(byte, 'x');
    assert_int_equal(read_at(f, &byte, 1, 1 << 20), 1);
    assert_int_equal(byte, 0);
    assert_int_equal(file_seek(f, 100, SEEK_DATA, &at), E_OK);
    assert_int_equal(at, INT64_MAX & ~4095);
    assert_int_equal(file_seek(f, 100, SEEK_HOLE, &at), E_OK);
    assert_int_equal(at, 100);
    assert_int_equal(file_seek(f, INT64_MAX, SEEK_CUR, &at), E_INVAL);
    assert_int_equal(file_seek(f, -1, SEEK_SET, &at), E_INVAL);
    assert_int_equal(vfs_truncate(f->dentry, 0), E_OK);
    assert_int_equal(ramfs_used_pages(), 0);
    file_put(f);
}

static void test_archive_is_never_written(void **state)
{
    (void)state;
    struct file *f = open_archived();
    uint8_t before[sizeof archive], back[ARCHIVED];
    memcpy(before, archive, sizeof archive);
    assert_int_equal(read_at(f, back, sizeof back, 0), ARCHIVED);
    assert_memory_equal(back, archive, ARCHIVED);
    assert_int_equal(ramfs_used_pages(), 0);
    assert_int_equal(write_at(f, "new", 3, 4095), E_OK);
    assert_int_equal(ramfs_used_pages(), 2);
    assert_int_equal(read_at(f, back, sizeof back, 0), ARCHIVED);
    assert_memory_equal(back, archive, 4095);
    assert_memory_equal(back + 4095, "new", 3);
    assert_memory_equal(back + 4098, archive + 4098, ARCHIVED - 4098);
    assert_memory_equal(archive, before, sizeof archive);
    assert_int_equal(f->inode->ops->blocks(f->inode), 4 * 8);
    file_put(f);
}

static void test_truncate_hides_the_archive(void **state)
{
    (void)state;
    struct file *f = open_archived();
    uint8_t back[8192];
    assert_int_equal(vfs_truncate(f->dentry, 5000), E_OK);
    assert_int_equal(vfs_truncate(f->dentry, 8192), E_OK);
    assert_int_equal(read_at(f, back, sizeof back, 0), 8192);
    assert_memory_equal(back, archive, 5000);
    for (size_t i = 5000; i < 8192; i++)
        assert_int_equal(back[i], 0);
    assert_int_equal(write_at(f, "z", 1, 6000), E_OK);
    assert_int_equal(vfs_truncate(f->dentry, 6000), E_OK);
    assert_int_equal(vfs_truncate(f->dentry, 6001), E_OK);
    assert_int_equal(read_at(f, back, sizeof back, 0), 6001);
    assert_int_equal(back[6000], 0);
    assert_int_equal(back[4999], archive[4999]);
    file_put(f);
}

static void test_punch_hole(void **state)
{
    (void)state;
    struct file *f = open_archived();
    uint8_t back[ARCHIVED];
    uint32_t punch = FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE;
    const struct inode_ops *ops = f->inode->ops;
    assert_int_equal(ops->allocate(f->inode, punch, 100, 8200), E_OK);
    assert_int_equal(read_at(f, back, sizeof back, 0), ARCHIVED);
    for (size_t i = 0; i < ARCHIVED; i++)
        assert_int_equal(back[i], i >= 100 && i < 8300 ? 0 : archive[i]);
    assert_int_equal(ops->allocate(f->inode, punch, 0, INT64_MAX), E_OK);
    assert_int_equal(read_at(f, back, sizeof back, 0), ARCHIVED);
    for (size_t i = 0; i < ARCHIVED; i++)
        assert_int_equal(back[i], 0);
    assert_int_equal(ops->allocate(f->inode, FALLOC_PUNCH_HOLE, 0, 1), E_NOTSUP);
    file_put(f);
}

static void test_no_space(void **state)
{
    (void)state;
    struct file *f = open_new();
    char page[4096] = {1};
    ramfs_set_limit(2);
    assert_int_equal(write_at(f, page, sizeof page, 0), E_OK);
    assert_int_equal(write_at(f, page, sizeof page, 4096), E_OK);
    assert_int_equal(write_at(f, page, 1, 8192), E_NOSPC);
    assert_int_equal(f->inode->size, 8192);
    struct io io = io_kernel(page, 200);
    uint64_t offset = 8092, done;
    assert_int_equal(file_write(f, &io, &offset, &done), E_OK);
    assert_int_equal(done, 100);
    assert_int_equal(f->inode->ops->allocate(f->inode, 0, 0, INT64_MAX), E_NOSPC);
    assert_int_equal(ramfs_used_pages(), 2);
    file_put(f);
}

/* A fault in the program's buffer: exactly the bytes before it are transferred. */
static void test_partial_fault(void **state)
{
    (void)state;
    struct file *f = open_archived();
    char *memory = aligned_alloc(4096, 3 * 4096);
    native_fault_start = (uintptr_t)memory + 8192;
    native_fault_end = (uintptr_t)memory + 12288;
    struct io io = io_user(virt_of(memory + 4000), 8000);
    uint64_t offset = 0, done;
    assert_int_equal(file_read(f, &io, &offset, &done), E_OK);
    assert_int_equal(done, 4192);
    assert_int_equal(offset, 4192);
    assert_memory_equal(memory + 4000, archive, 4192);
    io = io_user(virt_of(memory + 8192), 10);
    assert_int_equal(file_read(f, &io, &offset, &done), E_FAULT);
    io = io_user(virt_of(memory + 8190), 10);
    offset = 20000;
    assert_int_equal(file_write(f, &io, &offset, &done), E_OK);
    assert_int_equal(done, 2);
    assert_int_equal(f->inode->size, 20002);
    native_fault_start = native_fault_end = 0;
    free(memory);
    file_put(f);
}

static struct file *growing;

static bool is_kept(void)
{
    assert_true(growing->inode->busy); /* another writer waits for its turn */
    return false;
}

/* A device has a page of the program's buffer: no byte is lost or moved twice. */
static void test_missing_page(void **state)
{
    (void)state;
    struct file *f = growing = open_archived();
    char *memory = aligned_alloc(4096, 4 * 4096);
    struct io io = io_user(virt_of(memory + 4000), 12000);
    uint64_t offset = 0, done;
    native_missing = (uintptr_t)memory + 8192;
    memset(memory, 1, 4 * 4096);
    assert_int_equal(file_read(f, &io, &offset, &done), E_OK);
    assert_int_equal(done, 12000);
    assert_int_equal(offset, 12000);
    assert_int_equal(native_missing, 0);
    assert_memory_equal(memory + 4000, archive, 12000);
    native_missing = (uintptr_t)memory + 4096;
    native_other_thread = is_kept;
    io = io_user(virt_of(memory + 4000), 9000);
    offset = 20000;
    assert_int_equal(file_write(f, &io, &offset, &done), E_OK);
    native_other_thread = NULL;
    assert_int_equal(done, 9000);
    assert_int_equal(f->inode->size, 29000);
    assert_false(f->inode->busy);
    char back[9000];
    assert_int_equal(file_read_at(f, back, sizeof(back), 20000, &done), E_OK);
    assert_memory_equal(back, memory + 4000, 9000);
    free(memory);
    file_put(f);
}

static void test_iovec_is_filled_in_order(void **state)
{
    (void)state;
    struct file *f = open_archived();
    char a[5], b[4096], c[100];
    struct io_segment segments[] = {
        {virt_of(a), 5}, {virt(1), 0}, {virt_of(b), 4096}, {virt_of(c), 100}};
    struct io io = io_iov(segments, 4201);
    uint64_t offset = 1, done;
    assert_int_equal(file_read(f, &io, &offset, &done), E_OK);
    assert_int_equal(done, 4201);
    assert_memory_equal(a, archive + 1, 5);
    assert_memory_equal(b, archive + 6, 4096);
    assert_memory_equal(c, archive + 4102, 100);
    file_put(f);
}

static void test_pages_for_mappings(void **state)
{
    (void)state;
    struct file *f = open_archived();
    struct page_source *source = file_page_source(f);
    phys_t frame;
    char name[64];
    source->ops->get(source);
    assert_int_equal(source->ops->page(source, 1, false, &frame), E_OK);
    assert_int_equal(frame.v, 0x101000);
    /* The file's last page also holds the next entry's header: it is mapped as a copy with zeros. */
    assert_int_equal(source->ops->page(source, 3, false, &frame), E_OK);
    const uint8_t *page = ptr_of(virt(frame.v));
    assert_memory_equal(page, archive + 3 * 4096, 2048);
    for (size_t i = 2048; i < 4096; i++)
        assert_int_equal(page[i], 0);
    assert_int_equal(source->ops->page(source, 4, false, &frame), E_INVAL);
    native_forgotten = 0;
    native_pages_written = 0;
    assert_int_equal(source->ops->page(source, 0, true, &frame), E_OK);
    assert_int_not_equal(frame.v, 0x100000);
    assert_int_equal(native_forgotten, 1);
    assert_int_equal(write_at(f, "x", 1, 4096), E_OK);
    assert_int_equal(native_forgotten, 2);
    assert_int_equal(native_pages_written, 1);
    assert_int_equal(write_at(f, "xyz", 3, 8190), E_OK); /* across the end of a page */
    assert_int_equal(native_pages_written, 3);
    assert_int_equal(source->ops->page(source, 1, false, &frame), E_OK);
    assert_int_equal(*(char *)ptr_of(virt(frame.v)), 'x');
    file_put(f);
    source->ops->name(source, name, sizeof name);
    assert_string_equal(name, "/f");
    assert_int_equal(vfs_unlink((struct vfs_place){NULL, "/f"}), E_OK);
    source->ops->name(source, name, sizeof name);
    assert_string_equal(name, "/f (deleted)");
    source->ops->put(source);
}

static void test_times_change_with_each_operation(void **state)
{
    (void)state;
    struct file *f = open_new();
    struct inode *inode = f->inode;
    char byte;
    uint32_t written = inode->modified.nanoseconds;
    assert_int_equal(write_at(f, "x", 1, 0), E_OK);
    assert_true(inode->modified.nanoseconds != written);
    assert_int_equal(inode->modified.nanoseconds, inode->changed.nanoseconds);
    assert_int_equal(read_at(f, &byte, 1, 0), 1);
    struct fs_time first = inode->accessed;
    assert_true(first.nanoseconds > inode->modified.nanoseconds);
    assert_int_equal(read_at(f, &byte, 1, 0), 1);
    assert_int_equal(inode->accessed.nanoseconds, first.nanoseconds);
    native_clock += UINT64_C(86400) * 1000000000;
    assert_int_equal(read_at(f, &byte, 1, 0), 1);
    assert_true(inode->accessed.seconds > first.seconds);
    file_put(f);
}

static void test_memfd_seals(void **state)
{
    (void)state;
    struct file *f;
    uint32_t seals;
    assert_int_equal(memfd_open("m", true, &f), E_OK);
    assert_int_equal(write_at(f, "abc", 3, 0), E_OK);
    assert_int_equal(memfd_add_seals(f, F_SEAL_GROW | F_SEAL_SHRINK), E_OK);
    assert_int_equal(write_at(f, "abcd", 4, 0), E_PERM);
    assert_int_equal(vfs_truncate(f->dentry, 2), E_PERM);
    assert_int_equal(write_at(f, "xyz", 3, 0), E_OK);
    assert_int_equal(memfd_add_seals(f, F_SEAL_WRITE | F_SEAL_SEAL), E_OK);
    assert_int_equal(write_at(f, "x", 1, 0), E_PERM);
    assert_int_equal(memfd_add_seals(f, F_SEAL_WRITE), E_PERM);
    assert_int_equal(memfd_seals(f, &seals), E_OK);
    assert_int_equal(seals, 15);
    file_put(f);
    f = open_new();
    assert_int_equal(memfd_seals(f, &seals), E_OK); /* other files of tmpfs are sealed from seals */
    assert_int_equal(seals, F_SEAL_SEAL);
    assert_int_equal(memfd_add_seals(f, F_SEAL_WRITE), E_PERM);
    file_put(f);
}

static void test_unlinked_file_lives_on(void **state)
{
    (void)state;
    struct file *f = open_new();
    char back[3];
    assert_int_equal(write_at(f, "abc", 3, 0), E_OK);
    assert_int_equal(vfs_unlink((struct vfs_place){NULL, "/f"}), E_OK);
    assert_int_equal(read_at(f, back, 3, 0), 3);
    assert_int_equal(f->inode->nlink, 0);
    assert_int_equal(ramfs_used_pages(), 1);
    file_put(f);
    assert_int_equal(ramfs_used_pages(), 0);
}

static void test_append_writes_at_the_end(void **state)
{
    (void)state;
    struct file *f = open_new(), *a;
    assert_int_equal(vfs_open(NULL, "/f", O_WRONLY | O_APPEND, 0, &a), E_OK);
    assert_int_equal(write_at(f, "abc", 3, 0), E_OK);
    assert_int_equal(write_at(a, "d", 1, 0), E_OK);
    assert_int_equal(f->inode->size, 4);
    char back[4];
    uint64_t done;
    assert_int_equal(file_read_at(a, back, 4, 0, &done), E_BADF);
    assert_int_equal(read_at(f, back, 4, 0), 4);
    assert_memory_equal(back, "abcd", 4);
    file_put(f);
    file_put(a);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_write_and_read_back),
        T(test_sparse_and_huge_offsets),
        T(test_archive_is_never_written),
        T(test_truncate_hides_the_archive),
        T(test_punch_hole),
        T(test_no_space),
        T(test_partial_fault),
        T(test_missing_page),
        T(test_iovec_is_filled_in_order),
        T(test_pages_for_mappings),
        T(test_times_change_with_each_operation),
        T(test_memfd_seals),
        T(test_unlinked_file_lives_on),
        T(test_append_writes_at_the_end),
    };
    return RUN_TESTS(tests);
}
