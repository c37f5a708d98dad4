/* SPDX-License-Identifier: MIT */
/*
 * The loader's data in one format, copied once. Later code does not depend on the loader.
 *
 *   GRUB --Multiboot2--> multiboot2_parse() --\
 *                                              >--> struct boot_info --> the kernel
 *   QEMU --PVH---------> pvh_parse() ---------/
 */
#pragma once

#include "base/addr.h"

#define BOOT_MEMORY_MAX  512 /* UEFI maps of real machines have more than 128 entries */
#define BOOT_MODULES_MAX 8   /* the first is used; the others are reserved and logged */
/* Bytes with the NUL; the tool refuses a longer command line. */
#define BOOT_COMMAND_LINE_MAX 16384

enum boot_loader {
    BOOT_LOADER_MULTIBOOT2 = 1,
    BOOT_LOADER_PVH,
};

enum boot_memory_kind {
    BOOT_MEMORY_RAM = 1,  /* usable, except for what the loader placed there */
    BOOT_MEMORY_RESERVED, /* also every unknown type */
    BOOT_MEMORY_ACPI,     /* reclaimable once the tables have been read */
    BOOT_MEMORY_NVS,
    BOOT_MEMORY_BAD,
};

struct boot_memory {
    struct phys_range range; /* not empty, below 2^52; not page-aligned */
    enum boot_memory_kind kind;
};

struct boot_framebuffer {
    phys_t base;            /* 0: no framebuffer */
    uint32_t width, height; /* pixels, or characters in text mode */
    uint32_t pitch;         /* bytes from one line to the next */
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
    phys_t rsdp;            /* address of the RSDP (PVH); 0: not given */
    uint8_t rsdp_copy[36];  /* copy of the RSDP (Multiboot2) */
    uint32_t rsdp_length;   /* bytes valid in rsdp_copy; 0: none */
    struct phys_range info; /* the loader's own block; nothing in it is needed any more */
};
