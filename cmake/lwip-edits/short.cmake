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
lwip_file(src/core/ipv4/etharp.c)
lwip_edit([[
  if ((hdr->hwtype != PP_HTONS(LWIP_IANA_HWTYPE_ETHERNET)) ||
      (hdr->hwlen]] [[
  if ((p->len < SIZEOF_ETHARP_HDR) || (hdr->hwtype != PP_HTONS(LWIP_IANA_HWTYPE_ETHERNET)) ||
      (hdr->hwlen]])
# Nor an extension header of IPv6: its length is in its second byte.
lwip_file(src/core/ipv6/ip6.c)
lwip_edit("(1 + hbh_hdr->_hlen)" "(1 + (p->len < 8 ? 0 : hbh_hdr->_hlen))")
lwip_edit("(1 + dest_hdr->_hlen)" "(1 + (p->len < 8 ? 0 : dest_hdr->_hlen))")
lwip_edit("(1 + rout_hdr->_hlen)" "(1 + (p->len < 8 ? 0 : rout_hdr->_hlen))")
# The last byte of such a header is no option with a length.
lwip_edit("((u8_t *)hbh_hdr + opt_offset);\n" "((u8_t *)hbh_hdr + opt_offset);\n        if (opt_offset + 1 >= hlen) {\n          break;\n        }\n")
lwip_edit("((u8_t *)dest_hdr + opt_offset);\n" "((u8_t *)dest_hdr + opt_offset);\n        if (opt_offset + 1 >= hlen) {\n          break;\n        }\n")
lwip_file(src/core/ipv4/ip4.c)
lwip_edit("    if (IPH_PROTO(iphdr) == IP_PROTO_UDP) {\n      const struct udp_hdr" "    if (IPH_PROTO(iphdr) == IP_PROTO_UDP && p->len >= iphdr_hlen + UDP_HLEN) {\n      const struct udp_hdr")
