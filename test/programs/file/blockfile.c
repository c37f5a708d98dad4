/* SPDX-License-Identifier: MIT */
/*
 * A block file, whose path is the first argument: what Linux and Ouro say must be the same. The disk has 4 MiB, 512-byte
 * blocks and no partitions, and is overwritten. With a second argument the disk is mounted there, and stays as it
 * is; more of them are sectors to read.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* linux/fs.h, which musl has not */
#define BLKROGET      _IO(0x12, 94)
#define BLKRRPART     _IO(0x12, 95)
#define BLKGETSIZE    _IO(0x12, 96)
#define BLKFLSBUF     _IO(0x12, 97)
#define BLKSECTGET    _IO(0x12, 103)
#define BLKSSZGET     _IO(0x12, 104)
#define BLKBSZGET     _IOR(0x12, 112, size_t)
#define BLKGETSIZE64  _IOR(0x12, 114, size_t)
#define BLKIOMIN      _IO(0x12, 120)
#define BLKALIGNOFF   _IO(0x12, 122)
#define BLKPBSZGET    _IO(0x12, 123)
#define BLKROTATIONAL _IO(0x12, 126)
#define BLKZEROOUT    _IO(0x12, 127)

#define SIZE          (4 << 20)

static const char *name_of(int number)
{
    static char text[16];
    static const struct {
        int number;
        const char *name;
    } names[] = {
        {EINVAL, "EINVAL"}, {ENOSPC, "ENOSPC"}, {EPERM, "EPERM"},          {EBADF, "EBADF"},
        {ENOTTY, "ENOTTY"}, {EBUSY, "EBUSY"},   {EFAULT, "EFAULT"},        {EIO, "EIO"},
        {ENXIO, "ENXIO"},   {ESPIPE, "ESPIPE"}, {EOPNOTSUPP, "EOPNOTSUPP"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].number == number)
            return names[i].name;
    snprintf(text, sizeof text, "%d", number);
    return text;
}

static void say(const char *what, long result)
{
    if (result < 0)
        printf("%s: %s\n", what, name_of(errno));
    else
        printf("%s: %ld\n", what, result);
}

static unsigned long sum(const unsigned char *bytes, size_t size)
{
    unsigned long value = 5381;
    for (size_t i = 0; i < size; i++)
        value = value * 33 + bytes[i];
    return value;
}

static unsigned char *buffer; /* aligned to a page */
static unsigned char *expected;
static void *volatile nowhere = (void *)8;

static void show_disk(const char *what, int fd)
{
    size_t done = 0;
    ssize_t got;
    while ((got = pread(fd, buffer + done, SIZE - done, (off_t)done)) > 0)
        done += (size_t)got;
    printf("%s: %zu bytes, sum %lx, %s\n", what, done, sum(buffer, done),
           memcmp(buffer, expected, SIZE) == 0 ? "as expected" : "NOT as expected");
}

static void show_facts(int fd)
{
    struct stat st;
    int number = -1;
    unsigned int wide = 99;
    unsigned long sectors = 1;
    uint64_t bytes = 1;
    unsigned short small = 99;
    fstat(fd, &st);
    printf("stat: %o size %lld blocks %lld blksize %ld\n", st.st_mode & S_IFMT,
           (long long)st.st_size, (long long)st.st_blocks, (long)st.st_blksize);
    say("BLKGETSIZE", ioctl(fd, BLKGETSIZE, &sectors));
    say("BLKGETSIZE64", ioctl(fd, BLKGETSIZE64, &bytes));
    printf("%lu sectors, %llu bytes\n", sectors, (unsigned long long)bytes);
    say("BLKROGET", ioctl(fd, BLKROGET, &number));
    printf("%d\n", number);
    say("BLKSSZGET", ioctl(fd, BLKSSZGET, &number));
    printf("%d\n", number);
    say("BLKPBSZGET", ioctl(fd, BLKPBSZGET, &wide));
    printf("%u\n", wide);
    say("BLKBSZGET", ioctl(fd, BLKBSZGET, &number));
    printf("%d\n", number);
    say("BLKIOMIN", ioctl(fd, BLKIOMIN, &wide));
    printf("%u\n", wide);
    say("BLKALIGNOFF", ioctl(fd, BLKALIGNOFF, &number));
    printf("%d\n", number);
    say("BLKSECTGET", ioctl(fd, BLKSECTGET, &small));
    say("BLKROTATIONAL", ioctl(fd, BLKROTATIONAL, &small));
    say("BLKFLSBUF", ioctl(fd, BLKFLSBUF, 0));
    say("BLKRRPART", ioctl(fd, BLKRRPART, 0));
    say("unknown request", ioctl(fd, 0x12fe, &number));
    say("bad address", ioctl(fd, BLKGETSIZE64, nowhere));
}

static void show_seeks(int fd)
{
    say("end", lseek(fd, 0, SEEK_END));
    say("end - 100", lseek(fd, -100, SEEK_END));
    say("read over the end", read(fd, buffer, 1000));
    say("read at the end", read(fd, buffer, 1000));
    say("beyond the end", lseek(fd, 1, SEEK_END));
    say("far", lseek(fd, 1L << 40, SEEK_SET));
    say("before the start", lseek(fd, -1, SEEK_SET));
    say("data", lseek(fd, 0, SEEK_DATA));
    say("hole", lseek(fd, 0, SEEK_HOLE));
    say("read beyond", pread(fd, buffer, 10, SIZE + 10));
    say("back", lseek(fd, 0, SEEK_SET));
}

static void put(int fd, off_t at, size_t size, unsigned seed)
{
    for (size_t i = 0; i < size; i++) {
        seed = seed * 1664525 + 1013904223;
        expected[(size_t)at + i] = (unsigned char)(seed >> 24);
    }
    memcpy(buffer + 77, expected + at, size);
    printf("%ld bytes at %ld: ", (long)size, (long)at);
    say("pwrite", pwrite(fd, buffer + 77, size, at));
}

static void show_writes(int fd)
{
    memset(expected, 0, SIZE);
    memset(buffer, 0, SIZE);
    say("zeros", pwrite(fd, buffer, SIZE, 0));
    put(fd, 0, 1, 1);
    put(fd, 511, 2, 2);
    put(fd, 1000, 100, 3);
    put(fd, 4096, 4096, 4);
    put(fd, 10001, 30003, 5);
    put(fd, 100000, 1 << 20, 6);
    put(fd, SIZE - 7, 7, 7);
    memset(buffer, 0xee, 1000);
    memset(expected + SIZE - 50, 0xee, 50);
    say("write over the end", pwrite(fd, buffer, 1000, SIZE - 50));
    say("write at the end", pwrite(fd, buffer, 1000, SIZE));
    say("write nothing at the end", pwrite(fd, buffer, 0, SIZE));
    struct iovec parts[3] = {{buffer, 10}, {buffer + 20, 700}, {buffer + 900, 3}};
    memset(expected + 2000, 0xee, 713);
    say("pwritev", pwritev(fd, parts, 3, 2000));
    say("bad memory", pwrite(fd, nowhere, 512, 0));
    say("fsync", fsync(fd));
    say("fdatasync", fdatasync(fd));
    say("sync_file_range", sync_file_range(fd, 0, 4096, SYNC_FILE_RANGE_WRITE));
    say("ftruncate", ftruncate(fd, 1000));
    show_disk("disk", fd);
}

static void show_direct(const char *path)
{
    int fd = open(path, O_RDWR | O_DIRECT);
    say("O_DIRECT", fd < 0 ? -1 : 0);
    printf("flag %d\n", (fcntl(fd, F_GETFL) & O_DIRECT) != 0);
    memset(buffer, 0x31, 8192);
    memset(expected + 8192, 0x31, 4096);
    say("whole", pwrite(fd, buffer, 4096, 8192));
    say("odd size", pwrite(fd, buffer, 1000, 8192));
    say("odd place", pwrite(fd, buffer, 512, 8193));
    say("odd address", pwrite(fd, buffer + 1, 512, 8192));
    say("sector", pread(fd, buffer + 512, 512, 1024));
    say("odd read", pread(fd, buffer, 511, 0));
    say("over the end", pread(fd, buffer, 4096, SIZE - 512));
    say("at the end", pread(fd, buffer, 4096, SIZE));
    say("write at the end", pwrite(fd, buffer, 512, SIZE));
    struct iovec good[2] = {{buffer, 512}, {buffer + 4096, 1024}},
                 bad[2] = {{buffer, 512}, {buffer, 100}};
    say("readv", preadv(fd, good, 2, 0));
    say("odd readv", preadv(fd, bad, 2, 0));
    close(fd);
}

static void show_opens(const char *path)
{
    uint64_t range[2] = {0, 4096};
    int fd = open(path, O_RDONLY), first, second;
    say("write to O_RDONLY", write(fd, buffer, 10));
    say("BLKZEROOUT on O_RDONLY", ioctl(fd, BLKZEROOUT, range));
    close(fd);
    fd = open(path, O_WRONLY | O_APPEND);
    memset(buffer, 0x41, 10);
    memset(expected, 0x41, 10);
    say("O_APPEND", write(fd, buffer, 10));
    say("place", lseek(fd, 0, SEEK_CUR));
    say("read from O_WRONLY", read(fd, buffer, 10));
    memset(expected, 0, 4096);
    say("BLKZEROOUT", ioctl(fd, BLKZEROOUT, range));
    range[1] = 100;
    say("BLKZEROOUT, odd", ioctl(fd, BLKZEROOUT, range));
    range[1] = SIZE + 512;
    say("BLKZEROOUT, large", ioctl(fd, BLKZEROOUT, range));
    close(fd);
    fd = open(path, O_RDWR | O_TRUNC | O_CREAT, 0600);
    say("O_TRUNC", fd < 0 ? -1 : 0);
    say("end", lseek(fd, 0, SEEK_END));
    close(fd);
    first = open(path, O_RDWR | O_EXCL);
    second = open(path, O_RDONLY | O_EXCL);
    say("O_EXCL", first < 0 ? -1 : 0);
    say("O_EXCL again", second);
    second = open(path, O_RDONLY);
    say("beside O_EXCL", second < 0 ? -1 : 0);
    close(second);
    close(first);
    second = open(path, O_RDONLY | O_EXCL);
    say("O_EXCL after it", second < 0 ? -1 : 0);
    close(second);
    say("mknod", mknod("/tmp/none", S_IFBLK | 0600, 200 << 8));
    say("no device", open("/tmp/none", O_RDONLY));
    unlink("/tmp/none");
}

/* Mappings, read(), write() and O_DIRECT have the same bytes. */
static void show_maps(const char *path)
{
    int fd = open(path, O_RDWR), reader = open(path, O_RDONLY);
    int direct = open(path, O_RDWR | O_DIRECT);
    unsigned char *shared, *private, byte = 0;
    shared = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 20480);
    private = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, reader, 20480);
    say("shared", shared == MAP_FAILED ? -1 : 0);
    say("private", private == MAP_FAILED ? -1 : 0);
    say("writable, of O_RDONLY",
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, reader, 0) == MAP_FAILED ? -1 : 0);
    shared[5] = 0x51;
    say("read", pread(reader, &byte, 1, 20485));
    printf("stored %x, private %x\n", byte, private[5]);
    byte = 0x52;
    say("write", pwrite(fd, &byte, 1, 20486));
    printf("written %x, private %x\n", shared[6], private[6]);
    private[7] = 0x53;
    say("read", pread(fd, &byte, 1, 20487));
    printf("private store: %s\n", byte == expected[20487] ? "not in the file" : "in the file");
    shared[8191] = 0x54;
    memset(buffer, 0, 4096);
    say("direct read", pread(direct, buffer, 4096, 24576));
    printf("of what was stored: %x\n", buffer[4095]);
    memset(buffer, 0x55, 4096);
    say("direct write", pwrite(direct, buffer, 4096, 28672));
    say("read", pread(reader, &byte, 1, 28673));
    printf("written %x, mapped %x\n", byte, shared[8194]);
    expected[20485] = 0x51;
    expected[20486] = 0x52;
    expected[28671] = 0x54;
    memset(expected + 28672, 0x55, 4096);
    say("msync", msync(shared, 12288, MS_SYNC));
    say("MADV_DONTNEED", madvise(shared, 12288, MADV_DONTNEED));
    printf("again %x %x\n", shared[5], shared[8191]);
    say("posix_fadvise", posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
    say("readahead", readahead(fd, 0, 65536));
    struct rlimit limit = {1000, 1000};
    setrlimit(RLIMIT_FSIZE, &limit);
    say("behind RLIMIT_FSIZE", pwrite(fd, &byte, 1, 28673));
    shared[100] = 0x56; /* after the last close */
    expected[20580] = 0x56;
    close(direct);
    close(reader);
    close(fd);
    shared[101] = 0x57;
    expected[20581] = 0x57;
    munmap(shared, 12288);
    printf("private at last %x\n", private[7]);
}

/* A mounted disk belongs to its file system. */
static int show_mounted(const char *path, const char *folder)
{
    say("O_EXCL, mounted", open(path, O_RDONLY | O_EXCL));
    int fd = open(path, O_RDONLY);
    say("read", pread(fd, &(char){0}, 1, 1080));
    say("umount", syscall(SYS_umount2, folder, 0));
    int again = open(path, O_RDONLY | O_EXCL);
    say("O_EXCL", again < 0 ? -1 : 0);
    say("mount", syscall(SYS_mount, path, folder, "ext4", 0, NULL));
    close(again);
    say("mount", syscall(SYS_mount, path, folder, "ext4", 0, NULL));
    return 0;
}

/* Reads sectors by O_DIRECT. */
static int show_sectors(const char *path, char **sector)
{
    int fd = open(path, O_RDONLY | O_DIRECT);
    for (; *sector; sector++)
        say(*sector, pread(fd, buffer, 512, 512 * atol(*sector)));
    return 0;
}

int main(int argc, char **argv)
{
    buffer = aligned_alloc(4096, SIZE + 8192);
    if (argc > 3)
        return show_sectors(argv[1], argv + 2);
    if (argc > 2)
        return show_mounted(argv[1], argv[2]);
    int fd = open(argc > 1 ? argv[1] : "/dev/vda", O_RDWR);
    if (fd < 0) {
        perror("open");
        return 1;
    }
    expected = malloc(SIZE);
    show_facts(fd);
    show_seeks(fd);
    show_writes(fd);
    show_opens(argv[1]);
    show_direct(argv[1]);
    show_maps(argv[1]);
    show_disk("disk at last", fd);
    close(fd);
    return 0;
}
