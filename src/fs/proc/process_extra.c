/* SPDX-License-Identifier: MIT */
/* The files of /proc/PID that few programs read, its directories fdinfo, net and map_files, and mem (proc(5)). */
#include "base/fmt.h"
#include "base/str.h"
#include "fs/proc/process_text.h"
#include "fs/proc/procfs.h"
#include "fs/vfs/context.h"
#include "fs/vfs/credentials.h"
#include "fs/vfs/file.h"
#include "fs/vfs/file_table.h"
#include "fs/vfs/mount.h"
#include "fs/vfs/range_lock.h"
#include "kern/space.h"
#include "mm/init/memory.h"
#include "mm/layout.h"
#include "mm/space.h"
#include "mm/vm/areas.h"
#include "mm/vm/usercopy.h"

#define OOM_SCORE_MAX 1000
#define NO_ID         UINT32_MAX

static const struct procfs_node *extra_node(const struct inode *inode)
{
    return (const struct procfs_node *)inode;
}

static void describe_inode(const struct inode *inode, struct fs_process *out)
{
    procfs_describe(procfs_subject_of(extra_node(inode)->pid, 0), out);
}

/* Linux's formula: oom_badness, then proc_oom_score. */
void procfs_show_oom_score(struct text *text, void *context)
{
    struct fs_process p;
    struct procfs_sizes s;
    procfs_describe(context, &p);
    procfs_measure(&p, &s);
    int64_t total = (int64_t)(memory_total() / PAGE_SIZE), adjust = p.oom_score_adj;
    int64_t points = (int64_t)s.resident + adjust * (total / OOM_SCORE_MAX);
    int64_t score = (OOM_SCORE_MAX + points * OOM_SCORE_MAX / total) * 2 / 3;
    text_printf(text, "%ld\n", adjust == -OOM_SCORE_MAX || score < 0 ? 0 : score);
}

void procfs_show_oom_score_adj(struct text *text, void *context)
{
    struct fs_process p;
    procfs_describe(context, &p);
    text_printf(text, "%d\n", p.oom_score_adj);
}

/* A score between white space, as kstrtoint takes it. E_INVAL, E_RANGE. */
static enum err extra_parse(const char *at, size_t size, int *out)
{
    const char *end = at + size;
    while (at < end && (*at == ' ' || (*at >= '\t' && *at <= '\r')))
        at++;
    while (end > at && (end[-1] == ' ' || (end[-1] >= '\t' && end[-1] <= '\r')))
        end--;
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    int64_t value = 0;
    if (at == end)
        return E_INVAL;
    for (; at < end; at++) {
        if (*at < '0' || *at > '9')
            return E_INVAL;
        value = value <= INT32_MAX ? value * 10 + (*at - '0') : value;
    }
    if (value > INT32_MAX + (int64_t)negative)
        return E_RANGE;
    *out = (int)(negative ? -value : value);
    return *out < -OOM_SCORE_MAX || *out > OOM_SCORE_MAX ? E_INVAL : E_OK;
}

enum err procfs_store_oom_score_adj(const char *bytes, size_t size, void *context)
{
    struct fs_process p;
    int value;
    procfs_describe(context, &p);
    enum err e = extra_parse(bytes, size, &value);
    if (e != E_OK)
        return e;
    if (value < p.oom_score_adj && !capable(CAP_SYS_RESOURCE))
        return E_ACCES;
    fs_set_oom_score_adj(p.pid, value);
    return E_OK;
}

/* The time in the run queue is not counted. */
void procfs_show_schedstat(struct text *text, void *context)
{
    struct fs_process p;
    procfs_describe(context, &p);
    text_printf(text, "%lu 0 %lu\n", p.user_ns + p.system_ns, p.switches[0] + p.switches[1] + 1);
}

void procfs_show_io(struct text *text, void *context)
{
    struct fs_process p;
    procfs_describe(context, &p);
    const struct io_counts *m = &p.moved;
    text_printf(text, "rchar: %lu\nwchar: %lu\nsyscr: %lu\nsyscw: %lu\n", m->bytes[0], m->bytes[1],
                m->calls[0], m->calls[1]);
    text_printf(text, "read_bytes: %lu\nwrite_bytes: %lu\ncancelled_write_bytes: 0\n", m->stored[0],
                m->stored[1]);
}

void procfs_show_syscall(struct text *text, void *context)
{
    uint64_t numbers = (uint64_t)(uintptr_t)context;
    struct fs_call c;
    if (!fs_call_of((uint32_t)numbers, (uint32_t)(numbers >> 32), &c)) {
        text_printf(text, "running\n");
        return;
    }
    text_printf(text, "%d", c.number);
    for (unsigned i = 0; c.number >= 0 && i < ARRAY_LENGTH(c.arg); i++)
        text_printf(text, " 0x%lx", c.arg[i]);
    text_printf(text, " 0x%lx 0x%lx\n", c.rsp, c.rip);
}

void procfs_show_personality(struct text *text, void *context)
{
    struct fs_process p;
    procfs_describe(context, &p);
    text_printf(text, "%08x\n", p.personality);
}

void procfs_show_timer_slack(struct text *text, void *context)
{
    struct fs_process p;
    procfs_describe(context, &p);
    text_printf(text, "%lu\n", p.timer_slack);
}

void procfs_show_children(struct text *text, void *context)
{
    struct fs_process p, child;
    procfs_describe(context, &p);
    for (uint32_t pid = fs_next_process(0); pid != 0 && p.tid == p.pid; pid = fs_next_process(pid))
        if (fs_describe(pid, 0, &child) && child.ppid == p.pid)
            text_printf(text, "%u ", pid);
}

/* Files that say the same of every process. */

void procfs_show_zero(struct text *text, void *context)
{
    (void)context;
    text_printf(text, "0");
}

void procfs_show_no_id(struct text *text, void *context)
{
    (void)context;
    text_printf(text, "%u", NO_ID);
}

void procfs_show_id_map(struct text *text, void *context)
{
    (void)context;
    text_printf(text, "%10u %10u %10u\n", 0u, 0u, UINT32_MAX);
}

void procfs_show_setgroups(struct text *text, void *context)
{
    (void)context;
    text_printf(text, "allow\n");
}

void procfs_show_cpuset(struct text *text, void *context)
{
    (void)context;
    text_printf(text, "/\n");
}

/* net: one namespace, so the same files for every process. */

static enum err net_lookup(struct dentry *directory, const char *name, size_t length,
                           struct dentry **out)
{
    for (size_t i = 0; i < procfs_net_row_count; i++) {
        const char *known = procfs_net_rows[i].path;
        if (strlen(known) == length && memcmp(known, name, length) == 0)
            return procfs_make_file(directory, &procfs_net_rows[i], out);
    }
    return E_NOENT;
}

static bool net_list(struct inode *directory, uint64_t *cookie, char *name, size_t *length,
                     uint64_t *ino, uint8_t *type)
{
    if (*cookie >= procfs_net_row_count)
        return false;
    *length = fmt_snprintf(name, NAME_MAX_LENGTH, "%s", procfs_net_rows[*cookie].path);
    *ino = (directory->ino << 32) + 1 + *cookie;
    *type = S_IFREG >> 12;
    return true;
}

const struct inode_ops procfs_net_ops = {.lookup = net_lookup, .list = net_list};

/* map_files: a link for each area of a file, named by its range. */

static enum err map_jump(struct inode *inode, struct location *out)
{
    struct fs_process p;
    const struct procfs_node *node = extra_node(inode);
    describe_inode(inode, &p);
    const struct area *area = procfs_next_area(&p, virt(node->number << PAGE_SHIFT));
    if (area == NULL || area->source == NULL)
        return E_NOENT;
    *out = procfs_area_location(area);
    if (out->dentry == NULL)
        return E_NOENT;
    location_get(out);
    return E_OK;
}

static const struct inode_ops map_link_ops = {.jump = map_jump};

static size_t map_name(char *to, const struct area *area)
{
    return fmt_snprintf(to, NAME_MAX_LENGTH, "%lx-%lx", area->range.start.v, area->range.end.v);
}

/* The next area that has a file, from the page on. */
static const struct area *map_next(const struct fs_process *p, uint64_t page)
{
    const struct area *area = procfs_next_area(p, virt(page << PAGE_SHIFT));
    while (area != NULL && procfs_area_location(area).dentry == NULL)
        area = procfs_next_area(p, area->range.end);
    return area;
}

static enum err map_lookup(struct dentry *directory, const char *name, size_t length,
                           struct dentry **out)
{
    struct fs_process p;
    char known[NAME_MAX_LENGTH];
    uint64_t start = 0;
    for (size_t i = 0; i < length && i < 16 && name[i] != '-'; i++) {
        char c = name[i];
        start = start << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    describe_inode(directory->inode, &p);
    if (start >= LAYOUT_PROGRAM_END)
        return E_NOENT;
    const struct area *area = map_next(&p, start >> PAGE_SHIFT);
    if (area == NULL || map_name(known, area) != length || memcmp(known, name, length) != 0)
        return E_NOENT;
    uint32_t may =
        (prot_can_read(area->prot) ? 0400u : 0) | (prot_can_write(area->prot) ? 0200u : 0);
    struct procfs_made what = {.name = known,
                               .mode = S_IFLNK | may,
                               .ops = &map_link_ops,
                               .pid = extra_node(directory->inode)->pid,
                               .number = area->range.start.v >> PAGE_SHIFT};
    return procfs_make(directory, &what, out);
}

/* The cookie is the page of the area's start. */
static bool map_list(struct inode *directory, uint64_t *cookie, char *name, size_t *length,
                     uint64_t *ino, uint8_t *type)
{
    struct fs_process p;
    describe_inode(directory, &p);
    if (*cookie >= LAYOUT_PROGRAM_END >> PAGE_SHIFT)
        return false;
    const struct area *area = map_next(&p, *cookie);
    if (area == NULL)
        return false;
    *length = map_name(name, area);
    *cookie = (area->range.end.v >> PAGE_SHIFT) - 1;
    *ino = (directory->ino << 32) + (uint32_t)*cookie;
    *type = S_IFLNK >> 12;
    return true;
}

const struct inode_ops procfs_map_files_ops = {.lookup = map_lookup, .list = map_list};

/* fdinfo: its links are those of fd, with a text each. */

/* As in mountinfo; those that are not mounted share the next number. */
static unsigned mount_number(const struct mount *mount)
{
    unsigned most = 0;
    if (mount != NULL)
        return mount->id;
    for (const struct mount *at = vfs_mount_after(fs_current()->mounts, 0); at != NULL;
         at = vfs_mount_next(at))
        most = at->id;
    return most + 1;
}

void procfs_show_descriptor(struct text *text, void *context)
{
    uint64_t numbers = (uint64_t)(uintptr_t)context;
    uint32_t fd = (uint32_t)(numbers >> 32);
    struct fs_process p;
    procfs_describe(procfs_subject_of((uint32_t)numbers, 0), &p);
    struct file *file = p.context != NULL ? file_table_find(p.context->files, fd) : NULL;
    if (file == NULL)
        return;
    uint32_t flags = file->flags | (p.context->files->slots[fd].close_on_exec ? O_CLOEXEC : 0);
    text_printf(text, "pos:\t%ld\nflags:\t0%o\nmnt_id:\t%u\nino:\t%lu\n",
                file->ops->seekable ? (int64_t)file->offset : 0, flags, mount_number(file->mount),
                file->inode->ino);
    struct range_lock_lines lines = {text, "lock:\t", 0};
    range_locks_show(&lines, file, p.context->files, (int32_t)p.pid);
    file_get(file);
    if (file->ops->describe != NULL)
        file->ops->describe(file, text);
    file_put(file);
}

/* mem: pages that the process itself may not write are not written. */

#define MEM_CHUNK 512

/* The bytes from v on that are in one area of the process, at most `size`. */
static uint64_t mem_room(const struct fs_process *p, uint64_t v, uint64_t size)
{
    const struct area *area = v < LAYOUT_PROGRAM_END ? procfs_next_area(p, virt(v)) : NULL;
    if (area == NULL || area->range.start.v > v)
        return 0;
    return area->range.end.v - v < size ? area->range.end.v - v : size;
}

static enum err mem_move(struct file *file, struct io *io, uint64_t *offset, bool write)
{
    uint8_t bytes[MEM_CHUNK];
    struct fs_process p;
    uint64_t moved = 0;
    enum err e = E_OK;
    while (e == E_OK && io_left(io) > 0) {
        describe_inode(file->inode, &p);
        if (p.context == NULL)
            return E_OK;
        uint64_t size = mem_room(&p, *offset, io_left(io) < MEM_CHUNK ? io_left(io) : MEM_CHUNK);
        if (size == 0)
            return moved != 0 ? E_OK : E_IO;
        struct io start = *io;
        e = write ? io_take(io, bytes, size) : E_OK;
        enum err there = e != E_OK ? E_OK : space_reach(p.space, virt(*offset), bytes, size, write);
        if (e == E_OK && there == E_OK && !write)
            e = io_put_waiting(io, bytes, size);
        if (e == E_INTR || there != E_OK)
            *io = start; /* no byte of this piece counts */
        if (there == E_INTR)
            return there;
        if (there != E_OK)
            return moved != 0 ? E_OK : E_IO;
        if (e != E_OK)
            return e;
        *offset += size;
        moved += size;
        file_give_way(file, offset, false);
    }
    return e;
}

static enum err mem_read(struct file *file, struct io *io, uint64_t *offset)
{
    return mem_move(file, io, offset, false);
}

static enum err mem_write(struct file *file, struct io *io, uint64_t *offset)
{
    return mem_move(file, io, offset, true);
}

static enum err mem_open(struct file *file)
{
    struct fs_process p;
    describe_inode(file->inode, &p);
    return fs_check_trace(p.pid, true);
}

const struct file_ops procfs_mem_ops = {
    .open = mem_open, .read = mem_read, .write = mem_write, .seekable = true};
