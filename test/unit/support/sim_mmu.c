/* SPDX-License-Identifier: MIT */
#include "sim_mmu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TLB_MAX 65536

struct tlb_entry {
    uint64_t page; /* address >> 12 */
    uint64_t frame;
    int shift; /* of the whole page: large pages are cached in pieces of 4 KiB */
    bool write, execute, dirty;
};

/* Paging-structure cache: an upper entry, by the address bits that select it. */
struct cache_entry {
    uint64_t prefix;
    int level;
    uint64_t table; /* physical address of the table */
    bool write, execute;
};

static uint64_t memory[SIM_FRAMES * 512];
static uint64_t root;
static struct tlb_entry tlb[TLB_MAX];
static size_t tlb_count;
static struct cache_entry cache[TLB_MAX];
static size_t cache_count;
static bool wp, nxe;
static uint64_t ignored_start, ignored_end;

void sim_reset(uint64_t root_frame)
{
    memset(memory, 0, sizeof memory);
    root = root_frame << 12;
    tlb_count = cache_count = 0;
    ignored_start = ignored_end = 0;
    wp = nxe = true;
}

uint64_t sim_root(void)
{
    return root;
}

void sim_set_root(uint64_t address)
{
    root = address;
    sim_flush_all();
}

void sim_set_modes(bool write_protect, bool no_execute)
{
    wp = write_protect;
    nxe = no_execute;
    sim_flush_all();
}

static uint64_t *cell(uint64_t physical)
{
    if (physical / 8 >= SIM_FRAMES * 512) {
        fprintf(stderr, "simulated MMU: physical address 0x%llx is outside memory\n",
                (unsigned long long)physical);
        abort();
    }
    return &memory[physical / 8];
}

uint64_t sim_physical_read(uint64_t address)
{
    return *cell(address);
}

void sim_physical_write(uint64_t address, uint64_t value)
{
    *cell(address) = value;
}

void *sim_physical(uint64_t address)
{
    return (char *)cell(address) + address % 8;
}

void sim_ignore_invlpg(uint64_t start, uint64_t end)
{
    ignored_start = start;
    ignored_end = end;
}

void sim_invlpg(uint64_t address)
{
    if (address >= ignored_start && address < ignored_end)
        return;
    for (size_t i = 0; i < tlb_count;) {
        /* All pieces of a large page are dropped (SDM 3A 4.10.4.2). */
        if (tlb[i].page << 12 >> tlb[i].shift == address >> tlb[i].shift)
            tlb[i] = tlb[--tlb_count];
        else
            i++;
    }
    cache_count = 0; /* INVLPG drops all of them (SDM 3A 4.10.4.1) */
}

void sim_flush_all(void)
{
    tlb_count = cache_count = 0;
}

static struct tlb_entry *tlb_find(uint64_t page)
{
    for (size_t i = 0; i < tlb_count; i++)
        if (tlb[i].page == page)
            return &tlb[i];
    return NULL;
}

static struct sim_result fault(bool present, bool reserved, enum sim_access access)
{
    uint32_t error = (present ? 1u : 0) | (access == SIM_WRITE ? 2u : 0) | (reserved ? 8u : 0);
    if (access == SIM_EXECUTE && nxe)
        error |= 16;
    return (struct sim_result){.fault = true, .error = error};
}

static bool denied(bool write, bool execute, enum sim_access access)
{
    return (access == SIM_WRITE && !write && wp) || (access == SIM_EXECUTE && !execute);
}

struct sim_result sim_access(uint64_t address, enum sim_access access)
{
    struct tlb_entry *hit = tlb_find(address >> 12);
    if (hit != NULL && !denied(hit->write, hit->execute, access) &&
        (access != SIM_WRITE || hit->dirty))
        return (struct sim_result){.physical = hit->frame << 12 | (address & 4095)};
    if (hit != NULL && denied(hit->write, hit->execute, access))
        return fault(true, false, access);

    uint64_t table = root;
    bool write = true, execute = true;
    int level = 4;
    for (size_t i = 0; i < cache_count; i++) /* the deepest cached entry is used */
        if (cache[i].level - 1 < level &&
            cache[i].prefix == address >> (12 + 9 * (cache[i].level - 1))) {
            level = cache[i].level - 1;
            table = cache[i].table;
            write = cache[i].write;
            execute = cache[i].execute;
        }
    uint64_t *leaf = NULL;
    uint64_t frame = 0;
    int leaf_shift = 0;
    for (;; level--) {
        int shift = 12 + 9 * (level - 1);
        uint64_t *e = cell(table + (address >> shift & 511) * 8);
        if (!(*e & 1))
            return fault(false, false, access);
        if ((*e >> 63 && !nxe) || (level == 4 && *e & 0x80))
            return fault(true, true, access);
        write = write && (*e & 2);
        execute = execute && !(*e >> 63);
        if (level == 1 || (level < 4 && *e & 0x80)) {
            uint64_t base = *e & 0x000ffffffffff000 & ~((UINT64_C(1) << shift) - 1);
            frame = (base + (address & ((UINT64_C(1) << shift) - 1))) >> 12;
            leaf = e;
            leaf_shift = shift;
            break;
        }
        *e |= 0x20;
        table = *e & 0x000ffffffffff000;
        if (cache_count < TLB_MAX)
            cache[cache_count++] =
                (struct cache_entry){address >> shift, level, table, write, execute};
    }
    if (denied(write, execute, access))
        return fault(true, false, access);
    *leaf |= 0x20 | (access == SIM_WRITE ? 0x40 : 0);
    if (hit != NULL) {
        hit->dirty = true;
    } else if (tlb_count < TLB_MAX) {
        tlb[tlb_count++] = (struct tlb_entry){address >> 12, frame,   leaf_shift,
                                              write,         execute, access == SIM_WRITE};
    }
    return (struct sim_result){.physical = frame << 12 | (address & 4095)};
}

static uint64_t must_translate(uint64_t address, enum sim_access access)
{
    struct sim_result r = sim_access(address, access);
    if (r.fault) {
        fprintf(stderr, "simulated MMU: fault at 0x%llx, error 0x%x\n", (unsigned long long)address,
                r.error);
        abort();
    }
    return r.physical;
}

uint64_t sim_load(uint64_t address)
{
    return *cell(must_translate(address, SIM_READ));
}

void sim_store(uint64_t address, uint64_t value)
{
    *cell(must_translate(address, SIM_WRITE)) = value;
}
