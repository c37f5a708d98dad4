/* SPDX-License-Identifier: MIT */
/*
 * What a process may do to others, and what its user's limits let it do: kill(2), setpriority(2),
 * prlimit(2), sched_setscheduler(2), /proc of others, RLIMIT_NPROC, RLIMIT_CPU, chroot(2). Children
 * give up rights by system calls of their own thread, and act on this program, which is root's.
 */
#define _GNU_SOURCE
#include "result.h"

#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TRY(call)  result(#call, call)
#define STACK_SIZE (128 << 10)
#define USER       1000

static char stacks[3][STACK_SIZE] __attribute__((aligned(64)));
static volatile int other_tid, stop, arrived;
static pid_t root_pid;

static pid_t start(int which, int (*part)(void *), void *argument, int flags)
{
    fflush(stdout);
    return clone(part, stacks[which] + STACK_SIZE, CLONE_VM | SIGCHLD | flags, argument);
}

static int in_child(int (*part)(void *), void *argument, int flags)
{
    int status = -1;
    pid_t pid = start(0, part, argument, CLONE_VFORK | flags);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        perror("child");
    fflush(stdout);
    return status;
}

static void become(unsigned uid)
{
    syscall(SYS_setgroups, 0, NULL);
    syscall(SYS_setresgid, uid, uid, uid);
    syscall(SYS_setresuid, uid, uid, uid);
}

static void count(int signal)
{
    (void)signal;
    arrived++;
}

static void nap(int ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&t, NULL);
}

static long queue(pid_t pid, int signal)
{
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_signo = signal;
    info.si_code = SI_QUEUE;
    return syscall(SYS_rt_sigqueueinfo, pid, signal, &info);
}

static long limit_other(pid_t pid)
{
    struct rlimit limit = {100, 100};
    return syscall(SYS_prlimit64, pid, RLIMIT_LOCKS, &limit, NULL);
}

static long read_limit(pid_t pid)
{
    struct rlimit limit;
    return syscall(SYS_prlimit64, pid, RLIMIT_LOCKS, NULL, &limit);
}

static long schedule(pid_t pid)
{
    struct sched_param p = {0};
    return syscall(SYS_sched_setscheduler, pid, SCHED_BATCH, &p);
}

static long bind_to_cpu(pid_t pid)
{
    unsigned long mask = 1;
    return syscall(SYS_sched_setaffinity, pid, sizeof mask, &mask);
}

static long robust(pid_t pid)
{
    void *head;
    size_t size;
    return syscall(SYS_get_robust_list, pid, &head, &size);
}

static long io_priority(pid_t pid, int value)
{
    return syscall(SYS_ioprio_set, 1, pid, value);
}

static long open_of(pid_t pid, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    int fd = open(path, O_RDONLY);
    return fd >= 0 ? close(fd) : fd;
}

static long link_of(pid_t pid, const char *name)
{
    char path[64], to[256];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    return readlink(path, to, sizeof to) > 0 ? 0 : -1;
}

static void act_on(pid_t pid)
{
    TRY(kill(pid, 0));
    TRY(kill(pid, SIGUSR1));
    TRY(kill(pid, 99));
    TRY(kill(pid, SIGCONT));
    TRY(syscall(SYS_tgkill, pid, pid, SIGUSR1));
    TRY(syscall(SYS_tkill, pid, SIGUSR1));
    TRY(queue(pid, SIGUSR1));
    TRY(setpriority(PRIO_PROCESS, pid, 5));
    TRY(limit_other(pid));
    TRY(read_limit(pid));
    TRY(schedule(pid));
    TRY(bind_to_cpu(pid));
    TRY(robust(pid));
    TRY(io_priority(pid, 2 << 13 | 4));
    TRY(open_of(pid, "environ"));
    TRY(open_of(pid, "maps"));
    TRY(open_of(pid, "auxv"));
    TRY(open_of(pid, "stat"));
    TRY(open_of(pid, "fd"));
    TRY(link_of(pid, "cwd"));
    TRY(link_of(pid, "exe"));
    TRY(link_of(pid, "fd/1"));
}

static int part_stranger(void *unused)
{
    (void)unused;
    become(USER);
    act_on(root_pid);
    TRY(setpriority(PRIO_PROCESS, 0, -1));
    TRY(setpriority(PRIO_PROCESS, 0, 1));
    TRY(setpriority(PRIO_PROCESS, 0, 0));
    TRY(io_priority(0, 1 << 13 | 4));
    TRY(io_priority(0, 2 << 13 | 4));
    TRY(open_of(getpid(), "environ"));
    TRY(prctl(PR_GET_DUMPABLE));
    _exit(0);
}

/* Root's ids without root's capabilities. */
static int part_powerless(void *unused)
{
    struct {
        unsigned version;
        int pid;
    } header = {0x20080522, 0};
    unsigned none[6] = {0};
    (void)unused;
    TRY(syscall(SYS_capset, &header, none));
    act_on(root_pid);
    _exit(0);
}

/* ---- one's own: of the same user ---- */

static int part_sleeper(void *unused)
{
    (void)unused;
    become(USER);
    other_tid = (int)syscall(SYS_gettid);
    while (!stop)
        nap(5);
    _exit(0);
}

static int part_friend(void *unused)
{
    (void)unused;
    become(USER);
    pid_t pid = other_tid;
    TRY(kill(pid, 0));
    TRY(kill(pid, SIGURG));
    TRY(setpriority(PRIO_PROCESS, pid, 3));
    TRY(setpriority(PRIO_PROCESS, pid, 2));
    TRY(limit_other(pid));
    TRY(schedule(pid));
    TRY(bind_to_cpu(pid));
    TRY(io_priority(pid, 2 << 13 | 4));
    TRY(getpriority(PRIO_USER, USER));
    TRY(getpriority(PRIO_USER, USER + 1));
    _exit(0);
}

/* ---- threads ---- */

static void *thread(void *unused)
{
    other_tid = (int)syscall(SYS_gettid);
    while (!stop)
        nap(5);
    return unused;
}

/* The ids of a thread are its own. */
static void *thread_with_user(void *unused)
{
    syscall(SYS_setresuid, USER, USER, USER);
    printf("thread: uid %ld\n", syscall(SYS_getuid));
    result("thread: open", open("/tmp/secret", O_RDONLY));
    return unused;
}

static void threads(void)
{
    pthread_t t;
    other_tid = stop = 0;
    pthread_create(&t, NULL, thread, NULL);
    while (other_tid == 0)
        nap(5);
    TRY(kill(other_tid, 0));
    arrived = 0;
    TRY(kill(other_tid, SIGUSR1));
    nap(20);
    printf("arrived %d\n", arrived);
    truth("getpgid", getpgid(other_tid) == getpgid(0));
    truth("getsid", getsid(other_tid) == getsid(0));
    TRY(read_limit(other_tid));
    TRY(schedule(other_tid));
    TRY(robust(other_tid));
    TRY(getpriority(PRIO_PROCESS, other_tid));
    stop = 1;
    pthread_join(t, NULL);
    close(open("/tmp/secret", O_CREAT | O_RDWR, 0600));
    pthread_create(&t, NULL, thread_with_user, NULL);
    pthread_join(t, NULL);
    printf("process: uid %u\n", getuid());
    TRY(close(open("/tmp/secret", O_RDONLY)));
}

/* ---- limits ---- */

static int part_nothing(void *unused)
{
    (void)unused;
    syscall(SYS_exit, 0);
    return 0;
}

static int part_processes(void *argument)
{
    long most = (long)argument;
    char *nothing[] = {NULL};
    struct rlimit limit = {(rlim_t)most, (rlim_t)most};
    setrlimit(RLIMIT_NPROC, &limit);
    become(USER);
    pid_t pid = clone(part_nothing, stacks[1] + STACK_SIZE, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
    result("child", pid < 0 ? pid : 0);
    if (pid > 0)
        waitpid(pid, NULL, 0);
    /* Over the limit since setuid(): exec fails. */
    execve("/bin/missing", nothing, nothing);
    printf("exec: errno %d\n", errno);
    fflush(stdout);
    _exit(0);
}

static int part_root_processes(void *unused)
{
    struct rlimit limit = {1, 1};
    (void)unused;
    setrlimit(RLIMIT_NPROC, &limit);
    pid_t pid = clone(part_nothing, stacks[1] + STACK_SIZE, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
    result("root's child", pid < 0 ? pid : 0);
    if (pid > 0)
        waitpid(pid, NULL, 0);
    _exit(0);
}

static volatile int xcpu;

static void on_xcpu(int signal)
{
    (void)signal;
    xcpu++;
}

/* `caught`: SIGXCPU comes each second, and then SIGKILL. */
static int part_cpu(void *caught)
{
    struct rlimit limit = {1, 3};
    struct sigaction action = {.sa_handler = caught ? on_xcpu : SIG_DFL};
    syscall(SYS_prlimit64, 0, RLIMIT_CPU, &limit, NULL);
    sigaction(SIGXCPU, &action, NULL);
    for (;;)
        ;
    return 0;
}

/* ---- chroot ---- */

static int part_chroot(void *unused)
{
    char path[256];
    (void)unused;
    mkdir("/tmp/jail", 0755);
    mkdir("/tmp/jail/inside", 0755);
    close(open("/tmp/outside", O_CREAT | O_RDWR, 0600));
    TRY(chdir("/tmp"));
    TRY(chroot("/tmp/jail"));
    TRY(access("/inside", F_OK));
    TRY(access("/outside", F_OK));
    TRY(access("outside", F_OK)); /* the working directory is outside */
    TRY(access("../tmp/outside", F_OK));
    truth("getcwd", syscall(SYS_getcwd, path, sizeof path) > 0 &&
                        strncmp(path, "(unreachable)/", 14) == 0 &&
                        strcmp(path + strlen(path) - 4, "/tmp") == 0);
    TRY(chdir("/inside"));
    TRY(access("../../../inside", F_OK));
    TRY(access("../../../tmp", F_OK));
    printf("getcwd %ld: %s\n", syscall(SYS_getcwd, path, sizeof path), path);
    _exit(0);
}

static int part_access(void *unused)
{
    (void)unused;
    syscall(SYS_setresuid, -1, USER, -1);
    TRY(syscall(SYS_access, "/tmp/secret", R_OK));
    TRY(syscall(SYS_faccessat, AT_FDCWD, "/tmp/secret", W_OK));
    TRY(syscall(SYS_faccessat2, AT_FDCWD, "/tmp/secret", R_OK, AT_EACCESS));
    TRY(syscall(SYS_access, "/tmp/secret", X_OK));
    TRY(open("/tmp/secret", O_RDONLY));
    syscall(SYS_setresuid, -1, 0, -1);
    syscall(SYS_setresuid, USER, 0, 0);
    TRY(syscall(SYS_access, "/tmp/secret", R_OK));
    TRY(syscall(SYS_access, "/tmp/closed/x", F_OK));
    TRY(syscall(SYS_faccessat2, AT_FDCWD, "/tmp/secret", R_OK, AT_EACCESS));
    TRY(syscall(SYS_setfsuid, USER));
    TRY(syscall(SYS_setfsuid, -1));
    TRY(open("/tmp/secret", O_RDONLY));
    TRY(syscall(SYS_setfsuid, 0));
    TRY(close(open("/tmp/secret", O_RDONLY)));
    _exit(0);
}

static void modes_of_proc(void)
{
    TRY(chmod("/proc/self/status", 0600));
    TRY(chmod("/proc/self", 0500));
    TRY(chmod("/proc/self/fd", 0700));
    TRY(chmod("/proc/sys/kernel/ostype", 0600));
    int fd = open("/proc/self/comm", O_RDWR);
    TRY(fchmod(fd, 0600));
    close(fd);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    root_pid = getpid();
    setgroups(0, NULL);
    umask(022);
    signal(SIGUSR1, count);
    signal(SIGCONT, SIG_IGN);
    in_child(part_stranger, NULL, 0);
    printf("arrived %d\n", arrived);
    in_child(part_powerless, NULL, 0);
    nap(20);
    truth("arrived from one's own user", arrived > 0);
    threads();
    modes_of_proc();
    mkdir("/tmp/closed", 0700);
    in_child(part_access, NULL, 0);

    int status;
    other_tid = stop = 0;
    pid_t pid = start(1, part_sleeper, NULL, 0);
    while (other_tid == 0)
        nap(5);
    in_child(part_friend, NULL, 0);
    stop = 1;
    waitpid(pid, &status, 0);
    for (long most = 0; most < 4; most++)
        in_child(part_processes, (void *)most, 0);
    in_child(part_root_processes, NULL, 0);
    in_child(part_chroot, NULL, 0);

    pid = start(1, part_cpu, NULL, 0);
    pid_t second = start(2, part_cpu, (void *)1, 0);
    waitpid(pid, &status, 0);
    printf("RLIMIT_CPU: status %x\n", status & 0x7f);
    waitpid(second, &status, 0);
    printf("RLIMIT_CPU, SIGXCPU caught: status %x\n", status & 0x7f);
    truth("two or more", xcpu >= 2);
    return 0;
}
