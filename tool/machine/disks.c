/* SPDX-License-Identifier: MIT */
#include "machine/disks.h"
#include "host/fail.h"
#include "machine/emulator.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* QEMU's locks of image files: of the byte at 100 and the number of what a QEMU does, and of that at 200
 * and the number of what others must not do. */
enum {
    QEMU_WRITES = 100 + 1,
    QEMU_FORBIDS_WRITING = 200 + 1,
};

const char *disks_add(struct disks *disks, const char *text)
{
    size_t length = strlen(text);
    bool readonly = length >= 3 && strcmp(text + length - 3, ":ro") == 0;
    bool writable = length >= 3 && strcmp(text + length - 3, ":rw") == 0;
    if (disks->count == DISKS_MAX)
        return "a machine has at most 16 disks";
    if (readonly || writable)
        length -= 3;
    if (length == 0)
        return "the name of a file is missing";
    disks->disk[disks->count++] =
        (struct disk_file){string_format("%.*s", (int)length, text), readonly};
    return NULL;
}

static bool is_locked(int fd, off_t byte)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

static void check_file(const struct disk_file *d, struct stat *st)
{
    int fd = open(d->file, (d->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        fail(STATUS_FAILED,
             "--disk %s: there is no such file; truncate -s 1G %s makes an empty one", d->file,
             d->file);
    if (fd < 0 && errno == EISDIR)
        fail(STATUS_FAILED, "--disk %s: this is a folder, and a disk is a file", d->file);
    if (fd < 0 && !d->readonly && access(d->file, R_OK) == 0)
        fail_errno("--disk %s: the file cannot be written, and --disk %s:ro only reads it", d->file,
                   d->file);
    if (fd < 0 || fstat(fd, st) != 0)
        fail_errno("--disk %s: cannot open the file", d->file);
    if (S_ISDIR(st->st_mode))
        fail(STATUS_FAILED, "--disk %s: this is a folder, and a disk is a file", d->file);
    if (!S_ISREG(st->st_mode) && !S_ISBLK(st->st_mode))
        fail(STATUS_FAILED, "--disk %s: this is neither a file nor a block device", d->file);
    if (S_ISREG(st->st_mode) && st->st_size < 512)
        fail(STATUS_FAILED, "--disk %s: the file is empty; truncate -s 1G %s gives it a size",
             d->file, d->file);
    if (is_locked(fd, QEMU_WRITES) || (!d->readonly && is_locked(fd, QEMU_FORBIDS_WRITING)))
        fail(STATUS_FAILED, "--disk %s: another machine has this disk", d->file);
    close(fd);
}

void disks_check(const struct disks *disks)
{
    struct stat st[DISKS_MAX];
    for (unsigned i = 0; i < disks->count; i++) {
        check_file(&disks->disk[i], &st[i]);
        for (unsigned k = 0; k < i; k++)
            if (st[k].st_ino == st[i].st_ino && st[k].st_dev == st[i].st_dev &&
                !(disks->disk[k].readonly && disks->disk[i].readonly))
                fail(STATUS_FAILED, "--disk %s: this machine has the disk already",
                     disks->disk[i].file);
    }
}

void disks_qemu(const struct disks *disks, unsigned place, struct args *args)
{
    for (unsigned i = 0; i < disks->count; i++) {
        const struct disk_file *d = &disks->disk[i];
        char *escaped = escape_commas(d->file);
        args_add(args, "-drive");
        args_format(args, "if=none,id=disk%u,format=raw,discard=unmap%s,file=%s", i,
                    d->readonly ? ",readonly=on" : "", escaped);
        free(escaped);
        args_add(args, "-device");
        /* Errors are the program's: QEMU would stop the machine when this computer's disk is full. */
        if (place > 0)
            args_format(args,
                        "virtio-blk-device,drive=disk%u,werror=report,rerror=report,"
                        "bus=virtio-mmio-bus.%u",
                        i, place + i);
        else
            args_format(args,
                        "virtio-blk-pci,drive=disk%u,werror=report,rerror=report,"
                        "disable-legacy=on",
                        i);
    }
}
