/* SPDX-License-Identifier: MIT */
#define LOG_TAG "boot"
#include "base/log.h"
#include "boot/loader.h"
#include "boot/steps.h"
#include "cpu/features.h"
#include "cpu/lock.h"
#include "cpu/tables.h"
#include "cpu/tsc.h"
#include "cpu/x86.h"
#include "dev/local/local_console.h"
#include "dev/pc/rtc.h"
#include "dev/pc/uart.h"
#include "dev/screen/screen.h"
#include "diag/panic.h"
#include "kern/boot_marks.h"
#include "kern/log.h"
#include "kern/random_init.h"
#include "kern/thread.h"
#include "kern/time_init.h"
#include "linux/boot/start.h"

NORETURN void kmain(uint32_t loader, uint64_t info);

INIT_DATA static struct boot_info boot;

static void start_program(void *unused)
{
    screen_start(); /* pictures are drawn when there is time */
    linux_start(unused);
}

NORETURN INIT_CODE void kmain(uint32_t loader, uint64_t info)
{
    uint64_t entered = rdtsc();
    boot_mark("start");
    cpu_tables_init();          /* GDT, TSS, IDT: a fault is reported from now on */
    kernel_lock_take();         /* boot is the first thread of the kernel */
    panic_init();               /* ... in words */
    cpu_features_init();        /* CR0, CR4, EFER, XCR0 are what we say; cpu_features */
    console_start(uart_init()); /* plain text comes out */
    boot_mark("cpu");
    loader_read(loader, info, &boot); /* all that the loader said, copied */
    options_read(&boot);              /* the console speaks as the command line wants it */
    boot_mark("loader data");
    random_init(); /* random bits, for the places that are drawn */
    boot_mark("random");
    memory_start(&boot);         /* frames, page tables, heap; the identity map is gone */
    local_console_screen(&boot); /* the screen shows what the console says */
    stacks_start();              /* each trap enters on a guarded stack */
    boot_mark("memory");
    interrupts_start(); /* APIC, PIC, calibrated TSC */
    boot_mark("interrupts, TSC");
    time_init(entered, rtc_read() * NS_PER_SECOND); /* clocks and timers */
    uart_start_input();                             /* standard input */
    log_machine();                                  /* the log says what machine this is */
    local_console_keys(&boot, &options);            /* keyboard and power button */
    boot_mark("clock");
    thread_start_first(start_program, NULL); /* the program, on a guarded stack of its own */
}
