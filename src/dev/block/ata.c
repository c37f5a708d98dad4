/* SPDX-License-Identifier: MIT */
#include "dev/block/ata.h"

#include "base/panic.h"
#include "base/str.h"
#include "cpu/x86.h"
#include "dev/block/ata_identity.h"

enum { /* registers, from `command` on */
    REGISTER_DATA = 0,
    REGISTER_FEATURES = 1,
    REGISTER_COUNT = 2,
    REGISTER_LOW = 3, /* of the LBA */
    REGISTER_MIDDLE = 4,
    REGISTER_HIGH = 5,
    REGISTER_DRIVE = 6,
    REGISTER_COMMAND = 7, /* read: the status, which acknowledges the interrupt */
};

enum {
    STATUS_ERROR = 1,
    STATUS_DATA = 8, /* DRQ */
    STATUS_FAULT = 32,
    STATUS_READY = 64,
    STATUS_BUSY = 128,

    CONTROL_QUIET = 2, /* no interrupts */
    CONTROL_RESET = 4,

    DRIVE_ALWAYS = 0xa0, /* obsolete bits that are 1 */
    DRIVE_LBA = 0x40,
    DRIVE_SECOND = 4, /* shift */

    MASTER_COMMAND = 0, /* ports, from `master` on */
    MASTER_STATUS = 2,
    MASTER_TABLE = 4,
    MASTER_START = 1,
    MASTER_READ = 8, /* from the drive to memory */
    MASTER_ACTIVE = 1,
    MASTER_ERROR = 2,
    MASTER_INTERRUPT = 4,

    REGION_LAST = 0x8000,
    RUN_POLLS = 1000, /* with interrupts off: a drive that is not busy answers at once */
    REQUEST_BYTES = 128 << 10,
};

#define BOUNDARY (UINT64_C(64) << 10) /* that no region crosses */

_Static_assert(sizeof(struct ata_region) == 8, "SFF-8038i");
_Static_assert(ATA_REGIONS * sizeof(struct ata_region) <= PAGE_SIZE, "one page");

static struct ata_drive *drive_of(struct block_device *disk)
{
    return CONTAINER_OF(disk, struct ata_drive, disk);
}

static uint8_t ata_get(const struct ata_channel *c, unsigned reg)
{
    return in8((uint16_t)(c->command + reg));
}

static void ata_set(const struct ata_channel *c, unsigned reg, uint8_t value)
{
    out8((uint16_t)(c->command + reg), value);
}

/* The other status register, which acknowledges nothing; several reads are the delay of 400 ns that drives want. */
static uint8_t quiet_status(const struct ata_channel *c)
{
    uint8_t status = 0;
    for (unsigned i = 0; i < 4; i++)
        status = in8(c->control);
    return status;
}

/* Waits until the drive is not busy, and the bits of `wanted` are set. False: it stays busy, or has failed. */
static bool wait_for(const struct ata_channel *c, uint8_t wanted)
{
    for (unsigned i = 0; i < c->polls; i++) {
        uint8_t status = quiet_status(c);
        if (status & STATUS_BUSY)
            continue;
        if (status & (STATUS_ERROR | STATUS_FAULT))
            return false;
        if ((status & wanted) == wanted)
            return true;
    }
    return false;
}

static bool wait_until_idle(const struct ata_channel *c)
{
    unsigned i = 0;
    while (i < c->polls && quiet_status(c) & (STATUS_BUSY | STATUS_DATA))
        i++;
    return i < c->polls;
}

static void select_drive(const struct ata_drive *d, unsigned bits)
{
    ata_set(d->channel, REGISTER_DRIVE,
            (uint8_t)(DRIVE_ALWAYS | (unsigned)d->number << DRIVE_SECOND | bits));
}

/* --- start --- */

static COLD void read_words(const struct ata_channel *c, uint16_t *words, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        words[i] = in16((uint16_t)(c->command + REGISTER_DATA));
}

static COLD bool identify_drive(const struct ata_drive *d, uint8_t command, uint16_t *words)
{
    ata_set(d->channel, REGISTER_COMMAND, command);
    if (!wait_for(d->channel, STATUS_DATA))
        return false;
    read_words(d->channel, words, ATA_WORDS);
    return wait_until_idle(d->channel);
}

static void send_packet(const struct ata_channel *c, const uint8_t packet[ATA_PACKET_BYTES])
{
    for (unsigned i = 0; i < ATA_PACKET_BYTES; i += 2)
        out16((uint16_t)(c->command + REGISTER_DATA), (uint16_t)(packet[i] | packet[i + 1] << 8));
}

/* A packet without DMA, whose answer has `bytes` bytes, an even number. */
static COLD bool ask_packet(const struct ata_drive *d, uint8_t what, uint16_t *words,
                            unsigned bytes)
{
    const struct ata_channel *c = d->channel;
    const uint8_t packet[ATA_PACKET_BYTES] = {what, [4] = what == ATA_PACKET_SENSE ? ATA_SENSE_BYTES
                                                                                   : 0};
    ata_set(c, REGISTER_FEATURES, 0);
    ata_set(c, REGISTER_MIDDLE, (uint8_t)bytes);
    ata_set(c, REGISTER_HIGH, 0);
    ata_set(c, REGISTER_COMMAND, ATA_PACKET);
    if (!wait_for(c, STATUS_DATA))
        return false;
    send_packet(c, packet);
    if (bytes > 0) {
        if (!wait_for(c, STATUS_DATA) || ata_get(c, REGISTER_MIDDLE) != bytes ||
            ata_get(c, REGISTER_HIGH) != 0)
            return false;
        read_words(c, words, bytes / 2);
    }
    return wait_until_idle(c) && wait_for(c, 0);
}

static COLD bool open_cd(struct ata_drive *d)
{
    uint16_t words[ATA_SENSE_BYTES / 2] = {0};
    unsigned tries = 0;
    while (tries < ATA_PACKET_TRIES && !ask_packet(d, ATA_PACKET_READY, NULL, 0)) {
        (void)ask_packet(d, ATA_PACKET_SENSE, words, ATA_SENSE_BYTES);
        tries++;
    }
    if (tries == ATA_PACKET_TRIES || !ask_packet(d, ATA_PACKET_CAPACITY, words, ATA_CAPACITY_BYTES))
        return false; /* no disc */
    d->packet = true;
    return ata_cd_capacity((const uint8_t *)words, &d->disk);
}

static enum err ata_start(struct block_device *disk, struct block_request *request)
    REQUIRES(class_block);
static void ata_kick(struct block_device *disk);
static void ata_poll(struct block_device *disk) REQUIRES(class_block);
static void ata_leave(struct block_device *disk) REQUIRES(class_block);

static COLD bool open_drive(struct ata_drive *d)
{
    static const struct block_ops ops = {ata_start, ata_kick, ata_poll, ata_leave};
    const struct ata_channel *c = d->channel;
    uint16_t words[ATA_WORDS];
    bool good;
    select_drive(d, 0);
    uint8_t status = quiet_status(c);
    if (!wait_until_idle(c) || (ata_get(c, REGISTER_DRIVE) >> DRIVE_SECOND & 1) != d->number)
        return false;
    /* The signature that a reset leaves; a CD drive is not ready after it, and no drive has the status 0, too. */
    bool packet = ata_get(c, REGISTER_MIDDLE) == 0x14 && ata_get(c, REGISTER_HIGH) == 0xeb;
    if (status == 0 && !packet)
        return false;
    if (packet)
        good = identify_drive(d, ATA_IDENTIFY_PACKET, words) && open_cd(d);
    else
        good =
            identify_drive(d, ATA_IDENTIFY, words) && ata_disk_identity(words, &d->disk, &d->lba48);
    d->disk.ops = &ops;
    d->disk.limits = (struct block_limits){.segments = ATA_SEGMENTS,
                                           .segment_bytes = (uint32_t)BOUNDARY,
                                           .bytes = REQUEST_BYTES,
                                           .alignment = 4};
    return good;
}

COLD void ata_probe(struct ata_channel *c)
{
    for (unsigned i = 0; i < 2; i++) {
        c->drive[i].channel = c;
        c->drive[i].number = (uint8_t)i;
    }
    /* The status is the selected drive's, and firmware may have left one selected that is not there: its 0 would hide that the reset is
     * under way, which QEMU ends only when its main loop runs. */
    select_drive(&c->drive[0], 0);
    out8(c->control, CONTROL_QUIET | CONTROL_RESET);
    (void)quiet_status(c);
    out8(c->control, CONTROL_QUIET);
    /* No drive listens to a selection while one is busy with the reset; all ones: no drive is there. */
    if (quiet_status(c) == 0xff || !wait_until_idle(c))
        return;
    for (unsigned i = 0; i < 2; i++) {
        struct ata_drive *d = &c->drive[i];
        d->disk.lock = &c->spin;
        d->there = open_drive(d);
    }
}

COLD void ata_go(struct ata_channel *c)
{
    out8((uint16_t)(c->master + MASTER_COMMAND), 0);
    out8((uint16_t)(c->master + MASTER_STATUS), MASTER_ERROR | MASTER_INTERRUPT);
    (void)ata_get(c, REGISTER_COMMAND);
    out8(c->control, 0);
    c->polls = RUN_POLLS;
}

/* --- requests --- */

static void fill_regions(struct ata_channel *c, const struct block_request *request)
{
    unsigned used = 0;
    for (uint32_t i = 0; i < request->count; i++) {
        uint64_t at = request->segments[i].at.v, end = at + request->segments[i].bytes;
        assert(end <= UINT64_C(1) << 32);
        while (at < end) {
            uint64_t next = align_down(at + BOUNDARY, BOUNDARY);
            next = next < end ? next : end;
            c->regions[used++] = (struct ata_region){(uint32_t)at, (uint16_t)(next - at), 0};
            at = next;
        }
    }
    c->regions[used - 1].flags = REGION_LAST;
}

static void set_lba(const struct ata_channel *c, uint64_t lba, uint64_t count, bool high)
{
    unsigned shift = high ? 24 : 0;
    ata_set(c, REGISTER_COUNT, (uint8_t)(high ? count >> 8 : count));
    ata_set(c, REGISTER_LOW, (uint8_t)(lba >> shift));
    ata_set(c, REGISTER_MIDDLE, (uint8_t)(lba >> (shift + 8)));
    ata_set(c, REGISTER_HIGH, (uint8_t)(lba >> (shift + 16)));
}

static void start_disk(const struct ata_drive *d, const struct block_request *request)
{
    const struct ata_channel *c = d->channel;
    uint64_t lba = request->now == BLOCK_FLUSH ? 0 : request->at;
    select_drive(d, DRIVE_LBA | (d->lba48 ? 0 : (unsigned)(lba >> 24 & 15)));
    if (d->lba48)
        set_lba(c, lba, request->sectors, true);
    set_lba(c, lba, request->sectors, false);
    ata_set(c, REGISTER_COMMAND, ata_disk_command(request, d->lba48));
}

static bool start_packet(const struct ata_drive *d, const struct block_request *request)
{
    const struct ata_channel *c = d->channel;
    uint8_t packet[ATA_PACKET_BYTES];
    ata_read_packet(request, packet);
    ata_set(c, REGISTER_FEATURES, 1); /* DMA */
    ata_set(c, REGISTER_MIDDLE, 0);
    ata_set(c, REGISTER_HIGH, 0);
    ata_set(c, REGISTER_COMMAND, ATA_PACKET);
    if (!wait_for(c, STATUS_DATA))
        return false;
    send_packet(c, packet);
    return true;
}

/* It is the other drive's turn. */
static bool must_wait(const struct ata_drive *d) REQUIRES(class_block)
{
    const struct ata_channel *c = d->channel;
    return c->active != NULL || (c->last == d && c->drive[1 - d->number].refused);
}

static enum err ata_start(struct block_device *disk, struct block_request *request)
{
    struct ata_drive *d = drive_of(disk);
    struct ata_channel *c = d->channel;
    bool moves = request->now <= BLOCK_WRITE;
    uint8_t direction = request->now == BLOCK_READ ? MASTER_READ : 0;
    d->refused = must_wait(d);
    if (d->refused)
        return E_AGAIN;
    select_drive(d, 0);
    if (!wait_until_idle(c)) {
        block_fail(disk, "it stays busy");
        return E_IO;
    }
    out8((uint16_t)(c->master + MASTER_COMMAND), direction);
    out8((uint16_t)(c->master + MASTER_STATUS), MASTER_ERROR | MASTER_INTERRUPT);
    if (moves) {
        fill_regions(c, request);
        out32((uint16_t)(c->master + MASTER_TABLE), (uint32_t)c->regions_at.v);
    }
    if (!d->packet)
        start_disk(d, request);
    else if (!start_packet(d, request))
        return E_IO;
    if (moves)
        out8((uint16_t)(c->master + MASTER_COMMAND), (uint8_t)(direction | MASTER_START));
    c->active = c->last = d;
    c->request = request;
    return E_OK;
}

static void ata_kick(struct block_device *disk)
{
    (void)disk; /* ata_start() has told it */
}

static void ata_poll(struct block_device *disk)
{
    struct ata_drive *d = drive_of(disk);
    struct ata_channel *c = d->channel;
    if (c->active != d)
        return;
    uint8_t master = in8((uint16_t)(c->master + MASTER_STATUS));
    if (!(master & MASTER_INTERRUPT))
        return;
    out8((uint16_t)(c->master + MASTER_COMMAND), 0);
    out8((uint16_t)(c->master + MASTER_STATUS), MASTER_ERROR | MASTER_INTERRUPT);
    uint8_t status = ata_get(c, REGISTER_COMMAND);
    bool bad =
        status & (STATUS_BUSY | STATUS_DATA | STATUS_ERROR | STATUS_FAULT) || master & MASTER_ERROR;
    /* Still active: less has come than the regions have room for. */
    if (c->request->now <= BLOCK_WRITE && master & MASTER_ACTIVE)
        bad = true;
    c->active = NULL;
    block_finish(disk, c->request, bad ? E_IO : E_OK);
}

static void ata_leave(struct block_device *disk)
{
    struct ata_drive *d = drive_of(disk);
    struct ata_channel *c = d->channel;
    d->refused = false;
    if (c->active != d)
        return;
    out8((uint16_t)(c->master + MASTER_COMMAND), 0);
    out8(c->control, CONTROL_RESET);
    (void)quiet_status(c);
    out8(c->control, 0);
    c->active = NULL;
}

/* Only looks at who is active: the rest is under the lock. */
void ata_interrupt(struct ata_channel *c) NO_LOCK_ANALYSIS
{
    struct ata_drive *d = c->active;
    if (d != NULL)
        block_interrupt(&d->disk, NULL);
    else
        (void)ata_get(c, REGISTER_COMMAND);
    for (unsigned i = 0; i < 2; i++)
        if (c->drive[i].refused)
            block_retry(&c->drive[i].disk);
}
