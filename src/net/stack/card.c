/* SPDX-License-Identifier: MIT */
#define LOG_TAG "net"
#include "net/stack/card.h"

#include "base/log.h"
#include "base/str.h"
#include "kern/net_buffer.h"
#include "net/stack/hooks.h"
#include "net/stack/name_servers.h"
#include "net/stack/tap.h"

#include <lwip/dhcp.h>
#include <lwip/etharp.h>
#include <lwip/ethip6.h>
#include <lwip/inet_chksum.h>
#include <lwip/ip6_addr.h>
#include <lwip/priv/tcp_priv.h>
#include <netif/ethernet.h>

enum { /* in a frame */
    AT_TYPE = 12,
    AT_LENGTH = 16,
    AT_FRAGMENT = 20,
    AT_PROTOCOL = 23,
    AT_IPV4_CHECKSUM = 24,
    AT_IPV4 = 26,
    AT_LENGTH6 = 18,
    AT_PROTOCOL6 = 20,
    AT_IPV6 = 22,
    AFTER_IPV6 = 54,
    TCP_AT_SEQUENCE = 4,
    TCP_AT_SIZE = 12,
    TCP_AT_FLAGS = 13,
    TCP_AT_CHECKSUM = 16,
    HEADERS_MOST = 134, /* with all options */
    RUN_MOST = 65535,
};

/* What waits for net_card_flush(): segments of a connection that follow each other, if the card cuts, which go out as one frame;
 * or, while the card is polled, the last frame, so that the card is told once of all that answers what came. */
struct card_run {
    uint8_t *frame;                                 /* the first one, in the card's buffer */
    uint32_t size, tcp, headers, segment, sequence; /* segment 0: none is added */
    uint32_t pieces;                                /* 0: there is no run */
};

static struct netif card_netif GUARDED_BY(net_lock);
static uint16_t card_checksums GUARDED_BY(net_lock); /* that lwIP makes and checks */
static struct netdev *card GUARDED_BY(net_lock);
static struct card_run run GUARDED_BY(net_lock);
static bool gathers GUARDED_BY(net_lock);   /* since net_card_poll(), until net_card_flush() */
static bool card_full GUARDED_BY(net_lock); /* a frame found no room in the ring */
static bool address_asked GUARDED_BY(net_lock);
static volatile bool card_woken; /* set in interrupts */
static void (*card_wake_stack)(void);

/* In net_buffer.owner. */
struct card_pbuf {
    struct pbuf_custom custom; /* the first member */
};
_Static_assert(sizeof(struct card_pbuf) <= NET_BUFFER_OWNER, "fits");

static void card_pbuf_free(struct pbuf *p)
{
    net_buffer_free(CONTAINER_OF((uint8_t *)p, struct net_buffer, owner));
}

static void card_wake(struct netdev *netdev)
{
    (void)netdev;
    card_woken = true;
    card_wake_stack();
}

/* The chain of buffers as a chain of pbufs, each of which frees its buffer. */
static struct pbuf *card_pbufs(struct net_buffer *buffer)
{
    struct pbuf *frame = NULL;
    while (buffer != NULL) {
        struct net_buffer *next = buffer->next;
        struct card_pbuf *own = (void *)buffer->owner;
        own->custom.custom_free_function = card_pbuf_free;
        struct pbuf *p = pbuf_alloced_custom(PBUF_RAW, buffer->size, PBUF_REF, &own->custom,
                                             buffer->data + buffer->start, buffer->size);
        if (frame == NULL)
            frame = p;
        else
            pbuf_cat(frame, p);
        buffer = next;
    }
    return frame;
}

static void card_receive(struct netdev *netdev, struct net_buffer *frame)
{
    (void)netdev;
    net_lock_assert();
    uint16_t checks = card_checksums;
    if (frame->checked)
        checks &= (uint16_t) ~(NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_UDP);
    NETIF_SET_CHECKSUM_CTRL(&card_netif, checks);
    struct pbuf *p = card_pbufs(frame);
    if (unlikely(net_is_tapped()))
        net_tap_card(&card_netif, p, false);
    if (card_netif.input(p, &card_netif) != ERR_OK)
        pbuf_free(p);
}

err_t net_segment_comes(struct tcp_pcb *pcb, const struct tcp_hdr *header, const struct pbuf *p)
{
    if (TCPH_FLAGS(header) & TCP_URG && pcb->state >= ESTABLISHED && pcb->state != TIME_WAIT)
        net_urgent_comes(pcb, header->seqno, p->tot_len, lwip_ntohs(header->urgp));
    return net_buffers_are_scarce() && p->tot_len > 0 && pcb->state != LISTEN &&
                   pcb->rcv_wnd < TCP_WND_MAX(pcb)
               ? ERR_MEM
               : ERR_OK;
}

static uint32_t get16(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 8 | bytes[1];
}

/* Where the TCP header of a whole packet begins; 0: it is none. `has`: bytes of the frame that are there. */
static size_t tcp_of_frame(const uint8_t *frame, size_t has)
{
    bool v6 = has >= AFTER_IPV6 && get16(frame + AT_TYPE) == ETHTYPE_IPV6;
    size_t tcp = v6 ? AFTER_IPV6 : SIZEOF_ETH_HDR + (frame[SIZEOF_ETH_HDR] & 15u) * 4;
    if (has < tcp + TCP_HLEN || frame[v6 ? AT_PROTOCOL6 : AT_PROTOCOL] != IP_PROTO_TCP ||
        (!v6 && (get16(frame + AT_TYPE) != ETHTYPE_IP || get16(frame + AT_FRAGMENT) & 0x3fff)))
        return 0;
    return tcp;
}

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* Puts the sum of the pseudo header where the card is to put TCP's checksum. */
static void leave_checksum(uint8_t *frame, size_t size, size_t tcp)
{
    bool v6 = get16(frame + AT_TYPE) == ETHTYPE_IPV6;
    uint32_t sum = IP_PROTO_TCP + (uint32_t)(size - tcp);
    for (size_t at = v6 ? AT_IPV6 : AT_IPV4, end = at + (v6 ? 32 : 8); at < end; at += 2)
        sum += get16(frame + at);
    sum = (sum & 0xffff) + (sum >> 16);
    sum += sum >> 16;
    put16(frame + tcp + TCP_AT_CHECKSUM, sum);
}

/* The headers of a packet that the card is to cut say how long all of it is. */
static void set_length(uint8_t *frame, size_t size)
{
    if (get16(frame + AT_TYPE) == ETHTYPE_IPV6) {
        put16(frame + AT_LENGTH6, (uint32_t)(size - AFTER_IPV6));
        return;
    }
    put16(frame + AT_LENGTH, (uint32_t)(size - SIZEOF_ETH_HDR));
    put16(frame + AT_IPV4_CHECKSUM, 0);
    uint16_t sum = inet_chksum(frame + SIZEOF_ETH_HDR, (u16_t)((frame[SIZEOF_ETH_HDR] & 15) * 4));
    memcpy(frame + AT_IPV4_CHECKSUM, &sum, sizeof(sum));
}

/* Hands the frame over that is filled already. tcp: 0, or where its header is. more: another one follows. */
static void card_hand_over(uint8_t *frame, size_t size, size_t tcp, bool more) REQUIRES(net_lock)
{
    struct netdev_send how = {.size = (uint32_t)size, .more = more};
    if (tcp != 0 && get16(frame + tcp + TCP_AT_CHECKSUM) == 0) {
        leave_checksum(frame, size, tcp);
        how.checksum_from = (uint16_t)tcp;
        how.checksum_at = TCP_AT_CHECKSUM;
    }
    if (run.pieces > 1) {
        how.segment = (uint16_t)run.segment;
        how.headers = (uint16_t)run.headers;
        how.v6 = tcp == AFTER_IPV6;
    }
    run.pieces = 0;
    card->ops->send(card, &how);
}

static void end_card_run(bool more) REQUIRES(net_lock)
{
    if (run.pieces > 1)
        set_length(run.frame, run.size);
    if (run.pieces > 0)
        card_hand_over(run.frame, run.size, run.tcp, more);
}

void net_card_flush(void)
{
    gathers = false;
    end_card_run(false);
}

/* True if the packet's headers, which are in one piece, are those of the run's next segment: as the first one's but for
 * lengths, the packet's number, checksums, the sequence number and PSH. */
static bool run_goes_on(const struct pbuf *p, uint32_t bytes) REQUIRES(net_lock)
{
    uint8_t headers[HEADERS_MOST];
    const uint8_t *old = run.frame;
    uint32_t sequence, sent = run.size - run.headers;
    size_t tcp = run.tcp;
    if (p->len < run.headers || bytes - 1 >= run.segment || sent != run.pieces * run.segment ||
        run.size + run.segment > RUN_MOST)
        return false;
    memcpy(headers, p->payload, run.headers);
    memcpy(&sequence, headers + tcp + TCP_AT_SEQUENCE, sizeof(sequence));
    if (lwip_ntohl(sequence) != run.sequence + sent ||
        (headers[tcp + TCP_AT_FLAGS] & ~TCP_PSH) != TCP_ACK)
        return false;
    memcpy(headers + AT_LENGTH, old + AT_LENGTH, AT_FRAGMENT - AT_LENGTH); /* both versions' */
    if (tcp != AFTER_IPV6)
        memcpy(headers + AT_IPV4_CHECKSUM, old + AT_IPV4_CHECKSUM, 2);
    memcpy(headers + tcp + TCP_AT_SEQUENCE, old + tcp + TCP_AT_SEQUENCE, sizeof(sequence));
    headers[tcp + TCP_AT_FLAGS] = old[tcp + TCP_AT_FLAGS];
    return memcmp(headers, old, run.headers) == 0;
}

/* True if the packet was added to the run of those before. */
static bool run_add(const struct pbuf *p) REQUIRES(net_lock)
{
    uint32_t bytes = p->tot_len - run.headers;
    uint8_t *more;
    if (run.pieces == 0 || run.pieces == NETDEV_PIECES || !run_goes_on(p, bytes) ||
        (more = card->ops->extend(card, bytes)) == NULL)
        return false;
    pbuf_copy_partial(p, more, (u16_t)bytes, (u16_t)run.headers);
    run.frame[run.tcp + TCP_AT_FLAGS] |= ((const uint8_t *)p->payload)[run.tcp + TCP_AT_FLAGS];
    run.size += bytes;
    run.pieces++;
    return true;
}

/* True if the frame may be the first of a run: it waits. */
static bool run_begin(uint8_t *frame, size_t size, size_t tcp) REQUIRES(net_lock)
{
    uint32_t wanted = tcp == AFTER_IPV6 ? NETDEV_SEGMENT6 : NETDEV_SEGMENT4, sequence;
    uint32_t headers = (uint32_t)tcp + (frame[tcp + TCP_AT_SIZE] >> 4) * 4u;
    if (tcp == 0 || !(card->features & wanted) || frame[tcp + TCP_AT_FLAGS] != TCP_ACK ||
        size <= headers || get16(frame + tcp + TCP_AT_CHECKSUM) != 0) /* a raw socket's has one */
        return false;
    memcpy(&sequence, frame + tcp + TCP_AT_SEQUENCE, sizeof(sequence));
    run = (struct card_run){.frame = frame,
                            .size = (uint32_t)size,
                            .tcp = (uint32_t)tcp,
                            .headers = headers,
                            .segment = (uint32_t)size - headers,
                            .sequence = lwip_ntohl(sequence),
                            .pieces = 1};
    return true;
}

static err_t card_send(struct netif *netif, struct pbuf *p)
{
    net_lock_assert();
    if (unlikely(net_is_tapped()))
        net_tap_card(netif, p, true);
    if (p->tot_len > NETDEV_FRAME_MAX)
        return ERR_BUF;
    if (card->failed != NULL)
        return ERR_IF;
    if (run_add(p))
        return ERR_OK;
    end_card_run(true);
    uint8_t *frame = card->ops->frame(card, p->tot_len);
    if (frame == NULL) {
        card_full = true;
        return ERR_MEM;
    }
    size_t at = 0;
    for (const struct pbuf *q = p; q != NULL; q = q->next) {
        memcpy(frame + at, q->payload, q->len);
        at += q->len;
    }
    size_t tcp = card_checksums & NETIF_CHECKSUM_GEN_TCP ? 0 : tcp_of_frame(frame, at);
    if (run_begin(frame, at, tcp))
        return ERR_OK;
    if (gathers)
        run = (struct card_run){
            .frame = frame, .size = (uint32_t)at, .tcp = (uint32_t)tcp, .pieces = 1};
    else
        card_hand_over(frame, at, tcp, false);
    return ERR_OK;
}

static err_t card_netif_init(struct netif *netif)
{
    net_lock_assert();
    netif->name[0] = 'e';
    netif->name[1] = 't';
    netif->hwaddr_len = NETDEV_ADDRESS;
    memcpy(netif->hwaddr, card->address, NETDEV_ADDRESS);
    netif->mtu = (u16_t)(card->mtu < 1500 ? card->mtu : 1500);
    netif->output = etharp_output;
    netif->output_ip6 = ethip6_output;
    netif->linkoutput = card_send;
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET |
                   NETIF_FLAG_IGMP | NETIF_FLAG_MLD6;
    return ERR_OK;
}

/* On a PC somebody may want to know it who sees only the screen. */
static void card_show_address(void)
{
    char text[IP4ADDR_STRLEN_MAX];
    log_warn("eth0 has the address %s",
             ip4addr_ntoa_r(netif_ip4_addr(&card_netif), text, sizeof text));
}

static void card_status_changed(struct netif *netif)
{
    net_lock_assert();
    if (!address_asked || ip4_addr_isany_val(*netif_ip4_addr(netif)))
        return;
    address_asked = false;
    card_show_address();
}

bool net_card_start(struct netdev *netdev, const struct net_options *options, void (*wake)(void))
{
    ip4_addr_t address, mask, gateway;
    card = netdev;
    card_wake_stack = wake;
    netdev->receive = card_receive;
    netdev->wake = card_wake;
    if (!netdev->ops->open(netdev)) {
        log_warn("the network card is not used: %s",
                 netdev->failed != NULL ? netdev->failed : "it does not start");
        card = NULL;
        return false;
    }
    card_checksums = NETIF_CHECKSUM_ENABLE_ALL;
    if (netdev->features & NETDEV_CHECKSUM_OUT)
        card_checksums &= (uint16_t)~NETIF_CHECKSUM_GEN_TCP;
    memcpy(&address, options->address, 4);
    memcpy(&gateway, options->gateway, 4);
    mask.addr = options->prefix == 0 ? 0 : lwip_htonl(UINT32_MAX << (32 - options->prefix));
    netif_add(&card_netif, &address, &mask, &gateway, NULL, card_netif_init, ethernet_input);
    NETIF_SET_CHECKSUM_CTRL(&card_netif, card_checksums);
    netif_set_hostname(&card_netif, "ouro");
    netif_set_status_callback(&card_netif, card_status_changed);
    netif_set_default(&card_netif);
    netif_create_ip6_linklocal_address(&card_netif, 1);
    struct netif *own = &card_netif; /* the macro compares it with NULL */
    netif_set_ip6_autoconfig_enabled(own, 1);
    if (netdev->link)
        netif_set_link_up(&card_netif);
    netif_set_up(&card_netif);
    if (options->way == NET_DHCP)
        address_asked = dhcp_start(&card_netif) == ERR_OK;
    card_woken = true; /* the first poll() has its interrupts turned on */
    return true;
}

struct netif *net_card_netif(void)
{
    return card != NULL ? &card_netif : NULL;
}

bool net_card_asks(void)
{
    return address_asked;
}

static void card_link_changed(void) REQUIRES(net_lock)
{
    if (card->link)
        netif_set_link_up(&card_netif);
    else
        netif_set_link_down(&card_netif);
}

bool net_card_poll(void)
{
    if (card == NULL || !card_woken)
        return false;
    gathers = true;
    card_woken = false; /* before the look: the card is quiet until listen() */
    unsigned most = (unsigned)net_poll_most;
    if (card->ops->poll(card, most) == most || !card->ops->listen(card))
        card_woken = true;
    if (card->link != !!netif_is_link_up(&card_netif))
        card_link_changed();
    if (card_full) {
        card_full = false;
        tcp_fasttmr();
    }
    return card_woken;
}
