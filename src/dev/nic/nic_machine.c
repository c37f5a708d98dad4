/* SPDX-License-Identifier: MIT */
#define LOG_TAG "net"
#include "dev/nic/nic_machine.h"

#include "base/log.h"
#include "base/str.h"
#include "dev/nic/e1000.h"
#include "dev/nic/virtio_net.h"
#include "dev/pci/pci_machine.h"
#include "dev/virtio/machine.h"
#include "dev/virtio/random_machine.h"
#include "kern/random.h"
#include "mm/init/memory.h"
#include "mm/phys/frames.h"

enum {
    VAIN_MAX = 100000, /* interrupts without a poll() between: the card holds its line */
    RING_MIN = 16,
    RING_SHARE = 64,  /* of the machine's memory may be buffers that are with the card, each way */
    INTEL_SHARE = 24, /* of it, in the receive ring of Intel's: dev/nic/e1000.h */
};

static struct virtio_found virtio_found;
static struct virtio_net virtio_card;

static void virtio_card_leave(struct virtio_net *net)
{
    (void)net;
    virtio_leave(&virtio_found, true);
}

static void virtio_card_woken(bool changed)
{
    if (virtio_card.interrupts > VAIN_MAX && virtio_card.netdev.failed == NULL) {
        virtio_card.netdev.failed = "the card interrupts without end";
        virtio_card_leave(&virtio_card);
    }
    virtio_net_interrupt(&virtio_card, changed);
}

static void virtio_card_interrupt(void *unused)
{
    (void)unused;
    uint32_t why = virtio_interrupt(&virtio_found);
    if (why != 0)
        virtio_card_woken(why & VIRTIO_INTERRUPT_CONFIG);
}

static void virtio_card_changed(void *unused)
{
    (void)unused;
    virtio_card_woken(true);
}

/* A power of two. */
_Static_assert(RING_MIN >= E1000_RING_MIN, "of both drivers");
INIT_CODE static uint16_t ring_size(uint16_t most, unsigned share)
{
    uint16_t size = most;
    while (size > RING_MIN && (uint64_t)size * NET_BUFFER_SIZE > memory_total() / share)
        size /= 2;
    return size;
}

/* One of a locally administered card (IEEE 802, 8.2), for a card that has none. */
INIT_CODE static void make_address(uint8_t *address)
{
    random_fill(address, NETDEV_ADDRESS);
    address[0] = (uint8_t)((address[0] & ~1) | 2);
}

INIT_CODE static void make_virtio_card(void)
{
    virtio_card.netdev.ops = &virtio_net_ops;
    virtio_card.netdev.driver = "virtio_net";
    virtio_card.device = virtio_found.device;
    virtio_card.leave = virtio_card_leave;
    virtio_card.ring_size = ring_size(VIRTIO_NET_RING_MAX, RING_SHARE);
    make_address(virtio_card.netdev.address);
    netdev_register(&virtio_card.netdev);
    log_info("virtio-net by %s interrupts by %s", virtio_bus_name(&virtio_found),
             virtio_interrupt_name(&virtio_found));
}

/* --- e1000 --- */

static struct e1000 intel_card;
static const struct pci_access *intel_access;
static pci_function intel_function;
static uint32_t intel_line; /* GSI; 0: messages */

static void intel_card_leave(struct e1000 *net)
{
    e1000_stop(net);
    device_leave(intel_access, intel_function, intel_line);
}

static COLD void *intel_card_memory(size_t size, phys_t *at)
{
    unsigned order = 0;
    while (PAGE_SIZE << order < size)
        order++;
    void *memory = frames_alloc(&machine_frames, order, at) == E_OK
                       ? memory_map_physical(phys_range(at->v, at->v + size), prot_rw())
                       : NULL;
    return memory != NULL ? memset(memory, 0, size) : NULL;
}

static void intel_card_interrupt(void *unused)
{
    (void)unused;
    if (intel_card.interrupts > VAIN_MAX && intel_card.netdev.failed == NULL) {
        intel_card.netdev.failed = "the card interrupts without end";
        intel_card_leave(&intel_card);
    }
    e1000_interrupt(&intel_card);
}

INIT_CODE static enum err find_intel_card(const struct boot_info *boot)
{
    static const struct pci_handlers handlers = {.interrupt = intel_card_interrupt, .plain = true};
    struct phys_range registers;
    struct pci_interrupts interrupts;
    uint32_t id = 0;
    intel_access = pci_start(boot);
    for (unsigned i = 0; intel_access != NULL && e1000_ids[i] != 0 && id == 0; i++)
        id = pci_find(e1000_ids[i], &intel_function) ? e1000_ids[i] : 0;
    if (id == 0)
        return E_NODEV;
    if (!pci_bar_part(intel_access, intel_function, &(struct pci_span){0, 0, E1000_REGISTERS},
                      &registers))
        return E_NOTSUP;
    intel_card.registers = memory_map_physical(registers, prot_device());
    if (intel_card.registers == NULL)
        return E_NOMEM;
    enum err e = pci_take_interrupts(boot, intel_access, intel_function, &handlers, &interrupts);
    if (e != E_OK)
        return e;
    intel_line = interrupts.line;
    e1000_stop(&intel_card); /* firmware may have used it */
    intel_card.netdev.ops = &e1000_ops;
    intel_card.netdev.driver = e1000_driver(id);
    intel_card.leave = intel_card_leave;
    intel_card.memory = intel_card_memory;
    intel_card.in_size = ring_size(E1000_IN_MAX, INTEL_SHARE);
    intel_card.out_size = ring_size(E1000_OUT_MAX, RING_SHARE);
    make_address(intel_card.netdev.address);
    netdev_register(&intel_card.netdev);
    log_info("%s interrupts by %s", intel_card.netdev.driver, intel_line != 0 ? "line" : "message");
    return E_OK;
}

INIT_CODE static void find_card(const struct boot_info *boot, const struct options *options)
{
    static const struct pci_handlers handlers = {.interrupt = virtio_card_interrupt,
                                                 .changed = virtio_card_changed};
    enum err e = virtio_find(boot, options, VIRTIO_NET, &handlers, &virtio_found);
    if (e == E_OK)
        make_virtio_card();
    if (e == E_NODEV && options->virtio_mmio[0] == NULL)
        e = find_intel_card(boot);
    if (e != E_OK && e != E_NODEV)
        log_warn("no network card, though there is one: error %d", e);
}

INIT_CODE void nic_start(const struct boot_info *boot, const struct options *options)
{
    if (options->net.way == NET_OFF)
        return;
    find_card(boot, options);
    random_source(boot, options);
}
