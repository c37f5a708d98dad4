/* SPDX-License-Identifier: MIT */
/* For native tests over test/unit/support/fault_machine.h: what an address of the fake machine holds is
 * in the memory of the simulated MMU. */
#pragma once

#include "../../../../../src/base/addr.h"

/* The bytes that are mapped at v. An address of no mapping stays what it is: a touch is a crash. */
void *machine_pointer(virt_t v);
#define ptr_of machine_pointer
