/* SPDX-License-Identifier: MIT */
/* Files, directories, links and pipes: results of the calls and their effects. */
#define _GNU_SOURCE
#include "result.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static void show(const char *path)
{
    struct stat s;
    if (lstat(path, &s) != 0) {
        result(path, -1);
        return;
    }
    printf("%s: mode %o links %ld", path, s.st_mode, (long)s.st_nlink);
    if (S_ISREG(s.st_mode) || S_ISLNK(s.st_mode))
        printf(" size %ld", (long)s.st_size);
    printf("\n");
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list(const char *path)
{
    char *names[100];
    int n = 0;
    DIR *d = opendir(path);
    struct dirent *e;
    if (d == NULL) {
        result(path, -1);
        return;
    }
    while ((e = readdir(d)) != NULL && n < 100)
        names[n++] = strdup(e->d_name);
    qsort(names, (size_t)n, sizeof names[0], by_name);
    printf("%s:", path);
    for (int i = 0; i < n; i++)
        printf(" %s", names[i]);
    printf("\n");
    closedir(d);
}

static void content(const char *path)
{
    char buffer[200];
    int fd = open(path, O_RDONLY);
    ssize_t n = fd >= 0 ? read(fd, buffer, sizeof buffer - 1) : -1;
    buffer[n > 0 ? n : 0] = '\0';
    printf("%s holds '%s'\n", path, buffer);
    close(fd);
}

static void *volatile nowhere = (void *)16;

static void regular(void)
{
    void *bad = nowhere;
    char buffer[10000];
    int fd = open("a", O_RDWR | O_CREAT | O_EXCL, 0644);
    result("open", fd >= 0);
    result("write", write(fd, "hello, world", 12));
    result("lseek", lseek(fd, 7, SEEK_SET));
    result("read", read(fd, buffer, 100));
    printf("%.5s\n", buffer);
    result("pwrite", pwrite(fd, "H", 1, 0));
    result("hole", pwrite(fd, "end", 3, 9000));
    result("lseek", lseek(fd, 0, SEEK_END));
    result("pread", pread(fd, buffer, sizeof buffer, 5));
    int zeros = 1;
    for (int i = 12 - 5; i < 9000 - 5; i++)
        zeros &= buffer[i] == 0;
    truth("zeros in the hole", zeros);
    result("lseek", lseek(fd, -1, SEEK_SET));
    result("lseek past the end", lseek(fd, 20000, SEEK_SET));
    result("read", read(fd, buffer, 10));
    result("ftruncate", ftruncate(fd, 5));
    content("a");
    result("ftruncate", ftruncate(fd, 8));
    show("a");
    struct iovec parts[3] = {{"one ", 4}, {"", 0}, {"two", 3}};
    lseek(fd, 0, SEEK_SET);
    result("writev", writev(fd, parts, 3));
    content("a");
    int copy = dup(fd);
    lseek(copy, 2, SEEK_SET);
    result("shared offset", lseek(fd, 0, SEEK_CUR));
    result("fcntl", fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND));
    result("fcntl", fcntl(fd, F_SETFL, O_APPEND));
    result("write", write(copy, "!", 1));
    content("a");
    result("close", close(fd));
    result("read", read(fd, buffer, 1));
    result("bad buffer", read(copy, bad, 1));
    lseek(copy, 0, SEEK_SET);
    result("bad buffer", read(copy, bad, 1));
    close(copy);
}

static void names(void)
{
    result("mkdir", mkdir("dir", 0755));
    result("mkdir", mkdir("dir", 0755));
    result("link", link("a", "dir/b"));
    result("symlink", symlink("dir/b", "s"));
    result("symlink", symlink("loop2", "loop1"));
    result("symlink", symlink("loop1", "loop2"));
    result("open loop", open("loop1", O_RDONLY));
    result("nofollow", open("s", O_RDONLY | O_NOFOLLOW));
    result("trailing slash", open("a/", O_RDONLY));
    result("mkdir slash", mkdir("dir/sub/", 0700));
    show("a");
    show("s");
    show("dir");
    show("dir/sub");
    content("s");
    list(".");
    list("dir");
    result("rename", rename("dir/b", "c"));
    result("rename dir over file", rename("dir", "a"));
    result("rename file over dir", rename("a", "dir"));
    result("rename into itself", rename("dir", "dir/sub/x"));
    result("rmdir", rmdir("dir"));
    result("unlink", unlink("a"));
    show("c");
    int fd = open("c", O_RDWR);
    result("unlink open", unlink("c"));
    result("still there", write(fd, "abc", 3));
    struct stat s;
    fstat(fd, &s);
    printf("links %ld\n", (long)s.st_nlink);
    close(fd);
    result("rmdir", rmdir("dir/sub"));
    result("rmdir", rmdir("dir"));
    result("chmod", mkdir("p", 0700) == 0 && chmod("p", 01777) == 0 ? 0 : -1);
    show("p");
    result("umask", umask(077));
    result("creat", creat("private", 0666) >= 0);
    show("private");
    char text[4] = {0};
    result("readlink", readlink("s", text, 3));
    printf("%s\n", text);
    list(".");
}

static void pipes(void)
{
    int fd[2];
    char buffer[100];
    result("pipe", pipe(fd));
    struct pollfd p[2] = {{fd[0], POLLIN, 0}, {fd[1], POLLOUT, 0}};
    result("poll", poll(p, 2, 0));
    printf("revents %d %d\n", p[0].revents, p[1].revents);
    result("write", write(fd[1], "through", 7));
    result("poll", poll(p, 2, 0));
    printf("revents %d %d\n", p[0].revents, p[1].revents);
    result("read", read(fd[0], buffer, 3));
    result("read", read(fd[0], buffer, 100));
    result("lseek", lseek(fd[0], 0, SEEK_CUR));
    fcntl(fd[0], F_SETFL, O_NONBLOCK);
    result("read empty", read(fd[0], buffer, 1));
    fcntl(fd[1], F_SETFL, O_NONBLOCK);
    long total = 0, n;
    static char block[4096];
    while ((n = write(fd[1], block, sizeof block)) > 0)
        total += n;
    result("write full", n);
    printf("capacity %ld\n", total);
    close(fd[1]);
    while ((n = read(fd[0], block, sizeof block)) > 0)
        total -= n;
    result("end of file", n);
    printf("left %ld\n", total);
    result("poll", poll(p, 1, 0));
    printf("revents %d\n", p[0].revents);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (mkdir("/tmp/files", 0755) != 0 || chdir("/tmp/files") != 0) {
        perror("/tmp/files");
        return 1;
    }
    umask(022);
    regular();
    names();
    pipes();
    char cwd[100];
    printf("%s\n", getcwd(cwd, sizeof cwd));
    return 0;
}
