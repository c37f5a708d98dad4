/* SPDX-License-Identifier: MIT */
/* Executes itself in several stages and prints the attributes that survive execve(). */
#define _GNU_SOURCE
#include "result.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

static void on_signal(int signal)
{
    (void)signal;
}

static int is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* `name` is relative to the root folder, which the first stage leaves. */
static void first(const char *name)
{
    char self[200];
    snprintf(self, sizeof self, "/%s", name);
    sigset_t set;
    signal(SIGUSR1, on_signal);
    signal(SIGUSR2, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGTERM); /* stays pending */
    int kept = open("/etc/passwd", O_RDONLY), closed = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    printf("descriptors %d %d\n", kept, closed);
    if (chdir("/etc") != 0)
        perror("chdir");
    alarm(1000);
    prctl(PR_SET_NAME, "renamed");
    char *argv[] = {"second", self, "a b", "", NULL};
    char *envp[] = {"STAGE=second", NULL};
    fflush(stdout);
    execve(self, argv, envp);
    perror("execve");
}

static void second(char *self)
{
    sigset_t set;
    struct sigaction a, b;
    char name[17] = {0}, cwd[100];
    sigaction(SIGUSR1, NULL, &a);
    sigaction(SIGUSR2, NULL, &b);
    printf("caught became default %d, ignored stays %d\n", a.sa_handler == SIG_DFL,
           b.sa_handler == SIG_IGN);
    sigprocmask(SIG_BLOCK, NULL, &set);
    printf("blocked %d", sigismember(&set, SIGTERM));
    sigpending(&set);
    printf(" pending %d\n", sigismember(&set, SIGTERM));
    printf("descriptors %d %d, alarm %d, cwd %s\n", is_open(3), is_open(4), alarm(0) > 990,
           getcwd(cwd, sizeof cwd));
    prctl(PR_GET_NAME, name);
    printf("name %s\n", name);
    signal(SIGTERM, SIG_IGN);
    char *argv[] = {"ignored", "third", NULL};
    char *envp[] = {"STAGE=third", NULL};
    fflush(stdout);
    execve("/etc/script", argv, envp);
    perror("execve");
    (void)self;
}

int main(int argc, char **argv)
{
    const char *stage = getenv("STAGE");
    printf("stage %s:", stage != NULL ? stage : "first");
    for (int i = 0; i < argc; i++)
        printf(" '%s'", argv[i]);
    printf("\n");
    if (stage == NULL)
        first(argv[0]);
    else if (strcmp(stage, "second") == 0)
        second(argv[1]);
    return 3;
}
