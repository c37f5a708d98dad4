/* SPDX-License-Identifier: MIT */
/* The driver of IDE controllers against a channel with a disk and a CD drive, written from ATA/ATAPI-6 and SFF-8038i, honest
 * and lying. It judges the driver: a command to a busy drive, or a table that the controller could not read, fails the test. */
#include "unit.h"

#include "dev/block/ata.h"
#include "mm/heap/heap.h"
#include "mm/pt/paging.h"
#include "native.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    COMMAND = 0x1f0,
    CONTROL = 0x3f6,
    MASTER = 0xc000,
    SECTORS = 600,
    CD_BLOCKS = 100,

    BSY = 0x80,
    DRDY = 0x40,
    DF = 0x20,
    DRQ = 8,
    ERR = 1,
};

enum lie {
    HONEST_DRIVES,
    BUSY_FOR_EVER, /* after a reset */
    FLOATING,      /* no drive: all ones */
    NO_DISC,
    BAD_BLOCKS,   /* the error bit */
    DRIVE_FAULT,  /* DF */
    MASTER_FAULT, /* the controller's error bit */
    TOO_LITTLE,   /* moves less than the regions have room for */
    STAYS_BUSY,   /* before a command */
    NO_ROOM_FOR_PACKET,
    WIDE_BLOCKS, /* logical sectors of another size */
    NO_DMA,
    NO_SECTORS,
};

/* Memory that drives reach is below 4 GiB. */
static uint8_t *low;
#define LOW_BYTES 0x100000

/* --- the channel --- */

static enum lie lie;
static uint8_t medium[SECTORS * 512], disc[CD_BLOCKS * 2048];
static bool there[2], holds, quiet, attention, wants_48;
static struct {
    uint8_t features, middle, high, status, command;
    uint8_t count[2], low[2]; /* the last two writes: high, then low */
    uint8_t mid[2], hi[2];
} reg[2];
static uint8_t unit, selected, master_command, master_status;
static uint32_t table;
static uint16_t pio[256];
static unsigned pio_at, pio_count, packet_at, busy_polls, interrupts;
static uint8_t packet[12];
static bool is_cd[2] = {false, true};

static void raise_line(void)
{
    master_status |= 4;
    interrupts++;
}

/* Moves bytes between `at` and the regions; false if not all of them fit. */
static bool move_regions(uint8_t *at, size_t size, bool to_memory)
{
    const struct ata_region *r = (const void *)(uintptr_t)table;
    assert_int_equal(table % 4, 0);
    for (;; r++) {
        size_t bytes = r->bytes == 0 ? 65536 : r->bytes, part = bytes < size ? bytes : size;
        assert_true((uintptr_t)r < (uintptr_t)table + 4096);
        assert_true(r->at % 2 == 0 && bytes % 2 == 0);
        assert_int_equal(r->at / 65536, (r->at + bytes - 1) / 65536);
        if (to_memory)
            memcpy((void *)(uintptr_t)r->at, at, part);
        else
            memcpy(at, (void *)(uintptr_t)r->at, part);
        at += part;
        size -= part;
        if (r->flags & 0x8000)
            return size == 0;
        assert_int_equal(r->flags, 0);
    }
}

static uint32_t big_endian(const uint8_t *bytes)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < 4; i++)
        value = value << 8 | bytes[i];
    return value;
}

static void finish_dma(void)
{
    unsigned u = unit;
    bool reads = master_command & 8;
    uint8_t *at = disc;
    size_t size = 0;
    if (is_cd[u]) {
        assert_int_equal(packet[0], 0xa8);
        uint32_t block = big_endian(packet + 2), count = big_endian(packet + 6);
        assert_true(count > 0 && block + count <= CD_BLOCKS && reads);
        at = disc + block * 2048;
        size = count * 2048;
    } else {
        uint64_t lba = reg[u].low[1] | (uint64_t)reg[u].mid[1] << 8 | (uint64_t)reg[u].hi[1] << 16;
        size_t count = reg[u].count[1];
        if (reg[u].command == 0x25 || reg[u].command == 0x35) {
            lba |= (uint64_t)reg[u].low[0] << 24 | (uint64_t)reg[u].mid[0] << 32;
            count |= (size_t)reg[u].count[0] << 8;
        } else {
            lba |= (uint64_t)(selected & 15) << 24;
            count = count == 0 ? 256 : count;
        }
        assert_true(selected & 0x40 && lba + count <= SECTORS);
        assert_int_equal(reads, reg[u].command == 0x25 || reg[u].command == 0xc8);
        at = medium + lba * 512;
        size = count * 512;
    }
    reg[u].status = DRDY;
    if (lie == BAD_BLOCKS)
        reg[u].status |= ERR;
    else if (lie == DRIVE_FAULT)
        reg[u].status |= DF;
    else if (lie == MASTER_FAULT)
        master_status |= 2;
    else if (lie == TOO_LITTLE)
        (void)move_regions(at, size - 512, reads);
    else
        assert_true(move_regions(at, size, reads));
    if (lie != TOO_LITTLE)
        master_status &= (uint8_t)~1;
    raise_line();
}

static bool pending(void)
{
    return master_command & 1 && master_status & 1 && reg[unit].status & BSY;
}

static void answer(const uint8_t *bytes, unsigned size)
{
    memcpy(pio, bytes, size);
    pio_at = 0;
    pio_count = size / 2;
    reg[unit].middle = (uint8_t)size;
    reg[unit].high = (uint8_t)(size >> 8);
    reg[unit].status = DRDY | DRQ;
}

static void do_packet(void)
{
    static uint8_t sense[18] = {0x70, 0, 6};
    const uint8_t capacity[8] = {0, 0, 0, CD_BLOCKS - 1, 0, 0, 8, 0};
    reg[unit].status = DRDY;
    switch (packet[0]) {
    case 0x00:
        if (attention || lie == NO_DISC)
            reg[unit].status |= ERR;
        break;
    case 0x03:
        attention = false;
        assert_int_equal(packet[4], 18);
        answer(sense, 18);
        break;
    case 0x25:
        assert_false(attention);
        answer(capacity, 8);
        break;
    default:
        assert_int_equal(reg[unit].features, 1);
        reg[unit].status = DRDY | BSY;
    }
}

static void identify_device(void)
{
    uint16_t words[256] = {
        [49] = lie == NO_DMA ? 0x200 : 0x300, [60] = SECTORS, [83] = 0x4000 | 1 << 12};
    if (wants_48) {
        words[83] |= 1 << 10;
        words[100] = SECTORS;
        words[60] = 1;
    }
    if (lie == WIDE_BLOCKS)
        words[106] = 0x5000;
    else
        words[106] = 0x6003;
    if (lie == NO_SECTORS)
        words[60] = words[100] = 0;
    answer((const uint8_t *)words, 512);
}

static void do_command(uint8_t command)
{
    assert_false(reg[unit].status & (BSY | DRQ));
    assert_true(there[unit]);
    reg[unit].command = command;
    reg[unit].status = DRDY;
    switch (command) {
    case 0xec:
        if (is_cd[unit])
            reg[unit].status |= ERR;
        else
            identify_device();
        break;
    case 0xa1:
        assert_true(is_cd[unit]);
        answer((const uint8_t[512]){0}, 512);
        break;
    case 0xa0:
        assert_true(is_cd[unit]);
        packet_at = 0;
        reg[unit].status = DRDY | (lie == NO_ROOM_FOR_PACKET ? 0 : DRQ);
        break;
    case 0xe7:
    case 0xea:
        assert_int_equal(command == 0xea, wants_48);
        raise_line();
        break;
    default:
        assert_true(command == (wants_48 ? 0x25 : 0xc8) || command == (wants_48 ? 0x35 : 0xca));
        reg[unit].status = DRDY | BSY;
    }
}

static uint8_t status_now(void)
{
    if (lie == FLOATING || (!there[0] && !there[1]))
        return 0xff;
    if (busy_polls > 0) {
        busy_polls--;
        return unit == 0 || there[1]
                   ? BSY
                   : 0; /* as on QEMU: a second drive that is not there has none */
    }
    if (lie == BUSY_FOR_EVER)
        return BSY;
    if (lie == STAYS_BUSY && !quiet)
        return BSY | DRDY;
    return there[unit] ? reg[unit].status : 0;
}

uint8_t in8(uint16_t port)
{
    switch (port) {
    case CONTROL:
    case COMMAND + 7:
        return status_now();
    case COMMAND + 1:
        return 4;
    case COMMAND + 4:
        return there[unit] ? reg[unit].middle : 0;
    case COMMAND + 5:
        return there[unit] ? reg[unit].high : 0;
    case COMMAND + 6:
        return selected;
    case MASTER + 2:
        return master_status;
    default:
        fail_msg("read of port %x", port);
        return 0;
    }
}

uint16_t in16(uint16_t port)
{
    assert_int_equal(port, COMMAND);
    assert_true(pio_at < pio_count);
    if (pio_at + 1 == pio_count)
        reg[unit].status = DRDY;
    return pio[pio_at++];
}

static void reset_drives(void)
{
    for (unsigned i = 0; i < 2; i++) {
        memset(&reg[i], 0, sizeof reg[i]);
        reg[i].status = is_cd[i] ? 0 : DRDY;
        reg[i].middle = is_cd[i] ? 0x14 : 0;
        reg[i].high = is_cd[i] ? 0xeb : 0;
    }
    attention = true; /* the selection stays, as on QEMU */
    busy_polls = 30;
}

void out8(uint16_t port, uint8_t value)
{
    if (port == CONTROL) {
        if (value & 4)
            reset_drives();
        quiet = value & 2;
        return;
    }
    if (port == MASTER) {
        master_command = value;
        if (value & 1)
            master_status |= 1;
        else
            master_status &= (uint8_t)~1;
        return;
    }
    if (port == MASTER + 2) {
        master_status &= (uint8_t) ~(value & 6);
        return;
    }
    assert_true(port > COMMAND && port <= COMMAND + 7);
    if (busy_polls > 0 || reg[unit].status & (BSY | DRQ)) {
        assert_true(port == COMMAND + 6); /* it is lost */
        return;
    }
    for (unsigned i = 0; i < 2; i++) { /* both listen */
        if (port == COMMAND + 2)
            reg[i].count[0] = reg[i].count[1], reg[i].count[1] = value;
        else if (port == COMMAND + 3)
            reg[i].low[0] = reg[i].low[1], reg[i].low[1] = value;
        else if (port == COMMAND + 4)
            reg[i].mid[0] = reg[i].mid[1], reg[i].mid[1] = value;
        else if (port == COMMAND + 5)
            reg[i].hi[0] = reg[i].hi[1], reg[i].hi[1] = value;
        else if (port == COMMAND + 1)
            reg[i].features = value;
    }
    if (port == COMMAND + 6) {
        selected = value;
        unit = value >> 4 & 1;
    } else if (port == COMMAND + 7) {
        do_command(value);
    }
}

void out16(uint16_t port, uint16_t value)
{
    assert_int_equal(port, COMMAND);
    assert_true(reg[unit].status & DRQ && packet_at < 12);
    packet[packet_at++] = (uint8_t)value;
    packet[packet_at++] = (uint8_t)(value >> 8);
    if (packet_at == 12)
        do_packet();
}

void out32(uint16_t port, uint32_t value)
{
    assert_int_equal(port, MASTER + 4);
    assert_false(master_status & 1);
    table = value;
}

/* --- tests --- */

static struct ata_channel channels[64], *c = channels;
static bool performed;

static void run_channel(void)
{
    if (!holds && pending())
        finish_dma();
    while (interrupts > 0) {
        interrupts--;
        ata_interrupt(c);
        if (!holds && pending())
            finish_dma();
    }
}

static void perform_done(struct block_request *request)
{
    (void)request;
    performed = true;
}
enum err block_perform(struct block_device *device, struct block_request *request)
{
    performed = false;
    request->done = perform_done;
    block_submit(device, request);
    run_channel();
    assert_true(performed);
    return request->result;
}

static void open_channel(enum lie how, bool lba48, bool has_disk, bool has_cd)
{
    c++;
    assert_true(c < channels + 64);
    *c = (struct ata_channel){.command = COMMAND,
                              .control = CONTROL,
                              .master = MASTER,
                              .polls = 100,
                              .regions = (void *)low,
                              .regions_at = phys((uintptr_t)low)};
    lie = how;
    wants_48 = lba48;
    there[0] = has_disk;
    there[1] = has_cd;
    holds = false;
    interrupts = 0;
    master_status = 0;
    memset(reg, 0, sizeof reg);
    busy_polls = 0;
    unit = 1; /* as firmware leaves it, also if there is no such drive */
    selected = 0xb0;
    for (size_t i = 0; i < sizeof medium; i++)
        medium[i] = (uint8_t)(i / 512 + i * 3);
    for (size_t i = 0; i < sizeof disc; i++)
        disc[i] = (uint8_t)(i / 2048 * 7 + i);
    ata_probe(c);
    for (unsigned i = 0; i < 2; i++)
        if (c->drive[i].there)
            block_register(&c->drive[i].disk);
    ata_go(c);
}

static struct block_device *hd(void)
{
    return &c->drive[0].disk;
}

static struct block_device *cd(void)
{
    return &c->drive[1].disk;
}

static void test_drives_are_found(void **state)
{
    (void)state;
    open_channel(HONEST_DRIVES, false, true, true);
    assert_true(c->drive[0].there && c->drive[1].there);
    assert_int_equal(hd()->sectors, SECTORS);
    assert_int_equal(hd()->physical_size, 4096);
    assert_true(hd()->has_flush && !hd()->readonly);
    assert_int_equal(cd()->sectors, CD_BLOCKS * 4);
    assert_int_equal(cd()->logical_size, 2048);
    assert_true(cd()->readonly && cd()->removable);
    open_channel(HONEST_DRIVES, true, true, false);
    assert_int_equal(hd()->sectors, SECTORS);
    assert_true(c->drive[0].there && !c->drive[1].there && c->drive[0].lba48);
    open_channel(HONEST_DRIVES, false, false, true);
    assert_true(!c->drive[0].there && c->drive[1].there);
}

static void test_channels_without_drives(void **state)
{
    (void)state;
    static const enum lie lies[] = {FLOATING,    BUSY_FOR_EVER, NO_DISC,
                                    WIDE_BLOCKS, NO_DMA,        NO_SECTORS};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        open_channel(lies[i], false, lies[i] != NO_DISC, lies[i] == NO_DISC);
        assert_false(c->drive[0].there || c->drive[1].there);
    }
    open_channel(HONEST_DRIVES, false, false, false);
    assert_false(c->drive[0].there || c->drive[1].there);
}

static void test_all_places(void **state)
{
    (void)state;
    static char expected[300 * 512];
    for (unsigned lba48 = 0; lba48 < 2; lba48++) {
        open_channel(HONEST_DRIVES, lba48, true, true);
        ata_interrupt(c); /* of nothing */
        for (unsigned round = 0; round < 500; round++) {
            size_t blocks = (size_t)random() % 300 + 1, at = (size_t)random() % (SECTORS - blocks);
            char *bytes = (char *)low + 65536 + random() % 70000 / 4 * 4;
            size_t size = blocks * 512;
            bool writes = random() % 2;
            for (size_t i = 0; i < size; i++)
                bytes[i] = (char)random();
            memcpy(expected, writes ? bytes : (char *)medium + at * 512, size);
            enum err e = writes ? block_write(hd(), at * 512, bytes, size)
                                : block_read(hd(), at * 512, bytes, size);
            assert_int_equal(e, E_OK);
            assert_memory_equal(bytes, expected, size);
            assert_memory_equal(medium + at * 512, expected, size);
            at = (size_t)random() % 60;
            assert_int_equal(block_read(cd(), at * 2048, bytes, 40 * 2048), E_OK);
            assert_memory_equal(bytes, disc + at * 2048, 40 * 2048);
        }
        assert_int_equal(block_flush(hd()), E_OK);
        assert_int_equal(block_flush(cd()), E_OK);
        assert_int_equal(block_write(cd(), 0, low + 65536, 2048), E_ROFS);
    }
}

static unsigned done, failed;
static struct block_device *order[40];

static void count_done(struct block_request *request)
{
    failed += request->result != E_OK;
    order[done++] = request->device;
}

/* Both drives have much to do: they take turns. */
static void test_drives_take_turns(void **state)
{
    (void)state;
    static struct block_request requests[40];
    static struct block_segment segments[40];
    open_channel(HONEST_DRIVES, false, true, true);
    holds = true;
    done = failed = 0;
    for (unsigned i = 0; i < 40; i++) {
        segments[i] = (struct block_segment){phys((uintptr_t)low + 65536 + i * 2048), 2048};
        requests[i] = (struct block_request){
            .sector = i * 4, .segments = &segments[i], .count = 1, .done = count_done};
        block_submit(i < 20 ? hd() : cd(), &requests[i]);
    }
    holds = false;
    run_channel();
    assert_int_equal(done, 40);
    assert_int_equal(failed, 0);
    for (unsigned i = 2; i < 38; i++)
        assert_ptr_not_equal(order[i], order[i + 1]);
    assert_memory_equal(low + 65536, medium, 20 * 2048);
    assert_memory_equal(low + 65536 + 20 * 2048, disc + 20 * 2048, 20 * 2048);
}

static void test_errors(void **state)
{
    (void)state;
    static const enum lie lies[] = {BAD_BLOCKS, DRIVE_FAULT, MASTER_FAULT, TOO_LITTLE};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        open_channel(HONEST_DRIVES, false, true, true);
        lie = lies[i];
        assert_int_equal(block_read(hd(), 0, low + 65536, 4096), E_IO);
        assert_int_equal(block_write(hd(), 0, low + 65536, 4096), E_IO);
        assert_int_equal(block_read(cd(), 0, low + 65536, 4096), E_IO);
        lie = HONEST_DRIVES;
        assert_int_equal(block_read(hd(), 0, low + 65536, 4096), E_OK);
        assert_false(block_has_gone(hd()) || block_has_gone(cd()));
    }
    open_channel(HONEST_DRIVES, false, false, true);
    lie = NO_ROOM_FOR_PACKET;
    assert_int_equal(block_read(cd(), 0, low + 65536, 4096), E_IO);
}

static void test_a_drive_that_stays_busy(void **state)
{
    (void)state;
    open_channel(HONEST_DRIVES, false, true, true);
    lie = STAYS_BUSY;
    assert_int_equal(block_read(hd(), 0, low + 65536, 4096), E_IO);
    assert_true(block_has_gone(hd()));
    assert_false(block_has_gone(cd()));
    lie = HONEST_DRIVES;
    assert_int_equal(block_read(hd(), 0, low + 65536, 4096), E_IO);
    assert_int_equal(block_read(cd(), 0, low + 65536, 4096), E_OK);
}

int main(void)
{
    low = mmap((void *)0x10000000, LOW_BYTES, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (low == MAP_FAILED)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drives_are_found), cmocka_unit_test(test_channels_without_drives),
        cmocka_unit_test(test_all_places),       cmocka_unit_test(test_drives_take_turns),
        cmocka_unit_test(test_errors),           cmocka_unit_test(test_a_drive_that_stays_busy),
    };
    return RUN_TESTS(tests);
}
