# SPDX-License-Identifier: MIT
# A fragment without data is dropped, as Linux does: the last one of a datagram would be an empty piece at its end, which ARP
# and ND do not queue, and the echo of such a ping would end the machine.
lwip_file(src/core/ipv4/ip4_frag.c)
lwip_edit([[
  if (hlen > len) {
    /* invalid datagram */
    goto nullreturn;]] [[
  if (hlen >= len) {
    /* invalid datagram */
    goto nullreturn;]])
lwip_file(src/core/ipv6/ip6_frag.c)
lwip_edit([[
  if (hdrdiff > len) {]] [[
  if (hdrdiff >= len) {]])
