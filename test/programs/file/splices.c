/* SPDX-License-Identifier: MIT */
/* splice, tee, vmsplice, sendfile and copy_file_range. */
#define _GNU_SOURCE
#pragma GCC diagnostic ignored "-Wunused-result"
#include "result.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static char buffer[300000] __attribute__((aligned(4096)));
static int p[2], q[2], file;

static void drain(const char *what, int fd)
{
    ssize_t n = read(fd, buffer, sizeof buffer);
    printf("%s: %zd '%.*s'\n", what, n, n > 0 && n < 60 ? (int)n : 0, buffer);
}

static void wrong(void)
{
    off_t at = 0;
    result("nothing", splice(file, NULL, p[1], NULL, 0, 0));
    result("flags", splice(file, NULL, p[1], NULL, 5, 0x100));
    result("no pipe", splice(file, NULL, file, NULL, 5, 0));
    result("wrong end", splice(file, NULL, p[0], NULL, 5, 0));
    result("wrong end", splice(p[1], NULL, file, NULL, 5, 0));
    result("closed", splice(99, NULL, p[1], NULL, 5, 0));
    result("offset of a pipe", splice(file, NULL, p[1], &at, 5, 0));
    result("offset of a pipe", splice(p[0], &at, file, NULL, 5, 0));
    at = -1;
    result("negative", splice(file, &at, p[1], NULL, 5, 0));
    result("pointer", splice(file, (off_t *)(uintptr_t)8, p[1], NULL, 5, 0));
    result("same pipe", splice(p[0], NULL, p[1], NULL, 5, 0));
    int folder = open("/tmp", O_RDONLY);
    result("folder", splice(folder, NULL, p[1], NULL, 5, 0));
    close(folder);
    int append = open("/tmp/splices", O_WRONLY | O_APPEND);
    result("append", splice(p[0], NULL, append, NULL, 5, SPLICE_F_NONBLOCK));
    close(append);
    result("empty", splice(p[0], NULL, file, NULL, 5, SPLICE_F_NONBLOCK));
    result("tee flags", tee(p[0], q[1], 5, 0x100));
    result("tee nothing", tee(p[0], q[1], 0, 0));
    result("tee to itself", tee(p[0], p[1], 5, 0));
    result("tee a file", tee(file, p[1], 5, 0));
    result("tee empty", tee(p[0], q[1], 5, SPLICE_F_NONBLOCK));
    struct iovec v = {buffer, 4};
    result("vmsplice a file", vmsplice(file, &v, 1, 0));
    result("vmsplice nothing", vmsplice(p[1], &v, 0, 0));
    result("vmsplice many", vmsplice(p[1], &v, 1025, 0));
    result("vmsplice flags", vmsplice(p[1], &v, 1, 0x100));
}

static void moves(void)
{
    off_t at = 3;
    result("from an offset", splice(file, &at, p[1], NULL, 4, 0));
    printf("offset %ld, position %ld\n", (long)at, (long)lseek(file, 0, SEEK_CUR));
    lseek(file, 0, SEEK_SET);
    result("from the position", splice(file, NULL, p[1], NULL, 3, 0));
    printf("position %ld\n", (long)lseek(file, 0, SEEK_CUR));
    result("tee", tee(p[0], q[1], 5, 0));
    drain("the copy", q[0]);
    result("pipe to pipe", splice(p[0], NULL, q[1], NULL, 2, 0));
    drain("there", q[0]);
    at = 20;
    result("into the file", splice(p[0], NULL, file, &at, 100, 0));
    printf("offset %ld\n", (long)at);
    result("pread", pread(file, buffer, 5, 20));
    printf("'%.5s'\n", buffer);
    result("at the end", splice(file, &at, p[1], NULL, 5, 0));
    struct iovec v[2] = {{"abc", 3}, {"defg", 4}};
    result("vmsplice", vmsplice(p[1], v, 2, 0));
    char one[4] = "", two[10] = "";
    struct iovec w[2] = {{one, 2}, {two, 9}};
    result("vmsplice out", vmsplice(p[0], w, 2, 0));
    printf("'%s' '%s'\n", one, two);
    int big = open("/tmp/splices-big", O_RDWR | O_CREAT | O_TRUNC, 0600), copy[2], s[2];
    for (size_t i = 0; i < sizeof buffer; i++)
        buffer[i] = (char)(i * 11 + i / 253);
    result("big", write(big, buffer, sizeof buffer));
    at = 0;
    result("fills the pipe", splice(big, &at, p[1], NULL, sizeof buffer, 0));
    result("full", splice(big, &at, p[1], NULL, 5, SPLICE_F_NONBLOCK));
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    result("to a socket", splice(p[0], NULL, s[0], NULL, sizeof buffer, 0));
    memset(buffer, 0, sizeof buffer);
    ssize_t n = recv(s[1], buffer, 65536, MSG_WAITALL), bad = 0;
    for (ssize_t i = 0; i < n; i++)
        bad += buffer[i] != (char)(i * 11 + i / 253);
    printf("%zd bytes, %zd wrong\n", n, bad);
    result("to the socket", write(s[0], "from a socket", 13));
    result("from a socket", splice(s[1], NULL, p[1], NULL, 100, 0));
    drain("came", p[0]);
    close(s[0]);
    result("end of a socket", splice(s[1], NULL, p[1], NULL, 100, 0));
    pipe(copy);
    close(copy[1]);
    result("end of a pipe", splice(copy[0], NULL, file, NULL, 5, 0));
    pipe(copy);
    close(copy[0]);
    result("nobody reads", splice(file, &(off_t){0}, copy[1], NULL, 5, 0));
    result("from /dev/zero", splice(open("/dev/zero", O_RDONLY), NULL, p[1], NULL, 100, 0));
    drain("zeros", p[0]);
    write(p[1], "gone", 4);
    result("to /dev/null", splice(p[0], NULL, open("/dev/null", O_WRONLY), NULL, 100, 0));
    unlink("/tmp/splices-big");
    close(big);
}

/* One call gives a pipe what there is room for, and does not wait for more room. */
static void overflows(void)
{
    struct iovec v[2] = {{buffer, 200000}, {buffer + 200704, 8192}};
    int capacity = fcntl(p[1], F_GETPIPE_SZ);
    result("vmsplice of more than the pipe holds", vmsplice(p[1], v, 1, 0));
    result("vmsplice to a full pipe", vmsplice(p[1], v, 1, SPLICE_F_NONBLOCK));
    printf("vmsplice out %s\n", vmsplice(p[0], v, 1, 0) == capacity ? "all" : "LESS");
    result("vmsplice out of an empty pipe", vmsplice(p[0], v, 1, SPLICE_F_NONBLOCK));
    v[0].iov_len = 61440;
    result("vmsplice of two parts", vmsplice(p[1], v, 2, 0));
    result("splice of more than there is", splice(p[0], NULL, q[1], NULL, 300000, 0));
    result("write", write(p[1], buffer, 65536));
    result("splice to a full pipe", splice(p[0], NULL, q[1], NULL, 5, SPLICE_F_NONBLOCK));
    result("tee to a full pipe", tee(p[0], q[1], 5, SPLICE_F_NONBLOCK));
    result("read", read(q[0], buffer, 8192));
    result("tee of more than there is room", tee(p[0], q[1], 65536, 0));
    result("read", read(q[0], buffer, sizeof buffer));
    result("tee of all", tee(p[0], q[1], 300000, 0));
    read(p[0], buffer, sizeof buffer);
    read(q[0], buffer, sizeof buffer);
    fcntl(p[1], F_SETFL, O_NONBLOCK);
    v[0].iov_len = 100000;
    result("writev of more than the pipe holds", writev(p[1], v, 2));
    result("writev to a full pipe", writev(p[1], v, 2));
    fcntl(p[1], F_SETFL, 0);
    read(p[0], buffer, sizeof buffer);
}

static void *feed(void *unused)
{
    (void)unused;
    usleep(20000);
    write(p[1], "late", 4);
    return NULL;
}

static void copies(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, feed, NULL);
    result("waits", splice(p[0], NULL, q[1], NULL, 100, 0));
    pthread_join(thread, NULL);
    drain("late", q[0]);
    int out = open("/tmp/splices-out", O_RDWR | O_CREAT | O_TRUNC, 0600);
    off_t at = 2;
    result("sendfile", sendfile(out, file, &at, 6));
    printf("offset %ld\n", (long)at);
    lseek(file, 1, SEEK_SET);
    result("sendfile", sendfile(p[1], file, NULL, 5));
    drain("in the pipe", p[0]);
    printf("position %ld\n", (long)lseek(file, 0, SEEK_CUR));
    result("sendfile from a pipe", sendfile(out, p[0], NULL, 5));
    at = -1;
    result("sendfile negative", sendfile(out, file, &at, 6));
    at = 1000;
    result("sendfile past the end", sendfile(out, file, &at, 6));
    result("sendfile read-only", sendfile(open("/tmp/splices", O_RDONLY), file, NULL, 6));
    off_t a = 0, b = 30;
    result("copy", copy_file_range(file, &a, out, &b, 10, 0));
    printf("%ld %ld size %ld\n", (long)a, (long)b, (long)lseek(out, 0, SEEK_END));
    a = 0, b = 5;
    result("overlapping", copy_file_range(file, &a, file, &b, 10, 0));
    result("copy flags", copy_file_range(file, &a, out, &b, 10, 1));
    result("copy a pipe", copy_file_range(p[0], NULL, out, NULL, 10, 0));
    a = 1000;
    result("copy past the end", copy_file_range(file, &a, out, NULL, 10, 0));
    a = -1;
    result("copy from a negative offset", copy_file_range(file, &a, out, NULL, 10, 0));
    result("copy to a negative offset", copy_file_range(file, NULL, out, &a, 10, 0));
    a = INT64_MAX;
    result("copy to the end of all", copy_file_range(file, NULL, out, &a, 10, 0));
    result("copy from the end of all", copy_file_range(file, &a, out, NULL, 10, 0));
    result("copy an overflow", copy_file_range(file, &a, out, NULL, -1, 0));
    result("copy, pointer", copy_file_range(file, (off_t *)(uintptr_t)8, out, NULL, 10, 1));
    result("copy to a file opened for reading",
           copy_file_range(file, NULL, open("/tmp/splices", O_RDONLY), &a, 3, 0));
    unlink("/tmp/splices-out");
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    pipe(p);
    pipe(q);
    file = open("/tmp/splices", O_RDWR | O_CREAT | O_TRUNC, 0600);
    write(file, "0123456789abcdef", 16);
    wrong();
    moves();
    overflows();
    copies();
    unlink("/tmp/splices");
    return 0;
}
