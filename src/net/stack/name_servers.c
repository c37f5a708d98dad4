/* SPDX-License-Identifier: MIT */
#include "net/stack/name_servers.h"

#include "base/str.h"
#include "net/stack/hooks.h"

#include <lwip/dns.h>
#include <lwip/ip_addr.h>

static ip_addr_t servers4[DNS_MAX_SERVERS], servers6[DNS_MAX_SERVERS] GUARDED_BY(net_lock);

void net_name_servers_set(const uint8_t (*addresses)[4], unsigned count)
{
    for (unsigned i = 0; i < count && i < DNS_MAX_SERVERS; i++)
        IP_ADDR4(&servers4[i], addresses[i][0], addresses[i][1], addresses[i][2], addresses[i][3]);
}

void dns_setserver(uint8_t index, const ip_addr_t *address)
{
    net_lock_assert();
    if (index >= DNS_MAX_SERVERS)
        return;
    if (address == NULL)
        ip_addr_set_zero(&servers6[index]);
    else if (IP_IS_V6(address))
        servers6[index] = *address;
    else
        servers4[index] = *address;
}

const ip_addr_t *dns_getserver(uint8_t index)
{
    net_lock_assert();
    return index < DNS_MAX_SERVERS ? &servers6[index] : IP_ADDR_ANY;
}

size_t net_name_server(unsigned i, char text[NET_SERVER_TEXT])
{
    for (unsigned j = 0; j < 2 * DNS_MAX_SERVERS; j++) {
        const ip_addr_t *server =
            j < DNS_MAX_SERVERS ? &servers4[j] : &servers6[j - DNS_MAX_SERVERS];
        if (ip_addr_isany(server) || i-- > 0)
            continue;
        if (ipaddr_ntoa_r(server, text, NET_SERVER_TEXT) == NULL)
            return 0;
        return strlen(text);
    }
    return 0;
}
