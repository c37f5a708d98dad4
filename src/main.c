/* SPDX-License-Identifier: MIT */
/*
 * The whole boot, in order.
 *
 * boot/multiboot2.S switches to long mode with the first 4 GiB identity-mapped and calls kmain() on
 * the boot stack, interrupts off. kmain() sets up the CPU's tables, memory, interrupts and clocks,
 * and ends by starting the first thread, which runs start_program(): it sets up what a program
 * needs (process 1, files, streams), loads the program, seals and audits the memory, and jumps to
 * the program.
 *
 * From then on control enters the kernel in cpu/entry.S only. The comment of a line says what
 * exists from that line on. A step that fails stops the machine with a message (boot_stop()).
 */
#define LOG_TAG "boot"
#include "base/log.h"
#include "boot/guest_test.h"
#include "boot/loader.h"
#include "boot/steps.h"
#include "cpu/features.h"
#include "cpu/lock.h"
#include "cpu/tables.h"
#include "cpu/trap.h"
#include "cpu/tsc.h"
#include "cpu/x86.h"
#include "dev/block/disks.h"
#include "dev/local/local_console.h"
#include "dev/nic/nic_machine.h"
#include "dev/pc/clocks.h"
#include "dev/pc/cpus.h"
#include "dev/pc/uart.h"
#include "dev/screen/screen.h"
#include "dev/virtio/machine.h"
#include "dev/virtio/p9_machine.h"
#include "dev/virtio/port.h"
#include "fs/tty/console.h"
#include "kern/boot_marks.h"
#include "kern/log.h"
#include "kern/random_init.h"
#include "kern/thread.h"
#include "kern/time_init.h"
#include "kern/watchdog.h"
#include "linux/boot/network.h"
#include "linux/boot/proc_ouro.h"
#include "linux/boot/start.h"
#include "linux/fault/deadlock.h"
#include "linux/fault/exceptions.h"
#include "linux/fault/thread_dump.h"
#include "linux/memory/sys_mem.h"
#include "linux/task/process.h"
#include "linux/time/vdso.h"
#include "mm/init/memory.h"

NORETURN void kmain(uint32_t loader, uint64_t info);

INIT_DATA static struct boot_info boot;

static void start_program(void *unused)
{
    (void)unused;
    kernel_lock_assert();
    if (SEVERAL_CPUS)
        machine_cpus_start(&boot, options.cpus); /* the other CPUs idle */
    screen_start();                              /* the thread that draws the screen */
    if (options.test != NULL)
        guest_tests_run(options.test); /* instead of a program: the kernel's own tests */
    process_init(memory_total());      /* process 1: this thread, no program yet */
    const void *archive = root_map();  /* the bytes of the root archive */
    boot_mark("archive mapped");
    root_fill(archive); /* the archive's files, as the root file system */
    boot_mark("root file system");
    root_mount();        /* root=: a medium below it, or a disk instead of it */
    time_refine();       /* the clocks' rates, measured once more */
    devices_start();     /* terminals, sockets, /dev */
    proc_start();        /* /proc and /sys, filled at the first look */
    network_configure(); /* ip=; /etc/resolv.conf, if there is a network card */
    mounts_start();      /* mount= */
    swap_start();        /* swap= */
    streams_start();     /* descriptors 0, 1 and 2, fed by the console */
    boot_mark("/dev, /proc, streams");
    vdso_init();                               /* clocks that need no system call */
    exceptions_init();                         /* exceptions of the program become its signals */
    cpu_syscall_init();                        /* the `syscall` instruction enters the kernel */
    deadlock_watch(options.deadlock_seconds);  /* deadlocks are reported */
    watchdog_start(options.watchdog_seconds);  /* interrupts that stay off are reported */
    thread_dump_keys();                        /* keys that show threads and page tables */
    observers_start();                         /* strace, stats, profile, if asked for */
    programs_start();                          /* options of exec; FPU state of threads */
    struct trap_frame *frame = program_load(); /* the program in memory, and its first registers */
    boot_mark("program loaded");
    bool chart = options.boot_chart; /* options are boot memory */
    memory_end_boot();               /* boot's code and data are free frames, the rest is sealed */
    boot_mark("boot memory freed");
    protection_check(mem_rwx_exceptions() != 0); /* the audit of all page tables has passed */
    boot_mark("page tables checked");
    log_info("the program starts after %llu us", (unsigned long long)(time_now_ns() / 1000));
    if (chart)
        boot_marks_show();
    start_proc_booted();  /* /proc/ouro: duration of the boot */
    console_ready();      /* the host sends input from now on */
    kernel_lock_drop();   /* program code runs without kernel_lock */
    enter_program(frame); /* does not return */
}

NORETURN INIT_CODE void kmain(uint32_t loader, uint64_t info)
{
    uint64_t entered = rdtsc();
    boot_mark("start");
    cpu_tables_init();          /* GDT, TSS, IDT: a fault is reported from now on */
    kernel_lock_take();         /* boot counts as a thread */
    cpu_features_init();        /* cpu_features; CR0, CR4, EFER, XCR0 have known values */
    console_start(uart_init()); /* console: plain text */
    boot_mark("cpu");
    loader_read(loader, info, &boot); /* boot_info: a copy of the loader's data */
    options_read(&boot);              /* options, and the console as they configure it */
    boot_mark("loader data");
    random_init(); /* random numbers */
    boot_mark("random");
    memory_start(&boot);         /* frames, page tables, heap; the identity map is gone */
    local_console_screen(&boot); /* the screen shows the console */
    stacks_start();              /* each trap enters on a guarded stack */
    boot_mark("memory");
    interrupts_start();                     /* APIC, PIC */
    clocks_start(entered, &boot, &options); /* calibrated TSC, clocks and timers */
    boot_mark("interrupts, TSC");
    uart_start();                /* standard input; output by interrupts */
    port_start(&boot, &options); /* if there is a port, streams and log go through it */
    if (!virtio_none_left) {
        nic_start(&boot, &options);    /* if there is a network card, it is known; it is quiet */
        disks_start(&boot, &options);  /* the disks are block devices */
        shares_start(&boot, &options); /* folders of the host can be mounted */
    }
    log_machine();                       /* the log describes the machine */
    local_console_keys(&boot, &options); /* keyboard and power button */
    boot_mark("clock");
    thread_start_first(start_program, NULL); /* start_program(), on a guarded stack of its own */
}
