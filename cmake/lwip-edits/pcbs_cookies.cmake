# SPDX-License-Identifier: MIT
# A listener whose backlog is full of handshakes answers by cookies (net/stack/cookie.h), which the client's ACK brings back.
lwip_file(src/core/tcp_in.c)
lwip_edit([[
    if (pcb->accepts_pending >= pcb->backlog) {
]] [[
    if (pcb->accepts_pending >= pcb->backlog) {
      struct tcp_pcb asked = {.flags = TF_WND_SCALE, .mss = 536};
      tcp_parseopt(&asked);
      net_cookie_send(tcphdr->dest, tcphdr->src, seqno, asked.mss);
]])
lwip_edit([[
    if (lpcb != NULL) {
      /* Move this PCB to the front of the list]] [[
    if (lpcb != NULL && (pcb = tcp_cookie_open(lpcb)) == NULL) {
      /* Move this PCB to the front of the list]])
lwip_edit([[
/* RFC 1122, 4.2.2.13:]] [[
/* The connection that the segment's cookie stands for, as if its SYN had just been answered; NULL: there is no cookie in
 * it. Nothing that a cookie has no room for was agreed on: scaling, timestamps, SACK. */
static struct tcp_pcb *
tcp_cookie_open(struct tcp_pcb_listen *lpcb)
{
  struct tcp_pcb *pcb;
  u16_t mss;
  if ((flags & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_ACK ||
      !net_cookie_read(tcphdr->dest, tcphdr->src, seqno - 1, ackno - 1, &mss) ||
      (pcb = tcp_alloc(lpcb->prio)) == NULL) {
    return NULL;
  }
  ip_addr_copy(pcb->local_ip, *ip_current_dest_addr());
  ip_addr_copy(pcb->remote_ip, *ip_current_src_addr());
  pcb->local_port = lpcb->local_port;
  pcb->remote_port = tcphdr->src;
  pcb->state = SYN_RCVD;
  pcb->rcv_nxt = pcb->rcv_ann_right_edge = seqno;
  pcb->lastack = pcb->snd_wl2 = ackno - 1;
  pcb->snd_nxt = pcb->snd_lbb = ackno;
  pcb->snd_wl1 = seqno - 1;
  pcb->snd_wnd = pcb->snd_wnd_max = tcphdr->wnd;
  pcb->wnd_most = lpcb->wnd_most;
  pcb->rcv_wnd = pcb->rcv_ann_wnd = TCPWND_MIN16(pcb->wnd_most);
  pcb->mss = tcp_eff_send_mss(mss, &pcb->local_ip, &pcb->remote_ip);
  pcb->callback_arg = lpcb->callback_arg;
  pcb->listener = lpcb;
  pcb->so_options = lpcb->so_options & SOF_INHERITED;
  pcb->netif_idx = lpcb->netif_idx;
  TCP_REG_ACTIVE(pcb);
  return pcb;
}

/* RFC 1122, 4.2.2.13:]])
lwip_edit([[
static void tcp_parseopt(struct tcp_pcb *pcb);
]] [[
static void tcp_parseopt(struct tcp_pcb *pcb);
#include "net/stack/cookie.h"
]])
