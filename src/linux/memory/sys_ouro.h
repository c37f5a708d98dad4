/* SPDX-License-Identifier: MIT */
/* Ouro's own system calls (vdso/calls.h); programs use them through include/ouro/pagetable.h. */
#pragma once

#include "linux/abi/call.h"

/* ouro_harvest(start, size, what, bitmap). Returns the number of pages found. O(pages). */
enum err sys_ouro_harvest(struct syscall *call);
