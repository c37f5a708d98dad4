/* SPDX-License-Identifier: MIT */
#define LOG_TAG "disk"
#include "dev/block/disks.h"

#include "base/fmt.h"
#include "base/log.h"
#include "dev/block/ahci_machine.h"
#include "dev/block/ata_machine.h"
#include "dev/block/nvme_machine.h"
#include "dev/block/virtio_blk.h"
#include "dev/pci/pci_machine.h"
#include "dev/virtio/machine.h"
#include "mm/heap/heap.h"
#include "mm/init/memory.h"

enum {
    VIRTIO_DISKS_MAX = 26,   /* letters */
    VIRTIO_DISK_MAJOR = 254, /* the first that Linux gives away; it has no number of its own */
    VIRTIO_DISK_MINORS = BLOCK_PARTITIONS_MAX + 1,
    SCSI_DISK_MAJOR = 8, /* Linux's Documentation/admin-guide/devices.txt */
    SCSI_DISK_MINORS = 16,
    CD_MAJOR = 11,
    BLOCK_EXTENDED_MAJOR = 259,

    PCI_CLASS_IDE = 0x0101,
    PCI_CLASS_AHCI = 0x0106,
    PCI_CLASS_NVME = 0x0108,
};

#define SMALL_MEMORY (UINT64_C(32) << 20)

struct virtio_disk {
    struct virtio_blk blk;
    struct virtio_found found;
};

static void virtio_disk_leave(struct virtio_blk *blk)
{
    virtio_leave(&CONTAINER_OF(blk, struct virtio_disk, blk)->found, true);
}

static void disk_interrupt(void *context)
{
    struct virtio_disk *d = context;
    uint32_t why = virtio_interrupt(&d->found);
    bool broken = why & VIRTIO_INTERRUPT_CONFIG && virtio_blk_needs_reset(&d->blk);
    if (why != 0 && d->blk.disk.disk != NULL) /* registered */
        block_interrupt(&d->blk.disk, broken ? "it asks for a reset" : NULL);
}

INIT_CODE static enum err open_disk(struct virtio_disk *d, unsigned number)
{
    struct block_device *disk = &d->blk.disk;
    struct virtio_blk_memory memory = {.size = VIRTIO_BLK_MEMORY_MAX};
    unsigned order = 3;
    if (memory_total() < SMALL_MEMORY) {
        memory.size = VIRTIO_BLK_MEMORY_MIN;
        order = 1;
    }
    if (frames_alloc(&machine_frames, order, &memory.at) != E_OK)
        return E_NOMEM;
    memory.start =
        memory_map_physical(phys_range(memory.at.v, memory.at.v + memory.size), prot_rw());
    if (memory.start == NULL)
        return E_NOMEM;
    d->blk.device = d->found.device;
    d->blk.leave = virtio_disk_leave;
    fmt_snprintf(disk->name, sizeof disk->name, "vd%c", 'a' + number);
    disk->major = VIRTIO_DISK_MAJOR;
    disk->minor = number * VIRTIO_DISK_MINORS;
    enum err e = virtio_blk_open(&d->blk, &memory);
    if (e != E_OK)
        return e;
    block_register(disk);
    log_info("%s: %llu sectors, virtio-blk by %s interrupts by %s", disk->name,
             (unsigned long long)disk->sectors, virtio_bus_name(&d->found),
             virtio_interrupt_name(&d->found));
    return E_OK;
}

INIT_CODE static void find_virtio_disks(const struct boot_info *boot, const struct options *options)
{
    unsigned number = 0;
    enum err e = virtio_none_left ? E_NODEV : E_OK;
    while (number < VIRTIO_DISKS_MAX && e != E_NODEV) {
        struct virtio_disk *d = heap_alloc_zero(sizeof *d);
        const struct pci_handlers handlers = {.interrupt = disk_interrupt, .context = d};
        e = d != NULL ? virtio_find(boot, options, VIRTIO_BLOCK, &handlers, &d->found) : E_NODEV;
        if (e == E_NODEV) {
            heap_free(d);
            continue;
        }
        if (e == E_OK)
            e = open_disk(d, number);
        if (e == E_OK)
            number++;
        else
            log_warn("a virtio disk cannot be used: error %d", e);
        if (e == E_NODEV)
            e = E_IO;
    }
}

INIT_CODE void disk_name(struct block_device *disk, enum disk_kind kind)
{
    static const struct {
        char prefix[5], suffix[3];
        bool letter; /* not a number */
        uint16_t major;
        uint8_t minors;
    } kinds[] = {
        [DISK_SCSI] = {"sd", "", true, SCSI_DISK_MAJOR, SCSI_DISK_MINORS},
        [DISK_CD] = {"sr", "", false, CD_MAJOR, 1},
        [DISK_NVME] = {"nvme", "n1", false, BLOCK_EXTENDED_MAJOR, BLOCK_PARTITIONS_MAX + 1},
    };
    INIT_DATA static unsigned counts[ARRAY_LENGTH(kinds)];
    unsigned number = counts[kind]++;
    if (kinds[kind].letter)
        fmt_snprintf(disk->name, sizeof disk->name, "%s%c", kinds[kind].prefix, 'a' + number);
    else
        fmt_snprintf(disk->name, sizeof disk->name, "%s%u%s", kinds[kind].prefix, number,
                     kinds[kind].suffix);
    disk->major = kinds[kind].major;
    disk->minor = number * kinds[kind].minors;
}

INIT_CODE void disks_start(const struct boot_info *boot, const struct options *options)
{
    find_virtio_disks(boot, options);
    if (options->virtio_mmio[0] != NULL)
        return; /* there is no PCI */
    const struct pci_access *access = pci_start(boot);
    pci_function function;
    if (access != NULL && pci_find_class(PCI_CLASS_IDE, &function))
        ata_start_controller(access, function);
    while (access != NULL && pci_find_class(PCI_CLASS_AHCI, &function))
        ahci_start_controller(boot, access, function);
    while (access != NULL && pci_find_class(PCI_CLASS_NVME, &function))
        nvme_start_controller(boot, access, function);
}
