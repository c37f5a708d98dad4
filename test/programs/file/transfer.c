/* SPDX-License-Identifier: MIT */
/* Results of the less common calls that transfer data or wait for it. */
#define _GNU_SOURCE
#include "result.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static char buffer[100000];

static int fresh(const char *path, const char *text)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
    if (write(fd, text, strlen(text)) < 0)
        perror(path);
    return fd;
}

static void pipes(void)
{
    int p[2];
    struct iovec v[3] = {{"ab", 2}, {"", 0}, {"cde", 3}};
    result("pipe2 bad flags", pipe2(p, 12345));
    result("pipe", pipe(p));
    result("size", fcntl(p[0], F_GETPIPE_SZ));
    result("set size", fcntl(p[1], F_SETPIPE_SZ, 5000));
    result("set size 0", fcntl(p[1], F_SETPIPE_SZ, 0));
    result("size of a file", fcntl(1, F_GETPIPE_SZ) >= -1 ? 0 : 1);
    result("writev", writev(p[1], v, 3));
    int n = -1;
    result("FIONREAD", ioctl(p[0], FIONREAD, &n));
    result("waiting", n);
    result("lseek", lseek(p[0], 0, SEEK_CUR));
    result("pread", pread(p[0], buffer, 1, 0));
    result("read the wrong end", read(p[1], buffer, 1));
    result("write the wrong end", write(p[0], buffer, 1));
    result("read", read(p[0], buffer, sizeof buffer));
    result("fsync", fsync(p[1]));
    result("ftruncate", ftruncate(p[1], 0));
    result("fallocate", fallocate(p[1], 0, 0, 1));
    result("nonblocking", fcntl(p[0], F_SETFL, O_NONBLOCK));
    result("flags", fcntl(p[0], F_GETFL));
    result("read nothing", read(p[0], buffer, 1));
    result("nonblocking", fcntl(p[1], F_SETFL, O_NONBLOCK));
    long total = 0, done;
    while ((done = write(p[1], buffer, 1000)) > 0)
        total += done;
    result("filled", total);
    result("TCGETS", isatty(p[0]) - 1);
    close(p[1]);
    result("drained", read(p[0], buffer, sizeof buffer));
    result("at the end", read(p[0], buffer, 1));
    close(p[0]);
    signal(SIGPIPE, SIG_IGN);
    result("pipe", pipe(p));
    close(p[0]);
    result("write to nobody", write(p[1], buffer, 1));
    close(p[1]);
}

static void polls(void)
{
    int p[2];
    result("pipe", pipe(p));
    struct pollfd f[4] = {{p[0], POLLIN, 0}, {p[1], POLLOUT, 0}, {-1, POLLIN, 9}, {999, POLLIN, 0}};
    result("poll", poll(f, 4, 0));
    printf("%x %x %x %x\n", f[0].revents, f[1].revents, f[2].revents, f[3].revents);
    result("poll none", poll(f, 1, 10));
    result("write", write(p[1], "x", 1));
    f[0].events = POLLIN | POLLRDNORM | POLLPRI;
    result("poll", poll(f, 1, -1));
    printf("%x\n", f[0].revents);
    close(p[1]);
    result("poll", poll(f, 1, -1));
    printf("%x\n", f[0].revents);
    f[0].events = 0;
    result("poll", poll(f, 1, -1));
    printf("%x\n", f[0].revents);
    fd_set r, w;
    FD_ZERO(&r);
    FD_ZERO(&w);
    FD_SET(p[0], &r);
    FD_SET(p[0], &w);
    struct timeval tv = {0, 5000};
    result("select", select(p[0] + 1, &r, &w, NULL, &tv));
    printf("%d %d\n", FD_ISSET(p[0], &r) != 0, FD_ISSET(p[0], &w) != 0);
    FD_SET(40, &r);
    result("select a closed one", select(41, &r, NULL, NULL, &tv));
    result("select -1", select(-1, NULL, NULL, NULL, &tv));
    tv = (struct timeval){-1, 0};
    result("select -1 s", select(0, NULL, NULL, NULL, &tv));
    struct timespec ts = {0, 2000000000};
    result("ppoll bad time", ppoll(f, 1, &ts, NULL));
    ts = (struct timespec){0, 1000000};
    result("ppoll sleep", ppoll(NULL, 0, &ts, NULL));
    result("poll bad address", poll((struct pollfd *)8, 1, 0));
    close(p[0]);
    int e = eventfd(0, EFD_NONBLOCK | EFD_SEMAPHORE);
    uint64_t value = 3;
    result("eventfd read", read(e, &value, 8));
    result("eventfd write", write(e, &value, 8));
    result("eventfd short", write(e, &value, 7));
    result("eventfd read", read(e, &value, 8));
    printf("%d\n", (int)value);
    result("eventfd pread", pread(e, &value, 8, 0));
    result("eventfd lseek", lseek(e, 0, SEEK_SET));
    result("eventfd flags", eventfd(0, 0x77));
    close(e);
}

static void holes(void)
{
    int fd = fresh("/tmp/hole", "start");
    result("pwrite", pwrite(fd, "end", 3, 40960));
    struct stat s;
    result("fstat", fstat(fd, &s));
    printf("%ld %ld\n", (long)s.st_size, (long)s.st_blocks);
    result("data 0", lseek(fd, 0, SEEK_DATA));
    result("hole 0", lseek(fd, 0, SEEK_HOLE));
    result("data 5000", lseek(fd, 5000, SEEK_DATA));
    result("hole 40961", lseek(fd, 40961, SEEK_HOLE));
    result("data past", lseek(fd, 40963, SEEK_DATA));
    result("seek 5", lseek(fd, 0, 5));
    result("fallocate", fallocate(fd, 0, 50000, 100));
    result("size", lseek(fd, 0, SEEK_END));
    result("keep", fallocate(fd, FALLOC_FL_KEEP_SIZE, 60000, 100));
    result("size", lseek(fd, 0, SEEK_END));
    result("punch", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2, 40000));
    result("punch alone", fallocate(fd, FALLOC_FL_PUNCH_HOLE, 2, 40000));
    result("negative", fallocate(fd, 0, -1, 10));
    result("empty", fallocate(fd, 0, 0, 0));
    result("pread", pread(fd, buffer, 6, 0));
    printf("%d%d%d\n", buffer[1] == 't', buffer[2], buffer[4]);
    result("ftruncate", ftruncate(fd, -1));
    result("ftruncate", ftruncate(fd, 3));
    result("pread far", pread(fd, buffer, 5, 1 << 20));
    result("pwrite negative", pwrite(fd, buffer, 5, -1));
    result("fadvise", posix_fadvise(fd, 0, 0, 77));
    close(fd);
    fd = open("/tmp/hole", O_RDONLY);
    result("ftruncate read-only", ftruncate(fd, 0));
    result("fallocate read-only", fallocate(fd, 0, 0, 1));
    close(fd);
}

static void copies(void)
{
    int a = fresh("/tmp/a", "0123456789"), b = fresh("/tmp/b", "");
    off_t in = 2, out = 5;
    result("sendfile", sendfile(b, a, &in, 100));
    printf("%ld\n", (long)in);
    result("sendfile at the end", sendfile(b, a, NULL, 100));
    result("sendfile to read-only", sendfile(0, a, &in, 1) < 0 ? -1 : 0);
    result("position", lseek(b, 0, SEEK_CUR));
    in = 0;
    result("copy", copy_file_range(a, &in, b, &out, 4, 0));
    printf("%ld %ld\n", (long)in, (long)out);
    result("copy flags", copy_file_range(a, NULL, b, NULL, 4, 1));
    in = 0, out = 2;
    result("copy overlapping", copy_file_range(a, &in, a, &out, 4, 0));
    result("pread", pread(b, buffer, 100, 0));
    buffer[9] = '\0';
    printf("%s\n", buffer);
    int p[2];
    result("pipe", pipe(p));
    in = 0;
    result("sendfile to a pipe", sendfile(p[1], a, &in, 3));
    result("sendfile from a pipe", sendfile(b, p[0], NULL, 3));
    result("copy from a pipe", copy_file_range(p[0], NULL, b, NULL, 3, 0));
    int append = open("/tmp/b", O_WRONLY | O_APPEND);
    result("sendfile to append", sendfile(append, a, &in, 3));
    result("write append", write(append, "Z", 1));
    result("position", lseek(append, 0, SEEK_CUR));
    result("pwrite append", pwrite(append, "Y", 1, 0));
    result("size", lseek(append, 0, SEEK_END));
    struct iovec v[2] = {{buffer, 4}, {buffer + 4, 400}};
    result("preadv", preadv(b, v, 2, 1));
    result("preadv2", syscall(SYS_preadv2, b, v, 2L, -1L, 0L, 0L));
    result("preadv2 flags", syscall(SYS_preadv2, b, v, 2L, 0L, 0L, 0x4000L));
    result("readv many", readv(b, v, 2000));
    v[1].iov_len = (size_t)-1;
    result("readv negative", readv(b, v, 2));
    result("preadv negative", preadv(b, v, 1, -5));
    v[0].iov_base = (void *)8;
    result("readv bad", preadv(b, v, 1, 0));
    result("write bad", write(b, (void *)8, 1));
    result("read kernel", read(b, (void *)-4096L, 1));
    close(p[0]);
    close(p[1]);
}

/* CLONE_FILES: the child closes descriptors that the parent has, too; CLOSE_RANGE_UNSHARE (2): its own. */
static void close_unshared(void)
{
    for (int unshare = 0; unshare <= 2; unshare += 2) {
        dup2(0, 60);
        dup2(0, 61);
        long child = syscall(SYS_clone, 0x400 /* CLONE_FILES */ | SIGCHLD, 0, 0, 0, 0);
        if (child == 0) {
            long status = syscall(SYS_close_range, 60, 60, unshare);
            close(61);
            _exit(status == 0 && fcntl(60, F_GETFD) < 0 ? 0 : 1);
        }
        int status = -1;
        waitpid((pid_t)child, &status, 0);
        printf("closed by child, unshare %d: status %x\n", unshare, (unsigned)status);
        result("60", fcntl(60, F_GETFD));
        result("61", fcntl(61, F_GETFD));
    }
    syscall(SYS_close_range, 60, 61, 0);
}

/* Listing a folder changes the time of the last access, but not through a descriptor with O_NOATIME. */
static void listing_time(void)
{
    char bytes[1000];
    struct stat is;
    mkdir("/tmp/listed", 0700);
    for (int flag = O_NOATIME; flag >= 0; flag -= O_NOATIME) {
        utimensat(AT_FDCWD, "/tmp/listed", (struct timespec[]){{1000, 0}, {2000, 0}}, 0);
        int fd = open("/tmp/listed", O_RDONLY | O_DIRECTORY | flag);
        long n = syscall(SYS_getdents64, fd, bytes, sizeof(bytes));
        fstat(fd, &is);
        printf("listed %d, flags %x: accessed anew %d\n", n > 0, (unsigned)flag,
               is.st_atime != 1000);
        close(fd);
    }
}

static void descriptors(void)
{
    int fd = fresh("/tmp/a", "x");
    result("dup2 same", dup2(fd, fd) - fd);
    result("dup3 same", dup3(fd, fd, 0));
    result("dup3 flags", dup3(fd, 50, 1));
    result("dup2 far", dup2(fd, 5000));
    result("dup2 negative", dup2(fd, -1));
    result("dup closed", dup(999));
    result("dupfd", fcntl(fd, F_DUPFD, 60));
    result("dupfd cloexec", fcntl(fd, F_DUPFD_CLOEXEC, 60));
    result("getfd", fcntl(61, F_GETFD));
    result("dupfd far", fcntl(fd, F_DUPFD, 1 << 20));
    result("dupfd negative", fcntl(fd, F_DUPFD, -1));
    result("fcntl unknown", fcntl(fd, 9999));
    result("close_range", (long)syscall(SYS_close_range, 60, 70, 0));
    result("close_range flags", (long)syscall(SYS_close_range, 60, 70, 9));
    result("close_range order", (long)syscall(SYS_close_range, 70, 60, 0));
    result("close", close(60));
    close_unshared();
    result("lock", flock(fd, LOCK_EX));
    int other = open("/tmp/a", O_RDONLY);
    result("lock other", flock(other, LOCK_SH | LOCK_NB));
    result("lock wrong", flock(other, 77));
    result("unlock", flock(fd, LOCK_UN));
    result("lock other", flock(other, LOCK_SH | LOCK_NB));
    struct flock l = {F_WRLCK, SEEK_SET, 0, 0, 0};
    result("setlk", fcntl(fd, F_SETLK, &l));
    result("getlk", fcntl(fd, F_GETLK, &l));
    printf("%d %d %ld\n", l.l_type, l.l_whence, (long)l.l_len);
    l = (struct flock){F_WRLCK, SEEK_SET, 0, 0, 0};
    result("setlk read-only", fcntl(other, F_SETLK, &l));
    l.l_type = 9;
    result("setlk type", fcntl(fd, F_SETLK, &l));
    l = (struct flock){F_RDLCK, SEEK_SET, -1, 0, 0};
    result("setlk start", fcntl(fd, F_SETLK, &l));
    struct termios t;
    result("TCGETS", tcgetattr(fd, &t));
    int n = 0;
    result("FIONREAD", ioctl(other, FIONREAD, &n));
    printf("%d\n", n);
    result("FIOCLEX", ioctl(other, FIOCLEX));
    result("getfd", fcntl(other, F_GETFD));
    result("ioctl unknown", ioctl(fd, 0x12345));
    int path = open("/tmp/a", O_PATH);
    result("O_PATH flags", fcntl(path, F_GETFL));
    result("O_PATH read", read(path, buffer, 1));
    result("O_PATH lseek", lseek(path, 0, SEEK_SET));
    result("O_PATH setfl", fcntl(path, F_SETFL, 0));
    result("O_PATH fchmod", fchmod(path, 0600));
    result("O_PATH ioctl", ioctl(path, FIONREAD, &n));
    struct stat s;
    result("O_PATH fstat", fstat(path, &s));
    result("flags", fcntl(fd, F_GETFL));
    result("set flags", fcntl(fd, F_SETFL, O_APPEND | O_RDONLY | O_CREAT));
    result("flags", fcntl(fd, F_GETFL));
}

static void unnamed(void)
{
    int fd = open("/tmp", O_TMPFILE | O_RDWR, 0640);
    struct stat s;
    truth("tmpfile", fd >= 0);
    result("write", write(fd, "hello", 5));
    result("fstat", fstat(fd, &s));
    printf("%o %ld\n", s.st_mode, (long)s.st_nlink);
    unlink("/tmp/named");
    result("linkat", linkat(fd, "", AT_FDCWD, "/tmp/named", AT_EMPTY_PATH));
    result("stat", stat("/tmp/named", &s));
    printf("%ld %ld\n", (long)s.st_nlink, (long)s.st_size);
    result("tmpfile read-only", open("/tmp", O_TMPFILE | O_RDONLY, 0600));
    int m = (int)syscall(SYS_memfd_create, "name", 2);
    result("memfd write", write(m, "abc", 3));
    result("seals", fcntl(m, F_GET_SEALS));
    result("add seals", fcntl(m, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SEAL));
    result("add seals", fcntl(m, F_ADD_SEALS, F_SEAL_WRITE));
    result("grow", ftruncate(m, 100));
    result("shrink", ftruncate(m, 1));
    int plain = (int)syscall(SYS_memfd_create, "name", 0);
    result("seals", fcntl(plain, F_GET_SEALS));
    result("add seals", fcntl(plain, F_ADD_SEALS, F_SEAL_WRITE));
    result("memfd flags", (long)syscall(SYS_memfd_create, "name", 0x10000));
    char link[100] = "", proc[50];
    snprintf(proc, sizeof proc, "/proc/self/fd/%d", m);
    result("readlink", readlink(proc, link, sizeof link - 1));
    printf("%s\n", link);
    struct statfs f;
    result("statfs", statfs("/tmp", &f));
    printf("%ld %ld\n", (long)f.f_bsize, (long)f.f_namelen);
    result("statfs missing", statfs("/nowhere", &f));
}

static void devices(void)
{
    int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR);
    int full = open("/dev/full", O_RDWR);
    result("null read", read(null, buffer, 10));
    result("null write", write(null, buffer, 10));
    result("null seek", lseek(null, 100, SEEK_SET));
    result("null pread", pread(null, buffer, 10, 5));
    result("null ftruncate", ftruncate(null, 0));
    result("null fsync", fsync(null));
    buffer[9] = 'x';
    result("zero read", read(zero, buffer, 10));
    printf("%d\n", buffer[9]);
    result("full write", write(full, buffer, 1));
    result("full write 0", write(full, buffer, 0));
    result("full read", read(full, buffer, 5));
    result("sendfile zero", sendfile(null, zero, NULL, 10000));
    int fd = open("/dev/null", O_WRONLY | O_TRUNC);
    truth("null truncated", fd >= 0);
    struct stat s;
    result("fstat", fstat(null, &s));
    printf("%o %lx\n", s.st_mode, (unsigned long)s.st_rdev);
    result("mmap null", mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, null, 0) == MAP_FAILED ? -1 : 0);
    char *z = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);
    truth("mmap zero", z != MAP_FAILED && z[5000] == 0);
}

static void shared(void)
{
    int fd = fresh("/tmp/shared", "0123456789");
    char *a = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *b = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    truth("mapped", a != MAP_FAILED && b != MAP_FAILED);
    printf("%.10s %d\n", a, a[100]);
    result("pwrite", pwrite(fd, "AB", 2, 3));
    printf("%.10s\n", a);
    a[0] = 'X';
    result("pread", pread(fd, buffer, 4, 0));
    printf("%.4s\n", buffer);
    result("msync", msync(a, 4096, MS_SYNC));
    result("ftruncate", ftruncate(fd, 5000));
    printf("%d\n", a[4500]);
    a[4600] = 'q';
    result("pread", pread(fd, buffer, 1, 4600));
    printf("%c\n", buffer[0]);
    result("shrink", ftruncate(fd, 4500));
    result("grow", ftruncate(fd, 5000));
    printf("%d\n", a[4600]);
    int self = open("/proc/self/exe", O_RDWR);
    result("write to itself", self);
    int ro = open("/tmp/shared", O_RDONLY);
    result("map read-only shared for writing",
           mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, ro, 0) == MAP_FAILED ? -1 : 0);
}

int main(void)
{
    pipes();
    polls();
    holes();
    copies();
    descriptors();
    listing_time();
    unnamed();
    devices();
    shared();
    return 0;
}
