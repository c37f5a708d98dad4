/* SPDX-License-Identifier: MIT */
/*
 * ptrace(2): each call that takes a path stops at its entry, where the path is read, and at its end, where its result says
 * whether the file was there.
 *
 *     entry: pending path of the thread -> exit, result >= 0 -> list of files -> after the run: tree
 */
#include "image/trace_files.h"
#include "base/compiler.h"
#include "host/fail.h"
#include "host/path.h"
#include "host/text.h"
#include "image/pick.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPTIONS                                                                                    \
    (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |      \
     PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL)
#define SYSCALL_STOP (SIGTRAP | 0x80)
#define FILES_MAX    100000

static const struct shape { /* where a call has its path */
    uint16_t number;
    int8_t folder, path, flags; /* arguments; -1: none. flags: of open(2) */
} shapes[] = {
    {SYS_open, -1, 0, 1},      {SYS_openat, 0, 1, 2},      {SYS_openat2, 0, 1, 2},
    {SYS_execve, -1, 0, -1},   {SYS_execveat, 0, 1, -1},   {SYS_stat, -1, 0, -1},
    {SYS_lstat, -1, 0, -1},    {SYS_access, -1, 0, -1},    {SYS_newfstatat, 0, 1, -1},
    {SYS_statx, 0, 1, -1},     {SYS_faccessat, 0, 1, -1},  {SYS_faccessat2, 0, 1, -1},
    {SYS_readlink, -1, 0, -1}, {SYS_readlinkat, 0, 1, -1}, {SYS_chdir, -1, 0, -1},
};

struct task {
    pid_t pid;
    char *pending; /* the path of the call that runs; NULL: none */
    bool execs;
};

struct trace {
    struct task *task;
    size_t count;
    struct args
        files; /* host paths, or relative ones below the folder where the program was started */
    char start[PATH_MAX];
};

static struct task *task_of(struct trace *t, pid_t pid)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->task[i].pid == pid)
            return &t->task[i];
    t->task = memory_resize(t->task, (t->count + 1) * sizeof(*t->task));
    t->task[t->count] = (struct task){.pid = pid};
    return &t->task[t->count++];
}

static void forget(struct trace *t, pid_t pid)
{
    struct task *task = task_of(t, pid);
    free(task->pending);
    *task = t->task[--t->count];
}

static bool read_bytes(pid_t pid, uint64_t address, void *out, size_t size)
{
    struct iovec here = {out, size}, there = {(void *)(uintptr_t)address, size};
    return process_vm_readv(pid, &here, 1, &there, 1, 0) == (ssize_t)size;
}

/* A path of the program, which may end just before a page that is not there. */
static bool read_path(pid_t pid, uint64_t address, char out[PATH_MAX])
{
    for (size_t done = 0; done < PATH_MAX;) {
        size_t piece = 256 - (address + done) % 256;
        if (piece > PATH_MAX - done)
            piece = PATH_MAX - done;
        if (!read_bytes(pid, address + done, out + done, piece))
            return false;
        if (memchr(out + done, '\0', piece))
            return true;
        done += piece;
    }
    return false;
}

static bool only_written(pid_t pid, const struct shape *shape, const uint64_t *argument)
{
    uint64_t flags = shape->flags < 0 ? 0 : argument[shape->flags];
    if (shape->number == SYS_openat2 && !read_bytes(pid, flags, &flags, sizeof(flags)))
        return true;
    return shape->flags >= 0 && ((flags & O_ACCMODE) == O_WRONLY || (flags & O_TRUNC));
}

/* The path with the folder that it is relative to; NULL: unknown. malloc'ed. */
static char *whole_path(const struct trace *t, pid_t pid, int32_t folder, const char *path)
{
    char base[PATH_MAX];
    if (path[0] == '/')
        return string_copy(path);
    char *link = folder == AT_FDCWD ? string_format("/proc/%d/cwd", pid)
                                    : string_format("/proc/%d/fd/%d", pid, folder);
    ssize_t length = readlink(link, base, sizeof(base) - 1);
    free(link);
    if (length <= 0 || base[0] != '/')
        return NULL;
    base[length] = '\0';
    if (folder == AT_FDCWD && strcmp(base, t->start) == 0 && !strstr(path, ".."))
        return string_copy(path); /* as --with packs a relative path */
    return string_format("%s/%s", base, path);
}

static void enter(struct trace *t, struct task *task, const struct __ptrace_syscall_info *info)
{
    char path[PATH_MAX];
    const uint64_t *argument = (const uint64_t *)info->entry.args;
    free(task->pending);
    task->pending = NULL;
    for (size_t i = 0; i < ARRAY_LENGTH(shapes); i++) {
        const struct shape *shape = &shapes[i];
        if (shape->number != info->entry.nr || only_written(task->pid, shape, argument) ||
            !read_path(task->pid, argument[shape->path], path) || !path[0])
            continue;
        int32_t folder = shape->folder < 0 ? AT_FDCWD : (int32_t)argument[shape->folder];
        task->pending = whole_path(t, task->pid, folder, path);
        task->execs = shape->number == SYS_execve || shape->number == SYS_execveat;
    }
}

static void add(struct trace *t, const char *path)
{
    static const char *const not [] = {"/proc", "/sys", "/dev", "/run", "/tmp", "/var/tmp"};
    for (size_t i = 0; i < ARRAY_LENGTH(not ); i++) {
        size_t length = strlen(not [i]);
        if (strncmp(path, not [i], length) == 0 && (path[length] == '/' || !path[length]))
            return;
    }
    for (size_t i = t->files.count; i > 0 && t->files.count - i < 64; i--)
        if (strcmp(t->files.item[i - 1], path) == 0) /* asked for again soon */
            return;
    if (t->files.count < FILES_MAX)
        args_add(&t->files, path);
}

static void finish(struct trace *t, struct task *task, const struct __ptrace_syscall_info *info)
{
    char program[PATH_MAX];
    if (!task->pending || info->exit.is_error)
        return;
    add(t, task->pending);
    if (task->execs) { /* a script's interpreter is named by no call */
        char *link = string_format("/proc/%d/exe", task->pid);
        ssize_t length = readlink(link, program, sizeof(program) - 1);
        free(link);
        program[length > 0 ? length : 0] = '\0';
        if (length > 0)
            add(t, program);
    }
    free(task->pending);
    task->pending = NULL;
}

static void stopped_at_call(struct trace *t, pid_t pid)
{
    struct __ptrace_syscall_info info;
    struct task *task = task_of(t, pid);
    if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0)
        return;
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
        enter(t, task, &info);
    else if (info.op == PTRACE_SYSCALL_INFO_EXIT)
        finish(t, task, &info);
}

static volatile sig_atomic_t late;

static void on_alarm(int number)
{
    (void)number;
    late = 1;
}

/* Goes on with a stopped thread. A signal of the program's own is delivered. */
static void go_on(struct trace *t, pid_t pid, int status)
{
    int number = WSTOPSIG(status), event = status >> 16;
    if (number == SYSCALL_STOP) {
        stopped_at_call(t, pid);
        number = 0;
    } else if (event != 0 || number == SIGSTOP || number == SIGTRAP) {
        number = 0; /* a new thread, an exec */
    }
    ptrace(PTRACE_SYSCALL, pid, 0, number);
}

/* Until the first process has ended. */
static void follow(struct trace *t, pid_t first, double seconds)
{
    const struct sigaction on = {.sa_handler = on_alarm};
    const struct itimerval limit = {.it_interval = {0, 100000},
                                    .it_value = {(time_t)seconds + 1, 0}},
                           none = {0};
    struct sigaction before;
    int status;
    late = 0;
    sigaction(SIGALRM, &on, &before);
    setitimer(ITIMER_REAL, &limit, NULL);
    while (!late) {
        pid_t pid = waitpid(-1, &status, __WALL);
        if (pid < 0 && errno == EINTR)
            continue;
        if (pid < 0)
            break;
        if (WIFSTOPPED(status)) {
            go_on(t, pid, status);
            continue;
        }
        forget(t, pid);
        if (pid == first)
            break;
    }
    setitimer(ITIMER_REAL, &none, NULL);
    sigaction(SIGALRM, &before, NULL);
    if (late)
        warn(
            "--trace-files: the program still ran after %g seconds and was ended; what it opened until then is packed",
            seconds);
    for (size_t i = 0; i < t->count; i++)
        kill(t->task[i].pid, SIGKILL);
    while (t->count > 0) {
        pid_t pid = t->task[0].pid;
        while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status))
            kill(pid, SIGKILL);
        forget(t, pid);
    }
}

NORETURN static void become(const char *file, char *const *argv, char *const *environment)
{
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd <= 2; fd++)
        dup2(null, fd);
    closefrom(3);
    signal(SIGPIPE, SIG_DFL);
    if (ptrace(PTRACE_TRACEME, 0, 0, 0) == 0 && raise(SIGSTOP) == 0)
        execve(file, argv, environment);
    _exit(STATUS_CANNOT_RUN);
}

/* A file of the list at its place; relative ones lie below /. */
static void pack(struct tree *tree, const char *path)
{
    struct stat st;
    char *place = path_normalise(path);
    if (path[0] == '/') {
        (void)pick_file(tree, place);
    } else if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, R_OK) == 0) {
        if (!tree_follow(tree, place))
            tree_add_file(tree, place, path);
    } else if (stat(path, &st) == 0 && S_ISDIR(st.st_mode) && !tree_follow(tree, place)) {
        tree_add_folder(tree, place);
    }
    free(place);
}

size_t trace_files(struct tree *tree, const char *file, char *const *argv, char *const *environment,
                   double seconds)
{
    struct trace *t = memory(sizeof(*t));
    size_t before = tree->count;
    int status;
    if (!getcwd(t->start, sizeof(t->start)))
        t->start[0] = '\0';
    pid_t pid = fork();
    if (pid == 0)
        become(file, argv, environment);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
        ptrace(PTRACE_SETOPTIONS, pid, 0, OPTIONS) != 0)
        fail(STATUS_FAILED, "--trace-files: %s cannot be traced on this computer", argv[0]);
    (void)task_of(t, pid);
    ptrace(PTRACE_SYSCALL, pid, 0, 0);
    follow(t, pid, seconds);
    for (size_t i = 0; i < t->files.count; i++)
        pack(tree, t->files.item[i]);
    args_free(&t->files);
    free(t->task);
    free(t);
    return tree->count - before;
}
