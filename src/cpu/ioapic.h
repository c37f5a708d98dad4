/* SPDX-License-Identifier: MIT */
/*
 * Interrupts of devices other than the ISA lines of the 8259s (cpu/apic.h). Each has a vector of its
 * own. The device raises it itself (MSI), or an I/O APIC does (82093AA data sheet) for one of its
 * inputs. The inputs of all I/O APICs have numbers in common, the GSIs; ACPI's MADT says where they
 * start.
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

#define IOAPIC_BYTES 0x20 /* of registers */

/* Of a device: runs with interrupts off. */
typedef void (*irq_handler)(void *context);

/* A vector for `handler`, which gets the context; the local APIC is acknowledged after it.
 * False if all are taken. Boot. */
MUST_CHECK bool irq_vector_take(irq_handler handler, void *context, unsigned *out);

/* Another handler of that vector, for a line that devices share: each is called, whichever device it was. Boot. */
MUST_CHECK bool irq_vector_share(unsigned vector, irq_handler handler, void *context);

/* The messages (MSI) that raise the vector on this CPU (SDM 3A 11.11). */
uint64_t msi_address(void);
uint32_t msi_data(unsigned vector);

/* Adds an I/O APIC; `registers` is mapped uncached, `first` the GSI of input 0. Masks its inputs. False if there is none at the address, or too many. Boot. */
MUST_CHECK bool ioapic_add(volatile void *registers, uint32_t first);
/* Input `gsi`, level-triggered, active high or low, raises the vector on this CPU. False if no I/O APIC
 * has it. Boot. */
MUST_CHECK bool ioapic_route(uint32_t gsi, bool low, unsigned vector);
/* Callers: any, interrupts off. */
void ioapic_mask(uint32_t gsi);
