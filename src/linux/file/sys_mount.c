/* SPDX-License-Identifier: MIT */
/* mount(2) and umount2(2); the rules are in fs/vfs/mount.h. */
#include "base/str.h"
#include "fs/vfs/mount.h"
#include "linux/file/args.h"
#include "linux/file/sys_file.h"
#include "mm/vm/usercopy.h"

#define MS_MAGIC      0xc0ed0000u /* of old programs; says nothing */
#define MS_MAGIC_MASK 0xffff0000u

/* A string of the program that may be missing; *out: text[PATH_MAX_SIZE] or "". */
static enum err optional_string(struct path *to, uint64_t from, const char **out)
{
    to->text = to->near;
    *out = "";
    if (from == 0)
        return E_OK;
    enum err e = path_copy_in(to, virt(from));
    if (e == E_OK)
        *out = to->text;
    else
        to->text = to->near;
    return e == E_NAMETOOLONG ? E_INVAL : e;
}

enum {
    SOURCE,
    TARGET,
    TYPE,
    OPTIONS,
    STRINGS
};

enum err sys_mount(struct syscall *call)
{
    static const uint8_t argument[STRINGS] = {0, 1, 2, 4};
    struct path strings[STRINGS];
    const char *text[STRINGS];
    enum err e = E_OK;
    uint32_t copied = 0;
    for (; copied < STRINGS && e == E_OK; copied++)
        e = optional_string(&strings[copied], call->arg[argument[copied]], &text[copied]);
    if (e == E_OK && call->arg[1] == 0)
        e = E_FAULT;
    uint32_t flags = (uint32_t)call->arg[3];
    if ((flags & MS_MAGIC_MASK) == MS_MAGIC)
        flags &= ~MS_MAGIC_MASK;
    if (e == E_OK) {
        struct mount_source from = {text[SOURCE], text[OPTIONS], flags};
        e = vfs_mount_new(text[TARGET], call->arg[2] != 0 ? text[TYPE] : NULL, &from);
    }
    while (copied > 0)
        path_free(&strings[--copied]);
    return e;
}

enum err sys_umount2(struct syscall *call)
{
    struct path path;
    enum err e = path_copy_in(&path, virt(call->arg[0]));
    if (e != E_OK)
        return e;
    e = vfs_unmount(path.text, (uint32_t)call->arg[1]);
    path_free(&path);
    return e;
}

/* sysfs(2): 1, the index of a type; 2, the name of an index; 3, how many there are. */
enum err sys_sysfs(struct syscall *call)
{
    struct path wanted = {.text = wanted.near};
    uint32_t option = (uint32_t)call->arg[0];
    const char *name;
    bool without_device;
    unsigned i = 0;
    if (option - 1 > 2)
        return E_INVAL;
    enum err e = option == 1 ? path_copy_in(&wanted, virt(call->arg[1])) : E_OK;
    if (e == E_OK && option == 1 && *wanted.text == '\0')
        e = E_NOENT;
    if (e != E_OK)
        return e;
    for (; (name = filesystem_type_name(i, &without_device)); i++)
        if (option == 2 ? i == call->arg[1] : option == 1 && strcmp(name, wanted.text) == 0)
            break;
    path_free(&wanted);
    if (!name && option != 3)
        return E_INVAL;
    if (option == 2)
        return copy_out(virt(call->arg[2]), name, strlen(name) + 1);
    call->result = i;
    return E_OK;
}
