# SPDX-License-Identifier: MIT
# A packet that is shorter than its header is not looked at (found by fuzz.net).
lwip_file(src/core/ipv4/ip4.c)
lwip_edit([[
  if (IPH_V(iphdr) != 4) {]] [[
  if (p->len < IP_HLEN || IPH_V(iphdr) != 4) {]])
lwip_file(src/core/ipv6/ip6.c)
lwip_edit([[
  if (IP6H_V(ip6hdr) != 6) {]] [[
  if (p->len < IP6_HLEN || IP6H_V(ip6hdr) != 6) {]])
