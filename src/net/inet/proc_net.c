/* SPDX-License-Identifier: MIT */
/* /proc/net (proc(5)) and /sys/class/net. Reading about interfaces starts the network, as a socket does. */
#include "net/inet/proc_net.h"

#include "base/compiler.h"
#include "fs/proc/procfs.h"
#include "kern/net_buffer.h"
#include "kern/netdev.h"
#include "net/inet/interface.h"
#include "net/inet/datagram.h"
#include "net/inet/tcp.h"
#include "net/stack/memory.h"
#include "net/stack/name_servers.h"
#include "net/stack/stack.h"

#include <lwip/etharp.h>
#include <lwip/netif.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/raw.h>

#define TCP_LINE          149u
#define LINE              127u

#define STATE_ESTABLISHED 1u
#define STATE_TIME_WAIT   6u
#define STATE_CLOSE       7u

static const struct netdev_counters no_counters;

static const struct netdev_counters *counters_of(const struct netif *netif, bool out)
    REQUIRES(net_lock)
{
    const struct netdev *netdev = netif_is_loopback(netif) ? NULL : netdev_first();
    return !netdev ? &no_counters : out ? &netdev->out : &netdev->in;
}

/* Calls `show` for each interface, by index. */
static void each_netif(struct text *text,
                       void (*show)(struct text *text, const struct netif *netif))
{
    if (net_start() != E_OK)
        return;
    net_lock_take();
    for (unsigned index = 1; index <= UINT8_MAX; index++) {
        const struct netif *netif = netif_get_by_index((u8_t)index);
        if (netif)
            show(text, netif);
    }
    net_lock_drop();
}

static void show_device(struct text *text, const struct netif *netif) NO_LOCK_ANALYSIS
{
    char name[INTERFACE_NAME];
    const struct netdev_counters *in = counters_of(netif, false), *out = counters_of(netif, true);
    interface_name(netif_index(netif), name);
    text_printf(text,
                "%6s: %7lu %7lu %4lu %4lu %4u %5u %10u %9u %8lu %7lu %4lu %4lu %4u %5u %7u %10u\n",
                name, in->bytes, in->packets, in->errors, in->dropped, 0u, 0u, 0u, 0u, out->bytes,
                out->packets, out->errors, out->dropped, 0u, 0u, 0u, 0u);
}

static void show_devices(struct text *text, void *context)
{
    (void)context;
    text_printf(
        text, "Inter-|   Receive                                                |  Transmit\n"
              " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets "
              "errs drop fifo colls carrier compressed\n");
    each_netif(text, show_device);
}

static void show_route_line(struct text *text, const char *name, const uint32_t values[4])
{
    size_t start = text->length;
    text_printf(text, "%s\t%08X\t%08X\t%04X\t0\t0\t0\t%08X\t0\t0\t0", name, values[0], values[1],
                values[2], values[3]);
    text_pad(text, start, LINE);
    text_append(text, "\n", 1);
}

static void show_route(struct text *text, const struct netif *netif) NO_LOCK_ANALYSIS
{
    uint32_t ip = ip4_addr_get_u32(netif_ip4_addr(netif)),
             mask = ip4_addr_get_u32(netif_ip4_netmask(netif)),
             gateway = ip4_addr_get_u32(netif_ip4_gw(netif));
    char name[INTERFACE_NAME];
    if (netif_is_loopback(netif) || ip == 0)
        return;
    interface_name(netif_index(netif), name);
    if (gateway != 0)
        show_route_line(text, name, (uint32_t[]){0, gateway, 3, 0});
    show_route_line(text, name, (uint32_t[]){ip & mask, 0, 1, mask});
}

static void show_routes(struct text *text, void *context)
{
    size_t start = text->length;
    (void)context;
    text_printf(text, "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\t"
                      "Window\tIRTT");
    text_pad(text, start, LINE);
    text_append(text, "\n", 1);
    each_netif(text, show_route);
}

static void show_address6(struct text *text, const struct netif *netif) NO_LOCK_ANALYSIS
{
    char name[INTERFACE_NAME];
    interface_name(netif_index(netif), name);
    for (unsigned i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
        const ip6_addr_t *ip6 = netif_ip6_addr(netif, i);
        bool loopback = ip6_addr_isloopback(ip6);
        if (!ip6_addr_isvalid(netif_ip6_addr_state(netif, i)))
            continue;
        for (unsigned word = 0; word < 4; word++)
            text_printf(text, "%08x", lwip_ntohl(ip6->addr[word]));
        text_printf(text, " %02x %02x %02x 80 %8s\n", netif_index(netif), loopback ? 128u : 64u,
                    loopback                    ? 0x10u
                    : ip6_addr_islinklocal(ip6) ? 0x20u
                                                : 0u,
                    name);
    }
}

static void show_addresses6(struct text *text, void *context)
{
    (void)context;
    each_netif(text, show_address6);
}

static void show_neighbours(struct text *text, void *context)
{
    (void)context;
    text_printf(text, "IP address       HW type     Flags       HW address            Mask     "
                      "Device\n");
    net_lock_take();
    for (size_t i = 0; i < ARP_TABLE_SIZE; i++) {
        ip4_addr_t *ip;
        struct netif *netif;
        struct eth_addr *mac;
        char name[INTERFACE_NAME];
        if (!etharp_get_entry(i, &ip, &netif, &mac))
            continue;
        uint32_t a = lwip_ntohl(ip4_addr_get_u32(ip));
        size_t start = text->length;
        interface_name(netif_index(netif), name);
        text_printf(text, "%u.%u.%u.%u", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
        text_pad(text, start, 17);
        text_printf(text, "0x1         0x2         %02x:%02x:%02x:%02x:%02x:%02x     *        %s\n",
                    mac->addr[0], mac->addr[1], mac->addr[2], mac->addr[3], mac->addr[4],
                    mac->addr[5], name);
    }
    net_lock_drop();
}

/* Sockets */

struct socket_listing {
    struct text *text;
    bool v6, raw;
    uint32_t number;
};

static void show_place(struct text *text, const struct inet_place *place, bool v6)
{
    const uint32_t *words = ip_2_ip6(&place->ip)->addr;
    bool mapped = v6 && IP_IS_V4_VAL(place->ip);
    if (!v6)
        text_printf(text, " %08X:%04X", words[0], place->port);
    else if (mapped)
        text_printf(text, " 0000000000000000FFFF0000%08X:%04X", words[0], place->port);
    else
        text_printf(text, " %08X%08X%08X%08X:%04X", words[0], words[1], words[2], words[3],
                    place->port);
}

static void show_tcp_socket(struct inet_socket *inet, void *context)
{
    struct socket_listing *listing = context;
    struct tcp_socket *t = tcp_of(&inet->socket);
    struct text *text = listing->text;
    size_t start = text->length;
    uint32_t sent = 0, state = tcp_state_number(t);
    if (inet_is_v6(inet) != listing->v6 || state == STATE_CLOSE)
        return;
    if (t->condition == TCP_LISTENS)
        sent = 0;
    else if (tcp_queued(&inet->socket, true, &sent) != E_OK)
        return;
    uint32_t queued = t->condition == TCP_LISTENS ? t->waiting_count : t->queued;
    text_printf(text, "%4u:", listing->number++);
    show_place(text, &inet->local, listing->v6);
    show_place(text, &inet->remote, listing->v6);
    text_printf(
        text, " %02X %08X:%08X 00:00000000 00000000 %5u %8u %lu 1 0000000000000000 100 0 0 10 0",
        state, sent, queued, inet->uid, 0u, inet->socket.file ? inet->socket.file->inode->ino : 0);
    text_pad(text, start, TCP_LINE);
    text_append(text, "\n", 1);
}

static void show_time_waits(struct socket_listing *listing)
{
    struct text *text = listing->text;
    net_lock_take();
    for (const struct tcp_pcb *pcb = tcp_tw_pcbs; pcb; pcb = pcb->next) {
        size_t start = text->length;
        struct inet_place local = {pcb->local_ip, pcb->local_port},
                          remote = {pcb->remote_ip, pcb->remote_port};
        if (IP_IS_V6_VAL(pcb->local_ip) != listing->v6)
            continue;
        text_printf(text, "%4u:", listing->number++);
        show_place(text, &local, listing->v6);
        show_place(text, &remote, listing->v6);
        text_printf(
            text,
            " %02X 00000000:00000000 03:00000000 00000000     0        0 0 3 0000000000000000",
            STATE_TIME_WAIT);
        text_pad(text, start, TCP_LINE);
        text_append(text, "\n", 1);
    }
    net_lock_drop();
}

static void show_tcp(struct text *text, void *context)
{
    struct socket_listing listing = {text, context != NULL, false, 0};
    size_t start = text->length;
    text_printf(text, listing.v6 ? "  sl  local_address                         remote_address"
                                   "                        st tx_queue rx_queue tr tm->when "
                                   "retrnsmt   uid  timeout inode"
                                 : "  sl  local_address rem_address   st tx_queue rx_queue tr "
                                   "tm->when retrnsmt   uid  timeout inode");
    if (!listing.v6)
        text_pad(text, start, TCP_LINE);
    text_append(text, "\n", 1);
    inet_ports_visit(true, show_tcp_socket, &listing);
    show_time_waits(&listing);
}

static void show_udp_socket(struct inet_socket *inet, void *context)
{
    struct socket_listing *listing = context;
    const struct datagram_socket *d = datagram_of(&inet->socket);
    struct text *text = listing->text;
    size_t start = text->length;
    struct inet_place local = inet->local;
    if (inet_is_v6(inet) != listing->v6)
        return;
    if (listing->raw) /* the protocol is the port, and the number */
        listing->number = local.port = inet->socket.protocol;
    text_printf(text, listing->raw && !listing->v6 ? "%4u:" : "%5u:", listing->number++);
    show_place(text, &local, listing->v6);
    show_place(text, &inet->remote, listing->v6);
    text_printf(text, " %02X %08X:%08X 00:00000000 00000000 %5u %8u %lu 2 0000000000000000 %u",
                d->connected ? STATE_ESTABLISHED : STATE_CLOSE, 0u, d->used, inet->uid, 0u,
                inet->socket.file ? inet->socket.file->inode->ino : 0, d->drops);
    if (!listing->v6 && !listing->raw)
        text_pad(text, start, LINE);
    text_append(text, "\n", 1);
}

static void show_datagram_head(struct text *text, bool v6, bool raw)
{
    static const char head[] =
        "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when "
        "retrnsmt   uid  timeout inode ref pointer drops";
    size_t start = text->length;
    text_printf(text, "%s",
                v6 ? "  sl  local_address                         remote_address"
                     "                        st tx_queue rx_queue tr tm->when retrnsmt   "
                     "uid  timeout inode ref pointer drops"
                   : head + raw);
    if (!v6 && !raw)
        text_pad(text, start, LINE);
    text_append(text, "\n", 1);
}

static void show_udp(struct text *text, void *context)
{
    struct socket_listing listing = {text, context != NULL, false, 0};
    show_datagram_head(text, listing.v6, false);
    inet_ports_visit(false, show_udp_socket, &listing);
}

static void show_raw(struct text *text, void *context)
{
    struct socket_listing listing = {text, context != NULL, true, 0};
    show_datagram_head(text, listing.v6, true);
    net_lock_take();
    for (const struct raw_pcb *pcb = raw_pcbs; pcb; pcb = pcb->next)
        if (pcb->recv == raw_came)
            show_udp_socket(pcb->recv_arg, &listing);
    net_lock_drop();
}

struct socket_counts {
    uint32_t used, orphans, waits;
};

static void count_socket(struct inet_socket *inet, void *context)
{
    struct socket_counts *counts = context;
    (void)inet;
    counts->used++;
}

static void show_statistics(struct text *text, void *context)
{
    struct socket_counts tcp = {0}, udp = {0};
    (void)context;
    inet_ports_visit(true, count_socket, &tcp);
    inet_ports_visit(false, count_socket, &udp);
    net_lock_take();
    for (const struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
        tcp.orphans += !pcb->callback_arg;
    for (const struct tcp_pcb *pcb = tcp_tw_pcbs; pcb; pcb = pcb->next)
        tcp.waits++;
    /* All of the stack's memory, and the card's buffers. */
    uint64_t bytes = net_memory_used() + (uint64_t)net_buffers_used() * NET_BUFFER_SIZE;
    uint64_t pages = (bytes + PAGE_SIZE - 1) / PAGE_SIZE;
    net_lock_drop();
    text_printf(
        text,
        "sockets: used %u\nTCP: inuse %u orphan %u tw %u alloc %u mem %lu\nUDP: inuse %u mem "
        "0\nUDPLITE: inuse 0\nRAW: inuse 0\nFRAG: inuse 0 memory 0\n",
        tcp.used + udp.used, tcp.used, tcp.orphans, tcp.waits, tcp.used, pages, udp.used);
}

/* The name servers, as Linux's file of this name has them: /etc/resolv.conf is a link to it. Reading it waits for them. */
static void show_name_servers(struct text *text, void *context)
{
    char server[NET_SERVER_TEXT];
    (void)context;
    if (net_start() != E_OK || net_await_address(true) != E_OK)
        return;
    net_lock_take();
    for (unsigned i = 0; net_name_server(i, server) > 0; i++)
        text_printf(text, "nameserver %s\n", server);
    net_lock_drop();
}

#define V6 ((void *)1)

const struct procfs_row procfs_net_rows[] = {
    {"arp", show_neighbours, NULL, NULL, 0},
    {"dev", show_devices, NULL, NULL, 0},
    {"if_inet6", show_addresses6, NULL, NULL, 0},
    {"netstat", show_more_counts, NULL, NULL, 0},
    {"pnp", show_name_servers, NULL, NULL, 0},
    {"raw", show_raw, NULL, NULL, 0},
    {"raw6", show_raw, NULL, V6, 0},
    {"route", show_routes, NULL, NULL, 0},
    {"snmp", show_counts, NULL, NULL, 0},
    {"sockstat", show_statistics, NULL, NULL, 0},
    {"tcp", show_tcp, NULL, NULL, 0},
    {"tcp6", show_tcp, NULL, V6, 0},
    {"udp", show_udp, NULL, NULL, 0},
    {"udp6", show_udp, NULL, V6, 0},
    {"unix", unix_show, NULL, NULL, 0},
};
const size_t procfs_net_row_count = ARRAY_LENGTH(procfs_net_rows);

static void show_hardware_address(struct text *text, const struct netif *netif) REQUIRES(net_lock)
{
    const uint8_t *a = netif->hwaddr;
    if (netif_is_loopback(netif))
        text_printf(text, "00:00:00:00:00:00\n");
    else
        text_printf(text, "%02x:%02x:%02x:%02x:%02x:%02x\n", a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void show_link_property(struct text *text, const struct netif *netif,
                               enum link_property property) REQUIRES(net_lock)
{
    bool loopback = netif_is_loopback(netif), runs = netif_iff(netif) & IFF_RUNNING;
    uint32_t number = 0;
    switch (property) {
    case LINK_ADDRESS:
        show_hardware_address(text, netif);
        return;
    case LINK_FLAGS: /* without those that follow from the state of the link */
        text_printf(text, "0x%x\n", netif_iff(netif) & ~(uint32_t)(IFF_RUNNING | IFF_LOWER_UP));
        return;
    case LINK_OPERSTATE:
        text_printf(text, "%s\n", loopback ? "unknown" : runs ? "up" : "down");
        return;
    case LINK_CARRIER:
        number = runs;
        break;
    case LINK_INDEX:
        number = netif_index(netif);
        break;
    case LINK_MTU:
        number = netif_mtu(netif);
        break;
    case LINK_TYPE:
        number = loopback ? 772 : 1;
        break;
    case LINK_TX_QUEUE_LENGTH:
        number = 1000;
        break;
    }
    text_printf(text, "%u\n", number);
}

void show_link(struct text *text, void *context)
{
    uint32_t what = (uint32_t)(uintptr_t)context;
    if (net_start() != E_OK)
        return;
    net_lock_take();
    const struct netif *netif = netif_get_by_index((u8_t)(what / LINK_PROPERTIES));
    if (netif)
        show_link_property(text, netif, what % LINK_PROPERTIES);
    net_lock_drop();
}
