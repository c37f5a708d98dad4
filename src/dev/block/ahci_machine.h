/* SPDX-License-Identifier: MIT */
/* The AHCI controllers of this machine. */
#pragma once

#include "dev/pci/pci.h"
#include "parse/boot_info.h"

/* Starts a controller, and registers the drives at its ports. Boot. */
void ahci_start_controller(const struct boot_info *boot, const struct pci_access *access,
                           pci_function function);
