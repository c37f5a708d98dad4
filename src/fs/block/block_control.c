/* SPDX-License-Identifier: MIT */
#include "fs/block/block_control.h"

#include "base/checked.h"
#include "base/fmt.h"
#include "base/str.h"
#include "fs/cache/device_pages.h"
#include "fs/vfs/context.h"
#include "fs/vfs/file.h"
#include "fs/vfs/vfs.h"
#include "fs/vfs/wait.h"
#include "kern/block.h"
#include "mm/heap/heap.h"
#include "mm/vm/usercopy.h"

enum { /* linux/fs.h, linux/hdreg.h */
    HDIO_GETGEO = 0x301,
    BLKROGET = 0x125e,
    BLKRRPART = 0x125f,
    BLKGETSIZE = 0x1260,
    BLKFLSBUF = 0x1261,
    BLKRAGET = 0x1263,
    BLKFRAGET = 0x1265,
    BLKSECTGET = 0x1267,
    BLKSSZGET = 0x1268,
    BLKDISCARD = 0x1277,
    BLKIOMIN = 0x1278,
    BLKIOOPT = 0x1279,
    BLKALIGNOFF = 0x127a,
    BLKPBSZGET = 0x127b,
    BLKDISCARDZEROES = 0x127c,
    BLKROTATIONAL = 0x127e,
    BLKZEROOUT = 0x127f,

    READ_AHEAD = 256, /* sectors, as Linux's default */
    ZEROS = 64 << 10, /* bytes of one write */
    GEOMETRY_HEADS = 16,
    GEOMETRY_SECTORS = 63,
};

#define BLKBSZGET    UINT32_C(0x80081270)
#define BLKGETSIZE64 UINT32_C(0x80081272)

/* The block size that Linux's buffers have at first: up to a page, as far as the size is a multiple of it. */
static uint32_t soft_block_size(const struct block_device *device)
{
    uint32_t size = device->logical_size;
    while (size < PAGE_SIZE && block_bytes(device) % (2 * size) == 0)
        size *= 2;
    return size;
}

/* *size: bytes of the answer; 0: it is not such a request. */
static uint64_t number_for(const struct block_device *device, uint32_t command, size_t *size)
{
    *size = sizeof(uint32_t);
    switch (command) {
    case BLKROGET:
        return device->readonly;
    case BLKSSZGET:
        return device->logical_size;
    case BLKPBSZGET:
        return device->physical_size;
    case BLKIOMIN:
        return device->minimum_io > device->physical_size ? device->minimum_io
                                                          : device->physical_size;
    case BLKIOOPT:
        return device->optimal_io;
    case BLKBSZGET:
        return soft_block_size(device);
    case BLKALIGNOFF:
    case BLKDISCARDZEROES:
        return 0;
    case BLKSECTGET:
        *size = sizeof(uint16_t);
        return device->limits.bytes >> BLOCK_SECTOR_SHIFT;
    case BLKROTATIONAL:
        *size = sizeof(uint16_t);
        return device->rotational;
    case BLKRAGET:
    case BLKFRAGET:
        *size = sizeof(uint64_t);
        return READ_AHEAD;
    case BLKGETSIZE:
        *size = sizeof(uint64_t);
        return device->sectors;
    case BLKGETSIZE64:
        *size = sizeof(uint64_t);
        return block_bytes(device);
    default:
        *size = 0;
        return 0;
    }
}

static enum err block_write_zeros(struct block_device *device, uint64_t offset, uint64_t size)
{
    char *zeros = heap_alloc_zero(ZEROS);
    enum err e = zeros != NULL ? E_OK : E_NOMEM;
    while (e == E_OK && size > 0) {
        uint64_t piece = size < ZEROS ? size : ZEROS;
        e = block_write(device, offset, zeros, piece);
        offset += piece;
        size -= piece;
        if (size > 0 && fs_give_way() && e == E_OK)
            e = E_INTR;
    }
    heap_free(zeros);
    return e;
}

/* BLKDISCARD and BLKZEROOUT: start and length in bytes. */
static enum err change_range(struct file *file, uint32_t command, uint64_t argument)
{
    struct block_device *device = block_file_device(file);
    struct inode *pages = ((struct file *)file->state)->inode;
    uint64_t range[2];
    if (!file_can_write(file))
        return E_BADF;
    if (command == BLKDISCARD && device->limits.discard == 0)
        return E_NOTSUP;
    enum err e = copy_in(range, virt(argument), sizeof range);
    if (e != E_OK)
        return e;
    if ((range[0] | range[1]) & (device->logical_size - 1) ||
        !checked_span(range[0], range[1], block_bytes(device)))
        return E_INVAL;
    if (device->readonly)
        return E_PERM;
    e = device_pages_drop(pages, range[0], range[0] + range[1]);
    if (e == E_OK)
        e = command == BLKDISCARD ? block_discard(device, range[0], range[1])
                                  : block_write_zeros(device, range[0], range[1]);
    (void)!device_pages_drop(pages, range[0], range[0] + range[1]); /* read meanwhile */
    return e;
}

static enum err scan_again(struct block_device *disk)
{
    uint32_t umask = fs_current()->umask;
    if (disk->partition > 0)
        return E_INVAL;
    if (!capable(CAP_SYS_ADMIN))
        return E_ACCES;
    device_pages_settle(disk); /* the table may be dirty */
    enum err e = block_scan(disk);
    fs_current()->umask = 0;
    for (struct block_device *p = block_next(disk); e == E_OK && p != NULL && p->disk == disk;
         p = block_next(p))
        e = block_file_make_node(p);
    fs_current()->umask = umask;
    return e;
}

static enum err put_geometry(const struct block_device *device, uint64_t argument)
{
    struct {
        uint8_t heads, sectors;
        uint16_t cylinders;
        uint64_t start;
    } geometry = {GEOMETRY_HEADS, GEOMETRY_SECTORS,
                  (uint16_t)(device->sectors / (GEOMETRY_HEADS * GEOMETRY_SECTORS)), device->first};
    return copy_out(virt(argument), &geometry, sizeof geometry);
}

enum err block_file_control(struct file *file, uint32_t command, uint64_t argument,
                            uint64_t *result)
{
    struct block_device *device = block_file_device(file);
    size_t size;
    const uint64_t number = number_for(device, command, &size);
    (void)result;
    if (size > 0)
        return copy_out(virt(argument), &number, size);
    switch (command) {
    case BLKRRPART:
        return scan_again(device);
    case BLKFLSBUF:
        if (!capable(CAP_SYS_ADMIN))
            return E_ACCES;
        device_pages_settle(device);
        return E_OK;
    case BLKDISCARD:
    case BLKZEROOUT:
        return change_range(file, command, argument);
    case HDIO_GETGEO:
        return put_geometry(device, argument);
    default:
        return E_NOTTY;
    }
}
