# SPDX-License-Identifier: MIT
# Error messages are sent at a limited rate (net/stack/icmp_rate.c), so that a flood does not make one of answers.
lwip_file(src/core/ipv4/icmp.c)
lwip_edit([[
  MIB2_STATS_INC(mib2.icmpoutmsgs);

  /* Keep IP header + up to 8 bytes */]] [[
  if (!net_icmp_may_send()) {
    return;
  }

  /* Keep IP header + up to 8 bytes */]])
lwip_file(src/core/ipv6/icmp6.c)
lwip_edit("#include <string.h>\n" "#include <string.h>\n#include \"net/stack/hooks.h\"\n")
lwip_edit([[
  u16_t datalen = LWIP_MIN(p->tot_len, LWIP_ICMP6_DATASIZE);
]] [[
  u16_t datalen = LWIP_MIN(p->tot_len, LWIP_ICMP6_DATASIZE);
  if (!net_icmp_may_send()) {
    return;
  }
]])
