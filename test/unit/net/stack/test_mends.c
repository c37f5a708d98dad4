/* SPDX-License-Identifier: MIT */
/* What cmake/lwip-edits/ mends in lwIP: each of these tests fails without its edit. */
#include "native.h"
#include "net_native.h"
#include "net_server.h"
#include "net_wire.h"
#include "unit.h"

#include "net/stack/pcbs.h"
#include "net/stack/secret.h"
#include "net/stack/stack.h"

#include <lwip/inet_chksum.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/raw.h>
#include <lwip/udp.h>
#include <string.h>
#include <time.h>

/* The kind of an option is the last byte of the packet: its length is not read from behind it. */
static void test_option_cut_off(void **state)
{
    (void)state;
    serve(8);
    static const uint8_t options[8] = {1, 1, 1, 1, 1, 1, 1, 2};
    for (uint8_t kind = 2; kind < 255; kind++) {
        uint8_t all[8];
        memcpy(all, options, 7);
        all[7] = kind;
        struct wire_segment s = from(kind, 1000, 0, TCP_SYN);
        s.options = all;
        s.options_size = 8;
        wire_tcp(&s);
    }
    end();
}

/* More than 64 KiB of the window given back at once. */
static void test_window_given_back(void **state)
{
    (void)state;
    static const uint8_t scale[4] = {3, 3, 7, 1};
    static uint8_t data[1000];
    serve(8);
    struct wire_segment s = from(2000, 1000, 0, TCP_SYN);
    s.options = scale;
    s.options_size = 4;
    wire_tcp(&s);
    uint32_t ours = wire_answer().sequence + 1;
    s = from(2000, 1001, ours, TCP_ACK);
    wire_tcp(&s);
    for (unsigned i = 0; i < 300; i++) {
        s = from(2000, 1001 + i * 1000, ours, TCP_ACK | TCP_PSH);
        s.data = data;
        s.size = sizeof data;
        wire_tcp(&s);
    }
    assert_int_equal(received, 300000);
    assert_int_equal(accepted->rcv_wnd, TCP_WND - 300000);
    tcp_recved(accepted, 300000);
    assert_int_equal(accepted->rcv_wnd, TCP_WND);
    assert_int_equal((uint32_t)wire_answer().window << TCP_RCV_SCALE, TCP_WND);
    end();
}

static double lookups(unsigned connections)
{
    struct timespec t0, t1;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
    for (unsigned i = 0; i < 20000; i++) {
        struct wire_segment s = from((uint16_t)(2000 + i * 7919 % connections), 900, 0, TCP_ACK);
        s.size = 0;
        wire_tcp(&s);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t1);
    return (double)(t1.tv_sec - t0.tv_sec) + 1e-9 * (double)(t1.tv_nsec - t0.tv_nsec);
}

/* A segment finds its connection among 10,000 in the time that it takes among 10. */
static void test_ten_thousand_connections(void **state)
{
    (void)state;
    uint64_t before = net_native_memory();
    serve(64);
    for (unsigned i = 0; i < 10; i++)
        open_from((uint16_t)(2000 + i));
    double few = lookups(10);
    for (unsigned i = 10; i < 10000; i++)
        open_from((uint16_t)(2000 + i));
    assert_int_equal(accepts, 10000);
    double many = lookups(10000);
    assert_true(many < 5 * few);
    end();
    assert_int_equal(net_native_memory(), before);
}

/* The server closes first: from the client's port, then its FIN. */
static void close_from(uint16_t source, uint32_t ours)
{
    tcp_close(accepted);
    struct wire_segment s = from(source, 1001, ours + 1, TCP_ACK | TCP_FIN);
    wire_tcp(&s);
}

static void test_time_wait_is_limited(void **state)
{
    (void)state;
    serve(64);
    uint32_t most = net_pcbs_time_wait_most(), first_active = 0;
    for (uint32_t i = 0; i < most + 1000; i++) {
        uint32_t ours = open_from((uint16_t)(1 + i % 65535));
        close_from((uint16_t)(1 + i % 65535), ours);
        first_active += tcp_active_pcbs != NULL;
    }
    assert_int_equal(first_active, 0);
    assert_int_equal(net_pcbs_time_wait(), most);
    end();
}

/* A client's port comes back while its last connection is in TIME-WAIT. */
static void test_time_wait_ends_are_used_again(void **state)
{
    (void)state;
    serve(8);
    close_from(3000, open_from(3000));
    assert_int_equal(net_pcbs_time_wait(), 1);
    struct wire_segment s = from(3000, 5000, 0, TCP_SYN);
    wire_tcp(&s);
    assert_int_equal(wire_answer().flags, TCP_SYN | TCP_ACK);
    assert_int_equal(wire_answer().acknowledges, 5001);
    assert_int_equal(net_pcbs_time_wait(), 0);
    end();
}

/* A connection to elsewhere takes a port that another has for other ends. */
static void test_ports_are_shared_by_ends(void **state)
{
    (void)state;
    ip_addr_t at = IPADDR4_INIT_BYTES(10, 0, 0, 1);
    enum {
        EACH = NET_PORT_LAST - NET_PORT_FIRST + 1
    };
    uint64_t before = net_native_memory();
    static struct tcp_pcb *all[EACH];
    for (unsigned i = 0; i < EACH; i++) {
        all[i] = tcp_new_ip_type(IPADDR_TYPE_V4);
        all[i]->local_ip = *netif_ip_addr4(&wire);
        all[i]->remote_ip = at;
        all[i]->remote_port = 443;
        all[i]->local_port = (u16_t)(NET_PORT_FIRST + i);
        all[i]->state = ESTABLISHED;
        TCP_REG_ACTIVE(all[i]);
    }
    struct tcp_pcb *one = tcp_new_ip_type(IPADDR_TYPE_V4);
    assert_int_equal(tcp_connect(one, &at, 443, NULL), ERR_BUF);
    assert_int_equal(tcp_connect(one, &at, 444, NULL), ERR_OK);
    tcp_abort(one);
    for (unsigned i = 0; i < EACH; i++)
        tcp_abort(all[i]);
    assert_int_equal(net_native_memory(), before);
}

/* A flood of SYNs, of which none goes on: another client gets its connection. */
static void test_syn_flood(void **state)
{
    (void)state;
    serve(16);
    for (unsigned i = 0; i < 5000; i++) {
        struct wire_segment s = from((uint16_t)i, i * 77777, 0, TCP_SYN);
        s.from = 0x0a000100 + i % 200;
        wire_tcp(&s);
    }
    uint64_t flooded = net_native_memory();
    assert_true(flooded < 200000);
    uint32_t ours = open_from(4000);
    assert_int_equal(accepts, 1);
    struct wire_segment s = from(4000, 1001, ours, TCP_ACK | TCP_PSH);
    s.data = "hello";
    s.size = 5;
    wire_tcp(&s);
    assert_int_equal(received, 5);
    assert_int_equal(accepted->mss, 536);
    /* What looks like a cookie, and is none. */
    s = from(4001, 1001, ours + 12345, TCP_ACK);
    wire_tcp(&s);
    assert_int_equal(accepts, 1);
    assert_int_equal(wire_answer().flags, TCP_RST | TCP_ACK);
    /* Nor is one that is old. */
    s = from(4002, 1000, 0, TCP_SYN);
    wire_tcp(&s);
    uint32_t cookie = wire_answer().sequence;
    net_native_pass(130000);
    s = from(4002, 1001, cookie + 1, TCP_ACK);
    wire_tcp(&s);
    assert_int_equal(accepts, 1);
    end();
}

/* A SYN with ACK is repeated when the client's data, which says as much as its ACK, should have come twice. */
static void test_syn_with_ack_is_repeated_late(void **state)
{
    (void)state;
    serve(8);
    struct wire_segment s = from(4050, 1000, 0, TCP_SYN);
    wire_tcp(&s);
    unsigned sent = wire_sent;
    net_native_pass(3200);
    assert_int_equal(wire_sent, sent);
    net_native_pass(600);
    assert_int_equal(wire_sent, sent + 1);
    assert_int_equal(wire_answer().flags, TCP_SYN | TCP_ACK);
    end();
}

/* The queue of connections to accept is full: a SYN is ignored. */
static void test_full_queue_ignores_syns(void **state)
{
    (void)state;
    serve(8);
    ((struct tcp_pcb_listen *)(void *)listener)->accept_full = 1;
    unsigned sent = wire_sent;
    struct wire_segment s = from(4100, 1000, 0, TCP_SYN);
    wire_tcp(&s);
    assert_int_equal(wire_sent, sent);
    ((struct tcp_pcb_listen *)(void *)listener)->accept_full = 0;
    open_from(4100);
    assert_int_equal(accepts, 1);
    end();
}

/* A connection begins with the window that its listener has. */
static void test_window_of_the_listener(void **state)
{
    (void)state;
    serve(8);
    ((struct tcp_pcb_listen *)(void *)listener)->wnd_most = 8192;
    open_from(4200);
    assert_int_equal(accepted->rcv_wnd, 8192);
    assert_int_equal(accepted->wnd_most, 8192);
    static const uint8_t scale[4] = {3, 3, 7, 1};
    ((struct tcp_pcb_listen *)(void *)listener)->wnd_most = 100000;
    struct wire_segment s = from(4201, 1000, 0, TCP_SYN);
    s.options = scale;
    s.options_size = 4;
    wire_tcp(&s);
    s = from(4201, 1001, wire_answer().sequence + 1, TCP_ACK);
    wire_tcp(&s);
    assert_int_equal(accepted->rcv_wnd, 100000);
    end();
}

/* What waits out of sequence never reaches beyond the window. */
static void test_out_of_sequence_beyond_window(void **state)
{
    (void)state;
    static uint8_t data[1460];
    serve(8);
    uint32_t ours = open_from(5000), window = accepted->rcv_wnd;
    /* A first one that waits, one cut to the window's end, and it again, longer than what is left of it. */
    uint32_t at[] = {1001 + 1460, 1001 + window - 500, 1001 + window - 500};
    for (unsigned i = 0; i < 3; i++) {
        struct wire_segment s = from(5000, at[i], ours, TCP_ACK);
        s.data = data;
        s.size = 1000 + i * 200;
        wire_tcp(&s);
    }
    struct tcp_seg *last = accepted->ooseq;
    while (last->next != NULL)
        last = last->next;
    assert_true(last->tcphdr->seqno + last->len - 1001 <= window);
    end();
}

/* One byte, half the sequence space away from what is expected. */
static void test_byte_half_way_round(void **state)
{
    (void)state;
    serve(8);
    struct wire_segment s = from(5100, 1001 - 0x80000000, open_from(5100), TCP_ACK);
    s.data = "x";
    s.size = 1;
    wire_tcp(&s);
    assert_int_equal(received, 0);
    assert_int_equal(accepted->rcv_nxt, 1001);
    end();
}

/* A second SYN with an ACK does not open the connection. */
static void test_syn_with_ack_opens_nothing(void **state)
{
    (void)state;
    serve(8);
    struct wire_segment s = from(6000, 1000, 0, TCP_SYN);
    wire_tcp(&s);
    s = from(6000, 1000, wire_answer().sequence + 1, TCP_SYN | TCP_ACK);
    wire_tcp(&s);
    assert_int_equal(accepts, 0);
    end();
}

static unsigned datagrams;

static u8_t on_raw(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *addr)
{
    (void)arg;
    (void)pcb;
    (void)addr;
    (void)p;
    datagrams++;
    return 0;
}

static struct raw_pcb *receiver(uint8_t version)
{
    struct raw_pcb *raw = raw_new_ip_type(version, WIRE_PROTOCOL);
    raw_recv(raw, on_raw, NULL);
    datagrams = 0;
    return raw;
}

/* The fragments of a datagram of IPv6, with one missing. */
static void test_ipv6_fragment_missing(void **state)
{
    (void)state;
    static const uint8_t bytes[8];
    struct raw_pcb *raw = receiver(IPADDR_TYPE_V6);
    wire_fragment(0, true, 7, bytes, 8);
    wire_fragment(24, false, 7, bytes, 8);
    wire_fragment(16, true, 7, bytes, 8);
    assert_int_equal(datagrams, 0);
    wire_fragment(8, true, 7, bytes, 8);
    assert_int_equal(datagrams, 1);
    raw_remove(raw);
}

static uint8_t hops;

static u8_t on_raw_hops(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *from)
{
    (void)arg;
    (void)pcb;
    (void)p;
    (void)from;
    hops = IP6H_HOPLIM(ip6_current_header());
    return 0;
}

static void fragment4(unsigned offset, bool more, const void *data, unsigned size)
{
    uint8_t packet[64] = {0x45, 0, 0,  0, 0, 7, 0,  0, 64, WIRE_PROTOCOL,
                          0,    0, 10, 0, 0, 1, 10, 0, 0,  2};
    packet[3] = (uint8_t)(20 + size);
    packet[6] = more ? 0x20 : 0;
    packet[7] = (uint8_t)(offset / 8);
    uint16_t sum = inet_chksum(packet, 20);
    memcpy(packet + 10, &sum, sizeof sum);
    memcpy(packet + 20, data, size);
    wire_packet(packet, 20 + size);
}

/* A fragment without data is dropped: the datagram is whole without it, or never. */
static void test_fragment_without_data(void **state)
{
    (void)state;
    static const uint8_t bytes[8];
    struct raw_pcb *raw = receiver(IPADDR_TYPE_V4);
    fragment4(0, true, bytes, 8);
    fragment4(8, false, bytes, 0);
    assert_int_equal(datagrams, 0);
    fragment4(8, false, bytes, 8);
    assert_int_equal(datagrams, 1);
    raw_remove(raw);
    raw = receiver(IPADDR_TYPE_V6);
    wire_fragment(0, true, 27, bytes, 8);
    wire_fragment(8, false, 27, bytes, 0);
    assert_int_equal(datagrams, 0);
    wire_fragment(8, false, 27, bytes, 8);
    assert_int_equal(datagrams, 1);
    raw_remove(raw);
}

/* A datagram's header is its first fragment's, not the last one's, which is freed. */
static void test_ipv6_header_of_the_first_fragment(void **state)
{
    (void)state;
    static const uint8_t bytes[8];
    struct raw_pcb *raw = raw_new_ip_type(IPADDR_TYPE_V6, WIRE_PROTOCOL);
    raw_recv(raw, on_raw_hops, NULL);
    wire_hops = 33;
    wire_fragment(0, true, 17, bytes, 8);
    wire_hops = 64;
    wire_fragment(8, false, 17, bytes, 8);
    assert_int_equal(hops, 33);
    raw_remove(raw);
}

/* The datagram is never complete: what the error message quotes is what came. */
static void test_ipv6_reassembly_time(void **state)
{
    (void)state;
    uint8_t bytes[64];
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(0xc0 + i);
    wire_fragment(0, true, 9, bytes, sizeof bytes);
    wire_last_size = 0;
    net_native_pass(100000);
    assert_true(wire_last_size >= 48 + 48 + sizeof bytes);
    const uint8_t *icmp = wire_last + 40, *quoted = icmp + 8;
    assert_int_equal(icmp[0], 3);
    assert_int_equal(icmp[1], 1);
    assert_int_equal(quoted[40], WIRE_PROTOCOL);
    assert_memory_equal(quoted + 48, bytes, sizeof bytes);
    assert_int_equal(quoted[47], 9);
}

/* A request is acknowledged with its answer, or later; not at once by a packet of its own. */
static void test_acknowledgement_waits(void **state)
{
    (void)state;
    serve(8);
    uint32_t ours = open_from(7100);
    unsigned sent = wire_sent;
    struct wire_segment s = from(7100, 1001, ours, TCP_ACK | TCP_PSH);
    s.data = "request";
    s.size = 7;
    wire_tcp(&s);
    tcp_recved(accepted, 7);
    assert_int_equal(wire_sent, sent);
    net_native_pass(200);
    assert_int_equal(wire_sent, sent + 1);
    end();
}

/* Whenever it comes between two ticks: for 40 ms at least, and not for 150. */
static void test_acknowledgement_waits_for_an_answer(void **state)
{
    (void)state;
    serve(8);
    uint32_t ours = open_from(7150);
    for (unsigned i = 0; i < 20; i++) {
        struct wire_segment s = from(7150, 1001 + i, ours, TCP_ACK | TCP_PSH);
        s.data = "r";
        s.size = 1;
        net_native_pass(37);
        unsigned sent = wire_sent;
        wire_tcp(&s);
        net_native_pass(38);
        assert_int_equal(wire_sent, sent);
        net_native_pass(112);
        assert_int_equal(wire_sent, sent + 1);
    }
    end();
}

/* Datagrams for a port that nothing has: 50 answers at once, and 1,000 in a second. */
static void test_icmp_errors_are_limited(void **state)
{
    (void)state;
    static const uint8_t packet[28] = {0x45, 0, 0,  28, 0, 0, 0, 0, 64, 17, 0x66, 0xcf, 10, 0,
                                       0,    1, 10, 0,  0, 2, 1, 1, 9,  9,  0,    8,    0,  0};
    unsigned sent = wire_sent;
    for (unsigned i = 0; i < 200; i++)
        wire_packet(packet, sizeof packet);
    assert_int_equal(wire_sent, sent + 50);
    assert_int_equal(wire_last[20], 3);
    net_native_pass(10);
    for (unsigned i = 0; i < 200; i++)
        wire_packet(packet, sizeof packet);
    assert_int_equal(wire_sent, sent + 60);
}

/* By IPv6 too: of a protocol that nothing takes. */
static void test_icmpv6_errors_are_limited(void **state)
{
    (void)state;
    uint8_t packet[48] = {0x60, 0, 0, 0, 0, 8, WIRE_PROTOCOL, 64, 0xfe, 0x80};
    packet[23] = 1;
    packet[24] = 0xfe;
    packet[25] = 0x80;
    packet[39] = 2;
    net_native_pass(1000);
    unsigned sent = wire_sent;
    for (unsigned i = 0; i < 200; i++)
        wire_packet(packet, sizeof packet);
    assert_int_equal(wire_sent, sent + 50);
    assert_int_equal(wire_last[40], 4);
}

/* Packets' numbers tell nothing about how many others there were. */
static void test_packet_numbers(void **state)
{
    (void)state;
    ip_addr_t to = IPADDR4_INIT_BYTES(10, 0, 0, 1);
    struct udp_pcb *pcb = udp_new();
    assert_int_equal(udp_bind(pcb, IP4_ADDR_ANY, 4000), ERR_OK);
    unsigned next = 0, last = 0;
    for (unsigned i = 0; i < 100; i++) {
        struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, 10, PBUF_RAM);
        assert_int_equal(udp_sendto(pcb, p, &to, 9), ERR_OK);
        pbuf_free(p);
        unsigned number = (unsigned)wire_last[4] << 8 | wire_last[5];
        next += i > 0 && number == (last + 1) % 65536;
        last = number;
    }
    assert_true(next < 3);
    udp_remove(pcb);
}

/* The urgent pointer goes with all segments before it, also in retransmissions, until its byte is acknowledged; urgent bytes
 * do not wait to fill a segment. What comes is passed on. */
static void test_urgent_pointer(void **state)
{
    (void)state;
    serve(8);
    uint32_t ours = open_from(7800);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(tcp_write(accepted, "abc", 3, 0), ERR_OK);
        accepted->snd_up = accepted->snd_lbb;
        accepted->urgent = 1;
        tcp_output(accepted);
        assert_int_equal(wire_answer().sequence,
                         ours + 3 * i); /* though "abc" is not acknowledged */
        assert_int_equal(wire_answer().flags, TCP_ACK | TCP_PSH | TCP_URG);
        assert_int_equal(wire_last[38] << 8 | wire_last[39], 3);
    }
    wire_last_size = 0;
    net_native_pass(2000); /* sent again, with the pointer to the last one */
    assert_int_equal(wire_answer().flags & TCP_URG, TCP_URG);
    assert_int_equal(wire_answer().sequence + ((unsigned)wire_last[38] << 8 | wire_last[39]),
                     ours + 6);
    struct wire_segment s = from(7800, 1001, ours + 6, TCP_ACK);
    wire_tcp(&s);
    assert_int_equal(tcp_write(accepted, "d", 1, 0), ERR_OK);
    tcp_output(accepted);
    assert_int_equal(wire_answer().flags, TCP_ACK | TCP_PSH);
    net_native_urgent = 77;
    s = from(7800, 1001, ours + 7, TCP_ACK | TCP_URG);
    s.data = "x";
    s.size = 1;
    wire_tcp(&s);
    assert_int_equal(net_native_urgent, 0);
    end();
}

static void test_sequence_numbers(void **state)
{
    (void)state;
    ip_addr_t a = IPADDR4_INIT_BYTES(10, 0, 0, 2), b = IPADDR4_INIT_BYTES(10, 0, 0, 1);
    uint32_t one = net_initial_sequence(&a, 1, &b, 2), other = net_initial_sequence(&a, 1, &b, 3);
    assert_int_not_equal(one, other);
    net_native_pass(1);
    uint32_t later = net_initial_sequence(&a, 1, &b, 2);
    assert_true(later - one >= 15000 && later - one <= 16000);
    /* lwIP takes them from there. */
    serve(8);
    struct wire_segment s = from(7000, 1000, 0, TCP_SYN);
    wire_tcp(&s);
    assert_int_equal(wire_answer().sequence, net_initial_sequence(&a, PORT, &b, 7000));
    end();
    uint64_t words[2] = {0};
    assert_true(net_keyed_hash(words, 1) != net_keyed_hash(words, 2));
}

int main(void)
{
    net_native_start();
    wire_add();
    net_native_pass(1000);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_option_cut_off),
        cmocka_unit_test(test_window_given_back),
        cmocka_unit_test(test_ten_thousand_connections),
        cmocka_unit_test(test_time_wait_is_limited),
        cmocka_unit_test(test_time_wait_ends_are_used_again),
        cmocka_unit_test(test_ports_are_shared_by_ends),
        cmocka_unit_test(test_syn_flood),
        cmocka_unit_test(test_syn_with_ack_is_repeated_late),
        cmocka_unit_test(test_full_queue_ignores_syns),
        cmocka_unit_test(test_window_of_the_listener),
        cmocka_unit_test(test_out_of_sequence_beyond_window),
        cmocka_unit_test(test_byte_half_way_round),
        cmocka_unit_test(test_syn_with_ack_opens_nothing),
        cmocka_unit_test(test_ipv6_fragment_missing),
        cmocka_unit_test(test_fragment_without_data),
        cmocka_unit_test(test_ipv6_header_of_the_first_fragment),
        cmocka_unit_test(test_ipv6_reassembly_time),
        cmocka_unit_test(test_acknowledgement_waits),
        cmocka_unit_test(test_acknowledgement_waits_for_an_answer),
        cmocka_unit_test(test_icmp_errors_are_limited),
        cmocka_unit_test(test_icmpv6_errors_are_limited),
        cmocka_unit_test(test_packet_numbers),
        cmocka_unit_test(test_urgent_pointer),
        cmocka_unit_test(test_sequence_numbers),
    };
    return RUN_TESTS(tests);
}
