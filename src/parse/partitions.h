/* SPDX-License-Identifier: MIT */
/* What the readers of partition tables (parse/mbr.h, parse/gpt.h) have in common. */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PARTITIONS_MAX      15   /* those with a higher number are left out */
#define PARTITION_BLOCK_MAX 4096 /* bytes of a logical block, at most */
#define PARTITION_SECTOR    512  /* bytes: the unit of places and sizes */

struct partition {
    unsigned number;         /* 1 to PARTITIONS_MAX */
    uint64_t first, sectors; /* within the medium; sectors > 0 */
};

struct partition_list {
    const char *kind; /* "gpt", "dos" */
    unsigned count;
    struct partition entry[PARTITIONS_MAX]; /* by number */
};

/* What a table is read from. */
struct partition_medium {
    /* Reads a logical block. */
    enum err (*read)(void *context, uint64_t block, void *to);
    void *context;
    uint8_t *buffer; /* of a block: the readers' own */
    uint64_t blocks; /* at least 1 */
    uint32_t block;  /* bytes: a power of two, 512 to PARTITION_BLOCK_MAX */
};

/* Adds blocks [first, first + count), or what the medium has of them; nothing if that is nothing, or the number is none. */
static inline void partition_add(struct partition_list *list, const struct partition_medium *medium,
                                 unsigned number, uint64_t first, uint64_t count)
{
    uint64_t scale = medium->block / PARTITION_SECTOR;
    if (first >= medium->blocks || count == 0 || number < 1 || number > PARTITIONS_MAX ||
        list->count == PARTITIONS_MAX)
        return;
    if (count > medium->blocks - first)
        count = medium->blocks - first;
    list->entry[list->count++] = (struct partition){number, first * scale, count * scale};
}
