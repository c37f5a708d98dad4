/* SPDX-License-Identifier: MIT */
/* Parser of Xen's PVH start info (QEMU -kernel, Firecracker, cloud-hypervisor). Pure. */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "parse/boot_info.h"
#include "parse/parse_fault.h"

#define PVH_START_MAGIC 0x336ec578 /* first word of struct hvm_start_info */

/* Reads physical memory: true if `length` bytes at `from` were copied to `to`. */
typedef bool (*pvh_read)(void *context, phys_t from, void *to, uint64_t length);

/* Parses the start info at `start`, read with `read`. Contract as multiboot2_parse(). */
MUST_CHECK enum err pvh_parse(phys_t start, pvh_read read, void *context, struct boot_info *out,
                              struct parse_fault *fault);
