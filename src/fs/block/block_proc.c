/* SPDX-License-Identifier: MIT */
/*
 * Block devices in /proc and /sys. The files of /sys/block are rows of the table of /proc and /sys, made at boot; a row names
 * its device by number, because BLKRRPART may remove a partition.
 */
#include "base/fmt.h"
#include "base/str.h"
#include "fs/block/block_file.h"
#include "fs/proc/procfs.h"
#include "fs/vfs/text.h"
#include "kern/block.h"
#include "mm/heap/heap.h"

void block_show_partitions(struct text *text, void *context)
{
    (void)context;
    text_printf(text, "major minor  #blocks  name\n\n");
    for (struct block_device *d = block_next(NULL); d != NULL; d = block_next(d))
        text_printf(text, "%4u  %7u %10lu %s\n", d->major, d->minor, d->sectors / 2, d->name);
}

static uint64_t milliseconds(uint64_t ns)
{
    return ns / 1000000;
}

/* Of reads, writes or discards: requests, merged ones, sectors, time. */
static void put_counters(struct text *text, const struct block_device *d,
                         enum block_operation operation, int width)
{
    const struct block_counters *c = &d->usage.of[operation];
    text_printf(text, " %*lu %*u %*lu %*lu", width, c->requests, width, 0u, width, c->sectors,
                width, milliseconds(c->ns));
}

/* The 17 numbers, of at least `width` characters, of Linux's Documentation/admin-guide/iostats.rst. */
static void put_usage(struct text *text, const struct block_device *d, int width)
{
    const struct block_usage *u = &d->usage;
    uint64_t all = 0;
    for (unsigned i = 0; i < BLOCK_OPERATIONS; i++)
        all += u->of[i].ns;
    put_counters(text, d, BLOCK_READ, width);
    put_counters(text, d, BLOCK_WRITE, width);
    text_printf(text, " %*u %*lu %*lu", width, u->under_way, width, milliseconds(u->busy_ns), width,
                milliseconds(all));
    put_counters(text, d, BLOCK_DISCARD, width);
    text_printf(text, " %*lu %*lu\n", width, u->of[BLOCK_FLUSH].requests, width,
                milliseconds(u->of[BLOCK_FLUSH].ns));
}

void block_show_diskstats(struct text *text, void *context)
{
    (void)context;
    for (struct block_device *d = block_next(NULL); d != NULL; d = block_next(d)) {
        text_printf(text, "%4u %7u %s", d->major, d->minor, d->name);
        put_usage(text, d, 1);
    }
}

void block_show_drivers(struct text *text, void *context)
{
    uint32_t last = 0;
    (void)context;
    for (struct block_device *d = block_next(NULL); d != NULL; d = block_next(d)) {
        if (d->partition == 0 && d->major != last)
            text_printf(text, "%3u %s\n", d->major, d->driver);
        last = d->major;
    }
}

/* --- /sys/block --- */

enum block_fact {
    FACT_DEV,
    FACT_SIZE,
    FACT_RO,
    FACT_STAT,
    FACT_REMOVABLE,
    FACT_RANGE,
    FACT_PARTITION,
    FACT_START,
    FACT_INFLIGHT,
    FACT_LOGICAL,
    FACT_PHYSICAL,
    FACT_MINIMUM,
    FACT_OPTIMAL,
    FACT_ROTATIONAL,
    FACT_SEGMENTS,
    FACT_SEGMENT,
    FACT_REQUEST,
    FACT_DISCARD,
    FACT_DISCARD_BLOCK,
    FACT_CACHE,
    FACT_FUA,
    FACT_READ_AHEAD,
    FACT_SCHEDULER,
};

static const struct {
    const char *name;
    enum block_fact fact;
    bool disk, partition; /* of which devices */
} facts[] = {
    {"dev", FACT_DEV, true, true},
    {"size", FACT_SIZE, true, true},
    {"ro", FACT_RO, true, true},
    {"stat", FACT_STAT, true, true},
    {"inflight", FACT_INFLIGHT, true, true},
    {"partition", FACT_PARTITION, false, true},
    {"start", FACT_START, false, true},
    {"removable", FACT_REMOVABLE, true, false},
    {"range", FACT_RANGE, true, false},
    {"queue/logical_block_size", FACT_LOGICAL, true, false},
    {"queue/hw_sector_size", FACT_LOGICAL, true, false},
    {"queue/physical_block_size", FACT_PHYSICAL, true, false},
    {"queue/minimum_io_size", FACT_MINIMUM, true, false},
    {"queue/optimal_io_size", FACT_OPTIMAL, true, false},
    {"queue/rotational", FACT_ROTATIONAL, true, false},
    {"queue/max_segments", FACT_SEGMENTS, true, false},
    {"queue/max_segment_size", FACT_SEGMENT, true, false},
    {"queue/max_sectors_kb", FACT_REQUEST, true, false},
    {"queue/max_hw_sectors_kb", FACT_REQUEST, true, false},
    {"queue/discard_max_bytes", FACT_DISCARD, true, false},
    {"queue/discard_granularity", FACT_DISCARD_BLOCK, true, false},
    {"queue/write_cache", FACT_CACHE, true, false},
    {"queue/fua", FACT_FUA, true, false},
    {"queue/read_ahead_kb", FACT_READ_AHEAD, true, false},
    {"queue/scheduler", FACT_SCHEDULER, true, false},
};

static uint64_t number_of(const struct block_device *d, enum block_fact fact)
{
    const struct block_limits *l = &d->limits;
    switch (fact) {
    case FACT_SIZE:
        return d->sectors;
    case FACT_RO:
        return d->readonly;
    case FACT_REMOVABLE:
        return d->removable;
    case FACT_RANGE:
        return BLOCK_PARTITIONS_MAX + 1;
    case FACT_PARTITION:
        return d->partition;
    case FACT_START:
        return d->first;
    case FACT_LOGICAL:
        return d->logical_size;
    case FACT_PHYSICAL:
        return d->physical_size;
    case FACT_MINIMUM:
        return d->minimum_io > d->physical_size ? d->minimum_io : d->physical_size;
    case FACT_OPTIMAL:
        return d->optimal_io;
    case FACT_ROTATIONAL:
        return d->rotational;
    case FACT_SEGMENTS:
        return l->segments;
    case FACT_SEGMENT:
        return l->segment_bytes;
    case FACT_REQUEST:
        return l->bytes / 1024;
    case FACT_DISCARD:
        return l->discard << BLOCK_SECTOR_SHIFT;
    case FACT_DISCARD_BLOCK:
        return l->discard > 0 ? (uint64_t)l->discard_blocks << BLOCK_SECTOR_SHIFT : 0;
    case FACT_FUA:
        return d->has_fua;
    case FACT_READ_AHEAD:
        return 128;
    default:
        return 0;
    }
}

/* The context of a row: the device's numbers and what is asked. */
static void *row_context(const struct block_device *d, enum block_fact fact)
{
    return (void *)((uintptr_t)d->major << 40 | (uintptr_t)d->minor << 8 | fact);
}

static void show_fact(struct text *text, void *context)
{
    uintptr_t row = (uintptr_t)context;
    const struct block_device *d = block_find_number((uint32_t)(row >> 40), (uint32_t)(row >> 8));
    if (d == NULL)
        return;
    switch ((enum block_fact)(row & 0xff)) {
    case FACT_DEV:
        text_printf(text, "%u:%u\n", d->major, d->minor);
        return;
    case FACT_STAT:
        put_usage(text, d, 8);
        return;
    case FACT_INFLIGHT: /* reads and writes are not told apart */
        text_printf(text, "%8u %8u\n", d->usage.under_way, 0u);
        return;
    case FACT_CACHE:
        text_printf(text, d->has_flush ? "write back\n" : "write through\n");
        return;
    case FACT_SCHEDULER:
        text_printf(text, "[none] \n");
        return;
    default:
        text_printf(text, "%lu\n", number_of(d, (enum block_fact)(row & 0xff)));
    }
}

static bool add_row(const struct block_device *d, unsigned i, struct procfs_row *row)
{
    char path[80];
    if (!(d->partition == 0 ? facts[i].disk : facts[i].partition))
        return true;
    size_t size = 1 + (d->partition == 0 ? fmt_snprintf(path, sizeof path, "/sys/block/%s/%s",
                                                        d->name, facts[i].name)
                                         : fmt_snprintf(path, sizeof path, "/sys/block/%s/%s/%s",
                                                        d->disk->name, d->name, facts[i].name));
    char *copy = heap_alloc(size);
    if (copy == NULL)
        return false;
    memcpy(copy, path, size);
    *row = (struct procfs_row){copy, show_fact, NULL, row_context(d, facts[i].fact), 0};
    return true;
}

const struct procfs_row *block_rows(const struct procfs_row *rows, size_t *count)
{
    size_t devices = 0, used = *count;
    for (struct block_device *d = block_next(NULL); d != NULL; d = block_next(d))
        devices++;
    struct procfs_row *all = NULL;
    if (devices > 0)
        all = heap_alloc((*count + devices * ARRAY_LENGTH(facts)) * sizeof *all);
    if (all == NULL)
        return NULL;
    memcpy(all, rows, *count * sizeof *all);
    for (struct block_device *d = block_next(NULL); d != NULL; d = block_next(d))
        for (unsigned i = 0; i < ARRAY_LENGTH(facts); i++) {
            all[used].path = NULL;
            if (!add_row(d, i, &all[used]))
                return NULL;
            used += all[used].path != NULL;
        }
    *count = used;
    return all;
}
