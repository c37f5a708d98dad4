/* SPDX-License-Identifier: MIT */
/* Leases (fcntl(2)): which opens break them, what the holder learns, and what the others wait for. */
#define _GNU_SOURCE
#include "result.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define TRY(call) result(#call, call)
#define PATH      "/tmp/leased"

static sigset_t both;
static _Atomic int ended;

/* The signal of a lease that is being broken. */
static void broken(const char *what, int fd)
{
    siginfo_t info;
    struct timespec some = {10, 0};
    int n = sigtimedwait(&both, &info, &some);
    printf("%s: %s", what, n == SIGIO ? "SIGIO" : n == SIGRTMIN ? "SIGRTMIN" : "nothing");
    if (n == SIGRTMIN)
        printf(" code %d band %#lx %s", info.si_code, info.si_band,
               info.si_fd == fd ? "fd" : "another fd");
    printf("\n");
}

static void quiet(const char *what)
{
    struct timespec none = {0, 0};
    truth(what, sigtimedwait(&both, NULL, &none) == -1);
}

static long close_if_open(long fd)
{
    return fd >= 0 ? close((int)fd) : fd;
}

static void *opens_to_write(void *unused)
{
    long r = close_if_open(open(PATH, O_WRONLY));
    ended = r == 0 ? 1 : -errno;
    return unused;
}

static void *opens_to_read(void *unused)
{
    long r = close_if_open(open(PATH, O_RDONLY));
    ended = r == 0 ? 1 : -errno;
    return unused;
}

static void *truncates(void *unused)
{
    long r = truncate(PATH, 1);
    ended = r == 0 ? 1 : -errno;
    return unused;
}

/* A thread that breaks the lease of `fd` waits until it is `given`. */
static void wait_for(const char *what, void *(*run)(void *), int fd, int given)
{
    pthread_t thread;
    ended = 0;
    pthread_create(&thread, NULL, run, NULL);
    broken(what, fd);
    result("the type is now", fcntl(fd, F_GETLEASE));
    usleep(20000);
    result("it has ended", ended);
    result("given up", fcntl(fd, F_SETLEASE, given));
    pthread_join(thread, NULL);
    result("it has ended", ended);
    result("the type is", fcntl(fd, F_GETLEASE));
}

static int ready(int mode)
{
    int fd = open(PATH, mode);
    fcntl(fd, F_SETSIG, SIGRTMIN);
    return fd;
}

static void reads(void)
{
    int fd = open(PATH, O_RDWR);
    TRY(fcntl(fd, F_GETLEASE));
    TRY(fcntl(fd, F_SETLEASE, F_RDLCK)); /* it is open for writing */
    TRY(fcntl(fd, F_SETLEASE, F_UNLCK));
    TRY(fcntl(fd, F_SETLEASE, 7));
    close(fd);
    fd = open(PATH, O_RDONLY);
    int other = open(PATH, O_RDONLY);
    TRY(fcntl(fd, F_SETLEASE, F_WRLCK)); /* it is open twice */
    TRY(fcntl(fd, F_SETLEASE, F_RDLCK));
    TRY(fcntl(other, F_SETLEASE, F_RDLCK));
    TRY(fcntl(fd, F_GETLEASE));
    TRY(fcntl(fd, F_GETOWN) == getpid());
    TRY(close_if_open(open(PATH, O_RDONLY)));
    quiet("a read breaks no read lease");
    TRY(close_if_open(open(PATH, O_WRONLY | O_NONBLOCK)));
    broken("write", fd);
    TRY(fcntl(fd, F_GETLEASE));
    TRY(fcntl(other, F_GETLEASE));
    TRY(close_if_open(open(PATH, O_WRONLY | O_NONBLOCK)));
    TRY(fcntl(fd, F_SETLEASE, F_UNLCK));
    TRY(close(other));
    TRY(close_if_open(open(PATH, O_WRONLY | O_NONBLOCK)));
    while (sigtimedwait(&both, NULL, &(struct timespec){0, 0}) > 0)
        ;
    close(fd);
}

static void writes(void)
{
    int fd = ready(O_RDWR);
    TRY(fcntl(fd, F_SETLEASE, F_WRLCK));
    TRY(fcntl(fd, F_SETLEASE, F_WRLCK));
    TRY(fcntl(fd, F_GETLEASE));
    TRY(close_if_open(open(PATH, O_RDONLY | O_NONBLOCK)));
    broken("read", fd);
    TRY(fcntl(fd, F_GETLEASE));
    TRY(close_if_open(open(PATH, O_WRONLY | O_NONBLOCK)));
    broken("write", fd);
    TRY(fcntl(fd, F_GETLEASE));
    TRY(fcntl(fd, F_SETLEASE, F_UNLCK));
    TRY(close_if_open(open(PATH, O_PATH)));
    close(fd);
    fd = ready(O_RDONLY);
    TRY(fcntl(fd, F_SETLEASE, F_WRLCK));
    wait_for("a thread reads", opens_to_read, fd, F_RDLCK);
    wait_for("a thread writes", opens_to_write, fd, F_UNLCK);
    TRY(fcntl(fd, F_SETLEASE, F_RDLCK));
    wait_for("a thread truncates", truncates, fd, F_UNLCK);
    TRY(fcntl(fd, F_SETLEASE, F_RDLCK));
    TRY(close(fd)); /* which ends the lease */
    TRY(close_if_open(open(PATH, O_WRONLY | O_NONBLOCK)));
}

static void refusals(void)
{
    int ends[2];
    if (pipe(ends) != 0)
        perror("pipe");
    TRY(fcntl(ends[0], F_SETLEASE, F_RDLCK));
    TRY(fcntl(ends[0], F_GETLEASE));
    int fd = open("/tmp", O_RDONLY);
    TRY(fcntl(fd, F_SETLEASE, F_RDLCK));
    close(fd);
    fd = open(PATH, O_RDONLY);
    syscall(SYS_setresuid, 1000, 1000, 1000);
    TRY(fcntl(fd, F_SETLEASE, F_RDLCK));
    TRY(fcntl(fd, F_SETLEASE, F_UNLCK));
}

int main(void)
{
    sigemptyset(&both);
    sigaddset(&both, SIGIO);
    sigaddset(&both, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &both, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    close(open(PATH, O_CREAT | O_WRONLY, 0644));
    reads();
    writes();
    refusals();
    return 0;
}
