/* SPDX-License-Identifier: MIT */
#include "cpu/ioapic.h"

#include "cpu/apic.h"
#include "cpu/mmio.h"
#include "cpu/trap.h"
#include "cpu/x86.h"

enum {
    SELECT = 0x00, /* offset: the number of the register that WINDOW shows */
    WINDOW = 0x10,
    REGISTER_VERSION = 0x01,
    REGISTER_ENTRIES = 0x10, /* two for each input: low, high */
    ENTRY_LOW = 1 << 13,
    ENTRY_LEVEL = 1 << 15,
    ENTRY_MASKED = 1 << 16,
    ENTRY_DESTINATION = 24, /* shift, in the high half */
    INPUTS_MAX = 120,

    VECTORS = 32,
    IOAPICS_MAX = 8,
};

#define MSI_ADDRESS UINT64_C(0xfee00000)

struct ioapic {
    volatile void *registers;
    uint32_t first, inputs;
};

RO_AFTER_INIT static struct ioapic ioapics[IOAPICS_MAX];
RO_AFTER_INIT static unsigned ioapic_count;
RO_AFTER_INIT static struct {
    irq_handler handler;
    void *context;
    unsigned next; /* of the same vector; 0: none */
} device_handlers[VECTORS];
RO_AFTER_INIT static unsigned vectors_taken;

static void device_interrupt(struct trap_frame *frame)
{
    unsigned i = (unsigned)frame->vector - VECTOR_DEVICE;
    do
        device_handlers[i].handler(device_handlers[i].context);
    while ((i = device_handlers[i].next) != 0);
    apic_eoi();
}

bool irq_vector_take(irq_handler handler, void *context, unsigned *out)
{
    if (vectors_taken == VECTORS)
        return false;
    *out = VECTOR_DEVICE + vectors_taken;
    device_handlers[vectors_taken].handler = handler;
    device_handlers[vectors_taken++].context = context;
    trap_set_handler(*out, device_interrupt);
    return true;
}

/* The initial ID, which is the xAPIC's own unless firmware has changed it. */
static uint32_t destination(void)
{
    return cpuid(1, 0).ebx >> 24;
}

bool irq_vector_share(unsigned vector, irq_handler handler, void *context)
{
    unsigned first = vector - VECTOR_DEVICE, own = vectors_taken;
    if (own == VECTORS)
        return false;
    vectors_taken++;
    device_handlers[own].handler = handler;
    device_handlers[own].context = context;
    device_handlers[own].next = device_handlers[first].next;
    device_handlers[first].next = own;
    return true;
}

uint64_t msi_address(void)
{
    return MSI_ADDRESS | destination() << 12;
}

uint32_t msi_data(unsigned vector)
{
    return vector; /* fixed delivery, edge */
}

static uint32_t ioapic_get(const struct ioapic *io, uint32_t reg)
{
    mmio_write32((volatile char *)io->registers + SELECT, reg);
    return mmio_read32((volatile char *)io->registers + WINDOW);
}

static void ioapic_set(const struct ioapic *io, uint32_t reg, uint32_t value)
{
    mmio_write32((volatile char *)io->registers + SELECT, reg);
    mmio_write32((volatile char *)io->registers + WINDOW, value);
}

bool ioapic_add(volatile void *registers, uint32_t first)
{
    struct ioapic io = {registers, first, 0};
    uint32_t version = ioapic_get(&io, REGISTER_VERSION);
    io.inputs = (version >> 16 & 0xff) + 1;
    if (ioapic_count == IOAPICS_MAX || version == UINT32_MAX || io.inputs > INPUTS_MAX ||
        first > UINT32_MAX - io.inputs)
        return false;
    ioapics[ioapic_count++] = io;
    for (uint32_t input = 0; input < io.inputs; input++) /* what firmware has left on */
        ioapic_set(&io, REGISTER_ENTRIES + 2 * input, ENTRY_MASKED);
    return true;
}

static const struct ioapic *ioapic_of(uint32_t gsi)
{
    for (unsigned i = 0; i < ioapic_count; i++)
        if (gsi >= ioapics[i].first && gsi - ioapics[i].first < ioapics[i].inputs)
            return &ioapics[i];
    return NULL;
}

bool ioapic_route(uint32_t gsi, bool low, unsigned vector)
{
    const struct ioapic *io = ioapic_of(gsi);
    if (io == NULL)
        return false;
    uint32_t reg = REGISTER_ENTRIES + 2 * (gsi - io->first);
    ioapic_set(io, reg + 1, destination() << ENTRY_DESTINATION);
    ioapic_set(io, reg, vector | ENTRY_LEVEL | (low ? ENTRY_LOW : 0));
    return true;
}

void ioapic_mask(uint32_t gsi)
{
    const struct ioapic *io = ioapic_of(gsi);
    if (io != NULL)
        ioapic_set(io, REGISTER_ENTRIES + 2 * (gsi - io->first), ENTRY_MASKED);
}
