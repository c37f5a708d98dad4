/* SPDX-License-Identifier: MIT */
/*
 * A simulated x86-64 MMU, written from SDM 3A chapter 4 and independent of the kernel's walker.
 *
 * Its TLB and its paging-structure caches have no limit: an entry stays until INVLPG or a flush
 * drops it. Real ones are small and evict entries, which hides most missing flushes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_FRAMES 4096

enum sim_access {
    SIM_READ,
    SIM_WRITE,
    SIM_EXECUTE,
};

struct sim_result {
    bool fault;
    uint64_t physical; /* valid if there is no fault */
    uint32_t error;    /* error code of the fault, supervisor mode */
};

/* Empties memory, caches and the TLB; frame `root` becomes the level-4 table. CR0.WP and EFER.NXE
 * are 1. */
void sim_reset(uint64_t root);
/* CR3, a physical address. */
uint64_t sim_root(void);
void sim_set_root(uint64_t address);
void sim_set_modes(bool write_protect, bool no_execute);

/* Physical memory. */
uint64_t sim_physical_read(uint64_t address);
void sim_physical_write(uint64_t address, uint64_t value);
/* The byte itself, for tests that see memory as the kernel does. */
void *sim_physical(uint64_t address);

/* Makes an access: uses and fills TLB and caches, and sets A and D. */
struct sim_result sim_access(uint64_t address, enum sim_access access);
/* A load or a store of eight bytes at a virtual address; a fault fails the test. */
uint64_t sim_load(uint64_t address);
void sim_store(uint64_t address, uint64_t value);

void sim_invlpg(uint64_t address);
/* From now on INVLPG of these addresses has no effect: for tests of the tests. */
void sim_ignore_invlpg(uint64_t start, uint64_t end);
void sim_flush_all(void);
