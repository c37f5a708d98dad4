/* SPDX-License-Identifier: MIT */
/*
 *   | header, 110 bytes | name, NUL | to 4 | data | to 4 | header ...
 *
 * The header is a magic and thirteen numbers of eight hexadecimal digits. "to 4": padding to a
 * multiple of 4 bytes from the start of the archive.
 */
#include "parse/cpio.h"

#include "base/addr.h"
#include "base/checked.h"
#include "base/str.h"

enum {
    MAGIC_LENGTH = 6,
    DIGITS = 8,
    FIELDS = 13,
    HEADER_LENGTH = MAGIC_LENGTH + FIELDS * DIGITS,
    NAME_MAX_LENGTH = 4096, /* with the NUL: PATH_MAX, as in Linux's initramfs */
};

enum field {
    FIELD_INO,
    FIELD_MODE,
    FIELD_UID,
    FIELD_GID,
    FIELD_NLINK,
    FIELD_MTIME,
    FIELD_SIZE,
    FIELD_DEV_MAJOR,
    FIELD_DEV_MINOR,
    FIELD_RDEV_MAJOR,
    FIELD_RDEV_MINOR,
    FIELD_NAME_SIZE,
    FIELD_CHECKSUM,
};

#define MODE_TYPE    0170000
#define MODE_REGULAR 0100000

static enum cpio_next broken(struct parse_fault *fault, uint64_t offset, const char *what)
{
    *fault = (struct parse_fault){offset, what};
    return CPIO_BROKEN;
}

static bool parse_hex(const uint8_t *digits, uint32_t *out)
{
    uint32_t value = 0;
    for (int i = 0; i < DIGITS; i++) {
        uint8_t c = digits[i];
        uint32_t digit;
        if (c >= '0' && c <= '9')
            digit = c - (uint32_t)'0';
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            digit = (c | 0x20u) - 'a' + 10;
        else
            return false;
        value = value << 4 | digit;
    }
    *out = value;
    return true;
}

static bool all_zero(const uint8_t *bytes, uint64_t size)
{
    for (uint64_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

static uint32_t byte_sum(const uint8_t *bytes, uint32_t size)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < size; i++)
        sum += bytes[i];
    return sum;
}

/* 1 or 2, the last digit of the magic; 0 if the magic is another. */
static int magic_kind(const uint8_t *header)
{
    if (memcmp(header, "07070", MAGIC_LENGTH - 1) != 0)
        return 0;
    return header[MAGIC_LENGTH - 1] == '1' ? 1 : header[MAGIC_LENGTH - 1] == '2' ? 2 : 0;
}

void cpio_open(struct cpio_reader *reader, const void *bytes, uint64_t size)
{
    *reader = (struct cpio_reader){bytes, size, 0};
}

/* Finds name and data, and advances the reader past them. */
static enum cpio_next locate(struct cpio_reader *r, const uint32_t *field, struct cpio_entry *entry,
                             struct parse_fault *fault)
{
    uint64_t start = r->offset, name_at = start + HEADER_LENGTH;
    uint32_t name_size = field[FIELD_NAME_SIZE];
    if (name_size < 2 || name_size > NAME_MAX_LENGTH)
        return broken(fault, start, "a file name is empty or longer than 4095 bytes");
    if (!checked_span(name_at, name_size, r->size))
        return broken(fault, start, "the archive ends within a file name");
    const char *name = (const char *)r->bytes + name_at;
    if (name[name_size - 1] != '\0')
        return broken(fault, name_at, "a file name does not end");
    if (name[0] == '\0')
        return broken(fault, name_at, "a file name is empty or longer than 4095 bytes");

    uint64_t data_at = align_up(name_at + name_size, 4);
    if (data_at > r->size)
        data_at = r->size; /* the last padding may be missing */
    if (!checked_span(data_at, field[FIELD_SIZE], r->size))
        return broken(fault, start, "the archive ends within the data of a file");
    uint64_t next = align_up(data_at + field[FIELD_SIZE], 4);

    r->offset = next < r->size ? next : r->size;
    entry->name = name;
    entry->name_length = (uint32_t)strlen(name);
    entry->data = r->bytes + data_at;
    entry->size = field[FIELD_SIZE];
    return CPIO_ENTRY;
}

enum cpio_next cpio_read(struct cpio_reader *r, struct cpio_entry *entry, struct parse_fault *fault)
{
    uint64_t start = r->offset, left = r->size - start;
    const uint8_t *header = r->bytes + start;
    if (left == 0 || (header[0] == 0 && all_zero(header, left)))
        return CPIO_END;
    if (left < HEADER_LENGTH)
        return broken(fault, start, "the archive ends within a header");
    int kind = magic_kind(header);
    if (kind == 0)
        return broken(fault, start, "there is no cpio header (newc)");

    uint32_t field[FIELDS];
    for (uint32_t i = 0; i < FIELDS; i++) {
        uint32_t at = MAGIC_LENGTH + i * DIGITS;
        if (!parse_hex(header + at, &field[i]))
            return broken(fault, start + at, "a number in a header is not hexadecimal");
    }

    struct cpio_entry found = {
        .ino = field[FIELD_INO],
        .mode = field[FIELD_MODE],
        .uid = field[FIELD_UID],
        .gid = field[FIELD_GID],
        .nlink = field[FIELD_NLINK],
        .mtime = field[FIELD_MTIME],
        .dev_major = field[FIELD_DEV_MAJOR],
        .dev_minor = field[FIELD_DEV_MINOR],
        .rdev_major = field[FIELD_RDEV_MAJOR],
        .rdev_minor = field[FIELD_RDEV_MINOR],
    };
    if (locate(r, field, &found, fault) == CPIO_BROKEN)
        return CPIO_BROKEN;
    if (strcmp(found.name, "TRAILER!!!") == 0) {
        if (!all_zero(r->bytes + r->offset, r->size - r->offset))
            return broken(fault, r->offset, "something follows the archive's trailer");
        r->offset = r->size;
        return CPIO_END;
    }
    bool regular = (found.mode & MODE_TYPE) == MODE_REGULAR;
    if (kind == 2 && regular && byte_sum(found.data, found.size) != field[FIELD_CHECKSUM])
        return broken(fault, start, "the checksum of a file is wrong");
    *entry = found;
    return CPIO_ENTRY;
}
