/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/* Can QEMU use the processor's own virtualization here? True only when the CPU says that it has it
 * and a machine could really be started with it: a /dev/kvm alone proves nothing. The trial's
 * answer is kept until the next boot of this computer. Needs guard_start(). */
bool kvm_works(void);
