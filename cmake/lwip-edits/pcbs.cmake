# SPDX-License-Identifier: MIT
# Connections are found by a hash (net/stack/pcbs.h), and TIME-WAIT is limited and gives its ends to a new connection.
lwip_file(src/include/lwip/tcp.h)
lwip_edit([[
  type *next; /* for the linked list */ \
]] [[
  type *next; /* for the linked list */ \
  struct tcp_pcb **before; /* what points here */ \
  struct net_port_link port_link; \
  tcpwnd_size_t wnd_most; \
]])
lwip_edit("#include \"lwip/tcpbase.h\"\n" "#include \"lwip/tcpbase.h\"\n#include \"net/stack/pcbs.h\"\n")
lwip_edit([[
  /* ports are in host byte order */
  u16_t remote_port;
]] [[
  struct tcp_pcb *ends_next, **ends_before; /* net/stack/pcbs.c */
  /* ports are in host byte order */
  u16_t remote_port;
]])

lwip_file(src/include/lwip/priv/tcp_priv.h)
lwip_edit([[
#define TCP_REG_ACTIVE(npcb)                       \
]] [[
#include "net/stack/pcbs.h"
#undef TCP_REG
#undef TCP_RMV
#define TCP_REG(pcbs, npcb) net_pcb_add(pcbs, npcb)
#define TCP_RMV(pcbs, npcb) net_pcb_remove(pcbs, npcb)

#define TCP_REG_ACTIVE(npcb)                       \
]])

lwip_file(src/core/tcp_in.c)
lwip_edit([[for (pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next) {
    LWIP_ASSERT("tcp_input: active]] [[for (pcb = net_pcb_find(tcphdr->dest, tcphdr->src, false); pcb != NULL; pcb = NULL) {
    LWIP_ASSERT("tcp_input: active]])
lwip_edit([[for (pcb = tcp_tw_pcbs; pcb != NULL; pcb = pcb->next) {
      LWIP_ASSERT("tcp_input: TIME-WAIT]] [[for (pcb = tcp_timewait_of_segment(); pcb != NULL; pcb = NULL) {
      LWIP_ASSERT("tcp_input: TIME-WAIT]])
# Listeners are found by their port, and keep their order.
lwip_edit("for (lpcb = tcp_listen_pcbs.listen_pcbs; lpcb != NULL; lpcb = lpcb->next) {" "for (lpcb = net_pcb_listener(tcphdr->dest, NULL); lpcb != NULL; lpcb = net_pcb_listener(tcphdr->dest, lpcb)) {")
lwip_edit([[if (prev != NULL) {
        ((struct tcp_pcb_listen *)prev)->next]] [[if (false) {
        ((struct tcp_pcb_listen *)prev)->next]])
lwip_edit([[
/**
 * The initial input processing of TCP.]] [[
/* RFC 1122, 4.2.2.13: a SYN beyond the old connection's last byte opens a new one. */
static struct tcp_pcb *
tcp_timewait_of_segment(void)
{
  struct tcp_pcb *pcb = net_pcb_find(tcphdr->dest, tcphdr->src, true);
  if (pcb != NULL && (flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN &&
      TCP_SEQ_GT(seqno, pcb->rcv_nxt)) {
    tcp_pcb_remove(&tcp_tw_pcbs, pcb);
    tcp_free(pcb);
    return NULL;
  }
  return pcb;
}

/**
 * The initial input processing of TCP.]])

lwip_file(src/core/tcp.c)
lwip_edit([[    port = tcp_new_port();]] [[    port = net_pcb_new_port();]])
lwip_edit([[
    for (i = 0; i < max_pcb_list; i++) {
      for (cpcb = *tcp_pcb_lists[i]; cpcb != NULL; cpcb = cpcb->next) {
        if (cpcb->local_port == port) {]] [[
    for (i = 0; i < 1; i++) {
      for (cpcb = net_pcb_of_port(port); cpcb != NULL; cpcb = net_pcb_next_of_port(cpcb)) {
        if (cpcb->state != TIME_WAIT || max_pcb_list == NUM_TCP_PCB_LISTS) {]])
lwip_edit("    for (lpcb = tcp_listen_pcbs.listen_pcbs; lpcb != NULL; lpcb = lpcb->next) {\n      if ((lpcb->local_port" "    for (lpcb = net_pcb_listener(pcb->local_port, NULL); lpcb != NULL; lpcb = net_pcb_listener(pcb->local_port, lpcb)) {\n      if ((lpcb->local_port")
lwip_edit([[    pcb->local_port = tcp_new_port();]] [[    pcb->local_port = net_pcb_connect_port(pcb);]])
lwip_edit([[
static u16_t
tcp_new_port(void)
{
  u8_t i;]] [[
UNUSED static u16_t
tcp_new_port(void)
{
  u8_t i;]])
