# SPDX-License-Identifier: MIT
# Packets' identifications that cannot be guessed.
lwip_file(src/core/ipv4/ip4.c)
lwip_edit("lwip_htons(ip_id)" "net_packet_id()")
