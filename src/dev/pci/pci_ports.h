/* SPDX-License-Identifier: MIT */
/* The configuration space of this machine, by two ports (PCI 3.0, 3.2.2.3.2). */
#pragma once

#include "dev/pci/pci.h"

/* Callers: boot, and interrupts off: an access takes two steps. */
extern const struct pci_access pci_ports;
