/* SPDX-License-Identifier: MIT */
#define LOG_TAG "ext4"
#include "fs/ext4/vfs/volume.h"

#include "base/log.h"

static enum err device_read(void *context, uint64_t offset, uint32_t size, void *const *piece,
                            uint32_t count)
{
    struct volume *volume = context;
    return block_move_pieces(volume->device, BLOCK_READ, offset, size, piece, count);
}

static enum err device_write(void *context, uint64_t offset, uint32_t size, void *const *piece,
                             uint32_t count)
{
    struct volume *volume = context;
    return block_move_pieces(volume->device, BLOCK_WRITE, offset, size, piece, count);
}

static enum err device_flush(void *context)
{
    return block_flush(((struct volume *)context)->device);
}

static enum err device_discard(void *context, uint64_t offset, uint64_t size)
{
    return block_discard(((struct volume *)context)->device, offset, size);
}

static struct ext4_time device_now(void *context)
{
    struct volume *volume = context;
    struct fs_time now = volume->now ? *volume->now : fs_time_now();
    return (struct ext4_time){now.seconds, now.nanoseconds};
}

static void device_report(void *context, const char *text)
{
    log_warn("%s: %s", ((struct volume *)context)->device->name, text);
}

void volume_io(struct volume *volume, struct ext4_io *io)
{
    *io = (struct ext4_io){
        .context = volume,
        .bytes = block_bytes(volume->device),
        .readonly = volume->device->readonly,
        .read = device_read,
        .write = device_write,
        .flush = device_flush,
        .discard = volume->device->limits.discard > 0 ? device_discard : NULL,
        .now = device_now,
        .report = device_report,
    };
}
