/* SPDX-License-Identifier: MIT */
/*
 * Character devices: the table of registered drivers by device number, the memory devices (null,
 * zero, full, random, urandom), and the contents of /dev. /dev is no file system of its own: its
 * nodes are made in the root file system.
 */
#include "fs/vfs/devices.h"

#include "base/fmt.h"
#include "base/panic.h"
#include "base/str.h"
#include "fs/vfs/context.h"
#include "fs/vfs/vfs.h"
#include "fs/vfs/wait.h"
#include "kern/random.h"
#include "mm/vm/usercopy.h"

#define DEVICES_MAX 32
#define ZEROS_PIECE                                                                                \
    (UINT64_C(64) << 10) /* bytes of /dev/zero that are read before others may run */

static const struct device *devices[DEVICES_MAX];
static unsigned device_count;

void device_register(const struct device *device)
{
    assert(device_count < DEVICES_MAX && !device_find(device->number));
    devices[device_count++] = device;
}

const struct file_ops *device_find(uint64_t number)
{
    for (unsigned i = 0; i < device_count; i++) {
        if (devices[i]->number == number)
            return devices[i]->ops;
    }
    return NULL;
}

static enum err nothing_read(struct file *file, struct io *io, uint64_t *offset)
{
    (void)file;
    (void)io;
    (void)offset;
    return E_OK;
}

static enum err swallow_write(struct file *file, struct io *io, uint64_t *offset)
{
    (void)file;
    (void)offset;
    io->left = 0;
    return E_OK;
}

static enum err zero_read(struct file *file, struct io *io, uint64_t *offset)
{
    (void)file;
    (void)offset;
    enum err e = E_OK;
    while (e == E_OK && io_left(io) > 0) {
        e = io_put_zeros(io, io_left(io) < ZEROS_PIECE ? io_left(io) : ZEROS_PIECE);
        if (io_left(io) > 0 && fs_give_way())
            break;
    }
    return e;
}

static enum err full_write(struct file *file, struct io *io, uint64_t *offset)
{
    (void)file;
    (void)io;
    (void)offset;
    return E_NOSPC;
}

static enum err random_read(struct file *file, struct io *io, uint64_t *offset)
{
    (void)file;
    (void)offset;
    return io_put_random(io);
}

static enum err random_write(struct file *file, struct io *io, uint64_t *offset)
{
    (void)file;
    (void)offset;
    uint8_t bytes[256];
    enum err e = E_OK;
    while (e == E_OK && io_left(io) > 0) {
        uint64_t chunk = io_left(io) < sizeof(bytes) ? io_left(io) : sizeof(bytes);
        e = io_take(io, bytes, chunk);
        if (e == E_OK)
            random_stir(bytes, chunk);
        if (e == E_OK && io_left(io) > 0 && fs_give_way())
            break;
    }
    return e;
}

enum { /* linux/random.h */
    RNDGETENTCNT = 0x80045200,
    RNDADDTOENTCNT = 0x40045201,
    RNDADDENTROPY = 0x40085203,
    RNDZAPENTCNT = 0x5204,
    RNDCLEARPOOL = 0x5206,
    RNDRESEEDCRNG = 0x5207,
};

#define ENTROPY_BITS 256 /* as Linux says when its pool is full, which Ouro's is from the boot on */

struct entropy_head { /* struct rand_pool_info */
    int32_t bits, size;
};

static enum err random_add(struct file *file, uint64_t argument)
{
    struct entropy_head head;
    uint64_t offset = 0;
    enum err e = copy_in(&head, virt(argument), sizeof(head));
    if (e != E_OK)
        return e;
    if (head.bits < 0 || head.size < 0)
        return E_INVAL;
    struct io io = io_user(virt(argument + sizeof(head)), (uint64_t)head.size);
    return random_write(file, &io, &offset);
}

/* random(4). The program's bytes are stirred in; nothing that it says lowers or raises the count. */
static enum err random_control(struct file *file, uint32_t command, uint64_t argument,
                               uint64_t *result)
{
    (void)result;
    int32_t number = ENTROPY_BITS;
    if (command == RNDGETENTCNT)
        return copy_out(virt(argument), &number, sizeof(number));
    if (command != RNDADDTOENTCNT && command != RNDADDENTROPY && command != RNDZAPENTCNT &&
        command != RNDCLEARPOOL && command != RNDRESEEDCRNG)
        return E_INVAL;
    if (!capable(CAP_SYS_ADMIN))
        return E_PERM;
    if (command == RNDADDENTROPY)
        return random_add(file, argument);
    if (command != RNDADDTOENTCNT)
        return E_OK;
    enum err e = copy_in(&number, virt(argument), sizeof(number));
    return e == E_OK && number < 0 ? E_INVAL : e;
}

static const struct file_ops null_ops = {.read = nothing_read,
                                         .write = swallow_write,
                                         .seekable = true,
                                         .no_position = true,
                                         .shares = SHARES_READ | SHARES_WRITE};
static const struct file_ops zero_ops = {.read = zero_read,
                                         .write = swallow_write,
                                         .seekable = true,
                                         .no_position = true,
                                         .zeros = true,
                                         .shares = SHARES_READ | SHARES_WRITE};
static const struct file_ops full_ops = {
    .read = zero_read, .write = full_write, .seekable = true, .no_position = true};
static const struct file_ops random_ops = {.read = random_read,
                                           .write = random_write,
                                           .control = random_control,
                                           .seekable = true,
                                           .no_position = true};

/* Major 1: Linux's Documentation/admin-guide/devices.txt. */
void devices_register_memory(void)
{
    static const struct device memory[] = {
        {"null", 1 << 8 | 3, 0666, &null_ops},      {"zero", 1 << 8 | 5, 0666, &zero_ops},
        {"full", 1 << 8 | 7, 0666, &full_ops},      {"random", 1 << 8 | 8, 0666, &random_ops},
        {"urandom", 1 << 8 | 9, 0666, &random_ops},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(memory); i++)
        device_register(&memory[i]);
}

/* An entry that the root archive already has is kept. */
static enum err present(enum err e)
{
    return e == E_EXIST ? E_OK : e;
}

static enum err fill_nodes(void)
{
    for (unsigned i = 0; i < device_count; i++) {
        char path[64];
        fmt_snprintf(path, sizeof(path), "/dev/%s", devices[i]->name);
        enum err e = present(vfs_make_node((struct vfs_place){NULL, path},
                                           S_IFCHR | devices[i]->mode, devices[i]->number));
        if (e != E_OK)
            return e;
    }
    return E_OK;
}

static enum err fill_links(void)
{
    static const char *const links[][2] = {
        {"/dev/fd", "/proc/self/fd"},
        {"/dev/stdin", "/proc/self/fd/0"},
        {"/dev/stdout", "/proc/self/fd/1"},
        {"/dev/stderr", "/proc/self/fd/2"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(links); i++) {
        enum err e = present(vfs_make_symlink(links[i][1], (struct vfs_place){NULL, links[i][0]}));
        if (e != E_OK)
            return e;
    }
    return E_OK;
}

enum err devfs_fill(void)
{
    uint32_t umask = fs_current()->umask;
    fs_current()->umask = 0;
    enum err e = present(vfs_make_directory((struct vfs_place){NULL, "/dev"}, 0755));
    if (e == E_OK)
        e = fill_nodes();
    if (e == E_OK)
        e = fill_links();
    if (e == E_OK)
        e = present(vfs_make_directory((struct vfs_place){NULL, "/dev/shm"}, 0777 | S_ISVTX));
    if (e == E_OK)
        e = present(vfs_make_directory((struct vfs_place){NULL, "/dev/pts"}, 0755));
    fs_current()->umask = umask;
    return e;
}
