/* SPDX-License-Identifier: MIT */
#include "linux/file/sys_signalfd.h"

#include "fs/vfs/text.h"
#include "fs/vfs/anon_file.h"
#include "fs/vfs/file_table.h"
#include "fs/vfs/wait.h"
#include "linux/file/args.h"
#include "linux/task/process.h"
#include "linux/task/signal.h"
#include "mm/heap/heap.h"
#include "mm/vm/usercopy.h"

/* As in Linux, a signalfd shows the signals of the calling thread and process and
 * is watched through the queue of the process that calls poll() or epoll_ctl(). */
struct signal_file {
    uint64_t mask;
};

struct signal_record { /* struct signalfd_siginfo */
    uint32_t signal;
    int32_t error, code;
    uint32_t pid, uid;
    int32_t fd;
    uint32_t timer_id, band, overrun, trap;
    int32_t status, int_value;
    uint64_t value, user_time, system_time, address;
    uint8_t padding[48];
};

_Static_assert(sizeof(struct signal_record) == 128, "linux/signalfd.h");

static bool is_pending(void *context)
{
    return signal_pending_set() & ((const struct signal_file *)context)->mask;
}

static struct signal_record signalfd_record_of(const struct siginfo *info)
{
    struct signal_record r = {
        .signal = (uint32_t)info->signal, .error = info->error, .code = info->code};
    bool from_kernel = info->code > 0 && info->code < SI_KERNEL;
    if (info->code == SI_TIMER) {
        r.timer_id = (uint32_t)info->timer.id;
        r.overrun = (uint32_t)info->timer.overrun;
        r.value = info->timer.value;
        r.int_value = (int32_t)info->timer.value;
    } else if (from_kernel && (signal_bit(info->signal) & SIGNAL_SET_SYNCHRONOUS)) {
        r.address = info->fault.address;
    } else if (from_kernel && info->signal != SIGNAL_CHLD) {
        r.band = (uint32_t)info->io.band;
        r.fd = info->io.fd;
    } else {
        r.pid = (uint32_t)info->user.pid;
        r.uid = info->user.uid;
        if (info->signal == SIGNAL_CHLD && from_kernel) {
            r.status = (int32_t)info->user.value;
        } else if (info->code < 0) {
            r.value = info->user.value;
            r.int_value = (int32_t)info->user.value;
        }
    }
    return r;
}

static enum err signal_read(struct file *file, struct io *io, uint64_t *offset)
{
    (void)offset;
    const struct signal_file *s = file->state;
    struct siginfo info;
    if (io_left(io) < sizeof(struct signal_record))
        return E_INVAL;
    if (!is_pending(file->state)) {
        if (file->flags & O_NONBLOCK)
            return E_AGAIN;
        enum err e =
            fs_wait(&process_current()->signal_arrived, is_pending, file->state, NO_DEADLINE);
        if (e != E_OK)
            return e;
    }
    enum err e = E_OK;
    while (e == E_OK && io_left(io) >= sizeof(struct signal_record) &&
           signal_take(s->mask, &info)) {
        struct signal_record record = signalfd_record_of(&info);
        e = io_put_waiting(io, &record, sizeof record);
    }
    return e;
}

static uint32_t signal_poll(struct file *file)
{
    return is_pending(file->state) ? POLL_READABLE : 0;
}

static struct wait_queue *signal_queue_of(struct file *file, bool write)
{
    (void)file;
    return write ? NULL : &process_current()->signal_arrived;
}

static void signal_release(struct file *file)
{
    heap_free(file->state);
}

static void signal_describe(struct file *file, struct text *text)
{
    text_printf(text, "sigmask:\t%016lx\n", ((const struct signal_file *)file->state)->mask);
}

static const struct file_ops signal_ops = {.release = signal_release,
                                           .read = signal_read,
                                           .poll = signal_poll,
                                           .queue = signal_queue_of,
                                           .describe = signal_describe,
                                           .no_position = true};

static enum err signalfd_create(struct syscall *call, uint64_t mask, uint32_t flags)
{
    struct signal_file *s = heap_alloc_zero(sizeof *s);
    if (s == NULL)
        return E_NOMEM;
    s->mask = mask;
    struct file *file;
    enum err e = anon_file_open("anon_inode:[signalfd]", &signal_ops, s, flags & O_NONBLOCK, &file);
    if (e != E_OK) {
        heap_free(s);
        return e;
    }
    return fd_install(call, file, flags & O_CLOEXEC);
}

static enum err signalfd_perform(struct syscall *call, uint32_t flags)
{
    uint64_t mask;
    if (call->arg[2] != sizeof mask || (flags & ~(uint32_t)(O_CLOEXEC | O_NONBLOCK)))
        return E_INVAL;
    enum err e = copy_in(&mask, virt(call->arg[1]), sizeof mask);
    if (e != E_OK)
        return e;
    mask &= ~SIGNAL_SET_UNMASKED;
    if ((int)call->arg[0] == -1)
        return signalfd_create(call, mask, flags);
    struct file *file = fd_file(call->arg[0]);
    if (file == NULL)
        return E_BADF;
    if (file->ops != &signal_ops)
        return E_INVAL;
    ((struct signal_file *)file->state)->mask = mask;
    wait_queue_wake(&process_current()->signal_arrived);
    call->result = (uint32_t)call->arg[0];
    return E_OK;
}

enum err sys_signalfd(struct syscall *call)
{
    return signalfd_perform(call, 0);
}

enum err sys_signalfd4(struct syscall *call)
{
    return signalfd_perform(call, (uint32_t)call->arg[3]);
}
