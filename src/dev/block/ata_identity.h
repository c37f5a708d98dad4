/* SPDX-License-Identifier: MIT */
/* What ATA and ATAPI drives say of themselves (ATA/ATAPI-6, 8.15; MMC-3), whatever controller they are at. Pure. */
#pragma once

#include "kern/block.h"

#define ATA_WORDS 256 /* of IDENTIFY */
#define CD_BLOCK  2048

enum { /* commands of both controllers */
    ATA_READ = 0xc8,
    ATA_READ_48 = 0x25,
    ATA_WRITE = 0xca,
    ATA_WRITE_48 = 0x35,
    ATA_FLUSH = 0xe7,
    ATA_FLUSH_48 = 0xea,
    ATA_PACKET = 0xa0,
    ATA_IDENTIFY = 0xec,
    ATA_IDENTIFY_PACKET = 0xa1,

    ATA_PACKET_BYTES = 12,
    ATA_PACKET_READY = 0x00,
    ATA_PACKET_SENSE = 0x03, /* the reason of an error, which it clears */
    ATA_PACKET_CAPACITY = 0x25,
    ATA_PACKET_READ = 0xa8,
    ATA_PACKET_TRIES = 8, /* the first after a reset fail: attention, medium changed */
    ATA_SENSE_BYTES = 18,
    ATA_CAPACITY_BYTES = 8,
};

/* Fills in size, blocks and flush of the disk, and whether its LBAs have 48 bits. False: it has no LBAs, no DMA, no sectors,
 * or logical sectors of another size than 512 bytes. */
MUST_CHECK bool ata_disk_identity(const uint16_t *words, struct block_device *disk, bool *lba48);
/* The same for a CD by the answer to READ CAPACITY. False: its blocks have another size than 2048 bytes. */
MUST_CHECK bool ata_cd_capacity(const uint8_t *answer, struct block_device *disk);
/* The packet that reads what the request is for. */
void ata_read_packet(const struct block_request *request, uint8_t packet[ATA_PACKET_BYTES]);
/* The command for the request of a disk. */
uint8_t ata_disk_command(const struct block_request *request, bool lba48);
