/* SPDX-License-Identifier: MIT */
/*
 * A port of an AHCI controller (Serial ATA AHCI 1.3.1), with a disk or a CD drive. Pure, but for the registers;
 * dev/block/ahci_machine.c has the controller and its interrupts.
 *
 *     command list --slot 0--> command table: | FIS to the drive | packet | regions of memory |
 *
 * A port has one command at a time. After an error the port stops, and is started again. What comes is counted by the
 * controller: a READ that brought less than the request has room for has failed. A drive that is pulled out, or a port that
 * does not stop, has gone for good.
 */
#pragma once

#include "kern/block.h"

#define AHCI_REGISTERS       0x1100 /* bytes: of the controller and 32 ports */
#define AHCI_REGISTERS_LEAST 0x180
#define AHCI_PORT_BYTES      0x80
#define AHCI_PORTS           32
#define AHCI_SEGMENTS        64

struct ahci_port {
    struct block_device disk; /* its name and numbers are the caller's */
    volatile char *registers; /* of the port */
    unsigned polls;           /* how often a register is looked at until it changes */
    char *memory;             /* a page, zeroed */
    phys_t memory_at;

    /* The driver's own. */
    bool packet, lba48;
    struct block_request *request; /* with the drive; NULL: none */
};

/* The registers of port `number`. */
static inline volatile char *ahci_port_registers(volatile void *controller, unsigned number)
{
    return (volatile char *)controller + 0x100 + number * AHCI_PORT_BYTES;
}
/* Turns the controller on. The ports that it has, a bit each; *wide: its addresses have 64 bits. Boot. */
uint32_t ahci_start(volatile void *controller, bool *wide);
/* True if a drive is at the port. O(1). */
MUST_CHECK bool ahci_has_drive(volatile const char *port_registers);
/* Starts the port and its drive, and fills in disk for block_register(). E_NODEV: no disc; E_NOTSUP: another kind of drive;
 * E_IO: it fails. The port is off then. Its interrupts are off until ahci_port_go(). Boot. */
MUST_CHECK enum err ahci_port_open(struct ahci_port *port);
void ahci_port_go(struct ahci_port *port);

/* The ports with an interrupt, a bit each, which are acknowledged with ahci_acknowledge() after their block_interrupt(). */
uint32_t ahci_pending(volatile void *controller);
void ahci_acknowledge(volatile void *controller, uint32_t ports);
