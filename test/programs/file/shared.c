/* SPDX-License-Identifier: MIT */
/* Files and folders below argv[1], which may be a folder of the host (test/boot/tool/share.sh): what a program sees of them
 * and leaves behind is the same on Linux. */
#define _GNU_SOURCE
#include "result.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    MANY = 2000,
    LARGE = 16 << 20,
};

static char buffer[1 << 20];

static void fill(size_t size, uint32_t seed)
{
    for (size_t i = 0; i < size; i++) {
        seed = seed * 1664525 + 1013904223;
        buffer[i] = (char)(seed >> 24);
    }
}

static unsigned long sum_of(int fd)
{
    unsigned long sum = 5381;
    ssize_t n;
    lseek(fd, 0, SEEK_SET);
    while ((n = read(fd, buffer, sizeof buffer)) > 0)
        for (ssize_t i = 0; i < n; i++)
            sum = (sum * 33 + (unsigned char)buffer[i]) & 0xffffffff;
    return n < 0 ? 0 : sum;
}

static void status(const char *path)
{
    struct stat s;
    if (result("lstat", lstat(path, &s)) == 0)
        printf("%s: mode %o links %lu size %lld owner %d mtime %d\n", path, s.st_mode,
               (unsigned long)(S_ISDIR(s.st_mode) ? 0 : s.st_nlink),
               S_ISDIR(s.st_mode) ? 0 : (long long)s.st_size, s.st_uid == geteuid(),
               s.st_mtime > 1000000000);
}

static void test_bytes(void)
{
    int fd = open("bytes", O_RDWR | O_CREAT | O_EXCL, 0640);
    fill(100000, 1);
    result("write", write(fd, buffer, 100000));
    result("pwrite behind the end", pwrite(fd, "x", 1, 300000));
    result("pwrite in the middle", pwrite(fd, "middle", 6, 65530));
    result("pread", pread(fd, buffer, 10, 299995));
    result("the hole", memcmp(buffer, "\0\0\0\0\0x", 6));
    result("lseek", lseek(fd, 0, SEEK_END));
    result("sum", (long)sum_of(fd));
    result("read at the end", read(fd, buffer, 10));
    result("ftruncate", ftruncate(fd, 70000));
    result("sum", (long)sum_of(fd));
    result("ftruncate up", ftruncate(fd, 80000));
    result("sum", (long)sum_of(fd));
    result("fsync", fsync(fd));
    result("fdatasync", fdatasync(fd));
    close(fd);
    status("bytes");
    fd = open("bytes", O_WRONLY | O_APPEND);
    result("append", write(fd, "end", 3));
    result("read of a writer", read(fd, buffer, 1));
    close(fd);
    fd = open("bytes", O_RDONLY);
    result("write of a reader", write(fd, "x", 1));
    result("sum", (long)sum_of(fd));
    close(fd);
    result("again", open("bytes", O_RDWR | O_CREAT | O_EXCL, 0640));
    fd = open("bytes", O_RDWR | O_TRUNC);
    result("after O_TRUNC", lseek(fd, 0, SEEK_END));
    result("write", write(fd, "short", 5));
    close(fd);
    status("bytes");
}

static void test_large(void)
{
    int fd = open("large", O_RDWR | O_CREAT, 0600);
    for (int i = 0; i < LARGE >> 20; i++) {
        fill(sizeof buffer, (uint32_t)i);
        if (write(fd, buffer, sizeof buffer) != sizeof buffer)
            perror("large");
    }
    result("sum", (long)sum_of(fd));
    close(fd);
    fd = open("large", O_RDONLY);
    result("sum", (long)sum_of(fd));
    close(fd);
    status("large");
}

static void test_names(void)
{
    char text[64] = {0};
    char longest[300];
    memset(longest, 'n', sizeof longest);
    longest[255] = 0;
    result("mkdir", mkdir("folder", 0750));
    result("mkdir again", mkdir("folder", 0750));
    result("symlink", symlink("folder/inner", "link"));
    result("readlink", readlink("link", text, sizeof text));
    printf("%s\n", text);
    result("open what is not there", open("link", O_RDONLY));
    result("through the link", close(open("link", O_WRONLY | O_CREAT, 0600)));
    status("folder/inner");
    result("O_NOFOLLOW", open("link", O_RDONLY | O_NOFOLLOW));
    result("O_DIRECTORY", open("bytes", O_RDONLY | O_DIRECTORY));
    result("a folder for writing", open("folder", O_RDWR));
    result("rmdir of a full one", rmdir("folder"));
    result("unlink of a folder", unlink("folder"));
    result("rmdir of a file", rmdir("bytes"));
    result("below a file", open("bytes/x", O_RDONLY));
    result("longest name", close(creat(longest, 0600)));
    result("unlink", unlink(longest));
    longest[255] = 'n';
    longest[256] = 0;
    result("too long", creat(longest, 0600));
    result("rename", rename("folder/inner", "moved"));
    result("rename away", rename("folder/inner", "moved"));
    result("rename of a folder", rename("folder", "folder2"));
    result("into itself", rename("folder2", "folder2/x"));
    result("over a file", rename("folder2", "bytes"));
    result("over a folder", rename("bytes", "folder2"));
    status("link");
    status("folder2");
}

static void test_links(void)
{
    struct stat a, b;
    result("link", link("moved", "other"));
    status("moved");
    int fd = open("other", O_WRONLY);
    result("write", write(fd, "both", 4));
    close(fd);
    stat("moved", &a);
    stat("other", &b);
    truth("same file", a.st_ino == b.st_ino && a.st_dev == b.st_dev && a.st_size == b.st_size);
    result("link again", link("moved", "other"));
    result("link of a folder", link("folder2", "folder3"));
    result("unlink", unlink("moved"));
    status("other");
    fd = open("other", O_RDONLY);
    result("read", read(fd, buffer, 10));
    close(fd);
}

static void test_without_name(void)
{
    struct stat s;
    int fd = open("gone", O_RDWR | O_CREAT, 0600);
    result("write", write(fd, "12345678", 8));
    result("unlink", unlink("gone"));
    result("open", open("gone", O_RDONLY));
    result("pwrite", pwrite(fd, "more", 4, 8));
    result("fstat", fstat(fd, &s));
    printf("links %lu size %lld\n", (unsigned long)s.st_nlink, (long long)s.st_size);
    result("ftruncate", ftruncate(fd, 5));
    result("ftruncate up", ftruncate(fd, 7));
    result("pread", pread(fd, buffer, 20, 0));
    result("zeros", memcmp(buffer, "12345\0\0", 7));
    result("fchmod", fchmod(fd, 0400));
    fstat(fd, &s);
    printf("mode %o size %lld\n", s.st_mode, (long long)s.st_size);
    close(fd);
    fd = open("other", O_RDONLY);
    result("replaced while open", rename("bytes", "other"));
    result("old contents", read(fd, buffer, 10));
    result("links", fstat(fd, &s) == 0 ? (long)s.st_nlink : -1);
    close(fd);
    fd = open("other", O_RDONLY);
    result("new contents", read(fd, buffer, 10));
    close(fd);
}

static void test_attributes(void)
{
    struct timespec times[2] = {{1000000001, 5000}, {1000000002, 6000}};
    struct stat s;
    struct statfs f;
    result("chmod", chmod("other", 0751));
    result("utimensat", utimensat(AT_FDCWD, "other", times, 0));
    stat("other", &s);
    printf("mode %o atime %ld.%ld mtime %ld.%ld\n", s.st_mode, (long)s.st_atime, s.st_atim.tv_nsec,
           (long)s.st_mtime, s.st_mtim.tv_nsec);
    int fd = open("other", O_RDWR);
    result("write", write(fd, "x", 1));
    result("futimens", futimens(fd, times));
    close(fd);
    stat("other", &s);
    printf("mtime %ld.%ld\n", (long)s.st_mtime, s.st_mtim.tv_nsec);
    result("chown to itself", chown("other", geteuid(), getegid()));
    result("truncate", truncate("other", 3));
    status("other");
    result("statfs", statfs(".", &f));
    truth("room", f.f_blocks > 0 && f.f_bavail <= f.f_blocks && f.f_namelen == 255);
    result("access", access("other", R_OK | W_OK | X_OK));
}

static void test_many(void)
{
    char name[32];
    static char seen[MANY];
    unsigned count = 0, removed = 0;
    result("mkdir", mkdir("many", 0755));
    for (unsigned i = 0; i < MANY; i++) {
        sprintf(name, "many/file%u", i);
        int fd = open(name, O_WRONLY | O_CREAT, 0600);
        if (fd < 0 || write(fd, name, strlen(name)) != (ssize_t)strlen(name) || close(fd) != 0)
            perror(name);
    }
    DIR *d = opendir("many");
    struct dirent *e;
    while ((e = readdir(d)) != NULL) {
        unsigned i;
        if (sscanf(e->d_name, "file%u", &i) != 1)
            continue;
        count += seen[i]++ == 0 && e->d_type == DT_REG;
        sprintf(name, "many/file%u", i);
        if (i % 2)
            removed += unlink(name) == 0;
    }
    result("listed", (long)count);
    result("removed", (long)removed);
    rewinddir(d);
    for (count = 0; readdir(d) != NULL;)
        count++;
    closedir(d);
    result("left", (long)count);
    result("open", close(open("many/file1234", O_RDONLY)));
}

static int child_result(int (*function)(void))
{
    int status_of;
    pid_t child = fork();
    if (child == 0)
        _exit(function());
    waitpid(child, &status_of, 0);
    return WEXITSTATUS(status_of);
}

static int try_locks(void)
{
    int fd = open("other", O_RDWR);
    struct flock l = {.l_type = F_WRLCK, .l_start = 1, .l_len = 1};
    int range = fcntl(fd, F_SETLK, &l) == 0, whole = flock(fd, LOCK_EX | LOCK_NB) == 0;
    l = (struct flock){.l_type = F_WRLCK, .l_start = 50, .l_len = 1};
    return range + 2 * whole + 4 * (fcntl(fd, F_SETLK, &l) == 0);
}

static void test_locks(void)
{
    int fd = open("other", O_RDWR), second = open("other", O_RDWR);
    struct flock l = {.l_type = F_WRLCK, .l_start = 0, .l_len = 10};
    result("F_SETLK", fcntl(fd, F_SETLK, &l));
    result("flock", flock(fd, LOCK_EX));
    result("flock of another", flock(second, LOCK_EX | LOCK_NB));
    result("child", child_result(try_locks));
    close(second); /* drops the range's lock, as POSIX has it */
    close(fd);
    result("child", child_result(try_locks));
}

static int run_all(void)
{
    static void (*const tests[])(void) = {test_bytes, test_large,        test_names,
                                          test_links, test_without_name, test_attributes,
                                          test_many,  test_locks};
    static const char *const names[] = {"bytes",          "large",      "names", "links",
                                        "without a name", "attributes", "many",  "locks"};
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        printf("-- %s\n", names[i]);
        tests[i]();
    }
    return 0;
}

int main(int argc, char **argv)
{
    umask(022);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc != 2 || chdir(argv[1]) != 0)
        return 2;
    return run_all();
}
