/* SPDX-License-Identifier: MIT */
/* Sleeping reads and writes of kernel memory: in place where the device can reach it, else by a page. */
#include "base/checked.h"
#include "base/panic.h"
#include "base/str.h"
#include "kern/block.h"
#include "mm/heap/heap.h"
#include "mm/pt/paging.h"

#define SEGMENTS 16 /* of a request made here */
#define PIECES   64 /* segments of one that pieces make */

/* The segments of [at, at + size), as many as one request may have. Returns their bytes, whole logical blocks; 0: the
 * device cannot reach the memory. O(pages). */
static uint32_t segments_of(const struct block_device *device, const char *at, size_t size,
                            struct block_segment *segments, struct block_request *request)
{
    const struct block_limits *limits = &device->limits;
    uint32_t most = limits->segments < SEGMENTS ? limits->segments : SEGMENTS, bytes = 0;
    request->count = 0;
    while (bytes < size && bytes < limits->bytes) {
        uint64_t piece = PAGE_SIZE - (virt_of(at + bytes).v & PAGE_MASK);
        piece = piece < size - bytes ? piece : size - bytes;
        piece = piece < limits->bytes - bytes ? piece : limits->bytes - bytes;
        phys_t where;
        bool mapped = paging_translate(&kernel_space, virt_of(at + bytes), &where);
        assert(mapped);
        struct block_segment *last = request->count > 0 ? &segments[request->count - 1] : NULL;
        if (last != NULL && last->at.v + last->bytes == where.v &&
            last->bytes + piece <= limits->segment_bytes) {
            last->bytes += (uint32_t)piece;
        } else if (request->count < most) {
            segments[request->count++] = (struct block_segment){where, (uint32_t)piece};
        } else {
            break;
        }
        if ((where.v | piece) & (limits->alignment - 1))
            return 0;
        bytes += (uint32_t)piece;
    }
    /* Whole blocks: what is too much comes off the last segments. */
    uint32_t excess = bytes & (device->logical_size - 1);
    bytes -= excess;
    while (excess > 0) {
        struct block_segment *last = &segments[request->count - 1];
        uint32_t part = excess < last->bytes ? excess : last->bytes;
        last->bytes -= part;
        excess -= part;
        request->count -= last->bytes == 0;
    }
    return bytes;
}

static COLD enum err move_by_page(struct block_device *device, struct block_request *request,
                                  char *at, size_t size)
{
    char *page = kpage_alloc();
    enum err e = page != NULL ? E_OK : E_NOMEM;
    while (e == E_OK && size > 0) {
        size_t piece = size < PAGE_SIZE ? size : PAGE_SIZE;
        const struct block_segment segment = {kpage_phys(page), (uint32_t)piece};
        request->segments = &segment;
        request->count = 1;
        if (request->operation == BLOCK_WRITE)
            memcpy(page, at, piece);
        e = block_perform(device, request);
        if (e == E_OK && request->operation == BLOCK_READ)
            memcpy(at, page, piece);
        request->sector += piece >> BLOCK_SECTOR_SHIFT;
        at += piece;
        size -= piece;
    }
    if (page != NULL)
        kpage_free(page);
    return e;
}

static enum err move_blocks(struct block_device *device, enum block_operation operation,
                            uint64_t offset, char *at, size_t size)
{
    struct block_segment segments[SEGMENTS];
    struct block_request request = {.operation = operation, .segments = segments};
    enum err e = E_OK;
    if ((offset | size) & (device->logical_size - 1) ||
        !checked_span(offset, size, block_bytes(device)))
        return E_INVAL;
    request.sector = offset >> BLOCK_SECTOR_SHIFT;
    while (e == E_OK && size > 0) {
        uint32_t bytes = segments_of(device, at, size, segments, &request);
        if (bytes == 0)
            return move_by_page(device, &request, at, size);
        e = block_perform(device, &request);
        request.sector += bytes >> BLOCK_SECTOR_SHIFT;
        at += bytes;
        size -= bytes;
    }
    return e;
}

/* Adds a piece of memory to a request. False: it has no room for it, or the device cannot reach the piece. O(pages). */
static bool block_add_piece(const struct block_device *device, const char *at, uint32_t size,
                            struct block_segment *segments, struct block_request *request)
{
    const struct block_limits *limits = &device->limits;
    uint32_t most = limits->segments < PIECES ? limits->segments : PIECES;
    struct block_request with = *request;
    struct block_segment last =
        with.count > 0 ? segments[with.count - 1] : (struct block_segment){0};
    for (uint32_t bytes = 0; bytes < size;) {
        uint64_t part = PAGE_SIZE - (virt_of(at + bytes).v & PAGE_MASK);
        part = part < size - bytes ? part : size - bytes;
        phys_t where;
        bool mapped = paging_translate(&kernel_space, virt_of(at + bytes), &where);
        assert(mapped);
        bool joins = with.count > 0 && last.at.v + last.bytes == where.v &&
                     last.bytes + part <= limits->segment_bytes;
        bool ragged = limits->whole_pages && !joins && with.count > 0 &&
                      ((where.v | (last.at.v + last.bytes)) & PAGE_MASK) != 0;
        if (((where.v | part) & (limits->alignment - 1)) || (!joins && with.count == most) ||
            ragged)
            return false;
        if (joins)
            last.bytes += (uint32_t)part;
        else
            last = (struct block_segment){where, (uint32_t)part};
        with.count += joins ? 0 : 1;
        segments[with.count - 1] = last;
        bytes += (uint32_t)part;
    }
    *request = with;
    return true;
}

enum err block_move_pieces(struct block_device *device, enum block_operation operation,
                           uint64_t offset, uint32_t size, void *const *piece, uint32_t count)
{
    struct block_segment segments[PIECES];
    struct block_request request = {.operation = operation, .segments = segments};
    enum err e = E_OK;
    if (size == 0 || (offset | size) & (device->logical_size - 1) ||
        !checked_span(offset, (uint64_t)size * count, block_bytes(device)))
        return E_INVAL;
    for (uint32_t at = 0; e == E_OK && at < count;) {
        uint32_t taken = 0;
        request.count = 0;
        request.sector = offset >> BLOCK_SECTOR_SHIFT;
        while (at + taken < count && (uint64_t)(taken + 1) * size <= device->limits.bytes) {
            struct block_segment before =
                request.count > 0 ? segments[request.count - 1] : (struct block_segment){0};
            if (!block_add_piece(device, piece[at + taken], size, segments, &request)) {
                if (request.count > 0)
                    segments[request.count - 1] = before;
                break;
            }
            taken++;
        }
        if (taken > 0)
            e = block_perform(device, &request);
        else
            e = move_blocks(device, operation, offset, piece[at], size);
        taken += taken == 0;
        at += taken;
        offset += (uint64_t)taken * size;
    }
    return e;
}

enum err block_read(struct block_device *device, uint64_t offset, void *to, size_t size)
{
    return move_blocks(device, BLOCK_READ, offset, to, size);
}

enum err block_write(struct block_device *device, uint64_t offset, const void *from, size_t size)
{
    return move_blocks(device, BLOCK_WRITE, offset, (char *)(uintptr_t)from, size);
}

enum err block_flush(struct block_device *device)
{
    struct block_request request = {.operation = BLOCK_FLUSH};
    return block_perform(device, &request);
}

enum err block_discard(struct block_device *device, uint64_t offset, uint64_t size)
{
    struct block_request request = {.operation = BLOCK_DISCARD};
    uint64_t sectors = size >> BLOCK_SECTOR_SHIFT;
    enum err e = E_OK;
    if ((offset | size) & (device->logical_size - 1) ||
        !checked_span(offset, size, block_bytes(device)))
        return E_INVAL;
    if (device->limits.discard == 0)
        return E_NOTSUP;
    request.sector = offset >> BLOCK_SECTOR_SHIFT;
    while (e == E_OK && sectors > 0) {
        request.sectors = sectors < device->limits.discard ? sectors : device->limits.discard;
        e = block_perform(device, &request);
        sectors -= request.sectors;
        request.sector += request.sectors;
    }
    return e;
}
