/* SPDX-License-Identifier: MIT */
/* Interrupts of devices on PCI, and of others at an I/O APIC's input: a vector for each handler. */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "cpu/ioapic.h"
#include "dev/pci/pci.h"
#include "parse/boot_info.h"

/* Input `gsi` of the I/O APICs that ACPI names calls the handler, after those that have taken it before: a handler is called
 * for other devices' interrupts, too. E_NOMEM: no vector is left; E_NODEV: there is no such input. Boot. */
MUST_CHECK enum err line_take(const struct boot_info *boot, uint32_t gsi, bool low,
                              irq_handler handler, void *context);

struct pci_handlers {
    irq_handler interrupt;
    irq_handler changed; /* of the second message; NULL: all are the first one's */
    void *context;       /* of both */
    bool plain;          /* MSI, not MSI-X, whose entries the device would have to be told */
};

struct pci_interrupts {
    uint32_t line; /* GSI, masked by ioapic_mask(); 0: messages */
    bool two;      /* message 1 calls handlers->changed */
};

/* Turns the function on, and takes its messages (MSI-X or MSI) or, where it has none, its line. Errors as line_take(), and
 * E_NODEV: neither is there. Boot. */
MUST_CHECK enum err pci_take_interrupts(const struct boot_info *boot,
                                        const struct pci_access *access, pci_function function,
                                        const struct pci_handlers *handlers,
                                        struct pci_interrupts *out);

/* A device that was stopped touches no memory and raises no interrupts any more. `access`: NULL if it is not on PCI;
 * `line`: 0 if it has messages. Callers: any. */
void device_leave(const struct pci_access *access, pci_function function, uint32_t line);
