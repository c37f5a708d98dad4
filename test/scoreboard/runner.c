/* SPDX-License-Identifier: MIT */
/*
 * Process 1 of the scoreboard's machines, Linux's and Ouro's: runs the cases of its input, one after the other, each in
 * a session of its own with a time limit, and prints the verdicts.
 *
 *   runner FOLDER            cases on standard input
 *   runner --linux FOLDER    cases in /cases; mounts what Ouro's root has already
 *
 * A case is a line: name, seconds, program, arguments, with tabs between them. It starts in FOLDER, with /dev/null as
 * input and a file as output. Printed are:
 *
 *   @start NAME
 *   | a line of the last 4,000 bytes of output, if the case did not pass
 *   @end NAME STATUS MILLISECONDS    STATUS: 0-255, signal-N or timeout
 *   @done                            after the last case
 *
 * Between two cases all processes but this one are killed, /tmp and /dev/shm emptied and the clock set back.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OUTPUT     "/.output"
#define WORDS_MAX  64
#define TAIL_BYTES 4000

static char *const environment[] = {
    "HOME=/root",
    "TERM=linux",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL=C",
    "LOGNAME=root",
    "USER=root",
    "SHELL=/bin/sh",
    NULL};

static long long clock_ms(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void make_linux(void)
{
    static const struct {
        const char *type, *at;
        unsigned long flags;
    } mounts[] = {{"proc", "/proc", 0},        {"sysfs", "/sys", 0},     {"devtmpfs", "/dev", 0},
                  {"devpts", "/dev/pts", 0},   {"tmpfs", "/dev/shm", 0}, {"tmpfs", "/tmp", 0},
                  {"mqueue", "/dev/mqueue", 0}};
    for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
        mkdir(mounts[i].at, 0755);
        if (mount(mounts[i].type, mounts[i].at, mounts[i].type, mounts[i].flags,
                  strcmp(mounts[i].type, "tmpfs") ? NULL : "mode=1777") != 0)
            printf("| mount %s: %s\n", mounts[i].at, strerror(errno));
    }
    if (symlink("/proc/self/fd", "/dev/fd") || symlink("/proc/self/fd/0", "/dev/stdin") ||
        symlink("/proc/self/fd/1", "/dev/stdout") || symlink("/proc/self/fd/2", "/dev/stderr"))
        printf("| /dev: %s\n", strerror(errno));
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) != 0)
        printf("| lo: %s\n", strerror(errno));
    close(fd);
}

/* Removes what is in the folder, but no folder on which something is mounted. */
static void empty(int at, const char *path)
{
    int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir)
        return;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (unlinkat(fd, entry->d_name, 0) == 0 || errno == ENOENT)
            continue;
        fchmodat(fd, entry->d_name, 0700, 0);
        empty(fd, entry->d_name);
        unlinkat(fd, entry->d_name, AT_REMOVEDIR);
    }
    closedir(dir);
}

static void clean(long long real_offset)
{
    kill(-1, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0)
        kill(-1, SIGKILL);
    empty(AT_FDCWD, "/tmp");
    empty(AT_FDCWD, "/dev/shm");
    long long now = clock_ms(CLOCK_MONOTONIC) + real_offset, is = clock_ms(CLOCK_REALTIME);
    if (now - is > 100 || is - now > 100)
        clock_settime(CLOCK_REALTIME, &(struct timespec){now / 1000, now % 1000 * 1000000});
}

/* As Linux's process 1, which no signal ends: a case may send one to a parent that has ended. */
static void set_signals(void (*action)(int))
{
    for (int number = 1; number <= SIGRTMAX; number++)
        if (number != SIGCHLD)
            signal(number, action);
}

static void start(const char *folder, char **words)
{
    sigset_t none;
    set_signals(SIG_DFL);
    setsid();
    int in = open("/dev/null", O_RDWR),
        out = open(OUTPUT, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0666);
    if (in < 0 || out < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0 ||
        chdir(folder) != 0) {
        perror(folder);
        _exit(126);
    }
    if (in > 2)
        close(in);
    if (out > 2)
        close(out);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execvpe(words[0], words, environment);
    perror(words[0]);
    _exit(127);
}

/* Waits until the child ends, and reaps orphans. False after the limit. */
static int wait_for(pid_t child, int seconds, int *status)
{
    sigset_t chld;
    long long end = clock_ms(CLOCK_MONOTONIC) + seconds * 1000LL;
    sigemptyset(&chld);
    sigaddset(&chld, SIGCHLD);
    for (;;) {
        int one;
        for (pid_t pid; (pid = waitpid(-1, &one, WNOHANG)) > 0;)
            if (pid == child) {
                *status = one;
                return 1;
            }
        long long left = end - clock_ms(CLOCK_MONOTONIC);
        if (left <= 0)
            return 0;
        sigtimedwait(&chld, NULL, &(struct timespec){left / 1000, left % 1000 * 1000000});
    }
}

static void print_output(void)
{
    static char bytes[TAIL_BYTES];
    int fd = open(OUTPUT, O_RDONLY), first = 1;
    off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
    ssize_t n =
        size > 0 ? pread(fd, bytes, sizeof(bytes), size > TAIL_BYTES ? size - TAIL_BYTES : 0) : 0;
    for (ssize_t i = 0; i < n; i++) {
        if (first)
            fputs("| ", stdout);
        first = bytes[i] == '\n';
        putchar(bytes[i] == '\n' || (bytes[i] >= ' ' && bytes[i] <= '~') ? bytes[i] : '?');
    }
    if (!first)
        putchar('\n');
    close(fd);
}

static void run(const char *folder, char **words)
{
    const char *name = words[0];
    int seconds = atoi(words[1]), status = 0;
    char text[32] = "timeout";
    long long begin = clock_ms(CLOCK_MONOTONIC), offset = clock_ms(CLOCK_REALTIME) - begin;
    printf("@start %s\n", name);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        start(folder, words + 2);
    int ended = child > 0 && wait_for(child, seconds, &status);
    if (ended && WIFEXITED(status))
        snprintf(text, sizeof(text), "%d", WEXITSTATUS(status));
    else if (ended)
        snprintf(text, sizeof(text), "signal-%d", WTERMSIG(status));
    long long end = clock_ms(CLOCK_MONOTONIC);
    clean(offset);
    if (strcmp(text, "0") != 0)
        print_output();
    /* What the case left on the console is a line of its own. */
    printf("\n@end %s %s %lld\n", name, text, end - begin);
    fflush(stdout);
}

/* All of the file, with a zero behind it. */
static char *read_all(int fd)
{
    size_t size = 0, room = 1 << 16;
    char *bytes = malloc(room);
    for (ssize_t n; bytes && (n = read(fd, bytes + size, room - size - 1)) > 0;) {
        size += (size_t)n;
        if (room - size < 2)
            bytes = realloc(bytes, room *= 2);
    }
    if (bytes)
        bytes[size] = 0;
    return bytes;
}

int main(int argc, char **argv)
{
    int in = 0, is_linux = argc > 1 && strcmp(argv[1], "--linux") == 0;
    sigset_t chld;
    sigemptyset(&chld);
    sigaddset(&chld, SIGCHLD);
    sigprocmask(SIG_BLOCK, &chld, NULL);
    set_signals(SIG_IGN);
    if (is_linux) {
        make_linux();
        in = open("/cases", O_RDONLY);
    }
    char *cases = read_all(in), *rest = cases, *line;
    close(in);
    while (cases && argc > 1 && (line = strsep(&rest, "\n"))) {
        char *words[WORDS_MAX + 1];
        int count = 0;
        while (count < WORDS_MAX && line && *line)
            words[count++] = strsep(&line, "\t");
        words[count] = NULL;
        if (count >= 3)
            run(argv[argc - 1], words);
    }
    puts("@done");
    fflush(stdout);
    if (is_linux)
        reboot(RB_AUTOBOOT);
    return 0;
}
