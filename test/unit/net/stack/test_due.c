/* SPDX-License-Identifier: MIT */
/* What cmake/lwip-edits/due.cmake, pcbs.cmake and udp.cmake change: clocks and look-ups that do not depend on how much else there is. */
#include "native.h"
#include "net_native.h"
#include "net_server.h"
#include "net_wire.h"
#include "unit.h"

#include "kern/time.h"
#include "net/stack/pcbs.h"
#include "net/stack/secret.h"
#include "net/stack/stack.h"

#include <lwip/priv/tcp_priv.h>
#include <lwip/raw.h>
#include <lwip/udp.h>
#include <string.h>
#include <time.h>

/* CPU time of a minute beside connections that say nothing. */
static double minute(void)
{
    struct timespec t0, t1;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
    net_native_pass(60000);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t1);
    return (double)(t1.tv_sec - t0.tv_sec) + 1e-9 * (double)(t1.tv_nsec - t0.tv_nsec);
}

/* The clock passes idle connections by. */
static void test_idle_connections_take_no_time(void **state)
{
    (void)state;
    serve(64);
    for (unsigned i = 0; i < 10; i++)
        open_from((uint16_t)(2000 + i));
    net_native_pass(60000);
    double few = minute();
    for (unsigned i = 10; i < 10000; i++)
        open_from((uint16_t)(2000 + i));
    net_native_pass(60000);
    assert_true(minute() < 5 * few + 0.002);
    end();
}

static bool looks; /* the clock looks at the connection in each tick */

/* When packets are sent, in ms after the first; `most` at most, in 200 s. */
static unsigned sent_at(unsigned *at, unsigned most)
{
    unsigned count = 0, sent = wire_sent;
    for (unsigned ms = 0; ms < 200000 && count < most; ms += 100) {
        if (looks) { /* as for a connection that withholds bytes */
            tcp_set_flags(accepted, TF_CORK);
            net_due_arm(accepted);
            tcp_clear_flags(accepted, TF_CORK);
        }
        net_native_pass(100);
        if (wire_sent != sent)
            at[count++] = ms + 100;
        sent = wire_sent;
    }
    return count;
}

static void test_retransmissions_wait_longer_and_longer(void **state)
{
    (void)state;
    unsigned at[8];
    serve(8);
    open_from(7200);
    assert_int_equal(tcp_write(accepted, "x", 1, 0), ERR_OK);
    tcp_output(accepted);
    assert_int_equal(sent_at(at, 5), 5);
    for (unsigned i = 1; i < 4; i++)
        assert_in_range((at[i + 1] - at[i]) * 10 / (at[i] - at[i - 1]), 17, 23);
    assert_in_range(at[0], 200, 2000);
    end();
}

/* The clock looks at a connection for another reason in each tick: what it counts is time, not looks. */
static void test_looks_are_not_ticks(void **state)
{
    (void)state;
    unsigned at[2][5];
    for (unsigned closed = 0; closed < 2; closed++) {
        for (unsigned looked_at = 0; looked_at < 2; looked_at++) {
            serve(8);
            open_from((uint16_t)(7210 + 2 * closed + looked_at));
            net_native_pass(1000 - (unsigned)(time_now_ns() / 1000000 % 1000)); /* the same phase */
            assert_int_equal(tcp_write(accepted, "x", 1, 0), ERR_OK);
            if (closed)
                accepted->snd_wnd = 0;
            tcp_output(accepted);
            looks = looked_at;
            assert_int_equal(sent_at(at[looked_at], 4), 4);
            looks = false;
            end();
        }
        for (unsigned i = 0; i < 4; i++)
            assert_in_range(at[1][i] + 200, at[0][i], at[0][i] + 400);
    }
}

/* What was acknowledged begins the time anew, from then, not from the last tick that was counted. */
static void test_time_from_the_acknowledgement(void **state)
{
    (void)state;
    serve(8);
    uint32_t ours = open_from(7250);
    tcp_nagle_disable(accepted);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(tcp_write(accepted, "x", 1, 0), ERR_OK);
        tcp_output(accepted);
    }
    net_native_pass(500);
    struct wire_segment s = from(7250, 1001, ours + 1, TCP_ACK);
    wire_tcp(&s);
    unsigned sent = wire_sent;
    net_native_pass(400);
    assert_int_equal(wire_sent, sent);
    net_native_pass(2000);
    assert_true(wire_sent > sent);
    end();
}

static err_t last_error;

static void on_error(void *arg, err_t error)
{
    (void)arg;
    last_error = error;
}

/* TCP_USER_TIMEOUT ends a connection whose peer acknowledges nothing, and one whose window stays closed. */
static void test_user_timeout(void **state)
{
    (void)state;
    for (unsigned closed = 0; closed < 2; closed++) {
        serve(8);
        uint32_t ours = open_from((uint16_t)(7300 + closed));
        last_error = ERR_OK;
        tcp_err(accepted, on_error);
        accepted->due.user_ms = 5000;
        assert_int_equal(tcp_write(accepted, "xy", 2, 0), ERR_OK);
        if (closed)
            accepted->snd_wnd = 0;
        tcp_output(accepted);
        for (unsigned ms = 0; ms < 4800; ms += 100) {
            net_native_pass(100);
            assert_int_equal(last_error, ERR_OK);
        }
        net_native_pass(1000);
        assert_int_equal(last_error, ERR_ABRT);
        /* What is acknowledged in time begins it anew. */
        ours = open_from((uint16_t)(7400 + closed));
        tcp_err(accepted, on_error);
        last_error = ERR_OK;
        accepted->due.user_ms = 5000;
        for (unsigned i = 0; i < 4; i++) {
            assert_int_equal(tcp_write(accepted, "x", 1, 0), ERR_OK);
            tcp_output(accepted);
            net_native_pass(4000);
            struct wire_segment s = from((uint16_t)(7400 + closed), 1001, ours + i + 1, TCP_ACK);
            wire_tcp(&s);
        }
        assert_int_equal(last_error, ERR_OK);
        end();
    }
}

/* Keepalives begin after the idle time, and end a connection whose peer is gone. */
static void test_keepalive(void **state)
{
    (void)state;
    serve(8);
    open_from(7500);
    tcp_err(accepted, on_error);
    last_error = ERR_OK;
    ip_set_option(accepted, SOF_KEEPALIVE);
    accepted->keep_idle = 100000;
    accepted->keep_intvl = 10000;
    accepted->keep_cnt = 3;
    net_due_arm(accepted);
    unsigned sent = wire_sent;
    net_native_pass(99000);
    assert_int_equal(wire_sent, sent);
    net_native_pass(2000);
    assert_int_equal(wire_sent, sent + 1);
    net_native_pass(20000);
    assert_int_equal(wire_sent, sent + 3);
    assert_int_equal(last_error, ERR_OK);
    net_native_pass(12000);
    assert_int_equal(last_error, ERR_ABRT);
    end();
}

/* More connections are due at once than have their turn: the others wait for the next one, not for a tick. */
static void test_clock_gives_way(void **state)
{
    (void)state;
    serve(64);
    for (unsigned i = 0; i < 2000; i++) {
        open_from((uint16_t)(2000 + i));
        assert_int_equal(tcp_write(accepted, "x", 1, 0), ERR_OK);
        tcp_output(accepted);
    }
    unsigned sent = wire_sent;
    for (unsigned i = 0; i < 100 && wire_sent == sent; i++)
        net_native_pass_to_timer(1);
    assert_in_range(wire_sent - sent, 1, 300);
    net_native_work(10000);
    assert_int_equal(wire_sent - sent, 2000);
    end();
}

/* The server closes first: from the client's port, then its FIN. */
static void close_from(uint16_t source, uint32_t ours)
{
    tcp_close(accepted);
    struct wire_segment s = from(source, 1001, ours + 1, TCP_ACK | TCP_FIN);
    wire_tcp(&s);
}

/* Those in TIME-WAIT end after a minute, the oldest first. */
static void test_time_wait_ends(void **state)
{
    (void)state;
    serve(8);
    close_from(3100, open_from(3100));
    net_native_pass(30000);
    uint32_t ours = open_from(3101);
    close_from(3101, ours);
    net_native_pass(29000);
    assert_int_equal(net_pcbs_time_wait(), 2);
    /* The first one's peer sends its FIN again, and so its time begins anew. */
    struct wire_segment s = from(3100, 1001, 0, TCP_ACK | TCP_FIN);
    wire_tcp(&s);
    net_native_pass(32000);
    assert_int_equal(net_pcbs_time_wait(), 1);
    net_native_pass(30000);
    assert_int_equal(net_pcbs_time_wait(), 0);
    end();
}

/* A connection that was shut down long ago, and whose peer goes on sending nothing, ends soon after it is closed. */
static void test_close_long_after_shutdown(void **state)
{
    (void)state;
    serve(8);
    uint32_t ours = open_from(7600);
    assert_int_equal(tcp_shutdown(accepted, 0, 1), ERR_OK);
    struct wire_segment s = from(7600, 1001, ours + 1, TCP_ACK);
    wire_tcp(&s);
    assert_int_equal(accepted->state, FIN_WAIT_2);
    net_native_pass(100000);
    assert_ptr_equal(tcp_active_pcbs, accepted);
    assert_int_equal(tcp_close(accepted), ERR_OK);
    net_native_pass(1000);
    assert_null(tcp_active_pcbs);
    end();
}

/* A connection that is aborted while it owes an acknowledgement: the clock does not find it again. */
static void test_abort_with_a_delayed_acknowledgement(void **state)
{
    (void)state;
    uint64_t before = net_native_memory();
    serve(8);
    struct wire_segment s = from(7700, 1001, open_from(7700), TCP_ACK | TCP_PSH);
    s.data = "x";
    s.size = 1;
    wire_tcp(&s);
    tcp_abort(accepted);
    end();
    assert_int_equal(net_native_memory(), before);
    net_native_pass(10000); /* a freed connection would be found here */
}

static unsigned came_to;

static void on_udp(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from_ip,
                   u16_t port)
{
    (void)pcb;
    (void)from_ip;
    (void)port;
    came_to = (unsigned)(uintptr_t)arg;
    pbuf_free(p);
}

static double datagrams_take(unsigned sockets)
{
    struct timespec t0, t1;
    uint8_t packet[28] = {0x45, 0, 0,  28, 0, 0, 0, 0, 64, 17, 0x66, 0xcf, 10, 0,
                          0,    1, 10, 0,  0, 2, 1, 1, 0,  0,  0,    8,    0,  0};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
    for (unsigned i = 0; i < 20000; i++) {
        unsigned port = 10000 + i * 7919 % sockets;
        packet[22] = (uint8_t)(port >> 8);
        packet[23] = (uint8_t)port;
        wire_packet(packet, sizeof packet);
        assert_int_equal(came_to, port);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t1);
    return (double)(t1.tv_sec - t0.tv_sec) + 1e-9 * (double)(t1.tv_nsec - t0.tv_nsec);
}

/* A datagram finds its socket among 10,000 in the time that it takes among 10; a SYN its listener. */
static void test_ten_thousand_ports(void **state)
{
    (void)state;
    static struct udp_pcb *all[10000];
    uint64_t before = net_native_memory();
    double few = 0;
    for (unsigned i = 0; i < 10000; i++) {
        all[i] = udp_new_ip_type(IPADDR_TYPE_V4);
        assert_int_equal(udp_bind(all[i], IP4_ADDR_ANY, (u16_t)(10000 + i)), ERR_OK);
        udp_recv(all[i], on_udp, (void *)(uintptr_t)(10000 + i));
        if (i == 9)
            few = datagrams_take(10);
    }
    assert_true(datagrams_take(10000) < 5 * few);
    for (unsigned i = 0; i < 10000; i += 2)
        udp_remove(all[i]);
    for (unsigned i = 1; i < 10000; i += 2)
        udp_remove(all[i]);
    assert_int_equal(net_native_memory(), before);
}

static double syns_take(unsigned listeners)
{
    struct timespec t0, t1;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
    for (unsigned i = 0; i < 5000; i++) {
        struct wire_segment s = from((uint16_t)(2000 + i), 1000, 0, TCP_SYN);
        s.destination = (uint16_t)(10000 + i * 7919 % listeners);
        wire_tcp(&s);
        struct wire_segment a = wire_answer();
        assert_int_equal(a.flags, TCP_SYN | TCP_ACK);
        s.sequence = 1001;
        s.flags = TCP_RST;
        wire_tcp(&s);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t1);
    return (double)(t1.tv_sec - t0.tv_sec) + 1e-9 * (double)(t1.tv_nsec - t0.tv_nsec);
}

static void test_ten_thousand_listeners(void **state)
{
    (void)state;
    static struct tcp_pcb *all[10000];
    uint64_t before = net_native_memory();
    double few = 0;
    for (unsigned i = 0; i < 10000; i++) {
        struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_V4);
        assert_int_equal(tcp_bind(pcb, IP4_ADDR_ANY, (u16_t)(10000 + i)), ERR_OK);
        all[i] = tcp_listen(pcb);
        if (i == 9)
            few = syns_take(10);
    }
    assert_true(syns_take(10000) < 5 * few);
    for (unsigned i = 0; i < 10000; i++)
        tcp_close(all[i]);
    assert_int_equal(net_native_memory(), before);
}

int main(void)
{
    net_native_start();
    wire_add();
    net_native_pass(1000);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idle_connections_take_no_time),
        cmocka_unit_test(test_retransmissions_wait_longer_and_longer),
        cmocka_unit_test(test_looks_are_not_ticks),
        cmocka_unit_test(test_time_from_the_acknowledgement),
        cmocka_unit_test(test_user_timeout),
        cmocka_unit_test(test_keepalive),
        cmocka_unit_test(test_clock_gives_way),
        cmocka_unit_test(test_time_wait_ends),
        cmocka_unit_test(test_close_long_after_shutdown),
        cmocka_unit_test(test_abort_with_a_delayed_acknowledgement),
        cmocka_unit_test(test_ten_thousand_ports),
        cmocka_unit_test(test_ten_thousand_listeners),
    };
    return RUN_TESTS(tests);
}
