# SPDX-License-Identifier: MIT
# Whether a datagram waits for the rest of its fragments, so that the clock runs only then (net/stack/timers.c).
lwip_file(src/core/ipv4/ip4_frag.c)
lwip_edit("static u16_t ip_reass_pbufcount;\n" "static u16_t ip_reass_pbufcount;

bool
ip_reass_waits(void)
{
  return reassdatagrams != NULL;
}
")
lwip_file(src/include/lwip/ip4_frag.h)
lwip_edit("void ip_reass_tmr(void);\n" "void ip_reass_tmr(void);\nbool ip_reass_waits(void);\n")
lwip_file(src/core/ipv6/ip6_frag.c)
lwip_edit("static u16_t ip6_reass_pbufcount;\n" "static u16_t ip6_reass_pbufcount;

bool
ip6_reass_waits(void)
{
  return reassdatagrams != NULL;
}
")
lwip_file(src/include/lwip/ip6_frag.h)
lwip_edit("void ip6_reass_tmr(void);\n" "void ip6_reass_tmr(void);\nbool ip6_reass_waits(void);\n")
