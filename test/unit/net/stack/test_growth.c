/* SPDX-License-Identifier: MIT */
/* What lwIP does with ports, among 20 listeners and sockets of UDP and among 20,000: it takes the same time, because they are
 * found by hashes (cmake/lwip-edits/pcbs.cmake, udp.cmake). And its lists, which lwIP itself moves about, stay whole. */
#include "net_native.h"
#include "net_wire.h"
#include "unit.h"

#include <lwip/inet_chksum.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/udp.h>
#include <string.h>
#include <time.h>

enum {
    FEW = 20,
    MANY = 20000,
    FIRST = 1000, /* port */
    ROUNDS = 1000,
};

static struct tcp_pcb *listeners[MANY];
static struct udp_pcb *sockets[MANY];
static unsigned count, came;

static void on_datagram(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
                        u16_t port)
{
    (void)arg;
    (void)pcb;
    (void)from;
    (void)port;
    came++;
    pbuf_free(p);
}

static struct tcp_pcb *bound(const ip_addr_t *at, uint16_t port)
{
    struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_V4);
    ip_set_option(pcb, SOF_REUSEADDR);
    assert_int_equal(tcp_bind(pcb, at, port), ERR_OK);
    return pcb;
}

static struct udp_pcb *udp_socket(const ip_addr_t *at, uint16_t port)
{
    struct udp_pcb *pcb = udp_new_ip_type(IPADDR_TYPE_V4);
    assert_int_equal(udp_bind(pcb, at, port), ERR_OK);
    udp_recv(pcb, on_datagram, NULL);
    return pcb;
}

static void datagram(uint32_t to, uint16_t port)
{
    uint8_t packet[28] = {0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1};
    for (unsigned i = 0; i < 4; i++)
        packet[16 + i] = (uint8_t)(to >> (24 - 8 * i));
    packet[22] = (uint8_t)(port >> 8);
    packet[23] = (uint8_t)port;
    packet[25] = 8;
    uint16_t sum = inet_chksum(packet, 20);
    memcpy(packet + 10, &sum, sizeof sum);
    wire_packet(packet, sizeof packet);
}

/* --- each of these leaves all as it was --- */

static void a_handshake_begins(void)
{
    struct wire_segment s = {.source = 5000, .destination = FIRST, .sequence = 1, .flags = TCP_SYN};
    wire_tcp(&s);
    assert_int_equal(wire_answer().flags, TCP_SYN | TCP_ACK);
    assert_int_equal(wire_answer().source, FIRST);
    tcp_abort(tcp_active_pcbs);
}

static void a_port_is_bound(void)
{
    tcp_close(bound(IP4_ADDR_ANY, FIRST + MANY));
}

static void any_port_is_bound(void)
{
    tcp_close(bound(IP4_ADDR_ANY, 0));
}

static void a_listener_comes(void)
{
    tcp_close(tcp_listen(bound(IP4_ADDR_ANY, FIRST + MANY)));
}

static void a_datagram_comes(void)
{
    unsigned before = came;
    datagram(0x0a000002, FIRST);
    assert_int_equal(came, before + 1);
}

static void a_broadcast_comes(void)
{
    unsigned before = came;
    ip_set_option(sockets[0], SOF_BROADCAST | SOF_REUSEADDR); /* others may want it too */
    datagram(0x0a0000ff, FIRST);
    assert_int_equal(came, before + 1);
}

static void a_socket_comes_and_moves(void)
{
    ip_addr_t to = IPADDR4_INIT_BYTES(10, 0, 0, 1);
    struct udp_pcb *pcb = udp_socket(IP4_ADDR_ANY, 0);
    assert_int_equal(udp_bind(pcb, IP4_ADDR_ANY, FIRST + MANY), ERR_OK);
    assert_int_equal(udp_connect(pcb, &to, 9), ERR_OK);
    udp_remove(pcb);
}

static void the_oldest_socket_connects_and_leaves(void)
{
    static unsigned oldest;
    ip_addr_t to = IPADDR4_INIT_BYTES(10, 0, 0, 1);
    oldest = oldest + 1 < count ? oldest + 1 : 1;
    assert_int_equal(udp_connect(sockets[oldest], &to, 9), ERR_OK);
    udp_remove(sockets[oldest]);
    sockets[oldest] = udp_socket(IP4_ADDR_ANY, (uint16_t)(FIRST + oldest));
}

static void (*const operations[])(void) = {
    a_handshake_begins,       a_port_is_bound,
    any_port_is_bound,        a_listener_comes,
    a_datagram_comes,         a_broadcast_comes,
    a_socket_comes_and_moves, the_oldest_socket_connects_and_leaves,
};

enum {
    OPERATIONS = sizeof operations / sizeof operations[0]
};

static double duration(void (*operation)(void))
{
    struct timespec t0, t1;
    operation(); /* what is made once */
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
    for (unsigned i = 0; i < ROUNDS; i++)
        operation();
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t1);
    return (double)(t1.tv_sec - t0.tv_sec) + 1e-9 * (double)(t1.tv_nsec - t0.tv_nsec);
}

static void grow(unsigned until)
{
    for (; count < until; count++) {
        uint16_t port = (uint16_t)(FIRST + count);
        listeners[count] = tcp_listen(bound(IP4_ADDR_ANY, port));
        sockets[count] = udp_socket(IP4_ADDR_ANY, port);
    }
}

static void test_ports_among_many(void **state)
{
    (void)state;
    double few[OPERATIONS];
    uint64_t before = net_native_memory();
    grow(FEW);
    for (unsigned i = 0; i < OPERATIONS; i++)
        few[i] = duration(operations[i]);
    grow(MANY);
    for (unsigned i = 0; i < OPERATIONS; i++) {
        double many = duration(operations[i]);
        if (many >= 6 * few[i])
            fail_msg("operation %u: %.6f s among few, %.6f s among many", i, few[i], many);
    }
    while (count > 0) {
        tcp_close(listeners[--count]);
        udp_remove(sockets[count]);
    }
    assert_int_equal(net_native_memory(), before);
}

/* lwIP moves what it has found to the front of its list, which is linked both ways here. */
static void test_the_lists_stay_whole(void **state)
{
    (void)state;
    ip_addr_t here = IPADDR4_INIT_BYTES(10, 0, 0, 2), elsewhere = IPADDR4_INIT_BYTES(10, 0, 0, 7);
    struct tcp_pcb *own = tcp_listen(bound(&here, FIRST)),
                   *other = tcp_listen(bound(&elsewhere, FIRST));
    a_handshake_begins();
    assert_ptr_equal(tcp_listen_pcbs.pcbs, other);
    assert_ptr_equal(other->next, own);
    tcp_close(own);
    assert_null(other->next);
    tcp_close(other);
    assert_null(tcp_listen_pcbs.pcbs);

    struct udp_pcb *one = udp_socket(&here, FIRST), *two = udp_socket(&elsewhere, FIRST);
    a_datagram_comes();
    assert_ptr_equal(udp_pcbs, two);
    assert_ptr_equal(two->next, one);
    udp_remove(one);
    assert_null(two->next);
    udp_remove(two);
    assert_null(udp_pcbs);
}

int main(void)
{
    net_native_start();
    wire_add();
    netif_set_flags(&wire, NETIF_FLAG_BROADCAST);
    net_native_pass(1000);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ports_among_many),
        cmocka_unit_test(test_the_lists_stay_whole),
    };
    return RUN_TESTS(tests);
}
