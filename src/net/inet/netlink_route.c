/* SPDX-License-Identifier: MIT */
#include "net/inet/netlink_route.h"

#include "base/err.h"
#include "base/str.h"
#include "mm/heap/heap.h"
#include "net/inet/interface.h"

#include <lwip/netif.h>

#define ANSWER_MAX   4096u
#define HEADER       16u
#define FLAG_REQUEST 1u
#define FLAG_ACK     4u
#define FLAG_DUMP    0x300u
#define FLAG_MULTI   2u
#define ALIGN4(x)    (((x) + 3) & ~(size_t)3)

enum {
    NLMSG_ERROR = 2,
    NLMSG_DONE = 3,
    MESSAGE_LEAST = 16, /* lower ones are control messages */
    RTM_NEWLINK = 16,
    RTM_GETLINK = 18,
    RTM_NEWADDR = 20,
    RTM_GETADDR = 22,
    RTM_NEWROUTE = 24,
    RTM_GETROUTE = 26,
    RTM_GETNEIGH = 30,
    RTM_GETRULE = 34,
    RTM_GETQDISC = 38,
    RTM_LAST = 127,
};

enum {
    IFLA_ADDRESS = 1,
    IFLA_BROADCAST = 2,
    IFLA_IFNAME = 3,
    IFLA_MTU = 4,
    IFLA_QDISC = 6,
    IFLA_TXQLEN = 13,
    IFLA_OPERSTATE = 16,
    IFLA_LINKMODE = 17,
    IFA_ADDRESS = 1,
    IFA_LOCAL = 2,
    IFA_LABEL = 3,
    IFA_BROADCAST = 4,
    IFA_CACHEINFO = 6,
    IFA_FLAGS = 8,
    RTA_DST = 1,
    RTA_OIF = 4,
    RTA_GATEWAY = 5,
    RTA_PREFSRC = 7,
    RTA_TABLE = 15,
};

enum {
    SCOPE_GLOBAL = 0,
    SCOPE_LINK = 253,
    SCOPE_HOST = 254,
    TABLE_MAIN = 254,
    PROTOCOL_KERNEL = 2,
    PROTOCOL_BOOT = 3,
    ADDRESS_PERMANENT = 0x80,
    OPERSTATE_UNKNOWN = 0,
    OPERSTATE_DOWN = 2,
    OPERSTATE_UP = 6,
};

struct netlink_header { /* struct nlmsghdr */
    uint32_t size;
    uint16_t type, flags;
    uint32_t sequence, pid;
};

struct netlink_writer { /* one datagram that grows; what does not fit sets `failed` */
    struct netlink_answer *answer;
    size_t message; /* where the present message starts */
    const struct netlink_header *request;
    uint32_t pid;
    bool failed;
};

struct link_part { /* struct ifinfomsg */
    uint8_t family, pad;
    uint16_t type;
    int32_t index;
    uint32_t flags, change;
};

struct address_part { /* struct ifaddrmsg */
    uint8_t family, prefix, flags, scope;
    uint32_t index;
};

struct route_part { /* struct rtmsg */
    uint8_t family, to_prefix, from_prefix, tos, table, protocol, scope, type;
    uint32_t flags;
};

static void netlink_put(struct netlink_writer *w, const void *bytes, size_t size)
{
    struct netlink_answer *a = w->answer;
    if (!a || a->size + ALIGN4(size) > ANSWER_MAX) {
        w->failed = true;
        return;
    }
    memcpy(a->bytes + a->size, bytes, size);
    memset(a->bytes + a->size + size, 0, ALIGN4(size) - size);
    a->size += (uint32_t)ALIGN4(size);
}

static void message_begin(struct netlink_writer *w, uint16_t type, uint16_t flags)
{
    struct netlink_header header = {HEADER, type, flags, w->request->sequence, w->pid};
    w->message = w->answer ? w->answer->size : 0;
    netlink_put(w, &header, sizeof(header));
}

static void message_end(struct netlink_writer *w)
{
    if (w->failed)
        return;
    uint32_t size = w->answer->size - (uint32_t)w->message;
    memcpy(w->answer->bytes + w->message, &size, sizeof(size));
}

static void attribute(struct netlink_writer *w, uint16_t type, const void *value, size_t size)
{
    uint16_t header[2] = {(uint16_t)(4 + size), type};
    netlink_put(w, header, sizeof(header));
    netlink_put(w, value, size);
}

static void attribute_word(struct netlink_writer *w, uint16_t type, uint32_t value)
{
    attribute(w, type, &value, sizeof(value));
}

static void put_link(struct netlink_writer *w, const struct netif *netif, uint16_t flags)
    REQUIRES(net_lock)
{
    static const uint8_t nothing[6], all[6] = {255, 255, 255, 255, 255, 255};
    bool loopback = netif_is_loopback(netif), up = netif_iff(netif) & IFF_RUNNING;
    char name[INTERFACE_NAME];
    struct link_part part = {.type = loopback ? 772 : 1,
                             .index = (int32_t)netif_index(netif),
                             .flags = netif_iff(netif)};
    uint8_t state = loopback ? OPERSTATE_UNKNOWN : up ? OPERSTATE_UP : OPERSTATE_DOWN, mode = 0;
    interface_name(netif_index(netif), name);
    message_begin(w, RTM_NEWLINK, flags);
    netlink_put(w, &part, sizeof(part));
    attribute(w, IFLA_IFNAME, name, strlen(name) + 1);
    attribute_word(w, IFLA_TXQLEN, 1000);
    attribute(w, IFLA_OPERSTATE, &state, 1);
    attribute(w, IFLA_LINKMODE, &mode, 1);
    attribute_word(w, IFLA_MTU, netif_mtu(netif));
    attribute(w, IFLA_QDISC, loopback ? "noqueue" : "pfifo_fast", loopback ? 8 : 11);
    attribute(w, IFLA_ADDRESS, loopback ? nothing : netif->hwaddr, 6);
    attribute(w, IFLA_BROADCAST, loopback ? nothing : all, 6);
    message_end(w);
}

/* The address is permanent, as far as the kernel knows. */
static void put_address_end(struct netlink_writer *w)
{
    static const uint32_t lifetimes[4] = {UINT32_MAX, UINT32_MAX, 0, 0};
    attribute_word(w, IFA_FLAGS, ADDRESS_PERMANENT);
    attribute(w, IFA_CACHEINFO, lifetimes, sizeof(lifetimes));
    message_end(w);
}

static void put_address4(struct netlink_writer *w, const struct netif *netif) REQUIRES(net_lock)
{
    uint32_t ip = ip4_addr_get_u32(netif_ip4_addr(netif));
    uint32_t broadcast = ip | ~ip4_addr_get_u32(netif_ip4_netmask(netif));
    bool loopback = netif_is_loopback(netif);
    char name[INTERFACE_NAME];
    struct address_part part = {AF_INET, netif_prefix(netif), ADDRESS_PERMANENT,
                                loopback ? SCOPE_HOST : SCOPE_GLOBAL, netif_index(netif)};
    if (ip == 0)
        return;
    interface_name(netif_index(netif), name);
    message_begin(w, RTM_NEWADDR, FLAG_MULTI);
    netlink_put(w, &part, sizeof(part));
    attribute_word(w, IFA_ADDRESS, ip);
    attribute_word(w, IFA_LOCAL, ip);
    if (!loopback)
        attribute_word(w, IFA_BROADCAST, broadcast);
    attribute(w, IFA_LABEL, name, strlen(name) + 1);
    put_address_end(w);
}

static void put_addresses6(struct netlink_writer *w, const struct netif *netif) REQUIRES(net_lock)
{
    for (unsigned i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
        const ip6_addr_t *ip6 = netif_ip6_addr(netif, i);
        bool link = ip6_addr_islinklocal(ip6), loopback = ip6_addr_isloopback(ip6);
        struct address_part part = {AF_INET6, loopback ? 128 : 64, ADDRESS_PERMANENT,
                                    loopback ? SCOPE_HOST
                                    : link   ? SCOPE_LINK
                                             : SCOPE_GLOBAL,
                                    netif_index(netif)};
        if (!ip6_addr_isvalid(netif_ip6_addr_state(netif, i)))
            continue;
        message_begin(w, RTM_NEWADDR, FLAG_MULTI);
        netlink_put(w, &part, sizeof(part));
        attribute(w, IFA_ADDRESS, ip6->addr, 16);
        put_address_end(w);
    }
}

static void put_route(struct netlink_writer *w, const struct netif *netif, bool by_gateway)
    REQUIRES(net_lock)
{
    uint32_t ip = ip4_addr_get_u32(netif_ip4_addr(netif));
    uint32_t net = ip & ip4_addr_get_u32(netif_ip4_netmask(netif));
    struct route_part part = {.family = AF_INET,
                              .to_prefix = by_gateway ? 0 : netif_prefix(netif),
                              .table = TABLE_MAIN,
                              .protocol = by_gateway ? PROTOCOL_BOOT : PROTOCOL_KERNEL,
                              .scope = by_gateway ? SCOPE_GLOBAL : SCOPE_LINK,
                              .type = 1};
    message_begin(w, RTM_NEWROUTE, FLAG_MULTI);
    netlink_put(w, &part, sizeof(part));
    attribute_word(w, RTA_TABLE, TABLE_MAIN);
    if (!by_gateway) {
        attribute_word(w, RTA_DST, net);
        attribute_word(w, RTA_PREFSRC, ip);
    } else {
        attribute_word(w, RTA_GATEWAY, ip4_addr_get_u32(netif_ip4_gw(netif)));
    }
    attribute_word(w, RTA_OIF, netif_index(netif));
    message_end(w);
}

static void put_routes(struct netlink_writer *w, const struct netif *netif) REQUIRES(net_lock)
{
    if (netif_is_loopback(netif) || ip4_addr_isany(netif_ip4_addr(netif)))
        return;
    if (!ip4_addr_isany(netif_ip4_gw(netif)))
        put_route(w, netif, true);
    put_route(w, netif, false);
}

/* All of a kind; `family` AF_UNSPEC: of both. */
static void put_all(struct netlink_writer *w, uint16_t type, uint8_t family) REQUIRES(net_lock)
{
    bool v4 = family != AF_INET6, v6 = family != AF_INET;
    /* By index, as Linux: lwIP's list has the last first. */
    for (uint32_t index = 1; index <= UINT8_MAX; index++) {
        const struct netif *netif = netif_get_by_index((u8_t)index);
        if (!netif)
            continue;
        if (type == RTM_GETLINK)
            put_link(w, netif, FLAG_MULTI);
        else if (type == RTM_GETADDR && v4)
            put_address4(w, netif);
        else if (type == RTM_GETROUTE && v4)
            put_routes(w, netif);
    }
    for (uint32_t index = 1; type == RTM_GETADDR && v6 && index <= UINT8_MAX; index++) {
        const struct netif *netif = netif_get_by_index((u8_t)index);
        if (netif)
            put_addresses6(w, netif);
    }
}

static bool writer_begin(struct netlink_writer *w, const struct netlink_header *request,
                         const struct netlink_answers *out)
{
    *w = (struct netlink_writer){.request = request, .pid = out->pid};
    w->answer = heap_alloc(sizeof(*w->answer) + ANSWER_MAX);
    if (w->answer)
        *w->answer = (struct netlink_answer){0};
    return w->answer != NULL;
}

static void writer_end(struct netlink_writer *w, struct netlink_answers *out)
{
    if (!w->answer || w->failed || w->answer->size == 0 ||
        out->bytes + w->answer->size > out->room) {
        heap_free(w->answer);
        return;
    }
    out->bytes += w->answer->size;
    list_add_tail(&out->list, &w->answer->link);
}

static void answer_done(const struct netlink_header *request, struct netlink_answers *out)
{
    const int32_t zero = 0;
    struct netlink_writer w;
    if (writer_begin(&w, request, out)) {
        message_begin(&w, NLMSG_DONE, FLAG_MULTI);
        netlink_put(&w, &zero, sizeof(zero));
        message_end(&w);
        writer_end(&w, out);
    }
}

static void answer_dump(const struct netlink_header *request, uint8_t family,
                        struct netlink_answers *out)
{
    struct netlink_writer w;
    if (writer_begin(&w, request, out)) {
        net_lock_take();
        put_all(&w, request->type, family);
        net_lock_drop();
        writer_end(&w, out);
    }
    answer_done(request, out);
}

static void answer_error(const struct netlink_header *request, enum err e,
                         struct netlink_answers *out)
{
    struct netlink_writer w;
    int32_t number = -(int32_t)e;
    if (!writer_begin(&w, request, out))
        return;
    size_t size = e == E_OK ? HEADER : request->size < ANSWER_MAX / 2 ? request->size : HEADER;
    message_begin(&w, NLMSG_ERROR, e == E_OK ? 0x100 : 0); /* capped: without the request's body */
    netlink_put(&w, &number, sizeof(number));
    netlink_put(&w, request, size);
    message_end(&w);
    writer_end(&w, out);
}

/* One link, by its index or its name. */
static enum err answer_link(const struct netlink_header *request, struct netlink_answers *out)
{
    const uint8_t *bytes = (const uint8_t *)request;
    struct netlink_writer w;
    struct link_part part;
    char name[INTERFACE_NAME] = {0};
    if (request->size < HEADER + sizeof(part))
        return E_INVAL;
    memcpy(&part, bytes + HEADER, sizeof(part));
    for (size_t at = HEADER + sizeof(part); at + 4 <= request->size;) {
        uint16_t size, type;
        memcpy(&size, bytes + at, 2);
        memcpy(&type, bytes + at + 2, 2);
        if (size < 4 || size > request->size - at)
            break;
        if (type == IFLA_IFNAME && size - 4u < sizeof(name))
            memcpy(name, bytes + at + 4, size - 4u);
        at += ALIGN4(size);
    }
    net_lock_take();
    uint32_t index = part.index > 0 ? (uint32_t)part.index : interface_by_name(name);
    enum err e = index != 0 && interface_exists(index) ? E_OK : E_NODEV;
    if (e == E_OK && writer_begin(&w, request, out)) {
        put_link(&w, netif_get_by_index((u8_t)index), 0);
        writer_end(&w, out);
    }
    net_lock_drop();
    return e;
}

/* E_INTR: a dump, which is not acknowledged. */
static enum err answer_route(const struct netlink_header *request, struct netlink_answers *out)
{
    uint8_t family = request->size > HEADER ? ((const uint8_t *)request)[HEADER] : 0;
    bool dumps = (request->flags & FLAG_DUMP) == FLAG_DUMP;
    bool reads = request->type <= RTM_LAST && request->type % 4 == 2;
    if (reads && dumps && request->type <= RTM_GETQDISC) {
        answer_dump(request, family, out);
        return E_INTR;
    }
    return request->type == RTM_GETLINK ? answer_link(request, out) : E_NOTSUP;
}

/* Only the family that tells of families is there: its number by its name, and itself. */
static enum err answer_family(const struct netlink_header *request, struct netlink_answers *out)
{
    enum {
        CONTROL = 16,
        NEW_FAMILY = 1,
        GET_FAMILY = 3,
        GENERIC_HEADER = 4
    };
    enum {
        FAMILY_ID = 1,
        FAMILY_NAME,
        FAMILY_VERSION,
        FAMILY_HEADER,
        FAMILY_ATTRIBUTES
    };
    static const char name[] = "nlctrl";
    static const uint8_t part[GENERIC_HEADER] = {NEW_FAMILY, 2};
    const uint8_t *bytes = (const uint8_t *)request;
    const uint16_t id = CONTROL;
    bool dumps = (request->flags & FLAG_DUMP) == FLAG_DUMP, found = dumps;
    struct netlink_writer w;
    if (request->type != CONTROL)
        return E_NOENT;
    if (request->size < HEADER + GENERIC_HEADER)
        return E_INVAL;
    if (bytes[HEADER] != GET_FAMILY)
        return E_NOTSUP;
    for (size_t at = HEADER + GENERIC_HEADER; at + 4 <= request->size;) {
        uint16_t size, type;
        memcpy(&size, bytes + at, 2);
        memcpy(&type, bytes + at + 2, 2);
        if (size < 4 || size > request->size - at)
            break;
        const uint8_t *value = bytes + at + 4;
        found |= type == FAMILY_ID && size == 6 && memcmp(value, &id, sizeof id) == 0;
        found |=
            type == FAMILY_NAME && size == 4 + sizeof name && memcmp(value, name, sizeof name) == 0;
        at += ALIGN4(size);
    }
    if (!found)
        return E_NOENT;
    if (writer_begin(&w, request, out)) {
        message_begin(&w, CONTROL, dumps ? FLAG_MULTI : 0);
        netlink_put(&w, part, sizeof part);
        attribute(&w, FAMILY_NAME, name, sizeof name);
        attribute(&w, FAMILY_ID, &id, sizeof id);
        attribute_word(&w, FAMILY_VERSION, 2);
        attribute_word(&w, FAMILY_HEADER, 0);
        attribute_word(&w, FAMILY_ATTRIBUTES, 10);
        message_end(&w);
        writer_end(&w, out);
    }
    if (!dumps)
        return E_OK;
    answer_done(request, out);
    return E_INTR;
}

static void answer_all(const uint8_t *request, size_t size, struct netlink_answers *out,
                       enum err (*answer)(const struct netlink_header *request,
                                          struct netlink_answers *out))
{
    while (size >= HEADER) {
        const struct netlink_header *header = (const struct netlink_header *)(const void *)request;
        if (header->size < HEADER || header->size > size)
            break;
        bool control = header->type < MESSAGE_LEAST || !(header->flags & FLAG_REQUEST);
        enum err e = control ? E_OK : answer(header, out);
        if (e != E_INTR && (e != E_OK || header->flags & FLAG_ACK))
            answer_error(header, e, out);
        size_t step = ALIGN4(header->size);
        if (step >= size)
            break;
        request += step;
        size -= step;
    }
}

void netlink_route_answer(const uint8_t *request, size_t size, struct netlink_answers *out)
{
    answer_all(request, size, out, answer_route);
}

void netlink_generic_answer(const uint8_t *request, size_t size, struct netlink_answers *out)
{
    answer_all(request, size, out, answer_family);
}
