/* SPDX-License-Identifier: MIT */
/* The partitions of a disk as block devices. */
#define LOG_TAG "block"
#include "base/fmt.h"
#include "base/log.h"
#include "base/str.h"
#include "kern/block.h"
#include "mm/heap/heap.h"
#include "parse/gpt.h"
#include "parse/mbr.h"

static enum err read_block(void *context, uint64_t block, void *to)
{
    struct block_device *disk = context;
    return block_read(disk, block * disk->logical_size, to, disk->logical_size);
}

static struct block_device *next_partition(struct block_device *device)
{
    struct block_device *next = block_next(device);
    return next != NULL && next->disk == device->disk ? next : NULL;
}

static enum err remove_partitions(struct block_device *disk)
{
    struct block_device *p = disk;
    while ((p = next_partition(p)) != NULL)
        if (p->opened > 0)
            return E_BUSY;
    while ((p = next_partition(disk)) != NULL) {
        list_remove(&p->link);
        heap_free(p);
    }
    return E_OK;
}

static enum err add_partition(struct block_device *disk, struct list *after,
                              const struct partition *entry)
{
    struct block_device *p = heap_alloc_zero(sizeof *p);
    if (p == NULL)
        return E_NOMEM;
    char last = disk->name[strlen(disk->name) - 1];
    fmt_snprintf(p->name, sizeof p->name, "%s%s%u", disk->name,
                 last >= '0' && last <= '9' ? "p" : "", entry->number);
    p->driver = disk->driver;
    p->disk = disk;
    p->first = entry->first;
    p->sectors = entry->sectors;
    p->logical_size = disk->logical_size;
    p->physical_size = disk->physical_size;
    p->minimum_io = disk->minimum_io;
    p->optimal_io = disk->optimal_io;
    p->major = disk->major;
    p->minor = disk->minor + entry->number;
    p->readonly = disk->readonly;
    p->has_flush = disk->has_flush;
    p->has_fua = disk->has_fua;
    p->rotational = disk->rotational;
    p->limits = disk->limits;
    p->partition = entry->number;
    list_add_head(after, &p->link);
    return E_OK;
}

static enum err read_partitions(struct block_device *disk, struct partition_list *list)
{
    uint8_t *first = heap_alloc(2 * (size_t)disk->logical_size);
    const struct partition_medium medium = {
        .read = read_block,
        .context = disk,
        .buffer = first + disk->logical_size,
        .blocks = block_bytes(disk) / disk->logical_size,
        .block = disk->logical_size,
    };
    list->count = 0;
    if (first == NULL)
        return E_NOMEM;
    enum err e = medium.blocks > 0 && !disk->removable ? read_block(disk, 0, first) : E_OK;
    if (e == E_OK && medium.blocks > 0 && !disk->removable && mbr_is_table(first)) {
        e = mbr_protects_gpt(first) ? gpt_read(&medium, list) : mbr_read(&medium, first, list);
        if (e == E_INVAL) { /* no partitions, as Linux has it */
            log_warn("%s: both GPTs are bad", disk->name);
            e = E_OK;
        }
    }
    heap_free(first);
    return e;
}

enum err block_scan(struct block_device *disk)
{
    struct partition_list list;
    enum err e = remove_partitions(disk);
    if (e == E_OK)
        e = read_partitions(disk, &list);
    struct list *after = &disk->link;
    for (unsigned i = 0; e == E_OK && i < list.count; i++) {
        e = add_partition(disk, after, &list.entry[i]);
        after = after->next;
    }
    if (e == E_OK && list.count > 0)
        log_info("%s: %u partitions (%s)", disk->name, list.count, list.kind);
    return e;
}
