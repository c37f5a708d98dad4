/* SPDX-License-Identifier: MIT */
#define LOG_TAG "net"
#include "dev/nic/nic_machine.h"

#include "base/log.h"
#include "cpu/lock.h"
#include "dev/nic/virtio_net.h"
#include "dev/virtio/machine.h"
#include "kern/random.h"
#include "mm/init/memory.h"

enum {
    VAIN_MAX = 100000, /* interrupts without a poll() between: the card holds its line */
    RING_MIN = 16,
    RING_SHARE = 64, /* of the machine's memory may be buffers that are with the card, each way */
};

static struct spin_lock card_spin;
static struct virtio_found virtio_found;
static struct virtio_net virtio_card;

static void virtio_card_leave(struct virtio_net *net)
{
    (void)net;
    uint64_t flags = spin_lock_irq(&card_spin, &class_nic);
    virtio_leave(&virtio_found, true);
    spin_unlock_irq(&card_spin, &class_nic, flags);
}

static void virtio_card_woken(bool changed)
{
    if (virtio_card.interrupts > VAIN_MAX && virtio_card.netdev.failed == NULL) {
        virtio_card.netdev.failed = "the card interrupts without end";
        virtio_card_leave(&virtio_card);
    }
    virtio_net_interrupt(&virtio_card, changed);
}

static void virtio_card_interrupt(void)
{
    uint32_t why = virtio_found.device->ops->interrupt(virtio_found.device);
    virtio_card_woken(why & VIRTIO_INTERRUPT_CONFIG);
}

static void virtio_card_changed(void)
{
    virtio_card_woken(true);
}

/* A power of two. */
INIT_CODE static uint16_t ring_size(void)
{
    uint16_t size = VIRTIO_NET_RING_MAX;
    while (size > RING_MIN && (uint64_t)size * NET_BUFFER_SIZE > memory_total() / RING_SHARE)
        size /= 2;
    return size;
}

/* One of a locally administered card (IEEE 802, 8.2), for a card that has none. */
INIT_CODE static void make_address(uint8_t *address)
{
    random_fill(address, NETDEV_ADDRESS);
    address[0] = (uint8_t)((address[0] & ~1) | 2);
}

INIT_CODE void nic_start(const struct boot_info *boot, const struct options *options)
{
    static const struct pci_handlers handlers = {virtio_card_interrupt, virtio_card_changed};
    enum err e = virtio_find(boot, options, VIRTIO_NET, &handlers, &virtio_found);
    if (e == E_NODEV)
        return;
    if (e != E_OK) {
        log_warn("no card by virtio-net: error %d", e);
        return;
    }
    virtio_card.netdev.ops = &virtio_net_ops;
    virtio_card.netdev.driver = "virtio_net";
    virtio_card.device = virtio_found.device;
    virtio_card.leave = virtio_card_leave;
    virtio_card.ring_size = ring_size();
    make_address(virtio_card.netdev.address);
    netdev_register(&virtio_card.netdev);
    log_info("virtio-net by %s interrupts by %s", virtio_bus_name(&virtio_found),
             virtio_interrupt_name(&virtio_found));
}
