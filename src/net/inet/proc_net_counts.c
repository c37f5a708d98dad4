/* SPDX-License-Identifier: MIT */
/* /proc/net/snmp and /proc/net/netstat: what lwIP counts, under Linux's names. Those of datagrams are of both versions of IP. */
#include "base/compiler.h"
#include "fs/proc/procfs.h"
#include "net/inet/proc_net.h"
#include "net/stack/hooks.h"
#include "net/stack/lock.h"

#include <lwip/priv/tcp_priv.h>
#include <lwip/stats.h>

/* 1 + the index in struct stats_mib2; 0: it is not counted, and shown as 0. */
#define OF(counter) (1 + offsetof(struct stats_mib2, counter) / sizeof(u32_t))
#define OPEN        255 /* connections that are open */

struct count_row {
    const char *protocol, *names;
    const char *constants; /* the first values */
    uint8_t count, of[28];
};

static const struct count_row count_rows[] = {
    {"Ip",
     "Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos InDiscards "
     "InDelivers OutRequests OutDiscards OutNoRoutes ReasmTimeout ReasmReqds ReasmOKs ReasmFails "
     "FragOKs FragFails FragCreates",
     " 2 64",
     17,
     {OF(ipinreceives), OF(ipinhdrerrors), OF(ipinaddrerrors), OF(ipforwdatagrams),
      OF(ipinunknownprotos), OF(ipindiscards), OF(ipindelivers), OF(ipoutrequests),
      OF(ipoutdiscards), OF(ipoutnoroutes), 0, OF(ipreasmreqds), OF(ipreasmoks), OF(ipreasmfails),
      OF(ipfragoks), OF(ipfragfails), OF(ipfragcreates)}},
    {"Icmp",
     "InMsgs InErrors InCsumErrors InDestUnreachs InTimeExcds InParmProbs InSrcQuenchs InRedirects "
     "InEchos InEchoReps InTimestamps InTimestampReps InAddrMasks InAddrMaskReps OutMsgs OutErrors "
     "OutDestUnreachs OutTimeExcds OutParmProbs OutSrcQuenchs OutRedirects OutEchos OutEchoReps "
     "OutTimestamps OutTimestampReps OutAddrMasks OutAddrMaskReps",
     "",
     27,
     {OF(icmpinmsgs),
      OF(icmpinerrors),
      0,
      OF(icmpindestunreachs),
      OF(icmpintimeexcds),
      OF(icmpinparmprobs),
      OF(icmpinsrcquenchs),
      OF(icmpinredirects),
      OF(icmpinechos),
      OF(icmpinechoreps),
      OF(icmpintimestamps),
      OF(icmpintimestampreps),
      OF(icmpinaddrmasks),
      OF(icmpinaddrmaskreps),
      OF(icmpoutmsgs),
      OF(icmpouterrors),
      OF(icmpoutdestunreachs),
      OF(icmpouttimeexcds),
      0,
      0,
      0,
      OF(icmpoutechos),
      OF(icmpoutechoreps)}},
    {"Tcp",
     "RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab "
     "InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors",
     " 1 200 120000 -1",
     11,
     {OF(tcpactiveopens), OF(tcppassiveopens), OF(tcpattemptfails), OF(tcpestabresets), OPEN,
      OF(tcpinsegs), OF(tcpoutsegs), OF(tcpretranssegs), OF(tcpinerrs), OF(tcpoutrsts), 0}},
    {"Udp",
     "InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors "
     "IgnoredMulti MemErrors",
     "",
     9,
     {OF(udpindatagrams), OF(udpnoports), OF(udpinerrors), OF(udpoutdatagrams)}},
    {"UdpLite",
     "InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors "
     "IgnoredMulti MemErrors",
     "",
     9,
     {0}},
};

static uint32_t open_connections(void) REQUIRES(net_lock)
{
    uint32_t count = 0;
    for (const struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
        count += pcb->state == ESTABLISHED || pcb->state == CLOSE_WAIT;
    return count;
}

void show_counts(struct text *text, void *context)
{
    const u32_t *counts = (const u32_t *)&lwip_stats.mib2;
    (void)context;
    net_lock_take();
    for (size_t i = 0; i < ARRAY_LENGTH(count_rows); i++) {
        const struct count_row *row = &count_rows[i];
        text_printf(text, "%s: %s\n%s:%s", row->protocol, row->names, row->protocol,
                    row->constants);
        for (size_t k = 0; k < row->count; k++)
            text_printf(text, " %u",
                        row->of[k] == OPEN ? open_connections()
                        : row->of[k] != 0  ? counts[row->of[k] - 1]
                                           : 0u);
        text_append(text, "\n", 1);
    }
    net_lock_drop();
}

void show_more_counts(struct text *text, void *context)
{
    (void)context;
    net_lock_take();
    text_printf(text,
                "TcpExt: SyncookiesSent SyncookiesRecv SyncookiesFailed ListenOverflows "
                "ListenDrops\nTcpExt: %u %u %u %u %u\n",
                net_counts.cookies_sent, net_counts.cookies_good, net_counts.cookies_bad,
                net_counts.overflows, net_counts.overflows);
    net_lock_drop();
}
