/* SPDX-License-Identifier: MIT */
/* Datagrams of UDP and raw ICMP over the loopback interface, options, interfaces and netlink: the result of every call. */
#define _GNU_SOURCE
#include "socket/internet.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <sys/ioctl.h>

static char buffer[70000];

static int bound(void)
{
    union address a;
    int fd = socket(family, SOCK_DGRAM, 0);
    socklen_t size = loopback(&a, 0);
    if (bind(fd, &a.any, size) != 0)
        perror("bind");
    return fd;
}

static long send_to(int fd, const char *text, size_t size, int port)
{
    union address a;
    socklen_t length = loopback(&a, port);
    return sendto(fd, text, size, 0, &a.any, length);
}

static void datagrams(void)
{
    int a = bound(), b = bound(), bytes;
    union address from;
    socklen_t size = sizeof from;
    now("fresh", a);
    result("recv, nothing", recv(a, buffer, 10, MSG_DONTWAIT));
    result("send without an address", send(a, "x", 1, 0));
    result("write without an address", write(a, "x", 1));
    result("to port 0", send_to(a, "x", 1, 0));
    result("sendto", send_to(a, "hello", 5, port_of(b)));
    result("sendto", send_to(a, "", 0, port_of(b)));
    result("sendto", send_to(a, "world!", 6, port_of(b)));
    events("data", b, POLLIN);
    ioctl(b, FIONREAD, &bytes);
    printf("FIONREAD %d\n", bytes);
    result("peek", recv(b, buffer, 3, MSG_PEEK));
    result("peek, whole size", recv(b, buffer, 3, MSG_PEEK | MSG_TRUNC));
    result("recvfrom", recvfrom(b, buffer, 100, 0, &from.any, &size));
    printf("%.5s, size %u\n", buffer, size);
    truth("from", ntohs(family == AF_INET ? from.in.sin_port : from.in6.sin6_port) == port_of(a));
    result("empty", recv(b, buffer, 100, 0));
    struct iovec iov = {buffer, 3};
    struct msghdr message = {
        .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &iov, .msg_iovlen = 1};
    result("recvmsg", recvmsg(b, &message, 0));
    printf("flags %#x, name %u\n", message.msg_flags, message.msg_namelen);
    result("recv, nothing", recv(b, buffer, 10, MSG_DONTWAIT));
    result("too long", send_to(a, buffer, 65508 + (family == AF_INET6 ? 30 : 0), port_of(b)));
    result("long", send_to(a, buffer, 60000, port_of(b)));
    events("data", b, POLLIN);
    result("recv", recv(b, buffer, sizeof buffer, 0));
    result("bad address", send_to(a, (char *)8, 10, port_of(b)));
    result("oob", recv(b, buffer, 1, MSG_OOB | MSG_DONTWAIT));
    result("listen", listen(a, 1));
    result("accept", accept(a, NULL, NULL));
    result("shutdown", shutdown(a, SHUT_RDWR));
    close(a);
    close(b);
}

static void connected(void)
{
    int a = bound(), b = bound(), c = bound();
    union address name;
    socklen_t size = loopback(&name, port_of(b));
    result("getpeername", getpeername(a, &name.any, &size));
    size = loopback(&name, port_of(b));
    result("connect", connect(a, &name.any, size));
    size = sizeof name;
    result("getpeername", getpeername(a, &name.any, &size));
    result("send", send(a, "connected", 9, 0));
    result("recv", recv(b, buffer, 100, 0));
    result("from another", send_to(c, "other", 5, port_of(a)));
    usleep(10000);
    result("recv", recv(a, buffer, 100, MSG_DONTWAIT));
    result("from the peer", send_to(b, "peer", 4, port_of(a)));
    events("data", a, POLLIN);
    result("recv", recv(a, buffer, 100, 0));
    result("to another", send_to(a, "other", 5, port_of(c)));
    result("recv", recv(c, buffer, 100, 0));
    name.any.sa_family = AF_UNSPEC;
    result("disconnect", connect(a, &name.any, sizeof name));
    result("getpeername", getpeername(a, &name.any, &size));
    result("send", send(a, "x", 1, 0));
    size = loopback(&name, port_of(b));
    connect(a, &name.any, size);
    close(b);
    result("send to nobody", send(a, "x", 1, 0));
    events("refused", a, POLLIN);
    now("refused", a);
    result("recv", recv(a, buffer, 10, MSG_DONTWAIT));
    result("recv", recv(a, buffer, 10, MSG_DONTWAIT));
    result("send to nobody", send(a, "x", 1, 0));
    usleep(10000);
    result("send again", send(a, "x", 1, 0));
    usleep(10000);
    printf("SO_ERROR %d\n", error_of(a));
    result("shutdown", shutdown(a, SHUT_WR));
    result("send", send(a, "x", 1, 0));
    result("shutdown", shutdown(a, SHUT_RD));
    now("shut", a);
    result("recv", recv(a, buffer, 10, 0));
    result("recv", recv(a, buffer, 10, MSG_DONTWAIT));
    close(a);
    close(c);
}

static void overflowed(void)
{
    int a = bound(), b = bound(), small = 4096, got = 0;
    setsockopt(b, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    for (int i = 0; i < 100; i++)
        if (send_to(a, buffer, 1000, port_of(b)) != 1000)
            perror("send");
    while (recv(b, buffer, sizeof buffer, MSG_DONTWAIT) == 1000)
        got++;
    truth("some were lost", got > 0 && got < 100);
    result("sendto", send_to(a, "again", 5, port_of(b)));
    result("recv", recv(b, buffer, 100, 0));
    close(a);
    close(b);
}

static int controls_port; /* in host order: of the socket that is sent to */

static void show_controls(struct msghdr *message)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        printf("  level %d type %d size %zu", c->cmsg_level, c->cmsg_type,
               c->cmsg_len - CMSG_LEN(0));
        int number;
        memcpy(&number, CMSG_DATA(c), sizeof number);
        if (c->cmsg_len == CMSG_LEN(sizeof number))
            printf(": %d", number);
        else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
            printf(": interface %d, to %s", number,
                   inet_ntoa(((struct in_pktinfo *)CMSG_DATA(c))->ipi_addr));
        else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == 20) { /* IP_ORIGDSTADDR */
            struct sockaddr_in to;
            memcpy(&to, CMSG_DATA(c), sizeof to);
            printf(": family %d, %s, port %s", to.sin_family, inet_ntoa(to.sin_addr),
                   ntohs(to.sin_port) == controls_port ? "the socket's" : "WRONG");
        }
        putchar('\n');
    }
}

static void set(const char *name, int fd, int level, int option, int value)
{
    result(name, setsockopt(fd, level, option, &value, sizeof value));
    socklen_t size = sizeof value;
    value = -1;
    if (getsockopt(fd, level, option, &value, &size) == 0)
        printf("%s is %d, size %u\n", name, value, size);
    else
        result(name, -1);
}

static void controls(void)
{
    int a = bound(), b = bound();
    char control[256];
    union address from;
    struct iovec iov = {buffer, 100};
    struct msghdr message = {.msg_name = &from,
                             .msg_namelen = sizeof from,
                             .msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    if (family == AF_INET) {
        set("IP_PKTINFO", b, IPPROTO_IP, IP_PKTINFO, 1);
        set("IP_RECVTTL", b, IPPROTO_IP, IP_RECVTTL, 1);
        set("IP_TTL", a, IPPROTO_IP, IP_TTL, 33);
        set("IP_RECVORIGDSTADDR", b, IPPROTO_IP, 20, 1);
    } else {
        set("IPV6_RECVPKTINFO", b, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
        set("IPV6_RECVHOPLIMIT", b, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
        set("IPV6_UNICAST_HOPS", a, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 33);
    }
    send_to(a, "info", 4, port_of(b));
    controls_port = port_of(b);
    result("recvmsg", recvmsg(b, &message, 0));
    show_controls(&message);
    set("IP_RECVERR", a, family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6,
        family == AF_INET ? IP_RECVERR : IPV6_RECVERR, 1);
    int port = port_of(b);
    close(b);
    result("send to nobody", send_to(a, "lost", 4, port));
    events("error", a, POLLERR);
    message.msg_controllen = sizeof control;
    message.msg_namelen = sizeof from;
    result("recvmsg of an error", recvmsg(a, &message, MSG_ERRQUEUE) >= 0);
    printf("flags %#x\n", message.msg_flags);
    show_controls(&message);
    result("another", recvmsg(a, &message, MSG_ERRQUEUE));
    result("SO_ERROR", error_of(a));
    close(a);
}

static void many(void)
{
    int a = bound(), b = bound();
    struct mmsghdr messages[4] = {0};
    struct iovec iov[4];
    union address to;
    socklen_t size = loopback(&to, port_of(b));
    for (int i = 0; i < 4; i++) {
        iov[i] = (struct iovec){"12345", (size_t)i + 1};
        messages[i].msg_hdr = (struct msghdr){
            .msg_name = &to, .msg_namelen = size, .msg_iov = &iov[i], .msg_iovlen = 1};
    }
    result("sendmmsg", sendmmsg(a, messages, 4, 0));
    for (int i = 0; i < 4; i++) {
        printf("%u ", messages[i].msg_len);
        iov[i] = (struct iovec){buffer + i * 10, 10};
        messages[i].msg_hdr.msg_name = NULL;
        messages[i].msg_hdr.msg_namelen = 0;
    }
    result("recvmmsg", recvmmsg(b, messages, 4, MSG_WAITFORONE, NULL));
    for (int i = 0; i < 4; i++)
        printf("%u ", messages[i].msg_len);
    printf("\n");
    result("MSG_MORE", send_to(a, "", 0, port_of(b)));
    recv(b, buffer, 10, 0);
    size = loopback(&to, port_of(b));
    result("MSG_MORE", sendto(a, "abc", 3, MSG_MORE, &to.any, size));
    result("the rest", sendto(a, "def", 3, 0, &to.any, size));
    result("recv", recv(b, buffer, 100, 0));
    printf("%.6s\n", buffer);
    close(a);
    close(b);
}

static void addresses(void)
{
    union address a;
    int fd = socket(family, SOCK_DGRAM, 0), other = bound(), on = 1;
    socklen_t size = loopback(&a, port_of(other));
    result("bind, in use", bind(fd, &a.any, size));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    result("bind, reuse of one", bind(fd, &a.any, size));
    setsockopt(other, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    result("bind, reuse of both", bind(fd, &a.any, size));
    close(fd);
    close(other);
    fd = socket(family, SOCK_DGRAM, 0);
    printf("port %d\n", port_of(fd));
    result("sendto", send_to(fd, "x", 1, 9));
    truth("bound by sending", port_of(fd) >= 1024);
    size = loopback(&a, 0);
    result("bind", bind(fd, &a.any, size));
    if (family == AF_INET) {
        a.in.sin_addr.s_addr = htonl(INADDR_BROADCAST);
        a.in.sin_port = htons(9);
        result("broadcast", sendto(fd, "x", 1, 0, &a.any, size));
    }
    close(fd);
    result("ping",
           socket(family, SOCK_DGRAM, family == AF_INET ? (int)IPPROTO_ICMP : (int)IPPROTO_ICMPV6));
    result("protocol", socket(family, SOCK_DGRAM, IPPROTO_TCP));
    result("raw", socket(family, SOCK_RAW, 0));
}

static void options(void)
{
    int u = socket(family, SOCK_DGRAM, 0), t = socket(family, SOCK_STREAM, 0);
    set("SO_BROADCAST", u, SOL_SOCKET, SO_BROADCAST, 1);
    set("SO_REUSEADDR", t, SOL_SOCKET, SO_REUSEADDR, 5);
    set("SO_REUSEPORT", t, SOL_SOCKET, SO_REUSEPORT, 1);
    set("SO_KEEPALIVE", t, SOL_SOCKET, SO_KEEPALIVE, 1);
    set("SO_TYPE", t, SOL_SOCKET, SO_TYPE, 1);
    set("SO_PROTOCOL", t, SOL_SOCKET, SO_PROTOCOL, 1);
    set("SO_PROTOCOL", u, SOL_SOCKET, SO_PROTOCOL, 1);
    set("SO_DOMAIN", u, SOL_SOCKET, SO_DOMAIN, 1);
    set("SO_ACCEPTCONN", t, SOL_SOCKET, SO_ACCEPTCONN, 1);
    set("SO_RCVBUF", t, SOL_SOCKET, SO_RCVBUF, 10000);
    set("SO_SNDBUF", t, SOL_SOCKET, SO_SNDBUF, 10000);
    set("TCP_NODELAY", t, IPPROTO_TCP, TCP_NODELAY, 7);
    set("TCP_CORK", t, IPPROTO_TCP, TCP_CORK, 1);
    set("TCP_MAXSEG", t, IPPROTO_TCP, TCP_MAXSEG, 1000);
    set("TCP_MAXSEG", t, IPPROTO_TCP, TCP_MAXSEG, 10);
    set("TCP_KEEPIDLE", t, IPPROTO_TCP, TCP_KEEPIDLE, 10);
    set("TCP_KEEPIDLE", t, IPPROTO_TCP, TCP_KEEPIDLE, 0);
    set("TCP_KEEPIDLE", t, IPPROTO_TCP, TCP_KEEPIDLE, 40000);
    set("TCP_KEEPINTVL", t, IPPROTO_TCP, TCP_KEEPINTVL, 11);
    set("TCP_KEEPCNT", t, IPPROTO_TCP, TCP_KEEPCNT, 5);
    set("TCP_KEEPCNT", t, IPPROTO_TCP, TCP_KEEPCNT, 128);
    set("TCP_SYNCNT", t, IPPROTO_TCP, TCP_SYNCNT, 3);
    set("TCP_DEFER_ACCEPT", t, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1);
    set("TCP_DEFER_ACCEPT", t, IPPROTO_TCP, TCP_DEFER_ACCEPT, 5);
    set("TCP_DEFER_ACCEPT", t, IPPROTO_TCP, TCP_DEFER_ACCEPT, 30);
    set("TCP_USER_TIMEOUT", t, IPPROTO_TCP, TCP_USER_TIMEOUT, 5000);
    set("TCP_USER_TIMEOUT", t, IPPROTO_TCP, TCP_USER_TIMEOUT, -1);
    set("TCP 200", t, IPPROTO_TCP, 200, 1);
    close(u);
    close(t);
}

static void options_of_ip(void)
{
    int u = socket(family, SOCK_DGRAM, 0), t = socket(family, SOCK_STREAM, 0);
    set("UDP_CORK", u, IPPROTO_UDP, UDP_CORK, 1);
    set("UDP_CORK", u, IPPROTO_UDP, UDP_CORK, 0);
    set("TCP_NODELAY of UDP", u, IPPROTO_TCP, TCP_NODELAY, 1);
    set("UDP_CORK of TCP", t, IPPROTO_UDP, UDP_CORK, 1);
    set("IP_TOS", t, IPPROTO_IP, IP_TOS, 0x10);
    set("IP_TTL", t, IPPROTO_IP, IP_TTL, 0);
    set("IP_TTL", t, IPPROTO_IP, IP_TTL, 256);
    set("IP_TTL", t, IPPROTO_IP, IP_TTL, 99);
    set("IP_TTL", t, IPPROTO_IP, IP_TTL, -1);
    set("IP_MTU_DISCOVER", u, IPPROTO_IP, IP_MTU_DISCOVER, 0);
    set("IP_MTU_DISCOVER", u, IPPROTO_IP, IP_MTU_DISCOVER, 6);
    set("IP_RECVERR", u, IPPROTO_IP, IP_RECVERR, 1);
    set("IP_FREEBIND", u, IPPROTO_IP, IP_FREEBIND, 1);
    set("IP_MULTICAST_TTL", u, IPPROTO_IP, IP_MULTICAST_TTL, 4);
    set("IP_MULTICAST_LOOP", u, IPPROTO_IP, IP_MULTICAST_LOOP, 0);
    set("IP_MTU", u, IPPROTO_IP, IP_MTU, 1);
    set("IPV6_V6ONLY", t, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    set("IPV6_UNICAST_HOPS", t, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 300);
    set("IPV6_UNICAST_HOPS", t, IPPROTO_IPV6, IPV6_UNICAST_HOPS, -1);
    set("IPV6_TCLASS", t, IPPROTO_IPV6, IPV6_TCLASS, 0x20);
    set("IPV6_RECVERR", u, IPPROTO_IPV6, IPV6_RECVERR, 1);
    set("level 200", t, 200, 1, 1);
    close(u);
    close(t);
}

static void other_options(void)
{
    int u = socket(family, SOCK_DGRAM, 0), t = socket(family, SOCK_STREAM, 0);
    char name[32] = {0};
    socklen_t size = sizeof name;
    result("TCP_CONGESTION", setsockopt(t, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
    result("TCP_CONGESTION", getsockopt(t, IPPROTO_TCP, TCP_CONGESTION, name, &size));
    printf("%s, size %u\n", name, size);
    result("TCP_CONGESTION", setsockopt(t, IPPROTO_TCP, TCP_CONGESTION, "nothing", 7));
    result("SO_BINDTODEVICE", setsockopt(u, SOL_SOCKET, SO_BINDTODEVICE, "nothing", 8));
    result("SO_BINDTODEVICE", setsockopt(u, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
    size = sizeof name;
    result("SO_BINDTODEVICE", getsockopt(u, SOL_SOCKET, SO_BINDTODEVICE, name, &size));
    printf("%s, size %u\n", name, size);
    char byte = 1;
    result("short", setsockopt(t, IPPROTO_TCP, TCP_NODELAY, &byte, 1));
    result("short", setsockopt(t, IPPROTO_IP, IP_TOS, &byte, 1));
    result("bad address", setsockopt(t, IPPROTO_TCP, TCP_NODELAY, (void *)8, 4));
    close(u);
    close(t);
}

static void interfaces(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct ifreq request = {0};
    strcpy(request.ifr_name, "lo");
    result("SIOCGIFINDEX", ioctl(fd, SIOCGIFINDEX, &request));
    printf("index %d\n", request.ifr_ifindex);
    result("SIOCGIFADDR", ioctl(fd, SIOCGIFADDR, &request));
    printf("%s\n", inet_ntoa(((struct sockaddr_in *)&request.ifr_addr)->sin_addr));
    result("SIOCGIFNETMASK", ioctl(fd, SIOCGIFNETMASK, &request));
    printf("%s\n", inet_ntoa(((struct sockaddr_in *)&request.ifr_addr)->sin_addr));
    result("SIOCGIFFLAGS", ioctl(fd, SIOCGIFFLAGS, &request));
    printf("flags %#x\n", request.ifr_flags);
    result("SIOCGIFMTU", ioctl(fd, SIOCGIFMTU, &request));
    printf("mtu %d\n", request.ifr_mtu);
    result("SIOCGIFHWADDR", ioctl(fd, SIOCGIFHWADDR, &request));
    printf("type %d\n", request.ifr_hwaddr.sa_family);
    request.ifr_ifindex = 1;
    result("SIOCGIFNAME", ioctl(fd, SIOCGIFNAME, &request));
    printf("%s\n", request.ifr_name);
    strcpy(request.ifr_name, "nothing");
    result("SIOCGIFINDEX", ioctl(fd, SIOCGIFINDEX, &request));
    printf("if_nametoindex %u\n", if_nametoindex("lo"));
    struct ifaddrs *list;
    result("getifaddrs", getifaddrs(&list));
    for (struct ifaddrs *i = list; i; i = i->ifa_next) {
        char text[64];
        if (strcmp(i->ifa_name, "lo") != 0 || !i->ifa_addr)
            continue;
        if (i->ifa_addr->sa_family == AF_INET)
            printf("lo %s flags %#x\n", inet_ntoa(((struct sockaddr_in *)i->ifa_addr)->sin_addr),
                   i->ifa_flags);
        else if (i->ifa_addr->sa_family == AF_INET6)
            printf("lo %s\n", inet_ntop(AF_INET6, &((struct sockaddr_in6 *)i->ifa_addr)->sin6_addr,
                                        text, sizeof text));
        else
            printf("lo family %d\n", i->ifa_addr->sa_family);
    }
    freeifaddrs(list);
    close(fd);
}

static void multicast(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0), from = socket(AF_INET, SOCK_DGRAM, 0);
    union address a = {.in = {.sin_family = AF_INET}};
    struct ip_mreqn group = {.imr_ifindex = 1};
    inet_pton(AF_INET, "239.1.2.3", &group.imr_multiaddr);
    result("bind", bind(fd, &a.any, sizeof a.in));
    result("leave", setsockopt(fd, IPPROTO_IP, IP_DROP_MEMBERSHIP, &group, sizeof group));
    result("join", setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group));
    result("join again", setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group));
    result("interface", setsockopt(from, IPPROTO_IP, IP_MULTICAST_IF, &group, sizeof group));
    a.in.sin_addr = group.imr_multiaddr;
    a.in.sin_port = htons((uint16_t)port_of(fd));
    result("sendto", sendto(from, "to all", 6, 0, &a.any, sizeof a.in));
    events("data", fd, POLLIN);
    result("recv", recv(fd, buffer, 100, MSG_DONTWAIT));
    result("leave", setsockopt(fd, IPPROTO_IP, IP_DROP_MEMBERSHIP, &group, sizeof group));
    inet_pton(AF_INET, "10.1.2.3", &group.imr_multiaddr);
    result("no group", setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group));
    close(fd);
    close(from);
}

/* The lines of the file about sockets that have the port and this peer's: connections of others may have the same port. */
static void lines_about(const char *path, int port, int peer)
{
    char line[300];
    FILE *file = fopen(path, "r");
    for (int first = 1; file && fgets(line, sizeof line, file); first = 0) {
        char local[40], remote[40];
        unsigned own, other, state, sent, queued;
        if (first)
            printf("%s: %zu bytes in the first line\n", path, strlen(line));
        if (sscanf(line, "%*d: %32[0-9A-F]:%X %32[0-9A-F]:%X %X %X:%X", local, &own, remote, &other,
                   &state, &sent, &queued) != 7)
            continue;
        if (own == (unsigned)port && other == (unsigned)peer &&
            state != 6) /* TIME_WAIT of another connection */
            printf("  %s from %s, state %u, queues %u %u, %zu bytes\n", local, remote, state, sent,
                   queued,
                   family == AF_INET ? strlen(line)
                                     : 0); /* lines of IPv6 are as long as their numbers */
    }
    if (file)
        fclose(file);
}

static void listings(void)
{
    int l = socket(family, SOCK_STREAM, 0), u = bound(), c = socket(family, SOCK_STREAM, 0), port;
    union address a;
    socklen_t size = loopback(&a, 0);
    bind(l, &a.any, size);
    listen(l, 5);
    port = port_of(l);
    lines_about(family == AF_INET ? "/proc/net/tcp" : "/proc/net/tcp6", port, 0);
    size = loopback(&a, port);
    connect(c, &a.any, size);
    int end = accept(l, NULL, NULL);
    result("send", send(c, "four", 4, 0));
    events("data", end, POLLIN);
    lines_about(family == AF_INET ? "/proc/net/tcp" : "/proc/net/tcp6", port_of(c), port);
    lines_about(family == AF_INET ? "/proc/net/udp" : "/proc/net/udp6", port_of(u), 0);
    close(l);
    close(u);
    close(c);
    close(end);
}

static unsigned short checksum(const void *bytes, size_t size)
{
    unsigned sum = 0;
    for (size_t i = 0; i + 1 < size; i += 2)
        sum += ((const unsigned short *)bytes)[i / 2];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (unsigned short)~sum;
}

static void raw(void)
{
    family = AF_INET;
    int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    if (fd < 0) {
        result("raw", fd);
        return;
    }
    struct {
        struct icmphdr head;
        char data[8];
    } echo = {.head = {.type = ICMP_ECHO, .un.echo = {1, htons(1)}}};
    union address to;
    echo.head.checksum = checksum(&echo, sizeof echo);
    loopback(&to, 0);
    int filter = ~(1 << ICMP_ECHOREPLY);
    result("ICMP_FILTER", setsockopt(fd, SOL_RAW, 1, &filter, sizeof filter));
    result("sendto", sendto(fd, &echo, sizeof echo, 0, &to.any, sizeof to.in));
    events("reply", fd, POLLIN);
    result("recv", recv(fd, buffer, sizeof buffer, 0));
    printf("version %#x, protocol %d, type %d\n", buffer[0], buffer[9], buffer[20]);
    result("recv", recv(fd, buffer, sizeof buffer, MSG_DONTWAIT));
    close(fd);
}

int main(void)
{
    static const int families[] = {AF_INET, AF_INET6};
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < 2; i++) {
        family = families[i];
        printf("== family %d\n", family);
        datagrams();
        connected();
        overflowed();
        controls();
        many();
        addresses();
        options();
        options_of_ip();
        other_options();
        listings();
    }
    interfaces();
    multicast();
    raw();
    return 0;
}
