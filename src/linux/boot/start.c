/* SPDX-License-Identifier: MIT */
#include "linux/boot/start.h"

#include "base/fmt.h"
#include "base/str.h"
#include "boot/steps.h"
#include "diag/panic.h"
#include "fs/vfs/missed.h"
#include "fs/block/block_file.h"
#include "fs/block/label.h"
#include "fs/dev/stdio.h"
#include "fs/ext4/vfs/mount.h"
#include "fs/iso9660/vfs/mount.h"
#include "fs/overlay/overlay.h"
#include "fs/p9/super.h"
#include "fs/proc/procfs.h"
#include "fs/ram/rootfs.h"
#include "fs/ram/tmpfs.h"
#include "fs/socket/socket.h"
#include "fs/tty/console.h"
#include "fs/tty/pty.h"
#include "fs/vfs/context.h"
#include "fs/vfs/dentry.h"
#include "fs/vfs/devices.h"
#include "fs/vfs/inode.h"
#include "fs/vfs/mount.h"
#include "fs/vfs/walk.h"
#include "kern/block.h"
#include "kern/boot_summary.h"
#include "kern/log.h"
#include "kern/machine.h"
#include "kern/p9_channel.h"
#include "kern/profile.h"
#include "kern/swap.h"
#include "kern/thread.h"
#include "linux/boot/proc_machine.h"
#include "linux/boot/proc_ouro.h"
#include "linux/call/stats.h"
#include "linux/call/strace.h"
#include "linux/exec/exec.h"
#include "linux/file/swap_file.h"
#include "linux/task/process.h"
#include "mm/init/memory.h"
#include "mm/pt/paging.h"
#include "net/inet/families.h"

#define MIB(bytes) ((unsigned long long)(((bytes) + 0xfffff) >> 20))

INIT_CODE static void need_memory(const char *what)
{
    struct memory_totals memory;
    memory_totals(&memory);
    boot_stop(
        "too little memory for %s: the root archive alone needs %llu MiB, the machine has %llu MiB",
        what, MIB(phys_range_size(boot_summary.archive)), MIB(memory.ram));
}

INIT_CODE const void *root_map(void)
{
    if (boot_summary.modules == 0)
        boot_stop(
            "no root archive: the boot loader handed over no module (GRUB: module2, QEMU: -initrd)");
    if (phys_range_size(boot_summary.archive) == 0)
        return NULL;
    const void *bytes = memory_map_physical(boot_summary.archive, prot_ro());
    if (bytes == NULL)
        need_memory("the root archive");
    return bytes;
}

INIT_CODE void root_fill(const void *archive)
{
    struct phys_range range = boot_summary.archive;
    struct parse_fault fault;
    enum err e = rootfs_fill(archive, phys_range_size(range), range.start, &fault);
    if (e == E_NOMEM)
        need_memory("the files of the root archive");
    if (e != E_OK)
        boot_stop("the root archive is corrupt: %s at offset %llu", fault.what,
                  (unsigned long long)fault.offset);
}

/* Why something cannot be mounted, in words. */
INIT_CODE static const char *mount_refusal(enum err e)
{
    return e == E_NODEV   ? "there is no such device or share"
           : e == E_INVAL ? "it has no file system that Ouro knows"
           : e == E_NOENT ? "the folder above is missing"
           : e == E_ROFS  ? "it can only be read (:ro)"
           : e == E_NXIO  ? "no disk and no CD drive has this label (USB sticks are not read)"
                          : err_name(e);
}

/* The device that has the label, in place of LABEL=. */
INIT_CODE static enum err find_source(const char **source)
{
    static char name[sizeof "/dev/" + BLOCK_NAME];
    if (strncmp(*source, "LABEL=", 6) != 0)
        return E_OK;
    const struct block_device *device = block_find_label(*source + 6);
    if (device == NULL)
        return E_NXIO;
    fmt_snprintf(name, sizeof name, "/dev/%s", device->name);
    *source = name;
    return E_OK;
}

/* The folder that root= names, of the medium `below`. */
INIT_CODE static enum err root_join(struct dentry *below, struct dentry *above, const char *text,
                                    struct filesystem **out)
{
    const struct location medium = {NULL, below};
    struct location folder;
    enum err e = walk_lookup(&medium, options.root.path ? options.root.path + 1 : "",
                             WALK_DIRECTORY | WALK_EMPTY, &folder);
    if (e != E_OK)
        return e;
    e = overlay_make(folder.dentry, above, text, out);
    location_put(&folder);
    return e;
}

INIT_CODE void root_mount(void)
{
    if (p9_channel_any)
        p9_type_register(options.share_uid, options.share_gid);
    procfs_register();
    tmpfs_register();
    overlay_register();
    if (block_any) {
        ext4_type_register();
        iso_type_register();
    }
    if (options.root.source == NULL)
        return;
    bool below = options.root.readonly || options.root.path != NULL;
    struct mount_source from = {options.root.source, "", below ? MS_RDONLY : 0};
    /* The nodes of /dev have inodes of their own (fs/dev/stdio.c), as those of files in memory are. */
    const struct mount_source devices = {"dev", "mode=755", MS_NOSUID};
    enum err e = find_source(&from.source);
    if (e == E_OK)
        e = vfs_mount_root(&from, root_join);
    if (e == E_OK && (e = vfs_make_directory((struct vfs_place){NULL, "/dev"}, 0755)) == E_EXIST)
        e = E_OK;
    if (e == E_OK)
        e = vfs_mount_new("/dev", "tmpfs", &devices);
    if (e != E_OK)
        boot_stop("%s cannot be the root: %s", options.root.source, mount_refusal(e));
}

INIT_CODE void devices_start(void)
{
    devices_register_memory();
    tty_init();
    pty_init();
    unix_sockets_init();
    inet_sockets_init();
    if (devfs_fill() != E_OK || pty_mount() != E_OK || (block_any && block_files_start() != E_OK))
        need_memory("the file systems");
}

INIT_CODE void proc_start(void)
{
    if (proc_table_start() != E_OK || start_proc_keep() != E_OK)
        need_memory("the file systems");
}

INIT_CODE void mounts_start(void)
{
    for (const struct mount_option *m = options.mounts; m->source != NULL; m++) {
        struct mount_source from = {m->source, "", m->readonly ? MS_RDONLY : 0};
        enum err e = vfs_make_directory((struct vfs_place){NULL, m->path}, 0755);
        if (e == E_OK || e == E_EXIST)
            e = find_source(&from.source);
        if (e == E_OK)
            e = vfs_mount_any(m->path, &from);
        if (e != E_OK)
            boot_stop("%s cannot be mounted on %s: %s", m->source, m->path, mount_refusal(e));
    }
}

INIT_CODE void swap_start(void)
{
    char path[SWAP_NAME];
    struct location at;
    if (options.swap == NULL)
        return;
    fmt_snprintf(path, sizeof path, "%s%s", *options.swap == '/' ? "" : "/dev/", options.swap);
    enum err e = walk_lookup(NULL, path, WALK_FOLLOW, &at);
    if (e == E_OK) {
        e = swapon_at(&at, SWAP_PRIORITY);
        location_put(&at);
    }
    if (e != E_OK)
        boot_stop(
            "swap=%s: %s", options.swap,
            e == E_NOENT ? "there is no such device or file"
            : e == E_INVAL
                ? "mkswap(8) has not prepared it, or it cannot be used: swap is a disk, or a file on ext4 without holes"
                : err_name(e));
}

INIT_CODE void streams_start(void)
{
    if (stdio_open() != E_OK || tty_watch_start() != E_OK)
        need_memory("the file systems");
}

INIT_CODE void observers_start(void)
{
    if (options.check_at_end)
        process_check_at_end();
    missed_wanted = options.missed;
    if (options.strace)
        strace_start();
    if ((options.stats && stats_start() != E_OK) || (options.profile && profile_start() != E_OK))
        need_memory("the program");
}

INIT_CODE void programs_start(void)
{
    struct exec_options how = {
        .fixed_addresses = options.no_randomness,
        .pagetables = virt(paging_program_window),
    };
    exec_configure(&how);
    if (thread_use_fpu() != E_OK)
        need_memory("the program");
}

/* What the kernel's words say of the first program, beside its path. */
INIT_CODE static void program_surroundings(void)
{
    struct location folder;
    if (options.hostname != NULL)
        str_copy(uts_first.host, options.hostname, sizeof uts_first.host);
    if (options.cwd == NULL)
        return;
    if (walk_lookup(NULL, options.cwd, 0, &folder) != E_OK ||
        !mode_is(folder.dentry->inode->mode, S_IFDIR))
        boot_stop("the program's folder %s is not there", options.cwd);
    fs_set_cwd(&folder);
    location_put(&folder);
}

INIT_CODE struct trap_frame *program_load(void)
{
    struct exec_result start;
    struct exec_refusal why;
    program_surroundings();
    if (exec_program(options.init, options.argv, options.envp, &start, &why) != E_OK) {
        report("ouro: %s", why.sentence);
        vfs_shut_down();
        machine_exit(why.exit_status);
    }
    if (options.strace)
        strace_first(options.init, options.argv, options.envp);
    struct trap_frame *frame = (struct trap_frame *)ptr_of(thread_current()->kstack.end) - 1;
    exec_set_registers(frame, &start);
    return frame;
}
