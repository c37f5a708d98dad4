/* SPDX-License-Identifier: MIT */
/*
 * Open files. One struct file is one open(): dup() shares it, and with it the offset and the status
 * flags.
 *
 * Operations move bytes between the file and a cursor (fs/vfs/io.h). file_read() and file_write()
 * report success if an operation moved bytes before an error. If it stopped because a device has a page
 * of the program's memory, they bring it in and call the operation again.
 */
#pragma once

#include "cpu/cpus.h"
#include "fs/vfs/io.h"
#include "fs/vfs/location.h"

struct file_ops;
struct text;
struct wait_queue;

struct file {
    const struct file_ops *ops;
    union {
        struct location location; /* with references */
        struct {
            struct mount *mount;
            struct dentry *dentry;
        };
    };
    struct inode *inode; /* dentry->inode */
    uint32_t references;
    uint32_t flags;  /* O_ACCMODE and status flags; O_PATH */
    uint64_t offset; /* file position; directories: the cookie */
    /* Directories: cookie of the first entry that is newer than the last rewind. Fifos: the count
     * of opens by writers for which POLLHUP is not reported. */
    uint64_t limit;
    void *state;          /* private to the ops */
    struct async *async;  /* fs/vfs/async.h; NULL: no owner was set */
    struct list *watched; /* the ring of its items in epolls (fs/pipe/epoll.c); NULL: none */
    uint8_t busy;         /* > 0: a read or write by the position has given way in its middle */
    bool exclusive;       /* of a block file: opened with O_EXCL */
    bool positioned;      /* a thread that shares kernel_lock reads or writes by the position */
    uint8_t lock;         /* flock: 0, FILE_LOCK_SHARED or FILE_LOCK_EXCLUSIVE */
    uint32_t errors_seen; /* fs/cache: of those of write-back */
};

enum {
    FILE_LOCK_NONE,
    FILE_LOCK_SHARED,
    FILE_LOCK_EXCLUSIVE,
};

struct directory_entry {
    const char *name;
    size_t length;
    uint64_t ino;
    uint64_t next; /* the cookie to continue with after this entry */
    uint8_t type;  /* DT_*: mode bits >> 12 */
};

enum file_sync {
    FILE_SYNC_START, /* writing has begun */
    FILE_SYNC_WAIT, /* the device has taken the pages; nothing about its cache or the file's attributes */
    FILE_SYNC_DATA, /* fdatasync() */
    FILE_SYNC_ALL,  /* fsync() */
};

enum file_advice { /* POSIX_FADV_* */
    FILE_ADVICE_NORMAL,
    FILE_ADVICE_RANDOM,
    FILE_ADVICE_SEQUENTIAL,
    FILE_ADVICE_WILL_NEED,
    FILE_ADVICE_DONT_NEED,
    FILE_ADVICE_NO_REUSE,
};

/* Returns false if there is no room for the entry: the listing stops before it. */
typedef bool (*directory_sink)(void *context, const struct directory_entry *entry);

#define SHARES_READ  1
#define SHARES_WRITE 2

struct file_ops {
    /* Sets up file->state; may sleep (fifos). NULL: nothing to do. */
    enum err (*open)(struct file *file);
    void (*release)(struct file *file);
    /* NULL: E_INVAL. *offset advances by the bytes moved; files without position ignore it. */
    enum err (*read)(struct file *file, struct io *io, uint64_t *offset);
    enum err (*write)(struct file *file, struct io *io, uint64_t *offset);
    /* fsync() and its like: bytes [from, end) are written and, but for FILE_SYNC_START, durable. Sleeps. NULL:
     * nothing to do for stored files and those in memory, E_INVAL for others. */
    enum err (*sync)(struct file *file, uint64_t from, uint64_t end, enum file_sync how);
    /* posix_fadvise() and readahead(), for bytes [from, end). NULL: no advice has an effect. */
    void (*advise)(struct file *file, uint64_t from, uint64_t end, enum file_advice advice);
    /* SEEK_DATA and SEEK_HOLE; NULL: E_INVAL. */
    enum err (*find)(struct file *file, uint64_t from, bool data, uint64_t *out);
    /* The POLL_* bits that hold now. NULL: always readable and writable. */
    uint32_t (*poll)(struct file *file);
    /* The queue that is woken when the file may have become readable, or (`write`) writable. Errors
     * and hang-ups wake both. NULL, and a result of NULL: it never does. */
    struct wait_queue *(*queue)(struct file *file, bool write);
    /* ioctl() commands that not every file has. `argument` comes from the program. E_NOTTY. */
    enum err (*control)(struct file *file, uint32_t command, uint64_t argument, uint64_t *result);
    /* The process group that gets SIGIO if no owner was set; 0: none. NULL: the file sends no SIGIO. */
    uint32_t (*async_group)(const struct file *file);
    /* Appends the lines that /proc/PID/fdinfo has for the type. May give way. NULL: none. */
    void (*describe)(struct file *file, struct text *text);
    /* The size, where it is not inode->size (block files): it does not grow, and O_APPEND has no effect. NULL: inode->size. */
    uint64_t (*size)(const struct file *file);
    /* The file whose pages mmap() maps instead of this one's (overlay), without a reference: this one has it. NULL, and a result of NULL:
     * there is none. */
    struct file *(*mapped)(struct file *file);
    /* The source that mmap() maps instead of the inode's (sockets), without a reference; NULL: none. NULL: the inode's. */
    struct page_source *(*pages)(struct file *file);
    bool seekable;    /* lseek, pread and pwrite work; false: E_SPIPE */
    bool no_position; /* lseek() succeeds and returns 0: /dev/null, eventfd */
    bool direct;      /* O_DIRECT is allowed */
    bool zeros;       /* a mapping is anonymous memory (/dev/zero) */
    uint8_t
        shares; /* SHARES_READ, SHARES_WRITE: kernel_lock may be shared (cpu/lock.h): they have short locks, or read only */
};

/* Takes one reference to the dentry. */
MUST_CHECK enum err file_alloc(struct dentry *dentry, const struct file_ops *ops, uint32_t flags,
                               struct file **out);
/* A thread that shares kernel_lock may do it for a file to which it has a reference, or file_table_get(). */
static inline void file_get(struct file *file)
{
    CPUS_ADD(file->references, 1);
}
/* Dropping the last reference closes the file; a shared kernel_lock is alone then. NULL is allowed. */
void file_put(struct file *file);

/* Access mode 3 permits neither reading nor writing, only ioctl(), as on Linux. */
static inline bool file_can_read(const struct file *file)
{
    return !(file->flags & O_PATH) && !(file->flags & 1);
}

static inline bool file_can_write(const struct file *file)
{
    uint32_t access = file->flags & O_ACCMODE;
    return !(file->flags & O_PATH) && (access == O_WRONLY || access == O_RDWR);
}

/* Reads at *offset, which advances. *done: bytes moved. E_BADF: not open for reading; E_ISDIR,
 * E_INTR, E_AGAIN, E_FAULT and others only if nothing was moved. */
MUST_CHECK enum err file_read(struct file *file, struct io *io, uint64_t *offset, uint64_t *done);
/* Writes; as file_read(). With O_APPEND *offset is set to the end of the file first, as Linux's
 * pwrite() does. */
MUST_CHECK enum err file_write(struct file *file, struct io *io, uint64_t *offset, uint64_t *done);
/* The same for a file that the kernel has opened with the right access, in the middle of a program's call: not in its counts of /proc/PID/io. */
MUST_CHECK enum err file_read_uncounted(struct file *file, struct io *io, uint64_t *offset,
                                        uint64_t *done);
MUST_CHECK enum err file_write_uncounted(struct file *file, struct io *io, uint64_t *offset,
                                         uint64_t *done);
/* The preemption point of a read or write of the ops, with the `offset` that they got. Other threads
 * run, but none reads or writes by the same position meanwhile, and with `writes` none writes the
 * file: Linux serialises such calls too. All else may change: size, pages, seals. */
void file_give_way(struct file *file, const uint64_t *offset, bool writes);
/* The two halves of file_give_way(), around what sleeps. They nest. */
void file_turn_keep(struct file *file, const uint64_t *offset, bool writes);
void file_turn_end(struct file *file, const uint64_t *offset, bool writes);
/* The same for a change of the contents without a file; the caller has a reference. Before it begins,
 * inode_take_turn() waits until no other has given way. E_INTR. */
void inode_give_way(struct inode *inode);
void inode_turn_keep(struct inode *inode);
void inode_turn_end(struct inode *inode);
MUST_CHECK enum err inode_take_turn(struct inode *inode);
/* Reads `size` bytes at `offset` into kernel memory; *done is less only at the end of the file. */
MUST_CHECK enum err file_read_at(struct file *file, void *to, uint64_t size, uint64_t offset,
                                 uint64_t *done);
/* One call at a time uses the position to read, write, seek or list, as on Linux: waits until no other has given way in the middle,
 * or shares kernel_lock and uses it. *out: the caller shares kernel_lock and gives it back. E_INTR, E_NOMEM. */
MUST_CHECK enum err file_take_position(struct file *file, bool *out);
void file_give_position(struct file *file);
/* After file_take_position(). */
MUST_CHECK enum err file_seek(struct file *file, int64_t offset, uint32_t whence, uint64_t *out);
/* The same. Lists a directory from file->offset, which advances. E_NOTDIR; E_NOENT: removed directory. */
MUST_CHECK enum err file_list(struct file *file, directory_sink sink, void *context);
uint32_t file_poll(struct file *file);
/* The queues to join in order to see changes of file_poll() in `events`: at most two. Returns their
 * number. */
size_t file_queues(struct file *file, uint32_t events, struct wait_queue *queues[2]);
/* flock(2). op: FILE_LOCK_*. E_AGAIN: a conflicting lock, and !wait; E_INTR, E_NOMEM. O(threads that wait for
 * a lock of the same file). */
MUST_CHECK enum err file_lock(struct file *file, uint8_t op, bool wait);

/* The source for mmap(), without a reference: the area takes one through source->ops->get. NULL:
 * anonymous memory if file_maps_zeros(), else E_NODEV. */
struct page_source *file_page_source(struct file *file);
bool file_maps_zeros(const struct file *file);

/* Forbids to open the inode for writing while it is executed. E_TXTBSY: it is open for writing.
 * file_allow_write() undoes this. */
MUST_CHECK enum err file_deny_write(struct inode *inode);
void file_allow_write(struct inode *inode);

extern const struct file_ops file_ops_directory;
extern const struct file_ops file_ops_path; /* O_PATH */

/* Defined in higher folders: */
extern const struct file_ops fifo_file_ops;  /* open() of S_IFIFO: fs/pipe/pipe.c */
extern const struct file_ops block_file_ops; /* open() of S_IFBLK: fs/block/block_file.c */
/* Removes the items of all epolls for `file`, which is being closed (fs/pipe/epoll.c). O(those). */
void epoll_forget(struct file *file);
