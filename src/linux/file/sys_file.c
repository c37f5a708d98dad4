/* SPDX-License-Identifier: MIT */
#include "linux/file/sys_file.h"

#include "cpu/lock.h"
#include "linux/file/args.h"
#include "mm/vm/usercopy.h"

#define RWF_HIPRI  0x01u
#define RWF_DSYNC  0x02u
#define RWF_SYNC   0x04u
#define RWF_NOWAIT 0x08u
#define RWF_APPEND 0x10u
#define RWF_ALL    (RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND)

enum how {
    READ,
    WRITE,
    SHARED = 2, /* or one of those: the thread shares kernel_lock */
};

static inline unsigned how_now(void)
{
    return kernel_lock_is_shared() ? SHARED : 0;
}

static ALWAYS_INLINE enum err read_or_write(unsigned how, struct file *file, struct io *io,
                                            uint64_t *offset, uint64_t *done)
{
    if (*offset > INT64_MAX - io->left)
        return E_INVAL; /* the end overflows, whatever is there to read */
    return how & WRITE ? file_write(file, io, offset, done) : file_read(file, io, offset, done);
}

static NOINLINE enum err in_turn(unsigned how, struct file *file, struct io *io, uint64_t *done)
{
    bool taken;
    enum err e = file_take_position(file, &taken);
    if (e == E_OK)
        e = read_or_write(how, file, io, &file->offset, done);
    if (taken)
        file_give_position(file);
    return e;
}

/* Reads or writes; consumes the reference, which is there because another thread may close the descriptor during a sleep. */
static ALWAYS_INLINE enum err file_transfer(struct syscall *call, unsigned how, struct file *file,
                                            struct io *io, uint64_t *offset)
{
    uint64_t done = 0;
    bool others = SEVERAL_CPUS && offset == &file->offset &&
                  ((how & SHARED) || __atomic_load_n(&file->positioned, __ATOMIC_ACQUIRE));
    enum err e = unlikely(others) ? in_turn(how, file, io, &done)
                                  : read_or_write(how, file, io, offset, &done);
    if (e == E_OK)
        call->result = done;
    else if (e == E_INTR) /* a regular file: while another thread's read or write was under way */
        *(mode_is(file->inode->mode, S_IFREG) ? &call->restart_always : &call->restart) = true;
    file_put(file);
    return e;
}

/* The file of the descriptor, with a reference. E_BADF; E_SPIPE; E_BADF: not open for it, in Linux's order. A kernel_lock that was shared is alone if the
 * file's operations need that. */
static ALWAYS_INLINE enum err fd_begin(struct syscall *call, unsigned how, bool positioned,
                                       struct file **out)
{
    struct file *file = how & SHARED ? fd_hold_shared(call->arg[0]) : fd_hold_alone(call->arg[0]);
    if (!file)
        return E_BADF;
    enum err e = positioned && !file->ops->seekable                           ? E_SPIPE
                 : (how & WRITE ? file_can_write(file) : file_can_read(file)) ? E_OK
                                                                              : E_BADF;
    if (e != E_OK)
        file_put(file);
    else if ((how & SHARED) && !(file->ops->shares & (how & WRITE ? SHARES_WRITE : SHARES_READ)))
        kernel_lock_alone();
    *out = file;
    return e;
}

/* The descriptor is checked before the buffer: EBADF takes precedence over EFAULT. */
static ALWAYS_INLINE enum err buffer_transfer(struct syscall *call, unsigned how, bool positioned)
{
    uint64_t offset = call->arg[3], size = call->arg[2];
    struct file *file;
    if (positioned && offset > INT64_MAX)
        return E_INVAL;
    enum err e = fd_begin(call, how, positioned, &file);
    if (e != E_OK)
        return e;
    if (!user_range_ok(virt(call->arg[1]), size)) {
        file_put(file);
        return E_FAULT;
    }
    struct io io = io_user(virt(call->arg[1]), size < IO_BYTES_MAX ? size : IO_BYTES_MAX);
    return file_transfer(call, how, file, &io, positioned ? &offset : &file->offset);
}

static NOINLINE enum err shared_transfer(struct syscall *call, unsigned how)
{
    return buffer_transfer(call, how | SHARED, false);
}

/* A thread that has kernel_lock alone looks once for what those that share it look for again and again. */
static NOINLINE enum err simple_transfer(struct syscall *call, unsigned how)
{
    return kernel_lock_is_shared() ? shared_transfer(call, how) : buffer_transfer(call, how, false);
}

static NOINLINE enum err positioned_transfer(struct syscall *call, unsigned how)
{
    return buffer_transfer(call, how | how_now(), true);
}

enum err sys_read(struct syscall *call)
{
    return simple_transfer(call, READ);
}

enum err sys_write(struct syscall *call)
{
    return simple_transfer(call, WRITE);
}

enum err sys_pread64(struct syscall *call)
{
    return positioned_transfer(call, READ);
}

enum err sys_pwrite64(struct syscall *call)
{
    return positioned_transfer(call, WRITE);
}

/* offset: NULL for the file position. Consumes the reference. */
static NOINLINE enum err iov_transfer(struct syscall *call, unsigned how, struct file *file,
                                      uint64_t *offset)
{
    struct iov iov;
    enum err e = iov_copy_in(&iov, call->arg[1], (uint32_t)call->arg[2]);
    if (e != E_OK) {
        file_put(file);
        return e;
    }
    e = file_transfer(call, how | how_now(), file, &iov.io, offset ? offset : &file->offset);
    iov_free(&iov);
    return e;
}

static NOINLINE enum err iov_begin(struct syscall *call, unsigned how, bool positioned)
{
    uint64_t offset = call->arg[3];
    struct file *file;
    if (positioned && offset > INT64_MAX)
        return E_INVAL;
    enum err e = fd_begin(call, how | how_now(), positioned, &file);
    return e == E_OK ? iov_transfer(call, how, file, positioned ? &offset : NULL) : e;
}

enum err sys_readv(struct syscall *call)
{
    return iov_begin(call, READ, false);
}

enum err sys_writev(struct syscall *call)
{
    return iov_begin(call, WRITE, false);
}

enum err sys_preadv(struct syscall *call)
{
    return iov_begin(call, READ, true);
}

enum err sys_pwritev(struct syscall *call)
{
    return iov_begin(call, WRITE, true);
}

/* preadv2() and pwritev2(). Files in memory are never synchronised, and refuse RWF_NOWAIT as those of tmpfs do, and pipes. */
COLD static enum err flagged_iov(struct syscall *call, unsigned how)
{
    uint64_t flags = call->arg[5];
    bool own_offset = call->arg[3] == UINT64_MAX;
    if (flags & ~(uint64_t)RWF_ALL)
        return E_NOTSUP;
    struct file *file = fd_file(call->arg[0]);
    if (file && (flags & RWF_NOWAIT) &&
        (mode_is(file->inode->mode, S_IFREG) || mode_is(file->inode->mode, S_IFIFO)))
        return E_NOTSUP;
    if (!(flags & RWF_APPEND) || !(how & WRITE))
        return iov_begin(call, how, !own_offset);
    if (!file)
        return E_BADF;
    if (!own_offset && !file->ops->seekable)
        return E_SPIPE;
    if (!file_can_write(file))
        return E_BADF;
    uint64_t end = file->inode->size;
    CPUS_ADD(file->references, 2); /* iov_transfer() consumes one */
    enum err e = iov_transfer(call, how, file, &end);
    if (e == E_OK && own_offset && file->ops->seekable)
        file->offset = end;
    file_put(file);
    return e;
}

enum err sys_preadv2(struct syscall *call)
{
    return flagged_iov(call, READ);
}

COLD enum err sys_pwritev2(struct syscall *call)
{
    struct file *file = fd_file(call->arg[0]);
    if (!(call->arg[5] & (RWF_SYNC | RWF_DSYNC)) || !file || !file->ops->sync)
        return flagged_iov(call, WRITE);
    file_get(file);
    enum err e = flagged_iov(call, WRITE);
    if (e == E_OK && call->result > 0)
        e = file->ops->sync(file, 0, UINT64_MAX,
                            call->arg[5] & RWF_SYNC ? FILE_SYNC_ALL : FILE_SYNC_DATA);
    file_put(file);
    return e;
}

enum err sys_lseek(struct syscall *call)
{
    bool taken;
    struct file *file =
        kernel_lock_is_shared() ? fd_hold_shared(call->arg[0]) : fd_hold_alone(call->arg[0]);
    if (!file)
        return E_BADF;
    enum err e = file_take_position(file, &taken);
    if (e == E_OK)
        e = file_seek(file, (int64_t)call->arg[1], (uint32_t)call->arg[2], &call->result);
    else
        call->restart_always = true;
    if (taken)
        file_give_position(file);
    file_put(file);
    return e;
}
