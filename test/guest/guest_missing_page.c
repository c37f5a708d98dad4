/* SPDX-License-Identifier: MIT */
/*
 * Faults and copies that wait for a device: a page source of four pages, of which another thread brings
 * one when it is asked for. The copies of a system call are tested by programs.
 */
#include "guest.h"

#include "kern/thread.h"
#include "kern/wait.h"
#include "mm/heap/heap.h"
#include "mm/vm/areas.h"
#include "mm/vm/usercopy.h"

#define PAGES 4

static uint64_t *page[PAGES];
static bool present[PAGES], writable[PAGES], device_ends, device_ended;
static unsigned fetches, evictions; /* the next ones are undone before the thread goes on */
static int wanted = -1;
static long references;
static enum err answer;         /* of the device */
static void (*meanwhile)(void); /* by the device's thread */
static struct wait_queue asked = WAIT_QUEUE_INIT(asked), answered = WAIT_QUEUE_INIT(answered);

static enum err slow_page(struct page_source *source, uint64_t index, bool for_write, phys_t *out)
{
    (void)source;
    if (index >= PAGES)
        return E_INVAL;
    if (!present[index] || (for_write && !writable[index]))
        return E_AGAIN;
    *out = kpage_phys(page[index]);
    frames_get(&machine_frames, *out);
    return E_OK;
}

static enum err slow_read(struct page_source *source, uint64_t offset, void *to, size_t size)
{
    uint64_t index = offset / PAGE_SIZE;
    (void)source;
    if (index >= PAGES)
        return E_INVAL;
    if (!present[index])
        return E_AGAIN;
    memcpy(to, (const char *)page[index] + offset % PAGE_SIZE, size);
    return E_OK;
}

static enum err slow_fetch(struct page_source *source, uint64_t index, bool for_write)
{
    (void)source;
    CHECK(references > 0);
    if (index >= PAGES)
        return E_INVAL;
    fetches++;
    wanted = (int)index;
    wait_queue_wake(&asked);
    enum err e = WAIT_EVENT(&answered, wanted < 0, NO_DEADLINE);
    if (e == E_OK)
        e = answer;
    present[index] = e == E_OK;
    writable[index] |= e == E_OK && for_write;
    if (evictions > 0) {
        evictions--;
        present[index] = writable[index] = false;
    }
    return e;
}

static bool slow_present(struct page_source *source, uint64_t index)
{
    (void)source;
    return index < PAGES && present[index];
}

static void slow_get(struct page_source *source)
{
    (void)source;
    references++;
}

static void slow_put(struct page_source *source)
{
    (void)source;
    references--;
}

static const struct page_source_ops slow_ops = {
    .page = slow_page,
    .read = slow_read,
    .fetch = slow_fetch,
    .present = slow_present,
    .get = slow_get,
    .put = slow_put,
};
static struct page_source slow_source = {.ops = &slow_ops};

static void device(void *unused)
{
    (void)unused;
    while (WAIT_EVENT(&asked, wanted >= 0 || device_ends, NO_DEADLINE) == E_OK && !device_ends) {
        if (meanwhile)
            meanwhile();
        wanted = -1;
        wait_queue_wake(&answered);
    }
    device_ended = true;
}

static void set_up(uint32_t flags) REQUIRES(kernel_lock)
{
    struct thread *thread;
    struct area area = {
        .range = virt_range(GUEST_ARENA, GUEST_ARENA + (PAGES + 1) * PAGE_SIZE),
        .kind = AREA_FILE,
        .flags = flags,
        .prot = prot_rw(),
        .source = &slow_source,
        .file_end = UINT64_MAX,
    };
    for (unsigned i = 0; i < PAGES; i++) {
        page[i] = kpage_alloc();
        CHECK(page[i] != NULL);
        page[i][0] = 100 + i;
        page[i][511] = 200 + i;
        present[i] = writable[i] = false;
    }
    fetches = evictions = 0;
    references = 1;
    answer = E_OK;
    meanwhile = NULL;
    device_ends = device_ended = false;
    CHECK_EQUAL(areas_add(running_space, &area), E_OK);
    CHECK_EQUAL(thread_create("device", device, NULL, &thread), E_OK);
}

static void tear_down(void) REQUIRES(kernel_lock)
{
    device_ends = true;
    wait_queue_wake(&asked);
    CHECK(GUEST_WAIT(device_ended, 20000));
    thread_yield();
    thread_yield();
    areas_clear(running_space);
    CHECK_EQUAL(references, 0);
    for (unsigned i = 0; i < PAGES; i++) {
        CHECK_EQUAL(frames_references(&machine_frames, kpage_phys(page[i])), 1);
        kpage_free(page[i]);
    }
}

GUEST_TEST(test_fault_waits_for_a_device)
{
    uint64_t value = 0;
    set_up(AREA_SHARED);
    CHECK_EQUAL(fault_resolve(running_space, GUEST_ARENA_PAGE(1), 0), FAULT_RESOLVED);
    CHECK_EQUAL(fetches, 1);
    CHECK_NO_FAULT(guest_read(GUEST_ARENA_PAGE(1), &value));
    CHECK_EQUAL(value, 101);
    /* Stored into: the source is asked again, and the leaf is the file's page. */
    CHECK_EQUAL(fault_resolve(running_space, GUEST_ARENA_PAGE(1), PF_WRITE | PF_PRESENT),
                FAULT_RESOLVED);
    CHECK_EQUAL(fetches, 2);
    CHECK_NO_FAULT(guest_write(GUEST_ARENA_PAGE(1), 7));
    CHECK_EQUAL(page[1][0], 7);
    /* Evicted before the thread runs again, twice. */
    evictions = 2;
    CHECK_EQUAL(fault_resolve(running_space, GUEST_ARENA_PAGE(2), 0), FAULT_RESOLVED);
    CHECK_EQUAL(fetches, 5);
    CHECK_EQUAL(fault_resolve(running_space, GUEST_ARENA_PAGE(PAGES), 0), FAULT_PAST_FILE);
    tear_down();
}

GUEST_TEST(test_fault_of_a_private_page_waits)
{
    uint64_t value = 0;
    set_up(0);
    CHECK_EQUAL(fault_resolve(running_space, GUEST_ARENA_PAGE(3), PF_WRITE), FAULT_RESOLVED);
    CHECK_EQUAL(fetches, 1);
    CHECK(!writable[3]);
    CHECK_NO_FAULT(guest_write(GUEST_ARENA_PAGE(3), 9));
    CHECK_NO_FAULT(guest_read(virt(GUEST_ARENA_PAGE(3).v + 511 * 8), &value));
    CHECK_EQUAL(value, 203);
    CHECK_EQUAL(page[3][0], 103);
    tear_down();
}

static void remove_the_area(void)
{
    CHECK_EQUAL(areas_remove(running_space, virt_range(GUEST_ARENA, GUEST_ARENA + 2 * PAGE_SIZE)),
                E_OK);
}

static void map_the_page(void)
{
    present[3] = true;
    CHECK_EQUAL(fault_resolve(running_space, GUEST_ARENA_PAGE(3), 0), FAULT_RESOLVED);
}

/* What another thread of the program does while one waits. */
GUEST_TEST(test_fault_finds_another_area_after_the_wait)
{
    set_up(AREA_SHARED);
    meanwhile = remove_the_area;
    CHECK_EQUAL(fault_resolve(running_space, GUEST_ARENA_PAGE(0), 0), FAULT_NOT_MAPPED);
    meanwhile = map_the_page;
    CHECK_EQUAL(fault_resolve(running_space, GUEST_ARENA_PAGE(3), PF_WRITE), FAULT_RESOLVED);
    CHECK_NO_FAULT(guest_write(GUEST_ARENA_PAGE(3), 5));
    CHECK_EQUAL(page[3][0], 5);
    tear_down();
}

GUEST_TEST(test_copies_wait_for_a_device)
{
    uint64_t value = 1, two[2] = {8, 9};
    set_up(AREA_SHARED);
    CHECK_EQUAL(copy_in(&value, GUEST_ARENA_PAGE(0), sizeof value), E_INTR);
    CHECK_EQUAL(value, 1);
    CHECK_EQUAL(fetches, 0);
    CHECK_EQUAL(copy_wait(E_OK), E_OK);
    CHECK_EQUAL(copy_wait(E_FAULT), E_FAULT);
    CHECK_EQUAL(copy_wait(E_INTR), E_OK);
    CHECK_EQUAL(copy_wait(E_INTR), E_INTR); /* once */
    CHECK_EQUAL(fetches, 1);
    CHECK_EQUAL(copy_in(&value, GUEST_ARENA_PAGE(0), sizeof value), E_OK);
    CHECK_EQUAL(value, 100);
    CHECK_EQUAL(copy_in_waiting(&value, GUEST_ARENA_PAGE(1), sizeof value), E_OK);
    CHECK_EQUAL(value, 101);
    /* Over the end of a page: the bytes before it are written, and again after the wait. */
    virt_t end = virt(GUEST_ARENA_PAGE(2).v - 8);
    CHECK_EQUAL(copy_out_now(end, two, sizeof two), E_INTR);
    CHECK_EQUAL(copy_wait(E_INTR), E_OK);
    CHECK(writable[1]);
    CHECK_EQUAL(copy_out_now(end, two, sizeof two), E_INTR);
    CHECK_EQUAL(page[1][511], 8);
    CHECK_EQUAL(copy_out(end, two, sizeof two), E_OK);
    CHECK_EQUAL(page[2][0], 9);
    CHECK_EQUAL(put_out(GUEST_ARENA_PAGE(3), 77), E_OK);
    CHECK_EQUAL(page[3][0], 77);
    answer = E_IO;
    present[0] = false;
    areas_forget_pages(&slow_source, 0, 1);
    CHECK_EQUAL(copy_out(GUEST_ARENA_PAGE(0), two, sizeof two), E_FAULT);
    CHECK_EQUAL(copy_in_waiting(&value, GUEST_ARENA_PAGE(0), sizeof value), E_FAULT);
    CHECK_EQUAL(fault_resolve(running_space, GUEST_ARENA_PAGE(0), 0), FAULT_PAST_FILE);
    /* A miss of a space that has ended. */
    CHECK_EQUAL(copy_in(&value, GUEST_ARENA_PAGE(0), sizeof value), E_INTR);
    static struct address_space gone;
    thread_current()->missing.space = &gone;
    CHECK_EQUAL(copy_wait(E_INTR), E_OK);
    tear_down();
}
