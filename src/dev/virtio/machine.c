/* SPDX-License-Identifier: MIT */
#define LOG_TAG "virtio"
#include "dev/virtio/machine.h"

#include "base/log.h"
#include "base/str.h"
#include "cpu/features.h"
#include "cpu/x86.h"
#include "dev/pci/pci_machine.h"
#include "mm/init/memory.h"

enum {
    PORT_UNUSED = 0x80, /* of POST codes */
};

/* What is at the places that words name; 0: nothing, or it is in use. */
INIT_DATA static struct {
    struct virtio_mmio mmio;
    enum virtio_device_id id;
    unsigned line;
} places[OPTIONS_VIRTIO_MAX];
INIT_DATA static bool looked;
INIT_DATA static unsigned left;
INIT_DATA bool virtio_none_left;

INIT_CODE static void look_at_places(const struct options *options)
{
    for (size_t i = 0; i < OPTIONS_VIRTIO_MAX && options->virtio_mmio[i] != NULL; i++) {
        struct virtio_mmio_word where = {0};
        void *registers = NULL;
        if (virtio_mmio_parse(options->virtio_mmio[i], &where))
            registers = memory_map_physical(where.range, prot_device());
        places[i].line = where.line;
        if (registers == NULL ||
            virtio_mmio_open(&places[i].mmio, registers, phys_range_size(where.range),
                             &places[i].id) != E_OK)
            log_warn("no device by virtio_mmio.device=%s", options->virtio_mmio[i]);
        else
            left++;
    }
    looked = true;
}

INIT_CODE static enum err find_pci(const struct boot_info *boot, enum virtio_device_id kind,
                                   const struct pci_handlers *handlers, struct virtio_found *out)
{
    struct virtio_pci_places parts;
    struct pci_interrupts interrupts;
    volatile void *mapped[VIRTIO_PCI_PARTS] = {0};
    *out = (struct virtio_found){.access = pci_start(boot)};
    if (out->access == NULL || (!pci_find(virtio_pci_id(kind), &out->function) &&
                                !pci_find(virtio_pci_transitional_id(kind), &out->function)))
        return E_NODEV;
    enum err e = virtio_pci_find(out->access, out->function, &parts);
    for (unsigned i = 0; e == E_OK && i < VIRTIO_PCI_PARTS; i++) {
        if (phys_range_size(parts.part[i]) == 0)
            continue;
        mapped[i] = memory_map_physical(parts.part[i], prot_device());
        e = mapped[i] != NULL ? E_OK : E_NOMEM;
    }
    if (e == E_OK)
        e = pci_take_interrupts(boot, out->access, out->function, handlers, &interrupts);
    if (e != E_OK)
        return e;
    out->line = interrupts.line;
    out->device = &out->pci.device;
    virtio_pci_open(&out->pci, &parts, mapped,
                    &(struct virtio_pci_interrupts){interrupts.line != 0, interrupts.two});
    return E_OK;
}

/* QEMU's TCG before 8.1 translates MFENCE and LOCK to nothing where the machine has one CPU, although its devices run in
 * another thread: a load passes the store, and neither side tells the other of its work, for ever. Reading a port takes
 * QEMU's lock, which orders them. */
static void fence_of_tcg(void)
{
    (void)in8(PORT_UNUSED);
}

INIT_CODE static enum err find_mmio(const struct boot_info *boot, const struct options *options,
                                    enum virtio_device_id kind, const struct pci_handlers *handlers,
                                    struct virtio_found *out)
{
    if (!looked)
        look_at_places(options);
    size_t i = 0;
    while (i < OPTIONS_VIRTIO_MAX && places[i].id != kind)
        i++;
    if (i == OPTIONS_VIRTIO_MAX)
        return E_NODEV;
    places[i].id = 0;
    virtio_none_left = --left == 0;
    *out = (struct virtio_found){.mmio = places[i].mmio, .line = places[i].line};
    out->device = &out->mmio.device;
    return line_take(boot, out->line, false, handlers->interrupt, handlers->context);
}

INIT_CODE enum err virtio_find(const struct boot_info *boot, const struct options *options,
                               enum virtio_device_id kind, const struct pci_handlers *handlers,
                               struct virtio_found *out)
{
    enum err e = options->virtio_mmio[0] == NULL ? find_pci(boot, kind, handlers, out)
                                                 : find_mmio(boot, options, kind, handlers, out);
    if (e == E_OK && cpu_features.tcg)
        out->device->fence = fence_of_tcg;
    return e;
}

uint32_t virtio_interrupt(const struct virtio_found *found)
{
    return found->device != NULL ? found->device->ops->interrupt(found->device) : 0;
}

void virtio_leave(struct virtio_found *found, bool failed)
{
    virtio_stop(found->device, failed);
    device_leave(found->access, found->function, found->line);
}
