/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/* True if QEMU can use KVM: the CPU has VMX or SVM, /dev/kvm is accessible, and a trial boot of at most
 * three seconds succeeded. The trial's result is kept until this computer reboots. Needs
 * guard_start(). */
bool kvm_works(void);
