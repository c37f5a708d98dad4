# SPDX-License-Identifier: MIT
# Name servers are asked for and kept without lwIP's resolver: net/stack/name_servers.c.
lwip_file(src/core/ipv4/dhcp.c)
lwip_edit("#if LWIP_DNS && LWIP_DHCP_MAX_DNS_SERVERS" "#if LWIP_DHCP_MAX_DNS_SERVERS")
