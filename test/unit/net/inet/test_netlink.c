/* SPDX-License-Identifier: MIT */
/* Requests of NETLINK_ROUTE, and control messages of datagrams: right ones, and such as a hostile program sends. */
#include "native.h"
#include "net_native.h"
#include "unit.h"

#include "kern/random.h"
#include "mm/heap/heap.h"
#include "mm/vm/usercopy.h"
#include "net/inet/control.h"
#include "net/inet/netlink_route.h"

#include <string.h>

#define HEADER 16u

struct header {
    uint32_t size;
    uint16_t type, flags;
    uint32_t sequence, pid;
};

struct request {
    struct header header;
    uint8_t body[112];
};

enum err copy_in(void *to, virt_t from, size_t size)
{
    memcpy(to, ptr_of(from), size);
    return E_OK;
}

enum err copy_out(virt_t to, const void *from, size_t size)
{
    memcpy(ptr_of(to), from, size);
    return E_OK;
}

static uint16_t half_at(const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

/* The attributes fill the message. */
static void check_attributes(const uint8_t *at, const uint8_t *end)
{
    while (at < end) {
        uint16_t size = half_at(at);
        assert_true(size >= 4 && size <= end - at);
        at += (size + 3) & ~3;
    }
    assert_ptr_equal(at, end);
}

/* Bytes of the part before the attributes. */
static size_t part_of(uint16_t type)
{
    return type == 16 ? 16 : type == 20 ? 8 : type == 24 ? 12 : 0;
}

/* Checks the form of the answers and frees them. Returns how many messages of the type there are. */
static unsigned take_answers(struct netlink_answers *answers, uint16_t type)
{
    unsigned found = 0;
    uint32_t bytes = 0;
    while (!list_empty(&answers->list)) {
        struct netlink_answer *answer =
            CONTAINER_OF(answers->list.next, struct netlink_answer, link);
        uint8_t *at = answer->bytes, *end = at + answer->size;
        bytes += answer->size;
        while (at < end) {
            struct header header;
            memcpy(&header, at, sizeof header);
            assert_true(header.size >= HEADER && header.size <= end - at);
            size_t part = part_of(header.type);
            if (part != 0)
                check_attributes(at + HEADER + part, at + header.size);
            found += header.type == type;
            at += header.size;
        }
        assert_ptr_equal(at, end);
        list_remove(&answer->link);
        heap_free(answer);
    }
    assert_int_equal(bytes, answers->bytes);
    return found;
}

static unsigned ask(const void *request, size_t size, uint32_t room, uint16_t type)
{
    struct netlink_answers answers = {.pid = 7, .room = room};
    /* On the heap, so that reading past the end is seen. */
    uint8_t *copy = heap_alloc(size);
    memcpy(copy, request, size);
    list_init(&answers.list);
    netlink_route_answer(copy, size, &answers);
    heap_free(copy);
    assert_true(answers.bytes <= room);
    return take_answers(&answers, type);
}

static struct request dump_of(uint16_t type)
{
    return (struct request){.header = {HEADER + 16, type, 0x301, 5, 0}};
}

static void test_dumps(void **state)
{
    (void)state;
    net_native_start();
    struct request links = dump_of(18), addresses = dump_of(22), routes = dump_of(26);
    assert_int_equal(ask(&links, HEADER + 16, 65536, 16), 1);     /* lo */
    assert_int_equal(ask(&links, HEADER + 16, 65536, 3), 1);      /* done */
    assert_int_equal(ask(&addresses, HEADER + 16, 65536, 20), 2); /* 127.0.0.1, ::1 */
    assert_int_equal(ask(&routes, HEADER + 16, 65536, 24), 0);    /* lo has none */
    addresses.body[0] = 2;
    assert_int_equal(ask(&addresses, HEADER + 16, 65536, 20), 1);
    addresses.body[0] = 10;
    assert_int_equal(ask(&addresses, HEADER + 16, 65536, 20), 1);
    assert_int_equal(ask(&links, HEADER + 16, 0, 16), 0); /* no room */
}

static void test_one_link(void **state)
{
    (void)state;
    net_native_start();
    struct request r = {.header = {HEADER + 16, 18, 1, 5, 0}};
    r.body[4] = 1; /* the index */
    assert_int_equal(ask(&r, HEADER + 16, 65536, 16), 1);
    r.body[4] = 9;
    assert_int_equal(ask(&r, HEADER + 16, 65536, 2), 1); /* ENODEV */
    r.body[4] = 0;
    memcpy(r.body + 16, "\7\0\3\0lo\0", 8); /* IFLA_IFNAME */
    r.header.size = HEADER + 24;
    assert_int_equal(ask(&r, HEADER + 24, 65536, 16), 1);
    r.body[16] = 3; /* an attribute that is shorter than its header */
    assert_int_equal(ask(&r, HEADER + 24, 65536, 2), 1);
    r.header.type = 20; /* a change */
    assert_int_equal(ask(&r, HEADER + 24, 65536, 2), 1);
}

static void test_hostile_requests(void **state)
{
    (void)state;
    net_native_start();
    size_t live = native_heap_live();
    for (unsigned round = 0; round < 50000; round++) {
        uint8_t bytes[160];
        random_fill(bytes, sizeof bytes);
        struct request start = dump_of((uint16_t)(bytes[0] % 40));
        start.header.size = bytes[1] % 64;
        start.header.flags = half_at(bytes + 2) & 0x30f;
        if (bytes[4] % 4)
            memcpy(bytes, &start.header, sizeof start.header);
        ask(bytes, bytes[159] % 159 + 1, bytes[158] * 64u, 16);
    }
    assert_int_equal(native_heap_live(), live);
}

static void test_hostile_controls(void **state)
{
    (void)state;
    static const uint8_t types[] = {2, 8, 1, 50, 52, 67, 0, 255};
    unsigned taken = 0;
    for (unsigned round = 0; round < 50000; round++) {
        struct inet_socket inet = {.socket = {.family = round & 1 ? AF_INET6 : AF_INET}};
        struct socket_controls controls = {.count = (uint32_t)(random_u64() % 3)};
        struct inet_sending sending;
        inet_address_any(&inet, &inet.local.ip);
        for (uint32_t i = 0; i < controls.count; i++) {
            struct socket_control *c = &controls.control[i];
            random_fill(c->bytes, sizeof c->bytes);
            c->level = random_u64() & 1 ? 0 : 41;
            c->type = types[random_u64() % ARRAY_LENGTH(types)];
            c->size = (uint32_t)(random_u64() % (SOCKET_CONTROL_MAX + 1));
            if (random_u64() & 1)
                memset(c->bytes + 1, 0, sizeof c->bytes - 1);
        }
        taken += inet_sending_of(&inet, &controls, &sending) == E_OK;
    }
    assert_true(taken > 1000 && taken < 50000);
}

static void test_addresses(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 50000; round++) {
        struct inet_socket inet = {.socket = {.family = round & 1 ? AF_INET6 : AF_INET,
                                              .type = round & 2 ? SOCK_STREAM : SOCK_DGRAM},
                                   .v6only = round & 4};
        struct socket_address address, back;
        struct inet_place place;
        random_fill(&address, sizeof address);
        address.length %= SOCKET_ADDRESS_MAX + 1;
        if (round & 8)
            address.family = inet.socket.family;
        if (round & 16)
            memset(address.bytes + 8, 0, 10);
        if ((round & 48) == 48)
            memset(address.bytes + 18, 255, 2);
        if (inet_address_in(&inet, &address, &place) != E_OK)
            continue;
        inet_address_out(&inet, &place, &back);
        assert_int_equal(back.family, inet.socket.family);
        assert_memory_equal(back.bytes + 2, address.bytes + 2, 2); /* the port */
        if (address.family == back.family && back.family == AF_INET6)
            assert_memory_equal(back.bytes + 8, address.bytes + 8, 16);
        else if (address.family == back.family)
            assert_memory_equal(back.bytes + 4, address.bytes + 4, 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dumps),
        cmocka_unit_test(test_one_link),
        cmocka_unit_test(test_hostile_requests),
        cmocka_unit_test(test_hostile_controls),
        cmocka_unit_test(test_addresses),
    };
    return RUN_TESTS(tests);
}
