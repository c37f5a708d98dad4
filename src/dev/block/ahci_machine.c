/* SPDX-License-Identifier: MIT */
#define LOG_TAG "disk"
#include "dev/block/ahci_machine.h"

#include "base/log.h"
#include "dev/block/ahci.h"
#include "dev/block/disks.h"
#include "dev/pci/interrupts.h"
#include "mm/heap/heap.h"
#include "mm/init/memory.h"

enum {
    AHCI_BAR = 5,
    POLLS = 1000000, /* reads of a register: a second */
};

#define FRAMES_4_GIB (UINT64_C(1) << (32 - PAGE_SHIFT))

struct ahci_controller {
    volatile void *registers;
    struct ahci_port *port[AHCI_PORTS]; /* NULL: no drive */
};

static void ahci_interrupt(void *context)
{
    const struct ahci_controller *c = context;
    uint32_t pending = ahci_pending(c->registers);
    for (uint32_t left = pending; left != 0; left &= left - 1) {
        struct ahci_port *p = c->port[__builtin_ctz(left)];
        if (p != NULL)
            block_interrupt(&p->disk, NULL);
    }
    ahci_acknowledge(c->registers, pending);
}

INIT_CODE static struct ahci_port *open_ahci_port(volatile char *registers)
{
    struct ahci_port *p = heap_alloc_zero(sizeof *p);
    if (p == NULL)
        return NULL;
    p->registers = registers;
    p->polls = POLLS;
    p->memory = kpage_alloc();
    if (p->memory == NULL) {
        heap_free(p);
        return NULL;
    }
    p->memory_at = kpage_phys(p->memory);
    enum err e = ahci_port_open(p);
    if (e != E_OK) { /* the page stays its own: the drive may not have stopped */
        if (e != E_NODEV)
            log_warn("a drive at an AHCI port cannot be used: error %d", e);
        return NULL;
    }
    disk_name(&p->disk, p->packet ? DISK_CD : DISK_SCSI);
    block_register(&p->disk);
    log_info("%s: %llu sectors, AHCI", p->disk.name, (unsigned long long)p->disk.sectors);
    return p;
}

INIT_CODE static enum err open_ahci(const struct boot_info *boot, const struct pci_access *access,
                                    pci_function function, struct ahci_controller *c)
{
    const struct pci_handlers handlers = {.interrupt = ahci_interrupt, .context = c, .plain = true};
    struct pci_interrupts interrupts;
    struct phys_range registers;
    bool wide;
    if (!pci_bar(access, function, AHCI_BAR, &registers) ||
        phys_range_size(registers) < AHCI_REGISTERS_LEAST)
        return E_NOTSUP;
    if (phys_range_size(registers) > AHCI_REGISTERS)
        registers.end.v = registers.start.v + AHCI_REGISTERS;
    c->registers = memory_map_physical(registers, prot_device());
    if (c->registers == NULL)
        return E_NOMEM;
    enum err e = pci_take_interrupts(boot, access, function, &handlers, &interrupts);
    if (e != E_OK)
        return e;
    uint32_t ports = ahci_start(c->registers, &wide);
    if (!wide && machine_frames.end > FRAMES_4_GIB)
        return E_NOTSUP; /* it does not reach all memory */
    for (unsigned i = 0; i < AHCI_PORTS; i++) {
        volatile char *port = ahci_port_registers(c->registers, i);
        if (port + AHCI_PORT_BYTES > (volatile char *)c->registers + phys_range_size(registers))
            break;
        if (ports >> i & 1 && ahci_has_drive(port) && (c->port[i] = open_ahci_port(port)) != NULL)
            ahci_port_go(c->port[i]);
    }
    return E_OK;
}

INIT_CODE void ahci_start_controller(const struct boot_info *boot, const struct pci_access *access,
                                     pci_function function)
{
    struct ahci_controller *c = heap_alloc_zero(sizeof *c);
    enum err e = c != NULL ? open_ahci(boot, access, function, c) : E_NOMEM;
    if (e != E_OK)
        log_warn("an AHCI controller cannot be used: error %d", e);
}
