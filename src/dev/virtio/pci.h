/* SPDX-License-Identifier: MIT */
/*
 * Virtio devices on PCI (VIRTIO 1.1, 4.1), modern ones. Capabilities of the function say where its
 * registers are; interrupts are MSI-X messages, entry 0 of the queues and entry 0 or 1 of the configuration, or the
 * function's line.
 */
#pragma once

#include "dev/pci/pci.h"
#include "dev/virtio/virtio.h"

enum virtio_pci_part { /* the types of the capabilities, less one */
    VIRTIO_PCI_COMMON,
    VIRTIO_PCI_NOTIFY,
    VIRTIO_PCI_ISR,
    VIRTIO_PCI_CONFIG,
    VIRTIO_PCI_PARTS,
};

#define VIRTIO_PCI_QUEUES 8

struct virtio_pci_places {
    struct phys_range part[VIRTIO_PCI_PARTS]; /* empty: not there */
    uint32_t notify_step;                     /* bytes between the notification registers */
};

struct virtio_pci_interrupts {
    bool line;
    uint16_t changed; /* the message of the configuration: 0 or 1 */
};

struct virtio_pci {
    struct virtio_device device;
    struct virtio_pci_interrupts interrupts;
    volatile char *part[VIRTIO_PCI_PARTS]; /* NULL: not there */
    uint64_t notify_bytes;
    uint32_t notify_step;
    volatile char *notify[VIRTIO_PCI_QUEUES]; /* of the queues that were set */
};

/* The first 32 bits of a function that is a virtio device of that kind. */
uint32_t virtio_pci_id(enum virtio_device_id kind);
/* The same of a transitional device, which a legacy driver could use, too. */
uint32_t virtio_pci_transitional_id(enum virtio_device_id kind);

/* Reads the capabilities. E_NOTSUP: a legacy device, or one that is not placed as it should be. */
MUST_CHECK enum err virtio_pci_find(const struct pci_access *access, pci_function function,
                                    struct virtio_pci_places *out);

/* The device with its parts mapped uncached. */
void virtio_pci_open(struct virtio_pci *pci, const struct virtio_pci_places *places,
                     volatile void *const mapped[VIRTIO_PCI_PARTS],
                     const struct virtio_pci_interrupts *interrupts);
