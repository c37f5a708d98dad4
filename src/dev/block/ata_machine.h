/* SPDX-License-Identifier: MIT */
/* The IDE controller of this machine: that of the PC's chipset, at its usual ports and lines. */
#pragma once

#include "dev/pci/pci.h"

/* Looks for drives on both channels, and registers them. Boot. */
void ata_start_controller(const struct pci_access *access, pci_function function);
