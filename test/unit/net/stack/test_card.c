/* SPDX-License-Identifier: MIT */
/* The card as an interface: DHCP gives the address, ARP and ICMP answer, frames go through without a copy. */
#include "native.h"
#include "net_card.h"
#include "net_native.h"
#include "unit.h"

#include "kern/time.h"
#include "net/stack/card.h"
#include "net/stack/name_servers.h"
#include "net/stack/stack.h"

#include <lwip/netif.h>
#include <lwip/prot/tcp.h>
#include <lwip/tcp.h>
#include <lwip/udp.h>
#include <string.h>

static const uint8_t own[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};
static const uint8_t router[6] = {0x52, 0x55, 10, 0, 2, 2};
static const uint8_t own_ip[4] = {10, 0, 2, 15}, router_ip[4] = {10, 0, 2, 2};

static uint16_t sum_of(const uint8_t *bytes, unsigned size, uint32_t sum)
{
    for (unsigned i = 0; i < size; i++)
        sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void put(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* An IPv4 frame for this machine; the payload is at 34. Returns its size. */
static unsigned ipv4_frame(uint8_t *frame, const uint8_t to[4], uint8_t protocol, const void *data,
                           unsigned size)
{
    memcpy(frame, own, 6);
    memcpy(frame + 6, router, 6);
    put(frame + 12, 0x0800);
    uint8_t *ip = frame + 14;
    memset(ip, 0, 20);
    ip[0] = 0x45;
    put(ip + 2, 20 + size);
    ip[8] = 64;
    ip[9] = protocol;
    memcpy(ip + 12, router_ip, 4);
    memcpy(ip + 16, to, 4);
    put(ip + 10, sum_of(ip, 20, 0));
    memcpy(ip + 20, data, size);
    return 34 + size;
}

static unsigned udp_frame(uint8_t *frame, unsigned source, unsigned destination, const void *data,
                          unsigned size)
{
    uint8_t udp[1480] = {0};
    put(udp, source);
    put(udp + 2, destination);
    put(udp + 4, 8 + size);
    memcpy(udp + 8, data, size);
    return ipv4_frame(frame, own_ip, 17, udp, 8 + size);
}

static unsigned offers, requests;

/* The DHCP server answers what the card sends to it. */
static void dhcp_server(void)
{
    const uint8_t *sent = net_card_last, *dhcp = sent + 42;
    if (net_card_last_size < 42 + 240 || sent[12] != 8 || sent[13] != 0 || sent[23] != 17 ||
        sent[36] != 0 || sent[37] != 67)
        return;
    uint8_t type = dhcp[242], answer[300] = {0};
    memcpy(answer, dhcp, 240);
    answer[0] = 2;
    memcpy(answer + 16, own_ip, 4);
    const uint8_t options[] = {53,  1,   (uint8_t)(type == 1 ? 2 : 5),
                               54,  4,   10,
                               0,   2,   2,
                               51,  4,   0,
                               0,   14,  16,
                               1,   4,   255,
                               255, 255, 0,
                               3,   4,   10,
                               0,   2,   2,
                               6,   8,   10,
                               0,   2,   3,
                               9,   9,   9,
                               9,   255};
    memcpy(answer + 240, options, sizeof options);
    uint8_t frame[600];
    unsigned size = udp_frame(frame, 67, 68, answer, sizeof answer);
    if (type == 1)
        offers++;
    else
        requests++;
    net_card_frame(frame, size, 2000);
}

static void check_server(unsigned i, const char *want)
{
    char text[NET_SERVER_TEXT];
    size_t length = net_name_server(i, text);
    assert_int_equal(length, strlen(want));
    if (length > 0)
        assert_string_equal(text, want);
}

/* Who waits for the address goes on when the server has given it. */
static void test_dhcp(void **state)
{
    (void)state;
    uint64_t before = time_now_ns();
    assert_int_equal(net_await_address(false), E_OK);
    assert_int_equal(time_now_ns(), before);
    assert_int_equal(net_await_address(true), E_OK);
    net_card_on_send = NULL;
    assert_int_equal(offers, 1);
    assert_int_equal(requests, 1);
    assert_true(time_now_ns() - before < UINT64_C(100000000));
    assert_memory_equal(netif_ip4_addr(net_card_netif()), own_ip, 4);
    assert_memory_equal(netif_ip4_gw(net_card_netif()), router_ip, 4);
    check_server(0, "10.0.2.3");
    check_server(1, "9.9.9.9");
    check_server(2, "");
}

static void test_arp(void **state)
{
    (void)state;
    uint8_t frame[42];
    memset(frame, 0xff, 6);
    memcpy(frame + 6, router, 6);
    static const uint8_t head[10] = {8, 6, 0, 1, 8, 0, 6, 4, 0, 1};
    memcpy(frame + 12, head, 10);
    memcpy(frame + 22, router, 6);
    memcpy(frame + 28, router_ip, 4);
    memset(frame + 32, 0, 6);
    memcpy(frame + 38, own_ip, 4);
    net_card_frame(frame, sizeof frame, 2000);
    net_native_pass(1);
    assert_int_equal(net_card_last[21], 2);
    assert_memory_equal(net_card_last, router, 6);
    assert_memory_equal(net_card_last + 22, own, 6);
    assert_int_equal(net_buffers_used(), 0);
}

static void test_ping(void **state)
{
    (void)state;
    uint8_t frame[200], echo[64] = {8};
    memcpy(echo + 8, "abcdefghijklmnop", 16);
    put(echo + 2, sum_of(echo, sizeof echo, 0));
    /* In one buffer, and in several. */
    for (unsigned piece = 2000; piece >= 60; piece /= 2) {
        unsigned sent = net_card_sent;
        net_card_frame(frame, ipv4_frame(frame, own_ip, 1, echo, sizeof echo), piece);
        net_native_pass(1);
        assert_int_equal(net_card_sent, sent + 1);
        assert_int_equal(net_card_last[34], 0);
        assert_memory_equal(net_card_last + 42, echo + 8, 16);
        assert_int_equal(sum_of(net_card_last + 34, sizeof echo, 0), 0);
    }
    assert_int_equal(net_buffers_used(), 0);
}

/* An error message quotes what came in several buffers, the first of which ends with IP's header. */
static void test_error_of_a_chain(void **state)
{
    (void)state;
    uint8_t frame[200], data[32];
    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i + 0x30);
    unsigned sent = net_card_sent;
    net_card_frame(frame, ipv4_frame(frame, own_ip, 200, data, sizeof data), 34);
    net_native_pass(1);
    assert_int_equal(net_card_sent, sent + 1);
    assert_int_equal(net_card_last[34], 3);
    assert_int_equal(net_card_last[35], 2);
    assert_memory_equal(net_card_last + 42, frame + 14, 28);
    assert_int_equal(net_buffers_used(), 0);
}

/* Packets of all kinds that end too early, or whose extension headers are longer than they: AddressSanitizer reports what is
 * read behind them. */
static void test_short_packets(void **state)
{
    (void)state;
    static const uint8_t next[] = {0, 60, 43, 44, 6, 17, 58, 59, 200};
    uint32_t seed = 1;
    net_native_pass(10000); /* no other machine has the link-local address */
    for (unsigned i = 0; i < 60000; i++) {
        uint8_t frame[14 + 80];
        unsigned kind = i % 3, size = 14 + i / 3 % 80;
        for (unsigned k = 0; k < sizeof frame; k++)
            frame[k] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
        memcpy(frame, own, 6);
        memcpy(frame + 6, router, 6);
        put(frame + 12, kind == 0 ? 0x0800 : kind == 1 ? 0x86dd : 0x0806);
        uint8_t *ip = frame + 14, proto = next[(seed >> 8) % sizeof next];
        if (kind == 0) {
            ip[0] = 0x45;
            ip[6] = ip[7] = 0;
            put(ip + 2, size - 14);
            ip[9] = proto;
            memcpy(ip + 12, router_ip, 4);
            if (seed & 4096)
                memcpy(ip + 16, own_ip, 4);
            put(ip + 10, 0);
            put(ip + 10, sum_of(ip, 20, 0));
        } else if (kind == 1) {
            ip[0] = 0x60;
            put(ip + 4, size < 54 ? 0 : size - 54);
            ip[6] = proto;
            memcpy(ip + 8, (uint8_t[]){0xfe, 0x80}, 2);
            memcpy(ip + 24, (uint8_t[16]){0xff, 2, [15] = 1}, 16);
            ip[40] = next[(seed >> 16) % sizeof next];
            if (seed & 8192)
                ip[41] = 0;
            if (seed & 16384) /* an option whose length would be behind the header */
                memcpy(ip + 42, (uint8_t[]){1, 3, 0, 0, 0, 5}, 6);
        }
        net_card_frame(frame, size, 2000);
        if (i % 32 == 0)
            net_native_pass(1);
    }
    net_native_pass(100000);
    assert_int_equal(net_buffers_used(), 0);
}

/* The card makes TCP's checksums: the frame has the pseudo header's sum, of which the whole is made as a card does it. */
static void test_checksum_is_left_to_the_card(void **state)
{
    (void)state;
    uint8_t frame[200], tcp[20] = {0x12, 0x34, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xff, 0xff};
    uint8_t pseudo[12];
    memcpy(pseudo, router_ip, 4);
    memcpy(pseudo + 4, own_ip, 4);
    memcpy(pseudo + 8, (uint8_t[]){0, 6, 0, 20}, 4);
    put(tcp + 16, sum_of(tcp, 20, (uint16_t)~sum_of(pseudo, 12, 0)));
    net_card_frame(frame, ipv4_frame(frame, own_ip, 6, tcp, sizeof tcp), 2000);
    net_native_pass(1);
    /* Nothing listens: a reset. */
    assert_int_equal(net_card_last[47], 0x14);
    assert_int_equal(net_card_checksum_from, 34);
    assert_int_equal(net_card_checksum_at, 16);
    put(net_card_last + 34 + 16, sum_of(net_card_last + 34, 20, 0));
    memcpy(pseudo, own_ip, 4);
    memcpy(pseudo + 4, router_ip, 4);
    assert_int_equal(sum_of(net_card_last + 34, 20, (uint16_t)~sum_of(pseudo, 12, 0)), 0);
}

static struct pbuf *kept;

static void keep(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from, u16_t port)
{
    (void)arg;
    (void)pcb;
    (void)from;
    (void)port;
    if (kept == NULL)
        kept = p;
    else
        pbuf_cat(kept, p);
}

/* The bytes are in the card's buffer until the socket is done with them. */
static void test_no_copy(void **state)
{
    (void)state;
    uint8_t frame[200];
    struct udp_pcb *pcb = udp_new();
    udp_bind(pcb, IP4_ADDR_ANY, 5000);
    udp_recv(pcb, keep, NULL);
    unsigned size = udp_frame(frame, 1, 5000, "here", 4);
    uint64_t memory = net_native_memory();
    net_card_frame(frame, size, 2000);
    net_native_pass(1);
    assert_non_null(kept);
    assert_memory_equal(kept->payload, "here", 4);
    assert_int_equal(net_buffers_used(), 1);
    assert_int_equal(net_native_memory(), memory);
    pbuf_free(kept);
    kept = NULL;
    assert_int_equal(net_buffers_used(), 0);
    udp_remove(pcb);
}

/* A flood keeps nobody else waiting: 64 frames at once. */
static void test_poll_gives_way(void **state)
{
    (void)state;
    uint8_t frame[200];
    unsigned size = udp_frame(frame, 1, 5001, "x", 1);
    for (unsigned i = 0; i < 200; i++)
        net_card_frame(frame, size, 2000);
    assert_false(net_native_work(1));
    assert_int_equal(net_card_waiting(), 136);
    assert_false(net_native_work(2));
    assert_int_equal(net_card_waiting(), 8);
    assert_true(net_native_work(2));
    assert_int_equal(net_buffers_used(), 0);
}

/* The card is told once of what answers the frames that were taken together. */
static void test_the_card_is_told_once(void **state)
{
    (void)state;
    uint8_t frame[200], echo[64] = {8};
    put(echo + 2, sum_of(echo, sizeof echo, 0));
    unsigned size = ipv4_frame(frame, own_ip, 1, echo, sizeof echo);
    for (unsigned i = 0; i < 70; i++)
        net_card_frame(frame, size, 2000);
    unsigned sent = net_card_sent, told = net_card_told;
    assert_false(net_native_work(1));
    assert_int_equal(net_card_sent, sent + 64);
    assert_int_equal(net_card_told, told + 1);
    assert_true(net_native_work(1));
    assert_int_equal(net_card_sent, sent + 70);
    assert_int_equal(net_card_told, told + 2);
}

static unsigned acknowledged;

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t size)
{
    (void)arg;
    (void)pcb;
    acknowledged += size;
    return ERR_OK;
}

/* A connection to the router. */
static struct tcp_pcb *connection(void)
{
    ip_addr_t to = IPADDR4_INIT_BYTES(10, 0, 2, 2);
    struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_V4);
    tcp_sent(pcb, on_sent);
    assert_int_equal(tcp_connect(pcb, &to, 80, NULL), ERR_OK);
    uint8_t frame[200], tcp[20] = {0, 80};
    memcpy(tcp + 2, net_card_last + 34, 2);
    uint32_t isn;
    memcpy(&isn, net_card_last + 38, 4);
    isn = __builtin_bswap32(isn) + 1;
    uint32_t ack = __builtin_bswap32(isn);
    memcpy(tcp + 8, &ack, 4);
    tcp[12] = 0x50;
    tcp[13] = TCP_SYN | TCP_ACK;
    put(tcp + 14, 65535);
    uint8_t pseudo[12] = {10, 0, 2, 2, 10, 0, 2, 15, 0, 6, 0, 20};
    put(tcp + 16, sum_of(tcp, 20, (uint16_t)~sum_of(pseudo, 12, 0)));
    net_card_frame(frame, ipv4_frame(frame, own_ip, 6, tcp, 20), 2000);
    net_native_pass(1);
    assert_int_equal(pcb->state, ESTABLISHED);
    pcb->cwnd = 65535;
    tcp_nagle_disable(pcb);
    return pcb;
}

static uint8_t stream[50000];
static unsigned streamed, short_ones;
static uint32_t stream_start;

/* A segment of the stream: where it belongs, with right checksums. */
static void on_segment(void)
{
    const uint8_t *ip = net_card_last + 14, *tcp = ip + 20;
    unsigned size = net_card_last_size - 54;
    uint8_t pseudo[12] = {
        10, 0, 2, 15, 10, 0, 2, 2, 0, 6, (uint8_t)((size + 20) >> 8), (uint8_t)(size + 20)};
    uint32_t sequence;
    memcpy(&sequence, tcp + 4, 4);
    sequence = __builtin_bswap32(sequence) - stream_start;
    assert_int_equal(sequence, streamed);
    assert_memory_equal(tcp + 20, stream + sequence, size);
    assert_int_equal(sum_of(ip, 20, 0), 0);
    uint8_t whole[NETDEV_FRAME_MAX];
    memcpy(whole, tcp, 20 + size);
    /* The pseudo header's sum is there: the card makes the rest. */
    assert_int_equal((uint16_t)~sum_of(pseudo, 12, 0), whole[16] << 8 | whole[17]);
    streamed += size;
    short_ones += size < 536;
}

/* The card cuts: a burst is handed over in few pieces, and goes out in the same segments as without. */
static void test_the_card_cuts(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof stream; i++)
        stream[i] = (uint8_t)(i * 7 + i / 251);
    for (unsigned cuts = 0; cuts < 2; cuts++) {
        struct tcp_pcb *pcb = connection();
        pcb->snd_wnd = 65535;
        if (cuts)
            net_card.features |= NETDEV_SEGMENT4;
        stream_start = pcb->snd_nxt;
        streamed = short_ones = net_card_cuts = 0;
        net_card_on_send = on_segment;
        unsigned sent = net_card_sent;
        assert_int_equal(tcp_write(pcb, stream, 50000, TCP_WRITE_FLAG_COPY), ERR_OK);
        tcp_output(pcb);
        net_kick();
        assert_int_equal(streamed, 50000);
        assert_int_equal(net_card_sent - sent, 94);
        assert_int_equal(short_ones, 1);
        assert_int_equal(net_card_cuts, cuts ? 3 : 0);
        net_card_on_send = NULL;
        tcp_abort(pcb);
    }
    /* A run that nothing follows, and one before a frame of another kind. */
    struct tcp_pcb *pcb = connection(), *other = connection();
    stream_start = pcb->snd_nxt;
    streamed = net_card_cuts = 0;
    net_card_on_send = on_segment;
    assert_int_equal(tcp_write(pcb, stream, 536, TCP_WRITE_FLAG_COPY | TCP_WRITE_FLAG_MORE),
                     ERR_OK);
    tcp_output(pcb);
    assert_int_equal(streamed, 0);
    net_kick();
    assert_int_equal(streamed, 536);
    assert_int_equal(tcp_write(pcb, stream + 536, 1072, TCP_WRITE_FLAG_COPY | TCP_WRITE_FLAG_MORE),
                     ERR_OK);
    tcp_output(pcb);
    net_card_on_send = NULL;
    unsigned sent = net_card_sent;
    assert_int_equal(tcp_write(other, stream, 1072, TCP_WRITE_FLAG_COPY | TCP_WRITE_FLAG_MORE),
                     ERR_OK);
    tcp_output(other);
    assert_int_equal(net_card_sent, sent + 2);
    net_kick();
    assert_int_equal(net_card_sent, sent + 4);
    assert_int_equal(net_card_cuts, 2);
    net_card.features &= ~(uint32_t)NETDEV_SEGMENT4;
    tcp_abort(pcb);
    tcp_abort(other);
}

/* The ring is full in the middle of a burst: the rest goes when the card says that there is room. */
static void test_full_ring(void **state)
{
    (void)state;
    static uint8_t data[20000];
    struct tcp_pcb *pcb = connection();
    net_card_room = 3;
    unsigned sent = net_card_sent;
    assert_int_equal(tcp_write(pcb, data, sizeof data, TCP_WRITE_FLAG_COPY), ERR_OK);
    tcp_output(pcb);
    net_kick();
    assert_int_equal(net_card_sent, sent + 3);
    net_card_room = UINT32_MAX;
    net_card_interrupt();
    net_native_work(5);
    assert_true(net_card_sent >= sent + 37); /* an MSS of 536 */
    tcp_abort(pcb);
}

/* The link goes and comes. */
static void test_link(void **state)
{
    (void)state;
    net_card.link = false;
    net_card_interrupt();
    net_native_pass(1);
    assert_false(netif_is_link_up(net_card_netif()));
    net_card.link = true;
    net_card_interrupt();
    net_native_pass(1);
    assert_true(netif_is_link_up(net_card_netif()));
}

int main(void)
{
    net_native_card = &net_card;
    net_card_on_send = dhcp_server;
    net_native_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dhcp),
        cmocka_unit_test(test_arp),
        cmocka_unit_test(test_ping),
        cmocka_unit_test(test_error_of_a_chain),
        cmocka_unit_test(test_short_packets),
        cmocka_unit_test(test_no_copy),
        cmocka_unit_test(test_checksum_is_left_to_the_card),
        cmocka_unit_test(test_poll_gives_way),
        cmocka_unit_test(test_the_card_is_told_once),
        cmocka_unit_test(test_the_card_cuts),
        cmocka_unit_test(test_full_ring),
        cmocka_unit_test(test_link),
    };
    return RUN_TESTS(tests);
}
