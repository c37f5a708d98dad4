/* SPDX-License-Identifier: MIT */
/* Calls of everycall.c whose arguments belong together, and what they need: queues, children, timers, names, sockets. */
#pragma once

#include <errno.h>
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#ifdef __GLIBC__
#include <sys/rseq.h>
#endif

#include "everycall.h"

#define FRESH     FOLDER "/fresh" /* there is nothing of this name before a call */
#define MOUNT     FOLDER "/folder"
#define LONG_LINK FOLDER "/link"
#define ATTRIBUTE "user.large"
#define QUEUE     "everycall"
#define SWAP      "/dev/vda" /* of paths.sh */

enum {
    CHILDREN = 100,
    SIGNALS = 1000,
    QUEUED_SIGNAL = 40, /* the libraries use those below 35 */
    OPERATIONS = 500,   /* of one semop() */
    CONNECTIONS = 100,
    ATTRIBUTE_SIZE = 65536,
    MESSAGES = 50,
    MESSAGE_SIZE = 65536,
};

static int exact_fd, exact_id;
static long device;
static char *attached;
static struct sembuf operations[OPERATIONS];
static uint32_t capability_header[2] = {0x20080522,
                                        0}; /* linux/capability.h, which musl-gcc lacks */
static uint32_t capabilities[6];
static struct timespec present;
static struct rlimit limit = {1 << 20, 1 << 20};
static siginfo_t queued;
static uint64_t waited_signals = UINT64_C(1) << (QUEUED_SIGNAL - 1), node = 1;
static struct sigevent no_event;
static struct {
    uint64_t flags, mode, resolve;
} how;

#define MAKES_NAME "mkdir mkdirat mknod mknodat link linkat symlink symlinkat"
#define ON_ATTRIBUTES                                                                              \
    "setxattr lsetxattr fsetxattr getxattr lgetxattr fgetxattr removexattr lremovexattr "          \
    "fremovexattr"
#define ON_REQUESTS "io_submit io_getevents io_pgetevents io_destroy"
#define ON_QUEUE    "mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr"

static void make_connections(void)
{
    exact_fd = socket(AF_UNIX, SOCK_STREAM, 0);
    unlink(address.sun_path);
    must(bind(exact_fd, (struct sockaddr *)&address, sizeof address) == 0, "bind");
    must(listen(exact_fd, CONNECTIONS) == 0, "listen");
    for (int i = 0; i < CONNECTIONS; i++) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        must(connect(fd, (struct sockaddr *)&address, sizeof address) == 0, "connect");
    }
}

static void make_children(void)
{
    for (int i = 0; i < CHILDREN; i++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        must(pid > 0, "fork");
    }
    must(waitid(P_ALL, 0, &queued, WEXITED | WNOWAIT) == 0, "waitid");
}

static void make_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, QUEUED_SIGNAL);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (int i = 0; i < SIGNALS; i++)
        must(sigqueue(getpid(), QUEUED_SIGNAL, (union sigval){0}) == 0, "sigqueue");
}

static void make_queue(void)
{
    struct mq_attr attributes = {.mq_maxmsg = 2 * MESSAGES, .mq_msgsize = MESSAGE_SIZE};
    struct rlimit bytes = {RLIM_INFINITY, RLIM_INFINITY};
    must(setrlimit(RLIMIT_MSGQUEUE, &bytes) == 0, "RLIMIT_MSGQUEUE");
    syscall(SYS_mq_unlink, QUEUE);
    exact_fd = (int)syscall(SYS_mq_open, QUEUE, O_RDWR | O_CREAT | O_NONBLOCK, 0600, &attributes);
    must(exact_fd >= 0, "mq_open");
    for (int i = 0; i < MESSAGES; i++)
        must(syscall(SYS_mq_timedsend, exact_fd, big, MESSAGE_SIZE, 1, NULL) == 0, "mq_timedsend");
}

static struct iovec advised;

/* linux/aio_abi.h, which musl-gcc lacks: reads of all of `big` */
static struct {
    uint64_t data, key_and_flags;
    uint32_t opcode, fd;
    uint64_t buffer, size, offset, reserved, event_fd;
} requests[OPERATIONS];
static void *request_list[OPERATIONS];
static long aio;

static void make_requests(const char *name)
{
    must(syscall(SYS_io_setup, 60000, &aio) == 0, "io_setup");
    for (int i = 0; i < OPERATIONS; i++) {
        requests[i].fd = (uint32_t)file_fd;
        requests[i].buffer = (uint64_t)ADDRESS(big);
        requests[i].size = strcmp(name, "io_submit") == 0 ? BIG / 16 : 1;
        request_list[i] = &requests[i];
    }
    must(strcmp(name, "io_submit") == 0 ||
             syscall(SYS_io_submit, aio, OPERATIONS, request_list) == OPERATIONS,
         "io_submit");
}

/* exact_id: a child that waits. */
static void make_waiting_child(void)
{
    exact_id = fork();
    if (exact_id == 0)
        for (;;)
            pause();
    must(exact_id > 0, "fork");
}

static void prepare_exact(const char *name)
{
    if (strcmp(name, "ptrace") == 0)
        make_waiting_child();
    if (strcmp(name, "process_mrelease") == 0)
        exact_fd = dup(0); /* the number that each child's descriptor will have */
    if (is_one_of(name, "connect accept accept4"))
        make_connections();
    if (is_one_of(name, "bind listen setsockopt getsockopt connect")) {
        int listener = exact_fd;
        exact_fd = socket(AF_UNIX, SOCK_STREAM, 0);
        word = sizeof(int);
        if (listener == 0)
            must(unlink(address.sun_path) == 0 || errno == ENOENT, "unlink");
        if (strcmp(name, "listen") == 0)
            must(bind(exact_fd, (struct sockaddr *)&address, sizeof address) == 0, "bind");
    } else if (is_one_of(name, "wait4 waitid"))
        make_children();
    else if (is_one_of(name, "semop semtimedop")) {
        exact_id = semget(IPC_PRIVATE, OPERATIONS, 0600);
        must(exact_id >= 0, "semget");
        for (int i = 0; i < OPERATIONS; i++)
            operations[i] = (struct sembuf){(unsigned short)i, 1, SEM_UNDO};
    } else if (strcmp(name, "shmdt") == 0) {
        exact_id = shmget(IPC_PRIVATE, RANGE, 0600);
        attached = shmat(exact_id, NULL, 0);
        must(attached != (char *)-1, "shmat");
        touch(attached, RANGE);
    } else if (strcmp(name, "rt_sigtimedwait") == 0)
        make_signals();
    else if (strcmp(name, "capset") == 0)
        must(syscall(SYS_capget, capability_header, capabilities) == 0, "capget");
    else if (strncmp(name, "timer_", 6) == 0 && strcmp(name, "timer_create") != 0) {
        no_event.sigev_notify = SIGEV_NONE;
        must(syscall(SYS_timer_create, CLOCK_MONOTONIC, &no_event, &exact_id) == 0, "timer_create");
    } else if (is_one_of(name, ON_REQUESTS))
        make_requests(name);
    else if (is_one_of(name, ON_QUEUE))
        make_queue();
    else if (strncmp(name, "pidfd_", 6) == 0 || strcmp(name, "process_madvise") == 0)
        exact_fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    else if (strcmp(name, "ustat") == 0) {
        struct stat status;
        must(stat("/tmp", &status) == 0, "stat");
        device = (long)status.st_dev;
    } else if (strcmp(name, "setns") == 0)
        exact_fd = open("/proc/self/ns/uts", O_RDONLY);
    else if (strcmp(name, "readlinkat") == 0)
        must(symlink(deep_path, LONG_LINK) == 0 || errno == EEXIST, "symlink");
    no_event.sigev_notify = SIGEV_NONE;
    queued.si_code = SI_QUEUE;
}

static void prepare_exact_call(const char *name)
{
    if (is_one_of(name, MAKES_NAME)) {
        must(remove(FRESH) == 0 || errno == ENOENT, FRESH);
        must(remove("/tmp/none") == 0 || errno == ENOENT, "/tmp/none");
    }
    if (is_one_of(name, ON_ATTRIBUTES))
        must(setxattr(FILE_NAME, ATTRIBUTE, big, ATTRIBUTE_SIZE, 0) == 0, "setxattr");
    if (strcmp(name, "process_madvise") == 0)
        advised = (struct iovec){range, RANGE};
    if (strcmp(name, "process_mrelease") == 0) {
        make_waiting_child();
        int fd = (int)syscall(SYS_pidfd_open, exact_id, 0);
        must(dup2(fd, exact_fd) == exact_fd && close(fd) == 0, "pidfd");
        kill(exact_id, SIGKILL);
    }
    if (strcmp(name, "io_setup") == 0 && aio != 0) {
        must(syscall(SYS_io_destroy, aio) == 0, "io_destroy");
        aio = 0;
    }
    if (strcmp(name, "swapoff") == 0)
        (void)swapon(SWAP, 0);
    if (strcmp(name, "umount2") == 0)
        must(mount("none", MOUNT, "tmpfs", 0, "") == 0, "mount");
    if (strcmp(name, "clock_settime") == 0)
        clock_gettime(CLOCK_REALTIME, &present);
}

/* True if this is how the call ends when it has done its work. */
static bool is_done(const char *name, long result, int error)
{
    if (result >= 0)
        return true;
    if (strcmp(name, "io_cancel") == 0)
        return error == EINVAL; /* as every request has ended */
    if (strcmp(name, "futex_waitv") == 0)
        return error == ETIMEDOUT;
    if (is_one_of(name, "pkey_alloc pkey_free")) /* there is none */
        return error == ENOSPC || error == EINVAL;
    return is_one_of(name, "pause rt_sigsuspend") && error == EINTR;
}

enum {
    RSEQ_UNREGISTER = 1
};

/* glibc has registered one. */
static long rseq_area(void)
{
#ifdef __GLIBC__
    return ADDRESS((char *)__builtin_thread_pointer() + __rseq_offset);
#else
    return ADDRESS(small);
#endif
}

#define CALL(names, argument, ...)                                                                 \
    if (index == (argument) && is_one_of(name, names)) {                                           \
        PUT(to, __VA_ARGS__);                                                                      \
        return true;                                                                               \
    }

static bool choose_of_sockets(const char *name, size_t index, struct values *to)
{
    CALL("connect accept accept4 bind listen setsockopt getsockopt", 0, exact_fd)
    CALL("accept accept4", 1, ADDRESS(big), 0)
    CALL("accept accept4", 2, ADDRESS(&word), 0)
    CALL("setsockopt getsockopt", 1, SOL_SOCKET)
    CALL("setsockopt getsockopt", 2, SO_SNDBUF, SO_RCVBUF, SO_TYPE, SO_KEEPALIVE)
    CALL("setsockopt", 4, sizeof(int))
    CALL("getsockopt", 4, ADDRESS(&word))
    return false;
}

static bool choose_of_ids(const char *name, size_t index, struct values *to)
{
    CALL("wait4", 0, -1)
    CALL("wait4", 2, WNOHANG)
    CALL("waitid", 0, P_ALL)
    CALL("waitid", 3, WEXITED | WNOHANG)
    CALL("semop semtimedop", 0, exact_id)
    CALL("semop semtimedop", 1, ADDRESS(operations))
    CALL("semop semtimedop", 2, OPERATIONS)
    CALL("shmdt", 0, ADDRESS(attached))
    CALL("capset", 0, ADDRESS(capability_header))
    CALL("capset", 1, ADDRESS(capabilities))
    CALL("rt_sigtimedwait", 0, ADDRESS(&waited_signals))
    CALL("rt_sigsuspend signalfd signalfd4", 2, 8)
    CALL("signalfd signalfd4", 0, -1)
    CALL("signalfd signalfd4", 1, ADDRESS(small))
    CALL("signalfd4", 3, 0)
    CALL("rt_sigqueueinfo", 1, SIGUSR2)
    CALL("rt_tgsigqueueinfo", 2, SIGUSR2)
    CALL("rt_sigqueueinfo", 2, ADDRESS(&queued))
    CALL("rt_tgsigqueueinfo", 3, ADDRESS(&queued))
    CALL("sched_setparam", 0, 0)
    CALL("sched_setparam", 1, ADDRESS(small))
    CALL("setrlimit", 0, RLIMIT_CORE)
    CALL("setrlimit", 1, ADDRESS(&limit))
    CALL("timer_settime timer_gettime timer_getoverrun timer_delete", 0, exact_id)
    CALL("timer_settime", 2, ADDRESS(small))
    CALL("clock_settime", 0, CLOCK_REALTIME)
    CALL("clock_settime", 1, ADDRESS(&present))
    CALL("ppoll", 4, 8)
    CALL("futex_waitv", 3, ADDRESS(&no_time))
    CALL("futex_waitv", 4, CLOCK_MONOTONIC)
    CALL("rseq", 0, rseq_area())
    CALL("rseq", 1, 32)
    CALL("rseq", 2, RSEQ_UNREGISTER, 0)
    CALL("rseq", 3, 0x53053053)
    CALL("ptrace", 0, 0x4206, 0x4207, 7, 17) /* PTRACE_SEIZE, INTERRUPT, CONT, DETACH */
    CALL("ptrace", 1, exact_id)
    CALL("ptrace", 2, 0)
    CALL("ptrace", 3, 0)
    return false;
}

static bool choose_of_machine(const char *name, size_t index, struct values *to)
{
    CALL("pidfd_send_signal pidfd_getfd", 0, exact_fd)
    CALL("pidfd_send_signal", 1, SIGUSR2)
    CALL("pidfd_send_signal", 2, 0)
    CALL("pidfd_send_signal", 3, 0)
    CALL("pidfd_getfd", 1, 2)
    CALL("pidfd_getfd", 2, 0)
    CALL("process_madvise process_mrelease", 0, exact_fd)
    CALL("process_madvise", 1, ADDRESS(&advised))
    CALL("process_madvise", 2, 1)
    CALL("process_madvise", 3, MADV_WILLNEED, MADV_COLD, MADV_PAGEOUT)
    CALL("process_madvise", 4, 0)
    CALL("process_mrelease", 1, 0)
    CALL("setns", 0, exact_fd)
    CALL("setns", 1, 0)
    CALL("migrate_pages", 0, 0)
    CALL("migrate_pages", 1, 2)
    CALL("migrate_pages", 2, ADDRESS(&node))
    CALL("migrate_pages", 3, ADDRESS(&node))
    CALL("kcmp", 0, getpid())
    CALL("kcmp", 1, getpid())
    CALL("kcmp", 2, 0, 1, 2, 3)
    CALL("kcmp", 3, file_fd)
    CALL("kcmp", 4, file_fd)
    CALL("sysfs", 0, 3)
    CALL("ustat", 0, device)
    CALL("pkey_mprotect", 3, -1)
    return false;
}

static bool choose_of_requests(const char *name, size_t index, struct values *to)
{
    CALL("io_setup", 0, 65536)
    CALL("io_setup", 1, ADDRESS(&aio))
    CALL(ON_REQUESTS, 0, aio)
    CALL("io_submit io_getevents io_pgetevents", 1, OPERATIONS)
    CALL("io_submit", 2, ADDRESS(request_list))
    CALL("io_getevents io_pgetevents", 2, OPERATIONS)
    CALL("io_getevents io_pgetevents", 3, ADDRESS(big))
    CALL("io_getevents io_pgetevents", 4, ADDRESS(&no_time))
    CALL("io_pgetevents", 5, 0)
    return false;
}

static bool choose_of_names(const char *name, size_t index, struct values *to)
{
    CALL("mkdir mknod", 0, ADDRESS(FRESH), ADDRESS(deep_path))
    CALL("mkdirat mknodat linkat readlinkat openat2", 0, AT_FDCWD)
    CALL("mkdirat mknodat link symlink", 1, ADDRESS(FRESH), ADDRESS(deep_path))
    CALL("mknod", 1, S_IFREG | 0777)
    CALL("mknodat", 2, S_IFREG | 0777)
    CALL("link symlinkat", 0, ADDRESS(FILE_NAME))
    CALL("symlinkat", 2, ADDRESS(FRESH), ADDRESS(deep_path))
    CALL("linkat", 2, AT_FDCWD)
    CALL("symlinkat", 1, AT_FDCWD)
    CALL("linkat", 1, ADDRESS(FILE_NAME))
    CALL("linkat", 3, ADDRESS(FRESH), ADDRESS(deep_path))
    CALL("linkat", 4, 0)
    CALL("mount", 0, ADDRESS("none"))
    CALL("mount", 1, ADDRESS(MOUNT))
    CALL("umount2", 0, ADDRESS(MOUNT))
    CALL("mount", 2, ADDRESS("tmpfs"))
    CALL("mount", 3, 0)
    CALL("mount", 4, 0)
    CALL("swapon", 0, ADDRESS(SWAP))
    CALL("swapon", 1, 0)
    CALL("swapoff", 0, ADDRESS(SWAP))
    CALL("umount2", 1, 0)
    CALL("readlinkat", 1, ADDRESS(LONG_LINK))
    CALL("openat2", 1, ADDRESS(FILE_NAME), ADDRESS(deep_path))
    CALL("openat2", 2, ADDRESS(&how))
    CALL("openat2", 3, sizeof how)
    CALL("fsetxattr fgetxattr fremovexattr", 0, file_fd)
    CALL(ON_ATTRIBUTES, 1, ADDRESS(ATTRIBUTE))
    CALL(ON_ATTRIBUTES, 3, ATTRIBUTE_SIZE)
    CALL(ON_ATTRIBUTES, 4, 0)
    CALL("mq_open mq_unlink", 0, ADDRESS(QUEUE))
    CALL("mq_open", 1, O_RDWR | O_CREAT)
    CALL("mq_open", 3, 0)
    CALL(ON_QUEUE, 0, exact_fd)
    CALL("mq_timedsend mq_timedreceive", 2, MESSAGE_SIZE)
    CALL("mq_timedsend", 3, 1)
    CALL("mq_notify", 1, ADDRESS(&no_event), 0)
    CALL("mq_getsetattr", 1, 0)
    return false;
}

static bool choose_exactly(const char *name, size_t index, struct values *to)
{
    return choose_of_sockets(name, index, to) || choose_of_ids(name, index, to) ||
           choose_of_machine(name, index, to) || choose_of_requests(name, index, to) ||
           choose_of_names(name, index, to);
}
