/* SPDX-License-Identifier: MIT */
/* Two functions with any configuration space: every answer lies in the memory of a base address, and all loops end. */
#include "dev/pci/pci.h"
#include "dev/virtio/pci.h"

#include "base/panic.h"
#include "pci_model.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool visit(void *context, pci_function f, uint32_t id)
{
    unsigned *count = context;
    (void)f;
    assert((id & 0xffff) != 0xffff);
    return ++*count < 1000;
}

static void check(struct phys_range range)
{
    assert(range.start.v != 0 && range.start.v < range.end.v && range.end.v <= UINT64_C(1) << 52);
}

static void look(pci_function f)
{
    const struct pci_access *a = &pci_model_access;
    struct virtio_pci_places places;
    struct phys_range range;
    for (unsigned bar = 0; bar < 8; bar++)
        if (pci_bar(a, f, bar, &range))
            check(range);
    if (pci_msix_table(a, f, &range)) {
        check(range);
        assert(phys_range_size(range) <= 2048 * PCI_MSIX_ENTRY);
    }
    if (virtio_pci_find(a, f, &places) == E_OK) {
        check(places.part[VIRTIO_PCI_COMMON]);
        check(places.part[VIRTIO_PCI_NOTIFY]);
        check(places.part[VIRTIO_PCI_ISR]);
        assert(phys_range_size(places.part[VIRTIO_PCI_COMMON]) >= 0x38);
    }
    pci_enable(a, f, false);
    pci_msix_enable(a, f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned count = 0;
    memset(&pci_model, 0, sizeof pci_model);
    pci_model.count = 2;
    for (unsigned i = 0; i < 2; i++) {
        struct pci_model_function *f = &pci_model.function[i];
        size_t take = size < 256 + sizeof f->bar_kept ? size : 256 + sizeof f->bar_kept;
        memcpy(f->bytes, data, take < 256 ? take : 256);
        if (take > 256)
            memcpy(f->bar_kept, data + 256, take - 256);
        data += take;
        size -= take;
    }
    pci_model.function[1].at = (pci_function)(pci_model.function[0].bytes[0x19] << 8);
    pci_each(&pci_model_access, visit, &count);
    look(pci_model.function[0].at);
    look(pci_model.function[1].at);
    return 0;
}
