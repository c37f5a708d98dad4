/* SPDX-License-Identifier: MIT */
/* tmpfs by mount(2) (tmpfs(5)): a file system in memory with limits of its own. */
#include "fs/ram/tmpfs.h"

#include "base/str.h"
#include "fs/ram/ramfs.h"
#include "fs/vfs/mount.h"
#include "fs/vfs/text.h"
#include "mm/heap/heap.h"
#include "mm/phys/frames.h"

#define RAMFS_MAGIC 0x858458f6

struct settings {
    uint64_t pages, inodes; /* 0: no limit */
    uint32_t mode, uid, gid;
};

static uint64_t half_of_memory(void)
{
    return machine_frames.total_frames / 2;
}

/* A number, with base 8 or 10, and `unit`: with k, m, g, or % of memory in bytes. Ends at a comma or the end. */
static bool parse_value(const char *text, unsigned base, bool unit, uint64_t *out)
{
    uint64_t value = 0;
    const char *at = text;
    for (; *at >= '0' && *at < (char)('0' + base); at++)
        if (__builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
            return false;
    if (at == text)
        return false;
    static const char units[] = "kmg";
    const char *found = unit && *at ? strchr(units, *at | 0x20) : NULL;
    if (found) {
        unsigned shift = 10 * (unsigned)(found - units + 1);
        if (value > UINT64_MAX >> shift)
            return false;
        value <<= shift;
        at++;
    } else if (unit && *at == '%') {
        if (value > 100)
            return false;
        value = machine_frames.total_frames * PAGE_SIZE / 100 * value;
        at++;
    }
    *out = value;
    return *at == '\0' || *at == ',';
}

static enum err parse_setting(struct settings *s, const char *name, size_t length, const char *text)
{
    static const struct {
        const char *name;
        uint8_t base;
        bool unit;
    } known[] = {{"size", 10, true}, {"nr_blocks", 10, true}, {"nr_inodes", 10, true},
                 {"mode", 8, false}, {"uid", 10, false},      {"gid", 10, false}};
    size_t i = 0;
    uint64_t value;
    while (i < ARRAY_LENGTH(known) &&
           (strlen(known[i].name) != length || memcmp(known[i].name, name, length) != 0))
        i++;
    if (i == ARRAY_LENGTH(known) || !parse_value(text, known[i].base, known[i].unit, &value))
        return E_INVAL;
    if (i >= 4 && value >= UINT32_MAX)
        return E_INVAL;
    switch (i) {
    case 0:
        s->pages = value / PAGE_SIZE + (value % PAGE_SIZE != 0);
        break;
    case 1:
        s->pages = value;
        break;
    case 2:
        s->inodes = value;
        break;
    case 3:
        s->mode = (uint32_t)value & MODE_ALL;
        break;
    case 4:
        s->uid = (uint32_t)value;
        break;
    default:
        s->gid = (uint32_t)value;
    }
    return E_OK;
}

static enum err parse_settings(struct settings *s, const char *text)
{
    while (*text != '\0') {
        const char *end = text;
        size_t name = 0;
        while (*end != '\0' && *end != ',') {
            if (*end == '=' && name == 0)
                name = (size_t)(end - text);
            end++;
        }
        if (end != text) {
            enum err e = name > 0 ? parse_setting(s, text, name, text + name + 1) : E_INVAL;
            if (e != E_OK)
                return e;
        }
        text = *end == ',' ? end + 1 : end;
    }
    return E_OK;
}

/* Remounting may not take what is in use. */
static enum err tmpfs_configure(struct filesystem *fs, const char *options)
{
    const struct inode *root = fs->root->inode;
    uint64_t used = filesystem_inodes(fs);
    struct settings s = {fs->pages_most, fs->inodes, root->mode, root->uid, root->gid};
    enum err e = parse_settings(&s, options);
    if (e != E_OK)
        return e;
    if ((s.pages != 0 && s.pages < fs->pages) || (s.inodes != 0 && s.inodes < used))
        return E_INVAL;
    fs->pages_most = s.pages;
    fs->inodes = s.inodes;
    return E_OK;
}

static void tmpfs_show(const struct filesystem *fs, struct text *text)
{
    const struct inode *root = fs->root->inode;
    if (fs->pages_most != half_of_memory())
        text_printf(text, ",size=%luk", fs->pages_most * (PAGE_SIZE / 1024));
    if (fs->inodes != half_of_memory())
        text_printf(text, ",nr_inodes=%lu", fs->inodes);
    if ((root->mode & MODE_ALL) != (S_ISVTX | 0777))
        text_printf(text, ",mode=%03o", root->mode & MODE_ALL);
    if (root->uid != 0)
        text_printf(text, ",uid=%u", root->uid);
    if (root->gid != 0)
        text_printf(text, ",gid=%u", root->gid);
}

static void tmpfs_end(struct filesystem *fs)
{
    heap_free(fs);
}

static enum err memory_new(const char *type, const struct settings *s, struct filesystem **out)
{
    struct filesystem *fs = heap_alloc(sizeof(*fs));
    if (!fs)
        return E_NOMEM;
    enum err e = ramfs_init(fs, type, vfs_device_number());
    if (e != E_OK) {
        heap_free(fs);
        return e;
    }
    struct inode *root = fs->root->inode;
    root->mode = S_IFDIR | s->mode;
    root->uid = s->uid;
    root->gid = s->gid;
    inode_mode_changed(root);
    fs->pages_most = s->pages;
    fs->inodes = s->inodes;
    fs->end = tmpfs_end;
    *out = fs;
    return E_OK;
}

static enum err tmpfs_mount(const struct mount_source *from, struct filesystem **out)
{
    struct settings s = {half_of_memory(), half_of_memory(), S_ISVTX | 0777, 0, 0};
    const struct credentials *c = credentials_current();
    s.uid = c->uid.fs;
    s.gid = c->gid.fs;
    enum err e = parse_settings(&s, from->options);
    if (e == E_OK)
        e = memory_new("tmpfs", &s, out);
    if (e != E_OK)
        return e;
    (*out)->configure = tmpfs_configure;
    (*out)->show = tmpfs_show;
    return E_OK;
}

/* Without bounds. It has the option mode=; Linux ignores others. */
static enum err ramfs_mount(const struct mount_source *from, struct filesystem **out)
{
    struct settings s = {.mode = 0755}, set = s;
    if (parse_settings(&set, from->options) == E_OK)
        s.mode = set.mode;
    enum err e = memory_new("ramfs", &s, out);
    if (e == E_OK)
        (*out)->magic = RAMFS_MAGIC;
    return e;
}

void tmpfs_register(void)
{
    static struct filesystem_type type = {
        .name = "tmpfs", .without_device = true, .any_source = true, .mount = tmpfs_mount};
    filesystem_type_register(&type);
    static struct filesystem_type bare = {
        .name = "ramfs", .without_device = true, .any_source = true, .mount = ramfs_mount};
    filesystem_type_register(&bare);
}
