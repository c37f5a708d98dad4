/* SPDX-License-Identifier: MIT */
/* Volume descriptors, directories and files. */
#include "base/checked.h"
#include "base/str.h"
#include "fs/iso9660/record.h"

#define FIRST_DESCRIPTOR 16
#define DESCRIPTORS_MOST 64
#define NUMBER_SHIFT     5 /* of a record's place: none is shorter than 32 bytes */
#define RECORDS_A_TURN   32
#define DIRECTORY_TYPE   4 /* mode >> 12 */

static enum err read_bytes(struct iso *iso, uint64_t offset, void *to, uint32_t size)
{
    if (!checked_span(offset, size, iso->io.bytes))
        return E_IO;
    return iso->io.read(iso->io.context, offset, to, size);
}

static enum err root_take(struct iso *iso, const uint8_t *descriptor)
{
    uint32_t block = (uint32_t)descriptor[128] | (uint32_t)descriptor[129] << 8;
    if (block != 512 && block != 1024 && block != 2048)
        return E_INVAL;
    iso->block = block;
    iso->blocks = iso_get_32(descriptor + 80);
    iso->root = ((uint64_t)iso_get_32(descriptor + 158) + descriptor[157]) * block;
    uint32_t length = ISO_LABEL;
    while (length > 0 && descriptor[40 + length - 1] == ' ')
        length--;
    memcpy(iso->label, descriptor + 40, length);
    iso->label[length] = '\0';
    return E_OK;
}

enum err iso_open(const struct iso_io *io, struct iso *out)
{
    uint8_t bytes[RECORD_SIZE];
    *out = (struct iso){.io = *io};
    for (uint64_t i = FIRST_DESCRIPTOR; i < FIRST_DESCRIPTOR + DESCRIPTORS_MOST; i++) {
        if (!checked_span(i * ISO_SECTOR, sizeof bytes, io->bytes))
            return E_INVAL;
        enum err e = read_bytes(out, i * ISO_SECTOR, bytes, sizeof bytes);
        if (e != E_OK)
            return e;
        if (memcmp(bytes + 1, "CD001", 5) != 0 || bytes[0] == 255)
            return E_INVAL;
        if (bytes[0] != 1)
            continue;
        e = root_take(out, bytes);
        if (e == E_OK)
            e = read_bytes(out, out->root, bytes, sizeof bytes);
        if (e == E_OK)
            iso_record_sharing(out, bytes, sizeof bytes);
        return e;
    }
    return E_INVAL;
}

/* ---- Records of a directory ---- */

struct reader {
    struct iso *iso;
    struct iso_section directory;
    uint64_t at, next; /* of the record, from the directory's start */
    unsigned records;
    struct record record;
};

/* The next record, whatever its kind. E_NOENT: there are no more. */
static enum err record_next(struct reader *r, char *link)
{
    uint8_t bytes[RECORD_SIZE];
    if (++r->records % RECORDS_A_TURN == 0)
        r->iso->io.give_way(r->iso->io.context);
    for (r->at = r->next; r->at < r->directory.bytes;
         r->at = (r->at / ISO_SECTOR + 1) * ISO_SECTOR) {
        uint64_t left = ISO_SECTOR - r->at % ISO_SECTOR;
        if (left > r->directory.bytes - r->at)
            left = r->directory.bytes - r->at;
        uint32_t size = left < sizeof bytes ? (uint32_t)left : sizeof bytes;
        enum err e = read_bytes(r->iso, r->directory.offset + r->at, bytes, size);
        if (e != E_OK)
            return e;
        if (bytes[0] == 0)
            continue; /* the rest of the sector is empty */
        e = iso_record_parse(r->iso, bytes, size, link, &r->record);
        r->next = r->at + r->record.next;
        return e;
    }
    return E_NOENT;
}

static void stat_fill(const struct record *record, struct iso_stat *out)
{
    out->mode = record->mode;
    out->uid = record->uid;
    out->gid = record->gid;
    out->nlink = record->nlink > 0 ? record->nlink : 1;
    out->device = record->device;
    out->accessed = record->accessed;
    out->modified = record->modified;
    out->changed = record->changed;
    out->created = record->created;
}

/* The directory with its "." at this byte. */
static enum err directory_stat(struct iso *iso, uint64_t offset, struct iso_stat *out)
{
    struct reader r = {iso, {offset, ISO_SECTOR}, .next = 0};
    if (!checked_span(offset, ISO_SECTOR, iso->io.bytes))
        return E_IO;
    enum err e = record_next(&r, NULL);
    if (e != E_OK || r.at != 0 || r.record.kind != RECORD_DOT || !r.record.directory ||
        r.record.block * iso->block != offset || r.record.bytes > ISO_DIRECTORY_MAX ||
        !checked_span(offset, r.record.bytes, iso->io.bytes))
        return e == E_OK || e == E_NOENT ? E_IO : e;
    stat_fill(&r.record, out);
    out->ino = offset >> NUMBER_SHIFT;
    out->size = r.record.bytes;
    out->sections = 1;
    out->section[0] = (struct iso_section){offset, r.record.bytes};
    out->link_length = 0;
    return E_OK;
}

enum err iso_root(struct iso *iso, struct iso_stat *out)
{
    return directory_stat(iso, iso->root, out);
}

/* The parts of a file, of which the reader has the first. */
static enum err sections_read(struct reader *r, struct iso_stat *out)
{
    for (;;) {
        struct iso_section part = {r->record.block * r->iso->block, r->record.bytes};
        if (part.bytes > 0) {
            if (out->sections == ISO_SECTIONS ||
                !checked_span(part.offset, part.bytes, r->iso->io.bytes))
                return E_IO;
            out->section[out->sections++] = part;
            out->size += part.bytes;
        }
        if (!r->record.more)
            return E_OK;
        enum err e = record_next(r, NULL);
        if (e != E_OK)
            return e == E_NOENT ? E_IO : e;
    }
}

/* What the reader has found. out->link is the text of a symbolic link. */
static enum err found_stat(struct reader *r, struct iso_stat *out)
{
    struct record *record = &r->record;
    if (record->directory)
        return directory_stat(r->iso, record->block * r->iso->block, out);
    stat_fill(record, out);
    out->ino = (r->directory.offset + r->at) >> NUMBER_SHIFT;
    out->size = 0;
    out->sections = 0;
    out->link_length = 0;
    uint32_t type = record->mode >> 12;
    if (type == 8)
        return sections_read(r, out);
    if (type == 10) {
        if (record->link_length == 0 || memchr(out->link, 0, record->link_length) != NULL)
            return E_IO;
        out->link[record->link_length] = '\0';
        out->link_length = record->link_length;
        out->size = record->link_length;
    }
    return E_OK;
}

static bool is_called(const struct record *r, const char *name, size_t length)
{
    return r->kind == RECORD_SHOWN && r->name_length == length &&
           memcmp(r->name, name, length) == 0;
}

static uint32_t hash_name(const char *name, size_t length)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (uint8_t)name[i]) * 16777619u;
    return hash;
}

/* Of the names with the hash. */
static enum err lookup_by_index(struct reader *r, const struct iso_index *index, const char *name,
                                size_t length, char *link)
{
    uint32_t hash = hash_name(name, length), low = 0, high = index->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (index->entry[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < index->count && index->entry[low].hash == hash; low++) {
        r->next = index->entry[low].at;
        enum err e = record_next(r, link);
        if (e != E_OK || is_called(&r->record, name, length))
            return e;
    }
    return E_NOENT;
}

/* The next record that is not a further part of a file. */
static enum err record_next_file(struct reader *r, char *link)
{
    enum err e = E_OK;
    while (e == E_OK && r->record.more)
        e = record_next(r, NULL);
    return e == E_OK ? record_next(r, link) : e;
}

enum err iso_lookup(struct iso *iso, struct iso_place place, const char *name, size_t length,
                    struct iso_stat *out)
{
    struct reader r = {iso, place.directory, .next = 0};
    enum err e;
    if (place.index) {
        e = lookup_by_index(&r, place.index, name, length, out->link);
    } else {
        do
            e = record_next_file(&r, out->link);
        while (e == E_OK && !is_called(&r.record, name, length));
    }
    return e == E_OK ? found_stat(&r, out) : e;
}

/* The number is that of found_stat(). A directory's type does not depend on its own record. */
static struct iso_name listed_name(const struct reader *r)
{
    const struct record *record = &r->record;
    uint64_t place =
        record->directory ? record->block * r->iso->block : r->directory.offset + r->at;
    return (struct iso_name){record->name, record->name_length, place >> NUMBER_SHIFT, r->at + 1,
                             (uint8_t)(record->directory ? DIRECTORY_TYPE : record->mode >> 12)};
}

enum err iso_list(struct iso *iso, struct iso_section directory, uint64_t from, iso_sink sink,
                  void *context)
{
    struct reader r = {iso, directory, .next = from > 0 ? from - 1 : 0};
    enum err e = from > 0 ? record_next_file(&r, NULL) : E_OK; /* the last one that was listed */
    for (;;) {
        if (e == E_OK)
            e = record_next_file(&r, NULL);
        if (e != E_OK)
            return e == E_NOENT ? E_OK : e;
        struct iso_name name = listed_name(&r);
        if (r.record.kind == RECORD_SHOWN && !sink(context, &name))
            return E_OK;
    }
}

/* ---- The index ---- */

static bool hash_is_before(const struct iso_index_entry *a, const struct iso_index_entry *b)
{
    return a->hash != b->hash ? a->hash < b->hash : a->at < b->at;
}

static void index_sift(struct iso_index_entry *heap, uint32_t at, uint32_t count)
{
    struct iso_index_entry moved = heap[at];
    for (uint32_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && hash_is_before(&heap[child], &heap[child + 1]))
            child++;
        if (!hash_is_before(&moved, &heap[child]))
            break;
        heap[at] = heap[child];
    }
    heap[at] = moved;
}

static void index_sort(struct iso *iso, struct iso_index *index)
{
    struct iso_index_entry *heap = index->entry;
    for (uint32_t i = index->count / 2; i > 0; i--) {
        index_sift(heap, i - 1, index->count);
        if (i % 1024 == 0)
            iso->io.give_way(iso->io.context);
    }
    for (uint32_t left = index->count; left > 1; left--) {
        struct iso_index_entry last = heap[left - 1];
        heap[left - 1] = heap[0];
        heap[0] = last;
        index_sift(heap, 0, left - 1);
        if (left % 1024 == 0)
            iso->io.give_way(iso->io.context);
    }
}

enum err iso_index_make(struct iso *iso, struct iso_section directory, struct iso_index *index,
                        uint32_t room)
{
    struct reader r = {iso, directory, .next = 0};
    index->count = 0;
    for (;;) {
        enum err e = record_next_file(&r, NULL);
        if (e == E_NOENT)
            break;
        if (e != E_OK)
            return e;
        if (r.record.kind != RECORD_SHOWN)
            continue;
        if (index->count < room)
            index->entry[index->count] = (struct iso_index_entry){
                hash_name(r.record.name, r.record.name_length), (uint32_t)r.at};
        index->count++;
    }
    if (index->count <= room)
        index_sort(iso, index);
    return E_OK;
}
