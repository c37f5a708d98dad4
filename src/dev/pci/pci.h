/* SPDX-License-Identifier: MIT */
/*
 * PCI's configuration space (PCI 3.0, chapter 6): functions, base addresses, capabilities, MSI-X. Pure:
 * accesses go through `struct pci_access`. The firmware has numbered the buses and given the
 * addresses; a function without an address is unusable.
 *
 * Nothing in a configuration space is trusted: lists are bounded, addresses and sizes checked.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

/* A function: bus * 256 + device * 8 + function. */
typedef uint16_t pci_function;

struct pci_access {
    /* Aligned 32 bits of the first 256 bytes; all ones where nothing is. */
    uint32_t (*read)(pci_function function, uint8_t offset);
    void (*write)(pci_function function, uint8_t offset, uint32_t value);
};

enum {
    PCI_CAPABILITY_MSI = 0x05,
    PCI_CAPABILITY_VENDOR = 0x09,
    PCI_CAPABILITY_MSIX = 0x11,
    PCI_BARS = 6,
};

/* Calls `visit` with each function, and its vendor and device as in the first 32 bits, until it
 * returns false. A bus is reached if its bridge is on a bus with a lower number. O(buses). */
void pci_each(const struct pci_access *access,
              bool (*visit)(void *context, pci_function function, uint32_t id), void *context);

uint8_t pci_read8(const struct pci_access *access, pci_function function, uint8_t offset);

/* The next capability `id` after the one at `after` (0: the first); 0 if there is none. The first
 * `bytes` bytes of it are in the configuration space. O(capabilities). */
uint8_t pci_capability(const struct pci_access *access, pci_function function, uint8_t id,
                       unsigned bytes, uint8_t after);

/* The memory of a base address; false if it is none, or has no address. Memory is off meanwhile.
 * O(1). */
MUST_CHECK bool pci_bar(const struct pci_access *access, pci_function function, unsigned bar,
                        struct phys_range *out);
/* A part of the memory of a base address. */
struct pci_span {
    unsigned bar;
    uint32_t offset, size; /* bytes */
};

/* Where it is in the memory `all` of its base address; false if it is empty or not all there. */
MUST_CHECK bool pci_span_in(struct phys_range all, const struct pci_span *span,
                            struct phys_range *out);
/* The same for a base address that is not known yet. As pci_bar(). */
MUST_CHECK bool pci_bar_part(const struct pci_access *access, pci_function function,
                             const struct pci_span *span, struct phys_range *out);

/* Turns on memory and the function's own accesses, and its interrupt line on or off. */
void pci_enable(const struct pci_access *access, pci_function function, bool line);
/* Turns off the function's own accesses: it touches no memory and sends no messages. */
void pci_disable(const struct pci_access *access, pci_function function);

/* The number of the interrupt line (INTx) at the PIC, as set by the firmware, and at the I/O APIC:
 * 1-15; 0: none. */
uint8_t pci_line(const struct pci_access *access, pci_function function);

/* One message (MSI) instead of the interrupt line; false if the function has none. */
MUST_CHECK bool pci_msi_enable(const struct pci_access *access, pci_function function,
                               uint64_t address, uint16_t data);

/* The table of MSI-X messages; false if there is none. */
#define PCI_MSIX_ENTRY 16 /* bytes: address 8, data 4, control 4; control 0: enabled */
MUST_CHECK bool pci_msix_table(const struct pci_access *access, pci_function function,
                               struct phys_range *out);
/* Messages instead of the interrupt line. After the table is filled. */
void pci_msix_enable(const struct pci_access *access, pci_function function);
