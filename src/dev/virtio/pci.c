/* SPDX-License-Identifier: MIT */
#include "dev/virtio/pci.h"

#include "base/checked.h"
#include "cpu/mmio.h"

enum { /* VIRTIO 1.1, 4.1.4: the capability */
    CAPABILITY_TYPE = 3,
    CAPABILITY_BAR = 4,
    CAPABILITY_OFFSET = 8,
    CAPABILITY_LENGTH = 12,
    CAPABILITY_STEP = 16,
    CAPABILITY_BYTES = 20,
    CAPABILITY_BYTES_LEAST = 16,

    /* The common configuration. */
    DEVICE_FEATURES_SELECT = 0x00,
    DEVICE_FEATURES = 0x04,
    DRIVER_FEATURES_SELECT = 0x08,
    DRIVER_FEATURES = 0x0c,
    CONFIG_VECTOR = 0x10,
    STATUS = 0x14,
    GENERATION = 0x15,
    QUEUE_SELECT = 0x16,
    QUEUE_SIZE = 0x18,
    QUEUE_VECTOR = 0x1a,
    QUEUE_ENABLE = 0x1c,
    QUEUE_NOTIFY = 0x1e,
    QUEUE_DESCRIPTORS = 0x20,
    QUEUE_AVAILABLE = 0x28,
    QUEUE_USED = 0x30,
    COMMON_BYTES = 0x38,

    VENDOR = 0x1af4,
    DEVICE_MODERN = 0x1040,
    DEVICE_TRANSITIONAL = 0x1000,
    PART_BYTES_MAX = 1 << 20,
};

uint32_t virtio_pci_id(enum virtio_device_id kind)
{
    return VENDOR | (uint32_t)(DEVICE_MODERN + kind) << 16;
}

uint32_t virtio_pci_transitional_id(enum virtio_device_id kind)
{
    static const uint8_t numbers[] = {[VIRTIO_NET] = 0,
                                      [VIRTIO_BLOCK] = 1,
                                      [VIRTIO_CONSOLE] = 3,
                                      [VIRTIO_RNG] = 5,
                                      [VIRTIO_9P] = 9};
    return VENDOR | (uint32_t)(DEVICE_TRANSITIONAL + numbers[kind]) << 16;
}

enum err virtio_pci_find(const struct pci_access *a, pci_function f, struct virtio_pci_places *out)
{
    struct virtio_pci_places places = {0};
    struct phys_range all = {0};
    unsigned found = 0, bar = PCI_BARS;
    /* The first of each type counts. Most are in one base address, and probing one moves memory under QEMU: slow. */
    for (uint8_t at = 0;
         found < PCI_BARS * 8 &&
         (at = pci_capability(a, f, PCI_CAPABILITY_VENDOR, CAPABILITY_BYTES_LEAST, at)) != 0;
         found++) {
        unsigned part = pci_read8(a, f, (uint8_t)(at + CAPABILITY_TYPE)) - 1u;
        struct pci_span span = {
            .bar = pci_read8(a, f, (uint8_t)(at + CAPABILITY_BAR)),
            .offset = a->read(f, (uint8_t)(at + CAPABILITY_OFFSET)),
            .size = a->read(f, (uint8_t)(at + CAPABILITY_LENGTH)),
        };
        if (part >= VIRTIO_PCI_PARTS || phys_range_size(places.part[part]) > 0)
            continue;
        if (span.size > PART_BYTES_MAX) /* what is beyond is not used */
            span.size = PART_BYTES_MAX;
        if (span.bar != bar && !pci_bar(a, f, span.bar, &all))
            return E_NOTSUP;
        bar = span.bar;
        if (!pci_span_in(all, &span, &places.part[part]))
            return E_NOTSUP;
        if (part == VIRTIO_PCI_NOTIFY && at <= 256 - CAPABILITY_BYTES)
            places.notify_step = a->read(f, (uint8_t)(at + CAPABILITY_STEP));
    }
    const struct phys_range *common = &places.part[VIRTIO_PCI_COMMON];
    const struct phys_range *notify = &places.part[VIRTIO_PCI_NOTIFY];
    if (phys_range_size(*common) < COMMON_BYTES || !is_aligned(common->start.v, 4) ||
        phys_range_size(*notify) < sizeof(uint16_t) || !is_aligned(notify->start.v, 2) ||
        places.notify_step % 2 != 0 || phys_range_size(places.part[VIRTIO_PCI_ISR]) == 0)
        return E_NOTSUP;
    *out = places;
    return E_OK;
}

static volatile char *common_at(struct virtio_device *device, uint32_t offset)
{
    return CONTAINER_OF(device, struct virtio_pci, device)->part[VIRTIO_PCI_COMMON] + offset;
}

static uint8_t pci_status(struct virtio_device *d)
{
    return mmio_read8(common_at(d, STATUS));
}

static void pci_set_status(struct virtio_device *d, uint8_t status)
{
    mmio_write8(common_at(d, STATUS), status);
}

static uint64_t pci_features(struct virtio_device *d)
{
    mmio_write32(common_at(d, DEVICE_FEATURES_SELECT), 0);
    uint64_t features = mmio_read32(common_at(d, DEVICE_FEATURES));
    mmio_write32(common_at(d, DEVICE_FEATURES_SELECT), 1);
    return features | (uint64_t)mmio_read32(common_at(d, DEVICE_FEATURES)) << 32;
}

static void pci_accept(struct virtio_device *d, uint64_t features)
{
    mmio_write32(common_at(d, DRIVER_FEATURES_SELECT), 0);
    mmio_write32(common_at(d, DRIVER_FEATURES), (uint32_t)features);
    mmio_write32(common_at(d, DRIVER_FEATURES_SELECT), 1);
    mmio_write32(common_at(d, DRIVER_FEATURES), (uint32_t)(features >> 32));
    const struct virtio_pci_interrupts *interrupts =
        &CONTAINER_OF(d, struct virtio_pci, device)->interrupts;
    if (!interrupts->line)
        mmio_write16(common_at(d, CONFIG_VECTOR), interrupts->changed);
}

static uint32_t pci_queue_most(struct virtio_device *d, uint16_t queue)
{
    mmio_write16(common_at(d, QUEUE_SELECT), queue);
    return mmio_read16(common_at(d, QUEUE_SIZE));
}

static void set_address(struct virtio_device *d, uint32_t offset, phys_t address)
{
    mmio_write32(common_at(d, offset), (uint32_t)address.v);
    mmio_write32(common_at(d, offset + 4), (uint32_t)(address.v >> 32));
}

static bool pci_queue_set(struct virtio_device *d, uint16_t queue, const struct virtio_place *place)
{
    struct virtio_pci *pci = CONTAINER_OF(d, struct virtio_pci, device);
    mmio_write16(common_at(d, QUEUE_SELECT), queue);
    uint64_t notify = (uint64_t)mmio_read16(common_at(d, QUEUE_NOTIFY)) * pci->notify_step;
    if (queue >= VIRTIO_PCI_QUEUES || mmio_read16(common_at(d, QUEUE_ENABLE)) != 0 ||
        !checked_span(notify, sizeof(uint16_t), pci->notify_bytes))
        return false;
    pci->notify[queue] = pci->part[VIRTIO_PCI_NOTIFY] + notify;
    mmio_write16(common_at(d, QUEUE_SIZE), place->size);
    if (!pci->interrupts.line) {
        mmio_write16(common_at(d, QUEUE_VECTOR), 0);
        if (mmio_read16(common_at(d, QUEUE_VECTOR)) != 0) /* the device has no room for it */
            return false;
    }
    set_address(d, QUEUE_DESCRIPTORS, place->descriptors);
    set_address(d, QUEUE_AVAILABLE, place->available);
    set_address(d, QUEUE_USED, place->used);
    mmio_write16(common_at(d, QUEUE_ENABLE), 1);
    return true;
}

static void pci_notify(struct virtio_device *d, uint16_t queue)
{
    mmio_write16(CONTAINER_OF(d, struct virtio_pci, device)->notify[queue], queue);
}

/* Reading the status acknowledges the line. A message needs that not, and does not say what it is
 * for. */
static uint32_t pci_interrupt(struct virtio_device *d)
{
    const struct virtio_pci *pci = CONTAINER_OF(d, struct virtio_pci, device);
    if (pci->interrupts.line)
        return mmio_read8(pci->part[VIRTIO_PCI_ISR]);
    return pci->interrupts.changed == 0 ? VIRTIO_INTERRUPT_QUEUE | VIRTIO_INTERRUPT_CONFIG
                                        : VIRTIO_INTERRUPT_QUEUE;
}

static uint32_t pci_generation(struct virtio_device *d)
{
    return mmio_read8(common_at(d, GENERATION));
}

static uint8_t pci_config(struct virtio_device *d, uint32_t offset)
{
    return mmio_read8(CONTAINER_OF(d, struct virtio_pci, device)->part[VIRTIO_PCI_CONFIG] + offset);
}

void virtio_pci_open(struct virtio_pci *pci, const struct virtio_pci_places *places,
                     volatile void *const mapped[VIRTIO_PCI_PARTS],
                     const struct virtio_pci_interrupts *interrupts)
{
    static const struct virtio_ops ops = {
        .status = pci_status,
        .set_status = pci_set_status,
        .features = pci_features,
        .accept = pci_accept,
        .queue_most = pci_queue_most,
        .queue_set = pci_queue_set,
        .notify = pci_notify,
        .interrupt = pci_interrupt,
        .generation = pci_generation,
        .config = pci_config,
    };
    *pci = (struct virtio_pci){
        .device = {.ops = &ops,
                   .config_bytes = (uint32_t)phys_range_size(places->part[VIRTIO_PCI_CONFIG])},
        .interrupts = *interrupts,
        .notify_bytes = phys_range_size(places->part[VIRTIO_PCI_NOTIFY]),
        .notify_step = places->notify_step,
    };
    for (unsigned i = 0; i < VIRTIO_PCI_PARTS; i++)
        pci->part[i] = mapped[i];
}
