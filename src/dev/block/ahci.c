/* SPDX-License-Identifier: MIT */
#include "dev/block/ahci.h"

#include "base/str.h"
#include "cpu/mmio.h"
#include "dev/block/ata_identity.h"

enum { /* registers of the controller */
    CAPABILITIES = 0x00,
    CONTROL = 0x04,
    PENDING = 0x08,
    IMPLEMENTED = 0x0c,
    CONTROL_INTERRUPTS = 2,
};

#define CAPABILITY_WIDE (UINT32_C(1) << 31)
#define CONTROL_AHCI    (UINT32_C(1) << 31)

enum { /* registers of a port */
    PORT_LIST = 0x00,
    PORT_RECEIVED = 0x08,
    PORT_INTERRUPTS = 0x10,
    PORT_ENABLED = 0x14,
    PORT_COMMAND = 0x18,
    PORT_TASK = 0x20, /* status, and the error above it */
    PORT_SIGNATURE = 0x24,
    PORT_LINK = 0x28,
    PORT_ERRORS = 0x30,
    PORT_ISSUED = 0x38,

    COMMAND_START = 1,
    COMMAND_SPIN_UP = 2,
    COMMAND_POWER = 4,
    COMMAND_CLEAR = 8, /* BSY and DRQ */
    COMMAND_RECEIVE = 16,
    COMMAND_RECEIVES = 1 << 14,
    COMMAND_RUNS = 1 << 15,

    TASK_ERROR = 1,
    TASK_DATA = 8,
    TASK_BUSY = 128,
    LINK_DETECTED = 15,
    LINK_UP = 3,

    SIGNATURE_DISK = 0x00000101,

    INTERRUPT_ENDS = 15, /* the four kinds of FIS that end a command */
    INTERRUPT_PLUG = 1 << 6 | 1 << 22,
    INTERRUPT_BAD = 15 << 27, /* errors of bus, link, drive */

    /* The page: list, received FISes, command table, answers. */
    RECEIVED_AT = 1024,
    TABLE_AT = 1280,
    PACKET_AT = TABLE_AT + 0x40,
    REGIONS_AT = TABLE_AT + 0x80,
    ANSWER_AT = 3072,

    FIS_WORDS = 5,
    FIS_TO_DRIVE = 0x27,
    FIS_COMMAND = 0x80,
    HEAD_PACKET = 1 << 5,
    HEAD_WRITE = 1 << 6,
    DRIVE_LBA = 0x40,
    FEATURE_DMA = 1,

    REQUEST_MAX = 128 << 10, /* bytes: 256 sectors, as LBAs of 28 bits have them */
    RUN_POLLS = 10000,       /* with interrupts off */
};

#define SIGNATURE_PACKET UINT32_C(0xeb140101)

struct ahci_region {
    uint64_t at;
    uint32_t unused;
    uint32_t bytes; /* less one */
};

struct ahci_head {
    uint32_t flags; /* regions in the high half */
    uint32_t moved; /* bytes */
    uint64_t table;
    uint32_t unused[4];
};

_Static_assert(sizeof(struct ahci_region) == 16 && sizeof(struct ahci_head) == 32,
               "AHCI 1.3.1, 4.2");
_Static_assert(TABLE_AT % 128 == 0 && RECEIVED_AT % 256 == 0, "AHCI 1.3.1, 3.3");
_Static_assert(REGIONS_AT + AHCI_SEGMENTS * 16 <= ANSWER_AT && ANSWER_AT + 512 <= 4096, "a page");

static struct ahci_port *port_of(struct block_device *disk)
{
    return CONTAINER_OF(disk, struct ahci_port, disk);
}

static uint32_t port_get(const struct ahci_port *p, unsigned offset)
{
    return mmio_read32(p->registers + offset);
}

static void port_set(const struct ahci_port *p, unsigned offset, uint32_t value)
{
    mmio_write32(p->registers + offset, value);
}

/* False: the bits of `mask` do not become `wanted`. */
static bool port_waits(const struct ahci_port *p, unsigned offset, uint32_t mask, uint32_t wanted)
{
    for (unsigned i = 0; i < p->polls; i++)
        if ((port_get(p, offset) & mask) == wanted)
            return true;
    return false;
}

/* --- start --- */

uint32_t ahci_start(volatile void *controller, bool *wide)
{
    volatile char *at = controller;
    mmio_write32(at + CONTROL, CONTROL_AHCI);
    *wide = mmio_read32(at + CAPABILITIES) & CAPABILITY_WIDE;
    mmio_write32(at + CONTROL, CONTROL_AHCI | CONTROL_INTERRUPTS);
    return mmio_read32(at + IMPLEMENTED);
}

uint32_t ahci_pending(volatile void *controller)
{
    return mmio_read32((volatile char *)controller + PENDING);
}

void ahci_acknowledge(volatile void *controller, uint32_t ports)
{
    mmio_write32((volatile char *)controller + PENDING, ports);
}

bool ahci_has_drive(volatile const char *port_registers)
{
    return (mmio_read32(port_registers + PORT_LINK) & LINK_DETECTED) == LINK_UP;
}

/* No command runs, and the controller touches no memory for the port. */
static bool stop_port(const struct ahci_port *p)
{
    uint32_t command = port_get(p, PORT_COMMAND) & ~(uint32_t)COMMAND_START;
    port_set(p, PORT_COMMAND, command);
    if (!port_waits(p, PORT_COMMAND, COMMAND_RUNS, 0))
        return false;
    port_set(p, PORT_COMMAND, command & ~(uint32_t)COMMAND_RECEIVE);
    return port_waits(p, PORT_COMMAND, COMMAND_RECEIVES, 0);
}

static bool run_port(const struct ahci_port *p)
{
    uint32_t command = (port_get(p, PORT_COMMAND) & ~(uint32_t)COMMAND_START) | COMMAND_SPIN_UP |
                       COMMAND_POWER | COMMAND_RECEIVE;
    port_set(p, PORT_ERRORS, UINT32_MAX);
    port_set(p, PORT_INTERRUPTS, UINT32_MAX);
    port_set(p, PORT_COMMAND, command);
    if (port_get(p, PORT_TASK) & (TASK_BUSY | TASK_DATA))
        port_set(p, PORT_COMMAND, command | COMMAND_CLEAR);
    if (!port_waits(p, PORT_COMMAND, COMMAND_CLEAR, 0) ||
        !port_waits(p, PORT_TASK, TASK_BUSY | TASK_DATA, 0))
        return false;
    port_set(p, PORT_COMMAND, command | COMMAND_START);
    return true;
}

/* A command with the regions that are filled in. */
static void issue(const struct ahci_port *p, uint32_t flags, unsigned regions)
{
    volatile struct ahci_head *head = (void *)p->memory;
    head->flags = FIS_WORDS | flags | regions << 16;
    head->moved = 0;
    head->table = p->memory_at.v + TABLE_AT;
    __atomic_thread_fence(__ATOMIC_RELEASE); /* the command before its issue */
    port_set(p, PORT_ISSUED, 1);
}

static uint8_t *start_fis(const struct ahci_port *p, uint8_t command)
{
    uint8_t *fis = (uint8_t *)p->memory + TABLE_AT;
    memset(fis, 0, FIS_WORDS * 4);
    fis[0] = FIS_TO_DRIVE;
    fis[1] = FIS_COMMAND;
    fis[2] = command;
    return fis;
}

/* A command at the start, whose answer has `bytes` bytes, at ANSWER_AT; the packet is filled in. */
static COLD bool ask_drive(const struct ahci_port *p, uint8_t command, uint32_t bytes)
{
    struct ahci_region *region = (void *)(p->memory + REGIONS_AT);
    bool packet = command == ATA_PACKET;
    uint8_t *fis = start_fis(p, command);
    fis[3] = packet && bytes > 0 ? FEATURE_DMA : 0;
    *region = (struct ahci_region){p->memory_at.v + ANSWER_AT, 0, bytes - 1};
    issue(p, packet ? HEAD_PACKET : 0, bytes > 0);
    for (unsigned i = 0; i < p->polls; i++) {
        if (port_get(p, PORT_INTERRUPTS) & (uint32_t)INTERRUPT_BAD)
            break;
        if (port_get(p, PORT_ISSUED) == 0)
            return !(port_get(p, PORT_TASK) & (TASK_BUSY | TASK_DATA | TASK_ERROR));
    }
    (void)stop_port(p);
    (void)run_port(p);
    return false;
}

static COLD bool ask_packet_drive(const struct ahci_port *p, uint8_t what, uint32_t bytes)
{
    uint8_t *packet = (uint8_t *)p->memory + PACKET_AT;
    memset(packet, 0, 16);
    packet[0] = what;
    packet[4] = what == ATA_PACKET_SENSE ? ATA_SENSE_BYTES : 0;
    return ask_drive(p, ATA_PACKET, bytes);
}

static COLD enum err open_port_cd(struct ahci_port *p)
{
    unsigned tries = 0;
    while (tries < ATA_PACKET_TRIES && !ask_packet_drive(p, ATA_PACKET_READY, 0)) {
        (void)ask_packet_drive(p, ATA_PACKET_SENSE, ATA_SENSE_BYTES);
        tries++;
    }
    p->packet = true;
    return tries < ATA_PACKET_TRIES &&
                   ask_packet_drive(p, ATA_PACKET_CAPACITY, ATA_CAPACITY_BYTES) &&
                   ata_cd_capacity((uint8_t *)p->memory + ANSWER_AT, &p->disk)
               ? E_OK
               : E_NODEV;
}

static COLD enum err open_port_drive(struct ahci_port *p)
{
    uint32_t signature = port_get(p, PORT_SIGNATURE);
    if (signature == SIGNATURE_PACKET)
        return open_port_cd(p);
    if (signature != SIGNATURE_DISK)
        return E_NOTSUP;
    if (!ask_drive(p, ATA_IDENTIFY, 2 * ATA_WORDS))
        return E_IO;
    const uint16_t *words = (const void *)(p->memory + ANSWER_AT);
    return ata_disk_identity(words, &p->disk, &p->lba48) ? E_OK : E_NOTSUP;
}

static enum err ahci_start_request(struct block_device *disk, struct block_request *request);
static void ahci_kick(struct block_device *disk);
static void ahci_poll(struct block_device *disk) REQUIRES(class_block);

static void ahci_leave(struct block_device *disk)
{
    struct ahci_port *p = port_of(disk);
    port_set(p, PORT_ENABLED, 0);
    (void)stop_port(p);
    p->request = NULL;
}

enum err ahci_port_open(struct ahci_port *p)
{
    static const struct block_ops ops = {ahci_start_request, ahci_kick, ahci_poll, ahci_leave};
    port_set(p, PORT_ENABLED, 0);
    if (!stop_port(p))
        return E_IO;
    port_set(p, PORT_LIST, (uint32_t)p->memory_at.v);
    port_set(p, PORT_LIST + 4, (uint32_t)(p->memory_at.v >> 32));
    port_set(p, PORT_RECEIVED, (uint32_t)(p->memory_at.v + RECEIVED_AT));
    port_set(p, PORT_RECEIVED + 4, (uint32_t)(p->memory_at.v >> 32));
    enum err e = run_port(p) ? open_port_drive(p) : E_IO;
    if (e != E_OK)
        (void)stop_port(p);
    p->disk.ops = &ops;
    p->disk.limits = (struct block_limits){.segments = AHCI_SEGMENTS,
                                           .segment_bytes = REQUEST_MAX,
                                           .bytes = REQUEST_MAX,
                                           .alignment = 4};
    return e;
}

void ahci_port_go(struct ahci_port *p)
{
    p->polls = RUN_POLLS;
    port_set(p, PORT_INTERRUPTS, UINT32_MAX);
    port_set(p, PORT_ENABLED, INTERRUPT_ENDS | INTERRUPT_PLUG | (uint32_t)INTERRUPT_BAD);
}

/* --- requests --- */

static unsigned fill_ahci_regions(const struct ahci_port *p, const struct block_request *request)
{
    struct ahci_region *region = (void *)(p->memory + REGIONS_AT);
    if (request->now > BLOCK_WRITE)
        return 0;
    for (uint32_t i = 0; i < request->count; i++)
        region[i] =
            (struct ahci_region){request->segments[i].at.v, 0, request->segments[i].bytes - 1};
    return request->count;
}

static void fill_fis(const struct ahci_port *p, const struct block_request *request)
{
    bool flush = request->now == BLOCK_FLUSH;
    uint64_t lba = flush ? 0 : request->at, count = flush ? 0 : request->sectors;
    uint8_t *fis = start_fis(p, ata_disk_command(request, p->lba48));
    for (unsigned i = 0; i < 3; i++) {
        fis[4 + i] = (uint8_t)(lba >> 8 * i);
        fis[8 + i] = (uint8_t)(p->lba48 ? lba >> (24 + 8 * i) : 0);
    }
    fis[7] = (uint8_t)(DRIVE_LBA | (p->lba48 ? 0 : lba >> 24 & 15));
    fis[12] = (uint8_t)count;
    fis[13] = (uint8_t)(p->lba48 ? count >> 8 : 0);
}

static enum err ahci_start_request(struct block_device *disk, struct block_request *request)
{
    struct ahci_port *p = port_of(disk);
    if (p->request != NULL)
        return E_AGAIN;
    unsigned regions = fill_ahci_regions(p, request);
    if (p->packet) {
        uint8_t *fis = start_fis(p, ATA_PACKET);
        fis[3] = FEATURE_DMA;
        ata_read_packet(request, (uint8_t *)p->memory + PACKET_AT);
    } else {
        fill_fis(p, request);
    }
    p->request = request;
    issue(p, (p->packet ? HEAD_PACKET : 0) | (request->now == BLOCK_WRITE ? HEAD_WRITE : 0),
          regions);
    return E_OK;
}

static void ahci_kick(struct block_device *disk)
{
    (void)disk; /* ahci_start_request() has started the command already */
}

static void ahci_poll(struct block_device *disk)
{
    struct ahci_port *p = port_of(disk);
    uint32_t why = port_get(p, PORT_INTERRUPTS);
    bool bad = why & (uint32_t)INTERRUPT_BAD;
    port_set(p, PORT_INTERRUPTS, why);
    if (why & INTERRUPT_PLUG && !ahci_has_drive(p->registers)) {
        block_fail(disk, "it was pulled out");
        return;
    }
    struct block_request *request = p->request;
    if (request == NULL || (!bad && port_get(p, PORT_ISSUED) != 0))
        return;
    uint32_t task = port_get(p, PORT_TASK);
    uint32_t moved = ((volatile struct ahci_head *)(void *)p->memory)->moved;
    if (request->now <= BLOCK_WRITE && moved != request->sectors << BLOCK_SECTOR_SHIFT)
        bad = true;
    if (task & (TASK_BUSY | TASK_DATA | TASK_ERROR))
        bad = true;
    if (bad && !(stop_port(p) && run_port(p)))
        block_fail(disk, "its port does not start again");
    p->request = NULL;
    block_finish(disk, request, bad ? E_IO : E_OK);
}
