# SPDX-License-Identifier: MIT
# All of 127.0.0.0/8 is this machine.
lwip_file(src/core/ipv4/ip4.c)
lwip_edit("    if (ip4_addr_cmp(ip4_current_dest_addr(), netif_ip4_addr(netif)) ||\n"
    "    if (ip4_addr_cmp(ip4_current_dest_addr(), netif_ip4_addr(netif)) ||
        (ip4_addr_isloopback(ip4_current_dest_addr()) && ip4_addr_isloopback(netif_ip4_addr(netif))) ||\n")
