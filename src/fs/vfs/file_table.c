/* SPDX-License-Identifier: MIT */
#include "fs/vfs/file_table.h"

#include "base/str.h"
#include "cpu/lock.h"
#include "fs/vfs/process.h"
#include "fs/vfs/range_lock.h"
#include "fs/vfs/wait.h"
#include "mm/heap/heap.h"

#define CAPACITY_FIRST SLOT_GROUP          /* as on Linux: NR_OPEN_DEFAULT */
#define CAPACITY_MAX   (UINT32_C(1) << 20) /* Linux's fs.nr_open */

/* Drops the reference of a closed descriptor. POSIX: closing any descriptor of a file releases all
 * record locks of the process on that file. */
static void file_table_put(const struct file_table *table, struct file *file)
{
    if (file && file->inode->locks && !(file->flags & O_PATH)) {
        kernel_lock_alone();
        range_locks_end(file->inode, table);
    }
    file_put(file);
}

static uint32_t limit_now(void)
{
    uint64_t limit = fs_limit(FS_RLIMIT_NOFILE);
    return limit < CAPACITY_MAX ? (uint32_t)limit : CAPACITY_MAX;
}

/* The lowest free number >= fd, which may be behind all slots. */
static uint32_t first_free(const struct file_table *table, uint32_t fd)
{
    while (fd < table->capacity && table->slots[fd].file) {
        const struct file_table_slot *slot = &table->slots[fd];
        if (fd % SLOT_GROUP != 0 || slot->used != SLOT_GROUP)
            fd++;
        else
            fd += slot->full == SLOT_GROUPS / SLOT_GROUP ? SLOT_GROUPS : SLOT_GROUP;
    }
    return fd;
}

static ALWAYS_INLINE void set_slot(struct file_table *table, uint32_t fd, struct file *file,
                                   bool close_on_exec)
{
    table->slots[fd].close_on_exec = close_on_exec;
    __atomic_store_n(&table->slots[fd].file, file, __ATOMIC_RELEASE);
}

/* One more slot of the group of `fd` is in use, or one less. */
static ALWAYS_INLINE void count_slot(struct file_table *table, uint32_t fd, bool more)
{
    struct file_table_slot *group = &table->slots[fd & ~(SLOT_GROUP - 1u)];
    bool full = group->used == SLOT_GROUP - more; /* with it */
    group->used = (uint8_t)(more ? group->used + 1 : group->used - 1);
    table->used += more ? 1 : UINT32_MAX;
    if (unlikely(full)) {
        group = &table->slots[fd & ~(SLOT_GROUPS - 1u)];
        group->full = (uint16_t)(more ? group->full + 1 : group->full - 1);
    }
}

static MUST_CHECK enum err file_table_reserve(struct file_table *table, uint32_t fd)
{
    if (fd < table->capacity)
        return E_OK;
    uint32_t capacity = table->capacity ? table->capacity : CAPACITY_FIRST;
    while (capacity <= fd)
        capacity *= 2;
    struct file_table_slot *slots = heap_resize(table->slots, capacity * sizeof(*slots));
    if (!slots)
        return E_NOMEM;
    memset(slots + table->capacity, 0, (capacity - table->capacity) * sizeof(*slots));
    table->slots = slots;
    table->capacity = capacity;
    return E_OK;
}

static enum err add_locked(struct file_table *table, struct file *file, uint32_t from,
                           bool close_on_exec, int *out) REQUIRES(class_files)
{
    uint32_t fd = first_free(table, from > table->lowest ? from : table->lowest);
    if (fd >= limit_now())
        return E_MFILE;
    if (kernel_lock_is_shared() && fd >= table->capacity)
        return E_AGAIN;
    enum err e = file_table_reserve(table, fd);
    if (e != E_OK)
        return e;
    set_slot(table, fd, file, close_on_exec);
    count_slot(table, fd, true);
    if (from <= table->lowest)
        table->lowest = fd + 1;
    *out = (int)fd;
    return E_OK;
}

enum err file_table_add(struct file_table *table, struct file *file, uint32_t from,
                        bool close_on_exec, int *out)
{
    SHORT_LOCK(&table->lock, class_files);
    enum err e = add_locked(table, file, from, close_on_exec, out);
    SHORT_UNLOCK(&table->lock, class_files);
    if (!SEVERAL_CPUS || likely(e != E_AGAIN))
        return e;
    kernel_lock_alone();
    return file_table_add(table, file, from, close_on_exec, out);
}

COLD enum err file_table_next(const struct file_table *table, uint32_t fds[2])
{
    fds[0] = first_free(table, table->lowest);
    fds[1] = first_free(table, fds[0] + 1);
    return fds[1] < limit_now() ? E_OK : E_MFILE;
}

bool file_table_has_room(const struct file_table *table)
{
    return first_free(table, table->lowest) < limit_now();
}

COLD enum err file_table_set(struct file_table *table, uint32_t fd, struct file *file,
                             bool close_on_exec)
{
    if (fd >= limit_now())
        return E_BADF;
    enum err e = file_table_reserve(table, fd);
    if (e != E_OK)
        return e;
    struct file *old = table->slots[fd].file;
    file_get(file);
    set_slot(table, fd, file, close_on_exec);
    if (!old)
        count_slot(table, fd, true);
    file_table_put(table, old);
    return E_OK;
}

enum err file_table_close(struct file_table *table, uint32_t fd)
{
    SHORT_LOCK(&table->lock, class_files);
    struct file *file = file_table_find(table, fd);
    if (file) {
        set_slot(table, fd, NULL, false);
        count_slot(table, fd, false);
        if (fd < table->lowest)
            table->lowest = fd;
    }
    SHORT_UNLOCK(&table->lock, class_files);
    if (!file)
        return E_BADF;
    file_table_put(table, file);
    return E_OK;
}

static void close_each(struct file_table *table, bool all)
{
    for (uint32_t fd = 0; fd < table->capacity; fd++) {
        if (table->slots[fd].file && (all || table->slots[fd].close_on_exec)) {
            (void)!file_table_close(table, fd);
            (void)fs_give_way();
        }
    }
}

void file_table_exec(struct file_table *table)
{
    close_each(table, false);
}

void file_table_clear(struct file_table *table)
{
    close_each(table, true);
    heap_free(table->slots);
    *table = (struct file_table){.references = table->references};
}

/* The capacity that the open descriptors need: a table does not shrink when they are closed. */
static uint32_t file_table_need(const struct file_table *table)
{
    uint32_t end = 0, need = table->capacity;
    for (uint32_t open = 0; open < table->used; end++)
        open += table->slots[end].file != NULL;
    while (need > CAPACITY_FIRST && need / 2 >= end)
        need /= 2;
    return need;
}

COLD enum err file_table_copy(const struct file_table *from, struct file_table **out)
{
    struct file_table *to = heap_alloc(sizeof(*to));
    if (!to)
        return E_NOMEM;
    *to = (struct file_table){.references = 1, .capacity = file_table_need(from)};
    if (to->capacity > 0) {
        to->slots = heap_alloc_zero(to->capacity * sizeof(*to->slots));
        if (!to->slots) {
            heap_free(to);
            return E_NOMEM;
        }
    }
    for (uint32_t fd = 0; fd < to->capacity && fd < from->capacity; fd++) {
        const struct file_table_slot *slot = &from->slots[fd];
        if (slot->file) {
            file_get(slot->file);
            set_slot(to, fd, slot->file, slot->close_on_exec);
            count_slot(to, fd, true);
        }
        if (unlikely(fd % SLOT_GROUPS == SLOT_GROUPS - 1))
            (void)fs_give_way();
    }
    to->lowest = first_free(to, 0);
    *out = to;
    return E_OK;
}
