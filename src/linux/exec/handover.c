/* SPDX-License-Identifier: MIT */
#include "linux/exec/handover.h"

#include "linux/task/process.h"
#include "mm/layout.h"

void exec_take_credentials(struct credentials *new, bool secure, bool dumpable)
{
    struct process *process = process_current();
    struct rlimit *stack = &process->rlimits[RLIMIT_STACK];
    process->program->dumpable = dumpable;
    if (secure) {
        process->pdeath_signal = 0;
        process->personality &= ~PER_CLEAR_SETID;
    }
    if (secure && stack->soft > LAYOUT_STACK_SIZE) /* the caller must not choose the layout */
        stack->soft = LAYOUT_STACK_SIZE;
    (void)!credentials_commit(new, E_OK); /* cannot fail: the real user is the same */
}
