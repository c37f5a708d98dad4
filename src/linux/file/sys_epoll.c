/* SPDX-License-Identifier: MIT */
#include "linux/file/sys_epoll.h"

#include "fs/pipe/epoll.h"
#include "fs/vfs/file_table.h"
#include "kern/time.h"
#include "linux/abi/time.h"
#include "linux/file/args.h"
#include "linux/task/signal.h"
#include "mm/vm/usercopy.h"

#define EVENTS_MAX (INT32_MAX / (int32_t)sizeof(struct epoll_event))

static enum err epoll_create(struct syscall *call, bool close_on_exec)
{
    struct file *file;
    int fd;
    enum err e = epoll_open(&file);
    if (e == E_OK)
        e = file_table_add(file_table_current(), file, 0, close_on_exec, &fd);
    else
        return e;
    if (e != E_OK) {
        file_put(file);
        return e;
    }
    call->result = (uint64_t)fd;
    return E_OK;
}

enum err sys_epoll_create(struct syscall *call)
{
    return (int32_t)call->arg[0] <= 0 ? E_INVAL : epoll_create(call, false);
}

enum err sys_epoll_create1(struct syscall *call)
{
    uint32_t flags = (uint32_t)call->arg[0];
    return flags & ~O_CLOEXEC ? E_INVAL : epoll_create(call, flags & O_CLOEXEC);
}

enum err sys_epoll_ctl(struct syscall *call)
{
    struct epoll_event event = {0};
    uint32_t op = (uint32_t)call->arg[1];
    enum err e = E_OK;
    if (op != EPOLL_DELETE)
        e = copy_in(&event, virt(call->arg[3]), sizeof(event));
    if (e != E_OK)
        return e;
    struct file *epoll = fd_file(call->arg[0]), *file = fd_file(call->arg[2]);
    if (!epoll || !file)
        return E_BADF;
    return epoll_control(epoll, (enum epoll_op)op, (int)call->arg[2], file, &event);
}

struct events_out {
    virt_t to;
    enum err e;
};

static bool put_event(void *context, const struct epoll_event *event)
{
    struct events_out *out = context;
    out->e = copy_out_now(out->to, event, sizeof(*event));
    out->to.v += sizeof(*event);
    return out->e == E_OK;
}

/* Copies the events that are ready now. E_FAULT only if none could be copied. */
static enum err epoll_hand_out(struct file *epoll, uint64_t to, uint64_t max, uint64_t *count)
{
    for (;;) {
        struct events_out out = {virt(to), E_OK};
        *count = epoll_take(epoll, max, put_event, &out);
        if (*count > 0 || out.e == E_OK)
            return E_OK;
        enum err e = copy_wait(out.e);
        if (e != E_OK)
            return e;
    }
}

static enum err wait_until(struct syscall *call, uint64_t deadline)
{
    int32_t max = (int32_t)call->arg[2];
    struct file *epoll = fd_file(call->arg[0]);
    if (max <= 0 || max > EVENTS_MAX)
        return E_INVAL;
    if (!user_range_ok(virt(call->arg[1]), (uint64_t)max * sizeof(struct epoll_event)))
        return E_FAULT;
    if (!epoll)
        return E_BADF;
    if (!epoll_is(epoll))
        return E_INVAL;
    file_get(epoll); /* another thread may close it during the sleep */
    enum err e;
    do {
        e = epoll_hand_out(epoll, call->arg[1], (uint64_t)max, &call->result);
        if (e != E_OK || call->result > 0 || deadline == 0)
            break;
        e = epoll_sleep(epoll, deadline);
    } while (e == E_OK);
    file_put(epoll);
    return e == E_TIMEDOUT ? E_OK : e;
}

/* 0: the call does not sleep. */
static uint64_t epoll_deadline_of(int32_t milliseconds)
{
    if (milliseconds == 0)
        return 0;
    return milliseconds < 0 ? NO_DEADLINE : deadline_after((uint64_t)milliseconds * 1000000);
}

enum err sys_epoll_wait(struct syscall *call)
{
    return wait_until(call, epoll_deadline_of((int32_t)call->arg[3]));
}

static enum err wait_masked(struct syscall *call, uint64_t deadline)
{
    enum err e = signal_wait_mask_begin(virt(call->arg[4]), call->arg[5]);
    if (e != E_OK)
        return e;
    e = wait_until(call, deadline);
    signal_wait_mask_end(e == E_INTR);
    return e;
}

enum err sys_epoll_pwait(struct syscall *call)
{
    return wait_masked(call, epoll_deadline_of((int32_t)call->arg[3]));
}

enum err sys_epoll_pwait2(struct syscall *call)
{
    uint64_t ns, deadline = NO_DEADLINE;
    if (call->arg[3] != 0) {
        enum err e = timespec_copy_in(virt(call->arg[3]), &ns);
        if (e != E_OK)
            return e;
        deadline = ns == 0 ? 0 : deadline_after(ns);
    }
    return wait_masked(call, deadline);
}
