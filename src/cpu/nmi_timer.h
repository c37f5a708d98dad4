/* SPDX-License-Identifier: MIT */
/*
 * An alarm clock that interrupts-off does not silence: channel 0 of the PIT, once, through pin 2 of the
 * I/O APIC as an NMI. Where one of the two is missing, it never rings.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"

#include <stdbool.h>

#define NMI_CLOCK_MS        55 /* from nmi_clock_arm() on: the most that the PIT counts */

#define NMI_CLOCK_REGISTERS UINT64_C(0xfec00000) /* the page of the I/O APIC, on PCs */

/* `page`: that one, mapped; NULL: it cannot be. Touches nothing. Boot only. */
void nmi_clock_init(volatile void *page);
/* Takes the PIT's channel. Boot. */
void nmi_clock_start(void);
/* For good. Callers: any. */
void nmi_clock_stop(void);
/* Rings once, in NMI_CLOCK_MS; armed anew, it starts anew. Callers: any. */
void nmi_clock_arm(void);
/* Was it what rang? Callers: the handler of the NMI. */
bool nmi_clock_rang(void);
