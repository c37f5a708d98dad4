/* SPDX-License-Identifier: MIT */
/* System calls of our own (vdso/calls.h): include/ouro/pagetable.h is how programs make them. */
#pragma once

#include "linux/abi/call.h"

/* harvest(start, size, what, bitmap): ouro_harvest(). The result is the number of pages found. */
enum err sys_ouro_harvest(struct syscall *call);
