/* SPDX-License-Identifier: MIT */
/*
 * The page cache: read(), write(), mmap(), truncate() and fsync() of regular files whose bytes are
 * on a device or on the host (as in Linux). A file system gives the operations below, which
 * move pages; all else is here, once for all of them. ramfs does not use it: its pages are the file.
 *
 *   struct ext4_file { struct cached_file cached; ... }          the file system's inode
 *                           |
 *                           +-- struct inode        of VFS; size, times, links
 *                           +-- struct page_cache   by page number:  [0] [1] ... [n]
 *                                                                     |
 *                                            struct cached_page: state, bytes (a page of kernel memory)
 *
 * A page of the cache is a page of kpage_alloc(): its frame is mapped into programs too, so read(),
 * write() and all mappings see the same bytes. Each page is whole: all its 4096 bytes are the file's,
 * zeros in holes and behind the end. A page that could not be read is not in the cache.
 *
 * States of a page. Edges in capitals are operations of the file system, which sleep:
 *
 *              miss                            write(), store
 *   (absent) -------> BUSY --READ_PAGES--> clean ----------------> DIRTY <--------------------+
 *      ^               |                    | ^   PREPARE_WRITE      |                         |
 *      |  error: gone  |   memory is short  | |                      | age, amount, fsync()    | store or write()
 *      +---------------+-----  or no need --+ |                      v                         | meanwhile
 *                                             +---WRITE_PAGES---- WRITEBACK -------------------+
 *                                                  (error: clean, and the file has an error)
 *
 *   BUSY        is in the tree, and threads that want it sleep. Whoever made it reads it.
 *   DIRTY       differs from the device. In the file's set of dirty pages.
 *   WRITEBACK   is being written. It may become DIRTY at the same time, and is then written again.
 *               Its leaves were made read-only and flushed before, so a store faults, and dirties it.
 *               write() does not wait for it, and may change bytes under way, as on Linux without
 *               "stable pages": the device gets the page again.
 *
 * Invariants:
 *   1. A leaf that allows stores maps only pages that are DIRTY, of a file for which prepare_write()
 *      was called, since it was clean, for all that the file has of it (a write() prepares the blocks of its bytes alone).
 *      When the file grows within its last page, and when blocks of a page are punched, the leaf
 *      becomes read-only. So ENOSPC is told by write() (ENOSPC) or by the
 *      store's fault (SIGBUS), never by write-back.
 *   2. No page lies wholly behind the end of the file once truncate() has returned. The bytes of the
 *      last page behind the end are zeros on the device: they are cleared before it is written.
 *   3. A page under read_pages() or write_pages() stays where it is. truncate(), punching and the end
 *      of a file wait for it, so the file system may free the blocks behind it when it is called.
 *
 * Locking. kernel_lock, and three things that last over a sleep:
 *   the turn        one write(), truncate(), fallocate() at a time in a file (inode->busy; Linux:
 *                   i_rwsem). Held over prepare_write(), set_size(), allocate(), and over read_pages()
 *                   where one of those needs a page. Reads, faults and write-back do not take it.
 *                   A store's fault calls prepare_write() without it.
 *   BUSY            one page, one reader.
 *   WRITEBACK       one page, one writer.
 * The order: turn, BUSY, WRITEBACK, the file system's own locks. So a file system may call
 * page_cache_write_back() and page_cache_sync_all() with a lock of its own held only if its
 * write_pages() and read_pages() never wait for that lock (ordered data of a journal: write the data
 * before the lock of the transaction is taken, or map blocks without it in write_pages()).
 *
 * Who may call: threads, with nothing of the cache held. Functions that may sleep say so. None of
 * them ends early for a signal: a device answers, or its time-out does.
 *
 * Memory. A page costs 4096 + sizeof(struct cached_page) bytes and its share of the tree. Clean pages
 * that no program maps are given back when memory is short (mm/phys/shrinker.h), the oldest first. At
 * most a fifth of memory is dirty before write() waits for the device, and from a tenth on the
 * write-back thread writes without regard for age (vm.dirty_ratio, vm.dirty_background_ratio).
 */
#pragma once

#include "fs/vfs/inode.h"
#include "fs/vfs/page_tree.h"
#include "kern/wait.h"

#define PAGE_CACHE_RUN 128 /* pages of one read_pages() or write_pages() at most: 512 KiB */

/*
 * What a file system gives. All operations may sleep, allocate memory and fail. They are called
 * without locks of the cache other than those of "the order" above, never two for the same page at
 * once, but for different pages of a file at the same time. inode->size may grow meanwhile; it does
 * not shrink below a page that is under way.
 */
struct page_cache_ops {
    /* Pages of one call at most, 1 to PAGE_CACHE_RUN; 0: PAGE_CACHE_RUN. */
    unsigned most;
    /* set_size() clears the rest of the last block itself, and bytes behind the end of the file never
     * come back (a file of the host). False: the cache writes zeros there. */
    bool clears_tail;

    /* Fills pages [index, index + count), each of 4096 bytes, in pages[]; count >= 1. Holes, blocks
     * that were allocated and never written, and what lies behind the end of the file become zeros:
     * the pages have any contents before. An error: none of the pages is used, and the cache asks for
     * the first one alone again if the call was for more than that. E_IO, E_NOMEM. */
    enum err (*read_pages)(struct inode *inode, uint64_t index, unsigned count,
                           void *const pages[]);
    /* Writes pages [index, index + count), of which the first `bytes` bytes are the file's: less than
     * count * 4096 only at the end of the file, where the rest is zeros, and may be written too. On
     * return the device has taken them, but they need not be durable: that is sync(). The blocks were
     * prepared, for at least the bytes that have been changed; blocks of the pages that were not are
     * zeros, and may be skipped. Called by the write-back thread, fsync() and the like, without the
     * turn. E_IO, E_NOSPC (blocks of a file that lied), ...: the pages become clean, what they had is
     * lost, and the error is told once to each open file. E_AGAIN: nothing was written, the pages stay
     * dirty and are written later. NULL: read only. */
    enum err (*write_pages)(struct inode *inode, uint64_t index, unsigned count,
                            void *const pages[], uint64_t bytes);
    /* Bytes [offset, offset + size) will become dirty: allocates or reserves what write_pages() needs
     * for them. `size` >= 1; write() asks for at most PAGE_CACHE_RUN pages at once, a store for one
     * page or the file's part of it. inode->size is the old one. Less than all of it may follow: the
     * program's memory may end. Called again for bytes that were prepared before: cheap then.
     * E_NOSPC, E_DQUOT, E_IO, E_ROFS. NULL: nothing to do. */
    enum err (*prepare_write)(struct inode *inode, uint64_t offset, uint64_t size);
    /* inode->size or the times have changed, by write() or by stores: makes the inode dirty in the
     * file system. Once for each write() that moved bytes, at its end, after inode->size has grown; for
     * stores when the first of them makes a page dirty. NULL: nothing to do. Never fails: an error is
     * the file system's, for sync(). */
    void (*changed)(struct inode *inode);
    /* truncate(): the file gets `size` bytes; inode->size is still the old one. Larger: a hole. Smaller:
     * blocks behind the end are freed, and no page behind it is in the cache or under way. Not called
     * for the same size. An error leaves the file's size as it was (bytes that were cut may be zeros
     * then). NULL: E_PERM. */
    enum err (*set_size)(struct inode *inode, uint64_t size);
    /* fallocate(). Punching: pages that lie wholly in [offset, offset + size) have left the cache, and
     * the parts of pages at both ends are zeros in the cache and dirty; if the range ends at inode->size, the
     * last page has left it, too, and the block with that end goes as a whole. Else blocks are allocated that read
     * as zeros; without FALLOC_KEEP_SIZE the cache sets inode->size afterwards and calls changed().
     * Modes that the file system does not know: E_NOTSUP. NULL: E_NOTSUP. */
    enum err (*allocate)(struct inode *inode, uint32_t mode, uint64_t offset, uint64_t size);
    /* SEEK_DATA and SEEK_HOLE: the first byte >= from that has a block (data) or has none. The file's
     * dirty pages have blocks: they were prepared. E_NXIO: no data up to the end. NULL: all is data. */
    enum err (*find)(struct inode *inode, uint64_t from, bool data, uint64_t *out);
    /* fsync(), after the file's dirty pages have been written: makes them and the inode durable (the
     * journal, FLUSH). `data_only`: only what is needed to read the bytes again (fdatasync()). NULL:
     * nothing to do. */
    enum err (*sync)(struct inode *inode, bool data_only);
    /* open(): the file may have been changed by others (9p). Sets inode->size and the times to the
     * present ones; true: the cached pages are stale, and those that are not dirty are dropped. NULL:
     * never. */
    bool (*revalidate)(struct inode *inode);
};

/* Embedded in struct cached_file; initialised by page_cache_begin(). Fields are the cache's. */
struct page_cache {
    const struct page_cache_ops *ops;
    struct page_tree pages;    /* struct cached_page by number */
    uint64_t dirty;            /* pages that are DIRTY */
    uint64_t writing;          /* pages that are in WRITEBACK */
    struct list dirty_pages;   /* struct cached_page.dirty_link, the oldest first */
    struct list dirty_files;   /* in the list of all files with dirty pages, the oldest first */
    struct wait_queue waiters; /* for BUSY and WRITEBACK to end */
    /* Errors of write-back (Linux: errseq_t): the last one, and how many there were. */
    uint32_t errors;
    enum err error;
    uint64_t ahead;  /* of faults: the page after the last that was read */
    uint32_t window; /* and how many were read at once */
    bool store_told; /* changed() was called for stores since the last write-back */
    /* Pages [cut_first, cut_end) are being removed from the file: none comes in or becomes dirty. */
    uint64_t cut_first, cut_end;
    uint64_t dirty_order; /* in the list of files: that of the page that was dirty first */
    bool inserts;         /* the tree is being changed */
    uint32_t users;       /* threads that write its pages without a reference to the inode */
    uint32_t cuts; /* how often pages were removed: blocks that were prepared before may be gone */
};

/* The beginning of a file system's inode: inode_alloc(fs, sizeof(struct my_file), ...) makes it, and
 * page_cache_begin() the second half. */
struct cached_file {
    struct inode inode;
    struct page_cache cache;
};

static inline struct page_cache *page_cache_of(struct inode *inode)
{
    return &CONTAINER_OF(inode, struct cached_file, inode)->cache;
}

/* Makes an inode of inode_alloc() a cached file: sets file_ops and pages.ops. `ops` stay valid. The
 * file system's struct inode_ops, which it sets itself, has page_cache_truncate() as truncate and
 * page_cache_allocate() as allocate. O(1). */
void page_cache_begin(struct cached_file *file, const struct page_cache_ops *ops);
/* The last reference to the inode is gone: no page is in the cache afterwards, and the write-back thread has
 * left it. With `keep` dirty pages are written first, and the error is returned, which none can be told;
 * without it (the file has no name) they are dropped. For evict(), and without `keep` for inode_ops.destroy(),
 * which has nothing to wait for after that or if page_cache_is_clean(). Else it sleeps. O(pages). */
enum err page_cache_end(struct inode *inode, bool keep);
/* True if page_cache_end() would not sleep: nothing is dirty or under way (droppable()). O(1). */
bool page_cache_is_clean(const struct inode *inode);

/* For struct inode_ops. May sleep; they take the turn. The caller checks rights. O(pages cut). */
MUST_CHECK enum err page_cache_truncate(struct inode *inode, uint64_t size);
MUST_CHECK enum err page_cache_allocate(struct inode *inode, uint32_t mode, uint64_t offset,
                                        uint64_t size);

/* Writes dirty pages in [first, end) (page numbers) and, with `wait`, waits until those and all that
 * were under way in the range are written. The first error of this call; it is also kept for fsync().
 * Does not call sync(). May sleep. O(dirty pages of the file). */
MUST_CHECK enum err page_cache_write_back(struct inode *inode, uint64_t first, uint64_t end,
                                          bool wait);
/* page_cache_write_back() for all files of the file system (NULL: of all), for sync(2), syncfs(2) and
 * unmount. O(files with dirty pages + dirty pages). */
MUST_CHECK enum err page_cache_sync_all(struct filesystem *fs, bool wait);
/* Drops the clean pages of [first, end), also mapped ones; dirty pages and those under way stay. Does
 * not sleep. O(pages in the range). */
void page_cache_drop(struct inode *inode, uint64_t first, uint64_t end);

/* Reads or writes kernel memory through the cache, for the file system's own use (the text of long
 * symbolic links, directories of foreign formats). As file_read_at(). May sleep. */
MUST_CHECK enum err page_cache_read(struct inode *inode, void *to, uint64_t size, uint64_t offset,
                                    uint64_t *done);

/* For /proc/meminfo, in pages. O(1). */
struct page_cache_counts {
    uint64_t cached, dirty, writing;
};
extern struct page_cache_counts page_cache_counts;

/* What page_cache_begin() sets. A file whose inode is another's (a node in /dev) forwards to the inode
 * that has the cache. */
extern const struct file_ops page_cache_file_ops;
extern const struct page_source_ops page_cache_source_ops;
