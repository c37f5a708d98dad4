/* SPDX-License-Identifier: MIT */
/*
 * The virtio devices of this machine: at the places that kernel words name (dev/virtio/mmio.h), or on PCI
 * (dev/virtio/pci.h) where there is no such word.
 */
#pragma once

#include "dev/pci/interrupts.h"
#include "dev/virtio/mmio.h"
#include "dev/virtio/pci.h"
#include "kern/options.h"

struct virtio_found {
    struct virtio_device *device; /* one of the next two */
    struct virtio_mmio mmio;
    struct virtio_pci pci;
    pci_function function;
    const struct pci_access *access; /* of PCI; NULL: mmio */
    uint32_t line;                   /* GSI; 0: interrupts are messages */
};

/* Finds the first device of this kind that no call has found yet, maps its registers, and has its interrupts call the handlers. The device is not
 * started. E_NODEV: there is none. The first call looks for all. Boot. */
MUST_CHECK enum err virtio_find(const struct boot_info *boot, const struct options *options,
                                enum virtio_device_id kind, const struct pci_handlers *handlers,
                                struct virtio_found *out);

/* True if kernel words name all devices, and each has its driver: no other driver need look. Boot. */
extern bool virtio_none_left;

/* What the interrupt is for, VIRTIO_INTERRUPT_...; 0: the line is another device's too, and it was that one's. */
uint32_t virtio_interrupt(const struct virtio_found *found);

/* Stops the device for good: it touches no memory and raises no interrupts any more. Callers: any. */
void virtio_leave(struct virtio_found *found, bool failed);

/* "PCI" or "mmio"; "line" or "message": for the log. */
static inline const char *virtio_bus_name(const struct virtio_found *found)
{
    return found->access != NULL ? "PCI" : "mmio";
}
static inline const char *virtio_interrupt_name(const struct virtio_found *found)
{
    return found->line != 0 ? "line" : "message";
}
