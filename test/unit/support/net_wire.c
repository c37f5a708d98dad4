/* SPDX-License-Identifier: MIT */
#include "net_wire.h"

#include "net_native.h"
#include "net/stack/stack.h"
#include "unit.h"

#include <arpa/inet.h>
#include <lwip/inet_chksum.h>
#include <lwip/ip.h>
#include <string.h>

struct netif wire;
uint8_t wire_last[2048];
unsigned wire_last_size, wire_sent;
uint8_t wire_hops = 64;

static err_t wire_output(struct pbuf *p)
{
    wire_last_size = pbuf_copy_partial(p, wire_last, sizeof wire_last, 0);
    wire_sent++;
    return ERR_OK;
}

static err_t wire_output4(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
    (void)netif;
    (void)to;
    return wire_output(p);
}

static err_t wire_output6(struct netif *netif, struct pbuf *p, const ip6_addr_t *to)
{
    (void)netif;
    (void)to;
    return wire_output(p);
}

static err_t wire_init(struct netif *netif)
{
    netif->output = wire_output4;
    netif->output_ip6 = wire_output6;
    netif->mtu = 1500;
    return ERR_OK;
}

void wire_add(void)
{
    ip4_addr_t address, mask, gateway;
    IP4_ADDR(&address, 10, 0, 0, 2);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    IP4_ADDR(&gateway, 10, 0, 0, 1);
    netif_add(&wire, &address, &mask, &gateway, NULL, wire_init, ip_input);
    ip6_addr_t link_local;
    IP6_ADDR(&link_local, PP_HTONL(0xfe800000), 0, 0, PP_HTONL(2));
    ip6_addr_assign_zone(&link_local, IP6_UNICAST, &wire);
    netif_ip6_addr_set(&wire, 0, &link_local);
    netif_ip6_addr_set_state(&wire, 0, IP6_ADDR_PREFERRED);
    netif_set_default(&wire);
    netif_set_link_up(&wire);
    netif_set_up(&wire);
}

void wire_packet(const void *packet, unsigned size)
{
    struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)size, PBUF_RAM);
    assert_non_null(p);
    pbuf_take(p, packet, (u16_t)size);
    if (wire.input(p, &wire) != ERR_OK)
        pbuf_free(p);
    net_kick();
}

static void put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value & 0xffff);
}

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint16_t sum(const uint8_t *bytes, unsigned size, uint32_t start)
{
    for (unsigned i = 0; i < size; i += 2)
        start += (uint32_t)bytes[i] << 8 | (i + 1 < size ? bytes[i + 1] : 0);
    while (start > 0xffff)
        start = (start & 0xffff) + (start >> 16);
    return (uint16_t)~start;
}

void wire_tcp(const struct wire_segment *s)
{
    uint8_t packet[2048] = {0x45};
    unsigned header = 20 + s->options_size, size = 20 + header + s->size;
    assert_true(size <= sizeof packet && header % 4 == 0);
    put16(packet + 2, size);
    packet[8] = 64;
    packet[9] = 6;
    put32(packet + 12, s->from != 0 ? s->from : 0x0a000001);
    put32(packet + 16, 0x0a000002);
    put16(packet + 10, sum(packet, 20, 0));
    uint8_t *tcp = packet + 20;
    put16(tcp, s->source);
    put16(tcp + 2, s->destination);
    put32(tcp + 4, s->sequence);
    put32(tcp + 8, s->acknowledges);
    tcp[12] = (uint8_t)(header / 4 << 4);
    tcp[13] = s->flags;
    put16(tcp + 14, s->window != 0 ? s->window : 65535);
    if (s->options_size > 0)
        memcpy(tcp + 20, s->options, s->options_size);
    if (s->size > 0)
        memcpy(tcp + header, s->data, s->size);
    uint32_t pseudo = 6 + header + s->size;
    for (unsigned i = 12; i < 20; i += 2)
        pseudo += (uint32_t)packet[i] << 8 | packet[i + 1];
    put16(tcp + 16, sum(tcp, header + s->size, pseudo));
    wire_packet(packet, size);
}

struct wire_segment wire_answer(void)
{
    const uint8_t *tcp = wire_last + 20;
    struct wire_segment s = {0};
    if (wire_last_size < 40 || wire_last[0] != 0x45 || wire_last[9] != 6)
        return s;
    s.source = (uint16_t)(tcp[0] << 8 | tcp[1]);
    s.destination = (uint16_t)(tcp[2] << 8 | tcp[3]);
    s.sequence = get32(tcp + 4);
    s.acknowledges = get32(tcp + 8);
    s.flags = tcp[13];
    s.window = (uint16_t)(tcp[14] << 8 | tcp[15]);
    s.options_size = (unsigned)(tcp[12] >> 4) * 4 - 20;
    s.options = tcp + 20;
    s.size = wire_last_size - 40 - s.options_size;
    s.data = tcp + 20 + s.options_size;
    return s;
}

void wire_fragment(unsigned offset, bool more, uint32_t id, const void *data, unsigned size)
{
    uint8_t packet[2048] = {0x60};
    put16(packet + 4, 8 + size);
    packet[6] = 44;
    packet[7] = wire_hops;
    packet[8] = packet[24] = 0xfe;
    packet[9] = packet[25] = 0x80;
    packet[23] = 1;
    packet[39] = 2;
    packet[40] = WIRE_PROTOCOL;
    put16(packet + 42, offset | more);
    put32(packet + 44, id);
    memcpy(packet + 48, data, size);
    wire_packet(packet, 48 + size);
}
