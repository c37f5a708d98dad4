# SPDX-License-Identifier: MIT
# src/net, over lwIP and a clock of the test's.
set(net_sources src/net/stack/by_port.c src/net/stack/card.c src/net/stack/cookie.c src/net/stack/due.c src/net/stack/icmp_rate.c src/net/stack/memory.c src/net/stack/name_servers.c
    src/net/stack/pcbs.c src/net/stack/secret.c src/net/stack/stack.c src/net/stack/timers.c src/net/stack/tap.c
    test/unit/support/net_card.c test/unit/support/net_native.c)
ouro_host_test(net/stack/loopback ${net_sources} LWIP SHADOW linux)
ouro_host_test(net/stack/mends ${net_sources} test/unit/support/net_wire.c LWIP SHADOW linux)
ouro_host_test(net/stack/growth ${net_sources} test/unit/support/net_wire.c LWIP SHADOW linux)
ouro_host_test(net/stack/due ${net_sources} test/unit/support/net_wire.c LWIP SHADOW linux)
ouro_host_test(net/stack/card ${net_sources} LWIP SHADOW linux)
ouro_fuzzer(net/net ${net_sources} LWIP SHADOW linux)
ouro_host_test(net/inet/netlink ${net_sources} src/net/inet/address.c src/net/inet/control.c src/net/inet/interface.c
    src/net/inet/netlink_route.c LWIP SHADOW linux)
