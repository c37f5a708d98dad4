# SPDX-License-Identifier: MIT
# Packet sockets see what the machine sends to itself (net/stack/tap.c).
lwip_file(src/core/netif.c)
lwip_edit("#include \"lwip/etharp.h\"\n" "#include \"lwip/etharp.h\"\n#include \"net/stack/hooks.h\"\n")
lwip_edit([[
  /* Put the packet on a linked list which gets emptied through calling
     netif_poll(). */]] [[
  net_tap_loop(r);
  /* Put the packet on a linked list which gets emptied through calling
     netif_poll(). */]])
