/* SPDX-License-Identifier: MIT */
#include "net/inet/control.h"

#include "base/str.h"
#include "kern/time.h"
#include "net/inet/datagram.h"
#include "net/inet/option.h"

struct pktinfo { /* struct in_pktinfo */
    int32_t interface;
    uint32_t source, to;
};

struct pktinfo6 { /* struct in6_pktinfo */
    uint32_t ip[4];
    uint32_t interface;
};

static enum err take_pktinfo(const struct socket_control *control, struct inet_sending *out)
{
    struct pktinfo info;
    if (control->size != sizeof(info))
        return E_INVAL;
    memcpy(&info, control->bytes, sizeof(info));
    if ((uint32_t)info.interface > UINT8_MAX)
        return E_NODEV;
    out->interface = (uint8_t)info.interface;
    if (info.source != 0)
        ip_addr_set_ip4_u32_val(out->source, info.source);
    return E_OK;
}

static enum err take_pktinfo6(const struct socket_control *control, struct inet_sending *out)
{
    struct pktinfo6 info;
    if (control->size < sizeof(info))
        return E_INVAL;
    memcpy(&info, control->bytes, sizeof(info));
    if (info.interface > UINT8_MAX)
        return E_NODEV;
    out->interface = (uint8_t)info.interface;
    if (info.ip[0] == 0 && info.ip[1] == 0 && info.ip[2] == PP_HTONL(0xffff)) {
        ip_addr_set_ip4_u32_val(out->source, info.ip[3]);
    } else if (info.ip[0] | info.ip[1] | info.ip[2] | info.ip[3]) {
        ip_addr_set_zero_ip6(&out->source);
        memcpy(ip_2_ip6(&out->source)->addr, info.ip, sizeof(info.ip));
    }
    return E_OK;
}

static enum err take_control_number(const struct socket_control *control, int32_t least,
                                    uint8_t *out)
{
    int32_t number = control->bytes[0];
    if (control->size >= sizeof(number))
        memcpy(&number, control->bytes, sizeof(number));
    else if (control->size == 0)
        return E_INVAL;
    if (number < least || number > 255)
        return E_INVAL;
    *out = (uint8_t)number;
    return E_OK;
}

static enum err take_control(const struct inet_socket *inet, const struct socket_control *control,
                             struct inet_sending *out)
{
    bool v6 = inet_is_v6(inet);
    if ((uint32_t)control->level == IPPROTO_IP) {
        switch (control->type) {
        case IP_PKTINFO:
            return take_pktinfo(control, out);
        case IP_TTL:
            return take_control_number(control, 1, &out->ttl);
        case IP_TOS:
            return take_control_number(control, 0, &out->traffic_class);
        default:
            return E_INVAL;
        }
    }
    if ((uint32_t)control->level != IPPROTO_IPV6 || !v6)
        return E_OK; /* of another level: ignored */
    switch (control->type) {
    case IPV6_PKTINFO:
        return take_pktinfo6(control, out);
    case IPV6_HOPLIMIT:
        return take_control_number(control, 0, &out->ttl);
    case IPV6_TCLASS:
        return take_control_number(control, 0, &out->traffic_class);
    default:
        return E_INVAL;
    }
}

enum err inet_sending_of(const struct inet_socket *inet, const struct socket_controls *controls,
                         struct inet_sending *out)
{
    bool v6 = inet_is_v6(inet);
    *out = (struct inet_sending){.source = inet->local.ip,
                                 .ttl = v6 ? inet->hops : inet->ttl,
                                 .traffic_class = v6 ? inet->traffic_class : inet->tos};
    if (ip_addr_ismulticast(&out->source))
        inet_address_any(inet, &out->source);
    enum err e = E_OK;
    for (uint32_t i = 0; controls && i < controls->count && e == E_OK; i++)
        e = take_control(inet, &controls->control[i], out);
    return e;
}

uint8_t *inet_control_add(struct socket_controls *controls, uint32_t level, uint32_t type,
                          const void *bytes, uint32_t size)
{
    if (controls->count == SOCKET_CONTROLS_MAX)
        return NULL;
    struct socket_control *control = &controls->control[controls->count++];
    control->level = (int32_t)level;
    control->type = (int32_t)type;
    control->size = size;
    memcpy(control->bytes, bytes, size);
    return control->bytes;
}

static void add_pktinfo6(const struct inet_socket *inet, const struct datagram *datagram,
                         uint32_t type, struct socket_controls *out)
{
    struct pktinfo6 info = {.interface = datagram->interface};
    struct socket_address address;
    const struct inet_place to = {.ip = datagram->to};
    inet_address_out(inet, &to, &address);
    memcpy(info.ip, address.bytes + 8, sizeof(info.ip));
    inet_control_add(out, IPPROTO_IPV6, type, &info, sizeof(info));
}

void inet_stamp_of(const struct socket *socket, uint64_t came_ns, struct socket_controls *out)
{
    uint64_t time[2] = {came_ns / NS_PER_SECOND, came_ns % NS_PER_SECOND};
    if (socket_flag(socket, SO_TIMESTAMPNS))
        inet_control_add(out, 1, SO_TIMESTAMPNS, time, sizeof(time));
    time[1] /= 1000;
    if (socket_flag(socket, SO_TIMESTAMP))
        inet_control_add(out, 1, SO_TIMESTAMP, time, sizeof(time));
}

void inet_controls_of(const struct inet_socket *inet, const struct datagram *datagram,
                      struct socket_controls *out)
{
    int32_t hops = datagram->ttl, class = datagram->traffic_class;
    uint32_t wants = inet->wants;
    bool v4 = IP_IS_V4_VAL(datagram->to);
    inet_stamp_of(&inet->socket, datagram->came_ns, out);
    if (v4 && (wants & INET_PKTINFO)) {
        uint32_t to = ip_addr_get_ip4_u32(&datagram->to);
        struct pktinfo info = {datagram->interface, to, to};
        inet_control_add(out, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
    }
    if (v4 && (wants & INET_TTL))
        inet_control_add(out, IPPROTO_IP, IP_TTL, &hops, sizeof(hops));
    if (v4 && (wants & INET_TOS))
        inet_control_add(out, IPPROTO_IP, IP_TOS, &datagram->traffic_class, 1);
    if (v4 && (wants & INET_ORIGDSTADDR)) {
        struct {
            uint16_t family, port;
            uint32_t ip;
            uint64_t zero;
        } to = {AF_INET, lwip_htons(inet->local.port), ip_addr_get_ip4_u32(&datagram->to), 0};
        inet_control_add(out, IPPROTO_IP, IP_RECVORIGDSTADDR, &to, sizeof(to));
    }
    if (!inet_is_v6(inet))
        return;
    if (wants & INET6_PKTINFO)
        add_pktinfo6(inet, datagram, IPV6_PKTINFO, out);
    if (wants & INET6_PKTINFO_OLD)
        add_pktinfo6(inet, datagram, IPV6_2292PKTINFO, out);
    if (!v4 && (wants & INET6_HOPLIMIT_OLD))
        inet_control_add(out, IPPROTO_IPV6, IPV6_2292HOPLIMIT, &hops, sizeof(hops));
    if (!v4 && (wants & INET6_HOPLIMIT))
        inet_control_add(out, IPPROTO_IPV6, IPV6_HOPLIMIT, &hops, sizeof(hops));
    if (!v4 && (wants & INET6_TCLASS))
        inet_control_add(out, IPPROTO_IPV6, IPV6_TCLASS, &class, sizeof(class));
}
