/* SPDX-License-Identifier: MIT */
#include "cpu/nmi_timer.h"

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

static bool is_over(void)
{
    out8(PIT_COMMAND, PIT_STATUS_0);
    return in8(PIT_CHANNEL_0) & 0x80;
}

void nmi_clock_arm(void)
{
    if (!on)
        return;
    owed = armed && is_over();
    out8(PIT_COMMAND, PIT_ONCE);
    out8(PIT_CHANNEL_0, 0xff);
    out8(PIT_CHANNEL_0, 0xff);
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
    if (!armed)
        return false;
    /* The first answer may be one that nmi_clock_arm() has latched and not read yet. */
    (void)is_over();
    bool rang = is_over();
    armed &= !rang;
    rang |= owed;
    owed = false;
    return rang;
}

void nmi_clock_settle(void)
{
    owed = false;
}
