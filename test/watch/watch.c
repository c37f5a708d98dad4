/* SPDX-License-Identifier: MIT */
/*
 * ouro-watch SECONDS COMMAND...: runs a test, and ends it with all of its processes if it hangs: if for SECONDS there was
 * neither output nor a new process of it, or if it took RUNS_MOST times as long altogether. SECONDS are those of a computer
 * with time to spare; the environment's SLOW, which `ouro test` measures, multiplies them. Exit status: the command's;
 * 1: it hung, and the processes that were left are listed.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RUNS_MOST 5
#define TREE_MOST 512

struct process {
    pid_t pid, parent;
    char state;
    unsigned long ticks;
};

static struct process tree[TREE_MOST];
static int tree_count;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool in_tree(pid_t pid)
{
    for (int i = 0; i < tree_count; i++)
        if (tree[i].pid == pid)
            return true;
    return pid == getpid();
}

static bool read_stat(const char *pid, struct process *out)
{
    char path[64], line[1024];
    unsigned long user, system;
    snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
    FILE *file = fopen(path, "re");
    char *at = file && fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL;
    if (file)
        fclose(file);
    out->pid = (pid_t)strtol(pid, NULL, 10);
    if (!at || sscanf(at + 1, " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &out->state,
                      &out->parent, &user, &system) != 4)
        return false;
    out->ticks = user + system;
    return true;
}

/* Lists this process's descendants anew; orphans are its children. Returns the newest's number, which grows with each process
 * started, nearly always. */
static pid_t read_tree(void)
{
    static struct process all[32768];
    int count = 0, before;
    pid_t newest = 0;
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    while (proc && count < (int)(sizeof all / sizeof all[0]) && (entry = readdir(proc)))
        if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9')
            count += read_stat(entry->d_name, &all[count]);
    if (proc)
        closedir(proc);
    tree_count = 0;
    do { /* until no parent is found after its child */
        before = tree_count;
        for (int i = 0; i < count; i++)
            if (tree_count < TREE_MOST && in_tree(all[i].parent) && !in_tree(all[i].pid))
                tree[tree_count++] = all[i];
    } while (tree_count > before);
    for (int i = 0; i < tree_count; i++)
        newest = tree[i].pid > newest ? tree[i].pid : newest;
    return newest;
}

static void list_tree(void)
{
    for (int i = 0; i < tree_count; i++) {
        char path[64], line[300] = "";
        snprintf(path, sizeof path, "/proc/%d/cmdline", (int)tree[i].pid);
        int in = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t length = in >= 0 ? read(in, line, sizeof line - 1) : 0;
        for (ssize_t k = 0; k + 1 < length; k++)
            line[k] = line[k] >= ' ' ? line[k] : ' ';
        if (in >= 0)
            close(in);
        printf("watch: process %d, state %c, %lu s of CPU: %s\n", (int)tree[i].pid, tree[i].state,
               tree[i].ticks / (unsigned long)sysconf(_SC_CLK_TCK), line);
    }
}

static void end_tree(pid_t child)
{
    kill(child, SIGTERM); /* the script removes its files */
    for (int tries = 0; tries < 50 && waitpid(child, NULL, WNOHANG) == 0; tries++)
        usleep(100000);
    for (int rounds = 0; rounds < 10 && read_tree() > 0; rounds++)
        for (int i = 0; i < tree_count; i++)
            kill(tree[i].pid, SIGKILL);
}

/* Hands on what is there; false: nothing was. */
static bool copy_output(int from)
{
    char bytes[65536];
    bool any = false;
    ssize_t length;
    while ((length = read(from, bytes, sizeof bytes)) > 0) {
        any = true;
        for (ssize_t done = 0, n; done < length; done += n)
            if ((n = write(STDOUT_FILENO, bytes + done, (size_t)(length - done))) <= 0)
                return any;
    }
    return any;
}

static pid_t start(char **command, int *output)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        exit(1);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        execvp(command[0], command);
        perror(command[0]);
        _exit(127);
    }
    close(ends[1]);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    *output = ends[0];
    return child;
}

/* Reaps what has ended: orphans of the test, for whose end it may wait, and the test. True: the test has ended. */
static bool reap(pid_t child, int *status)
{
    bool over = false;
    int how;
    for (pid_t ended; (ended = waitpid(-1, &how, WNOHANG)) > 0;)
        if (ended == child) {
            over = true;
            *status = how;
        }
    return over;
}

int main(int argc, char **argv)
{
    double limit = argc > 2 ? strtod(argv[1], NULL) : 0;
    const char *slow = getenv("SLOW");
    if (limit <= 0) {
        fputs("usage: ouro-watch SECONDS COMMAND...\n", stderr);
        return 1;
    }
    double times = slow ? strtod(slow, NULL) : 1;
    limit *= times >= 1 ? times : 1;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    int output, status = 0;
    pid_t child = start(argv + 2, &output), newest = child;
    double began = now(), moved = began;
    for (;;) {
        struct pollfd wait = {output, POLLIN, 0};
        poll(&wait, 1, 100);
        if (wait.revents & POLLHUP)
            usleep(10000);
        bool any = copy_output(output);
        if (reap(child, &status))
            break;
        if (any)
            moved = now();
        if (now() - moved < limit && now() - began < RUNS_MOST * limit)
            continue;
        pid_t last =
            read_tree(); /* of what started meanwhile, one is there yet, or was the newest */
        if (last != newest && now() - began < RUNS_MOST * limit) {
            newest = last;
            moved = now();
            continue;
        }
        printf(
            "watch: the test hangs: it runs for %.0f s, the last %.0f s without output or a new process (limit %s s, x%g)\n",
            now() - began, now() - moved, argv[1], times);
        list_tree();
        fflush(stdout);
        end_tree(child);
        copy_output(output);
        return 1;
    }
    copy_output(output);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
