/* SPDX-License-Identifier: MIT */
/*
 * The configuration space of this machine: in memory (ECAM, PCI Express 4.0, 7.2.2) where ACPI's MCFG says
 * so, else by two ports (PCI 3.0, 3.2.2.3.2).
 */
#pragma once

#include "dev/pci/pci.h"
#include "parse/boot_info.h"

/* NULL if there is no PCI. The first call lists the functions. Accesses are for boot, and for code with interrupts off;
 * then only to buses that were looked at during boot. Boot. */
const struct pci_access *pci_start(const struct boot_info *boot);

/* The first function whose vendor and device are `id`, as in the first 32 bits, and that no call has found yet; false if there is none. After
 * pci_start(). O(functions). Boot. */
MUST_CHECK bool pci_find(uint32_t id, pci_function *out);
/* The same by class and subclass, as 0x0101. */
MUST_CHECK bool pci_find_class(uint16_t class, pci_function *out);
