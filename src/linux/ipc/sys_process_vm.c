/* SPDX-License-Identifier: MIT */
/* process_vm_readv(2), process_vm_writev(2): copies between the caller's memory and another process's. process_madvise(2). */
#include "linux/ipc/sys_ipc.h"

#include "kern/space.h"
#include "linux/file/args.h"
#include "linux/memory/sys_mem.h"
#include "linux/task/pidfd.h"
#include "linux/task/process.h"
#include "mm/heap/heap.h"
#include "mm/vm/usercopy.h"

#define PIECE    512u
#define GIVE_WAY (64u << 10) /* bytes between preemption points */
#define MOST     1024u

struct remote {
    uint64_t at, size;
};

/* *out: the space of the process, which stands until the next preemption point. */
static MUST_CHECK enum err space_of(int pid, struct address_space **out)
{
    const struct linux_thread *lt = linux_thread_find(pid);
    if (!lt || !lt->process->program)
        return E_SRCH;
    if (!process_may_trace(lt, false))
        return E_PERM;
    *out = lt->process->program->space;
    return E_OK;
}

static MUST_CHECK enum err vm_piece(struct address_space *space, struct io *io, uint64_t at,
                                    uint64_t size, bool write)
{
    uint8_t bytes[PIECE];
    enum err e = write ? io_take(io, bytes, size) : copy_in_from(space, bytes, virt(at), size);
    if (e == E_OK)
        e = write ? copy_out_to(space, virt(at), bytes, size) : io_put(io, bytes, size);
    return e;
}

/* Copies a part; *done counts. E_FAULT, or E_SRCH: the process has ended meanwhile. */
static MUST_CHECK enum err vm_part(int pid, struct io *io, struct remote part, bool write,
                                   uint64_t *done)
{
    struct address_space *space;
    enum err e = space_of(pid, &space);
    while (e == E_OK && part.size > 0 && io_left(io) > 0) {
        uint64_t size = PIECE - part.at % PIECE; /* pieces end with pages */
        size = size < part.size ? size : part.size;
        size = size < io_left(io) ? size : io_left(io);
        struct io start = *io;
        e = vm_piece(space, io, part.at, size, write);
        if (e == E_INTR) {
            *io = start;
            e = copy_wait(e);
            if (e == E_OK)
                e = space_of(pid, &space);
            continue;
        }
        if (e != E_OK)
            break;
        part.at += size;
        part.size -= size;
        *done += size;
        if (*done % GIVE_WAY < PIECE && io_left(io) > 0) {
            thread_give_way();
            e = space_of(pid, &space);
        }
    }
    return e;
}

static enum err vm_copy(struct syscall *call, struct io *io, bool write)
{
    uint64_t count = call->arg[4], done = 0;
    struct address_space *space;
    kernel_lock_assert();
    if (io_left(io) == 0)
        return E_OK;
    if (count > MOST)
        return E_INVAL;
    struct remote *parts = heap_alloc((count + 1) * sizeof(*parts));
    if (!parts)
        return E_NOMEM;
    enum err e = copy_in(parts, virt(call->arg[3]), count * sizeof(*parts));
    for (uint64_t i = 0; e == E_OK && i < count; i++)
        e = (int64_t)parts[i].size < 0 ? E_INVAL : E_OK;
    if (e == E_OK && count > 0)
        e = space_of((int)call->arg[0], &space);
    for (uint64_t i = 0; e == E_OK && i < count; i++)
        e = vm_part((int)call->arg[0], io, parts[i], write, &done);
    heap_free(parts);
    call->result = done;
    return done > 0 ? E_OK : e;
}

static enum err process_vm(struct syscall *call, bool write)
{
    struct iov iov;
    if (call->arg[5] != 0)
        return E_INVAL;
    enum err e = iov_copy_in(&iov, call->arg[1], call->arg[2]);
    if (e != E_OK)
        return e;
    e = vm_copy(call, &iov.io, write);
    iov_free(&iov);
    return e;
}

enum err sys_process_vm_readv(struct syscall *call)
{
    return process_vm(call, false);
}

enum err sys_process_vm_writev(struct syscall *call)
{
    return process_vm(call, true);
}

/* The advice that process_madvise(2) takes: MADV_WILLNEED, MADV_COLD, MADV_PAGEOUT. */
static bool advice_is_for_others(uint32_t advice)
{
    return advice == 3 || advice == 20 || advice == 21;
}

/* While the calling thread is in the program's space, which stays. *done: bytes. */
static MUST_CHECK enum err advise_all(struct program *program, const struct io_segment *part,
                                      uint64_t count, uint32_t advice, uint64_t *done)
{
    enum err e = E_OK;
    kernel_lock_assert();
    program->users++;
    struct address_space *before = thread_use_space(program->space);
    for (uint64_t i = 0; e == E_OK && i < count; i++) {
        e = mem_advise(part[i].base.v, part[i].size, advice);
        if (e == E_OK)
            *done += part[i].size;
    }
    (void)thread_use_space(before);
    program_put(program);
    return e;
}

enum err sys_process_madvise(struct syscall *call)
{
    struct process *process;
    struct iov iov;
    uint32_t advice = (uint32_t)call->arg[3];
    uint64_t done = 0;
    if ((uint32_t)call->arg[4] != 0)
        return E_INVAL;
    enum err e = iov_copy_in(&iov, call->arg[1], call->arg[2]);
    if (e != E_OK)
        return e;
    e = pidfd_process((uint32_t)call->arg[0], &process, NULL);
    if (e == E_OK && !advice_is_for_others(advice))
        e = E_INVAL;
    if (e == E_OK && process->program == NULL)
        e = E_SRCH;
    if (e == E_OK && !process_may_trace(process->leader, true))
        e = E_ACCES;
    if (e == E_OK && !capable(CAP_SYS_NICE))
        e = E_PERM;
    if (e == E_OK)
        e = advise_all(process->program, iov.segments, call->arg[2], advice, &done);
    iov_free(&iov);
    call->result = done;
    return done > 0 ? E_OK : e;
}
