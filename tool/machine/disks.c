/* SPDX-License-Identifier: MIT */
#include "machine/disks.h"
#include "host/fail.h"
#include "host/guard.h"
#include "host/path.h"
#include "image/words.h"
#include "machine/emulator.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* QEMU's locks of image files: of the byte at 100 and the number of what a QEMU does, and of that at 200
 * and the number of what others must not do. */
enum {
    QEMU_WRITES = 100 + 1,
    QEMU_FORBIDS_WRITING = 200 + 1,

    SWAP_PAGE = 4096,

    EXT4_MAGIC_AT = 1024 + 56, /* of the file system's first superblock */

    FULL =
        1
        << 20, /* bytes that are left in a file system without space: less than one write of QEMU */
};

/* The length without :ro and :rw. */
static size_t length_of(const char *text, bool *readonly)
{
    *readonly = string_ends(text, ":ro");
    return strlen(text) - (*readonly || string_ends(text, ":rw") ? 3 : 0);
}

static const char *add_file(struct disks *disks, char *file, bool readonly, char *mount)
{
    if (disks->count == DISKS_MAX)
        return "a machine has at most 16 disks";
    if (*file == '\0')
        return "the name of a file is missing";
    unsigned at = disks->count++;
    if (at > 0 && disks->disk[at - 1].swap > 0) {
        disks->disk[at] = disks->disk[at - 1]; /* stays the last */
        at--;
    }
    disks->disk[at] = (struct disk_file){file, readonly, mount, 0};
    return NULL;
}

const char *disks_add_swap(struct disks *disks, uint64_t size)
{
    if (size < DISKS_SWAP_MIN || size > DISKS_SWAP_MAX)
        return "from 64K to 1T";
    if (disks->count > 0 && disks->disk[disks->count - 1].swap > 0)
        return "a machine has one swap device";
    if (disks->count == DISKS_MAX)
        return "a machine has at most 16 disks";
    disks->disk[disks->count++].swap = size;
    return NULL;
}

const char *disks_add(struct disks *disks, const char *text)
{
    bool readonly;
    size_t length = length_of(text, &readonly);
    return add_file(disks, string_format("%.*s", (int)length, text), readonly, NULL);
}

const char *disks_add_volume(struct disks *disks, const char *text)
{
    bool readonly;
    char *file = string_format("%.*s", (int)length_of(text, &readonly), text), *at = NULL;
    for (char *next = file; (next = strstr(next, ":/")) != NULL; next++)
        at = next;
    if (at == NULL)
        return "not FILE:/PATH, where PATH is the folder of the machine";
    *at = '\0';
    char *mount = path_normalise(at + 1);
    if (strcmp(mount, "/") == 0)
        return "a volume is mounted at a folder below /";
    for (unsigned i = 0; i < disks->count; i++)
        if (disks->disk[i].mount && strcmp(disks->disk[i].mount, mount) == 0)
            return "another volume is mounted there";
    return add_file(disks, file, readonly, mount);
}

/* "--disk" or "--volume": for messages. */
static const char *option_of(const struct disk_file *d)
{
    return d->mount ? "--volume" : "--disk";
}

static bool is_locked(int fd, off_t byte)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

static bool has_locks(int fd, bool writes)
{
    return is_locked(fd, QEMU_WRITES) || (writes && is_locked(fd, QEMU_FORBIDS_WRITING));
}

bool disks_in_use(const char *file, bool writes)
{
    int fd = open(file, O_RDWR | O_CLOEXEC);
    bool used = fd >= 0 && has_locks(fd, writes);
    if (fd >= 0)
        close(fd);
    return used;
}

static void check_file(const struct disk_file *d, struct stat *st)
{
    const char *option = option_of(d);
    int fd = open(d->file, (d->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && d->mount)
        fail(STATUS_FAILED, "--volume %s: there is no such file; without :ro it is made", d->file);
    if (fd < 0 && errno == ENOENT)
        fail(STATUS_FAILED,
             "--disk %s: there is no such file; truncate -s 1G %s makes an empty one", d->file,
             d->file);
    if (fd < 0 && errno == EISDIR)
        fail(STATUS_FAILED, "%s %s: this is a folder, and a disk is a file", option, d->file);
    if (fd < 0 && !d->readonly && access(d->file, R_OK) == 0)
        fail_errno("%s %s: the file cannot be written, and :ro after it only reads it", option,
                   d->file);
    if (fd < 0 || fstat(fd, st) != 0)
        fail_errno("%s %s: cannot open the file", option, d->file);
    if (S_ISDIR(st->st_mode))
        fail(STATUS_FAILED, "%s %s: this is a folder, and a disk is a file", option, d->file);
    if (!S_ISREG(st->st_mode) && !S_ISBLK(st->st_mode))
        fail(STATUS_FAILED, "%s %s: this is neither a file nor a block device", option, d->file);
    if (S_ISREG(st->st_mode) && st->st_size < 512)
        fail(STATUS_FAILED, "%s %s: the file is empty; truncate -s 1G %s gives it a size", option,
             d->file, d->file);
    if (has_locks(fd, !d->readonly))
        fail(STATUS_FAILED, "%s %s: another machine has this disk", option, d->file);
    close(fd);
}

static void make_ext4(const char *option, const char *file, uint64_t size, const struct args *more)
{
    const char *const words[] = {"mke2fs", "-q", "-F", "-t", "ext4", NULL};
    char *path = string_format("%s:/usr/sbin:/sbin", getenv("PATH") ? getenv("PATH") : "/bin");
    struct args args = {0};
    struct child child;
    int status = 0, fd = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0 || ftruncate(fd, (off_t)size) != 0)
        fail_errno("%s %s: cannot make the file", option, file);
    close(fd);
    setenv("PATH", path, 1);
    args_all(&args, words);
    for (size_t i = 0; i < more->count; i++)
        args_add(&args, more->item[i]);
    args_add(&args, file);
    const struct spawn spawn = {
        .argv = args.item, .input = -1, .output = -1, .error = STDERR_FILENO};
    bool started = child_start(&spawn, &child);
    if (started)
        (void)child_wait(&child, -1, &status);
    if (!started || status != 0) {
        unlink(file);
        fail(STATUS_FAILED, "%s %s: mke2fs, of the package e2fsprogs, makes no ext4 in it", option,
             file);
    }
    args_free(&args);
    free(path);
}

void disks_make_quietly(const char *file, uint64_t size)
{
    const struct args none = {0};
    make_ext4("--volume", file, size, &none);
}

void disks_make_ext4(const char *file, uint64_t size, const struct disks_ext4 *how)
{
    struct args more = {0};
    const char *const words[] = {"-L", how->label, "-U", how->uuid, "-E", NULL};
    char *date = string_format("%u", how->date);
    setenv("E2FSPROGS_FAKE_TIME", date, 1);
    args_all(&more, words);
    args_format(&more, "hash_seed=%s,root_owner=0:0", how->uuid);
    make_ext4("--data", file, size, &more);
    args_free(&more);
    free(date);
}

void disks_make_volume(const char *file, uint64_t size)
{
    disks_make_quietly(file, size);
    warn("made the volume %s: ext4, %llu MiB", file, (unsigned long long)(size >> 20));
}

/* Fails the tool if the file has no ext4 file system. */
static void check_volume(const struct disk_file *d)
{
    unsigned char magic[2] = {0};
    int fd = open(d->file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || pread(fd, magic, sizeof magic, EXT4_MAGIC_AT) != sizeof magic ||
        magic[0] != 0x53 || magic[1] != 0xef)
        fail(
            STATUS_FAILED,
            "--volume %s: there is no ext4 in the file: name one that is not there yet, or give it to the "
            "program as it is by --disk %s",
            d->file, d->file);
    close(fd);
}

/* A sparse file with the header that mkswap(8) writes, so that it needs no util-linux. */
static void make_swap(const char *file, uint64_t size)
{
    static const char magic[] = "SWAPSPACE2"; /* the last bytes of the first page */
    unsigned char page[SWAP_PAGE] = {0};
    const uint32_t numbers[] = {1, (uint32_t)(size / SWAP_PAGE - 1)}; /* version, last page */
    memcpy(page + 1024, numbers, sizeof numbers);
    memcpy(page + SWAP_PAGE - (sizeof magic - 1), magic, sizeof magic - 1);
    int fd = open(file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)size) != 0 ||
        pwrite(fd, page, sizeof page, 0) != (ssize_t)sizeof page)
        fail_errno("--swap: cannot make %s", file);
    close(fd);
}

void disks_check(const struct disks *disks)
{
    struct stat st[DISKS_MAX];
    for (unsigned i = 0; i < disks->count; i++) {
        if (disks->disk[i].swap > 0)
            continue; /* the last one: disks_qemu() makes it */
        if (disks->disk[i].mount && !disks->disk[i].readonly &&
            access(disks->disk[i].file, F_OK) != 0 && errno == ENOENT)
            disks_make_volume(disks->disk[i].file,
                              disks->volume_size > 0 ? disks->volume_size : DISKS_VOLUME_SIZE);
        check_file(&disks->disk[i], &st[i]);
        for (unsigned k = 0; k < i; k++)
            if (st[k].st_ino == st[i].st_ino && st[k].st_dev == st[i].st_dev &&
                !(disks->disk[k].readonly && disks->disk[i].readonly))
                fail(STATUS_FAILED, "%s %s: this machine has the disk already",
                     option_of(&disks->disk[i]), disks->disk[i].file);
        if (disks->disk[i].mount)
            check_volume(&disks->disk[i]);
    }
}

void disks_words(const struct disks *disks, struct args *words)
{
    for (unsigned i = 0; i < disks->count; i++)
        if (disks->disk[i].swap > 0)
            args_format(words, "swap=vd%c", 'a' + i);
        else if (disks->disk[i].mount)
            words_plain(words,
                        string_format("mount=/dev/vd%c:%s%s", 'a' + i, disks->disk[i].mount,
                                      disks->disk[i].readonly ? ":ro" : ""),
                        "the volume's folder");
}

void disks_qemu(const struct disks *disks, unsigned place, struct args *args)
{
    for (unsigned i = 0; i < disks->count; i++) {
        const struct disk_file *d = &disks->disk[i];
        char *made = d->swap > 0 ? guard_path("swap") : NULL;
        if (made)
            make_swap(made, d->swap);
        char *escaped = escape_commas(made ? made : d->file);
        args_add(args, "-drive");
        args_format(args, "if=none,id=disk%u,format=raw,discard=unmap%s,file=%s", i,
                    made          ? ",cache=unsafe"
                    : d->readonly ? ",readonly=on"
                                  : "",
                    escaped);
        free(made);
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

/* A file that has all its blocks needs no more. */
static bool is_out_of_space(const char *file)
{
    struct stat st;
    struct statvfs space;
    return stat(file, &st) == 0 && S_ISREG(st.st_mode) && st.st_blocks < st.st_size / 512 &&
           statvfs(file, &space) == 0 &&
           (geteuid() == 0 ? space.f_bfree : space.f_bavail) * space.f_frsize < FULL;
}

void disks_warn_if_full(const struct disks *disks)
{
    for (unsigned i = 0; i < disks->count; i++) {
        const struct disk_file *d = &disks->disk[i];
        if (d->swap == 0 && !d->readonly && is_out_of_space(d->file))
            warn(
                "%s %s: this computer's file system has no space left: what the program wrote may be lost",
                option_of(d), d->file);
    }
}
