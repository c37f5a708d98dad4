/* SPDX-License-Identifier: MIT */
#include "fs/proc/instance.h"

#include "base/str.h"
#include "fs/proc/procfs.h"
#include "fs/vfs/credentials.h"
#include "fs/vfs/devices.h"
#include "fs/vfs/mount.h"
#include "fs/vfs/process.h"
#include "mm/heap/heap.h"

#define PROC_MAGIC   0x9fa0
#define PROC_DEVICE  5
#define SYSFS_MAGIC  0x62656572
#define SYSFS_DEVICE 20

struct instance {
    struct filesystem fs;
    struct proc_options options;
};

static const struct {
    const char *name;
    enum hidepid value;
} hidepids[] = {
    {"off", HIDEPID_OFF},
    {"noaccess", HIDEPID_NOACCESS},
    {"invisible", HIDEPID_INVISIBLE},
    {"ptraceable", HIDEPID_PTRACEABLE},
    {"0", HIDEPID_OFF},
    {"1", HIDEPID_NOACCESS},
    {"2", HIDEPID_INVISIBLE},
    {"4", HIDEPID_PTRACEABLE},
};

const struct proc_options *proc_options_of(const struct inode *inode)
{
    return &CONTAINER_OF(inode->fs, struct instance, fs)->options;
}

bool proc_may_see(const struct inode *inode, uint32_t pid, enum hidepid from)
{
    const struct proc_options *o = proc_options_of(inode);
    if (o->hidepid < from)
        return true;
    if (o->hidepid != HIDEPID_PTRACEABLE && credentials_in_group(credentials_current(), o->gid))
        return true;
    return fs_check_trace(pid, false) == E_OK;
}

/* ---- Options ---- */

/* The option's value if it has the name and ends at `end`; NULL: it has another. */
static const char *value_of(const char *option, const char *name)
{
    size_t length = strlen(name);
    return strncmp(option, name, length) == 0 ? option + length : NULL;
}

static bool is_text(const char *text, size_t length, const char *wanted)
{
    return strlen(wanted) == length && memcmp(text, wanted, length) == 0;
}

static enum err parse_hidepid(const char *text, size_t length, uint8_t *out)
{
    for (size_t i = 0; i < ARRAY_LENGTH(hidepids); i++) {
        if (is_text(text, length, hidepids[i].name)) {
            *out = (uint8_t)hidepids[i].value;
            return E_OK;
        }
    }
    return E_INVAL;
}

static enum err parse_gid(const char *text, size_t length, uint32_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return E_INVAL;
        value = value * 10 + (uint64_t)(text[i] - '0');
        if (value >= UINT32_MAX)
            return E_INVAL;
    }
    *out = (uint32_t)value;
    return length > 0 ? E_OK : E_INVAL;
}

static enum err parse_option(struct proc_options *o, const char *option, const char *end)
{
    const char *value;
    if ((value = value_of(option, "hidepid=")) != NULL)
        return parse_hidepid(value, (size_t)(end - value), &o->hidepid);
    if ((value = value_of(option, "gid=")) != NULL)
        return parse_gid(value, (size_t)(end - value), &o->gid);
    if (!is_text(option, (size_t)(end - option), "subset=pid"))
        return E_INVAL;
    o->pids_only = true;
    return E_OK;
}

static enum err proc_configure(struct filesystem *fs, const char *text)
{
    struct proc_options o = CONTAINER_OF(fs, struct instance, fs)->options;
    while (*text != '\0') {
        const char *end = text;
        while (*end != '\0' && *end != ',')
            end++;
        enum err e = end != text ? parse_option(&o, text, end) : E_OK;
        if (e != E_OK)
            return e;
        text = *end == ',' ? end + 1 : end;
    }
    CONTAINER_OF(fs, struct instance, fs)->options = o;
    return E_OK;
}

static void proc_show(const struct filesystem *fs, struct text *text)
{
    const struct proc_options *o = &CONTAINER_OF(fs, const struct instance, fs)->options;
    if (o->gid != 0)
        text_printf(text, ",gid=%u", o->gid);
    for (size_t i = 0; o->hidepid != HIDEPID_OFF && i < 4; i++)
        if (hidepids[i].value == o->hidepid)
            text_printf(text, ",hidepid=%s", hidepids[i].name);
    if (o->pids_only)
        text_printf(text, ",subset=pid");
}

/* ---- Mounts ---- */

static void instance_end(struct filesystem *fs)
{
    heap_free(fs);
}

/* `device` 0: a new one. */
static enum err instance_new(bool proc, uint64_t device, const char *options,
                             struct filesystem **out)
{
    struct instance *made = heap_alloc_zero(sizeof(*made));
    if (!made)
        return E_NOMEM;
    made->fs = (struct filesystem){
        .type = proc ? "proc" : "sysfs",
        .magic = proc ? PROC_MAGIC : SYSFS_MAGIC,
        .device = device != 0 ? device : vfs_device_number(),
        .next_ino = 1,
        .end = instance_end,
        .configure = proc ? proc_configure : NULL,
        .show = proc ? proc_show : NULL,
    };
    enum err e = !proc || options[0] == '\0' ? E_OK : proc_configure(&made->fs, options);
    if (e == E_OK)
        e = procfs_make_root(&made->fs, proc);
    if (e == E_OK)
        *out = &made->fs;
    else
        heap_free(made);
    return e;
}

static enum err proc_mount(const struct mount_source *from, struct filesystem **out)
{
    return instance_new(true, 0, from->options, out);
}

/* sysfs has no options, and Linux ignores those that it gets. */
static enum err sys_mount(const struct mount_source *from, struct filesystem **out)
{
    return instance_new(false, 0, from->options, out);
}

static enum err mount_at(const char *path, bool proc, uint64_t device)
{
    struct filesystem *fs;
    enum err e = instance_new(proc, device, "", &fs);
    if (e != E_OK)
        return e;
    e = vfs_make_directory((struct vfs_place){NULL, path}, 0555);
    return e == E_OK || e == E_EXIST ? vfs_mount(path, fs) : e;
}

void procfs_register(void)
{
    static struct filesystem_type types[] = {
        {.name = "sysfs", .without_device = true, .any_source = true, .mount = sys_mount},
        {.name = "proc", .without_device = true, .any_source = true, .mount = proc_mount},
    };
    filesystem_type_register(&types[0]);
    filesystem_type_register(&types[1]);
}

enum err procfs_start(const struct procfs_table *rows, const struct inode_ops *ops)
{
    procfs_use(rows, ops);
    enum err e = mount_at("/proc", true, PROC_DEVICE);
    return e == E_OK ? mount_at("/sys", false, SYSFS_DEVICE) : e;
}
