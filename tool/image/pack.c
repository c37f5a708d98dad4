/* SPDX-License-Identifier: MIT */
/*
 * Writes a tree as a cpio archive (image/cpio_writer.h): numbers the inodes, so that hard links stay
 * hard links, checks that the archive fits into the machine's memory, and copies the files' data.
 * Files are read while they are packed; the tool fails if one shrinks meanwhile. Selecting the files
 * is the work of image/tree.c, image/program.c and image/library.c.
 */
#include "image/pack.h"
#include "host/fail.h"
#include "host/progress.h"
#include "host/text.h"
#include "image/cpio_writer.h"
#include "image/date.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define MIB        (UINT64_C(1) << 20)
#define COPY_BLOCK (1u << 20)

struct packer {
    struct cpio_writer writer;
    const char *file;
    uint64_t needed;  /* bytes of memory, at least */
    uint64_t total;   /* bytes expected, for the progress line */
    uint32_t *number; /* by entry: its inode number in the archive; equal for hard links */
    uint32_t *links;  /* by entry: how many names of that file the tree has */
    bool *carries;    /* by entry: the file's data follows this name */
    void *block;
};

static uint32_t clamp_time(time_t t)
{
    return t < 0 ? 0 : t > date_of_image() ? date_of_image() : (uint32_t)t;
}

static struct cpio_item item_of(const struct packer *packer, const struct tree *tree, size_t i)
{
    const struct entry *entry = &tree->entry[i];
    bool device = S_ISCHR(entry->stat.st_mode) || S_ISBLK(entry->stat.st_mode);
    struct cpio_item item = {
        .name = entry->path[0] ? entry->path : ".",
        .mode = entry->stat.st_mode,
        .uid = entry->stat.st_uid,
        .gid = entry->stat.st_gid,
        .nlink = packer->links[i],
        .mtime = clamp_time(entry->stat.st_mtim.tv_sec),
        .ino = packer->number[i],
        .rdev_major = device ? major(entry->stat.st_rdev) : 0,
        .rdev_minor = device ? minor(entry->stat.st_rdev) : 0,
    };
    if (entry->target)
        item.size = (uint32_t)strlen(entry->target);
    else if (entry->source && packer->carries[i])
        item.size = (uint32_t)entry->stat.st_size;
    return item;
}

static const struct tree *sorting; /* qsort has no context argument in C */

static int by_inode(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    const struct stat *s = &sorting->entry[x].stat, *t = &sorting->entry[y].stat;
    if (s->st_dev != t->st_dev)
        return s->st_dev < t->st_dev ? -1 : 1;
    if (s->st_ino != t->st_ino)
        return s->st_ino < t->st_ino ? -1 : 1;
    return x < y ? -1 : 1;
}

/* All names of one file get one inode number; the last name gets the data, as in cpio(1). */
static void number_entries(struct packer *packer, const struct tree *tree)
{
    size_t *linked = memory(tree->count * sizeof(*linked)), count = 0;
    for (size_t i = 0; i < tree->count; i++) {
        const struct entry *entry = &tree->entry[i];
        packer->number[i] = (uint32_t)i + 1;
        packer->links[i] = S_ISDIR(entry->stat.st_mode) ? 2 : 1;
        packer->carries[i] = true;
        if (entry->source && entry->stat.st_nlink > 1)
            linked[count++] = i;
    }
    sorting = tree;
    qsort(linked, count, sizeof(*linked), by_inode);
    for (size_t first = 0, end; first < count; first = end) {
        const struct stat *st = &tree->entry[linked[first]].stat;
        for (end = first + 1; end < count; end++)
            if (tree->entry[linked[end]].stat.st_ino != st->st_ino ||
                tree->entry[linked[end]].stat.st_dev != st->st_dev)
                break;
        for (size_t i = first; i < end; i++) {
            packer->number[linked[i]] = (uint32_t)linked[first] + 1;
            packer->links[linked[i]] = (uint32_t)(end - first);
            packer->carries[linked[i]] = i == end - 1;
        }
    }
    free(linked);
}

/* Numbers the files, and adds up what they need. */
static void begin(struct packer *packer, const struct tree *tree, uint64_t kernel_end)
{
    packer->number = memory(tree->count * sizeof(*packer->number));
    packer->links = memory(tree->count * sizeof(*packer->links));
    packer->carries = memory(tree->count * sizeof(*packer->carries));
    number_entries(packer, tree);
    for (size_t i = 0; i < tree->count; i++) {
        struct cpio_item item = item_of(packer, tree, i);
        packer->total += cpio_room(&item);
    }
    packer->needed = kernel_end + (packer->total + 8191) / 4096 * 4096;
}

static void end(struct packer *packer)
{
    free(packer->number);
    free(packer->links);
    free(packer->carries);
}

uint64_t pack_needed(const struct tree *tree, uint64_t kernel_end)
{
    struct packer packer = {0};
    begin(&packer, tree, kernel_end);
    end(&packer);
    return packer.needed;
}

/* QEMU puts the archive at the end of memory without checking for an overlap with the kernel. */
static void check_memory(const struct packer *packer, uint64_t memory_bytes)
{
    if (memory_bytes > 0 && packer->needed > memory_bytes)
        fail(STATUS_FAILED,
             "the root folder needs at least %.4g MiB of memory, the machine has %.4g",
             (double)packer->needed / MIB, (double)memory_bytes / MIB);
    if (packer->total > UINT32_MAX)
        fail(STATUS_FAILED,
             "the root folder is larger than 4 GiB, more than a boot loader can load");
}

static void write_failed(const struct packer *packer)
{
    fail_errno("cannot write %s", packer->file);
}

static void copy_file(struct packer *packer, const struct entry *entry, uint32_t size)
{
    int fd = open(entry->source, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        fail_errno("cannot read %s", entry->source);
    while (size > 0) {
        ssize_t got = read(fd, packer->block, size < COPY_BLOCK ? size : COPY_BLOCK);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            fail_errno("cannot read %s", entry->source);
        if (got == 0)
            fail(STATUS_FAILED, "%s was truncated while it was packed", entry->source);
        if (!cpio_data(&packer->writer, packer->block, (uint32_t)got))
            write_failed(packer);
        size -= (uint32_t)got;
        progress_step(packer->writer.offset, packer->total);
    }
    close(fd);
}

static void pack_entry(struct packer *packer, const struct tree *tree, size_t i)
{
    const struct entry *entry = &tree->entry[i];
    struct cpio_item item = item_of(packer, tree, i);
    if (i == 0) /* the empty path sorts first */
        packer->writer.root = item;
    if (!cpio_item(&packer->writer, &item))
        write_failed(packer);
    if (entry->target && !cpio_data(&packer->writer, entry->target, item.size))
        write_failed(packer);
    if (entry->source && item.size > 0)
        copy_file(packer, entry, item.size);
}

uint64_t pack_tree(const struct tree *tree, const char *file, uint64_t kernel_end,
                   uint64_t memory_bytes)
{
    struct packer packer = {.file = file};
    packer.block = memory(COPY_BLOCK);
    begin(&packer, tree, kernel_end);
    check_memory(&packer, memory_bytes);
    packer.writer.out = fopen(file, "we");
    if (!packer.writer.out)
        write_failed(&packer);
    progress_start("packing");
    for (size_t i = 0; i < tree->count; i++)
        pack_entry(&packer, tree, i);
    if (!cpio_finish(&packer.writer) || fclose(packer.writer.out) != 0)
        write_failed(&packer);
    end(&packer);
    free(packer.block);
    return packer.needed;
}
