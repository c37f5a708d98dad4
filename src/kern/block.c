/* SPDX-License-Identifier: MIT */
#define LOG_TAG "block"
#include "kern/block.h"

#include "base/checked.h"
#include "base/log.h"
#include "base/panic.h"
#include "base/str.h"

#define VAIN_MAX 100000 /* interrupts in a row that bring nothing: the device holds its line */

/* --- registry --- */

static struct list block_devices = LIST_INIT(block_devices);

struct block_device *block_next(const struct block_device *device)
{
    const struct list *link = device == NULL ? block_devices.next : device->link.next;
    return link == &block_devices ? NULL : CONTAINER_OF(link, struct block_device, link);
}

struct block_device *block_find(const char *name)
{
    struct block_device *d = NULL;
    while ((d = block_next(d)) != NULL && strcmp(d->name, name) != 0)
        ;
    return d;
}

struct block_device *block_find_number(uint32_t major, uint32_t minor)
{
    struct block_device *d = NULL;
    while ((d = block_next(d)) != NULL && (d->major != major || d->minor != minor))
        ;
    return d;
}

enum err block_claim(struct block_device *device)
{
    if (device->claimed || device->disk->claimed || device->claims > 0)
        return E_BUSY;
    device->claimed = true;
    if (device->partition > 0)
        device->disk->claims++;
    return E_OK;
}

void block_unclaim(struct block_device *device)
{
    device->claimed = false;
    if (device->partition > 0)
        device->disk->claims--;
}

/* --- counters --- */

static struct block_counters *block_counters_of(struct block_usage *usage,
                                                const struct block_request *request)
{
    return &usage->of[request->operation];
}

static void count_change(struct block_usage *usage, uint64_t now, uint32_t change)
{
    if (usage->under_way > 0)
        usage->busy_ns += now - usage->changed_ns;
    usage->changed_ns = now;
    usage->under_way += change;
}

static void count_end(struct block_usage *usage, const struct block_request *request, uint64_t now)
{
    struct block_counters *counters = block_counters_of(usage, request);
    counters->requests++;
    counters->sectors += request->sectors;
    counters->ns += now - request->started_ns;
    count_change(usage, now, (uint32_t)-1);
}

/* --- the queue --- */

/* The request is over; its link is in no list. */
static void end_request(struct block_device *disk, struct block_request *request, enum err result)
    REQUIRES(class_block)
{
    uint64_t now = time_now_ns();
    request->result = result;
    if (request->device != disk)
        count_end(&request->device->usage, request, now);
    count_end(&disk->usage, request, now);
    list_add_tail(&disk->ended, &request->link);
}

void block_finish(struct block_device *disk, struct block_request *request, enum err result)
{
    list_remove(&request->link);
    disk->told_late = false;
    if (result == E_OK && request->fua && request->now == BLOCK_WRITE && disk->has_flush &&
        !disk->has_fua) {
        request->now = BLOCK_FLUSH;
        list_add_head(&disk->waiting, &request->link);
        return;
    }
    end_request(disk, request, result);
}

void block_fail(struct block_device *disk, const char *why)
{
    if (disk->gone == NULL)
        disk->gone = why;
}

static COLD void end_all(struct block_device *disk, struct list *requests) REQUIRES(class_block)
{
    while (!list_empty(requests)) {
        struct list *first = requests->next;
        list_remove(first);
        end_request(disk, CONTAINER_OF(first, struct block_request, link), E_IO);
    }
}

static COLD void block_leave(struct block_device *disk) REQUIRES(class_block)
{
    disk->left = true;
    disk->ops->leave(disk);
    log_err("%s has gone: %s", disk->name, disk->gone);
    end_all(disk, &disk->started);
    end_all(disk, &disk->waiting);
}

/* Starts what waits, as far as there is room. */
static void start_waiting(struct block_device *disk) REQUIRES(class_block)
{
    bool any = false;
    enum err e = E_OK;
    while (disk->gone == NULL && e != E_AGAIN && !list_empty(&disk->waiting)) {
        struct block_request *request =
            CONTAINER_OF(disk->waiting.next, struct block_request, link);
        if (request->now == BLOCK_FLUSH && !disk->has_flush) {
            block_finish(disk, request, E_OK);
            continue;
        }
        e = disk->ops->start(disk, request);
        if (e == E_AGAIN && list_empty(&disk->started) && disk->lock == &disk->own)
            block_fail(disk, "it has no room for a request");
        if (e == E_OK) {
            list_remove(&request->link);
            list_add_tail(&disk->started, &request->link);
            any = true;
        } else if (e != E_AGAIN) {
            block_finish(disk, request, e);
        }
    }
    if (any && disk->gone == NULL)
        disk->ops->kick(disk);
    if (unlikely(disk->gone != NULL && !disk->left))
        block_leave(disk);
    if (unlikely(!disk->late.armed) && !list_empty(&disk->started))
        timer_start(&disk->late, time_now_ns() + BLOCK_LATE_NS);
}

/* Calls done() of what has ended, without the lock, and drops the lock. Only one caller at a time does, so that a
 * done() whose new request fails at once does not call itself. */
static void unlock_and_end(struct block_device *disk, uint64_t flags)
    RELEASE(class_block) NO_LOCK_ANALYSIS
{
    bool mine = !disk->ending;
    while (mine && !list_empty(&disk->ended)) {
        struct block_request *request = CONTAINER_OF(disk->ended.next, struct block_request, link);
        list_remove(&request->link);
        disk->ending = true;
        spin_unlock(disk->lock, &class_block);
        request->done(request);
        spin_lock(disk->lock, &class_block);
    }
    if (mine)
        disk->ending = false;
    spin_unlock_irq(disk->lock, &class_block, flags);
}

void block_interrupt(struct block_device *disk, const char *why)
{
    uint64_t flags = spin_lock_irq(disk->lock, &class_block);
    if (why != NULL)
        block_fail(disk, why);
    if (disk->gone == NULL)
        disk->ops->poll(disk);
    disk->vain = list_empty(&disk->ended) ? disk->vain + 1 : 0;
    if (disk->vain > VAIN_MAX)
        block_fail(disk, "it interrupts without end");
    start_waiting(disk);
    unlock_and_end(disk, flags);
}

void block_retry(struct block_device *disk)
{
    uint64_t flags = spin_lock_irq(disk->lock, &class_block);
    start_waiting(disk);
    unlock_and_end(disk, flags);
}

/* --- requests --- */

/* Sets request->sectors. */
static enum err measure_segments(const struct block_device *device, struct block_request *request)
{
    const struct block_limits *limits = &device->limits;
    uint64_t bytes = 0, bits = 0;
    if (request->count == 0 || request->count > limits->segments)
        return E_INVAL;
    for (uint32_t i = 0; i < request->count; i++) {
        const struct block_segment *s = &request->segments[i];
        if (s->bytes == 0 || s->bytes > limits->segment_bytes)
            return E_INVAL;
        if (limits->whole_pages && ((i > 0 && s->at.v & PAGE_MASK) ||
                                    (i + 1 < request->count && (s->at.v + s->bytes) & PAGE_MASK)))
            return E_INVAL;
        bits |= s->at.v | s->bytes;
        bytes += s->bytes;
    }
    request->sectors = bytes >> BLOCK_SECTOR_SHIFT;
    return bits & (limits->alignment - 1) || bytes & (device->logical_size - 1) ||
                   bytes > limits->bytes
               ? E_INVAL
               : E_OK;
}

static enum err check_request(const struct block_device *device, struct block_request *request)
{
    enum err e = E_OK;
    if (request->operation == BLOCK_FLUSH) {
        request->sector = request->sectors = 0;
        return E_OK;
    }
    if (request->operation != BLOCK_READ && device->readonly)
        return E_ROFS;
    if (request->operation != BLOCK_DISCARD)
        e = measure_segments(device, request);
    else if (device->limits.discard == 0)
        e = E_NOTSUP;
    else if (request->sectors == 0 || request->sectors > device->limits.discard)
        e = E_INVAL;
    if (e == E_OK && ((request->sector | request->sectors) &
                          ((device->logical_size >> BLOCK_SECTOR_SHIFT) - 1) ||
                      !checked_span(request->sector, request->sectors, device->sectors)))
        e = E_INVAL;
    return e;
}

void block_submit(struct block_device *device, struct block_request *request)
{
    struct block_device *disk = device->disk;
    enum err e = check_request(device, request);
    uint64_t now = time_now_ns();
    if (e != E_OK)
        request->sectors = 0;
    request->device = device;
    request->now = request->operation;
    request->at = device->first + request->sector;
    request->started_ns = now;
    uint64_t flags = spin_lock_irq(disk->lock, &class_block);
    if (device != disk)
        count_change(&device->usage, now, 1);
    count_change(&disk->usage, now, 1);
    if (e == E_OK && disk->gone != NULL)
        e = E_IO;
    if (e == E_OK) {
        list_add_tail(&disk->waiting, &request->link);
        start_waiting(disk);
    } else {
        end_request(disk, request, e);
    }
    unlock_and_end(disk, flags);
}

/* The timer's: tells of the oldest request, once. */
static COLD void look_for_late(struct timer *timer)
{
    struct block_device *disk = CONTAINER_OF(timer, struct block_device, late);
    uint64_t flags = spin_lock_irq(disk->lock, &class_block);
    if (!list_empty(&disk->started)) {
        const struct block_request *oldest =
            CONTAINER_OF(disk->started.next, struct block_request, link);
        uint64_t now = time_now_ns(), due = oldest->started_ns + BLOCK_LATE_NS;
        if (now >= due && !disk->told_late) {
            disk->told_late = true;
            log_err("%s does not answer: a request waits for %llu s", disk->name,
                    (unsigned long long)((now - oldest->started_ns) / NS_PER_SECOND));
        }
        timer_start(timer, due > now ? due : now + BLOCK_LATE_NS);
    }
    spin_unlock_irq(disk->lock, &class_block, flags);
}

/* Nothing else has the disk yet. */
void block_register(struct block_device *disk) NO_LOCK_ANALYSIS
{
    assert(disk->limits.segments > 0 && disk->limits.segment_bytes >= PAGE_SIZE);
    assert(disk->limits.bytes >= PAGE_SIZE && disk->limits.bytes % PAGE_SIZE == 0);
    assert(disk->logical_size >= BLOCK_SECTOR && disk->logical_size <= PAGE_SIZE);
    disk->disk = disk;
    if (disk->lock == NULL)
        disk->lock = &disk->own;
    wait_queue_init(&disk->writers);
    list_init(&disk->waiting);
    list_init(&disk->started);
    list_init(&disk->ended);
    timer_init(&disk->late, look_for_late);
    disk->late.background = true;
    list_add_tail(&block_devices, &disk->link);
}
