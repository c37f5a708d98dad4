/* SPDX-License-Identifier: MIT */
#include "dev/block/ata_identity.h"

#include "base/str.h"
#include "parse/load.h"

bool ata_disk_identity(const uint16_t *words, struct block_device *disk, bool *lba48)
{
    uint64_t sectors = words[60] | (uint64_t)words[61] << 16;
    bool valid = (words[83] & 0xc000) == 0x4000; /* word 83 means something */
    *lba48 = valid && words[83] & 1 << 10;
    if (*lba48)
        sectors = words[100] | (uint64_t)words[101] << 16 | (uint64_t)words[102] << 32;
    disk->has_flush = valid && (words[83] & 1 << 12) != 0;
    disk->sectors = sectors;
    disk->logical_size = disk->physical_size = BLOCK_SECTOR;
    /* Physical blocks of 2^n sectors. */
    if ((words[106] & 0xe000) == 0x6000 && (words[106] & 15) <= 3)
        disk->physical_size = (uint32_t)BLOCK_SECTOR << (words[106] & 15);
    disk->driver = "sd";
    disk->rotational = true;
    return sectors > 0 && words[49] & 1 << 9 && words[49] & 1 << 8 &&
           !((words[106] & 0xd000) == 0x5000);
}

bool ata_cd_capacity(const uint8_t *answer, struct block_device *disk)
{
    uint32_t last = __builtin_bswap32(load32(answer)),
             block = __builtin_bswap32(load32(answer + 4));
    disk->readonly = disk->removable = disk->rotational = true;
    disk->sectors = ((uint64_t)last + 1) * (CD_BLOCK / BLOCK_SECTOR);
    disk->logical_size = disk->physical_size = CD_BLOCK;
    disk->driver = "sr";
    return block == CD_BLOCK && last != UINT32_MAX;
}

void ata_read_packet(const struct block_request *request, uint8_t packet[ATA_PACKET_BYTES])
{
    uint32_t block = __builtin_bswap32((uint32_t)(request->at / (CD_BLOCK / BLOCK_SECTOR)));
    uint32_t count = __builtin_bswap32((uint32_t)(request->sectors / (CD_BLOCK / BLOCK_SECTOR)));
    memset(packet, 0, ATA_PACKET_BYTES);
    packet[0] = ATA_PACKET_READ;
    memcpy(packet + 2, &block, sizeof block);
    memcpy(packet + 6, &count, sizeof count);
}

uint8_t ata_disk_command(const struct block_request *request, bool lba48)
{
    static const uint8_t commands[2][BLOCK_OPERATIONS] = {
        {[BLOCK_READ] = ATA_READ, [BLOCK_WRITE] = ATA_WRITE, [BLOCK_FLUSH] = ATA_FLUSH},
        {[BLOCK_READ] = ATA_READ_48, [BLOCK_WRITE] = ATA_WRITE_48, [BLOCK_FLUSH] = ATA_FLUSH_48}};
    return commands[lba48][request->now];
}
