/* SPDX-License-Identifier: MIT */
/*
 * The local APIC (SDM 3A chapter 11) and, behind its LINT0 pin, the two 8259s that deliver the ISA
 * interrupts. xAPIC through a mapped page; x2APIC through MSRs if firmware left it on.
 */
#pragma once

#include "base/addr.h"
#include "cpu/trap.h"

/* Physical address of the register page; 0 when the APIC is in x2APIC mode and needs none. */
phys_t apic_page(void);
/* Turns the APIC on; `registers` is apic_page(), mapped uncached. All ISA lines are masked.
 * Boot. */
void apic_init(void *registers);

/* The one-shot timer raises VECTOR_TIMER. Callers: any, interrupts off. */
void apic_timer_arm(uint64_t ns);
void apic_timer_disarm(void);

/* For calibration (cpu/tsc.c). The count starts from its maximum; it is 0 once it has run out. */
void apic_timer_start_measuring(void);
uint32_t apic_timer_count(void);
/* False if the timer was armed since apic_timer_start_measuring(). */
bool apic_timer_is_measuring(void);
/* Sets the frequency, 1 GHz until then. One of 0 or of more than 32 bits is ignored. */
void apic_timer_set_hz(uint64_t hz);

/* Turns on the APIC of another CPU, on it: no line is its. Boot. */
void apic_start(void);
/* Of this CPU. */
uint32_t apic_id(void);
/* Sends a vector, or one of these, to the CPU with that ID (SDM 3A 10.6). In xAPIC mode waits until the one before has
 * left. Callers: any. */
#define APIC_SEND_NMI     0x400
#define APIC_SEND_INIT    0x500
#define APIC_SEND_STARTUP 0x600 /* | number of the page */
void apic_send(uint32_t id, uint32_t command);

/* Acknowledges the timer interrupt. */
void apic_eoi(void);
/* True if an interrupt with this vector has been delivered and not been acknowledged. Interrupts off. */
bool apic_in_service(unsigned vector);

/* Unmasks ISA line 0-15. `handler` runs with interrupts off; the line is acknowledged after it.
 * Boot. */
void irq_set_handler(unsigned line, void (*handler)(void));
/* Masks it again. Callers: any, interrupts off. */
void irq_mask(unsigned line);
