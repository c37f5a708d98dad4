/* SPDX-License-Identifier: MIT */
/* The virtio console of this machine: where it is, its interrupts, its lock. */
#define LOG_TAG "port"
#include "dev/virtio/port.h"

#include "base/log.h"
#include "cpu/ioapic.h"
#include "cpu/lock.h"
#include "cpu/mmio.h"
#include "cpu/x86.h"
#include "dev/pci/pci_machine.h"
#include "dev/virtio/console.h"
#include "dev/virtio/mmio.h"
#include "dev/virtio/pci.h"
#include "kern/console.h"
#include "kern/time.h"
#include "kern/watchdog.h"
#include "mm/init/memory.h"
#include "mm/phys/frames.h"
#include "parse/acpi.h"

enum {
    RSDP_READ = 36,
    RESERVE = 1024,         /* bytes of output that threads leave for the log */
    VAIN_MAX = 100000,      /* interrupts in a row that bring nothing: the device holds its line */
    START_POLLS = 10000000, /* a second or more: the host may have stopped QEMU's other threads */
    ORDER_SMALL = 3,        /* of the memory for buffers: 32 KiB */
    ORDER = 5,
};

#define SMALL_MEMORY (UINT64_C(8) << 20)

static struct spin_lock port_spin;
static struct virtio_console console GUARDED_BY(class_port);
static struct virtio_device *device; /* one of the next two */
static struct virtio_mmio mmio;
static struct virtio_pci pci;
static pci_function function;
static const struct pci_access *config; /* of PCI */
static uint32_t line;                   /* GSI; 0: interrupts are messages */
static unsigned vain;                   /* interrupts that brought nothing */
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
        virtio_stop(device, true);
        if (device == &pci.device)
            pci_disable(config, function);
        if (line != 0)
            ioapic_mask(line);
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

static void port_interrupt(void)
{
    uint64_t flags = port_lock();
    uint32_t status = device->ops->interrupt(device);
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

static const void *port_map_table(void *context, phys_t at, size_t size)
{
    (void)context;
    return memory_map_physical(phys_range(at.v, at.v + size), prot_ro());
}

INIT_CODE static void add_ioapics(const struct boot_info *boot)
{
    struct acpi_interrupts interrupts;
    const void *rsdp = boot->rsdp_copy;
    size_t size = boot->rsdp_length;
    if (size == 0 && boot->rsdp.v != 0) {
        size = RSDP_READ;
        rsdp = port_map_table(NULL, boot->rsdp, size);
    }
    if (size == 0 || rsdp == NULL ||
        !acpi_read_interrupts(rsdp, size, port_map_table, NULL, &interrupts))
        return;
    for (unsigned i = 0; i < interrupts.count; i++) {
        uint64_t at = interrupts.ioapic[i].address;
        void *registers = memory_map_physical(phys_range(at, at + IOAPIC_BYTES), prot_device());
        if (registers == NULL || !ioapic_add(registers, interrupts.ioapic[i].first))
            log_warn("no I/O APIC at 0x%llx, where ACPI says one is", (unsigned long long)at);
    }
}

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
    enum err e = virtio_console_start(&console, device, &memory, START_POLLS);
    if (e != E_OK)
        return e;
    console_start_port(&port, virtio_console_spare(&memory), virtio_console_spare_size(&memory));
    log_info("virtio-console by %s interrupts by %s", device == &pci.device ? "PCI" : "mmio",
             line != 0 ? "line" : "message");
    return E_OK;
}

INIT_CODE static enum err try_mmio(const struct boot_info *boot, const char *word)
{
    struct virtio_mmio_word where;
    enum virtio_device_id id;
    if (!virtio_mmio_parse(word, &where))
        return E_INVAL;
    uint64_t size = phys_range_size(where.range);
    void *registers = memory_map_physical(where.range, prot_device());
    if (registers == NULL)
        return E_NOMEM;
    enum err e = virtio_mmio_open(&mmio, registers, size, &id);
    if (e != E_OK || id != VIRTIO_CONSOLE)
        return e != E_OK ? e : E_NODEV;
    unsigned vector;
    add_ioapics(boot);
    line = where.line;
    device = &mmio.device;
    if (!irq_vector_take(port_interrupt, &vector) || !ioapic_route(line, false, vector))
        return E_NODEV;
    return port_open();
}

INIT_CODE static bool is_console(void *context, pci_function f, uint32_t id)
{
    if (!virtio_pci_is(id, VIRTIO_CONSOLE))
        return true;
    function = f;
    *(bool *)context = true;
    return false;
}

/* Entry 0 of the table raises the vector. */
INIT_CODE static enum err take_message(struct phys_range table, unsigned vector)
{
    char *entry = memory_map_physical(phys_range(table.start.v, table.start.v + PCI_MSIX_ENTRY),
                                      prot_device());
    if (entry == NULL)
        return E_NOMEM;
    pci_enable(config, function, false);
    mmio_write32(entry, (uint32_t)msi_address());
    mmio_write32(entry + 4, (uint32_t)(msi_address() >> 32));
    mmio_write32(entry + 8, msi_data(vector));
    mmio_write32(entry + 12, 0);
    pci_msix_enable(config, function);
    return E_OK;
}

/* A message, or the line where there is none. */
INIT_CODE static enum err take_interrupt(const struct boot_info *boot)
{
    struct phys_range table;
    unsigned vector;
    if (!irq_vector_take(port_interrupt, &vector))
        return E_NOMEM;
    if (pci_msix_table(config, function, &table))
        return take_message(table, vector);
    line = pci_line(config, function);
    add_ioapics(boot);
    if (line == 0 || !ioapic_route(line, true, vector))
        return E_NODEV;
    pci_enable(config, function, true);
    return E_OK;
}

INIT_CODE static enum err try_pci(const struct boot_info *boot)
{
    struct virtio_pci_places places;
    volatile void *mapped[VIRTIO_PCI_PARTS] = {0};
    enum err e = virtio_pci_find(config, function, &places);
    for (unsigned i = 0; e == E_OK && i < VIRTIO_PCI_PARTS; i++) {
        if (phys_range_size(places.part[i]) == 0)
            continue;
        mapped[i] = memory_map_physical(places.part[i], prot_device());
        e = mapped[i] != NULL ? E_OK : E_NOMEM;
    }
    if (e == E_OK)
        e = take_interrupt(boot);
    if (e != E_OK)
        return e;
    virtio_pci_open(&pci, &places, mapped, line != 0);
    device = &pci.device;
    e = port_open();
    if (e != E_OK)
        pci_disable(config, function);
    if (e != E_OK && line != 0)
        ioapic_mask(line);
    return e;
}

INIT_CODE void port_start(const struct boot_info *boot, const struct options *options)
{
    if (!console_is_framed())
        return;
    for (unsigned i = 0; i < OPTIONS_VIRTIO_MAX && options->virtio_mmio[i] != NULL; i++) {
        enum err e = try_mmio(boot, options->virtio_mmio[i]);
        if (e == E_OK)
            return;
        log_warn("no port by virtio_mmio.device=%s: error %d", options->virtio_mmio[i], e);
    }
    bool found = false;
    config = pci_start(boot);
    if (options->virtio_mmio[0] == NULL && config != NULL)
        pci_each(config, is_console, &found);
    enum err e = found ? try_pci(boot) : E_OK;
    if (e != E_OK)
        log_info("no port by PCI function 0x%x: error %d", function, e);
}
