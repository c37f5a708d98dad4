/* SPDX-License-Identifier: MIT */
#define LOG_TAG "boot"
#include "boot/loader.h"

#include "base/log.h"
#include "base/sections.h"
#include "base/str.h"
#include "cpu/features.h"
#include "diag/panic.h"
#include "kern/boot_summary.h"
#include "mm/layout.h"
#include "parse/memory_map.h"
#include "parse/multiboot2.h"
#include "parse/pvh.h"

#define IDENTITY_END UINT64_C(0x100000000)

RO_AFTER_INIT struct boot_summary boot_summary;

INIT_CODE static bool loader_read_identity(void *context, phys_t from, void *to, uint64_t length)
{
    (void)context;
    if (from.v == 0 || from.v > IDENTITY_END || length > IDENTITY_END - from.v)
        return false;
    memcpy(to, ptr_of(virt(from.v)), length);
    return true;
}

/* Leaves out modules that are not in memory; the first, which is the root archive, must be. */
INIT_CODE static void check_modules(struct boot_info *out, uint64_t ram_end)
{
    size_t kept = 0;
    for (size_t i = 0; i < out->module_count; i++) {
        struct phys_range m = out->modules[i];
        if (m.end.v > ram_end && memory_map_claim(out, m))
            ram_end = m.end.v;
        if (m.end.v <= ram_end)
            out->modules[kept++] = m;
        else if (i == 0)
            boot_stop("the boot loader's root archive ends at 0x%llx, and the memory at 0x%llx",
                      (unsigned long long)m.end.v, (unsigned long long)ram_end);
    }
    out->module_count = kept;
}

INIT_CODE void loader_read(uint32_t loader, uint64_t info, struct boot_info *out)
{
    struct parse_fault fault = {0, "?"};
    enum err e =
        loader == BOOT_LOADER_MULTIBOOT2
            ? multiboot2_parse(ptr_of(virt(info)), IDENTITY_END - info, phys(info), out, &fault)
            : pvh_parse(phys(info), loader_read_identity, NULL, out, &fault);
    if (e != E_OK)
        boot_stop("what the boot loader handed over cannot be read: %s at offset %llu", fault.what,
                  (unsigned long long)fault.offset);
    boot_summary.modules = out->module_count;
    check_modules(out, memory_map_cut(out, UINT64_C(1) << cpu_features.physical_bits));
    str_copy(boot_summary.loader_name, out->loader_name, sizeof boot_summary.loader_name);
    boot_summary.uefi = out->uefi;
    if (out->module_count > 0)
        boot_summary.archive = out->modules[0];
    uint64_t kernel_end = virt_of(image_end).v - LAYOUT_KERNEL_BASE;
    if (out->module_count > 0 && boot_summary.archive.start.v < kernel_end &&
        boot_summary.archive.end.v > LAYOUT_KERNEL_LOAD)
        boot_stop("too little memory: the boot loader laid the root archive over the kernel");
    for (size_t i = 1; i < boot_summary.modules; i++)
        log_warn("module %llu from the boot loader is not used", (unsigned long long)i);
}
