/* SPDX-License-Identifier: MIT */
#include "parse/multiboot2.h"

#include "base/checked.h"
#include "base/str.h"
#include "parse/load.h"
#include "parse/memory_map.h"

enum {
    TAG_END = 0,
    TAG_COMMAND_LINE = 1,
    TAG_LOADER_NAME = 2,
    TAG_MODULE = 3,
    TAG_MEMORY_MAP = 6,
    TAG_FRAMEBUFFER = 8,
    TAG_EFI32_SYSTEM_TABLE = 11,
    TAG_EFI64_SYSTEM_TABLE = 12,
    TAG_RSDP_OLD = 14,
    TAG_RSDP_NEW = 15,
    TAG_EFI_MEMORY_MAP = 17,
    TAG_EFI_BOOT_SERVICES = 18,
    TAG_EFI32_IMAGE = 19,
    TAG_EFI64_IMAGE = 20,
};

/* Sizes in bytes, including the tag's header of 8. */
enum {
    BLOCK_HEADER = 8,
    TAG_HEADER = 8,
    MODULE_MIN = 16,
    MEMORY_MAP_MIN = 16,
    MEMORY_ENTRY_MIN = 24,
    FRAMEBUFFER_MIN = 32,
    FRAMEBUFFER_RGB_MIN = 38,
    RSDP_OLD_SIZE = 20,
    RSDP_NEW_SIZE = 36,
};

struct reader {
    const uint8_t *block;
    struct boot_info *out;
    struct parse_fault *fault;
    bool have_command_line, have_memory_map;
};

/* One tag; it lies in the block, and size >= TAG_HEADER. */
struct tag {
    const uint8_t *bytes;
    uint32_t type, size;
    uint64_t offset;
};

static enum err multiboot2_refuse(struct reader *r, uint64_t offset, const char *what)
{
    *r->fault = (struct parse_fault){offset, what};
    return E_INVAL;
}

/* Copies the string at byte `at` of the tag; *length is that of the string, not of the copy. */
static bool multiboot2_copy_string(const struct tag *t, uint32_t at, char *to, size_t size,
                                   size_t *length)
{
    const char *text = (const char *)t->bytes + at;
    if (!memchr(text, '\0', t->size - at))
        return false;
    *length = str_copy(to, text, size);
    return true;
}

static enum err multiboot2_read_command_line(struct reader *r, const struct tag *t)
{
    size_t length;
    if (r->have_command_line)
        return multiboot2_refuse(r, t->offset, "there is a second command line");
    if (!multiboot2_copy_string(t, TAG_HEADER, r->out->command_line, sizeof r->out->command_line,
                                &length))
        return multiboot2_refuse(r, t->offset, "the command line does not end");
    if (length >= sizeof r->out->command_line)
        return multiboot2_refuse(r, t->offset, "the command line is longer than 16383 bytes");
    r->have_command_line = true;
    return E_OK;
}

static enum err read_loader_name(struct reader *r, const struct tag *t)
{
    size_t length;
    if (!multiboot2_copy_string(t, TAG_HEADER, r->out->loader_name, sizeof r->out->loader_name,
                                &length))
        return multiboot2_refuse(r, t->offset, "the boot loader's name does not end");
    return E_OK;
}

static enum err read_module(struct reader *r, const struct tag *t)
{
    if (t->size < MODULE_MIN)
        return multiboot2_refuse(r, t->offset, "a module's tag is too short");
    uint32_t start = load32(t->bytes + 8), end = load32(t->bytes + 12);
    if (end < start)
        return multiboot2_refuse(r, t->offset, "a module ends before it starts");
    if (start == end)
        return E_OK;
    if (r->out->module_count == BOOT_MODULES_MAX) {
        *r->fault = (struct parse_fault){t->offset, "there are more than 8 modules"};
        return E_2BIG;
    }
    r->out->modules[r->out->module_count++] = phys_range(start, end);
    return E_OK;
}

static enum err multiboot2_read_memory_map(struct reader *r, const struct tag *t)
{
    if (r->have_memory_map)
        return multiboot2_refuse(r, t->offset, "there is a second memory map");
    if (t->size < MEMORY_MAP_MIN)
        return multiboot2_refuse(r, t->offset, "the memory map's tag is too short");
    uint32_t step = load32(t->bytes + 8); /* later versions of the format may have larger entries */
    if (step < MEMORY_ENTRY_MIN || step % 8 != 0)
        return multiboot2_refuse(r, t->offset + 8,
                                 "the memory map's entries have an impossible size");
    if ((t->size - MEMORY_MAP_MIN) % step != 0)
        return multiboot2_refuse(r, t->offset, "the memory map ends within an entry");
    for (uint32_t at = MEMORY_MAP_MIN; at < t->size; at += step) {
        const uint8_t *entry = t->bytes + at;
        enum err e = memory_map_add(r->out, load64(entry), load64(entry + 8), load32(entry + 16));
        if (e != E_OK) {
            *r->fault = (struct parse_fault){t->offset + at, "the memory map has too many parts"};
            return e;
        }
    }
    r->have_memory_map = true;
    return E_OK;
}

/* True if every pixel lies in the memory that the tag describes. */
static bool framebuffer_is_sound(const struct boot_framebuffer *f)
{
    uint64_t line_bytes = ((uint64_t)f->width * f->bits_per_pixel + 7) / 8;
    uint64_t bytes, end;
    return f->base.v != 0 && f->width != 0 && f->height != 0 && line_bytes != 0 &&
           line_bytes <= f->pitch && checked_mul(f->pitch, f->height, &bytes) &&
           checked_add(f->base.v, bytes, &end);
}

/* An unusable framebuffer is ignored, not an error: the machine boots without a screen. */
static enum err read_framebuffer(struct reader *r, const struct tag *t)
{
    enum {
        KIND_RGB = 1,
        KIND_TEXT = 2
    };

    if (t->size < FRAMEBUFFER_MIN)
        return multiboot2_refuse(r, t->offset, "the framebuffer's tag is too short");
    uint8_t kind = t->bytes[29];
    struct boot_framebuffer f = {
        .base = phys(load64(t->bytes + 8)),
        .pitch = load32(t->bytes + 16),
        .width = load32(t->bytes + 20),
        .height = load32(t->bytes + 24),
        .bits_per_pixel = t->bytes[28],
        .text = kind == KIND_TEXT,
    };
    if (kind == KIND_RGB) {
        if (t->size < FRAMEBUFFER_RGB_MIN)
            return multiboot2_refuse(r, t->offset, "the framebuffer's tag is too short");
        const uint8_t *colour = t->bytes + FRAMEBUFFER_MIN;
        f.red.position = colour[0], f.red.size = colour[1];
        f.green.position = colour[2], f.green.size = colour[3];
        f.blue.position = colour[4], f.blue.size = colour[5];
    }
    if ((kind == KIND_RGB || kind == KIND_TEXT) && framebuffer_is_sound(&f))
        r->out->framebuffer = f;
    return E_OK;
}

/* GRUB passes both kinds if the firmware has both; the new one, with the XSDT, is used. */
static enum err read_rsdp(struct reader *r, const struct tag *t)
{
    uint32_t length = t->type == TAG_RSDP_NEW ? RSDP_NEW_SIZE : RSDP_OLD_SIZE;
    if (t->size < TAG_HEADER + length)
        return multiboot2_refuse(r, t->offset, "the RSDP's tag is too short");
    if (length > r->out->rsdp_length) {
        memcpy(r->out->rsdp_copy, t->bytes + TAG_HEADER, length);
        r->out->rsdp_length = length;
    }
    return E_OK;
}

static enum err read_tag(struct reader *r, const struct tag *t)
{
    switch (t->type) {
    case TAG_COMMAND_LINE:
        return multiboot2_read_command_line(r, t);
    case TAG_LOADER_NAME:
        return read_loader_name(r, t);
    case TAG_MODULE:
        return read_module(r, t);
    case TAG_MEMORY_MAP:
        return multiboot2_read_memory_map(r, t);
    case TAG_FRAMEBUFFER:
        return read_framebuffer(r, t);
    case TAG_RSDP_OLD:
    case TAG_RSDP_NEW:
        return read_rsdp(r, t);
    case TAG_EFI32_SYSTEM_TABLE:
    case TAG_EFI64_SYSTEM_TABLE:
    case TAG_EFI_MEMORY_MAP:
    case TAG_EFI_BOOT_SERVICES:
    case TAG_EFI32_IMAGE:
    case TAG_EFI64_IMAGE:
        r->out->uefi = true;
        return E_OK;
    default:
        return E_OK;
    }
}

static enum err read_tags(struct reader *r, uint64_t total)
{
    for (uint64_t at = BLOCK_HEADER; checked_span(at, TAG_HEADER, total);) {
        struct tag t = {r->block + at, load32(r->block + at), load32(r->block + at + 4), at};
        if (t.size < TAG_HEADER || !checked_span(at, t.size, total))
            return multiboot2_refuse(r, at,
                                     "a tag is longer than the block or shorter than its header");
        if (t.type == TAG_END) {
            if (!r->have_memory_map)
                return multiboot2_refuse(r, at, "there is no memory map");
            return E_OK;
        }
        enum err e = read_tag(r, &t);
        if (e != E_OK)
            return e;
        at = align_up(at + t.size, 8);
    }
    return multiboot2_refuse(r, total, "the tags do not end with an end tag");
}

enum err multiboot2_parse(const void *block, uint64_t size, phys_t where, struct boot_info *out,
                          struct parse_fault *fault)
{
    struct reader r = {.block = block, .out = out, .fault = fault};
    memset(out, 0, sizeof *out);
    out->loader = BOOT_LOADER_MULTIBOOT2;
    str_copy(out->loader_name, "Multiboot2", sizeof out->loader_name);

    if (size < BLOCK_HEADER)
        return multiboot2_refuse(&r, 0, "the Multiboot2 block is cut short");
    uint32_t total = load32(block);
    uint64_t end;
    if (total < BLOCK_HEADER || total > size)
        return multiboot2_refuse(&r, 0, "the Multiboot2 block has an impossible size");
    if (!checked_add(where.v, total, &end))
        return multiboot2_refuse(&r, 0, "the Multiboot2 block wraps around the address space");
    out->info = phys_range(where.v, end);
    return read_tags(&r, total);
}
