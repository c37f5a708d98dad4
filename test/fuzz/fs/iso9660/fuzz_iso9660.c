/* SPDX-License-Identifier: MIT */
/*
 * Hostile media: the input is the image from sector 16 on. All of the tree is walked to a depth, each name is looked up
 * with and without the index: nothing may be read outside the device, written beside its memory, or hang.
 */
#include "fs/iso9660/iso9660.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BEFORE  (16u * ISO_SECTOR)
#define NAMES   32u
#define VISITS  40u
#define READS   20000u /* of one input: it ends, and soon */
#define INDEXED 64u

static const uint8_t *image;
static size_t image_size;
static unsigned reads, visits;

static enum err image_read(void *context, uint64_t offset, void *to, size_t size)
{
    (void)context;
    assert(offset <= BEFORE + image_size && size <= BEFORE + image_size - offset);
    if (++reads > READS)
        return E_IO;
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)to)[i] = offset + i < BEFORE ? 0 : image[offset + i - BEFORE];
    return E_OK;
}

static void nothing(void *context)
{
    (void)context;
}

struct names {
    unsigned count;
    struct kept {
        size_t length;
        char text[ISO_NAME_MAX + 1];
        uint64_t ino;
        uint8_t type;
    } name[NAMES];
    uint64_t next;
};

static bool keep(void *context, const struct iso_name *name)
{
    struct names *names = context;
    assert(name->length > 0 && name->length <= ISO_NAME_MAX && name->next > names->next);
    assert(memchr(name->text, 0, name->length) == NULL &&
           memchr(name->text, '/', name->length) == NULL);
    names->next = name->next;
    struct kept *kept = &names->name[names->count++];
    kept->length = name->length;
    memcpy(kept->text, name->text, name->length);
    kept->ino = name->ino;
    kept->type = name->type;
    return names->count < NAMES;
}

static void check(const struct iso_stat *stat)
{
    uint64_t bytes = 0;
    assert(stat->sections <= ISO_SECTIONS && stat->link_length <= ISO_LINK_MAX && stat->nlink > 0);
    for (uint32_t i = 0; i < stat->sections; i++) {
        assert(stat->section[i].bytes <= BEFORE + image_size);
        assert(stat->section[i].offset <= BEFORE + image_size - stat->section[i].bytes);
        bytes += stat->section[i].bytes;
    }
    if (stat->mode >> 12 == 8 || stat->mode >> 12 == 4)
        assert(bytes == stat->size);
    if (stat->mode >> 12 == 10)
        assert(strlen(stat->link) == stat->link_length && stat->link_length > 0);
}

static void visit(struct iso *iso, struct iso_section directory, unsigned depth)
{
    static struct iso_stat by_index[8], by_list[8];
    struct names *names = calloc(1, sizeof *names);
    struct iso_index *index = malloc(sizeof *index + INDEXED * sizeof index->entry[0]);
    assert(names && index);
    bool indexed =
        iso_index_make(iso, directory, index, INDEXED) == E_OK && index->count <= INDEXED;
    enum err e = iso_list(iso, directory, 0, keep, names);
    (void)e;
    for (unsigned i = 0; i < names->count && visits < VISITS; i++) {
        const struct kept *k = &names->name[i];
        struct iso_place place = {directory, NULL};
        e = iso_lookup(iso, place, k->text, k->length, &by_list[depth]);
        if (e != E_OK)
            continue;
        check(&by_list[depth]);
        place.index = index;
        if (indexed && reads < READS / 2) {
            assert(iso_lookup(iso, place, k->text, k->length, &by_index[depth]) == E_OK);
            assert(by_index[depth].ino == by_list[depth].ino);
        }
        if (by_list[depth].mode >> 12 == 4 && depth + 1 < 8) {
            visits++;
            visit(iso, by_list[depth].section[0], depth + 1);
        }
    }
    free(index);
    free(names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct iso_stat root;
    struct iso iso;
    const struct iso_io io = {NULL, BEFORE + size, image_read, nothing};
    image = data;
    image_size = size;
    reads = visits = 0;
    if (iso_open(&io, &iso) != E_OK || iso_root(&iso, &root) != E_OK)
        return 0;
    check(&root);
    visit(&iso, root.section[0], 0);
    return 0;
}
