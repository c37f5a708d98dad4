/* SPDX-License-Identifier: MIT */
#define LOG_TAG "disk"
#include "dev/block/nvme_machine.h"

#include "base/log.h"
#include "base/str.h"
#include "dev/block/disks.h"
#include "dev/block/nvme.h"
#include "dev/pci/interrupts.h"
#include "mm/heap/heap.h"
#include "mm/init/memory.h"

enum {
    POLLS = 5000000, /* reads of a register: seconds */
    MEMORY_ORDER = 3,
};

_Static_assert(PAGE_SIZE << MEMORY_ORDER == NVME_MEMORY, "one block of frames");

struct nvme_controller {
    struct nvme nvme;
    const struct pci_access *access;
    pci_function function;
    uint32_t line; /* GSI; 0: messages */
};

static void nvme_left(struct nvme *nvme)
{
    const struct nvme_controller *c = CONTAINER_OF(nvme, struct nvme_controller, nvme);
    device_leave(c->access, c->function, c->line);
}

static void nvme_interrupt(void *context)
{
    struct nvme_controller *c = context;
    if (c->nvme.disk.disk != NULL) /* registered */
        block_interrupt(&c->nvme.disk, NULL);
}

INIT_CODE static enum err open_controller(const struct boot_info *boot, struct nvme_controller *c)
{
    const struct pci_handlers handlers = {.interrupt = nvme_interrupt, .context = c};
    struct nvme *n = &c->nvme;
    struct pci_interrupts interrupts;
    struct phys_range registers;
    if (!pci_bar_part(c->access, c->function, &(struct pci_span){0, 0, NVME_REGISTERS}, &registers))
        return E_NOTSUP;
    n->registers = memory_map_physical(registers, prot_device());
    if (n->registers == NULL || frames_alloc(&machine_frames, MEMORY_ORDER, &n->memory_at) != E_OK)
        return E_NOMEM;
    n->memory =
        memory_map_physical(phys_range(n->memory_at.v, n->memory_at.v + NVME_MEMORY), prot_rw());
    if (n->memory == NULL)
        return E_NOMEM;
    memset(n->memory, 0, NVME_MEMORY);
    enum err e = pci_take_interrupts(boot, c->access, c->function, &handlers, &interrupts);
    if (e != E_OK)
        return e;
    c->line = interrupts.line;
    n->leave = nvme_left;
    n->polls = POLLS;
    return nvme_open(n);
}

INIT_CODE void nvme_start_controller(const struct boot_info *boot, const struct pci_access *access,
                                     pci_function function)
{
    struct nvme_controller *c = heap_alloc_zero(sizeof *c);
    enum err e = E_NOMEM;
    if (c != NULL) {
        c->access = access;
        c->function = function;
        e = open_controller(boot, c);
    }
    if (e != E_OK) { /* its memory stays its own */
        log_warn("an NVMe controller cannot be used: error %d", e);
        return;
    }
    disk_name(&c->nvme.disk, DISK_NVME);
    block_register(&c->nvme.disk);
    log_info("%s: %llu sectors, interrupts by %s", c->nvme.disk.name,
             (unsigned long long)c->nvme.disk.sectors, c->line != 0 ? "line" : "message");
}
