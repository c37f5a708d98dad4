/* SPDX-License-Identifier: MIT */
/* Regular files of a ramfs: reading, writing, holes, truncation, and pages for mappings. */
#include "fs/ram/ramfs_file.h"

#include "base/panic.h"
#include "base/str.h"
#include "fs/vfs/dentry.h"
#include "fs/vfs/file.h"
#include "fs/vfs/process.h"
#include "fs/vfs/wait.h"
#include "kern/thread.h"
#include "mm/heap/heap.h"
#include "mm/phys/frames.h"
#include "mm/phys/shrinker.h"

#define PIECE (UINT64_C(64) << 10) /* bytes that a read or write moves before it gives way */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t page_number(uint64_t offset)
{
    return offset >> PAGE_SHIFT;
}

static uint64_t pages_of(uint64_t bytes)
{
    return page_number(bytes + PAGE_SIZE - 1);
}

/* The file's own page `number`; if there is none, makes one with the present contents. */
static MUST_CHECK enum err own_page(struct ram_file *ram, uint64_t number, void **out)
{
    void *page = page_tree_find(&ram->tree, number);
    if (page) {
        *out = page;
        return E_OK;
    }
    if (!ramfs_room_for(ram->inode.fs, 1))
        return E_NOSPC;
    page = kpage_alloc();
    if (!page)
        return E_NOSPC;
    uint64_t offset = number << PAGE_SHIFT;
    bool archived = offset < ram->archive_size;
    if (archived)
        memcpy(page, ram->archive + offset, least(ram->archive_size - offset, PAGE_SIZE));
    if (page_tree_insert(&ram->tree, number, page) != E_OK) {
        kpage_free(page);
        return E_NOSPC;
    }
    ramfs_count_pages(ram->inode.fs, 1);
    if (archived)
        inode_pages_changed(&ram->inode, number, number + 1);
    *out = page;
    return E_OK;
}

static void remove_pages(struct ram_file *ram, uint64_t first, uint64_t end)
{
    uint64_t before = ram->tree.count;
    page_tree_remove(&ram->tree, first, end);
    ramfs_count_pages(ram->inode.fs, (int64_t)(ram->tree.count - before));
}

#define CUT_PIECE                                                                                  \
    1024 /* pages that a truncation removes, or fallocate() looks at, before it gives way */

/* As remove_pages(), with preemption points. `unmap`: drops the mappings of the pages. */
static COLD void cut_pages(struct ram_file *ram, uint64_t first, uint64_t end, bool unmap)
{
    while (page_tree_next(&ram->tree, first, &first) && first < end) {
        uint64_t to = end - first > CUT_PIECE ? first + CUT_PIECE : end;
        remove_pages(ram, first, to);
        if (unmap)
            inode_pages_changed(&ram->inode, first, to);
        inode_give_way(&ram->inode);
        first = to;
    }
}

/*
 * The pages of a large file that is gone. A kernel thread frees them, because neither close(),
 * munmap() nor any other call that drops a file can give way in its middle. They count as spare,
 * and a shortage of memory frees them at once.
 */
#define DYING_LEAST 2048 /* pages; fewer are freed at once */
#define DYING_PIECE 1024

struct dying {
    struct page_tree tree;
    struct dying *next;
};
static struct dying *dying;
static uint64_t dying_pages;

static uint64_t dying_frames(void)
{
    return dying_pages;
}

/* Frees a piece; false if there is nothing. */
static bool free_dying(void)
{
    struct dying *d = dying;
    uint64_t number;
    if (!d)
        return false;
    uint64_t before = d->tree.count;
    if (page_tree_next(&d->tree, 0, &number))
        page_tree_remove(&d->tree, number, number + DYING_PIECE);
    dying_pages -= before - d->tree.count;
    if (d->tree.count == 0) {
        dying = d->next;
        heap_free(d);
    }
    return true;
}

static void free_all_dying(void *unused)
{
    (void)unused;
    while (free_dying())
        fs_give_way();
}

/* Takes all pages out of the file; they will be freed. False: no memory, or few pages. */
COLD static bool let_die(struct ram_file *ram)
{
    static struct shrinker shrinker = {.shrink = free_dying, .spare = dying_frames};
    static bool registered;
    struct thread *thread;
    struct dying *d = ram->tree.count >= DYING_LEAST ? heap_alloc(sizeof(*d)) : NULL;
    kernel_lock_assert();
    if (!d)
        return false;
    if (!registered)
        shrinker_register(&shrinker);
    registered = true;
    bool first = !dying;
    d->tree = ram->tree;
    d->next = dying;
    dying = d;
    dying_pages += d->tree.count;
    ramfs_count_pages(ram->inode.fs, -(int64_t)d->tree.count);
    ram->tree = (struct page_tree){0};
    if (first && thread_create("reaper", free_all_dying, NULL, &thread) != E_OK)
        while (free_dying())
            ;
    return true;
}

static void remove_all_pages(struct ram_file *ram)
{
    if (!let_die(ram))
        remove_pages(ram, 0, UINT64_MAX);
}

/* A run of at most `size` bytes at `offset`; *run is its length. NULL: a run of zeros. */
static const char *run_at(const struct ram_file *ram, uint64_t offset, uint64_t size, uint64_t *run)
{
    uint64_t inside = offset & PAGE_MASK;
    bool mixed = ram->tree.count > 0;
    uint64_t most = mixed ? least(size, PAGE_SIZE - inside) : size;
    const char *page = mixed ? page_tree_find(&ram->tree, page_number(offset)) : NULL;
    if (page) {
        *run = most;
        return page + inside;
    }
    if (offset < ram->archive_size) {
        *run = least(most, ram->archive_size - offset);
        return (const char *)ram->archive + offset;
    }
    *run = most;
    return NULL;
}

/* Reads at most `size` bytes at *at, all of them in the file. */
static enum err read_piece(struct inode *inode, struct io *io, uint64_t size, uint64_t *at)
{
    uint64_t last = io_left(io) - size;
    enum err e = E_OK;
    while (e == E_OK && io_left(io) > last) {
        uint64_t before = io_left(io), run;
        const char *bytes = run_at(ram_file_of(inode), *at, before - last, &run);
        e = bytes ? io_put(io, bytes, run) : io_put_zeros(io, run);
        *at += before - io_left(io);
    }
    return e;
}

static enum err ram_read(struct file *file, struct io *io, uint64_t *offset)
{
    struct inode *inode = file->inode;
    uint64_t at = *offset;
    if (!(file->flags & O_NOATIME))
        inode_touch_accessed(inode, file->mount, at == 0);
    enum err e = E_OK;
    while (at < inode->size) { /* the size may change with each piece */
        uint64_t left = least(io_left(io), inode->size - at);
        e = read_piece(inode, io, least(left, PIECE), &at);
        if (e != E_OK || left <= PIECE)
            break;
        file_give_way(file, offset, false);
    }
    *offset = at;
    return e;
}

/* *out: how many of `size` bytes at `offset` may be written, at least 1. Raises SIGXFSZ. */
static enum err write_allowed(const struct inode *inode, uint64_t offset, uint64_t size,
                              uint64_t *out)
{
    if (inode->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
        return E_PERM;
    uint64_t limit = fs_limit(FS_RLIMIT_FSIZE);
    if (offset >= limit) {
        fs_raise(FS_SIGXFSZ);
        return E_FBIG;
    }
    if (offset >= FILE_OFFSET_MAX)
        return E_FBIG;
    size = least(size, least(limit, FILE_OFFSET_MAX) - offset);
    if ((inode->seals & F_SEAL_GROW) && offset + size > inode->size)
        return E_PERM;
    *out = size;
    return E_OK;
}

/* Writes at most `size` bytes at *at. */
static enum err write_piece(struct inode *inode, struct io *io, uint64_t size, uint64_t *at)
{
    struct ram_file *ram = ram_file_of(inode);
    uint64_t start = *at, last = io_left(io) - size;
    enum err e = E_OK;
    while (e == E_OK && io_left(io) > last) {
        void *page;
        uint64_t pages = ram->tree.count;
        e = own_page(ram, page_number(*at), &page);
        if (e != E_OK)
            break;
        uint64_t inside = *at & PAGE_MASK, before = io_left(io);
        e = io_take(io, (char *)page + inside, least(before - last, PAGE_SIZE - inside));
        if (io_left(io) == before && ram->tree.count > pages)
            remove_pages(ram, page_number(*at),
                         page_number(*at) + 1); /* no byte for the new page */
        *at += before - io_left(io);
        if (*at > inode->size)
            inode->size = *at;
    }
    inode_pages_written(inode, page_number(start), pages_of(*at));
    return e;
}

static enum err ram_write(struct file *file, struct io *io, uint64_t *offset)
{
    struct inode *inode = file->inode;
    uint64_t at = *offset, todo;
    if (io_left(io) == 0)
        return E_OK;
    enum err e = write_allowed(inode, at, io_left(io), &todo);
    if (e != E_OK)
        return e;
    if (unlikely(inode->quick & INODE_PRIVILEGED))
        inode_drop_privileges(inode);
    inode_touch_modified(inode);
    uint64_t last = io_left(io) - todo;
    uint32_t seals = inode->seals;
    for (;;) {
        uint64_t left = io_left(io) - last;
        e = write_piece(inode, io, least(left, PIECE), &at);
        if (e != E_OK || left <= PIECE)
            break;
        file_give_way(file, offset, true);
        if (inode->seals != seals)
            break;
    }
    *offset = at;
    return e;
}

static bool has_data(const struct ram_file *ram, uint64_t number)
{
    return number < pages_of(ram->archive_size) || page_tree_find(&ram->tree, number);
}

static enum err ram_find(struct file *file, uint64_t from, bool data, uint64_t *out)
{
    const struct ram_file *ram = ram_file_of(file->inode);
    uint64_t number = page_number(from);
    if (has_data(ram, number) == data) {
        *out = from;
        return E_OK;
    }
    if (data) {
        if (!page_tree_next(&ram->tree, number, &number))
            return E_NXIO;
    } else {
        if (number < pages_of(ram->archive_size))
            number = pages_of(ram->archive_size);
        while (page_tree_find(&ram->tree, number))
            number++;
    }
    uint64_t at = number << PAGE_SHIFT;
    if (data && at >= file->inode->size)
        return E_NXIO;
    *out = least(at, file->inode->size);
    return E_OK;
}

const struct file_ops ram_file_ops = {.read = ram_read,
                                      .write = ram_write,
                                      .find = ram_find,
                                      .seekable = true,
                                      .shares = SHARES_READ};

/* Zeros an own page from `from` to the end of the page; does nothing if there is no own page. */
static void clear_tail(struct ram_file *ram, uint64_t from)
{
    char *page = page_tree_find(&ram->tree, page_number(from));
    uint64_t inside = from & PAGE_MASK;
    if (page && inside > 0) {
        memset(page + inside, 0, PAGE_SIZE - inside);
        inode_pages_written(&ram->inode, page_number(from), page_number(from) + 1);
    }
}

static COLD enum err ram_truncate(struct inode *inode, uint64_t size)
{
    struct ram_file *ram = ram_file_of(inode);
    if (size > FILE_OFFSET_MAX)
        return E_FBIG;
    if (size < inode->size && (inode->seals & F_SEAL_SHRINK))
        return E_PERM;
    if (size > inode->size) {
        if (inode->seals & F_SEAL_GROW)
            return E_PERM;
        if (size > fs_limit(FS_RLIMIT_FSIZE)) {
            fs_raise(FS_SIGXFSZ);
            return E_FBIG;
        }
    }
    enum err e = inode_take_turn(inode);
    if (e != E_OK)
        return e;
    bool shrinks = size < inode->size;
    inode->size = size;
    /* Even if the size is unchanged, fallocate() may have left pages after the end. */
    ram->archive_size = least(ram->archive_size, size);
    clear_tail(ram, size);
    if (size != 0 || !let_die(ram))
        cut_pages(ram, pages_of(size), UINT64_MAX, false); /* below, by what is mapped */
    if (shrinks) {
        inode_pages_changed(inode, page_number(size), pages_of(size));
        inode_pages_cut(inode, pages_of(size));
    }
    inode_touch_modified(inode);
    return E_OK;
}

/* Zeros [from, to), a range in one page. */
static enum err clear_inside(struct ram_file *ram, uint64_t from, uint64_t to)
{
    if (from >= to || !has_data(ram, page_number(from)))
        return E_OK;
    void *page;
    enum err e = own_page(ram, page_number(from), &page);
    if (e == E_OK) {
        memset((char *)page + (from & PAGE_MASK), 0, to - from);
        inode_pages_written(&ram->inode, page_number(from), page_number(from) + 1);
    }
    return e;
}

static enum err punch(struct ram_file *ram, uint64_t from, uint64_t to)
{
    uint64_t first = pages_of(from), end = page_number(to);
    if (first > end)
        return clear_inside(ram, from, to);
    enum err e = clear_inside(ram, from, first << PAGE_SHIFT);
    if (e == E_OK)
        e = clear_inside(ram, end << PAGE_SHIFT, to);
    /* Pages of the archive are zeroed, because a hole there would read as the archive. */
    uint64_t archived = least(end, pages_of(ram->archive_size));
    for (; e == E_OK && first < archived; first++) {
        e = clear_inside(ram, first << PAGE_SHIFT, (first + 1) << PAGE_SHIFT);
        inode_give_way(&ram->inode);
    }
    if (e == E_OK && first < end)
        cut_pages(ram, first, end, true);
    return e;
}

static enum err ramfs_file_reserve(struct ram_file *ram, uint64_t first, uint64_t end)
{
    uint64_t missing = 0;
    enum err e = E_OK;
    for (uint64_t i = first; i < end; i++) {
        missing += !has_data(ram, i);
        if (!ramfs_room_for(ram->inode.fs, missing))
            return E_NOSPC;
        if (i % CUT_PIECE == 0)
            inode_give_way(&ram->inode);
    }
    for (uint64_t i = first; i < end && e == E_OK; i++) {
        void *page;
        if (!has_data(ram, i))
            e = own_page(ram, i, &page);
        if (i % CUT_PIECE == 0)
            inode_give_way(&ram->inode);
    }
    return e;
}

static COLD enum err ram_allocate(struct inode *inode, uint32_t mode, uint64_t offset,
                                  uint64_t size)
{
    struct ram_file *ram = ram_file_of(inode);
    uint64_t end = offset + size; /* both at most FILE_OFFSET_MAX */
    enum err e = inode_take_turn(inode);
    if (e != E_OK)
        return e;
    if (mode == (FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE)) {
        if (inode->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
            return E_PERM;
        e = punch(ram, offset, end); /* also what was allocated past the end */
    } else if ((mode & ~FALLOC_KEEP_SIZE) == 0) {
        if ((inode->seals & F_SEAL_GROW) && end > inode->size)
            return E_PERM;
        if (end > FILE_OFFSET_MAX)
            return E_FBIG;
        if (end > fs_limit(FS_RLIMIT_FSIZE) && end > inode->size) {
            fs_raise(FS_SIGXFSZ);
            return E_FBIG;
        }
        e = ramfs_file_reserve(ram, page_number(offset), pages_of(end));
        if (e == E_OK && !(mode & FALLOC_KEEP_SIZE) && end > inode->size)
            inode->size = end;
    } else {
        return E_NOTSUP;
    }
    if (e == E_OK)
        inode_touch_modified(inode);
    return e;
}

static uint64_t ram_blocks(const struct inode *inode)
{
    const struct ram_file *ram = ram_file_of(inode);
    uint64_t archived = pages_of(ram->archive_size), shadowed = 0, number = 0;
    while (page_tree_next(&ram->tree, number, &number) && number < archived) {
        shadowed++;
        number++;
    }
    return (archived - shadowed + ram->tree.count) * (PAGE_SIZE / 512);
}

static void ram_destroy(struct inode *inode)
{
    remove_all_pages(ram_file_of(inode));
}

const struct inode_ops ram_file_inode_ops = {
    .truncate = ram_truncate,
    .allocate = ram_allocate,
    .blocks = ram_blocks,
    .destroy = ram_destroy,
};

static struct inode *inode_of(struct page_source *source)
{
    return CONTAINER_OF(source, struct inode, pages);
}

/* The frame of a page that can be mapped in place: complete and page-aligned in the archive. */
static bool archive_frame(const struct ram_file *ram, uint64_t number, phys_t *out)
{
    uint64_t offset = number << PAGE_SHIFT;
    if (!is_aligned(ram->archive_phys.v, PAGE_SIZE) || !ram->archive ||
        ram->archive_size < PAGE_SIZE || offset > ram->archive_size - PAGE_SIZE)
        return false;
    *out = phys(ram->archive_phys.v + offset);
    return true;
}

static enum err ram_page(struct page_source *source, uint64_t number, bool for_write, phys_t *out)
{
    struct inode *inode = inode_of(source);
    struct ram_file *ram = ram_file_of(inode);
    if (number >= pages_of(inode->size))
        return E_INVAL;
    if (for_write)
        inode_touch_modified(inode);
    void *page = page_tree_find(&ram->tree, number);
    if (!page) {
        if (!for_write && archive_frame(ram, number, out))
            return E_OK;
        /* A hole gets a page for reading too: the mapping must show later write()s. */
        enum err e = own_page(ram, number, &page);
        if (e != E_OK)
            return E_NOMEM;
    }
    *out = kpage_phys(page);
    frames_get(&machine_frames, *out);
    return E_OK;
}

static enum err ram_page_read(struct page_source *source, uint64_t offset, void *to, size_t size)
{
    struct inode *inode = inode_of(source);
    struct ram_file *ram = ram_file_of(inode);
    char *at = to;
    if (page_number(offset) >= pages_of(inode->size))
        return E_INVAL;
    uint64_t inside = offset < inode->size ? least(size, inode->size - offset) : 0;
    memset(at + inside, 0, size - inside);
    while (inside > 0) {
        uint64_t run;
        const char *bytes = run_at(ram, offset, inside, &run);
        if (bytes)
            memcpy(at, bytes, run);
        else
            memset(at, 0, run);
        at += run;
        offset += run;
        inside -= run;
    }
    return E_OK;
}

static bool ram_page_present(struct page_source *source, uint64_t number)
{
    return has_data(ram_file_of(inode_of(source)), number);
}

static enum err ram_page_punch(struct page_source *source, uint64_t offset, uint64_t size)
{
    struct inode *inode = inode_of(source);
    return ram_allocate(inode, FALLOC_PUNCH_HOLE | FALLOC_KEEP_SIZE, offset, size);
}

const struct page_source_ops ram_file_page_ops = {
    .page = ram_page,
    .read = ram_page_read,
    .present = ram_page_present,
    .punch = ram_page_punch,
    .get = inode_source_get,
    .put = inode_source_put,
    .name = inode_source_name,
    .inode = inode_source_number,
};
