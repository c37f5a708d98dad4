# SPDX-License-Identifier: MIT
# Ports and packets' identifications that cannot be guessed.
lwip_file(src/core/ipv4/ip4.c)
lwip_edit("lwip_htons(ip_id)" "net_packet_id()")
lwip_file(src/core/udp.c)
lwip_edit([[
  if (udp_port++ == UDP_LOCAL_PORT_RANGE_END) {]] [[
  if (n == 0) {
    udp_port = UDP_ENSURE_LOCAL_PORT_RANGE(LWIP_RAND());
  } else if (udp_port++ == UDP_LOCAL_PORT_RANGE_END) {]])
