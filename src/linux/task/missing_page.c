/* SPDX-License-Identifier: MIT */
/* The page that a copy of the calling thread has missed (mm/vm/usercopy.h). */
#include "kern/thread.h"
#include "linux/task/process.h"
#include "mm/vm/usercopy.h"

/* A miss that its call did not ask for is not the next one's. */
static uint32_t call_number(void)
{
    const struct linux_thread *lt = linux_current();
    return lt != NULL ? lt->history_next : 0;
}

COLD void copy_missed(virt_t v, uint64_t error)
{
    thread_current()->missing = (struct missing_page){running_space, v, error, call_number()};
}

COLD bool copy_missing(struct address_space **space, virt_t *v, uint64_t *error)
{
    struct missing_page *missing = &thread_current()->missing;
    if (missing->space == NULL || missing->call != call_number())
        return false;
    *space = missing->space;
    *v = missing->at;
    *error = missing->error;
    missing->space = NULL;
    return true;
}
