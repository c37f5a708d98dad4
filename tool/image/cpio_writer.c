/* SPDX-License-Identifier: MIT */
#include "image/cpio_writer.h"
#include "base/addr.h"

#include <assert.h>
#include <string.h>

#define HEADER_SIZE    110
#define NAME_FIELD_MAX 4096
#define TRAILER        "TRAILER!!!"
#define BLOCK          512

static bool put(struct cpio_writer *writer, const void *bytes, size_t size)
{
    writer->offset += size;
    return size == 0 || fwrite(bytes, 1, size, writer->out) == size;
}

static bool put_zeros(struct cpio_writer *writer, uint64_t size)
{
    static const char zeros[PAGE_SIZE];
    for (; size > sizeof(zeros); size -= sizeof(zeros))
        if (!put(writer, zeros, sizeof(zeros)))
            return false;
    return put(writer, zeros, size);
}

/* Writes header and name; name_field is the size of the name field, NULs included. */
static bool put_header(struct cpio_writer *writer, const struct cpio_item *item, size_t name_field)
{
    char header[HEADER_SIZE + 1];
    snprintf(header, sizeof(header), "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
             item->ino, item->mode, item->uid, item->gid, item->nlink, item->mtime, item->size, 0u,
             0u, item->rdev_major, item->rdev_minor, (unsigned)name_field, 0u);
    size_t length = strlen(item->name);
    return put(writer, header, HEADER_SIZE) && put(writer, item->name, length) &&
           put_zeros(writer, name_field - length) &&
           put_zeros(writer, align_up(writer->offset, 4) - writer->offset);
}

/* The length of the name field with which the data of an entry that starts here is page-aligned.
 * It may exceed NAME_FIELD_MAX. */
static size_t aligning_name_field(const struct cpio_writer *writer, const char *name)
{
    uint64_t least = writer->offset + HEADER_SIZE + strlen(name) + 1;
    return (size_t)(align_up(least, PAGE_SIZE) - writer->offset - HEADER_SIZE);
}

/* Writes an entry for the root, padded so that the name field of the next item fits. */
static bool put_filler(struct cpio_writer *writer, const struct cpio_item *item)
{
    size_t field = strlen(writer->root.name) + 1;
    uint64_t item_starts = align_up(writer->offset + HEADER_SIZE + field, 4);
    uint64_t data_starts = item_starts + HEADER_SIZE + strlen(item->name) + 1;
    uint64_t padding = align_up(data_starts, PAGE_SIZE) - data_starts;
    return put_header(writer, &writer->root, field + (size_t)align_down(padding, 4));
}

bool cpio_item(struct cpio_writer *writer, const struct cpio_item *item)
{
    assert(writer->data_missing == 0);
    size_t field = strlen(item->name) + 1;
    if (item->size > 0) {
        field = aligning_name_field(writer, item->name);
        if (field > NAME_FIELD_MAX) {
            if (!put_filler(writer, item))
                return false;
            field = aligning_name_field(writer, item->name);
        }
    }
    writer->data_missing = item->size;
    return put_header(writer, item, field);
}

bool cpio_data(struct cpio_writer *writer, const void *bytes, uint32_t size)
{
    assert(size <= writer->data_missing);
    writer->data_missing -= size;
    return put(writer, bytes, size) &&
           (writer->data_missing > 0 ||
            put_zeros(writer, align_up(writer->offset, 4) - writer->offset));
}

bool cpio_finish(struct cpio_writer *writer)
{
    assert(writer->data_missing == 0);
    struct cpio_item trailer = {.name = TRAILER, .nlink = 1};
    return put_header(writer, &trailer, sizeof(TRAILER)) &&
           put_zeros(writer, align_up(writer->offset, BLOCK) - writer->offset) &&
           fflush(writer->out) == 0;
}

uint64_t cpio_room(const struct cpio_item *item)
{
    uint64_t header = HEADER_SIZE + strlen(item->name) + 1 + 3;
    return item->size == 0 ? header : 2 * PAGE_SIZE + header + align_up(item->size, 4);
}
