/* SPDX-License-Identifier: MIT */
#define LOG_TAG "interrupts"
#include "dev/pci/interrupts.h"

#include "base/log.h"
#include "cpu/ioapic.h"
#include "cpu/lock.h"
#include "cpu/mmio.h"
#include "mm/init/memory.h"
#include "parse/acpi.h"

enum {
    RSDP_READ = 36,
    LINES_MAX = 256,
};

static struct spin_lock leave_spin; /* an access to PCI's configuration space takes two steps */
static uint8_t line_users[LINES_MAX];

static const void *map_interrupt_table(void *context, phys_t at, size_t size)
{
    (void)context;
    return memory_map_physical(phys_range(at.v, at.v + size), prot_ro());
}

INIT_CODE static void add_ioapics(const struct boot_info *boot)
{
    struct acpi_interrupts interrupts;
    const void *rsdp = boot->rsdp_copy;
    size_t size = boot->rsdp_length;
    if (size == 0 && boot->rsdp.v != 0) {
        size = RSDP_READ;
        rsdp = map_interrupt_table(NULL, boot->rsdp, size);
    }
    if (size == 0 || rsdp == NULL ||
        !acpi_read_interrupts(rsdp, size, map_interrupt_table, NULL, &interrupts))
        return;
    for (unsigned i = 0; i < interrupts.count; i++) {
        uint64_t at = interrupts.ioapic[i].address;
        void *registers = memory_map_physical(phys_range(at, at + IOAPIC_BYTES), prot_device());
        if (registers == NULL || !ioapic_add(registers, interrupts.ioapic[i].first))
            log_warn("no I/O APIC at 0x%llx, where ACPI says one is", (unsigned long long)at);
    }
}

INIT_CODE enum err line_take(const struct boot_info *boot, uint32_t gsi, bool low,
                             irq_handler handler, void *context)
{
    INIT_DATA static uint8_t vectors[LINES_MAX];
    INIT_DATA static bool any;
    unsigned vector;
    if (gsi >= LINES_MAX)
        return E_NODEV;
    if (vectors[gsi] != 0 ? !irq_vector_share(vectors[gsi], handler, context)
                          : !irq_vector_take(handler, context, &vector))
        return E_NOMEM;
    line_users[gsi]++;
    if (vectors[gsi] != 0)
        return E_OK;
    vectors[gsi] = (uint8_t)vector;
    if (!any)
        add_ioapics(boot);
    any = true;
    return ioapic_route(gsi, low, vector) ? E_OK : E_NODEV;
}

/* An entry of the table raises the handler's vector. */
INIT_CODE static enum err fill_message(char *entry, irq_handler handler, void *context)
{
    unsigned vector;
    if (!irq_vector_take(handler, context, &vector))
        return E_NOMEM;
    mmio_write32(entry, (uint32_t)msi_address());
    mmio_write32(entry + 4, (uint32_t)(msi_address() >> 32));
    mmio_write32(entry + 8, msi_data(vector));
    mmio_write32(entry + 12, 0);
    return E_OK;
}

INIT_CODE static enum err take_messages(const struct pci_access *access, pci_function function,
                                        struct phys_range table,
                                        const struct pci_handlers *handlers,
                                        struct pci_interrupts *out)
{
    bool two = handlers->changed != NULL && phys_range_size(table) >= 2 * PCI_MSIX_ENTRY;
    uint64_t size = two ? 2 * PCI_MSIX_ENTRY : PCI_MSIX_ENTRY;
    char *entry =
        memory_map_physical(phys_range(table.start.v, table.start.v + size), prot_device());
    if (entry == NULL)
        return E_NOMEM;
    pci_enable(access, function, false);
    enum err e = fill_message(entry, handlers->interrupt, handlers->context);
    if (e == E_OK && two)
        e = fill_message(entry + PCI_MSIX_ENTRY, handlers->changed, handlers->context);
    if (e != E_OK)
        return e;
    pci_msix_enable(access, function);
    *out = (struct pci_interrupts){.two = two};
    return E_OK;
}

INIT_CODE static enum err take_one_message(const struct pci_access *access, pci_function function,
                                           const struct pci_handlers *handlers)
{
    unsigned vector;
    if (pci_capability(access, function, PCI_CAPABILITY_MSI, 1, 0) == 0)
        return E_NODEV;
    if (!irq_vector_take(handlers->interrupt, handlers->context, &vector))
        return E_NOMEM;
    pci_enable(access, function, false);
    return pci_msi_enable(access, function, msi_address(), (uint16_t)msi_data(vector)) ? E_OK
                                                                                       : E_NODEV;
}

INIT_CODE enum err pci_take_interrupts(const struct boot_info *boot,
                                       const struct pci_access *access, pci_function function,
                                       const struct pci_handlers *handlers,
                                       struct pci_interrupts *out)
{
    struct phys_range table;
    *out = (struct pci_interrupts){0};
    if (!handlers->plain && pci_msix_table(access, function, &table))
        return take_messages(access, function, table, handlers, out);
    if (handlers->plain && take_one_message(access, function, handlers) == E_OK)
        return E_OK;
    uint32_t line = pci_line(access, function);
    enum err e =
        line != 0 ? line_take(boot, line, true, handlers->interrupt, handlers->context) : E_NODEV;
    if (e != E_OK)
        return e;
    pci_enable(access, function, true);
    *out = (struct pci_interrupts){.line = line};
    return E_OK;
}

void device_leave(const struct pci_access *access, pci_function function, uint32_t line)
{
    uint64_t flags = spin_lock_irq(&leave_spin, &class_nic);
    if (access != NULL)
        pci_disable(access, function);
    if (line != 0 && --line_users[line] == 0)
        ioapic_mask(line);
    spin_unlock_irq(&leave_spin, &class_nic, flags);
}
