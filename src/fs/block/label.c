/* SPDX-License-Identifier: MIT */
#include "fs/block/label.h"

#include "base/str.h"
#include "mm/heap/heap.h"

/* Where a file system of the kind keeps its label. ext4: the superblock at 1024; ISO 9660 (ECMA-119 8.4): the volume descriptor in sector 16. */
static const struct label_place {
    uint32_t page, magic_at, label_at, size;
    char magic[8];
} label_places[] = {
    {0, 1024 + 56, 1024 + 120, 16, "\x53\xef"},
    {32768, 0, 40, 32, "\1CD001\1"},
};

/* Blanks and NULs fill the rest of the field. */
INIT_CODE static bool is_label(const char *field, size_t size, const char *label)
{
    size_t length = strlen(label);
    if (length == 0 || length > size || memcmp(field, label, length) != 0)
        return false;
    while (length < size && (field[length] == ' ' || field[length] == '\0'))
        length++;
    return length == size;
}

INIT_CODE struct block_device *block_find_label(const char *label)
{
    struct block_device *d = NULL;
    char *page = kpage_alloc();
    bool found = false;
    while (page != NULL && !found && (d = block_next(d)) != NULL) {
        for (size_t i = 0; i < ARRAY_LENGTH(label_places) && !found; i++) {
            const struct label_place *place = &label_places[i];
            found = block_read(d, place->page, page, PAGE_SIZE) == E_OK &&
                    memcmp(page + place->magic_at, place->magic, strlen(place->magic)) == 0 &&
                    is_label(page + place->label_at, place->size, label);
        }
    }
    if (page != NULL)
        kpage_free(page);
    return found ? d : NULL;
}
