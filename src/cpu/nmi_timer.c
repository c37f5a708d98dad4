/* SPDX-License-Identifier: MIT */
#include "cpu/nmi_timer.h"

#include "cpu/tsc.h"
#include "cpu/x86.h"

enum { /* 82093AA: an index register and a data register */
    IOAPIC_DATA = 0x10 / 4,
    IOAPIC_VERSION = 1,
    IOAPIC_PIN_2 = 0x10 + 2 * 2, /* the PIT's pin on PCs */
    IOAPIC_NMI = 4 << 8,         /* delivery mode NMI, edge, to APIC 0 */
    IOAPIC_MASKED = 1 << 16,
};

enum { /* 8254 */
    PIT_CHANNEL_0 = 0x40,
    PIT_COMMAND = 0x43,
    PIT_ONCE = 0x30,     /* channel 0, low byte and high byte, mode 0 */
    PIT_STATUS_0 = 0xe2, /* read-back: bit 7 is the output, high from the end of the count */
};

RO_AFTER_INIT static volatile uint32_t *registers; /* NULL: no I/O APIC */
static bool on, armed;
static bool owed; /* armed again after expiry: its NMI may still arrive, until nmi_clock_settle() */
static uint64_t armed_at; /* TSC */

static void ioapic_write(uint32_t index, uint32_t value)
{
    registers[0] = index;
    registers[IOAPIC_DATA] = value;
}

INIT_CODE void nmi_clock_init(volatile void *page)
{
    registers = page;
    if (registers == NULL)
        return;
    registers[0] = IOAPIC_VERSION;
    uint32_t version = registers[IOAPIC_DATA];
    if ((version & 0xff) < 0x10 || (version & 0xff) >= 0x30 || (version >> 16 & 0xff) < 2)
        registers = NULL;
}

static bool time_is_over(uint64_t now)
{
    return armed && (int64_t)(now - armed_at) > (int64_t)(tsc_hz() / 1000 * (NMI_CLOCK_MS - 5));
}

void nmi_clock_arm(void)
{
    if (!on)
        return;
    uint64_t before =
        rdtsc(); /* not later than the time begins, also if an NMI arms the timer in between */
    out8(PIT_COMMAND, PIT_ONCE);
    out8(PIT_CHANNEL_0, 0xff);
    out8(PIT_CHANNEL_0, 0xff);
    /* The PIT cannot be asked whether the time was over: it may have ended after the answer. */
    owed = time_is_over(rdtsc());
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    armed_at = before;
    armed = true;
}

/* Arms before unmasking: the firmware's count may still be running. */
void nmi_clock_start(void)
{
    if (registers == NULL)
        return;
    on = true;
    nmi_clock_arm();
    ioapic_write(IOAPIC_PIN_2 + 1, 0);
    ioapic_write(IOAPIC_PIN_2, IOAPIC_NMI);
}

void nmi_clock_stop(void)
{
    if (on)
        ioapic_write(IOAPIC_PIN_2, IOAPIC_MASKED);
    on = armed = false;
}

bool nmi_clock_rang(void)
{
    if (owed) {
        owed = false;
        return true;
    }
    bool rang = time_is_over(rdtsc()); /* or about to be armed again, which the PIT knows already */
    if (armed && !rang) {
        out8(PIT_COMMAND, PIT_STATUS_0);
        rang = in8(PIT_CHANNEL_0) & 0x80;
    }
    armed &= !rang;
    return rang;
}

void nmi_clock_settle(void)
{
    owed = false;
}
