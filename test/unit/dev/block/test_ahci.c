/* SPDX-License-Identifier: MIT */
/* The driver of AHCI ports against a port with a disk or a CD drive, written from AHCI 1.3.1, honest and lying. It judges the
 * driver: a register that must not be written now, or a table that the specification forbids, fails the test. */
#include "unit.h"

#include "dev/block/ahci.h"
#include "mm/heap/heap.h"
#include "mm/pt/paging.h"
#include "native.h"

#include <stdlib.h>
#include <string.h>

enum {
    SECTORS = 800,
    CD_BLOCKS = 120,
    BSY = 0x80,
    DRDY = 0x40,
    ERR = 1,
    ST = 1,
    FRE = 16,
};

enum lie {
    HONEST_PORT,
    NEVER_STOPS,
    BUSY_FOR_EVER,
    OTHER_SIGNATURE,
    MUTE_DRIVE,  /* finishes no command */
    NO_IDENTITY, /* nor says what it is */
    NO_DISC,
    BAD_BLOCKS,
    TOO_LITTLE, /* says that it moved less */
    PULLED_OUT,
    STUCK_AFTER_ERROR,
};

/* --- the port --- */

static enum lie lie;
static bool is_cd, holds, attention, wants_48;
static uint8_t medium[SECTORS * 512], disc[CD_BLOCKS * 2048];
static char registers[AHCI_REGISTERS]; /* only for its addresses */
static uint32_t command, status, enabled, task, issued, control;
static uint64_t list_at, received_at;
static unsigned flushes, irqs;

static uint32_t load_word(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, 4);
    return value;
}

static uint64_t load_two(const uint8_t *at)
{
    return load_word(at) | (uint64_t)load_word(at + 4) << 32;
}

/* Moves bytes between `at` and the regions of the command; returns how many. */
static uint32_t move_regions(const uint8_t *head, uint8_t *at, size_t size, bool to_memory)
{
    const uint8_t *table = (const uint8_t *)(uintptr_t)load_two(head + 8);
    uint32_t count = load_word(head) >> 16, moved = 0;
    for (uint32_t i = 0; i < count && size > 0; i++) {
        const uint8_t *region = table + 0x80 + i * 16;
        size_t bytes = (load_word(region + 12) & 0x3fffff) + 1, part = bytes < size ? bytes : size;
        uint8_t *to = (uint8_t *)(uintptr_t)load_two(region);
        assert_true(bytes % 2 == 0 && (uintptr_t)to % 2 == 0);
        if (to_memory)
            memcpy(to, at, part);
        else
            memcpy(at, to, part);
        at += part;
        size -= part;
        moved += (uint32_t)part;
    }
    return moved;
}

static uint32_t identify(const uint8_t *head)
{
    uint16_t words[256] = {[49] = 0x300, [60] = SECTORS, [83] = 0x4000 | 1 << 12, [106] = 0x6003};
    if (wants_48) {
        words[83] |= 1 << 10;
        words[100] = SECTORS;
        words[60] = 1;
    }
    return move_regions(head, (uint8_t *)words, 512, true);
}

static uint32_t big_endian(const uint8_t *at)
{
    return __builtin_bswap32(load_word(at));
}

static uint32_t do_packet(const uint8_t *head, const uint8_t *packet)
{
    static uint8_t sense[18] = {0x70, 0, 6}, capacity[8] = {0, 0, 0, CD_BLOCKS - 1, 0, 0, 8, 0};
    assert_true(is_cd && load_word(head) & 1 << 5);
    switch (packet[0]) {
    case 0x00:
        task |= attention || lie == NO_DISC ? ERR : 0;
        return 0;
    case 0x03:
        attention = false;
        return move_regions(head, sense, packet[4], true);
    case 0x25:
        return move_regions(head, capacity, 8, true);
    default:
        assert_int_equal(packet[0], 0xa8);
        uint32_t block = big_endian(packet + 2), count = big_endian(packet + 6);
        assert_true(count > 0 && block + count <= CD_BLOCKS);
        return move_regions(head, disc + block * 2048, count * 2048, true);
    }
}

static uint32_t do_transfer(const uint8_t *head, const uint8_t *fis)
{
    uint64_t lba = fis[4] | (uint64_t)fis[5] << 8 | (uint64_t)fis[6] << 16;
    uint32_t count = fis[12] | (uint32_t)fis[13] << 8;
    bool writes = fis[2] == 0x35 || fis[2] == 0xca;
    assert_true(fis[2] == (wants_48 ? 0x25 : 0xc8) || fis[2] == (wants_48 ? 0x35 : 0xca));
    assert_true(!is_cd && fis[7] & 0x40);
    assert_int_equal(writes, load_word(head) >> 6 & 1);
    if (wants_48) {
        lba |= (uint64_t)fis[8] << 24 | (uint64_t)fis[9] << 32 | (uint64_t)fis[10] << 40;
    } else {
        lba |= (uint64_t)(fis[7] & 15) << 24;
        count = count == 0 ? 256 : count;
    }
    assert_true(count > 0 && lba + count <= SECTORS);
    return move_regions(head, medium + lba * 512, count * 512, !writes);
}

static void work(void)
{
    uint8_t *head = (uint8_t *)(uintptr_t)list_at;
    if (holds || !(issued & 1) || !(command & ST) || lie == MUTE_DRIVE)
        return;
    const uint8_t *table = (const uint8_t *)(uintptr_t)load_two(head + 8), *fis = table;
    uint32_t moved = 0;
    assert_true((uintptr_t)table % 128 == 0 && (load_word(head) & 31) == 5);
    assert_true(fis[0] == 0x27 && fis[1] == 0x80);
    task = DRDY;
    if (fis[2] == 0xa0) {
        moved = do_packet(head, table + 0x40);
    } else if (fis[2] == 0xec) {
        task |= is_cd || lie == NO_IDENTITY ? ERR : 0;
        moved = is_cd ? 0 : identify(head);
    } else if (fis[2] == 0xe7 || fis[2] == 0xea) {
        assert_int_equal(fis[2] == 0xea, wants_48);
        flushes++;
    } else {
        moved = do_transfer(head, fis);
    }
    if (lie == BAD_BLOCKS || lie == STUCK_AFTER_ERROR)
        task |= ERR;
    moved -= lie == TOO_LITTLE ? 512 : 0;
    memcpy(head + 4, &moved, 4);
    if (task & ERR) {
        status |= 1u << 30; /* and the command stays issued, until the port stops */
    } else {
        issued = 0;
        status |= 1;
    }
    irqs += (status & enabled) != 0;
}

uint32_t mmio_read32(const volatile void *at)
{
    bool stuck = lie == NEVER_STOPS || (lie == STUCK_AFTER_ERROR && task & ERR);
    switch ((const volatile char *)at - registers) {
    case 0x00:
        return 1u << 31;
    case 0x08:
        return (status & enabled) != 0;
    case 0x0c:
        return 1;
    case 0x110:
        return status;
    case 0x118:
        return command | (command & ST || stuck ? 1 << 15 : 0) | (command & FRE ? 1 << 14 : 0);
    case 0x120:
        return lie == BUSY_FOR_EVER ? BSY : task;
    case 0x124:
        return lie == OTHER_SIGNATURE ? 0xc33c0101 : is_cd ? 0xeb140101 : 0x101;
    case 0x128:
        return lie == PULLED_OUT ? 0 : 0x113;
    case 0x138:
        return issued;
    default:
        fail_msg("read of register %x", (unsigned)((const volatile char *)at - registers));
        return 0;
    }
}

void mmio_write32(volatile void *at, uint32_t value)
{
    uint32_t offset = (uint32_t)((volatile char *)at - registers);
    uint64_t *place = offset < 0x108 ? &list_at : &received_at;
    switch (offset) {
    case 0x04:
        control = value;
        break;
    case 0x08:
    case 0x130:
        break;
    case 0x100:
    case 0x108:
        assert_int_equal(command & (ST | FRE), 0);
        *place = (*place >> 32 << 32) | value;
        break;
    case 0x104:
    case 0x10c:
        assert_int_equal(command & (ST | FRE), 0);
        *place = (*place & UINT32_MAX) | (uint64_t)value << 32;
        break;
    case 0x110:
        status &= ~value;
        break;
    case 0x114:
        enabled = value;
        break;
    case 0x118:
        if (value & ST) /* 10.3.1: not while the drive is busy, and with a list */
            assert_true(value & FRE && list_at % 1024 == 0 && received_at % 256 == 0);
        if (!(value & ST)) {
            issued = 0;
            task &= ~(uint32_t)(lie == STUCK_AFTER_ERROR ? 0 : ERR);
        }
        command = value & ~(8u | 3u << 14); /* what is read only, and what is over at once */
        break;
    case 0x138:
        assert_true(value == 1 && issued == 0 && command & ST && !(status & 1u << 30));
        issued = 1;
        work();
        break;
    default:
        fail_msg("write to register %x", offset);
    }
}

/* --- tests --- */

static struct ahci_port ports[64], *p = ports;
static ALIGNED(4096) char memory[4096];
static bool performed;

static void run_port(void)
{
    work();
    while (irqs > 0) {
        irqs--;
        block_interrupt(&p->disk, NULL);
        work();
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
    run_port();
    assert_true(performed);
    return request->result;
}

static enum err open_port(enum lie how, bool cd, bool lba48)
{
    bool wide;
    p++;
    assert_true(p < ports + 64);
    *p = (struct ahci_port){.registers = ahci_port_registers(registers, 0),
                            .polls = 50,
                            .memory = memory,
                            .memory_at = phys((uintptr_t)memory)};
    memset(memory, 0, sizeof memory);
    lie = how;
    is_cd = cd;
    wants_48 = lba48;
    attention = true;
    holds = false;
    command = ST | FRE; /* as firmware left it */
    status = enabled = issued = irqs = flushes = 0;
    task = DRDY;
    for (size_t i = 0; i < sizeof medium; i++)
        medium[i] = (uint8_t)(i / 512 + i * 3);
    for (size_t i = 0; i < sizeof disc; i++)
        disc[i] = (uint8_t)(i / 2048 * 7 + i);
    assert_int_equal(ahci_start(registers, &wide), 1);
    assert_true(wide && control == (1u << 31 | 2) && ahci_has_drive(p->registers));
    enum err e = ahci_port_open(p);
    if (e != E_OK)
        return e;
    block_register(&p->disk);
    ahci_port_go(p);
    return E_OK;
}

static void test_drives_open(void **state)
{
    (void)state;
    for (unsigned lba48 = 0; lba48 < 2; lba48++) {
        assert_int_equal(open_port(HONEST_PORT, false, lba48), E_OK);
        assert_int_equal(p->disk.sectors, SECTORS);
        assert_int_equal(p->disk.physical_size, 4096);
        assert_true(p->disk.has_flush && !p->disk.readonly && p->lba48 == lba48);
    }
    assert_int_equal(open_port(HONEST_PORT, true, false), E_OK);
    assert_int_equal(p->disk.sectors, CD_BLOCKS * 4);
    assert_int_equal(p->disk.logical_size, 2048);
    assert_true(p->disk.readonly && p->disk.removable && p->packet);
}

static void test_ports_that_do_not_open(void **state)
{
    (void)state;
    assert_int_equal(open_port(NEVER_STOPS, false, false), E_IO);
    assert_int_equal(open_port(BUSY_FOR_EVER, false, false), E_IO);
    assert_int_equal(open_port(OTHER_SIGNATURE, false, false), E_NOTSUP);
    assert_int_equal(open_port(MUTE_DRIVE, false, false), E_IO);
    assert_int_equal(open_port(NO_IDENTITY, false, false), E_IO);
    assert_int_equal(open_port(MUTE_DRIVE, true, false), E_NODEV);
    assert_int_equal(open_port(NO_DISC, true, false), E_NODEV);
    assert_int_equal(command & (ST | FRE), 0);
}

static void test_ahci_all_places(void **state)
{
    (void)state;
    static char bytes[400 * 512 + 8000], expected[sizeof bytes];
    for (unsigned lba48 = 0; lba48 < 2; lba48++) {
        assert_int_equal(open_port(HONEST_PORT, false, lba48), E_OK);
        for (unsigned round = 0; round < 500; round++) {
            size_t blocks = (size_t)random() % 400 + 1, at = (size_t)random() % (SECTORS - blocks);
            size_t offset = (size_t)random() % 5000 / 4 * 4, size = blocks * 512;
            bool writes = random() % 2;
            for (size_t i = 0; i < size; i++)
                bytes[offset + i] = (char)random();
            memcpy(expected, writes ? bytes + offset : (char *)medium + at * 512, size);
            enum err e = writes ? block_write(&p->disk, at * 512, bytes + offset, size)
                                : block_read(&p->disk, at * 512, bytes + offset, size);
            assert_int_equal(e, E_OK);
            assert_memory_equal(bytes + offset, expected, size);
            assert_memory_equal(medium + at * 512, expected, size);
        }
        assert_int_equal(block_flush(&p->disk), E_OK);
        assert_int_equal(flushes, 1);
    }
    assert_int_equal(open_port(HONEST_PORT, true, false), E_OK);
    assert_int_equal(block_read(&p->disk, 10 * 2048, bytes, 90 * 2048), E_OK);
    assert_memory_equal(bytes, disc + 10 * 2048, 90 * 2048);
    assert_int_equal(block_write(&p->disk, 0, bytes, 2048), E_ROFS);
}

static unsigned done;
static void count_done(struct block_request *request)
{
    assert_int_equal(request->result, lie == PULLED_OUT ? E_IO : E_OK);
    done++;
}

static void submit_some(struct block_request *requests, unsigned count)
{
    static struct block_segment segments[10];
    static ALIGNED(512) char bytes[10][512];
    holds = true;
    done = 0;
    for (unsigned i = 0; i < count; i++) {
        segments[i] = (struct block_segment){phys((uintptr_t)bytes[i]), 512};
        requests[i] = (struct block_request){
            .sector = i, .segments = &segments[i], .count = 1, .done = count_done};
        block_submit(&p->disk, &requests[i]);
    }
    holds = false;
}

static void test_requests_wait_for_the_port(void **state)
{
    (void)state;
    static struct block_request requests[10];
    assert_int_equal(open_port(HONEST_PORT, false, true), E_OK);
    submit_some(requests, 10);
    run_port();
    assert_int_equal(done, 10);
}

static void test_errors(void **state)
{
    (void)state;
    static ALIGNED(512) char bytes[4096];
    for (unsigned cd = 0; cd < 2; cd++) {
        assert_int_equal(open_port(HONEST_PORT, cd, true), E_OK);
        static const enum lie lies[] = {BAD_BLOCKS, TOO_LITTLE};
        for (unsigned i = 0; i < 2; i++) {
            lie = lies[i];
            assert_int_equal(block_read(&p->disk, 0, bytes, 4096), E_IO);
            lie = HONEST_PORT;
            assert_int_equal(block_read(&p->disk, 0, bytes, 4096), E_OK);
        }
    }
    assert_int_equal(open_port(HONEST_PORT, false, true), E_OK);
    lie = STUCK_AFTER_ERROR;
    assert_int_equal(block_read(&p->disk, 0, bytes, 4096), E_IO);
    assert_true(block_has_gone(&p->disk));
}

static void test_a_drive_that_is_pulled_out(void **state)
{
    (void)state;
    static struct block_request requests[10];
    assert_int_equal(open_port(HONEST_PORT, false, true), E_OK);
    submit_some(requests, 10);
    holds = true;
    lie = PULLED_OUT;
    status |= 1u << 22;
    block_interrupt(&p->disk, NULL);
    assert_int_equal(done, 10);
    assert_true(block_has_gone(&p->disk));
    assert_int_equal(command & (ST | FRE), 0);
    assert_int_equal(enabled, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drives_open),     cmocka_unit_test(test_ports_that_do_not_open),
        cmocka_unit_test(test_ahci_all_places), cmocka_unit_test(test_requests_wait_for_the_port),
        cmocka_unit_test(test_errors),          cmocka_unit_test(test_a_drive_that_is_pulled_out),
    };
    return RUN_TESTS(tests);
}
