/* SPDX-License-Identifier: MIT */
#include "kern/net_options.h"

#include "base/fmt.h"
#include "base/str.h"

/* A decimal number without leading zeros, at most `most`; moves *at past it. */
static bool take_decimal(const char **at, unsigned most, uint8_t *out)
{
    const char *p = *at;
    unsigned value = 0;
    if (*p < '0' || *p > '9' || (p[0] == '0' && p[1] >= '0' && p[1] <= '9'))
        return false;
    for (; *p >= '0' && *p <= '9'; p++) {
        value = value * 10 + (unsigned)(*p - '0');
        if (value > most)
            return false;
    }
    *at = p;
    *out = (uint8_t)value;
    return true;
}

/* One machine's address: not 0.x, not 127.x, not multicast or above. */
static bool take_address(const char **at, uint8_t out[4])
{
    for (unsigned i = 0; i < 4; i++)
        if ((i > 0 && *(*at)++ != '.') || !take_decimal(at, 255, &out[i]))
            return false;
    return out[0] != 0 && out[0] != 127 && out[0] < 224;
}

static bool take_item(const char **at, const char *name, uint8_t out[4])
{
    size_t length = strlen(name);
    if (strncmp(*at, name, length) != 0)
        return false;
    *at += length;
    return out[0] == 0 && take_address(at, out);
}

COLD bool net_options_parse(const char *value, struct net_options *out)
{
    *out = (struct net_options){.way = NET_DHCP};
    if (strcmp(value, "dhcp") == 0)
        return true;
    out->way = NET_OFF;
    if (strcmp(value, "off") == 0)
        return true;
    out->way = NET_STATIC;
    if (!take_address(&value, out->address) || *value++ != '/' ||
        !take_decimal(&value, 32, &out->prefix) || out->prefix == 0)
        return false;
    while (*value == ',') {
        value++;
        if (out->dns_count < NET_DNS_MAX && take_item(&value, "dns=", out->dns[out->dns_count]))
            out->dns_count++;
        else if (!take_item(&value, "gw=", out->gateway) && !take_item(&value, "host=", out->host))
            return false;
    }
    return *value == '\0';
}

size_t net_address_text(const uint8_t address[4], char *text, size_t size)
{
    return fmt_snprintf(text, size, "%u.%u.%u.%u", address[0], address[1], address[2], address[3]);
}
