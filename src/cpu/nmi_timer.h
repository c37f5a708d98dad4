/* SPDX-License-Identifier: MIT */
/*
 * A timer that works with interrupts off: channel 0 of the PIT, one-shot, delivered as an NMI
 * through pin 2 of the I/O APIC. Without either of the two it never fires.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"

#include <stdbool.h>

#define NMI_CLOCK_MS        55 /* timeout after nmi_clock_arm(): the PIT's longest */

#define NMI_CLOCK_REGISTERS UINT64_C(0xfec00000) /* the I/O APIC's page on PCs */

/* `page`: NMI_CLOCK_REGISTERS mapped, or NULL if it cannot be. Does not start the PIT. Boot. */
void nmi_clock_init(volatile void *page);
/* Takes over the PIT's channel and arms it. Boot. */
void nmi_clock_start(void);
/* Stops the timer permanently. Callers: any. */
void nmi_clock_stop(void);
/* Fires once, after NMI_CLOCK_MS; another call restarts the time. Callers: any. */
void nmi_clock_arm(void);
/* True if the current NMI is the timer's: it is over, or was when it was armed again, and no
 * nmi_clock_settle() came since. However late the NMI is: a busy host may stop the CPU between the
 * two for any time. Callers: the NMI handler. */
bool nmi_clock_rang(void);
/* An interrupt is being handled. An NMI that was pending would have come before it (SDM 3A 6.9), so
 * no NMI of a time that was over when the timer was armed can come any more. */
void nmi_clock_settle(void);
