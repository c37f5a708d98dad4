/* SPDX-License-Identifier: MIT */
/* The stack with its loopback interface: a connection with itself, by IPv4 and IPv6, and what it costs when idle. */
#include "native.h"
#include "net_native.h"
#include "unit.h"

#include "net/stack/stack.h"

#include <lwip/tcp.h>
#include <lwip/udp.h>
#include <string.h>

struct peer {
    struct tcp_pcb *pcb;
    char data[64];
    unsigned used;
    bool connected, closed;
    err_t error;
};

static struct peer client, server;

static err_t on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct peer *peer = arg;
    (void)err;
    if (p == NULL) {
        peer->closed = true;
        return ERR_OK;
    }
    peer->used +=
        pbuf_copy_partial(p, peer->data + peer->used, (u16_t)(sizeof peer->data - peer->used), 0);
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    return ERR_OK;
}

static void on_error(void *arg, err_t err)
{
    struct peer *peer = arg;
    peer->pcb = NULL;
    peer->error = err;
}

static void attend(struct peer *peer, struct tcp_pcb *pcb)
{
    peer->pcb = pcb;
    tcp_arg(pcb, peer);
    tcp_recv(pcb, on_recv);
    tcp_err(pcb, on_error);
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)arg;
    (void)err;
    attend(&server, pcb);
    return ERR_OK;
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)pcb;
    (void)err;
    ((struct peer *)arg)->connected = true;
    return ERR_OK;
}

static void talk(const ip_addr_t *at)
{
    client = server = (struct peer){0};
    struct tcp_pcb *listener = tcp_new_ip_type(IP_GET_TYPE(at));
    assert_int_equal(tcp_bind(listener, at, 80), ERR_OK);
    listener = tcp_listen_with_backlog(listener, 8);
    tcp_accept(listener, on_accept);
    attend(&client, tcp_new_ip_type(IP_GET_TYPE(at)));
    assert_int_equal(tcp_connect(client.pcb, at, 80, on_connected), ERR_OK);
    net_kick();
    assert_true(net_native_work(10));
    assert_true(client.connected);
    assert_non_null(server.pcb);

    assert_int_equal(tcp_write(client.pcb, "ping", 4, TCP_WRITE_FLAG_COPY), ERR_OK);
    assert_int_equal(tcp_output(client.pcb), ERR_OK);
    net_kick();
    assert_true(net_native_work(10));
    assert_int_equal(server.used, 4);
    assert_memory_equal(server.data, "ping", 4);

    tcp_close(client.pcb);
    net_kick();
    net_native_work(10);
    assert_true(server.closed);
    tcp_close(server.pcb);
    tcp_close(listener);
    net_kick();
    assert_true(net_native_work(10));
}

static void test_a_connection_with_itself(void **state)
{
    (void)state;
    ip_addr_t at = IPADDR4_INIT_BYTES(127, 0, 0, 1);
    uint64_t before = net_native_memory();
    talk(&at);
    net_native_pass(200000);
    assert_int_equal(net_native_memory(), before);
}

static void test_a_connection_with_itself_by_ipv6(void **state)
{
    (void)state;
    ip_addr_t at = IPADDR6_INIT_HOST(0, 0, 0, 1);
    uint64_t before = net_native_memory();
    talk(&at);
    net_native_pass(200000);
    assert_int_equal(net_native_memory(), before);
}

/* Nothing is open: no timer. */
static void test_idle_means_no_timer(void **state)
{
    (void)state;
    net_native_pass(200000);
    assert_true(net_native_timer() == UINT64_MAX);
}

static unsigned datagrams;

static void on_datagram(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
                        u16_t port)
{
    datagrams++;
    if (arg != NULL) /* what comes is sent again, to oneself, for ever */
        udp_sendto(pcb, p, from, port);
    pbuf_free(p);
}

/* A program whose every packet causes another does not keep the CPU: the work comes to its end. */
static void test_loopback_gives_way(void **state)
{
    (void)state;
    ip_addr_t at = IPADDR4_INIT_BYTES(127, 0, 0, 1);
    struct udp_pcb *pcb = udp_new();
    assert_int_equal(udp_bind(pcb, &at, 53), ERR_OK);
    udp_recv(pcb, on_datagram, pcb);
    struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, 10, PBUF_RAM);
    memset(p->payload, 0, 10);
    datagrams = 0;
    udp_sendto(pcb, p, &at, 53);
    pbuf_free(p);
    net_kick();
    assert_false(net_native_work(10));
    assert_int_equal(datagrams, 640);
    udp_recv(pcb, on_datagram, NULL);
    assert_true(net_native_work(2));
    udp_remove(pcb);
}

/* All of 127.0.0.0/8 is this machine. */
static void test_the_whole_network_is_loopback(void **state)
{
    (void)state;
    ip_addr_t at = IPADDR4_INIT_BYTES(127, 45, 6, 7);
    struct udp_pcb *pcb = udp_new();
    assert_int_equal(udp_bind(pcb, IP4_ADDR_ANY, 54), ERR_OK);
    udp_recv(pcb, on_datagram, NULL);
    struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, 10, PBUF_RAM);
    datagrams = 0;
    assert_int_equal(udp_sendto(pcb, p, &at, 54), ERR_OK);
    pbuf_free(p);
    net_kick();
    assert_true(net_native_work(2));
    assert_int_equal(datagrams, 1);
    udp_remove(pcb);
}

int main(void)
{
    net_native_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_connection_with_itself),
        cmocka_unit_test(test_a_connection_with_itself_by_ipv6),
        cmocka_unit_test(test_idle_means_no_timer),
        cmocka_unit_test(test_loopback_gives_way),
        cmocka_unit_test(test_the_whole_network_is_loopback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
