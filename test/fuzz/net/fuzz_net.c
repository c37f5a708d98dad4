/* SPDX-License-Identifier: MIT */
/*
 * Frames from a hostile network into the whole receive path: card, Ethernet, ARP, IPv4, IPv6, ICMP, ND, DHCP, UDP and TCP,
 * with a listener, a connection that is open, a UDP and a raw socket. The input is a list of steps, each of them
 *
 *     kind, size, bytes
 *
 * The bytes are a frame, which is made credible as far as `kind` says: addresses, lengths, sums and sequence numbers. Other
 * steps let time pass or act as a program does. After each input all is closed, and no memory may be left in use.
 */
#include "native.h"
#include "net_card.h"
#include "net_native.h"

#include "kern/time.h"
#include "net/stack/card.h"
#include "net/stack/stack.h"

#include <lwip/dhcp.h>
#include <lwip/etharp.h>
#include <lwip/nd6.h>
#include <lwip/prot/tcp.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/raw.h>
#include <lwip/udp.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    SERVER = 80,
    CLIENT = 40000,
    REMOTE = 7,
    FRAME = 1514
};

static const uint8_t own[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56},
                     other[6] = {0x52, 0x55, 10, 0, 2, 2};
static const uint8_t own_ip[4] = {10, 0, 2, 15}, other_ip[4] = {10, 0, 2, 2};

static struct tcp_pcb *listener, *connection, *accepted;
static struct pbuf *kept;

static void drop_kept(void)
{
    if (kept != NULL)
        pbuf_free(kept);
    kept = NULL;
}

static err_t on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    (void)arg;
    (void)pcb;
    (void)err;
    if (p == NULL)
        return ERR_OK;
    if (kept != NULL && p->tot_len % 3 == 0)
        return ERR_MEM; /* it comes again */
    drop_kept();
    kept = p;
    return ERR_OK;
}

static void on_error(void *arg, err_t err)
{
    (void)err;
    *(struct tcp_pcb **)arg = NULL;
}

static void attend(struct tcp_pcb **where, struct tcp_pcb *pcb)
{
    *where = pcb;
    tcp_arg(pcb, where);
    tcp_recv(pcb, on_recv);
    tcp_err(pcb, on_error);
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)arg;
    (void)err;
    if (pcb == NULL)
        return ERR_MEM;
    if (accepted != NULL) {
        tcp_abort(pcb);
        return ERR_ABRT;
    }
    attend(&accepted, pcb);
    return ERR_OK;
}

static void on_datagram(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
                        u16_t port)
{
    (void)arg;
    udp_sendto(pcb, p, from, port);
    pbuf_free(p);
}

static u8_t on_raw(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *from)
{
    (void)arg;
    (void)pcb;
    (void)from;
    if (p->tot_len % 2 == 0)
        return 0;
    pbuf_free(p);
    return 1;
}

static void put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void add32(uint8_t *at, uint32_t value)
{
    value += (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    put16(at, value >> 16);
    put16(at + 2, value & 0xffff);
}

static uint32_t sum_up(const uint8_t *bytes, size_t size, uint32_t sum)
{
    for (size_t i = 0; i < size; i++)
        sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

/* Ports, and sequence numbers that are meant relative to what the connection expects. */
static void fix_tcp(uint8_t *tcp, size_t size, uint8_t kind)
{
    const struct tcp_pcb *pcb = kind & 16 ? connection : accepted;
    if (size < 20)
        return;
    put16(tcp, kind & 16 ? REMOTE : 1024 + tcp[1] % 4);
    put16(tcp + 2, kind & 16 ? CLIENT : SERVER);
    if (pcb == NULL)
        return;
    add32(tcp + 4, pcb->rcv_nxt);
    add32(tcp + 8, pcb->lastack);
}

static void fix_ip4(uint8_t *ip, size_t size, uint8_t kind)
{
    size_t header = (size_t)(ip[0] & 15) * 4;
    if (kind & 8) {
        ip[0] = 0x45;
        header = 20;
        put16(ip + 6, 0);
    }
    if (header < 20 || header > size)
        return;
    put16(ip + 2, (unsigned)size);
    memcpy(ip + 12, other_ip, 4);
    if (kind & 32)
        memcpy(ip + 16, own_ip, 4);
    uint8_t *data = ip + header;
    size_t left = size - header;
    static const uint8_t sum_at[256] = {[1] = 2, [2] = 2, [6] = 16, [17] = 6};
    if (ip[9] == 6)
        fix_tcp(data, left, kind);
    put16(ip + 10, 0);
    put16(ip + 10, ~sum_up(ip, header, 0) & 0xffff);
    size_t at = sum_at[ip[9]];
    if (at == 0 || left < at + 2)
        return;
    put16(data + at, 0);
    uint32_t pseudo = ip[9] == 6 || ip[9] == 17 ? sum_up(ip + 12, 8, ip[9] + (uint32_t)left) : 0;
    put16(data + at, ~sum_up(data, left, pseudo) & 0xffff);
}

static void fix_ip6(uint8_t *ip, size_t size, uint8_t kind)
{
    if (size < 40)
        return;
    ip[0] = 0x60;
    put16(ip + 4, (unsigned)(size - 40));
    if (kind & 32) {
        memset(ip + 8, 0, 32);
        ip[8] = ip[24] = 0xfe;
        ip[9] = ip[25] = 0x80;
        ip[23] = 2;
        memcpy(ip + 32, netif_ip6_addr(net_card_netif(), 0)->addr + 2, 8);
    }
    uint8_t *data = ip + 40;
    size_t left = size - 40, at = ip[6] == 6 ? 16 : ip[6] == 17 ? 6 : ip[6] == 58 ? 2 : 0;
    if (ip[6] == 6)
        fix_tcp(data, left, kind);
    if (at == 0 || left < at + 2)
        return;
    put16(data + at, 0);
    put16(data + at, ~sum_up(data, left, sum_up(ip + 8, 32, ip[6] + (uint32_t)left)) & 0xffff);
}

static void send_frame(const uint8_t *bytes, size_t size, uint8_t kind)
{
    uint8_t frame[FRAME] = {0};
    memcpy(frame, bytes, size);
    if (kind & 4 && size >= 14) {
        memcpy(frame, own, 6);
        memcpy(frame + 6, other, 6);
        if (kind & 2) {
            put16(frame + 12, kind & 1 ? 0x86dd : 0x0800);
            if (kind & 1)
                fix_ip6(frame + 14, size - 14, kind);
            else if (size >= 34)
                fix_ip4(frame + 14, size - 14, kind);
        }
    }
    net_card_frame(frame, (unsigned)size, kind & 64 ? 64 : 1900);
    net_native_work(100);
}

static void act(const uint8_t *bytes, size_t size)
{
    struct tcp_pcb **which = size > 1 && bytes[1] % 2 ? &connection : &accepted, *pcb = *which;
    switch (size > 0 ? bytes[0] % 8 : 0) {
    case 0:
        net_native_pass(size > 1 ? bytes[1] * 40U : 1);
        break;
    case 1:
        if (pcb != NULL && tcp_write(pcb, bytes, (u16_t)size, TCP_WRITE_FLAG_COPY) == ERR_OK)
            tcp_output(pcb);
        break;
    case 2:
        if (pcb != NULL && kept != NULL)
            tcp_recved(pcb, kept->tot_len);
        drop_kept();
        break;
    case 3:
        if (pcb != NULL)
            tcp_shutdown(pcb, 0, 1);
        break;
    case 4:
        if (pcb != NULL) {
            tcp_arg(pcb, NULL);
            tcp_err(pcb, NULL);
            tcp_recv(pcb, NULL);
            tcp_close(pcb);
        }
        *which = NULL;
        break;
    case 5:
        if (pcb != NULL)
            tcp_abort(pcb);
        break;
    case 6:
        if (netif_dhcp_data(net_card_netif()) == NULL)
            dhcp_start(net_card_netif());
        break;
    default:
        net_card_room = size > 1 ? bytes[1] : UINT32_MAX;
        net_card_interrupt();
        break;
    }
    net_kick();
    net_native_work(100);
}

static void open_all(void)
{
    ip_addr_t to = IPADDR4_INIT_BYTES(10, 0, 2, 2);
    struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_ANY);
    tcp_bind(pcb, IP_ANY_TYPE, SERVER);
    listener = tcp_listen_with_backlog(pcb, 2);
    tcp_accept(listener, on_accept);
    attend(&connection, tcp_new_ip_type(IPADDR_TYPE_V4));
    tcp_bind(connection, IP4_ADDR_ANY, CLIENT);
    tcp_connect(connection, &to, REMOTE, NULL);
    net_kick();
    net_native_work(100);
}

static struct udp_pcb *udp;
static struct raw_pcb *raw;
static uint64_t memory_before;

static void close_all(void)
{
    struct netif *netif = net_card_netif();
    net_card_room = UINT32_MAX;
    tcp_close(listener);
    while (tcp_active_pcbs != NULL)
        tcp_abort(tcp_active_pcbs);
    while (tcp_tw_pcbs != NULL)
        tcp_abort(tcp_tw_pcbs);
    while (tcp_bound_pcbs != NULL)
        tcp_abort(tcp_bound_pcbs);
    accepted = connection = NULL;
    drop_kept();
    if (netif_dhcp_data(netif) != NULL) {
        dhcp_release_and_stop(netif);
        dhcp_cleanup(netif);
    }
    ip4_addr_t address, mask, gateway;
    IP4_ADDR(&address, 10, 0, 2, 15);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    IP4_ADDR(&gateway, 10, 0, 2, 2);
    netif_set_addr(netif, &address, &mask, &gateway);
    net_card_interrupt();
    net_native_pass(70000); /* no fragment waits so long */
    etharp_cleanup_netif(netif);
    nd6_cleanup_netif(netif);
    net_native_work(1000);
}

static void start(void)
{
    net_native_card = &net_card;
    struct net_options options = {
        .way = NET_STATIC, .address = {10, 0, 2, 15}, .gateway = {10, 0, 2, 2}, .prefix = 24};
    net_configure(&options);
    net_native_start();
    net_native_pass(10000);
    udp = udp_new_ip_type(IPADDR_TYPE_ANY);
    udp_bind(udp, IP_ANY_TYPE, 53);
    udp_recv(udp, on_datagram, NULL);
    raw = raw_new_ip_type(IPADDR_TYPE_ANY, 1);
    raw_recv(raw, on_raw, NULL);
    open_all();
    close_all();
    memory_before = net_native_memory();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;
    if (!started)
        start();
    started = true;
    open_all();
    while (size >= 3) {
        uint8_t kind = data[0];
        size_t length = (size_t)data[1] << 8 | data[2];
        data += 3;
        size -= 3;
        if (length > size)
            length = size;
        if (length > FRAME)
            length = FRAME;
        if (kind & 128)
            act(data, length);
        else
            send_frame(data, length, kind);
        data += length;
        size -= length;
    }
    close_all();
    if (net_native_memory() != memory_before || net_buffers_used() != 0)
        abort();
    return 0;
}
