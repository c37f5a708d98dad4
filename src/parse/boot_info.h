/* SPDX-License-Identifier: MIT */
/*
 * What the loader told us, copied once. Nothing after boot knows which loader it was.
 *
 *   GRUB --Multiboot2--> multiboot2_parse() --\
 *                                              >--> struct boot_info --> the kernel
 *   QEMU --PVH---------> pvh_parse() ---------/
 */
#pragma once

#include "base/addr.h"

#define BOOT_MEMORY_MAX  512 /* UEFI maps of real machines have more than 128 entries */
#define BOOT_MODULES_MAX 8   /* we use the first; the others are reserved and named in the log */
#define BOOT_COMMAND_LINE_MAX                                                                      \
    16384 /* bytes with the NUL; the host tool refuses what would not fit */

enum boot_loader {
    BOOT_LOADER_MULTIBOOT2 = 1,
    BOOT_LOADER_PVH,
};

enum boot_memory_kind {
    BOOT_MEMORY_RAM = 1,  /* free to use, once what the loader placed there is reserved */
    BOOT_MEMORY_RESERVED, /* and every type that we do not know */
    BOOT_MEMORY_ACPI,     /* reclaimable after the tables were read */
    BOOT_MEMORY_NVS,
    BOOT_MEMORY_BAD,
};

struct boot_memory {
    struct phys_range range; /* not empty, below 2^52; not page-aligned */
    enum boot_memory_kind kind;
};

struct boot_framebuffer {
    phys_t base;            /* 0 when there is none */
    uint32_t width, height; /* pixels, or characters in text mode */
    uint32_t pitch;         /* bytes from a line to the next */
    uint8_t bits_per_pixel;
    bool text; /* EGA text mode */
    struct {
        uint8_t position, size; /* bits */
    } red, green, blue;
};

struct boot_info {
    enum boot_loader loader;
    char loader_name[64];                       /* "GRUB 2.06-13", "PVH" */
    bool uefi;                                  /* booted through UEFI firmware */
    char command_line[BOOT_COMMAND_LINE_MAX];   /* NUL-terminated */
    struct boot_memory memory[BOOT_MEMORY_MAX]; /* sorted, disjoint, equal neighbours merged */
    size_t memory_count;
    struct phys_range modules[BOOT_MODULES_MAX];
    size_t module_count;
    struct boot_framebuffer framebuffer;
    phys_t rsdp; /* physical address of a copy that lies in ACPI memory; 0 when not given so */
    uint8_t rsdp_copy[36];  /* the RSDP itself where the loader handed a copy of it (Multiboot2) */
    uint32_t rsdp_length;   /* bytes valid in rsdp_copy; 0 when none */
    struct phys_range info; /* the loader's own block: all of it has been copied */
};
