/* SPDX-License-Identifier: MIT */
#define LOG_TAG "disk"
#include "dev/block/ata_machine.h"

#include "base/log.h"
#include "cpu/apic.h"
#include "dev/block/ata.h"
#include "dev/block/disks.h"
#include "mm/heap/heap.h"
#include "mm/phys/frames.h"

enum {
    PCI_COMMAND = 0x04,
    PCI_COMMAND_USED = 5, /* ports and bus mastering */
    PCI_CLASS = 0x08,
    PCI_BAR_4 = 0x20,
    CLASS_MASTER = 0x8000, /* in the interface: it is a bus master */
    CLASS_NATIVE = 0x0500, /* in the interface: channels with ports and lines of their own */
    BAR_PORT = 1,
    CHANNELS = 2,
    FIRST_LINE = 14,
    /* Each is four reads of a port: seconds, as an emulator on a loaded computer needs for a reset. */
    PROBE_POLLS = 2500000,
};

#define FRAMES_4_GIB (UINT64_C(1) << (32 - PAGE_SHIFT))

static struct ata_channel *channels[CHANNELS];

static void first_channel_interrupt(void)
{
    ata_interrupt(channels[0]);
}

static void second_channel_interrupt(void)
{
    ata_interrupt(channels[1]);
}

/* True if a drive is there. */
INIT_CODE static bool open_channel(struct ata_channel *c, unsigned number, uint16_t master)
{
    static const uint16_t commands[CHANNELS] = {0x1f0, 0x170};
    c->command = commands[number];
    c->control = (uint16_t)(commands[number] + 0x206);
    c->master = (uint16_t)(master + 8 * number);
    c->polls = PROBE_POLLS;
    c->regions = kpage_alloc();
    if (c->regions == NULL)
        return false;
    c->regions_at = kpage_phys(c->regions);
    ata_probe(c);
    if (c->drive[0].there || c->drive[1].there)
        return true;
    kpage_free(c->regions);
    return false;
}

INIT_CODE static void register_drives(struct ata_channel *c)
{
    for (unsigned i = 0; i < 2; i++) {
        struct block_device *disk = &c->drive[i].disk;
        if (!c->drive[i].there)
            continue;
        disk_name(disk, c->drive[i].packet ? DISK_CD : DISK_SCSI);
        block_register(disk);
        log_info("%s: %llu sectors, %s", disk->name, (unsigned long long)disk->sectors,
                 c->drive[i].packet ? "ATAPI" : "ATA");
    }
}

INIT_CODE void ata_start_controller(const struct pci_access *access, pci_function function)
{
    uint32_t interface = access->read(function, PCI_CLASS) & 0xffff;
    uint32_t bar = access->read(function, PCI_BAR_4);
    uint16_t master = (uint16_t)(bar & 0xfffc);
    if (!(interface & CLASS_MASTER) || interface & CLASS_NATIVE || !(bar & BAR_PORT) ||
        master == 0 || machine_frames.end > FRAMES_4_GIB) {
        log_warn("the IDE controller is not used: %s", machine_frames.end > FRAMES_4_GIB
                                                           ? "memory ends above 4 GiB"
                                                           : "it has no usual ports and lines");
        return;
    }
    access->write(function, PCI_COMMAND,
                  (access->read(function, PCI_COMMAND) & 0xffff) | PCI_COMMAND_USED);
    for (unsigned i = 0; i < CHANNELS; i++) {
        struct ata_channel *c = heap_alloc_zero(sizeof *c);
        if (c == NULL || !open_channel(c, i, master)) {
            heap_free(c);
            continue;
        }
        channels[i] = c;
        irq_set_handler(FIRST_LINE + i,
                        i == 0 ? first_channel_interrupt : second_channel_interrupt);
        register_drives(c);
        ata_go(c);
    }
}
