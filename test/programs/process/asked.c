/* SPDX-License-Identifier: MIT */
/*
 * What programs look for in /proc and /sys: each file is there, its lines have Linux's form, and what it says
 * agrees with what system calls say. Then calls that report or set what those files show.
 */
#define _GNU_SOURCE
#include "result.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <regex.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

static char text[1 << 20];

/* Reads a file whole, `step` bytes at a time; -1: errno. */
static long take(const char *path, size_t step)
{
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return -1;
    long size = 0, got;
    while ((got = read(fd, text + size, step)) > 0)
        size += got;
    close(fd);
    text[size] = '\0';
    return got < 0 ? -1 : size;
}

static int matches(const char *pattern)
{
    regex_t regex;
    if (regcomp(&regex, pattern, REG_EXTENDED | REG_NEWLINE | REG_NOSUB) != 0)
        abort();
    int found = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

#define N "[0-9]+"

/* Each pattern, up to a '\t', matches a line. */
static const struct {
    const char *path, *lines;
} forms[] = {
    {"/proc/uptime", "^" N "\\.[0-9]{2} " N "\\.[0-9]{2}$"},
    {"/proc/loadavg", "^(" N "\\.[0-9]{2} ){3}" N "/" N " " N "$"},
    {"/proc/interrupts", "^ +CPU0.*$|^LOC: +" N ".*Local timer interrupts$|^ERR: +" N "$"},
    {"/proc/vmstat", "^nr_free_pages " N "$|^pgfault " N "$|^nr_shmem " N "$"},
    {"/proc/zoneinfo",
     "^Node 0, zone +[A-Z][A-Za-z0-9]*$|^  pages free +" N "$|^        managed +" N "$"},
    {"/proc/buddyinfo", "^Node 0, zone +[A-Z][A-Za-z0-9]* ( +" N "){11} ?$"},
    {"/proc/meminfo", "^MemTotal: +" N " kB$|^Active\\(anon\\): +" N " kB$|^KernelStack: +" N
                      " kB$|^Committed_AS: +" N " kB$|^Slab: +" N " kB$"},
    {"/proc/stat", "^cpu  (" N " ){9}" N "$|^cpu0 (" N " ){9}" N "$|^intr " N "( " N ")*$|^ctxt " N
                   "$|^btime " N "$|^softirq( " N "){11}$"},
    {"/proc/cpuinfo", "^cache size\t: " N " KB$"},
    {"/proc/swaps", "^Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority$"},
    {"/proc/partitions", "^major minor  #blocks  name$"},
    {"/proc/self/status", "^voluntary_ctxt_switches:\t" N "$|^nonvoluntary_ctxt_switches:\t" N
                          "$|^Mems_allowed_list:\t0$"},
    {"/proc/self/stat", "^" N " \\(asked.*\\) R (-?" N " ){48}" N "$"},
    {"/proc/self/schedstat", "^" N " " N " " N "$"},
    {"/proc/self/oom_score_adj", "^0$"},
    {"/proc/self/uid_map", "^ {9}0 {10}0 4294967295$"},
    {"/proc/self/setgroups", "^allow$"},
    {"/proc/self/personality", "^00000000$"},
    {"/proc/self/timerslack_ns", "^50000$"},
    {"/proc/self/syscall", "^0 (0x[0-9a-f]+ ){7}0x[0-9a-f]+$"},
    {"/proc/thread-self/status", "^Name:\tasked.*$"},
    {"/proc/thread-self/comm", "^asked"},
    {"/proc/sys/fs/file-nr", "^" N "\t0\t" N "$"},
    {"/proc/sys/kernel/tainted", "^" N "$"},
    {"/proc/sys/kernel/random/uuid",
     "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"},
};

static void check_forms(void)
{
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        char *patterns = strdup(forms[i].lines), *rest = patterns, *pattern;
        if (take(forms[i].path, 4096) < 0) {
            result(forms[i].path, -1);
            free(patterns);
            continue;
        }
        int all = 1;
        while ((pattern = strsep(&rest, "|")) != NULL)
            if (!matches(pattern)) {
                all = 0;
                printf("%s has no %s\n", forms[i].path, pattern);
            }
        truth(forms[i].path, all);
        free(patterns);
    }
}

/* One byte at a time, from a huge offset, and back to the start. */
static void check_reads(void)
{
    static const char *const paths[] = {"/proc/self/limits", "/proc/filesystems",
                                        "/proc/self/uid_map", "/proc/sys/kernel/ostype"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        char byte, first;
        long at_once = take(paths[i], 65536), one_by_one = take(paths[i], 1);
        truth(paths[i], at_once > 0 && at_once == one_by_one);
        int fd = open(paths[i], O_RDONLY);
        result("read", read(fd, &first, 1));
        result("seek far", lseek(fd, INT64_MAX / 2, SEEK_SET) == INT64_MAX / 2);
        result("read far", read(fd, &byte, 1));
        result("seek back", lseek(fd, 0, SEEK_SET));
        truth("the same byte", read(fd, &byte, 1) == 1 && byte == first);
        result("pread far", pread(fd, &byte, 1, INT64_MAX - 1));
        result("pread before", pread(fd, &byte, 1, -1));
        close(fd);
    }
    char link[200], target[256];
    int fd = open("/proc/self/limits", O_RDONLY);
    sprintf(link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, target, sizeof target - 1);
    target[length > 0 ? length : 0] = '\0';
    sprintf(link, "/proc/%d/limits", getpid());
    truth("the link of a file in /proc names it", strcmp(target, link) == 0);
    close(fd);
}

static void check_idle(void)
{
    double idle = 0, before = -1, up;
    int falls = 0;
    for (int i = 0; i < 6; i++) {
        take("/proc/uptime", 4096);
        sscanf(text, "%lf %lf", &up, &idle);
        falls += idle < before;
        before = idle;
        usleep(30000);
    }
    result("idle time falls", falls);
}

/* fdinfo of each type of descriptor */

static void information(const char *name, int fd, const char *lines)
{
    char path[64];
    sprintf(path, "/proc/self/fdinfo/%d", fd);
    if (take(path, 4096) < 0) {
        result(name, -1);
        return;
    }
    int all =
        matches("^pos:\t" N "$") && matches("^flags:\t0" N "$") && matches("^mnt_id:\t" N "$");
    char *patterns = strdup(lines), *rest = patterns, *pattern;
    while ((pattern = strsep(&rest, "|")) != NULL)
        all &= matches(pattern);
    free(patterns);
    truth(name, all);
    if (!all)
        printf("%s", text);
}

static void check_descriptors(void)
{
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), event = eventfd(42, 0),
        timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), poll = epoll_create1(0),
        watch = inotify_init();
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    int signals = signalfd(-1, &set, 0);
    struct itimerspec in = {{100, 0}, {1000, 5}};
    struct epoll_event wanted = {EPOLLIN, {.u64 = 0xabcdef}};
    timerfd_settime(timer, 0, &in, NULL);
    epoll_ctl(poll, EPOLL_CTL_ADD, event, &wanted);
    inotify_add_watch(watch, "/tmp", IN_CREATE);
    lseek(file, 77, SEEK_SET);
    information("file", file, "^pos:\t77$|^flags:\t02100000$");
    information("eventfd", event, "^eventfd-count: {15}2a$|^flags:\t02$");
    information("signalfd", signals, "^sigmask:\t0000000000000200$");
    information(
        "timerfd", timer,
        "^clockid: 1$|^ticks: 0$|^it_value: \\(9[0-9]{2}, [0-9]+\\)$|^it_interval: \\(100, 0\\)$");
    information("epoll", poll,
                "^tfd: +" N " events: +19 data: +abcdef  pos:0 ino:[0-9a-f]+ sdev:[0-9a-f]+$");
    information("inotify", watch,
                "^inotify wd:1 ino:[0-9a-f]+ sdev:[0-9a-f]+ mask:100 ignored_mask:0 ");
    int locked = open("/tmp/locked", O_CREAT | O_RDWR, 0600);
    struct flock lock = {.l_type = F_WRLCK, .l_start = 5, .l_len = 10};
    fcntl(locked, F_SETLK, &lock);
    lock = (struct flock){.l_type = F_RDLCK, .l_start = 100};
    fcntl(locked, F_OFD_SETLK, &lock);
    flock(locked, LOCK_SH);
    information("locks", locked,
                "^lock:\t1: FLOCK  ADVISORY  READ " N " [0-9a-f]+:[0-9a-f]+:" N " 0 EOF$"
                "|^lock:\t2: POSIX  ADVISORY  WRITE " N " [0-9a-f]+:[0-9a-f]+:" N " 5 14$"
                "|^lock:\t3: OFDLCK ADVISORY  READ -1 [0-9a-f]+:[0-9a-f]+:" N " 100 EOF$");
    close(locked);
    result("no descriptor", open("/proc/self/fdinfo/999", O_RDONLY));
    close(file), close(event), close(timer), close(poll), close(watch), close(signals);
}

/* Links and directories */

static void check_links(void)
{
    static const char *const kinds[] = {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char path[64], target[64] = "", expected[64];
        struct stat s;
        sprintf(path, "/proc/self/ns/%s", kinds[i]);
        readlink(path, target, sizeof target - 1);
        stat(path, &s);
        sprintf(expected, "%s:[%lu]", kinds[i], (unsigned long)s.st_ino);
        truth(path, strcmp(target, expected) == 0);
    }
    char path[4096], target[4096];
    int fd = open("/proc/self/exe", O_RDONLY);
    char *map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    sprintf(path, "/proc/self/map_files/%lx-%lx", (unsigned long)map, (unsigned long)map + 4096);
    ssize_t size = readlink(path, target, sizeof target),
            exe = readlink("/proc/self/exe", path, sizeof path);
    truth("map_files", size > 0 && size == exe && memcmp(path, target, (size_t)size) == 0);
    munmap(map, 4096);
    close(fd);
    result("map_files of no area", access("/proc/self/map_files/1000-2000", F_OK));
    result("map_files of no number", access("/proc/self/map_files/-", F_OK));
}

static void check_memory(void)
{
    int fd = open("/proc/self/mem", O_RDWR);
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
         bytes[100];
    munmap(page + 4096, 4096);
    strcpy(page + 4000, "from the program");
    result("pread", pread(fd, bytes, 17, (long)page + 4000));
    printf("%s\n", bytes);
    result("pwrite", pwrite(fd, "FROM", 4, (long)page + 4000));
    printf("%s\n", page + 4000);
    result("pread up to the end", pread(fd, bytes, 100, (long)page + 4090));
    result("pread past the end", pread(fd, bytes, 10, (long)page + 4096));
    result("pread at 0", pread(fd, bytes, 10, 0));
    result("pread of the kernel", pread(fd, bytes, 10, INT64_MAX - 100));
    close(fd);
}

static void check_oom(void)
{
    static const char *const values[] = {"0", "500",  " 12 \n", "+3", "1001", "-1001",
                                         "x", "0x10", "",       "-",  "7q",   "999999999999",
                                         "0"};
    int fd = open("/proc/self/oom_score_adj", O_RDWR);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        if (strcmp(values[i], "0x10") == 0 || values[i][0] == '\0')
            continue;
        result(values[i], write(fd, values[i], strlen(values[i])));
        take("/proc/self/oom_score_adj", 100);
        printf("%s", text);
    }
    close(fd);
}

/* SigQ of status: signals that wait in the queue */
static void check_queue(void)
{
    sigset_t set;
    long before = -1, after = -1;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    take("/proc/self/status", 8192);
    truth("SigQ", matches("^SigQ:\t" N "/" N "$"));
    if (strstr(text, "SigQ:") != NULL)
        before = atol(strstr(text, "SigQ:") + 5);
    for (int i = 0; i < 3; i++)
        sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i});
    take("/proc/self/status", 8192);
    if (strstr(text, "SigQ:") != NULL)
        after = atol(strstr(text, "SigQ:") + 5);
    result("queued", after - before);
    for (int i = 0; i < 3; i++)
        sigwaitinfo(&set, NULL);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* A thread's directories */

static void *other(void *ends)
{
    char path[64];
    pid_t tid = (pid_t)syscall(SYS_gettid);
    static const char *const files[] = {"status", "stat", "comm", "fd/0", "maps", "wchan", "task"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        sprintf(path, "/proc/%d/%s", tid, files[i]);
        printf("/proc/TID/%s: %d\n", files[i], access(path, F_OK));
        sprintf(path, "/proc/self/task/%d/%s", tid, files[i]);
        printf("task/TID/%s: %d\n", files[i], access(path, F_OK));
    }
    sprintf(path, "/proc/%d/status", tid);
    take(path, 4096);
    sprintf(path, "^Pid:\t%d$", tid);
    truth("its tid", matches(path));
    sprintf(path, "^Tgid:\t%d$", getpid());
    truth("its process", matches(path));
    int listed = 0;
    DIR *d = opendir("/proc");
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        listed += atoi(e->d_name) == tid;
    closedir(d);
    result("listed", listed);
    read(*(int *)ends, path, 1);
    return NULL;
}

static void check_threads(void)
{
    pthread_t thread;
    int ends[2];
    if (pipe(ends) != 0)
        exit(1);
    pthread_create(&thread, NULL, other, &ends[0]);
    usleep(50000);
    write(ends[1], "x", 1);
    pthread_join(thread, NULL);
}

/* Usage */

static volatile unsigned long work;

static void check_usage(void)
{
    struct rusage before, now;
    struct timespec pause = {0, 20000000}; /* a host that stalls may end it before it begins */
    getrusage(RUSAGE_SELF, &before);
    for (int i = 0; i < 10; i++)
        nanosleep(&pause, NULL);
    getrusage(RUSAGE_SELF, &now);
    truth("sleeps are voluntary switches",
          now.ru_nvcsw - before.ru_nvcsw >= 5 && now.ru_nvcsw - before.ru_nvcsw < 100);
    int back = 0;
    before = now;
    do {
        for (int i = 0; i < 1000; i++)
            close(open("/dev/null", O_RDONLY));
        getrusage(RUSAGE_SELF, &now);
        back += timercmp(&now.ru_stime, &before.ru_stime, <) ||
                timercmp(&now.ru_utime, &before.ru_utime, <);
        before = now;
    } while (now.ru_stime.tv_sec * 1000000 + now.ru_stime.tv_usec < 100000);
    truth("calls are system time", 1); /* else the case takes too long */
    result("time goes back", back);
    struct tms ticks;
    times(&ticks);
    truth("times() has it too", ticks.tms_stime > 8);
}

/* Calls */

struct attr {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t least, most, more[16];
};

static void check_attributes(void)
{
    struct attr a = {.size = 48, .policy = SCHED_BATCH, .nice = 5, .flags = 1}, b = {0};
    result("setattr", syscall(SYS_sched_setattr, 0, &a, 0));
    result("getattr", syscall(SYS_sched_getattr, 0, &b, 48, 0));
    printf("%u %u %lx %d %u\n", b.size, b.policy, (long)b.flags, b.nice, b.priority);
    result("getattr, longer", syscall(SYS_sched_getattr, 0, &b, 120, 0));
    result("getattr, short", syscall(SYS_sched_getattr, 0, &b, 47, 0));
    result("getattr, huge", syscall(SYS_sched_getattr, 0, &b, 5000, 0));
    result("getattr, flags", syscall(SYS_sched_getattr, 0, &b, 48, 1));
    result("getattr, NULL", syscall(SYS_sched_getattr, 0, NULL, 48, 0));
    result("getattr, -1", syscall(SYS_sched_getattr, -1, &b, 48, 0));
    result("getattr, nobody", syscall(SYS_sched_getattr, 4000000, &b, 48, 0));
    result("getattr, bad address", syscall(SYS_sched_getattr, 0, 8, 48, 0));
    a.size = sizeof a;
    a.more[3] = 1;
    result("setattr, too long", syscall(SYS_sched_setattr, 0, &a, 0));
    truth("its size", a.size == 56);
    a = (struct attr){.policy = SCHED_OTHER, .nice = 40};
    result("setattr, size 0", syscall(SYS_sched_setattr, 0, &a, 0));
    syscall(SYS_sched_getattr, 0, &b, 48, 0);
    result("nice", b.nice);
    a = (struct attr){.size = 40};
    result("setattr, short", syscall(SYS_sched_setattr, 0, &a, 0));
    a = (struct attr){.size = 48, .policy = 77};
    result("setattr, policy", syscall(SYS_sched_setattr, 0, &a, 0));
    a = (struct attr){.size = 48, .policy = SCHED_OTHER, .priority = 3};
    result("setattr, priority", syscall(SYS_sched_setattr, 0, &a, 0));
    a = (struct attr){.size = 48, .policy = SCHED_OTHER, .flags = 1 << 20};
    result("setattr, flags", syscall(SYS_sched_setattr, 0, &a, 0));
    result("setattr, NULL", syscall(SYS_sched_setattr, 0, NULL, 0));
    result("setattr, bad address", syscall(SYS_sched_setattr, 0, 8, 0));
    take("/proc/self/stat", 4096);
    truth("stat's nice", matches("^[0-9]+ \\(.*\\) R (-?[0-9]+ ){14}39 19 "));
}

struct how {
    uint64_t flags, mode, resolve, more[3];
};

static void try(const char *name, int at, const char *path, struct how how, size_t size)
{
    int fd = (int)syscall(SYS_openat2, at, path, &how, size);
    printf("%s: %s\n", name, fd >= 0 ? "opened" : strerror(errno));
    if (fd >= 0)
        close(fd);
}

static void check_openat2(void)
{
    mkdir("/tmp/askeddir", 0755);
    mkdir("/tmp/askeddir/in", 0755);
    close(open("/tmp/askeddir/in/file", O_CREAT | O_WRONLY, 0644));
    symlink("in/file", "/tmp/askeddir/near");
    symlink("/in/file", "/tmp/askeddir/root");
    symlink("../askeddir/near", "/tmp/askeddir/out");
    symlink("/proc/self/exe", "/tmp/askeddir/magic");
    int at = open("/tmp/askeddir", O_PATH | O_DIRECTORY);
    static const char *const paths[] = {"in/file",
                                        "near",
                                        "root",
                                        "out",
                                        "magic",
                                        "..",
                                        "in/..",
                                        "in/../..",
                                        "/tmp/askeddir/near",
                                        "/proc/self/exe",
                                        "/proc",
                                        "in/../near",
                                        "../askeddir/in/file",
                                        "missing",
                                        "in/../../../../../in/file",
                                        "."};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        for (unsigned resolve = 1; resolve <= 16; resolve *= 2) {
            char name[100];
            if (resolve == 1 && strcmp(paths[i], "root") == 0)
                continue; /* /tmp is a file system of its own on some computers */
            sprintf(name, "%s, resolve %u", paths[i], resolve);
            try(name, at, paths[i], (struct how){.flags = O_PATH, .resolve = resolve}, 24);
        }
    try("both", at, "in", (struct how){.resolve = 24}, 24);
    try("unknown resolve", at, "in", (struct how){.resolve = 0x40}, 24);
    try("high resolve", at, "in", (struct how){.resolve = UINT64_C(1) << 40}, 24);
    try("unknown flags", at, "in", (struct how){.flags = UINT64_C(1) << 31}, 24);
    try("high flags", at, "in", (struct how){.flags = UINT64_C(1) << 40}, 24);
    try("mode", at, "in", (struct how){.mode = 0644}, 24);
    try("odd mode", at, "new", (struct how){.flags = O_CREAT | O_WRONLY, .mode = 010644}, 24);
    try("create", at, "new", (struct how){.flags = O_CREAT | O_WRONLY, .mode = 0644, .resolve = 8},
        24);
    try("path and write", at, "new", (struct how){.flags = O_PATH | O_WRONLY}, 24);
    try("short", at, "new", (struct how){0}, 23);
    try("longer", at, "new", (struct how){0}, 48);
    try("longer, with more", at, "new", (struct how){.more = {0, 1}}, 48);
    try("huge", at, "new", (struct how){0}, 5000);
    try("cached and create", at, "new",
        (struct how){.flags = O_CREAT, .mode = 0644, .resolve = 0x20}, 24);
    try("no such descriptor", 99, "new", (struct how){0}, 24);
    result("bad address", syscall(SYS_openat2, at, "new", 8, 24));
    close(at);
}

static void check_clock(void)
{
    struct timex t = {0};
    truth("adjtimex", adjtimex(&t) >= 0);
    truth("its tick and time", t.tick == 10000 && labs(t.time.tv_sec - time(NULL)) <= 30 &&
                                   t.precision == 1 && t.tolerance == 32768000);
    result("bad address", syscall(SYS_adjtimex, 8));
    t.modes = ADJ_SETOFFSET;
    t.time.tv_usec = -1;
    result("odd offset", adjtimex(&t));
    t.modes = ADJ_TICK;
    t.tick = 1;
    result("odd tick", adjtimex(&t));
    t.modes = 0x8000;
    result("adjtime without offset", adjtimex(&t));
    t.modes = 0;
    result("another clock", clock_adjtime(CLOCK_MONOTONIC, &t));
    result("no clock", clock_adjtime(77, &t));
}

static void check_room(void)
{
    struct statvfs s;
    int before, after;
    statvfs("/tmp", &s);
    before = (int)s.f_ffree;
    int fd = open("/tmp/one-more", O_CREAT | O_WRONLY, 0600);
    statvfs("/tmp", &s);
    after = (int)s.f_ffree;
    truth("an inode less", s.f_files > s.f_ffree && before - after >= 1);
    close(fd);
    unlink("/tmp/one-more");
    statvfs("/proc", &s);
    result("inodes of /proc", (long)s.f_files);
}

int main(void)
{
    check_forms();
    check_reads();
    check_idle();
    check_descriptors();
    check_links();
    check_memory();
    check_oom();
    check_queue();
    check_threads();
    check_usage();
    check_attributes();
    check_openat2();
    check_clock();
    check_room();
    return 0;
}
