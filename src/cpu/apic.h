/* SPDX-License-Identifier: MIT */
/*
 * The local APIC (SDM 3A chapter 11) and, behind its LINT0 pin, the two 8259s whose lines are the
 * ISA interrupts. xAPIC through a mapped page, x2APIC through MSRs where firmware left it on.
 */
#pragma once

#include "base/addr.h"
#include "cpu/trap.h"

/* Physical address of the register page; 0 when the APIC is in x2APIC mode and needs none. */
phys_t apic_page(void);
/* Turns the APIC on; `registers` is that page, mapped uncached. All ISA lines are masked. Boot
 * only. */
void apic_init(void *registers);

/* The one-shot timer: its interrupt comes on VECTOR_TIMER. Callers: any, interrupts off. */
void apic_timer_arm(uint64_t ns);
void apic_timer_disarm(void);

/* For calibration (cpu/tsc.c). */
void apic_timer_start_measuring(void);
uint32_t apic_timer_count(void);
void apic_timer_set_hz(uint64_t hz);

/* Tells the APIC that the timer's interrupt was taken. */
void apic_eoi(void);

/* Handles ISA line 0-15: `handler` runs with interrupts off and the line is acknowledged after it.
 * Boot only. */
void irq_set_handler(unsigned line, void (*handler)(void));
