/* SPDX-License-Identifier: MIT */
#include "pci_model.h"

#include "base/panic.h"
#include "parse/load.h"

#include <string.h>

struct pci_model pci_model;

static struct pci_model_function *find(pci_function at)
{
    for (unsigned i = 0; i < pci_model.count; i++)
        if (pci_model.function[i].at == at)
            return &pci_model.function[i];
    return NULL;
}

static uint32_t model_read(pci_function at, uint8_t offset)
{
    const struct pci_model_function *f = find(at);
    assert(offset % 4 == 0);
    return f != NULL ? load32(f->bytes + offset) : UINT32_MAX;
}

static void model_write(pci_function at, uint8_t offset, uint32_t value)
{
    struct pci_model_function *f = find(at);
    assert(f != NULL && offset % 4 == 0);
    if (offset >= 0x10 && offset < 0x28) {
        uint32_t kept = f->bar_kept[(offset - 0x10) / 4], old = load32(f->bytes + offset);
        assert(!pci_model.strict || !(f->bytes[4] & 2)); /* memory is off */
        value = (value & kept) | (old & ~kept);
    } else if (offset == 4) {
        assert(!pci_model.strict || value >> 16 == 0); /* clears no bit of the status */
        value = (value & 0xffff) | (load32(f->bytes + 4) & 0xffff0000);
    } else {
        assert(!pci_model.strict || offset >= 0x40);
    }
    pci_model_put32(f, offset, value);
}

const struct pci_access pci_model_access = {model_read, model_write};

void pci_model_put32(struct pci_model_function *f, unsigned offset, uint32_t value)
{
    memcpy(f->bytes + offset, &value, 4);
}

struct pci_model_function *pci_model_add(pci_function at, uint16_t vendor, uint16_t device)
{
    assert(pci_model.count < PCI_MODEL_MAX);
    struct pci_model_function *f = &pci_model.function[pci_model.count++];
    memset(f, 0, sizeof *f);
    f->at = at;
    pci_model_put32(f, 0, vendor | (uint32_t)device << 16);
    f->bytes[4] = 7;
    return f;
}

void pci_model_bar(struct pci_model_function *f, unsigned bar, uint64_t address, uint64_t size,
                   bool wide)
{
    pci_model_put32(f, 0x10 + 4 * bar, (uint32_t)address | (wide ? 4 : 0));
    f->bar_kept[bar] = (uint32_t)-size & ~15u;
    if (!wide)
        return;
    pci_model_put32(f, 0x14 + 4 * bar, (uint32_t)(address >> 32));
    f->bar_kept[bar + 1] = (uint32_t)(-size >> 32);
}

void pci_model_capability(struct pci_model_function *f, uint8_t at, uint8_t id)
{
    f->bytes[6] |= 0x10;
    f->bytes[at] = id;
    f->bytes[at + 1] = f->bytes[0x34];
    f->bytes[0x34] = at;
}

void pci_model_virtio(struct pci_model_function *f, uint8_t at, uint8_t type, struct pci_span span)
{
    pci_model_capability(f, at, PCI_CAPABILITY_VENDOR);
    f->bytes[at + 2] = 20;
    f->bytes[at + 3] = type;
    f->bytes[at + 4] = (uint8_t)span.bar;
    pci_model_put32(f, at + 8u, span.offset);
    pci_model_put32(f, at + 12u, span.size);
}
