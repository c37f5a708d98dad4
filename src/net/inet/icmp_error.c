/* SPDX-License-Identifier: MIT */
/* What ICMP says of packets that were sent: ECONNREFUSED and its like, and the queue of IP_RECVERR. */
#include "base/str.h"
#include "mm/heap/heap.h"
#include "net/inet/control.h"
#include "net/inet/datagram.h"
#include "net/inet/option.h"
#include "net/inet/tcp.h"
#include "net/stack/secret.h"

#include <lwip/priv/tcp_priv.h>
#include <lwip/prot/icmp.h>
#include <lwip/prot/icmp6.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/ip6.h>

#define ICMP_HEADER  8u
#define INNER_MOST   68u /* an IPv4 header with options, and the ports */
#define ERRORS_MOST  64u /* in the queue of a socket */
#define ORIGIN_ICMP  2
#define ORIGIN_ICMP6 3

struct icmp_report {
    enum err error;
    bool fatal; /* to a socket that has not asked for IP_RECVERR */
    uint8_t type, code, protocol;
    uint32_t info;
    struct inet_place from, to; /* of the packet that it is about */
    uint32_t sequence;          /* of TCP */
};

static enum err error_of_code(uint8_t code, bool *fatal)
{
    static const uint8_t errors[] = {E_NETUNREACH, E_HOSTUNREACH, E_NOPROTOOPT, E_CONNREFUSED,
                                     E_MSGSIZE,    E_NOTSUP,      E_NETUNREACH, E_HOSTUNREACH};
    *fatal = code == 2 || code == 3 || code == 6 || code == 7;
    return code < ARRAY_LENGTH(errors) ? errors[code] : E_HOSTUNREACH;
}

static enum err error_of_code6(uint8_t code, bool *fatal)
{
    static const uint8_t errors[] = {E_NETUNREACH, E_ACCES, E_HOSTUNREACH, E_HOSTUNREACH,
                                     E_CONNREFUSED};
    *fatal = code == 1 || code == 4;
    return code < ARRAY_LENGTH(errors) ? errors[code] : E_HOSTUNREACH;
}

/* Takes the inner packet apart; `bytes` starts with it. False: it is none of TCP or UDP. */
static bool read_inner(const uint8_t *bytes, uint32_t size, bool v6, struct icmp_report *report)
{
    uint32_t header = v6 ? IP6_HLEN : (uint32_t)(bytes[0] & 15) * 4;
    uint16_t ports[2];
    if (size < header + sizeof(ports) + sizeof(report->sequence) || (!v6 && header < IP_HLEN))
        return false;
    memcpy(ports, bytes + header, sizeof(ports));
    report->from.port = lwip_ntohs(ports[0]);
    report->to.port = lwip_ntohs(ports[1]);
    memcpy(&report->sequence, bytes + header + sizeof(ports), sizeof(report->sequence));
    report->sequence = lwip_ntohl(report->sequence);
    if (v6) {
        ip_addr_set_zero_ip6(&report->from.ip);
        ip_addr_set_zero_ip6(&report->to.ip);
        memcpy(ip_2_ip6(&report->from.ip)->addr, bytes + 8, 16);
        memcpy(ip_2_ip6(&report->to.ip)->addr, bytes + 24, 16);
        report->protocol = bytes[6];
    } else {
        uint32_t ips[2];
        memcpy(ips, bytes + 12, sizeof(ips));
        ip_addr_set_ip4_u32_val(report->from.ip, ips[0]);
        ip_addr_set_ip4_u32_val(report->to.ip, ips[1]);
        report->protocol = bytes[9];
    }
    return true;
}

/* Reads an ICMP message that reports an error. */
static bool read_report(const struct pbuf *p, uint16_t header, bool v6, struct icmp_report *report)
{
    uint8_t bytes[ICMP_HEADER + INNER_MOST];
    uint32_t size = pbuf_copy_partial(p, bytes, sizeof(bytes), header);
    if (size < ICMP_HEADER + IP_HLEN)
        return false;
    *report = (struct icmp_report){.type = bytes[0], .code = bytes[1]};
    if (v6) {
        if (report->type == ICMP6_TYPE_DUR)
            report->error = error_of_code6(report->code, &report->fatal);
        else if (report->type == ICMP6_TYPE_PTB)
            report->error = E_MSGSIZE;
        else if (report->type == ICMP6_TYPE_TE)
            report->error = E_HOSTUNREACH;
        else
            return false;
    } else if (report->type == ICMP_DUR) {
        report->error = error_of_code(report->code, &report->fatal);
    } else if (report->type == ICMP_TE) {
        report->error = E_HOSTUNREACH;
    } else {
        return false;
    }
    return read_inner(bytes + ICMP_HEADER, size - ICMP_HEADER, v6, report);
}

static void queue_error(struct datagram_socket *d, const struct icmp_report *report, bool v6)
{
    struct datagram_error *error =
        d->error_count < ERRORS_MOST ? heap_alloc_zero(sizeof(*error)) : NULL;
    if (!error)
        return;
    error->to = report->to;
    error->offender = *ip_current_src_addr();
    error->error = report->error;
    error->origin = v6 ? ORIGIN_ICMP6 : ORIGIN_ICMP;
    error->type = report->type;
    error->code = report->code;
    d->error_count++;
    list_add_tail(&d->errors, &error->link);
}

static void report_to(struct datagram_socket *d, const struct icmp_report *report, bool v6)
{
    bool asked = d->inet.wants & (v6 ? INET6_RECVERR : INET_RECVERR);
    if (!asked && (!report->fatal || !d->connected))
        return;
    if (asked)
        queue_error(d, report, v6);
    d->inet.socket.error = report->error;
    socket_wake(&d->inet.socket);
}

/* The socket that sent the packet, in lwIP's list of pcbs. */
static void find_sender(const struct icmp_report *report, bool v6)
{
    struct udp_pcb *pcb = NULL;
    while ((pcb = net_udp_of_port(report->from.port, pcb)) != NULL) {
        struct datagram_socket *d = pcb->recv == datagram_came ? pcb->recv_arg : NULL;
        if (!d)
            continue;
        if (!ip_addr_isany(&pcb->local_ip) && !IP_IS_ANY_TYPE_VAL(pcb->local_ip) &&
            !ip_addr_cmp_zoneless(&pcb->local_ip, &report->from.ip))
            continue;
        if (d->connected && (d->inet.remote.port != report->to.port ||
                             !ip_addr_cmp_zoneless(&d->inet.remote.ip, &report->to.ip)))
            continue;
        report_to(d, report, v6);
        return;
    }
}

/* The message is about something that the connection has sent and that is not acknowledged, or it is somebody's guess. */
static void find_connection(const struct icmp_report *report) NO_LOCK_ANALYSIS
{
    const struct net_ends ends = {&report->from.ip, &report->to.ip, report->from.port,
                                  report->to.port};
    struct tcp_pcb *pcb = net_pcb_of_ends(&ends);
    if (pcb && TCP_SEQ_BETWEEN(report->sequence, pcb->lastack, pcb->snd_nxt))
        tcp_report(pcb, report->error);
}

/* lwIP shows it every ICMP packet, and handles the packet afterwards. */
static u8_t icmp_seen(void *argument, struct raw_pcb *pcb, struct pbuf *p,
                      const ip_addr_t *from) NO_LOCK_ANALYSIS
{
    struct icmp_report report;
    bool v6 = ip_current_is_v6();
    (void)argument;
    (void)pcb;
    (void)from;
    if (!read_report(p, ip_current_header_tot_len(), v6, &report))
        return 0;
    if (report.protocol == IPPROTO_UDP)
        find_sender(&report, v6);
    if (report.protocol == IPPROTO_TCP && report.error != E_MSGSIZE)
        find_connection(&report);
    return 0;
}

void icmp_error_start(void)
{
    static struct raw_pcb *watchers[2];
    for (unsigned i = 0; i < ARRAY_LENGTH(watchers); i++) {
        if (watchers[i])
            continue;
        watchers[i] =
            raw_new_ip_type(i ? IPADDR_TYPE_V6 : IPADDR_TYPE_V4, i ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
        if (watchers[i])
            raw_recv(watchers[i], icmp_seen, NULL);
    }
}

struct extended_error { /* struct sock_extended_err, and the address after it */
    uint32_t error;
    uint8_t origin, type, code, pad;
    uint32_t info, data;
    uint8_t offender[28];
};

enum err datagram_receive_error(struct datagram_socket *d, struct socket_message *message)
{
    if (list_empty(&d->errors))
        return E_AGAIN;
    struct datagram_error *error = CONTAINER_OF(d->errors.next, struct datagram_error, link);
    bool v6 = inet_is_v6(&d->inet);
    struct extended_error out = {.error = error->error,
                                 .origin = error->origin,
                                 .type = error->type,
                                 .code = error->code,
                                 .info = error->info};
    struct socket_address offender;
    const struct inet_place place = {.ip = error->offender};
    inet_address_out(&d->inet, &place, &offender);
    memcpy(out.offender, offender.bytes, offender.length);
    if (message->address)
        inet_address_out(&d->inet, &error->to, message->address);
    if (message->controls)
        inet_control_add(message->controls, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
                         v6 ? IPV6_RECVERR : IP_RECVERR, &out,
                         (uint32_t)offsetof(struct extended_error, offender) + offender.length);
    message->result_flags = MSG_ERRQUEUE;
    list_remove(&error->link);
    heap_free(error);
    d->error_count--;
    d->inet.socket.error = list_empty(&d->errors)
                               ? E_OK
                               : CONTAINER_OF(d->errors.next, struct datagram_error, link)->error;
    return E_OK;
}

void datagram_forget_errors(struct datagram_socket *d)
{
    while (!list_empty(&d->errors)) {
        struct list *link = d->errors.next;
        list_remove(link);
        heap_free(CONTAINER_OF(link, struct datagram_error, link));
    }
}
