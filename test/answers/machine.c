/* SPDX-License-Identifier: MIT */
/* machine.c: the program as /init of a Linux machine. */
#define _GNU_SOURCE
#include "answers.h"

#include <stdio.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

void machine(char **argv)
{
    mkdir("/proc", 0755);
    mkdir("/sys", 0755);
    mkdir("/tmp", 0755);
    mkdir("/dev", 0755);
    mount("proc", "/proc", "proc", 0, NULL);
    mount("sys", "/sys", "sysfs", 0, NULL);
    mount("dev", "/dev", "devtmpfs", 0, NULL);
    mkdir("/dev/pts", 0755);
    mkdir("/dev/shm", 0777);
    mount("pts", "/dev/pts", "devpts", 0, "mode=620,ptmxmode=666");
    mount("shm", "/dev/shm", "tmpfs", 0, NULL);
    mount("tmp", "/tmp", "tmpfs", 0, "mode=1777");
    char byte;
    while (getrandom(&byte, 1, 0) != 1) /* until the machine has entropy, calls wait for it */
        ;
    pid_t pid = vfork();
    if (pid == 0) {
        setsid(); /* out of the group of the kernel's threads */
        argv[0] = "answers";
        execv("/init", argv); /* the words after -- of the kernel's command line are families */
        _exit(127);
    }
    int status = 0;
    while (wait(&status) != pid)
        ;
    printf("status %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    fflush(stdout);
    sleep(1);
    RAW(SYS_reboot, 0xfee1dead, 672274793, 0x4321fedc, 0);
}
