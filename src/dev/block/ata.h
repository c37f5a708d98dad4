/* SPDX-License-Identifier: MIT */
/*
 * A channel of an IDE controller with bus mastering (ATA/ATAPI-6; Intel's PIIX: 290562; SFF-8038i), and the two drives on it:
 * disks and CD drives. Pure, but for the ports; dev/block/ata_machine.c has the controller and its interrupts.
 *
 * The drives take turns: a channel has one request. Its segments go into a table of regions, which the controller reads;
 * the registers say the rest:
 *
 *     disk   LBA, count, READ DMA / WRITE DMA / FLUSH CACHE
 *     CD     PACKET, then 12 bytes: READ (12)
 *
 * What a drive says is checked: sizes, and that as many bytes came as the request has room for. A drive that stays busy has
 * gone for good. Addresses have 32 bits: memory must end below 4 GiB.
 */
#pragma once

#include "kern/block.h"

#define ATA_SEGMENTS 128
#define ATA_REGIONS  (2 * ATA_SEGMENTS) /* a segment may cross a boundary of 64 KiB */

struct ata_region {
    uint32_t at;
    uint16_t bytes; /* 0: 64 KiB */
    uint16_t flags;
};

struct ata_channel;

struct ata_drive {
    struct block_device disk; /* its name and numbers are the caller's */
    struct ata_channel *channel;
    uint8_t number; /* 0, 1 */
    bool there;
    bool packet;  /* a CD drive */
    bool lba48;   /* LBAs of 48 bits */
    bool refused; /* waits for its turn */
};

struct ata_channel {
    uint16_t command, control, master; /* ports: 8 registers, 1, 8 */
    unsigned polls;                    /* how often a drive is looked at until it is not busy */
    struct ata_region *regions;        /* a page */
    phys_t regions_at;                 /* below 4 GiB */

    /* The driver's own. */
    struct spin_lock spin;
    struct ata_drive drive[2];
    struct ata_drive *
        active GUARDED_BY(class_block); /* it has the request below; NULL: the channel is free */
    struct ata_drive *last GUARDED_BY(class_block); /* that was active */
    struct block_request *request GUARDED_BY(class_block);
};

/* Resets the channel and looks for its drives: drive[].there, with disk for block_register(). Interrupts are off until
 * ata_go(). Boot. */
void ata_probe(struct ata_channel *channel);
void ata_go(struct ata_channel *channel);
/* An interrupt of the channel: O(1). Callers: interrupt handlers. */
void ata_interrupt(struct ata_channel *channel);
