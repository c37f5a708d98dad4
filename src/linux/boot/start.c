/* SPDX-License-Identifier: MIT */
#define LOG_TAG "boot"
#include "linux/boot/start.h"

#include "base/log.h"
#include "base/panic.h"
#include "boot/guest_test.h"
#include "boot/steps.h"
#include "cpu/tables.h"
#include "diag/panic.h"
#include "fs/dev/stdio.h"
#include "fs/proc/procfs.h"
#include "fs/ram/rootfs.h"
#include "fs/socket/socket.h"
#include "fs/tty/console.h"
#include "fs/tty/pty.h"
#include "fs/vfs/devices.h"
#include "kern/boot_marks.h"
#include "kern/boot_summary.h"
#include "kern/log.h"
#include "kern/machine.h"
#include "kern/profile.h"
#include "kern/thread.h"
#include "kern/watchdog.h"
#include "linux/boot/proc_machine.h"
#include "linux/boot/proc_ouro.h"
#include "linux/call/stats.h"
#include "linux/call/strace.h"
#include "linux/exec/exec.h"
#include "linux/fault/crash.h"
#include "linux/fault/deadlock.h"
#include "linux/fault/exceptions.h"
#include "linux/fault/thread_dump.h"
#include "linux/file/fs_hooks.h"
#include "linux/memory/range.h"
#include "linux/memory/sys_mem.h"
#include "linux/task/process.h"
#include "linux/task/signal.h"
#include "linux/time/vdso.h"
#include "mm/init/memory.h"
#include "mm/pt/paging.h"

#define MIB(bytes) ((unsigned long long)(((bytes) + 0xfffff) >> 20))

/* cpu/entry.S */
NORETURN void enter_program(const struct trap_frame *frame);

INIT_CODE static void need_memory(const char *what, uint64_t archive)
{
    struct memory_totals memory;
    memory_totals(&memory);
    boot_stop(
        "too little memory for %s: the root archive alone needs %llu MiB, the machine has %llu MiB",
        what, MIB(archive), MIB(memory.ram));
}

INIT_CODE static void root_start(void)
{
    struct phys_range archive = boot_summary.archive;
    uint64_t size = phys_range_size(archive);
    struct parse_fault fault;
    if (boot_summary.modules == 0)
        boot_stop(
            "no root archive: the boot loader handed over no module (GRUB: module2, QEMU: -initrd)");
    const void *bytes = size == 0 ? NULL : memory_map_physical(archive, prot_ro());
    if (size != 0 && bytes == NULL)
        need_memory("the root archive", size);
    boot_mark("archive mapped");
    enum err e = rootfs_fill(bytes, size, archive.start, &fault);
    if (e == E_NOMEM)
        need_memory("the files of the root archive", size);
    if (e != E_OK)
        boot_stop("the root archive is corrupt: %s at offset %llu", fault.what,
                  (unsigned long long)fault.offset);
}

INIT_CODE static void files_start(void)
{
    root_start();
    boot_mark("root file system");
    devices_register_memory();
    tty_init();
    pty_init();
    unix_sockets_init();
    enum err e = devfs_fill();
    if (e == E_OK)
        e = pty_mount();
    if (e == E_OK)
        e = procfs_start();
    if (e == E_OK)
        e = proc_machine_start();
    if (e == E_OK)
        e = start_proc_fill(boot_command_line);
    if (e == E_OK)
        e = stdio_open();
    if (e == E_OK)
        e = tty_watch_start();
    if (e != E_OK)
        need_memory("the file systems", phys_range_size(boot_summary.archive));
}

/* The power button was pressed. */
static void ask_to_end(void)
{
    signal_raise(process_first(), SIGNAL_TERM);
}

INIT_CODE static void process_start(void) REQUIRES(kernel_lock)
{
    struct memory_totals memory;
    memory_totals(&memory);
    process_init(memory.total);
    if (options.check_at_end)
        process_check_at_end();
    vdso_init();
    fs_bridge_init();
    machine_on_power_button(ask_to_end);
    exceptions_init();
    mem_init();
    deadlock_watch(options.deadlock_seconds);
    thread_dump_keys();
    watchdog_start(options.watchdog_seconds);
    cpu_syscall_init();
    if (options.strace)
        strace_start();
    struct exec_options how = {
        .fixed_addresses = options.no_randomness,
        .pagetables = virt(paging_program_window),
    };
    exec_configure(&how);
    if ((options.stats && stats_start() != E_OK) || (options.profile && profile_start() != E_OK) ||
        thread_use_fpu() != E_OK)
        need_memory("the program", phys_range_size(boot_summary.archive));
}

/* The program's first frame goes where all later ones go: to the top of the kernel stack. */
INIT_CODE static struct trap_frame *program_load(void)
{
    struct exec_result start;
    struct exec_refusal why;
    if (exec_program(options.init, options.argv, options.envp, &start, &why) != E_OK) {
        report("ouro: %s", why.sentence);
        machine_exit(why.exit_status);
    }
    if (options.strace)
        strace_first(options.init, options.argv, options.envp);
    struct trap_frame *frame = (struct trap_frame *)ptr_of(thread_current()->kstack.end) - 1;
    exec_set_registers(frame, &start);
    return frame;
}

void linux_start(void *unused)
{
    (void)unused;
    kernel_lock_assert();
    if (options.test != NULL)
        guest_tests_run(options.test);
    files_start();
    boot_mark("/dev, /proc, streams");
    process_start();
    struct trap_frame *frame = program_load();
    boot_mark("program loaded");
    bool chart = options.boot_chart; /* the options are boot memory */
    memory_end_boot();
    boot_mark("boot memory freed");
    protection_check(mem_rwx_exceptions() != 0);
    boot_mark("page tables checked");
    log_info("the program starts after %llu us", (unsigned long long)(time_now_ns() / 1000));
    if (chart)
        boot_marks_show();
    start_proc_booted();
    console_ready();
    kernel_lock_drop();
    enter_program(frame);
}
