/* SPDX-License-Identifier: MIT */
#include "cache_world.h"
#include "native_percpu.h"

#include "unit.h"

#include "fs/vfs/process.h"
#include "fs/vfs/wait.h"
#include "kern/random.h"
#include "kern/thread.h"
#include "kern/time.h"
#include "mm/heap/heap.h"
#include "mm/phys/frames.h"
#include "mm/phys/shrinker.h"
#include "mm/vm/areas.h"
#include "mm/vm/usercopy.h"

#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define THREADS     8
#define STACK_BYTES (512 * 1024)

struct world_disk world_disk;
struct cached_file world_file;
struct file world_open;
long world_calls, world_fail_at = -1;
enum err world_error;
unsigned world_reads, world_writes, world_prepares, world_syncs, world_read_pages;
uint64_t world_rlimit = UINT64_MAX;
struct shrinker *world_shrinker;
bool world_stops;
struct frames machine_frames;
struct spin_lock sched_spin;
int native_irq_depth;
static uint32_t state;

static struct {
    void *frame;
    bool writable;
} leaf[WORLD_PAGES];

/* ---- threads ---- */

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TELL_SANITIZER
#endif
#endif
#ifdef TELL_SANITIZER
#include <sanitizer/common_interface_defs.h>
static void *fake[THREADS + 1];
static const void *main_stack;
static size_t main_size;
#endif

static ucontext_t context[THREADS + 1]; /* the last one: world_run() */
static void (*start[THREADS])(void);
static char *stack[THREADS];
static bool ended[THREADS + 1];
static int threads, running = THREADS;

uint32_t world_random(void)
{
    state = state * 1664525u + 1013904223u;
    return state >> 8;
}

/* From the running thread to `to`. */
static void switch_to(int to);

static void thread_main(void)
{
#ifdef TELL_SANITIZER
    __sanitizer_finish_switch_fiber(NULL, &main_stack, &main_size);
#endif
    start[running]();
    ended[running] = true;
    switch_to(THREADS);
    abort();
}

static void switch_to(int to)
{
    int from = running;
#ifdef TELL_SANITIZER
    __sanitizer_start_switch_fiber(ended[from] && from != THREADS ? NULL : &fake[from],
                                   to == THREADS ? main_stack : stack[to],
                                   to == THREADS ? main_size : STACK_BYTES);
#endif
    running = to;
    swapcontext(&context[from], &context[to]);
#ifdef TELL_SANITIZER
    __sanitizer_finish_switch_fiber(fake[from], NULL, NULL);
#endif
}

void world_thread(void (*function)(void))
{
    assert_true(threads < THREADS);
    int i = threads++;
    start[i] = function;
    ended[i] = false;
    stack[i] = malloc(STACK_BYTES);
    getcontext(&context[i]);
    context[i].uc_stack.ss_sp = stack[i];
    context[i].uc_stack.ss_size = STACK_BYTES;
    context[i].uc_link = NULL;
    makecontext(&context[i], thread_main, 0);
}

void world_give_way(void)
{
    if (running != THREADS)
        switch_to(THREADS);
}

void world_run(void)
{
    int left = threads;
    world_stops = false;
    while (left > 0) {
        int i = (int)(world_random() % (unsigned)threads);
        if (ended[i])
            continue;
        switch_to(i);
        if (ended[i]) {
            left--;
            world_stops = true;
        }
    }
    for (int i = 0; i < threads; i++)
        free(stack[i]);
    threads = 0;
}

void fs_wait_device(struct wait_queue *queue, fs_condition condition, void *argument)
{
    (void)queue;
    for (unsigned i = 0; !condition(argument); i++) {
        assert_true(i < 1000000 && running != THREADS); /* a deadlock */
        world_give_way();
    }
}

enum err fs_wait(struct wait_queue *queue, fs_condition condition, void *argument,
                 uint64_t deadline_ns)
{
    (void)deadline_ns;
    fs_wait_device(queue, condition, argument);
    return E_OK;
}

bool fs_give_way(void)
{
    world_give_way();
    return false;
}

void wait_queue_init(struct wait_queue *queue)
{
    (void)queue;
}

void wait_queue_wake(struct wait_queue *queue)
{
    (void)queue;
}

enum err thread_create(const char *name, void (*function)(void *argument), void *argument,
                       struct thread **out)
{
    (void)name, (void)function, (void)argument, (void)out;
    return E_NOMEM; /* the tests write back themselves */
}

/* ---- the file system ---- */

static enum err call(void)
{
    world_give_way();
    bool fails = world_calls++ == world_fail_at;
    return fails ? world_error : E_OK;
}

static enum err world_read(struct inode *inode, uint64_t index, unsigned count, void *const pages[])
{
    uint64_t size = inode->size;
    enum err e = call();
    world_reads++;
    for (unsigned i = 0; i < count && e == E_OK; i++) {
        uint64_t n = index + i, at = n * PAGE_SIZE;
        world_read_pages++;
        memset(pages[i], 0, PAGE_SIZE);
        if (n < WORLD_PAGES && world_disk.written[n] && at < size)
            memcpy(pages[i], world_disk.bytes[n], size - at < PAGE_SIZE ? size - at : PAGE_SIZE);
        if (i % 4 == 3)
            world_give_way();
    }
    return e;
}

static enum err world_write(struct inode *inode, uint64_t index, unsigned count,
                            void *const pages[], uint64_t bytes)
{
    enum err e = call();
    world_writes++;
    assert_true(bytes > (count - 1) * PAGE_SIZE && bytes <= count * PAGE_SIZE);
    (void)inode;
    for (unsigned i = 0; i < count && e == E_OK; i++) {
        assert_true(index + i < WORLD_PAGES && world_disk.allocated[index + i]);
        memcpy(world_disk.bytes[index + i], pages[i], PAGE_SIZE);
        world_disk.written[index + i] = true;
        if (i % 4 == 3)
            world_give_way();
    }
    return e;
}

static void free_block(uint64_t n)
{
    world_disk.allocated[n] = world_disk.written[n] = false;
    memset(world_disk.bytes[n], 0xdd, PAGE_SIZE);
}

static enum err world_prepare(struct inode *inode, uint64_t offset, uint64_t size)
{
    (void)inode;
    world_prepares++;
    enum err e = call();
    for (uint64_t n = offset / PAGE_SIZE; e == E_OK && n * PAGE_SIZE < offset + size; n++) {
        assert_true(n < WORLD_PAGES);
        world_disk.allocated[n] = true;
    }
    if (e == E_OK)
        world_give_way();
    return e;
}

static void world_changed(struct inode *inode)
{
    world_give_way();
    world_disk.size = inode->size;
}

static enum err world_set_size(struct inode *inode, uint64_t size)
{
    (void)inode;
    enum err e = call();
    for (uint64_t n = (size + PAGE_SIZE - 1) / PAGE_SIZE; e == E_OK && n < WORLD_PAGES; n++)
        free_block(n);
    if (e == E_OK) {
        world_disk.size = size;
        world_give_way();
    }
    return e;
}

static enum err world_allocate(struct inode *inode, uint32_t mode, uint64_t offset, uint64_t size)
{
    (void)inode;
    enum err e = call();
    uint64_t end = offset + size;
    for (uint64_t n = 0; e == E_OK && n < WORLD_PAGES; n++)
        if (!(mode & FALLOC_PUNCH_HOLE) && n * PAGE_SIZE < end && (n + 1) * PAGE_SIZE > offset)
            world_disk.allocated[n] = true;
        else if ((mode & FALLOC_PUNCH_HOLE) && n * PAGE_SIZE >= offset &&
                 ((n + 1) * PAGE_SIZE <= end || end == inode->size) && n * PAGE_SIZE < end)
            free_block(n);
    world_give_way();
    return e;
}

static enum err world_sync(struct inode *inode, bool data_only)
{
    (void)inode, (void)data_only;
    world_syncs++;
    return call();
}

struct page_cache_ops world_ops;

void world_begin(uint32_t seed)
{
    state = seed;
    world_ops = (struct page_cache_ops){.read_pages = world_read,
                                        .write_pages = world_write,
                                        .prepare_write = world_prepare,
                                        .changed = world_changed,
                                        .set_size = world_set_size,
                                        .allocate = world_allocate,
                                        .sync = world_sync};
    memset(&world_disk, 0, sizeof(world_disk));
    memset(leaf, 0, sizeof(leaf));
    for (uint64_t n = 0; n < WORLD_PAGES; n++)
        memset(world_disk.bytes[n], 0xee, PAGE_SIZE);
    memset(&world_file, 0, sizeof(world_file));
    memset(&world_open, 0, sizeof(world_open));
    machine_frames = (struct frames){.free_frames = 1 << 20, .total_frames = 1 << 20};
    world_file.inode.references = 1;
    world_file.inode.mode = S_IFREG | 0644;
    page_cache_begin(&world_file, &world_ops);
    world_file.inode.mappings = 1;
    world_open.inode = &world_file.inode;
    world_open.ops = world_file.inode.file_ops;
    world_calls = 0;
    world_fail_at = -1;
    world_reads = world_writes = world_prepares = world_syncs = world_read_pages = 0;
}

void world_end(void)
{
    memset(leaf, 0, sizeof(leaf));
    page_cache_end(&world_file.inode, false);
    assert_int_equal(page_cache_counts.cached, 0);
    assert_int_equal(page_cache_counts.dirty, 0);
    assert_int_equal(page_cache_counts.writing, 0);
    assert_int_equal(world_file.inode.busy, 0);
    assert_int_equal(world_file.inode.references, 1);
}

/* ---- the mapping ---- */

static bool world_fault(uint64_t n, bool write)
{
    const struct page_source_ops *ops = world_file.inode.pages.ops;
    for (;;) {
        phys_t frame;
        enum err e = ops->page(&world_file.inode.pages, n, write, &frame);
        if (e == E_OK) {
            leaf[n].frame = (void *)(uintptr_t)frame.v;
            leaf[n].writable = write;
            return true;
        }
        if (e == E_AGAIN)
            e = ops->fetch(&world_file.inode.pages, n, write);
        if (e != E_OK)
            return false;
    }
}

bool world_store(uint64_t at, uint8_t byte)
{
    uint64_t n = at / PAGE_SIZE;
    if ((!leaf[n].frame || !leaf[n].writable) && !world_fault(n, true))
        return false;
    ((uint8_t *)leaf[n].frame)[at % PAGE_SIZE] = byte;
    return true;
}

bool world_load(uint64_t at, uint8_t *out)
{
    uint64_t n = at / PAGE_SIZE;
    if (!leaf[n].frame && !world_fault(n, false))
        return false;
    *out = ((uint8_t *)leaf[n].frame)[at % PAGE_SIZE];
    return true;
}

void inode_pages_changed(struct inode *inode, uint64_t first, uint64_t end)
{
    (void)inode;
    for (uint64_t n = first; n < end && n < WORLD_PAGES; n++)
        leaf[n].frame = NULL;
}

void inode_pages_cut(struct inode *inode, uint64_t first)
{
    inode_pages_changed(inode, first, UINT64_MAX);
    world_give_way();
}

void inode_pages_written(struct inode *inode, uint64_t first, uint64_t end)
{
    (void)inode, (void)first, (void)end;
}

void areas_pages_clean(const struct page_source *source, uint64_t first, uint64_t end)
{
    (void)source;
    for (uint64_t n = first; n < end && n < WORLD_PAGES; n++)
        leaf[n].writable = false;
}

void frames_get(struct frames *f, phys_t block)
{
    (void)f, (void)block;
}

uint32_t frames_references(const struct frames *f, phys_t block)
{
    uint32_t count = 1;
    (void)f;
    for (unsigned n = 0; n < WORLD_PAGES; n++)
        count += (uint64_t)(uintptr_t)leaf[n].frame == block.v;
    return count;
}

/* ---- the rest of the kernel ---- */

void shrinker_register(struct shrinker *shrinker)
{
    world_shrinker = shrinker;
}

uint64_t time_now_ns(void)
{
    static uint64_t now;
    return now += 1000;
}

uint64_t fs_limit(unsigned resource)
{
    (void)resource;
    return world_rlimit;
}

void fs_raise(int signal)
{
    (void)signal;
}

static bool turn_is_free(void *unused)
{
    (void)unused;
    return world_file.inode.busy == 0;
}

enum err inode_take_turn(struct inode *inode)
{
    (void)inode;
    fs_wait_device(NULL, turn_is_free, NULL);
    return E_OK;
}

void inode_turn_keep(struct inode *inode)
{
    inode->busy++;
}

void inode_turn_end(struct inode *inode)
{
    inode->busy--;
}

void file_turn_keep(struct file *file, const uint64_t *offset, bool writes)
{
    (void)offset;
    file->inode->busy = (uint8_t)(file->inode->busy + writes);
}

void file_turn_end(struct file *file, const uint64_t *offset, bool writes)
{
    (void)offset;
    file->inode->busy = (uint8_t)(file->inode->busy - writes);
}

void file_give_way(struct file *file, const uint64_t *offset, bool writes)
{
    file_turn_keep(file, offset, writes);
    world_give_way();
    file_turn_end(file, offset, writes);
}

void inode_get(struct inode *inode)
{
    inode->references++;
}

void inode_put(struct inode *inode)
{
    inode->references--;
}

void inode_touch_modified(struct inode *inode)
{
    (void)inode;
}

void inode_touch_accessed(struct inode *inode, const struct mount *mount, bool from_start)
{
    (void)inode, (void)mount, (void)from_start;
}

void inode_drop_privileges(struct inode *inode)
{
    (void)inode;
}

void inode_source_get(struct page_source *source)
{
    (void)source;
}

void inode_source_put(struct page_source *source)
{
    (void)source;
}

void inode_source_name(struct page_source *source, char *to, size_t size)
{
    (void)source, (void)to, (void)size;
}

uint64_t inode_source_number(struct page_source *source)
{
    (void)source;
    return 1;
}

/* Program memory: a byte range that faults, or is missing until copy_wait(), as the tests want. */
uintptr_t world_bad_page, world_missing_page;

static enum err check(virt_t at, size_t size)
{
    if (size == 0)
        return E_OK;
    if (world_bad_page && at.v < world_bad_page + PAGE_SIZE && at.v + size > world_bad_page)
        return E_FAULT;
    return world_missing_page && at.v < world_missing_page + PAGE_SIZE &&
                   at.v + size > world_missing_page
               ? E_INTR
               : E_OK;
}

enum err copy_in(void *to, virt_t from, size_t size)
{
    enum err e = check(from, size);
    if (e == E_OK)
        memcpy(to, ptr_of(from), size);
    return e;
}

enum err copy_out_now(virt_t to, const void *from, size_t size)
{
    enum err e = check(to, size);
    if (e == E_OK)
        memcpy(ptr_of(to), from, size);
    return e;
}

enum err clear_out_now(virt_t to, size_t size)
{
    (void)to, (void)size;
    return E_FAULT;
}

enum err copy_wait(enum err e)
{
    return e;
}

void random_fill(void *to, size_t size)
{
    (void)to, (void)size;
}
