/* SPDX-License-Identifier: MIT */
/* `ouro usb DISK`: writes an image to a USB stick and verifies it. Writes nothing without a confirmation
 * or --yes. */
#include "command/commands.h"
#include "command/disk.h"
#include "host/fail.h"
#include "host/file.h"
#include "host/progress.h"
#include "machine/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE (1u << 20)

static void ask(const struct disk *disk, uint64_t size, bool yes)
{
    char *size_text = disk_size_text(size), answer[16];
    fprintf(stderr, "%s: %s\n%s", disk->path, disk->description,
            disk->parts.length ? disk->parts.bytes : "");
    if (!yes) {
        if (!isatty(STDIN_FILENO))
            fail(STATUS_FAILED, "there is nobody to ask: --yes writes without asking");
        fprintf(stderr, "ouro: %s will be written to it, and its contents will be lost. Type yes: ",
                size_text);
        if (!fgets(answer, sizeof(answer), stdin) || strcmp(answer, "yes\n") != 0)
            fail(STATUS_FAILED, "nothing was written");
    }
    free(size_text);
}

/* Reads until the block is full or the file ends. Fails the tool. */
static size_t read_piece(int fd, const char *name, char *piece)
{
    size_t done = 0;
    while (done < PIECE) {
        ssize_t got = read(fd, piece + done, PIECE - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            fail_errno("cannot read %s", name);
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return done;
}

static void write_piece(int fd, const char *name, const char *piece, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t put = write(fd, piece + done, size - done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            fail_errno("%s cannot be written to its end: it is not usable now", name);
        done += (size_t)put;
    }
}

static void copy(int image, const char *image_name, int disk, const struct disk *to, uint64_t size)
{
    char *piece = memory(PIECE);
    uint64_t done = 0;
    progress_start("writing");
    for (size_t got; (got = read_piece(image, image_name, piece)) > 0; done += got) {
        write_piece(disk, to->path, piece, got);
        progress_step(done, size);
    }
    if (fsync(disk) != 0 && errno != EINVAL) /* EINVAL: the file does not support fsync() */
        fail_errno("%s cannot be written to its end: it is not usable now", to->path);
    progress_clear();
    free(piece);
}

/* Compares the disk with the image, past the page cache. */
static void verify(int image, const char *image_name, int disk, const struct disk *to,
                   uint64_t size)
{
    char *wanted = memory(PIECE), *there = memory(PIECE);
    uint64_t done = 0;
    ioctl(disk, BLKFLSBUF, 0);
    (void)posix_fadvise(disk, 0, 0, POSIX_FADV_DONTNEED);
    if (lseek(image, 0, SEEK_SET) != 0 || lseek(disk, 0, SEEK_SET) != 0)
        fail_errno("cannot read %s from its start", to->path);
    progress_start("reading it back");
    for (size_t got; (got = read_piece(image, image_name, wanted)) > 0; done += got) {
        size_t back = 0;
        while (back < got) {
            ssize_t n = read(disk, there + back, got - back);
            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0)
                fail_errno("cannot read %s", to->path);
            if (n == 0)
                fail(STATUS_FAILED, "%s ends after %llu of %llu bytes", to->path,
                     (unsigned long long)(done + back), (unsigned long long)size);
            back += (size_t)n;
        }
        for (size_t i = 0; i < got; i++)
            if (wanted[i] != there[i])
                fail(STATUS_FAILED, "%s does not keep what is written: byte %llu differs", to->path,
                     (unsigned long long)(done + i));
        progress_step(done, size);
    }
    progress_clear();
    free(there);
    free(wanted);
}

int command_usb(int argc, char **argv)
{
    struct request request;
    struct program program;
    struct tree tree;
    struct disk disk;
    struct stat st;
    options_read(COMMAND_USB, argc, argv, &request);
    char *problem = disk_look(request.device, &disk);
    if (problem)
        fail(STATUS_FAILED, "%s is not written to: %s", request.device, problem);
    boot_prepare(&request, &program, &tree);
    const char *name = request.machine.image;
    int image = open(name, O_RDONLY | O_CLOEXEC);
    if (image < 0 || fstat(image, &st) != 0)
        fail_errno("cannot read %s", name);
    uint64_t size = (uint64_t)st.st_size;
    if (size > disk.size)
        fail(STATUS_FAILED, "%s is too small: the image has %llu bytes, and %llu fit", disk.path,
             (unsigned long long)size, (unsigned long long)disk.size);
    ask(&disk, size, request.yes);
    /* O_EXCL: the kernel refuses a disk in use. */
    int to = open(disk.path, O_RDWR | O_EXCL | O_CLOEXEC);
    if (to < 0)
        fail_errno("cannot open %s for writing", disk.path);
    copy(image, name, to, &disk, size);
    verify(image, name, to, &disk, size);
    ioctl(to, BLKRRPART, 0); /* rereads the partition table; errors do not matter */
    close(to);
    close(image);
    fprintf(stderr, "ouro: %s was written and read back\n", disk.path);
    disk_free(&disk);
    return 0;
}
