# SPDX-License-Identifier: MIT
# A listener whose queue of connections to accept is full (net/inet/tcp.c) ignores SYNs, as Linux: the client asks again.
lwip_file(src/include/lwip/tcp.h)
lwip_edit([[
  /* Function to call when a listener has been connected. */
  tcp_accept_fn accept;
]] [[
  /* Function to call when a listener has been connected. */
  tcp_accept_fn accept;
  u8_t accept_full;
]])
lwip_file(src/core/tcp.c)
lwip_edit([[
  lpcb->accept = tcp_accept_null;
]] [[
  lpcb->accept = tcp_accept_null;
  lpcb->accept_full = 0;
]])
lwip_file(src/core/tcp_in.c)
lwip_edit([[
  } else if (flags & TCP_SYN) {
    LWIP_DEBUGF(TCP_DEBUG, ("TCP connection request]] [[
  } else if ((flags & TCP_SYN) && pcb->accept_full) {
    net_counts.overflows++;
    return;
  } else if (flags & TCP_SYN) {
    LWIP_DEBUGF(TCP_DEBUG, ("TCP connection request]])
