/* SPDX-License-Identifier: MIT */
/*
 * Layout: xen/include/public/arch-x86/hvm/start_info.h. Version 0 has no memory map and is refused.
 */
#include "parse/pvh.h"

#include "base/checked.h"
#include "base/str.h"
#include "parse/memory_map.h"

#include <stddef.h>

struct start_info {
    uint32_t magic, version, flags, module_count;
    uint64_t modules, command_line, rsdp; /* physical addresses; 0 when absent */
    /* from version 1 */
    uint64_t memory_map;
    uint32_t memory_count, reserved;
};

struct module_entry {
    uint64_t base, size, command_line, reserved;
};

struct memory_entry {
    uint64_t base, size;
    uint32_t type, reserved;
};

#define START_INFO_V0_SIZE offsetof(struct start_info, memory_map)

_Static_assert(START_INFO_V0_SIZE == 40 && sizeof(struct start_info) == 56, "start_info.h");
_Static_assert(sizeof(struct module_entry) == 32 && sizeof(struct memory_entry) == 24,
               "start_info.h");

/* More than any firmware has; bounds the loop for a malformed count. */
#define MEMORY_ENTRIES_MAX 4096

struct reader {
    pvh_read read;
    void *context;
    struct boot_info *out;
    struct parse_fault *fault;
};

static enum err pvh_refuse(struct reader *r, uint64_t offset, const char *what)
{
    *r->fault = (struct parse_fault){offset, what};
    return E_INVAL;
}

/* Reads entry `index` of an array at `base` whose entries have `size` bytes. */
static bool fetch(struct reader *r, uint64_t base, uint64_t index, void *to, uint64_t size)
{
    uint64_t from, end;
    return checked_add(base, index * size, &from) && checked_add(from, size, &end) &&
           r->read(r->context, phys(from), to, size);
}

/* Reads single bytes, because memory after the string may be unreadable. */
static enum err pvh_read_command_line(struct reader *r, uint64_t from)
{
    char *to = r->out->command_line;
    if (from == 0)
        return E_OK;
    for (size_t i = 0; i < sizeof r->out->command_line; i++) {
        if (!fetch(r, from, i, &to[i], 1))
            return pvh_refuse(r, offsetof(struct start_info, command_line),
                              "the command line is not in memory");
        if (to[i] == '\0')
            return E_OK;
    }
    return pvh_refuse(r, offsetof(struct start_info, command_line),
                      "the command line is longer than 16383 bytes");
}

static enum err read_modules(struct reader *r, uint64_t base, uint32_t count)
{
    const uint64_t offset = offsetof(struct start_info, modules);
    if (count > BOOT_MODULES_MAX) {
        *r->fault = (struct parse_fault){offset, "there are more than 8 modules"};
        return E_2BIG;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct module_entry m;
        uint64_t end;
        if (!fetch(r, base, i, &m, sizeof m))
            return pvh_refuse(r, offset, "the list of modules is not in memory");
        if (!checked_add(m.base, m.size, &end))
            return pvh_refuse(r, offset, "a module wraps around the address space");
        if (m.size != 0)
            r->out->modules[r->out->module_count++] = phys_range(m.base, end);
    }
    return E_OK;
}

static enum err pvh_read_memory_map(struct reader *r, uint64_t base, uint32_t count)
{
    const uint64_t offset = offsetof(struct start_info, memory_map);
    if (base == 0 || count == 0)
        return pvh_refuse(r, offset, "there is no memory map");
    if (count > MEMORY_ENTRIES_MAX)
        return pvh_refuse(r, offset, "the memory map has an impossible number of entries");
    for (uint32_t i = 0; i < count; i++) {
        struct memory_entry m;
        if (!fetch(r, base, i, &m, sizeof m))
            return pvh_refuse(r, offset, "the memory map is not in memory");
        enum err e = memory_map_add(r->out, m.base, m.size, m.type);
        if (e != E_OK) {
            *r->fault = (struct parse_fault){offset, "the memory map has too many parts"};
            return e;
        }
    }
    return E_OK;
}

enum err pvh_parse(phys_t start, pvh_read read, void *context, struct boot_info *out,
                   struct parse_fault *fault)
{
    struct reader r = {read, context, out, fault};
    struct start_info s = {0};
    memset(out, 0, sizeof *out);
    out->loader = BOOT_LOADER_PVH;
    str_copy(out->loader_name, "PVH", sizeof out->loader_name);

    if (!fetch(&r, start.v, 0, &s, START_INFO_V0_SIZE))
        return pvh_refuse(&r, 0, "the PVH start info is not in memory");
    if (s.magic != PVH_START_MAGIC)
        return pvh_refuse(&r, 0, "the PVH start info has a wrong magic number");
    if (s.version == 0)
        return pvh_refuse(&r, offsetof(struct start_info, version),
                          "there is no memory map (PVH start info of version 0)");
    if (!fetch(&r, start.v, 0, &s, sizeof s))
        return pvh_refuse(&r, 0, "the PVH start info is not in memory");
    out->info = phys_range(start.v, start.v + sizeof s);
    out->rsdp = phys(s.rsdp);

    enum err e = pvh_read_memory_map(&r, s.memory_map, s.memory_count);
    if (e == E_OK)
        e = read_modules(&r, s.modules, s.module_count);
    if (e == E_OK)
        e = pvh_read_command_line(&r, s.command_line);
    return e;
}
