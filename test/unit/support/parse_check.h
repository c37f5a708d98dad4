/* SPDX-License-Identifier: MIT */
/*
 * Invariants of the result for every input that a parser accepts. Unit tests check them over
 * truncated and flipped inputs, the fuzzers over all others; a violation panics.
 */
#pragma once

#include "base/checked.h"
#include "base/panic.h"
#include "base/str.h"
#include "parse/boot_info.h"
#include "parse/cpio.h"
#include "parse/elf64.h"

static inline void check_boot_info(const struct boot_info *b)
{
    assert(b->loader == BOOT_LOADER_MULTIBOOT2 || b->loader == BOOT_LOADER_PVH);
    assert(memchr(b->loader_name, '\0', sizeof b->loader_name) != NULL);
    assert(memchr(b->command_line, '\0', sizeof b->command_line) != NULL);
    assert(b->memory_count <= BOOT_MEMORY_MAX);
    for (size_t i = 0; i < b->memory_count; i++) {
        const struct boot_memory *m = &b->memory[i];
        assert(m->range.start.v < m->range.end.v);
        assert(m->range.end.v <= UINT64_C(1) << 52);
        assert(m->kind >= BOOT_MEMORY_RAM && m->kind <= BOOT_MEMORY_BAD);
        if (i > 0) {
            assert(m[-1].range.end.v <= m->range.start.v);
            assert(m[-1].range.end.v < m->range.start.v || m[-1].kind != m->kind);
        }
    }
    assert(b->module_count <= BOOT_MODULES_MAX);
    for (size_t i = 0; i < b->module_count; i++)
        assert(b->modules[i].start.v < b->modules[i].end.v);
    const struct boot_framebuffer *f = &b->framebuffer;
    if (f->base.v != 0) {
        uint64_t end;
        assert(checked_add(f->base.v, (uint64_t)f->pitch * f->height, &end));
        assert((uint64_t)f->width * f->bits_per_pixel <= (uint64_t)f->pitch * 8);
    }
    assert(b->rsdp_length == 0 || b->rsdp_length == 20 || b->rsdp_length == 36);
    assert(b->info.start.v < b->info.end.v);
}

static inline void check_elf64(const struct elf64_image *e, uint64_t size, uint64_t limit)
{
    bool entry_found = false, phdr_found = e->phdr_address == 0;
    assert(e->segment_count >= 1 && e->segment_count <= ELF64_SEGMENTS_MAX);
    assert(is_aligned(e->start, PAGE_SIZE) && is_aligned(e->end, PAGE_SIZE));
    assert(e->start < e->end && e->end <= limit);
    assert(e->alignment >= PAGE_SIZE && is_aligned(e->alignment, e->alignment));
    for (uint32_t i = 0; i < e->segment_count; i++) {
        const struct elf64_segment *s = &e->segments[i];
        uint64_t end;
        assert(s->memory_size != 0 && s->file_size <= s->memory_size);
        assert(checked_add(s->address, s->memory_size, &end));
        assert(s->address >= e->start && end <= e->end);
        assert(e->position_independent || s->address >= 0x10000);
        assert(checked_span(s->offset, s->file_size, size));
        assert(s->file_size == 0 || is_aligned(s->offset - s->address, PAGE_SIZE));
        if (i > 0)
            assert(align_up(s[-1].address + s[-1].memory_size, PAGE_SIZE) <=
                   align_down(s->address, PAGE_SIZE));
        entry_found |= s->execute && e->entry >= align_down(s->address, PAGE_SIZE) &&
                       e->entry < align_up(end, PAGE_SIZE);
        /* A segment that was cut at a page still maps all of its file page. */
        phdr_found |= e->phdr_address >= align_down(s->address, PAGE_SIZE) &&
                      e->phdr_address < align_up(end, PAGE_SIZE);
    }
    assert(entry_found && phdr_found);
    assert(e->phdr_count != 0);
    assert(memchr(e->interpreter, '\0', sizeof e->interpreter) != NULL);
    assert(e->relro_start <= e->relro_end && e->relro_end <= limit);
}

static inline void check_cpio_entry(const struct cpio_entry *e, const uint8_t *bytes, uint64_t size)
{
    const uint8_t *name = (const uint8_t *)e->name;
    assert(name >= bytes && name < bytes + size);
    assert(e->name_length != 0 && e->name_length < 4096);
    assert(checked_span((uint64_t)(name - bytes), e->name_length + UINT64_C(1), size));
    assert(strnlen(e->name, e->name_length + 1) == e->name_length);
    assert(e->data >= bytes && checked_span((uint64_t)(e->data - bytes), e->size, size));
}
