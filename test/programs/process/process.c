/* SPDX-License-Identifier: MIT */
/* Identity, limits and clocks of the process. */
#define _GNU_SOURCE
#include "result.h"

#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void identity(void)
{
    char name[17] = {0};
    struct utsname u;
    uid_t r, e, s;
    truth("pid is tid", getpid() == (pid_t)syscall(SYS_gettid));
    truth("group of 0 is mine", getpgid(0) == getpgrp());
    printf("uid %d %d gid %d %d\n", getuid(), geteuid(), getgid(), getegid());
    result("prctl", prctl(PR_GET_NAME, name));
    printf("name %s\n", name);
    result("prctl", prctl(PR_SET_NAME, "a name that is too long"));
    prctl(PR_GET_NAME, name);
    printf("name %s\n", name);
    result("uname", uname(&u));
    printf("%s %s\n", u.sysname, u.machine);
    result("setresuid", setresuid(1000, 1001, 0));
    getresuid(&r, &e, &s);
    printf("resuid %d %d %d\n", r, e, s);
    result("setuid", setuid(5));
    result("seteuid", seteuid(0));
    result("setresuid", setresuid(0, 0, 0));
    result("setgid", setgid(7));
    printf("gid %d %d\n", getgid(), getegid());
    gid_t groups[3] = {1, 2, 3};
    result("setgroups", setgroups(3, groups));
    result("getgroups", getgroups(0, NULL));
    result("getgroups", getgroups(2, groups));
    result("wait", wait(NULL));
    result("personality", (long)syscall(SYS_personality, 0xffffffff));
}

static void limits(void)
{
    struct rlimit l;
    result("getrlimit", getrlimit(RLIMIT_NOFILE, &l));
    l.rlim_cur = 64;
    result("setrlimit", setrlimit(RLIMIT_NOFILE, &l));
    getrlimit(RLIMIT_NOFILE, &l);
    printf("files %ld\n", (long)l.rlim_cur);
    int fd, last = -1;
    while ((fd = dup(1)) >= 0)
        last = fd;
    result("dup", fd);
    printf("last descriptor %d\n", last);
    for (; last > 2; last--)
        close(last);
    struct rusage u;
    result("getrusage", getrusage(RUSAGE_SELF, &u));
    result("getpriority", getpriority(PRIO_PROCESS, 0));
    result("setpriority", setpriority(PRIO_PROCESS, 0, 5));
    result("getpriority", getpriority(PRIO_PROCESS, 0));
    result("sched_yield", sched_yield());
    result("sched_getscheduler", sched_getscheduler(0));
    cpu_set_t set;
    truth("sched_getaffinity", sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0);
}

static void clocks(void)
{
    struct timespec a, b, nap = {0, 10000000};
    clockid_t ids[] = {CLOCK_REALTIME,           CLOCK_MONOTONIC,        CLOCK_MONOTONIC_RAW,
                       CLOCK_BOOTTIME,           CLOCK_REALTIME_COARSE,  CLOCK_MONOTONIC_COARSE,
                       CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        clock_gettime(ids[i], &a);
        nanosleep(&nap, NULL);
        clock_gettime(ids[i], &b);
        int64_t passed = (int64_t)(b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec;
        int cpu = ids[i] == CLOCK_PROCESS_CPUTIME_ID || ids[i] == CLOCK_THREAD_CPUTIME_ID;
        printf("clock %d: %s\n", (int)ids[i],
               passed < 0          ? "BACKWARDS"
               : cpu               ? passed < 9000000 ? "only CPU time" : "TOO MUCH"
               : passed >= 5000000 ? "goes on"
                                   : "STANDS");
    }
    clock_gettime(CLOCK_REALTIME, &a);
    truth("this century", a.tv_sec > 1600000000);
    truth("time agrees", labs((long)(time(NULL) - a.tv_sec)) <= 1);
    clock_gettime(CLOCK_MONOTONIC, &a);
    a.tv_nsec += 5000000;
    if (a.tv_nsec >= 1000000000) {
        a.tv_nsec -= 1000000000;
        a.tv_sec++;
    }
    result("clock_nanosleep", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &a, NULL));
    clock_gettime(CLOCK_MONOTONIC, &b);
    truth("slept long enough",
          b.tv_sec > a.tv_sec || (b.tv_sec == a.tv_sec && b.tv_nsec >= a.tv_nsec));
    clock_getres(CLOCK_MONOTONIC, &a);
    printf("resolution %ld ns\n", a.tv_nsec);
    clock_t user_start = clock();
    for (volatile long i = 0; i < 3000000; i++)
        ;
    truth("CPU time is counted", clock() > user_start);
    struct sysinfo info;
    result("sysinfo", sysinfo(&info));
    truth("memory", info.totalram >= info.freeram && info.freeram > 0 && info.mem_unit == 1);
    unsigned char random[2][300];
    result("getrandom", getrandom(random[0], 300, 0));
    getrandom(random[1], 300, 0);
    truth("random differs", memcmp(random[0], random[1], 300) != 0);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    identity();
    limits();
    clocks();
    return 0;
}
