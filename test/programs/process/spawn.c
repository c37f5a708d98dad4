/* SPDX-License-Identifier: MIT */
/*
 * Processes made by vfork() and posix_spawn(). With a role as its first argument the program is one
 * of the children.
 */
#define _GNU_SOURCE
#include "result.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static const char *self;

/* ---- roles ---- */

static void *spin(void *unused)
{
    for (;;)
        sched_yield();
    return unused;
}

static int role_threads(void)
{
    pthread_t t;
    for (int i = 0; i < 3; i++)
        pthread_create(&t, NULL, spin, NULL);
    exit(11);
}

static int role_filter(void)
{
    int c;
    while ((c = getchar()) != EOF)
        putchar(c >= 'a' && c <= 'z' ? c - 32 : c);
    return 0;
}

static int role_identity(void)
{
    char link[64] = "", number[64], line[256] = "";
    snprintf(number, sizeof number, "%d", getpid());
    truth("/proc/self leads to the child",
          readlink("/proc/self", link, sizeof link - 1) > 0 && strcmp(link, number) == 0);
    FILE *f = fopen("/proc/self/cmdline", "r");
    size_t n = f != NULL ? fread(line, 1, sizeof line, f) : 0;
    truth("cmdline", n > 0 && strcmp(line + strlen(line) + 1, "identity") == 0);
    if (f != NULL)
        fclose(f);
    f = fopen("/proc/self/stat", "r");
    int pid = 0, parent = 0;
    char name[32] = "", state;
    truth("stat", f != NULL && fscanf(f, "%d (%31[^)]) %c %d", &pid, name, &state, &parent) == 4 &&
                      pid == getpid() && parent == getppid());
    if (f != NULL)
        fclose(f);
    printf("name %s\n", name);
    char *big = malloc(3 << 20);
    memset(big, 1, 3 << 20);
    truth("brk works", sbrk(100000) != (void *)-1);
    f = fopen("/proc/self/maps", "r");
    int heaps = 0, stacks = 0;
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        heaps += strstr(line, "[heap]") != NULL;
        stacks += strstr(line, "[stack]") != NULL;
    }
    printf("heaps %d stacks %d\n", heaps, stacks);
    printf("cwd %s\n", getcwd(line, sizeof line));
    printf("umask %o\n", umask(0));
    return 3;
}

static int role_descriptors(void)
{
    for (int fd = 3; fd < 12; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            printf("descriptor %d is open\n", fd);
    return 0;
}

static int role_signals(void)
{
    sigset_t mask;
    struct sigaction a;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    printf("USR1 blocked %d, USR2 blocked %d\n", sigismember(&mask, SIGUSR1),
           sigismember(&mask, SIGUSR2));
    sigaction(SIGUSR2, NULL, &a);
    printf("USR2 default %d\n", a.sa_handler == SIG_DFL);
    sigaction(SIGPIPE, NULL, &a);
    printf("PIPE ignored %d\n", a.sa_handler == SIG_IGN);
    printf("leads its group %d, its session %d\n", getpgrp() == getpid(), getsid(0) == getpid());
    return 0;
}

/* Leaves a child behind, which prints a line when it has a new parent. */
static int role_orphan(void)
{
    char *arguments[] = {(char *)self, "left", NULL};
    pid_t pid;
    return posix_spawn(&pid, self, NULL, NULL, arguments, environ) == 0 ? 0 : 1;
}

static int role_left(void)
{
    int before = atoi(getenv("FIRST"));
    while (getppid() != before)
        usleep(1000);
    return 21;
}

static int role_again(void)
{
    execl(self, self, "exit", NULL);
    return 1;
}

static int role_lock(void)
{
    struct flock lock = {.l_type = F_WRLCK, .l_len = 10};
    int fd = open("/tmp/locked", O_RDWR);
    result("parent's lock", fcntl(fd, F_SETLK, &lock));
    lock.l_start = 10;
    result("behind it", fcntl(fd, F_SETLK, &lock));
    lock.l_start = 0;
    result("whose it is", fcntl(fd, F_GETLK, &lock));
    truth("the parent's", lock.l_type == F_WRLCK && lock.l_pid == getppid());
    return 0;
}

static int __attribute__((noreturn)) role_pause(void)
{
    for (;;)
        pause();
}

static int role_tree(char *depth)
{
    char next[2] = {(char)(*depth - 1), 0}, *arguments[] = {(char *)self, "tree", next, NULL};
    pid_t pid;
    int status = 0;
    if (*depth == '0')
        return 1;
    for (int i = 0; i < 2; i++)
        if (posix_spawn(&pid, self, NULL, NULL, arguments, environ) != 0)
            return 0;
    int sum = 0;
    while (wait(&status) > 0)
        sum += WEXITSTATUS(status);
    return sum;
}

static int act(char **arguments)
{
    const char *role = arguments[0];
    static const struct {
        const char *name;
        int (*act)(void);
    } roles[] = {{"threads", role_threads},   {"filter", role_filter},
                 {"identity", role_identity}, {"descriptors", role_descriptors},
                 {"signals", role_signals},   {"orphan", role_orphan},
                 {"left", role_left},         {"again", role_again},
                 {"pause", role_pause},       {"lock", role_lock}};
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        if (strcmp(role, roles[i].name) == 0)
            return roles[i].act();
    return strcmp(role, "tree") == 0 ? role_tree(arguments[1]) : 42;
}

/* ---- the parent ---- */

static pid_t start(const char *role, const posix_spawn_file_actions_t *actions,
                   const posix_spawnattr_t *attributes)
{
    char *arguments[] = {(char *)self, (char *)role, NULL};
    pid_t pid = 0;
    fflush(stdout);
    int e = posix_spawn(&pid, self, actions, attributes, arguments, environ);
    if (e != 0)
        printf("%s: not started, error %d\n", role, e);
    return pid;
}

static void show(const char *what, int status)
{
    if (WIFEXITED(status))
        printf("%s: exit %d\n", what, WEXITSTATUS(status));
    else
        printf("%s: signal %d\n", what, WTERMSIG(status));
}

static void run(const char *role)
{
    int status = 0;
    pid_t pid = start(role, NULL, NULL);
    truth("waited for it", waitpid(pid, &status, 0) == pid);
    show(role, status);
}

static volatile int shared;

static void test_vfork(void)
{
    int status;
    pid_t parent = getpid(), pid = vfork();
    if (pid == 0) {
        shared = getppid() == parent && getpid() != parent ? 1 : 2;
        _exit(5);
    }
    printf("memory is shared: %d\n", shared);
    truth("vfork's child", wait(&status) == pid);
    show("vfork", status);

    pid = vfork();
    if (pid == 0) {
        int e = execl("/missing", "x", NULL);
        _exit(e == -1 && errno == ENOENT ? 6 : 7);
    }
    wait(&status);
    show("exec that fails", status);

    pid = vfork();
    if (pid == 0) {
        chdir("/");
        close(0);
        umask(0);
        setpgid(0, 0);
        kill(getpid(), SIGKILL);
    }
    wait(&status);
    show("killed before exec", status);
    char cwd[100];
    printf("descriptor 0 is still open: %d, cwd %s, umask %o\n", fcntl(0, F_GETFD) >= 0,
           getcwd(cwd, sizeof cwd), umask(022));
    result("no more children", wait(NULL));
}

static volatile sig_atomic_t caught;
static siginfo_t notice;

static void on_child(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)context;
    caught++;
    notice = *info;
}

static void on_alarm(int signal)
{
    (void)signal;
    caught += 100;
}

static void test_notice(void)
{
    struct sigaction a = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO | SA_RESTART};
    int status;
    sigaction(SIGCHLD, &a, NULL);
    pid_t pid = start("exit", NULL, NULL);
    waitpid(pid, &status, 0);
    printf("SIGCHLD came %d times, code %d, status %d\n", caught, notice.si_code, notice.si_status);
    truth("of the child", notice.si_pid == pid && notice.si_uid == getuid());
    pid = start("pause", NULL, NULL);
    kill(pid, SIGTERM);
    waitpid(pid, &status, 0);
    show("pause", status);
    printf("SIGCHLD came %d times, code %d, status %d\n", caught, notice.si_code, notice.si_status);

    signal(SIGCHLD, SIG_IGN);
    start("exit", NULL, NULL);
    result("ignored children leave nothing", wait(&status));
    a.sa_flags |= SA_NOCLDWAIT;
    caught = 0;
    sigaction(SIGCHLD, &a, NULL);
    start("exit", NULL, NULL);
    while (wait(&status) > 0)
        ;
    result("nor do unwanted ones", -1);
    printf("but a signal: %d\n", caught);
    signal(SIGCHLD, SIG_DFL);

    /* Signals stay pending during vfork(). */
    signal(SIGALRM, on_alarm);
    caught = 0;
    pid = vfork();
    if (pid == 0) {
        kill(getppid(), SIGALRM);
        _exit(caught);
    }
    wait(&status);
    show("handlers that ran before vfork() returned", status);
    printf("and after: %d\n", caught);
}

static void test_wait(void)
{
    int status = -1;
    siginfo_t info;
    pid_t pid = start("pause", NULL, NULL);
    printf("nothing yet: %d\n", waitpid(pid, &status, WNOHANG));
    memset(&info, 0xff, sizeof info);
    result("waitid, nothing yet", waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG));
    printf("pid %d\n", info.si_pid);
    result("another group", waitpid(-getpid() - 77777, &status, WNOHANG));
    kill(pid, SIGKILL);
    result("waitid", waitid(P_ALL, 0, &info, WEXITED | WNOWAIT));
    printf("signal %d code %d status %d same %d\n", info.si_signo, info.si_code, info.si_status,
           info.si_pid == pid);
    result("a zombie takes signals", kill(pid, 0));
    struct rusage usage;
    truth("it is there still", wait4(-1, &status, 0, &usage) == pid);
    truth("times", usage.ru_utime.tv_sec == 0 && usage.ru_stime.tv_sec == 0);
    show("wait4", status);
    result("now it is gone", kill(pid, 0));
    result("wait for it", waitpid(pid, &status, 0));
    result("options", waitpid(-1, &status, 0x100));
    result("no kind", waitid(9, 1, &info, WEXITED));
    result("no event", waitid(P_ALL, 0, &info, 0));
}

static void test_groups(void)
{
    posix_spawnattr_t a;
    int status;
    pid_t group = 0, pid[3];
    for (int i = 0; i < 3; i++) {
        posix_spawnattr_init(&a);
        posix_spawnattr_setflags(&a, POSIX_SPAWN_SETPGROUP);
        posix_spawnattr_setpgroup(&a, group);
        pid[i] = start("pause", NULL, &a);
        if (i == 0)
            group = pid[0];
        posix_spawnattr_destroy(&a);
    }
    truth("one group", getpgid(pid[0]) == group && getpgid(pid[2]) == group);
    truth("one session", getsid(pid[1]) == getsid(0));
    result("after exec its group stays", setpgid(pid[1], pid[1]));
    result("no such group", setpgid(0, 30000));
    result("a stranger", setpgid(getppid() > 0 ? getppid() : 29999, 0));
    result("negative", setpgid(0, -1));
    result("kill the group", kill(-group, SIGINT));
    for (int i = 0; i < 3; i++) {
        pid_t p = waitpid(-group, &status, 0);
        truth("one of them", p == pid[0] || p == pid[1] || p == pid[2]);
        show("member", status);
    }
    result("nobody there", kill(-group, SIGINT));
    result("no child of that group", waitpid(-group, &status, 0));

    sigset_t set;
    posix_spawnattr_init(&a);
    posix_spawnattr_setflags(&a, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | 0x80);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    posix_spawnattr_setsigmask(&a, &set);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    posix_spawnattr_setsigdefault(&a, &set);
    signal(SIGUSR2, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    pid_t p = start("signals", NULL, &a);
    waitpid(p, &status, 0);
    show("signals", status);
    signal(SIGPIPE, SIG_DFL);
    posix_spawnattr_destroy(&a);
}

static void test_pipeline(void)
{
    int in[2], out[2], status;
    char text[100] = "";
    posix_spawn_file_actions_t a;
    result("pipe", pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC));
    posix_spawn_file_actions_init(&a);
    posix_spawn_file_actions_adddup2(&a, in[0], 0);
    posix_spawn_file_actions_adddup2(&a, out[1], 1);
    pid_t pid = start("filter", &a, NULL);
    posix_spawn_file_actions_destroy(&a);
    close(in[0]);
    close(out[1]);
    write(in[1], "through two pipes\n", 18);
    close(in[1]);
    ssize_t n = read(out[0], text, sizeof text - 1);
    printf("%d bytes: %s", (int)n, text);
    result("end of file", read(out[0], text, 1));
    close(out[0]);
    waitpid(pid, &status, 0);
    show("filter", status);

    int keep = open("/dev/null", O_RDONLY), gone = open("/dev/null", O_RDONLY | O_CLOEXEC);
    printf("descriptors %d %d\n", keep, gone);
    run("descriptors");
    close(keep);
    close(gone);
}

static void show_change(const char *what, pid_t pid, int options)
{
    int status = 0;
    pid_t got = waitpid(pid, &status, options);
    printf("%s: %s, stopped %d by %d, continued %d\n", what,
           got == pid ? "it"
           : got == 0 ? "-"
                      : "?",
           got == pid && WIFSTOPPED(status),
           got == pid && WIFSTOPPED(status) ? WSTOPSIG(status) : 0,
           got == pid && WIFCONTINUED(status));
}

static void test_stop(void)
{
    struct sigaction a = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO | SA_RESTART};
    siginfo_t info;
    int status;
    char path[64], line[200] = "", state = 0;
    sigaction(SIGCHLD, &a, NULL);
    caught = 0;
    pid_t pid = start("pause", NULL, NULL);
    kill(pid, SIGSTOP);
    show_change("stop", pid, WUNTRACED);
    printf("SIGCHLD %d, code %d, status %d\n", caught, notice.si_code, notice.si_status);
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *f = fopen(path, "r");
    if (f != NULL && fgets(line, sizeof line, f) != NULL)
        sscanf(strrchr(line, ')'), ") %c", &state);
    printf("state %c\n", state);
    if (f != NULL)
        fclose(f);
    show_change("only once", pid, WUNTRACED | WNOHANG);
    kill(pid, SIGUSR2); /* stays pending until it is ignored or ends the process */
    show_change("still stopped", pid, WNOHANG);
    kill(pid, SIGCONT);
    result("waitid", waitid(P_PID, (id_t)pid, &info, WCONTINUED | WEXITED | WNOWAIT));
    printf("code %d status %d\n", info.si_code, info.si_status);
    kill(pid, SIGSTOP);
    kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    show("killed while stopped", status);
    signal(SIGCHLD, SIG_DFL);
}

static void test_locks(void)
{
    struct flock lock = {.l_type = F_WRLCK, .l_len = 10};
    int fd = open("/tmp/locked", O_RDWR | O_CREAT, 0600);
    result("lock", fcntl(fd, F_SETLK, &lock));
    run("lock");
    lock.l_start = 10;
    result("the child's is gone", fcntl(fd, F_SETLK, &lock));
    close(fd);
    unlink("/tmp/locked");
}

static void test_orphan(void)
{
    char number[32];
    int status;
    snprintf(number, sizeof number, "%d", getpid());
    setenv("FIRST", number, 1);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    run("orphan");
    truth("the orphan is ours", wait(&status) > 0);
    show("orphan", status);
    prctl(PR_SET_CHILD_SUBREAPER, 0);
}

static int sibling(void *argument)
{
    shared = *(int *)argument;
    _exit(9);
}

static void test_clone(void)
{
    static char stack[16384] __attribute__((aligned(16)));
    int number = 77, status = 0;
    pid_t pid = clone(sibling, stack + sizeof stack, CLONE_VM | SIGCHLD, &number);
    truth("clone", pid > 0 && waitpid(pid, &status, 0) == pid);
    show("clone", status);
    printf("memory is shared: %d\n", shared);
    pid = clone(sibling, stack + sizeof stack, CLONE_VM | CLONE_VFORK, &number);
    result("without a signal it is no usual child", waitpid(pid, &status, 0));
    truth("but one of clone", waitpid(pid, &status, __WCLONE) == pid);
}

static void *spawn_many(void *count)
{
    for (int i = 0; i < *(int *)count; i++) {
        int status;
        char *arguments[] = {(char *)self, "exit", NULL};
        pid_t pid;
        if (posix_spawn(&pid, self, NULL, NULL, arguments, environ) != 0 ||
            waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != 42)
            printf("a spawn of many failed\n");
    }
    return NULL;
}

static void test_many(void)
{
    pthread_t thread[4];
    int count = 10;
    for (int i = 0; i < 4; i++)
        pthread_create(&thread[i], NULL, spawn_many, &count);
    for (int i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    int status;
    char *arguments[] = {(char *)self, "tree", "4", NULL};
    pid_t pid;
    fflush(stdout);
    result("tree", posix_spawn(&pid, self, NULL, NULL, arguments, environ));
    waitpid(pid, &status, 0);
    show("leaves", status);
    struct rusage usage;
    result("rusage", getrusage(RUSAGE_CHILDREN, &usage));
    truth("children took time", usage.ru_utime.tv_usec + usage.ru_stime.tv_usec > 0);
}

int main(int count, char **arguments)
{
    self = "/proc/self/exe";
    setvbuf(stdout, NULL, _IOLBF, 4096);
    if (count > 1 && strcmp(arguments[1], "vfork") != 0)
        return act(arguments + 1);
    test_vfork();
    test_clone();
    if (count > 1) /* linked to a fixed address: a second instance cannot run */
        return 0;
    run("exit");
    run("again");
    run("identity");
    run("threads");
    test_notice();
    test_wait();
    test_groups();
    test_pipeline();
    test_locks();
    test_stop();
    test_orphan();
    test_many();
    return 0;
}
