/* SPDX-License-Identifier: MIT */
/*
 * io_setup(2) and its calls: results in order, the ring that the program reads itself, errors of requests and of calls, waiting,
 * eventfds, and the ends of contexts.
 */
#include "../result.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MANY 100

/* linux/aio_abi.h, which musl-gcc lacks */
enum {
    IOCB_CMD_PREAD,
    IOCB_CMD_PWRITE,
    IOCB_CMD_FSYNC,
    IOCB_CMD_FDSYNC,
    IOCB_CMD_NOOP = 6,
    IOCB_CMD_PREADV,
    IOCB_CMD_PWRITEV,
    IOCB_FLAG_RESFD = 1
};
typedef unsigned long aio_context_t;
struct io_event {
    uint64_t data, obj;
    int64_t res, res2;
};
struct iocb {
    uint64_t aio_data;
    uint32_t aio_key, aio_rw_flags;
    uint16_t aio_lio_opcode;
    int16_t aio_reqprio;
    uint32_t aio_fildes;
    uint64_t aio_buf, aio_nbytes;
    int64_t aio_offset;
    uint64_t aio_reserved2;
    uint32_t aio_flags, aio_resfd;
};

struct ring {
    unsigned id, nr, head, tail, magic, compat, incompat, header;
    struct io_event events[];
};

static aio_context_t context;
static int file_fd;

static long setup(unsigned events, aio_context_t *to)
{
    return syscall(SYS_io_setup, events, to);
}

static long submit(aio_context_t to, long count, struct iocb **list)
{
    return syscall(SYS_io_submit, to, count, list);
}

static long events(aio_context_t of, long least, long most, struct io_event *to,
                   const struct timespec *time)
{
    return syscall(SYS_io_getevents, of, least, most, to, time);
}

static struct iocb request(int opcode, int fd, const void *buffer, size_t size, long offset)
{
    static uint64_t number;
    struct iocb r = {0};
    r.aio_data = ++number;
    r.aio_lio_opcode = (uint16_t)opcode;
    r.aio_fildes = (uint32_t)fd;
    r.aio_buf = (uintptr_t)buffer;
    r.aio_nbytes = size;
    r.aio_offset = offset;
    return r;
}

/* Submits one request; prints its event, or the refusal. */
static long one(const char *name, struct iocb r)
{
    struct iocb *list[] = {&r};
    struct io_event event = {0};
    struct timespec second = {10, 0};
    r.aio_key = 77;
    if (submit(context, 1, list) != 1)
        return result(name, -1);
    if (events(context, 1, 1, &event, &second) != 1)
        return result(name, -1);
    printf("%s: result %ld, %ld; data, iocb and key are %s\n", name, (long)event.res,
           (long)event.res2,
           event.data == r.aio_data && event.obj == (uintptr_t)&r && r.aio_key == 0 ? "right"
                                                                                    : "WRONG");
    return (long)event.res;
}

static void setups(void)
{
    aio_context_t other = 0, used = 5;
    result("setup of none", setup(0, &other));
    result("setup of a context that is not 0", setup(1, &used));
    result("setup of too many", setup(70000, &other));
    result("setup of far too many", setup(0x40000000, &other));
    result("setup without an address", setup(1, NULL));
    result("setup", setup(8, &context));
    const struct ring *ring = (const struct ring *)context;
    printf("ring: head %u, tail %u, magic %x, %u, %u, header %u, slots %u\n", ring->head,
           ring->tail, ring->magic, ring->compat, ring->incompat, ring->header, ring->nr);
    result("setup of another", setup(1000, &other));
    truth("larger", ((const struct ring *)other)->nr > 2000 && other != context);
    result("destroy", syscall(SYS_io_destroy, other));
    result("destroy again", syscall(SYS_io_destroy, other));
    result("destroy of what is none", syscall(SYS_io_destroy, (long)&other));
}

static void transfers(void)
{
    static char text[64], large[8192];
    struct iovec parts[] = {{text, 5}, {text + 10, 7}};
    int pipes[2], folder = open("/", O_RDONLY), reader = open("/proc/self/stat", O_RDONLY);
    one("write", request(IOCB_CMD_PWRITE, file_fd, "0123456789abcdef", 16, 0));
    one("write behind", request(IOCB_CMD_PWRITE, file_fd, "xyz", 3, 5000));
    one("read", request(IOCB_CMD_PREAD, file_fd, text, 6, 4));
    printf("%s\n", text);
    one("read over the end", request(IOCB_CMD_PREAD, file_fd, large, sizeof large, 4999));
    one("read behind the end", request(IOCB_CMD_PREAD, file_fd, large, sizeof large, 6000));
    one("readv", request(IOCB_CMD_PREADV, file_fd, parts, 2, 1));
    printf("%.5s %.7s\n", text, text + 10);
    one("writev", request(IOCB_CMD_PWRITEV, file_fd, parts, 2, 100));
    one("readv of too many", request(IOCB_CMD_PREADV, file_fd, parts, 2000, 1));
    one("readv of nowhere", request(IOCB_CMD_PREADV, file_fd, (void *)8, 1, 1));
    one("fsync", request(IOCB_CMD_FSYNC, file_fd, NULL, 0, 0));
    one("fdsync", request(IOCB_CMD_FDSYNC, file_fd, NULL, 0, 0));
    one("fsync with a buffer", request(IOCB_CMD_FSYNC, file_fd, text, 0, 0));
    one("position", request(IOCB_CMD_PREAD, file_fd, text, 4, -1));
    one("read of a folder", request(IOCB_CMD_PREAD, folder, text, 4, 0));
    one("write to a reader", request(IOCB_CMD_PWRITE, reader, text, 4, 0));
    one("no file", request(IOCB_CMD_PREAD, -1, text, 4, 0));
    one("bad opcode", request(99, file_fd, text, 4, 0));
    one("noop", request(IOCB_CMD_NOOP, file_fd, text, 4, 0));
    one("bad address", request(IOCB_CMD_PREAD, file_fd, (void *)8, 4, 0));
    one("kernel's address", request(IOCB_CMD_PREAD, file_fd, (void *)~0xfffffful, 4, 0));
    one("negative size", request(IOCB_CMD_PREAD, file_fd, text, (size_t)-4, 0));
    struct iocb r = request(IOCB_CMD_PREAD, file_fd, text, 4, 0);
    r.aio_rw_flags = 0x8000;
    one("unknown flags", r);
    r = request(IOCB_CMD_PREAD, file_fd, text, 4, 0);
    r.aio_reserved2 = 1;
    one("reserved", r);
    r = request(IOCB_CMD_PWRITE, file_fd, "end", 3, 0);
    r.aio_rw_flags = 0x10 | 2; /* RWF_APPEND, RWF_DSYNC */
    one("append", r);
    if (pipe(pipes) == 0) {
        one("write to a pipe", request(IOCB_CMD_PWRITE, pipes[1], "pipe", 4, 123));
        one("read of a pipe", request(IOCB_CMD_PREAD, pipes[0], text, 10, 456));
        printf("%.4s\n", text);
        one("read of a writer", request(IOCB_CMD_PREAD, pipes[1], text, 10, 0));
        close(pipes[1]);
        one("end of the pipe", request(IOCB_CMD_PREAD, pipes[0], text, 10, 0));
        close(pipes[0]);
    }
    printf("size %ld\n", (long)lseek(file_fd, 0, SEEK_END));
    close(folder);
    close(reader);
}

static void many(void)
{
    static struct iocb requests[MANY];
    static struct iocb *list[MANY + 1];
    static struct io_event done[MANY], spare[MANY];
    static char bytes[MANY];
    struct timespec none = {0, 0}, soon = {0, 20000000};
    const struct ring *ring = (const struct ring *)context;
    for (int i = 0; i < MANY; i++) {
        requests[i] = request(IOCB_CMD_PREAD, file_fd, bytes + i, 1, i % 16);
        requests[i].aio_data = (uint64_t)i;
        list[i] = &requests[i];
    }
    long taken = result("submit many", submit(context, MANY, list)), more = 0;
    while (submit(context, 1, list) == 1) /* how much fits depends on the number of CPUs */
        more++;
    truth("full", errno == EAGAIN && taken + more < ring->nr);
    result("none wanted", events(context, 0, 0, done, NULL));
    result("more wanted than there is room", events(context, 2, 1, done, NULL));
    result("negative", events(context, -1, 1, done, NULL));
    result("first", events(context, 1, 10, done, NULL));
    result("rest", events(context, 1, MANY - 10, done + 10, NULL));
    truth("and more", events(context, more, MANY, spare, NULL) == more);
    long wrong = 0;
    for (long i = 0; i < taken; i++)
        wrong += done[i].data != (uint64_t)i || done[i].res != 1 ||
                 bytes[i] != "0123456789abcdef"[i % 16];
    printf("wrong: %ld\n", wrong);
    result("nothing left", events(context, 0, 1, done, NULL));
    result("nothing left, no time", events(context, 1, 1, done, &none));
    result("nothing left, a short time", events(context, 1, 1, done, &soon));
    result("nothing left, odd times",
           events(context, 1, 1, done, &(struct timespec){-1, 1010000000}));
    result("time at a bad address", events(context, 0, 1, done, (struct timespec *)8));
    list[1] = NULL;
    result("submit one good, one bad", submit(context, 2, list));
    result("submit none", submit(context, 0, NULL));
    result("submit less than none", submit(context, -1, list));
    result("submit from nowhere", submit(context, 1, NULL));
    result("submit without a context", submit(0, 1, list));
    result("cancel of what has ended", syscall(SYS_io_cancel, context, list[0], done));
    result("cancel at a bad address", syscall(SYS_io_cancel, context, 8l, done));
    result("to a bad address", events(context, 1, 1, (void *)8, NULL));
    truth("the ring has it", (ring->tail + ring->nr - ring->head) % ring->nr == 1 &&
                                 ring->events[ring->head].obj == (uintptr_t)&requests[0]);
    /* taken by the program itself */
    ((struct ring *)context)->head = (ring->head + 1) % ring->nr;
    result("taken from the ring", events(context, 0, 1, done, NULL));
    /* a head that is no place of the ring */
    unsigned head = ring->head;
    ((struct ring *)context)->head = head + 1000 * ring->nr;
    result("strange head", events(context, 0, 1, done, NULL));
    ((struct ring *)context)->head = head;
}

static void *write_later(void *unused)
{
    struct iocb r = request(IOCB_CMD_PREAD, file_fd, &(char){0}, 1, 0), *list[] = {&r};
    (void)unused;
    usleep(20000);
    submit(context, 1, list);
    usleep(20000);
    submit(context, 1, list);
    return NULL;
}

static void *destroy_later(void *of)
{
    usleep(20000);
    syscall(SYS_io_destroy, *(aio_context_t *)of);
    return NULL;
}

static void on_alarm(int number)
{
    (void)number;
}

static void waits(void)
{
    struct io_event done[4];
    pthread_t thread;
    aio_context_t other = 0;
    pthread_create(&thread, NULL, write_later, NULL);
    result("wait for two", events(context, 2, 4, done, NULL));
    pthread_join(thread, NULL);
    setup(1, &other);
    pthread_create(&thread, NULL, destroy_later, &other);
    result("wait until it is destroyed", events(other, 1, 1, done, NULL));
    pthread_join(thread, NULL);
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_alarm, .sa_flags = SA_RESTART}, NULL);
    struct itimerspec soon = {.it_value = {0, 20000000}};
    timer_t timer;
    timer_create(CLOCK_MONOTONIC, NULL, &timer);
    timer_settime(timer, 0, &soon, NULL);
    result("wait with a signal", events(context, 1, 1, done, NULL));
    sigset_t set;
    sigemptyset(&set);
    struct {
        sigset_t *mask;
        size_t size;
    } mask = {&set, 8};
    sigaddset(&set, SIGALRM);
    timer_settime(timer, 0, &soon, NULL);
    result("wait with a signal that is blocked", syscall(SYS_io_pgetevents, context, 1l, 1l, done,
                                                         &(struct timespec){0, 60000000}, &mask));
    mask.size = 5;
    result("a mask of five bytes", syscall(SYS_io_pgetevents, context, 0l, 1l, done, NULL, &mask));
    timer_delete(timer);
}

static void counters(void)
{
    uint64_t value = 0;
    int fd = eventfd(0, EFD_NONBLOCK);
    struct iocb r = request(IOCB_CMD_PREAD, file_fd, &(char){0}, 1, 0);
    r.aio_flags = IOCB_FLAG_RESFD;
    r.aio_resfd = (uint32_t)fd;
    one("with an eventfd", r);
    one("with an eventfd, again", r);
    truth("counted", read(fd, &value, 8) == 8 && value == 2);
    r.aio_resfd = (uint32_t)file_fd;
    one("with another file as an eventfd", r);
    r.aio_resfd = 999;
    one("without the eventfd", r);
    close(fd);
}

/* The line of /proc/self/maps at the address; "" if there is none. */
static const char *line_of(unsigned long at)
{
    static char line[256];
    FILE *maps = fopen("/proc/self/maps", "r");
    unsigned long start;
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL)
        if (sscanf(line, "%lx", &start) == 1 && start == at) {
            fclose(maps);
            return line;
        }
    if (maps != NULL)
        fclose(maps);
    return "";
}

static long number_of(const char *path)
{
    char text[32] = "";
    int fd = open(path, O_RDONLY);
    if (read(fd, text, sizeof text - 1) <= 0)
        text[0] = 0;
    close(fd);
    return atol(text);
}

static void ends(void)
{
    aio_context_t other = 0;
    struct io_event event;
    int status;
    const char *line = line_of(context);
    printf("maps: %.4s %s", strchr(line, ' ') + 1, strstr(line, "/[aio]"));
    long before = number_of("/proc/sys/fs/aio-nr");
    setup(100, &other);
    truth("fs.aio-nr", number_of("/proc/sys/fs/aio-nr") == before + 100);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) { /* the child has none of its parent's contexts */
        result("in the child", events(context, 0, 1, &event, NULL));
        aio_context_t own = 0;
        result("its own", setup(1, &own));
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, &status, 0);
    truth("the child's has gone", number_of("/proc/sys/fs/aio-nr") == before + 100);
    result("destroy", syscall(SYS_io_destroy, other));
    truth("fs.aio-nr", number_of("/proc/sys/fs/aio-nr") == before);
    for (int i = 0; i < 200; i++) {
        aio_context_t c = 0;
        if (setup(50, &c) != 0 || syscall(SYS_io_destroy, c) != 0)
            printf("round %d\n", i);
    }
    struct rlimit limit = {1 << 20, 1 << 20};
    other = 0;
    setrlimit(RLIMIT_AS, &limit);
    result("setup beyond RLIMIT_AS", setup(30000, &other));
    result("destroy", syscall(SYS_io_destroy, context));
    truth("unmapped", strstr(line_of(context), "aio") == NULL);
}

int main(void)
{
    char path[] = "/tmp/aioXXXXXX";
    setvbuf(stdout, NULL, _IOLBF, 0);
    file_fd = mkstemp(path);
    unlink(path);
    setups();
    transfers();
    many();
    waits();
    counters();
    ends();
    return 0;
}
