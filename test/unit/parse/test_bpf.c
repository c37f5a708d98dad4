/* SPDX-License-Identifier: MIT */
/*
 * Filters against Linux's own: random ones are given to a socket of this computer, which must take what bpf_check() takes, and
 * pass as many bytes of a datagram as bpf_run() says. What asks for headers and facts is tested by itself.
 */
#include "parse/bpf.h"

#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 12
#define SIZE 40

static uint8_t bytes[SIZE];

static void copy(const struct bpf_packet *packet, int32_t offset, uint32_t size, uint8_t *out)
{
    assert_true(offset >= -14 && offset + (int32_t)size <= (int32_t)packet->size);
    memcpy(out, (const uint8_t *)packet->bytes + offset, size);
}

static uint32_t run(const struct bpf_instruction *filter)
{
    struct bpf_packet packet = {
        .size = SIZE, .network = BPF_NOWHERE, .link = BPF_NOWHERE, .copy = copy, .bytes = bytes};
    uint32_t size = bpf_run(filter, &packet);
    packet.copy = NULL;
    assert_int_equal(bpf_run(filter, &packet), size);
    return size;
}

static uint32_t number(void)
{
    static uint64_t state = 88172645463325252;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 16);
}

static uint32_t constant(void)
{
    switch (number() % 8) {
    case 0:
        return number();
    case 1:
        return 0xfffff000 + number() % 80; /* facts */
    case 2:
        return 32 + number() % 16;
    default:
        return number() % 24;
    }
}

/* Mostly known codes; facts only of the kind that needs no device. */
static struct bpf_instruction instruction(bool last)
{
    static const uint8_t codes[] = {
        0x00, 0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0x60, 0x80, 0x01, 0x61, 0x81, 0xb1,
        0x02, 0x03, 0x04, 0x0c, 0x14, 0x1c, 0x24, 0x2c, 0x34, 0x3c, 0x44, 0x4c, 0x54,
        0x5c, 0x64, 0x6c, 0x74, 0x7c, 0x84, 0x94, 0x9c, 0xa4, 0xac, 0x05, 0x15, 0x1d,
        0x25, 0x2d, 0x35, 0x3d, 0x45, 0x4d, 0x07, 0x87, 0x06, 0x16,
    };
    struct bpf_instruction i = {.code = codes[number() % sizeof codes],
                                .jump_true = (uint8_t)(number() % 4),
                                .jump_false = (uint8_t)(number() % 4),
                                .k = constant()};
    if (number() % 40 == 0)
        i.code = (uint16_t)(number() % 300);
    if ((i.code & 7) == 5 && (i.code & 0xf0) == 0)
        i.k = number() % 4;
    if (last && number() % 20)
        i.code = number() % 2 ? 0x06 : 0x16;
    return i;
}

static bool asks_device(const struct bpf_instruction *i)
{
    return (i->code & 0xe7) == 0x20 && i->k >= 0xffe00000 && i->k != 0xfffff000 + 40;
}

struct linux_filter {
    unsigned short count;
    const struct bpf_instruction *code;
};

static void test_random_as_linux(void **state)
{
    (void)state;
    int pair[2];
    unsigned taken = 0, passed = 0;
    uint16_t seen[MOST];
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
    for (int round = 0; round < 60000; round++) {
        struct bpf_instruction filter[MOST];
        size_t count = 1 + number() % MOST;
        bool device = false;
        for (size_t i = 0; i < count; i++) {
            filter[i] = instruction(i == count - 1);
            device |= asks_device(&filter[i]);
        }
        for (size_t i = 0; i < SIZE; i++)
            bytes[i] = (uint8_t)number();
        struct linux_filter program = {(unsigned short)count, filter};
        bool ours = bpf_check(filter, count, seen);
        bool theirs =
            setsockopt(pair[1], SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
        if (!theirs && errno != EINVAL)
            skip(); /* the computer has none */
        if (device && theirs)
            continue; /* PAY_OFFSET and netlink's attributes: not ours */
        assert_int_equal(ours, theirs);
        if (!ours)
            continue;
        taken++;
        char got[SIZE + 1];
        uint32_t most = run(filter);
        assert_int_equal(send(pair[0], bytes, SIZE, MSG_DONTWAIT), SIZE);
        ssize_t size = recv(pair[1], got, sizeof got, MSG_DONTWAIT);
        assert_int_equal(size, most == 0 ? -1 : most < SIZE ? (ssize_t)most : SIZE);
        passed += size > 0;
    }
    assert_in_range(taken, 5000, 60000);
    assert_in_range(passed, 1000, taken);
    close(pair[0]);
    close(pair[1]);
}

static void test_headers_and_facts(void **state)
{
    (void)state;
    uint8_t frame[24];
    for (size_t i = 0; i < sizeof frame; i++)
        frame[i] = (uint8_t)i;
    struct bpf_packet packet = {.size = 10,
                                .network = 0,
                                .link = -14,
                                .copy = copy,
                                .bytes = frame + 14,
                                .fact = {[BPF_PROTOCOL] = 0x86dd, [BPF_RANDOM] = 77}};
    static const struct {
        uint32_t code, at, wanted;
    } cases[] = {
        {0x30, 0, 14},
        {0x30, 9, 23},
        {0x30, 10, 0},
        {0x28, 9, 0},
        {0x30, 0xfff00000, 14},
        {0x28, 0xfff00008, 0x1617},
        {0x28, 0xfff00009, 0},
        {0x30, 0xffe00000, 0},
        {0x20, 0xffe00001, 0x01020304},
        {0x30, 0xffe00017, 23},
        {0x30, 0xffe00018, 0},
        {0x30, 0xffdfffff, 0},
        {0x20, 0xfffff000, 0x86dd},
        {0x30, 0xfffff038, 77},
        {0x30, 0xfffff004, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct bpf_instruction filter[] = {{(uint16_t)cases[i].code, 0, 0, cases[i].at},
                                                 {0x16, 0, 0, 0}};
        uint16_t seen[2];
        assert_true(bpf_check(filter, 2, seen));
        assert_int_equal(bpf_run(filter, &packet), cases[i].wanted);
    }
    packet.network = packet.link = BPF_NOWHERE;
    const struct bpf_instruction header[] = {{0x30, 0, 0, 0xfff00000}, {0x06, 0, 0, 5}};
    assert_int_equal(bpf_run(header, &packet), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_as_linux),
        cmocka_unit_test(test_headers_and_facts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
