/* SPDX-License-Identifier: MIT */
/*
 * ECMA-119: the volume descriptors start at sector 16; the primary one holds the directory record of
 * the root. A directory is a file of such records, none of which crosses a sector; a zero length
 * byte means that the rest of the sector is empty.
 *
 *   record: 0 length, 2 extent (4 bytes, little-endian), 10 size (4), 25 flags,
 *           32 name length, 33 name
 */
#include "image/iso9660.h"
#include "base/checked.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

#define SECTOR         2048u
#define DESCRIPTORS_AT 16u
#define VOLUME_SIZE_AT 80 /* sectors, little-endian 4 */
#define ROOT_RECORD_AT 156
#define RECORD_MIN     34
#define FLAG_FOLDER    2
#define FOLDER_MAX     (1u << 20) /* bytes of one directory that are searched */

struct image {
    int file;
    uint64_t size; /* bytes */
};

static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool read_sector(int image, uint64_t offset, uint8_t *to)
{
    return pread(image, to, SECTOR, (off_t)offset) == SECTOR;
}

static bool take(const uint8_t *record, uint64_t size, struct iso9660_file *out)
{
    out->offset = (uint64_t)le32(record + 2) * SECTOR;
    out->size = le32(record + 10);
    return checked_span(out->offset, out->size, size);
}

/* True for the name with or without a version: "GRUB.CFG;1", "GRUB.CFG". */
static bool name_is(const uint8_t *record, const char *name)
{
    size_t length = record[32], wanted = strlen(name);
    const char *have = (const char *)record + 33;
    if (33 + length > record[0] || length < wanted || strncasecmp(have, name, wanted) != 0)
        return false;
    return length == wanted || have[wanted] == ';';
}

static bool find_in(const struct image *image, struct iso9660_file folder, const char *name,
                    struct iso9660_file *out, bool *is_folder)
{
    uint8_t sector[SECTOR];
    for (uint32_t at = 0; at < folder.size && at < FOLDER_MAX; at += SECTOR) {
        if (!read_sector(image->file, folder.offset + at, sector))
            return false;
        for (uint32_t i = 0; i + RECORD_MIN <= SECTOR && sector[i] > 0; i += sector[i]) {
            const uint8_t *record = sector + i;
            if (record[0] < RECORD_MIN || i + record[0] > SECTOR)
                return false;
            if (name_is(record, name)) {
                *is_folder = record[25] & FLAG_FOLDER;
                return take(record, image->size, out);
            }
        }
    }
    return false;
}

static bool read_descriptor(int image, uint8_t *sector)
{
    return read_sector(image, DESCRIPTORS_AT * SECTOR, sector) &&
           memcmp(sector, "\001CD001", 6) == 0;
}

uint64_t iso9660_size(int image)
{
    uint8_t sector[SECTOR];
    return read_descriptor(image, sector) ? (uint64_t)le32(sector + VOLUME_SIZE_AT) * SECTOR : 0;
}

bool iso9660_find(int image, uint64_t size, const char *const *names, struct iso9660_file *out)
{
    uint8_t sector[SECTOR];
    const struct image whole = {image, size};
    struct iso9660_file at;
    bool is_folder = true;
    if (!read_descriptor(image, sector) || !take(sector + ROOT_RECORD_AT, size, &at))
        return false;
    for (; *names; names++)
        if (!is_folder || !find_in(&whole, at, *names, &at, &is_folder))
            return false;
    *out = at;
    return !is_folder;
}
