/* SPDX-License-Identifier: MIT */
/* The NVMe controllers of this machine. */
#pragma once

#include "dev/pci/pci.h"
#include "parse/boot_info.h"

/* Starts a controller, and registers its first namespace. Boot. */
void nvme_start_controller(const struct boot_info *boot, const struct pci_access *access,
                           pci_function function);
