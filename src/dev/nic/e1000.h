/* SPDX-License-Identifier: MIT */
/*
 * Intel's 82540EM (e1000: QEMU's pc, VirtualBox, Bochs) and 82574L (e1000e: QEMU's q35) as a struct netdev, with what
 * both have in common (8254x and 82574 software developer's manuals). Pure, but for the registers;
 * dev/nic/nic_machine.c has the card and its interrupt.
 *
 *     receive ring    a struct net_buffer for each descriptor; the card owns those from its head up to the tail
 *     transmit ring   a struct net_buffer for each descriptor
 *
 * A frame that came takes its buffer away, and the descriptor gets another at once. If there is none, the frame is
 * dropped. What the card writes into descriptors decides only about sizes, which are checked; a card that breaks a rule
 * has failed for good.
 *
 * QEMU's 82540EM keeps frames that come while the ring is full, and drops those of them for which there is no room once
 * it gets descriptors again. So a ring that was full goes back empty, and the receive ring is large: a burst of up to
 * twice its size loses nothing. What the card drops, and counts, is in netdev.in.dropped.
 */
#pragma once

#include "kern/netdev.h"

#define E1000_REGISTERS 0x6000 /* bytes that are used */
#define E1000_IN_MAX    1024   /* descriptors of the receive ring */
#define E1000_OUT_MAX   256
#define E1000_RING_MIN  16

struct e1000_in;
struct e1000_out;

struct e1000 {
    struct netdev netdev;
    volatile void *registers;         /* mapped uncached */
    void (*leave)(struct e1000 *net); /* stops the card for good */
    /* Zeroed memory in one piece, aligned to 16, and its address for the card; NULL: there is none. Called once. */
    void *(*memory)(size_t size, phys_t *at);
    uint16_t in_size, out_size; /* of the rings: powers of two */

    /* The driver's own. */
    bool open, skips;             /* skips: up to the end of a frame that is too long */
    volatile bool changed;        /* the link, since it was looked at */
    volatile bool overrun;        /* the card has dropped frames that are not counted yet */
    uint32_t missed;              /* the card's counter, as it was read last */
    volatile uint32_t interrupts; /* since the last poll() */
    volatile struct e1000_in *in;
    volatile struct e1000_out *out;
    struct net_buffer **in_buffer, **out_buffer; /* of each descriptor */
    uint16_t in_next,
        in_told; /* the card writes the next frame there; and this is where it stops */
    uint16_t out_next, out_told, out_done; /* to be filled; the card knows; the card has not sent */
};

extern const struct netdev_ops e1000_ops;

/* The first 32 bits of PCI functions that are such cards, ended by 0; and the name of their driver in Linux. */
extern const uint32_t e1000_ids[];
const char *e1000_driver(uint32_t id);

/* An interrupt of the card. Callers: interrupt handlers. O(1). */
void e1000_interrupt(struct e1000 *net);
/* Turns off receiver, transmitter and interrupts. */
void e1000_stop(struct e1000 *net);
