/* SPDX-License-Identifier: MIT */
#include "dev/pci/pci.h"

#include "base/checked.h"

enum {
    ID = 0x00,
    COMMAND = 0x04, /* and the status in the high half: writing 1 clears a bit of it */
    HEADER = 0x0c,  /* the type in bits 16-23 */
    BAR_0 = 0x10,
    SECONDARY = 0x18, /* of a bridge, in bits 8-15 */
    CAPABILITIES = 0x34,
    LINE = 0x3c, /* and the pin in bits 8-15 */
    LINE_MAX = 15,
    CAPABILITIES_MIN = 0x40,
    CAPABILITIES_MAX = 48, /* as many as have room */

    COMMAND_MEMORY = 2,
    COMMAND_MASTER = 4,
    COMMAND_NO_LINE = 1 << 10,
    STATUS_CAPABILITIES = 1 << 20,
    HEADER_MANY = 0x80,
    HEADER_TYPE = 0x7f,
    HEADER_DEVICE = 0,
    HEADER_BRIDGE = 1,

    BAR_PORT = 1,
    BAR_TYPE = 6,
    BAR_TYPE_64 = 4,
    BAR_FLAGS = 15,

    MSI_ENABLE = 1 << 16,
    MSI_COUNT = 7 << 20, /* of messages */
    MSI_WIDE = 1 << 23,
    MSI_BYTES = 14,
    MSIX_TABLE = 4, /* offset in the capability: offset, and the base address in bits 0-2 */
    MSIX_SIZE = 0x7ff,
    MSIX_BYTES = 12,
    DEVICES = 32,
    FUNCTIONS = 8,
};

#define MSIX_ENABLE (UINT32_C(1) << 31)
#define MSIX_MASK   (UINT32_C(1) << 30) /* of all */
#define PHYS_END    (UINT64_C(1) << 52)

uint8_t pci_read8(const struct pci_access *a, pci_function f, uint8_t offset)
{
    return (uint8_t)(a->read(f, offset & 0xfc) >> (offset & 3) * 8);
}

static uint8_t header_type(const struct pci_access *a, pci_function f)
{
    return (uint8_t)(a->read(f, HEADER) >> 16);
}

static bool is_absent(uint32_t id)
{
    return (id & 0xffff) == 0xffff || (id & 0xffff) == 0;
}

void pci_each(const struct pci_access *a,
              bool (*visit)(void *context, pci_function function, uint32_t id), void *context)
{
    uint32_t buses[256 / 32] = {1};
    for (unsigned bus = 0; bus < 256; bus++) {
        unsigned functions = 1;
        if (!(buses[bus / 32] >> bus % 32 & 1))
            continue;
        for (unsigned i = 0; i < DEVICES * FUNCTIONS; i++) {
            pci_function f = (pci_function)(bus << 8 | i);
            if (i % FUNCTIONS != 0 && functions == 1)
                continue;
            uint32_t id = a->read(f, ID);
            if (i % FUNCTIONS == 0)
                functions = 1;
            if (is_absent(id))
                continue;
            uint8_t type = header_type(a, f);
            if (i % FUNCTIONS == 0 && type & HEADER_MANY)
                functions = FUNCTIONS;
            if ((type & HEADER_TYPE) == HEADER_BRIDGE) {
                uint8_t secondary = (uint8_t)(a->read(f, SECONDARY) >> 8);
                if (secondary > bus)
                    buses[secondary / 32] |= UINT32_C(1) << secondary % 32;
            }
            if (!visit(context, f, id))
                return;
        }
    }
}

uint8_t pci_capability(const struct pci_access *a, pci_function f, uint8_t id, unsigned bytes,
                       uint8_t after)
{
    if (!(a->read(f, COMMAND) & STATUS_CAPABILITIES))
        return 0;
    uint8_t at = pci_read8(a, f, after == 0 ? CAPABILITIES : (uint8_t)(after + 1)) & 0xfc;
    for (unsigned i = 0; i < CAPABILITIES_MAX && at >= CAPABILITIES_MIN; i++) {
        uint32_t head = a->read(f, at);
        if ((head & 0xff) == id && bytes <= 256u - at)
            return at;
        at = head >> 8 & 0xfc;
    }
    return 0;
}

static void set_command(const struct pci_access *a, pci_function f, uint32_t set, uint32_t clear)
{
    a->write(f, COMMAND, ((a->read(f, COMMAND) & ~clear) | set) & 0xffff);
}

/* Writes ones and reads which of them the function keeps: the size. */
static uint32_t probe(const struct pci_access *a, pci_function f, uint8_t at, uint32_t value)
{
    a->write(f, at, UINT32_MAX);
    uint32_t kept = a->read(f, at);
    a->write(f, at, value);
    return kept;
}

bool pci_bar(const struct pci_access *a, pci_function f, unsigned bar, struct phys_range *out)
{
    uint8_t at = (uint8_t)(BAR_0 + 4 * bar);
    if (bar >= PCI_BARS || (header_type(a, f) & HEADER_TYPE) != HEADER_DEVICE)
        return false;
    uint32_t low = a->read(f, at), high = 0;
    bool wide = (low & BAR_TYPE) == BAR_TYPE_64;
    if (low & BAR_PORT || (wide && bar + 1 == PCI_BARS))
        return false;
    if (wide)
        high = a->read(f, (uint8_t)(at + 4));
    uint64_t address = ((uint64_t)high << 32 | low) & ~(uint64_t)BAR_FLAGS, end;
    uint32_t command = a->read(f, COMMAND) & 0xffff;
    a->write(f, COMMAND, command & ~(uint32_t)COMMAND_MEMORY);
    uint64_t kept = probe(a, f, at, low) & ~(uint64_t)BAR_FLAGS;
    kept |=
        wide ? (uint64_t)probe(a, f, (uint8_t)(at + 4), high) << 32 : UINT64_C(0xffffffff00000000);
    a->write(f, COMMAND, command);
    uint64_t size = kept & -kept;
    if (address == 0 || size == 0 || address % size != 0 || !checked_add(address, size, &end) ||
        end > PHYS_END)
        return false;
    *out = phys_range(address, end);
    return true;
}

bool pci_span_in(struct phys_range all, const struct pci_span *span, struct phys_range *out)
{
    if (span->size == 0 || !checked_span(span->offset, span->size, phys_range_size(all)))
        return false;
    uint64_t start = all.start.v + span->offset;
    *out = phys_range(start, start + span->size);
    return true;
}

bool pci_bar_part(const struct pci_access *a, pci_function f, const struct pci_span *span,
                  struct phys_range *out)
{
    struct phys_range all;
    return span->size > 0 && pci_bar(a, f, span->bar, &all) && pci_span_in(all, span, out);
}

void pci_enable(const struct pci_access *a, pci_function f, bool line)
{
    uint32_t on = COMMAND_MEMORY | COMMAND_MASTER;
    set_command(a, f, line ? on : on | COMMAND_NO_LINE, line ? COMMAND_NO_LINE : 0);
}

uint8_t pci_line(const struct pci_access *a, pci_function f)
{
    uint32_t word = a->read(f, LINE);
    bool pin = (word >> 8 & 0xff) != 0;
    return pin && (word & 0xff) <= LINE_MAX ? (uint8_t)word : 0;
}

void pci_disable(const struct pci_access *a, pci_function f)
{
    set_command(a, f, 0, COMMAND_MASTER);
}

bool pci_msi_enable(const struct pci_access *a, pci_function f, uint64_t address, uint16_t data)
{
    uint8_t at = pci_capability(a, f, PCI_CAPABILITY_MSI, MSI_BYTES, 0);
    uint32_t head = at != 0 ? a->read(f, at) : 0;
    bool wide = head & MSI_WIDE;
    if (at == 0 || (!wide && address > UINT32_MAX))
        return false;
    uint8_t data_at = (uint8_t)(at + (wide ? 12 : 8));
    a->write(f, (uint8_t)(at + 4), (uint32_t)address);
    if (wide)
        a->write(f, (uint8_t)(at + 8), (uint32_t)(address >> 32));
    a->write(f, data_at, (a->read(f, data_at) & 0xffff0000) | data);
    a->write(f, at, (head & ~(uint32_t)MSI_COUNT) | MSI_ENABLE);
    return true;
}

bool pci_msix_table(const struct pci_access *a, pci_function f, struct phys_range *out)
{
    uint8_t at = pci_capability(a, f, PCI_CAPABILITY_MSIX, MSIX_BYTES, 0);
    if (at == 0)
        return false;
    uint32_t entries = (a->read(f, at) >> 16 & MSIX_SIZE) + 1;
    uint32_t table = a->read(f, (uint8_t)(at + MSIX_TABLE));
    const struct pci_span span = {table & 7, table & ~UINT32_C(7), entries * PCI_MSIX_ENTRY};
    return pci_bar_part(a, f, &span, out);
}

void pci_msix_enable(const struct pci_access *a, pci_function f)
{
    uint8_t at = pci_capability(a, f, PCI_CAPABILITY_MSIX, MSIX_BYTES, 0);
    if (at != 0)
        a->write(f, at, (a->read(f, at) | MSIX_ENABLE) & ~MSIX_MASK);
}
