/* SPDX-License-Identifier: MIT */
/* The rate of this computer's TSC, which QEMU's guests see as their own, with TCG as with KVM. */
#pragma once

#include <stdint.h>

/* Takes the first reading: as early as possible, since the rate comes from the time up to host_tsc_hz(). */
void host_tsc_start(void);
/* Hz; 0 where the rate is not known to 200 ppm: no invariant TSC (SDM 3B 18.17.1), or too little time has passed. */
uint64_t host_tsc_hz(void);
