/* SPDX-License-Identifier: MIT */
/* Directory records, and the System Use entries of Rock Ridge in them. */
#include "fs/iso9660/record.h"

#include "base/checked.h"
#include "base/str.h"

#define FLAG_DIRECTORY  0x02
#define FLAG_ASSOCIATED 0x04
#define FLAG_MORE       0x80
#define HEADER          33 /* bytes before the name */
#define CONTINUED_MOST  16 /* areas of CE for one record */
#define ENTRIES_MOST    512
#define MODE_TYPE       0170000u
#define MODE_DIRECTORY  0040000u
#define MODE_FILE       0100000u
#define READ_EXECUTE    0555u

struct area { /* where the entries go on */
    uint64_t offset;
    uint32_t bytes;
};

/* ---- Times ---- */

static int64_t days_of(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    unsigned of_era = (unsigned)(year - era * 400);
    unsigned of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

struct date {
    int64_t year;
    uint32_t month, day, hour, minute, second;
    int8_t quarters; /* of an hour, east of Greenwich */
};

static struct iso_time time_of(struct date d)
{
    if (d.month < 1 || d.month > 12 || d.day < 1 || d.day > 31)
        return (struct iso_time){0, 0};
    int64_t seconds = days_of(d.year, d.month, d.day) * 86400 + d.hour * 3600 + d.minute * 60;
    return (struct iso_time){seconds + d.second - d.quarters * 900, 0};
}

static struct iso_time time_short(const uint8_t *at)
{
    return time_of((struct date){1900 + at[0], at[1], at[2], at[3], at[4], at[5], (int8_t)at[6]});
}

static uint32_t digits(const uint8_t *at, unsigned count)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < count; i++)
        value = value * 10 + (at[i] >= '0' && at[i] <= '9' ? (uint32_t)(at[i] - '0') : 0u);
    return value;
}

static struct iso_time time_long(const uint8_t *at)
{
    struct iso_time time = time_of(
        (struct date){digits(at, 4), digits(at + 4, 2), digits(at + 6, 2), digits(at + 8, 2),
                      digits(at + 10, 2), digits(at + 12, 2), (int8_t)at[16]});
    time.nanoseconds = digits(at + 14, 2) * 10000000;
    return time;
}

/* ---- Entries ---- */

static void entry_times(const uint8_t *e, uint32_t length, struct record *out)
{
    struct iso_time *to[] = {&out->created, &out->modified, &out->accessed, &out->changed};
    uint32_t size = e[4] & 0x80 ? 17 : 7, at = 5;
    for (unsigned i = 0; i < 4; i++) {
        if (!(e[4] >> i & 1))
            continue;
        if (at + size > length)
            return;
        *to[i] = size == 17 ? time_long(e + at) : time_short(e + at);
        at += size;
    }
}

static enum err entry_name(const uint8_t *e, uint32_t length, struct record *out)
{
    uint32_t size = length - 5;
    if (e[4] & 6) /* "." and "..", which have no such entry */
        return E_IO;
    if (!out->named)
        out->name_length = 0;
    out->named = true;
    if (size > ISO_NAME_MAX - out->name_length)
        return E_IO;
    memcpy(out->name + out->name_length, e + 5, size);
    out->name_length += size;
    return E_OK;
}

static bool link_append(struct record *out, const uint8_t *text, uint32_t size)
{
    if (size > ISO_LINK_MAX - out->link_length)
        return false;
    memcpy(out->link + out->link_length, text, size);
    out->link_length += size;
    return true;
}

/* A component: flags (1 goes on, 2 ".", 4 "..", 8 root), length, text. */
static enum err entry_link(const uint8_t *e, uint32_t length, struct record *out)
{
    static const uint8_t dots[] = "..", slash[] = "/";
    if (!out->link)
        return E_OK;
    for (uint32_t at = 5; at + 2 <= length; at += 2u + e[at + 1]) {
        uint32_t flags = e[at], size = e[at + 1];
        if (at + 2 + size > length)
            return E_IO;
        bool joined =
            out->link_open || out->link_length == 0 || out->link[out->link_length - 1] == '/';
        bool fits = joined || link_append(out, slash, 1);
        if (flags & 8)
            fits = fits && link_append(out, slash, joined || out->link_length == 0);
        else if (flags & 6)
            fits = fits && link_append(out, dots, flags & 4 ? 2 : 1);
        else
            fits = fits && link_append(out, e + at + 2, size);
        if (!fits)
            return E_IO;
        out->link_open = flags & 1;
    }
    return E_OK;
}

static void entry_device(const uint8_t *e, struct record *out)
{
    uint32_t high = iso_get_32(e + 4), low = iso_get_32(e + 12);
    if (high == 0 && low > 0xff) {
        high = low >> 8;
        low &= 0xff;
    }
    out->device = (uint64_t)high << 32 | low; /* see iso_record_parse() */
}

static enum err entry_area(struct iso *iso, const uint8_t *e, struct area *more)
{
    more->offset = (uint64_t)iso_get_32(e + 4) * iso->block + iso_get_32(e + 12);
    more->bytes = iso_get_32(e + 20);
    return checked_span(more->offset, more->bytes, iso->io.bytes) ? E_OK : E_IO;
}

#define TAG(a, b) ((uint32_t)(a) << 8 | (uint32_t)(b))

static enum err entry_take(struct iso *iso, const uint8_t *e, struct area *more, struct record *out)
{
    uint32_t length = e[2];
    switch (TAG(e[0], e[1])) {
    case TAG('C', 'E'):
        return length >= 28 ? entry_area(iso, e, more) : E_IO;
    case TAG('P', 'X'):
        if (length < 36)
            return E_IO;
        out->mode = iso_get_32(e + 4);
        out->nlink = iso_get_32(e + 12);
        out->uid = iso_get_32(e + 20);
        out->gid = iso_get_32(e + 28);
        return E_OK;
    case TAG('N', 'M'):
        return length >= 5 ? entry_name(e, length, out) : E_IO;
    case TAG('S', 'L'):
        return length >= 5 ? entry_link(e, length, out) : E_IO;
    case TAG('P', 'N'):
        if (length < 20)
            return E_IO;
        entry_device(e, out);
        return E_OK;
    case TAG('T', 'F'):
        if (length >= 5)
            entry_times(e, length, out);
        return E_OK;
    case TAG('C', 'L'):
        if (length < 12)
            return E_IO;
        out->elsewhere = true;
        out->block = iso_get_32(e + 4);
        return E_OK;
    case TAG('R', 'E'):
        out->kind = RECORD_HIDDEN;
        return E_OK;
    default:
        return E_OK;
    }
}

/* An entry of an area of CE, into e[RECORD_SIZE]. *length 0: the area ends. */
static enum err entry_read(struct iso *iso, struct area *area, uint8_t *e, uint32_t *length)
{
    *length = 0;
    if (area->bytes < 4)
        return E_OK;
    enum err err = iso->io.read(iso->io.context, area->offset, e, 4);
    if (err != E_OK || (e[0] == 'S' && e[1] == 'T') || e[2] == 0)
        return err;
    if (e[2] < 4 || e[2] > area->bytes)
        return E_IO;
    err = iso->io.read(iso->io.context, area->offset + 4, e + 4, e[2] - 4u);
    if (err != E_OK)
        return err;
    *length = e[2];
    area->offset += e[2];
    area->bytes -= e[2];
    return E_OK;
}

static enum err areas_take(struct iso *iso, struct area more, struct record *out)
{
    uint8_t e[RECORD_SIZE];
    uint32_t length, entries = 0;
    for (unsigned areas = 0; more.bytes > 0; areas++) {
        struct area area = more;
        more.bytes = 0;
        if (areas == CONTINUED_MOST)
            return E_IO;
        do {
            enum err err = entry_read(iso, &area, e, &length);
            if (err == E_OK && length > 0)
                err = ++entries < ENTRIES_MOST ? entry_take(iso, e, &more, out) : E_IO;
            if (err != E_OK)
                return err;
        } while (length > 0);
    }
    return E_OK;
}

static enum err entries_take(struct iso *iso, const uint8_t *at, const uint8_t *end,
                             struct record *out)
{
    struct area more = {0, 0};
    while (end - at >= 4 && at[2] >= 4 && at[2] <= end - at && !(at[0] == 'S' && at[1] == 'T')) {
        enum err e = entry_take(iso, at, &more, out);
        if (e != E_OK)
            return e;
        at += at[2];
    }
    return areas_take(iso, more, out);
}

/* ---- The record ---- */

/* Lower case, without ";1" and without a dot at the end. */
static void plain_name(const uint8_t *text, uint32_t length, struct record *out)
{
    if (length > 2 && text[length - 2] == ';' && text[length - 1] == '1')
        length -= 2;
    if (length > 1 && text[length - 1] == '.')
        length--;
    for (uint32_t i = 0; i < length; i++) {
        char c = (char)text[i];
        out->name[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c == ';' || c == '/' ? '.' : c);
    }
    out->name_length = length;
}

static bool is_name(const struct record *r)
{
    bool dots =
        r->name[0] == '.' && (r->name_length == 1 || (r->name_length == 2 && r->name[1] == '.'));
    if (r->name_length == 0 || dots)
        return false;
    for (uint32_t i = 0; i < r->name_length; i++)
        if (r->name[i] == '/' || r->name[i] == '\0')
            return false;
    return true;
}

/* Major and minor number as stat(2) has them. */
static uint64_t device_number_of(uint64_t pair)
{
    uint64_t major = pair >> 32, minor = pair & 0xffffffff;
    return (major & 0xfffff000) << 32 | (major & 0xfff) << 8 | (minor & 0xff) |
           (minor & 0xffffff00) << 12;
}

static enum err type_settle(struct record *out)
{
    uint32_t type = out->mode & MODE_TYPE;
    if (out->elsewhere)
        out->directory = true;
    if (out->directory)
        out->mode = (out->mode & ~MODE_TYPE) | MODE_DIRECTORY;
    else if (type == MODE_DIRECTORY || (0x1556u >> (type >> 12) & 1) == 0)
        return E_IO;
    return E_OK;
}

/* What ECMA-119 says of it. */
static void header_take(const uint8_t *bytes, uint32_t length, struct record *out)
{
    *out = (struct record){.next = length, .link = out->link, .nlink = 1};
    out->block = (uint64_t)iso_get_32(bytes + 2) + bytes[1];
    out->bytes = iso_get_32(bytes + 10);
    out->directory = bytes[25] & FLAG_DIRECTORY;
    out->more = bytes[25] & FLAG_MORE;
    out->kind = bytes[25] & FLAG_ASSOCIATED ? RECORD_HIDDEN : RECORD_SHOWN;
    out->mode = (out->directory ? MODE_DIRECTORY : MODE_FILE) | READ_EXECUTE;
    out->accessed = out->modified = out->changed = out->created = time_short(bytes + 18);
    if (bytes[32] == 1 && bytes[HEADER] <= 1)
        out->kind = RECORD_DOT;
    else
        plain_name(bytes + HEADER, bytes[32], out);
}

enum err iso_record_parse(struct iso *iso, const uint8_t *bytes, uint32_t size, char *link,
                          struct record *out)
{
    uint32_t length = size > 0 ? bytes[0] : 0;
    if (length < HEADER + 1 || length > size || HEADER + (uint32_t)bytes[32] > length ||
        bytes[32] == 0 || bytes[26] != 0)
        return E_IO;
    out->link = link;
    header_take(bytes, length, out);
    if (iso->rock_ridge) {
        uint32_t entries = (HEADER + bytes[32] + 1u) / 2 * 2 + iso->skip;
        if (entries < length) {
            enum err e = entries_take(iso, bytes + entries, bytes + length, out);
            if (e != E_OK)
                return e;
        }
    }
    out->device = device_number_of(out->device);
    if (out->kind == RECORD_SHOWN && !is_name(out))
        out->kind = RECORD_HIDDEN;
    return type_settle(out);
}

void iso_record_sharing(struct iso *iso, const uint8_t *bytes, uint32_t size)
{
    const uint32_t at = HEADER + 1; /* of "." */
    const uint8_t *e = bytes + at;
    if (size < at + 7 || bytes[0] < at + 7 || bytes[0] > size)
        return;
    if (e[0] == 'S' && e[1] == 'P' && e[2] >= 7 && e[4] == 0xbe && e[5] == 0xef) {
        iso->rock_ridge = true;
        iso->skip = e[6];
    }
}
