/* SPDX-License-Identifier: MIT */
/*
 * What there can be much of on disks (growth.c): /dev/vda has an empty ext4 and is mounted at /data, /dev/vdb is for swap. Each
 * add_ and do_ function is as those of crowd.h and operations.h.
 */
#pragma once

#include "operations.h"

#include <errno.h>
#include <semaphore.h>
#include <sys/swap.h>

#define STORED       "/data"
#define STORED_MANY  STORED "/many"
#define SWAPPED_MAX  10000
#define DIRECT_BYTES ((size_t)4096)

/* Linux's kernel has the drivers and the mount still to come; on Ouro all is there. */
static bool have_disks(void)
{
    static const char *const modules[] = {
        "virtio_ring",           "virtio",     "virtio_pci_modern_dev",
        "virtio_pci_legacy_dev", "virtio_pci", "virtio_blk"};
    static int known = -1;
    struct stat root, data;
    if (known >= 0)
        return known;
    mkdir("/dev", 0755);
    mkdir(STORED, 0755);
    if (access("/proc/ouro", F_OK) != 0) {
        mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
        insert_modules(modules, sizeof modules / sizeof *modules);
        for (int i = 0; i < 500 && access("/dev/vdb", F_OK) != 0; i++)
            usleep(10000);
    }
    if (stat("/", &root) == 0 && stat(STORED, &data) == 0 && root.st_dev == data.st_dev)
        mount("/dev/vda", STORED, "ext4", 0, "");
    known = stat(STORED, &data) == 0 && root.st_dev != data.st_dev;
    if (!known)
        errno = ENODEV;
    return known;
}

/* ---- files in a stored folder ---- */

static bool add_stored(long i)
{
    char name[64];
    struct stat status;
    if (!have_disks() || (i == 0 && mkdir(STORED_MANY, 0755) != 0))
        return false;
    snprintf(name, sizeof name, STORED_MANY "/file%ld", i);
    int fd = open(name, O_CREAT | O_WRONLY, 0644);
    if (fd < 0 || close(fd) != 0)
        return false;
    snprintf(name, sizeof name, STORED_MANY "/absent%ld", i);
    return stat(name, &status) != 0;
}

static bool do_stat_stored(long n, long rounds)
{
    char name[64];
    struct stat status;
    for (long i = 0; i < rounds; i++) {
        snprintf(name, sizeof name, STORED_MANY "/file%ld", pick(n));
        if (stat(name, &status) != 0)
            return false;
    }
    return true;
}

/* The name of a file of the crowd is new each time. */
static bool do_create_unlink_stored(long n, long rounds)
{
    static long next;
    char name[64];
    (void)n;
    for (long i = 0; i < rounds; i++) {
        snprintf(name, sizeof name, STORED_MANY "/new%ld", next++);
        int fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0644);
        if (fd < 0 || close(fd) != 0 || unlink(name) != 0)
            return false;
    }
    return true;
}

static bool do_mkdir_rmdir_stored(long n, long rounds)
{
    (void)n;
    for (long i = 0; i < rounds; i++)
        if (mkdir(STORED_MANY "/folder", 0755) != 0 || rmdir(STORED_MANY "/folder") != 0)
            return false;
    return true;
}

/* ---- mounts ---- */

static long mounts;

static void mount_name(char *name, size_t size, long i)
{
    snprintf(name, size, "/tmp/mounts/%ld", i);
}

static bool add_mount(long i)
{
    char name[64];
    mkdir("/tmp/mounts", 0755);
    mount_name(name, sizeof name, i);
    mounts = i + 1;
    return mkdir(name, 0755) == 0 && mount("none", name, "tmpfs", 0, "") == 0;
}

/* All of the same folder. */
static bool add_bind(long i)
{
    char name[64];
    mkdir("/tmp/mounts", 0755);
    mkdir("/tmp/bound", 0755);
    mount_name(name, sizeof name, i);
    mounts = i + 1;
    return (mkdir(name, 0755) == 0 || errno == EEXIST) &&
           mount("/tmp/bound", name, NULL, MS_BIND, NULL) == 0;
}

static void end_mounts(void)
{
    char name[64];
    while (mounts-- > 0) {
        mount_name(name, sizeof name, mounts);
        umount(name);
    }
}

static bool do_stat_mounted(long n, long rounds)
{
    char name[64];
    struct stat status;
    for (long i = 0; i < rounds; i++) {
        mount_name(name, sizeof name, pick(n));
        strcat(name, "/..");
        if (stat(name, &status) != 0)
            return false;
    }
    return true;
}

static bool do_mount_umount(long n, long rounds)
{
    (void)n;
    mkdir("/tmp/mounted", 0755);
    for (long i = 0; i < rounds; i++)
        if (mount("none", "/tmp/mounted", "tmpfs", 0, "") != 0 || umount("/tmp/mounted") != 0)
            return false;
    return true;
}

static bool do_bind_umount(long n, long rounds)
{
    (void)n;
    mkdir("/tmp/mounted", 0755);
    for (long i = 0; i < rounds; i++)
        if (mount("/tmp/bound", "/tmp/mounted", NULL, MS_BIND, NULL) != 0 ||
            umount("/tmp/mounted") != 0)
            return false;
    return true;
}

/* ---- dirty pages ---- */

static int dirty_file = -1;

/* Every other page of a file, so that they are no run. */
static bool add_dirty(long i)
{
    if (have_disks() && dirty_file < 0)
        dirty_file = open(STORED "/dirty", O_CREAT | O_RDWR, 0644);
    return dirty_file >= 0 && pwrite(dirty_file, "dirty", 5, 2 * i * (long)PAGE) == 5;
}

static bool do_write_dirty(long n, long rounds)
{
    for (long i = 0; i < rounds; i++)
        if (pwrite(dirty_file, "again", 5, 2 * pick(n) * (long)PAGE) != 5)
            return false;
    return true;
}

/* Another file's page is written to the disk. */
static bool do_sync_other(long n, long rounds)
{
    int fd = open(STORED "/other", O_CREAT | O_RDWR, 0644);
    bool good = fd >= 0;
    (void)n;
    for (long i = 0; good && i < rounds; i++)
        good = pwrite(fd, "other", 5, 0) == 5 && fdatasync(fd) == 0;
    close(fd);
    return good;
}

/* ---- requests under way ---- */

static int direct_file = -1;
static sem_t direct_go, direct_done;
static atomic_long direct_left;

static void *read_direct(void *unused)
{
    char *block =
        mmap(NULL, DIRECT_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    long left;
    (void)unused;
    for (;;) {
        sem_wait(&direct_go);
        while ((left = atomic_fetch_sub(&direct_left, 1)) > 0)
            if (pread(direct_file, block, DIRECT_BYTES, left % 256 * (long)DIRECT_BYTES) !=
                (ssize_t)DIRECT_BYTES)
                perror("read");
        sem_post(&direct_done);
    }
    return NULL;
}

static bool add_direct_reader(long i)
{
    pthread_t made;
    if (!have_disks())
        return false;
    if (i == 0) {
        direct_file = open("/dev/vda", O_RDONLY | O_DIRECT);
        sem_init(&direct_go, 0, 0);
        sem_init(&direct_done, 0, 0);
    }
    return direct_file >= 0 && start_thread(&made, read_direct, NULL);
}

/* The threads of the crowd read together until `rounds` blocks have been read. */
static bool do_read_direct(long n, long rounds)
{
    atomic_store(&direct_left, rounds);
    for (long i = 0; i < n; i++)
        sem_post(&direct_go);
    for (long i = 0; i < n; i++)
        sem_wait(&direct_done);
    return true;
}

/* ---- swapped pages ---- */

static char *swapped;

static bool page_out(long i)
{
    char *page = swapped + 2 * (size_t)i * PAGE;
    *page = (char)i;
    return madvise(page, PAGE, MADV_PAGEOUT) == 0;
}

/* Every other page of an area. */
static bool add_swapped(long i)
{
    if (!have_disks())
        return false;
    if (i == 0) {
        swapon("/dev/vdb", 0); /* on Ouro it is on */
        swapped = mmap(NULL, 2 * SWAPPED_MAX * PAGE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (swapped == MAP_FAILED)
            return false;
        madvise(swapped, 2 * SWAPPED_MAX * PAGE, MADV_NOHUGEPAGE);
    }
    return page_out(i);
}

/* A page comes back, is changed and goes again. */
static bool do_swap_in_out(long n, long rounds)
{
    for (long i = 0; i < rounds; i++)
        if (!page_out(pick(n)))
            return false;
    return true;
}

static void end_swapped(void)
{
    munmap(swapped, 2 * SWAPPED_MAX * PAGE);
}
