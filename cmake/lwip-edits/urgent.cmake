# SPDX-License-Identifier: MIT
# Urgent data (MSG_OOB, net/inet/tcp_urgent.c): snd_up is behind the last urgent byte, until it is acknowledged.
lwip_file(src/include/lwip/tcp.h)
lwip_edit([[
  struct net_due due;
]] [[
  struct net_due due;
  u32_t snd_up;
  u8_t urgent;
]])
lwip_file(src/core/tcp_out.c)
lwip_edit([[
  seg->tcphdr->chksum = 0;

#ifdef LWIP_HOOK_TCP_OUT_ADD_TCPOPTS]] [[
  seg->tcphdr->chksum = 0;
  if (pcb->urgent) {
    u32_t before = pcb->snd_up - lwip_ntohl(seg->tcphdr->seqno);
    if (TCP_SEQ_LEQ(pcb->snd_up, pcb->lastack)) {
      pcb->urgent = 0;
    } else if (before - 1 < 0xffff) {
      TCPH_SET_FLAG(seg->tcphdr, TCP_URG);
      seg->tcphdr->urgp = lwip_htons((u16_t)before);
    }
  }

#ifdef LWIP_HOOK_TCP_OUT_ADD_TCPOPTS]])
