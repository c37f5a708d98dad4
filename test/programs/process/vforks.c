/* SPDX-License-Identifier: MIT */
/* Many processes that wait in vfork(), each for the next: the end of one wakes the one that waits for it, and no other. */
#define _GNU_SOURCE
#include "result.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEPTH 400

/* Each ends after all below it have ended. All run in one frame, so each looks only at what its own vfork() returns. */
static void descend(void)
{
    for (volatile int left = DEPTH; left > 0; left--) {
        int status;
        pid_t child = vfork();
        if (child == 0)
            continue;
        _exit(child < 0 || waitpid(child, &status, 0) != child || status != 0);
    }
    _exit(0);
}

int main(void)
{
    struct rusage used;
    int status = -1;
    pid_t child = fork();
    if (child == 0)
        descend();
    waitpid(child, &status, 0);
    result("status", status);
    getrusage(RUSAGE_CHILDREN, &used);
    truth("each waited a few times", used.ru_nvcsw < 10 * DEPTH);
    return 0;
}
