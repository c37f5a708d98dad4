/* SPDX-License-Identifier: MIT */
/*
 * Memory that runs out after fork(): the child that writes its copies is killed, and the parent goes on with its own.
 * For a machine whose memory is a little more than once the SIZE in MiB.
 *
 *     hungry SIZE
 */
#include "../result.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096

int main(int argc, char **argv)
{
    size_t size = (argc > 1 ? strtoul(argv[1], NULL, 0) : 8) << 20, same = 0;
    char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(at, size, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < size; i += PAGE)
        at[i] = (char)(i / PAGE);
    for (int round = 0; round < 3; round++) {
        int status;
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            for (size_t i = 0; i < size; i += PAGE)
                at[i] = 1;
            _exit(0);
        }
        result("fork", child > 0);
        waitpid(child, &status, 0);
        result("killed by", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    }
    for (size_t i = 0; i < size; i += PAGE)
        same += at[i] == (char)(i / PAGE);
    truth("the parent's memory is as it was", same == size / PAGE);
    /* As many children as there is memory for: the others are refused, and the machine goes on. */
    int made = 0;
    pid_t child;
    while ((child = fork()) > 0)
        made++;
    if (child == 0) {
        pause();
        _exit(0);
    }
    truth("refused with ENOMEM or EAGAIN", errno == ENOMEM || errno == EAGAIN);
    truth("some were made", made > 10);
    signal(SIGTERM, SIG_IGN);
    kill(0, SIGTERM);
    while (wait(NULL) > 0)
        made--;
    result("left", made);
    return 0;
}
