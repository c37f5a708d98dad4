/* SPDX-License-Identifier: MIT */
/* Children, signals and the guardian process; host/guard.h describes the design. */
#include "host/guard.h"
#include "host/fail.h"
#include "host/progress.h"
#include "host/terminal.h"
#include "host/text.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILDREN_MAX 4

static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

static char folder[PATH_MAX];
static volatile int guardian_pipe = -1;
static volatile pid_t guardian;
/* Changed with `signals` blocked, because the handler reads it. */
static struct child children[CHILDREN_MAX];

static void signals_block(sigset_t *old)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_LENGTH(signals); i++)
        sigaddset(&set, signals[i]);
    sigprocmask(SIG_BLOCK, &set, old);
}

static void signals_restore(const sigset_t *old)
{
    sigprocmask(SIG_SETMASK, old, NULL);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st, (void)type, (void)walk;
    remove(path);
    return 0;
}

NORETURN static void guardian_main(int pipe_end)
{
    setsid();
    prctl(PR_SET_NAME, "ouro-guardian");
    for (size_t i = 0; i < ARRAY_LENGTH(signals); i++)
        signal(signals[i], SIG_IGN);
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd <= 2; fd++)
        dup2(null, fd);
    if (pipe_end != 3)
        dup2(pipe_end, 3);
    closefrom(4);
    struct terminal_saved terminal = {0}, update;
    ssize_t got;
    while ((got = read(3, &update, sizeof(update))) != 0) /* below PIPE_BUF: written atomically */
        if (got == sizeof(update))
            terminal = update;
        else if (got > 0 || errno != EINTR)
            break;
    terminal_put_back(&terminal);
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    _exit(0);
}

void guard_tell_terminal(const struct terminal_saved *saved)
{
    ssize_t written = write(guardian_pipe, saved, sizeof(*saved));
    (void)written; /* without a guardian the settings are not restored */
}

/* Async-signal-safe: calls tcsetattr, kill, waitpid and close only. */
static void end_everything(void)
{
    terminal_restore();
    for (int i = 0; i < CHILDREN_MAX; i++) {
        pid_t pid = children[i].pid;
        if (pid <= 0)
            continue;
        kill(children[i].own_group ? -pid : pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
        children[i].pid = 0;
    }
    if (guardian_pipe >= 0) {
        close(guardian_pipe);
        guardian_pipe = -1;
        while (waitpid(guardian, NULL, 0) < 0 && errno == EINTR)
            ;
    }
}

static volatile sig_atomic_t noting, noted;

static void on_signal(int number)
{
    if (noting && !noted) {
        noted = number;
        return;
    }
    end_everything();
    signal(number, SIG_DFL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    raise(number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    _exit(STATUS_SIGNAL + number);
}

void guard_note_signals(sigset_t *old)
{
    signals_block(old);
    noting = 1;
}

int guard_noted(void)
{
    return noted;
}

void guard_die(int number)
{
    if (number != 0)
        on_signal(number);
}

static void handlers_install(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    for (size_t i = 0; i < ARRAY_LENGTH(signals); i++)
        sigaddset(&action.sa_mask, signals[i]);
    for (size_t i = 0; i < ARRAY_LENGTH(signals); i++) {
        struct sigaction old;
        sigaction(signals[i], NULL, &old);
        if (old.sa_handler != SIG_IGN) /* ignored signals stay ignored (nohup, background jobs) */
            sigaction(signals[i], &action, NULL);
    }
}

void guard_start(void)
{
    const char *base = getenv("TMPDIR");
    char absolute[PATH_MAX - 32];
    struct stat st;
    if (!base || !*base || stat(base, &st) != 0 || !S_ISDIR(st.st_mode))
        base = "/tmp";
    if (!realpath(base, absolute))
        fail_errno("cannot use the folder for temporary files %s", base);
    sigset_t old;
    signals_block(&old);
    snprintf(folder, sizeof(folder), "%s/ouro-XXXXXX", absolute);
    int ends[2];
    if (!mkdtemp(folder))
        fail_errno("cannot create a temporary folder in %s", absolute);
    if (pipe2(ends, O_CLOEXEC) != 0 || (guardian = fork()) < 0) {
        int error = errno;
        rmdir(folder);
        errno = error;
        fail_errno("cannot start a process");
    }
    if (guardian == 0)
        guardian_main(ends[0]);
    close(ends[0]);
    guardian_pipe = ends[1];
    handlers_install();
    signals_restore(&old);
}

const char *guard_folder(void)
{
    return folder;
}

char *guard_path(const char *name)
{
    return string_format("%s/%s", folder, name);
}

void guard_end(void)
{
    sigset_t old;
    signals_block(&old);
    end_everything();
    signals_restore(&old);
}

void guard_ignore_interrupt(void)
{
    signal(SIGINT, SIG_IGN);
}

NORETURN static void child_main(const struct spawn *spawn, pid_t parent, int report)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* the parent died before prctl() */
        _exit(STATUS_FAILED);
    if (spawn->own_group)
        setpgid(0, 0);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    const int wanted[3] = {spawn->input, spawn->output, spawn->error};
    int moved[3];
    /* Moved above the standard numbers first, so that no dup2() closes a descriptor still needed. */
    for (int fd = 0; fd <= 2; fd++)
        moved[fd] = fcntl(wanted[fd] < 0 ? null : wanted[fd], F_DUPFD_CLOEXEC, 10);
    int fourth = spawn->fourth > 0 ? fcntl(spawn->fourth, F_DUPFD_CLOEXEC, 10) : -1;
    report = fcntl(report, F_DUPFD_CLOEXEC, 10);
    for (int fd = 0; fd <= 2; fd++)
        dup2(moved[fd], fd);
    if (fourth >= 0)
        dup2(fourth, 3);
    for (int number = 1; number < NSIG; number++) {
        struct sigaction old;
        bool inherited = number == SIGINT || number == SIGHUP || number == SIGQUIT;
        if (!inherited || (sigaction(number, NULL, &old) == 0 && old.sa_handler != SIG_IGN))
            signal(number, SIG_DFL); /* ignored by the tool, not by its children */
    }
    if (spawn->term)
        setenv("TERM", spawn->term, 1);
    if (spawn->folder && chdir(spawn->folder) != 0)
        _exit(STATUS_FAILED);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execvp(spawn->argv[0], spawn->argv);
    int error = errno;
    ssize_t update = write(report, &error, sizeof(error));
    (void)update;
    _exit(STATUS_FAILED);
}

bool child_start(const struct spawn *spawn, struct child *out)
{
    int slot = 0;
    while (slot < CHILDREN_MAX && children[slot].pid > 0)
        slot++;
    int report[2];
    if (slot == CHILDREN_MAX || pipe2(report, O_CLOEXEC) != 0)
        return false;
    sigset_t old;
    signals_block(&old);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        child_main(spawn, parent, report[1]);
    if (pid > 0) {
        if (spawn->own_group)
            setpgid(pid,
                    pid); /* in parent and child, so that the group exists before a kill of it */
        children[slot] = (struct child){pid, spawn->own_group};
    }
    signals_restore(&old);
    close(report[1]);
    int error = pid < 0 ? EAGAIN : 0;
    ssize_t got;
    while ((got = read(report[0], &error, sizeof(error))) < 0 && errno == EINTR)
        ;
    close(report[0]);
    struct child child = {pid, spawn->own_group};
    if (error != 0) {
        if (pid > 0)
            child_kill(&child);
        errno = error;
        return false;
    }
    *out = child;
    return true;
}

pid_t guard_fork(int keep)
{
    sigset_t old;
    signals_block(&old);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(STATUS_FAILED);
        for (size_t i = 0; i < ARRAY_LENGTH(signals); i++)
            signal(signals[i], SIG_DFL);
        memset(children, 0, sizeof(children));
        guardian_pipe = -1;
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (null < 0 || dup2(null, STDERR_FILENO) < 0 || dup2(keep, 3) < 0)
            _exit(STATUS_FAILED);
        closefrom(4); /* the guardian waits until no process holds its pipe */
    }
    signals_restore(&old);
    return pid;
}

static void child_forget(struct child *child)
{
    sigset_t old;
    signals_block(&old);
    for (int i = 0; i < CHILDREN_MAX; i++)
        if (children[i].pid == child->pid)
            children[i].pid = 0;
    signals_restore(&old);
    child->pid = 0;
}

bool child_wait(struct child *child, int milliseconds, int *wait_status)
{
    int fd = (int)syscall(SYS_pidfd_open, child->pid, 0);
    struct pollfd poll_child = {fd, POLLIN, 0};
    if (fd >= 0) {
        poll(&poll_child, 1, milliseconds);
        close(fd);
    } else if (milliseconds < 0) { /* Linux before 5.3 */
        waitid(P_PID, (id_t)child->pid, NULL, WEXITED | WNOWAIT);
    } else {
        usleep((useconds_t)milliseconds * 1000);
    }
    if (waitpid(child->pid, wait_status, WNOHANG) != child->pid)
        return false;
    child_forget(child);
    return true;
}

void child_kill(struct child *child)
{
    if (child->pid <= 0)
        return;
    kill(child->own_group ? -child->pid : child->pid, SIGKILL);
    while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    child_forget(child);
}

static void show_file(const char *path)
{
    FILE *file = fopen(path, "r");
    char block[4096];
    size_t size;
    progress_clear();
    while (file && (size = fread(block, 1, sizeof(block), file)) > 0)
        fwrite(block, 1, size, stderr);
    if (file)
        fclose(file);
}

bool child_run(char *const *argv)
{
    char *path = guard_path("helper.log");
    int log = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    if (log < 0)
        fail_errno("cannot create %s", path);
    struct child child;
    if (!child_start(
            &(struct spawn){
                .argv = argv, .input = -1, .output = log, .error = log, .own_group = true},
            &child))
        fail_errno("cannot start %s", argv[0]);
    close(log);
    int status;
    while (!child_wait(&child, 200, &status))
        progress_step(0, 0);
    bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!good)
        show_file(path);
    free(path);
    return good;
}
