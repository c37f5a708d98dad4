# SPDX-License-Identifier: MIT
# What an interface sent to itself is received at most 64 packets at once: what they cause may be more, and others have their turn.
lwip_file(src/core/netif.c)
lwip_edit("  while (netif->loop_first != NULL) {\n" "  for (int left = net_poll_most; left > 0 && netif->loop_first != NULL; left--) {\n")
