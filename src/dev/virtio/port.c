/* SPDX-License-Identifier: MIT */
/* The virtio console of this machine: its interrupts, its lock. */
#define LOG_TAG "port"
#include "dev/virtio/port.h"

#include "base/log.h"
#include "cpu/lock.h"
#include "cpu/x86.h"
#include "dev/virtio/console.h"
#include "dev/virtio/machine.h"
#include "kern/console.h"
#include "kern/time.h"
#include "kern/watchdog.h"
#include "mm/init/memory.h"
#include "mm/phys/frames.h"

enum {
    RESERVE = 1024,         /* bytes of output that threads leave for the log */
    VAIN_MAX = 100000,      /* interrupts in a row that bring nothing: the device holds its line */
    START_POLLS = 10000000, /* a second or more: the host may have stopped QEMU's other threads */
    ORDER_SMALL = 3,        /* of the memory for buffers: 32 KiB */
    ORDER = 5,
};

#define SMALL_MEMORY (UINT64_C(8) << 20)

static struct spin_lock port_spin;
static struct virtio_console console GUARDED_BY(class_port);
static struct virtio_found found;
static unsigned vain;            /* interrupts that brought nothing */
static volatile bool busy;       /* between lock and unlock: a report may have interrupted it */
static const char *volatile why; /* of the failure */

static uint64_t port_lock(void) ACQUIRE(class_port) NO_LOCK_ANALYSIS
{
    uint64_t flags = spin_lock_irq(&port_spin, &class_port);
    busy = true;
    return flags;
}

/* Stops a device that has failed. Its memory stays its own. */
static void port_unlock(uint64_t flags) RELEASE(class_port) NO_LOCK_ANALYSIS
{
    bool fails = console.failed != NULL && why == NULL;
    if (fails) {
        virtio_leave(&found, true);
        why = console.failed;
    }
    busy = false;
    spin_unlock_irq(&port_spin, &class_port, flags);
    if (fails)
        console_port_changed();
}

/* A condition of waits: without the lock. */
static bool port_ready(void) NO_LOCK_ANALYSIS
{
    return why != NULL ||
           console.output.size - block_ring_used(&console.output) >= CONSOLE_PIECE + RESERVE;
}

/* Moves what came to the console while it has room. True if something was moved. */
static bool port_deliver(void) REQUIRES(class_port)
{
    size_t size, took = 1;
    bool any = false, quiet = false;
    while (took > 0 && !quiet) {
        const uint8_t *bytes = virtio_console_input(&console, &size);
        if (size > 0) {
            took = console_port_input(bytes, size);
            virtio_console_take(&console, took);
            any = true;
        } else {
            quiet = virtio_console_listen(&console) || !virtio_console_poll(&console);
        }
    }
    return any;
}

/* Everything that the device has finished, and what it had finished before but nothing was done for.
 * True if there was something. */
static bool port_serve(void) REQUIRES(class_port)
{
    bool was_ready = port_ready();
    bool any = virtio_console_poll(&console);
    if (any)
        virtio_console_send(&console);
    any = port_deliver() || any;
    if (!was_ready && port_ready())
        console_port_changed();
    return any;
}

static void port_interrupt(void *unused)
{
    (void)unused;
    uint64_t flags = port_lock();
    uint32_t status = virtio_interrupt(&found);
    bool any = port_serve();
    vain = any || status == 0 ? 0 : vain + 1;
    if (vain > VAIN_MAX && console.failed == NULL)
        console.failed = "the device interrupts without end";
    port_unlock(flags);
}

static size_t port_put(char kind, const void *bytes, size_t size)
{
    uint64_t flags = port_lock();
    size_t put = why == NULL ? block_ring_put(&console.output, kind, bytes, size) : 0;
    port_unlock(flags);
    return put;
}

static void port_send(void)
{
    uint64_t flags = port_lock();
    if (console.failed == NULL)
        virtio_console_send(&console);
    port_unlock(flags);
}

/* Nothing moves by itself: takes back what has arrived, and sends the rest. */
static uint32_t port_push(void)
{
    uint64_t flags = port_lock();
    bool was_ready = port_ready();
    (void)virtio_console_poll(&console);
    virtio_console_send(&console);
    uint32_t left = console.failed == NULL ? block_ring_used(&console.output) : 0;
    bool now_ready = !was_ready && port_ready();
    port_unlock(flags);
    if (now_ready)
        console_port_changed();
    return left;
}

/* In a report that has interrupted the code of this file: only looks whether the device has
 * finished. The rest goes by interrupt, after the report. */
static bool port_idle(void) NO_LOCK_ANALYSIS
{
    return why != NULL || virtio_ring_idle(&console.ring[CONSOLE_OUT]);
}

static bool port_settle(uint64_t ns)
{
    uint64_t deadline = time_now_ns() + ns;
    uint32_t left = UINT32_MAX;
    bool watches = busy && report_is_running();
    while (watches ? !port_idle() : !busy) {
        uint32_t before = left;
        left = watches ? left : port_push();
        if (left == 0)
            return why == NULL;
        if (left != before)
            deadline = time_now_ns() + ns;
        else if (time_now_ns() >= deadline)
            return false;
        cpu_pause();
    }
    return watches;
}

static const char *port_failure(void)
{
    return why;
}

static void port_resume(void)
{
    uint64_t flags = port_lock();
    if (console.failed == NULL)
        (void)port_deliver();
    port_unlock(flags);
}

/* --- start --- */

INIT_CODE static enum err port_open(void) NO_LOCK_ANALYSIS
{
    static const struct console_port port = {port_put,   port_send,    port_settle,
                                             port_ready, port_failure, port_resume};
    struct virtio_console_memory memory;
    unsigned order = memory_total() < SMALL_MEMORY ? ORDER_SMALL : ORDER;
    if (frames_alloc(&machine_frames, order, &memory.at) != E_OK)
        return E_NOMEM;
    memory.size = (uint32_t)PAGE_SIZE << order;
    memory.start =
        memory_map_physical(phys_range(memory.at.v, memory.at.v + memory.size), prot_rw());
    if (memory.start == NULL)
        return E_NOMEM;
    enum err e = virtio_console_start(&console, found.device, &memory, START_POLLS);
    if (e != E_OK)
        return e;
    console_start_port(&port, virtio_console_spare(&memory), virtio_console_spare_size(&memory));
    log_info("virtio-console by %s interrupts by %s", virtio_bus_name(&found),
             virtio_interrupt_name(&found));
    return E_OK;
}

INIT_CODE void port_start(const struct boot_info *boot, const struct options *options)
{
    static const struct pci_handlers handlers = {.interrupt = port_interrupt};
    if (!console_is_framed())
        return;
    enum err e = virtio_find(boot, options, VIRTIO_CONSOLE, &handlers, &found);
    if (e == E_NODEV)
        return;
    if (e == E_OK && (e = port_open()) != E_OK)
        virtio_leave(&found, e != E_NODEV);
    if (e != E_OK)
        log_warn("no port by virtio-console: error %d", e);
}
