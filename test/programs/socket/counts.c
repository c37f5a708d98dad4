/* SPDX-License-Identifier: MIT */
/* /proc/net/raw, raw6, snmp, netstat: their form, and that they count. */
#define _GNU_SOURCE
#pragma GCC diagnostic ignored "-Wunused-result"
#include "internet.h"

#include <stdlib.h>

static char text[65536];

static void load(const char *path)
{
    int fd = open(path, O_RDONLY);
    ssize_t size = 0, n;
    while ((n = read(fd, text + size, sizeof text - 1 - (size_t)size)) > 0)
        size += n;
    text[size > 0 ? size : 0] = 0;
    close(fd);
}

/* The value of a name in a line pair of /proc/net/snmp; -1: there is none. */
static long value(const char *protocol, const char *name)
{
    char line[32], *names, *values, *a, *b;
    snprintf(line, sizeof line, "%s: ", protocol);
    load(strcmp(protocol, "TcpExt") == 0 ? "/proc/net/netstat" : "/proc/net/snmp");
    names = strstr(text, line);
    if (!names || !(values = strchr(names, '\n')) || strncmp(values + 1, line, strlen(line)) != 0)
        return -1;
    *values++ = 0;
    *strchr(values, '\n') = 0;
    for (a = strtok_r(names, " ", &names), b = strtok_r(values, " ", &values); a && b;
         a = strtok_r(NULL, " ", &names), b = strtok_r(NULL, " ", &values))
        if (strcmp(a, name) == 0)
            return atol(b);
    return -1;
}

/* Our line of /proc/net/raw, without its number, which is random since Linux 6.3, and without the inode. */
static void raw(int family_of, const char *path)
{
    family = family_of;
    int fd = socket(family, SOCK_RAW, 200), six = family == AF_INET6;
    if (fd < 0) {
        printf("%s: errno %d\n", path, errno);
        return;
    }
    load(path);
    char *line = strstr(text, six ? " 00000000000000000000000000000000:00C8" : " 00000000:00C8");
    printf("%.*s\n", (int)strcspn(text, "\n"), text);
    if (line)
        printf("%.*s\n", six ? 114 : 69, line);
    union address a;
    socklen_t size = loopback(&a, 0);
    connect(fd, &a.any, size);
    load(path);
    line = strstr(text, six ? " 00000000000000000000000001000000:00C8" : " 0100007F:00C8");
    if (line)
        printf("%.*s\n", six ? 114 : 69, line);
    close(fd);
}

int main(void)
{
    static const char *const names[][2] = {
        {"Tcp", "ActiveOpens"},     {"Tcp", "PassiveOpens"}, {"Tcp", "InSegs"},
        {"Tcp", "OutSegs"},         {"Tcp", "OutRsts"},      {"Udp", "InDatagrams"},
        {"Udp", "OutDatagrams"},    {"Udp", "NoPorts"},      {"Ip", "InReceives"},
        {"Ip", "InDelivers"},       {"Ip", "OutRequests"},   {"TcpExt", "ListenOverflows"},
        {"Icmp", "OutDestUnreachs"}};
    enum {
        COUNT = sizeof names / sizeof names[0]
    };
    long before[COUNT];
    int ends[2];
    raw(AF_INET, "/proc/net/raw");
    raw(AF_INET6, "/proc/net/raw6");
    family = AF_INET;
    for (int i = 0; i < COUNT; i++)
        before[i] = value(names[i][0], names[i][1]);
    printf("%ld %ld %ld\n", value("Ip", "DefaultTTL"), value("Tcp", "MaxConn"),
           value("UdpLite", "InErrors"));
    pair(ends);
    send(ends[0], "x", 1, 0);
    recv(ends[1], text, 1, 0);
    printf("open %d\n", value("Tcp", "CurrEstab") >= 2);
    close(ends[0]);
    close(ends[1]);
    /* Nobody listens: a reset, and an ICMP message. */
    int l = listener(0), port = port_of(l),
        d[2] = {socket(AF_INET, SOCK_DGRAM, 0), socket(AF_INET, SOCK_DGRAM, 0)};
    for (int i = 0; i < 4; i++) {
        ends[0] = new_socket(SOCK_NONBLOCK);
        connect_to(ends[0], port); /* the queue has room for one */
    }
    usleep(100000);
    printf("overflows %d\n", value("TcpExt", "ListenOverflows") > before[11]);
    close(l);
    int one = new_socket(0);
    connect_to(one, port);
    connect_to(d[0], port);
    send(d[0], "x", 1, 0);
    usleep(20000);
    error_of(d[0]);
    union address a;
    socklen_t size = loopback(&a, 0);
    bind(d[1], &a.any, size);
    connect_to(d[0], port_of(d[1]));
    send(d[0], "y", 1, 0);
    recv(d[1], text, 1, 0);
    for (int i = 0; i < COUNT; i++)
        printf("%s %s %d\n", names[i][0], names[i][1], value(names[i][0], names[i][1]) > before[i]);
    return 0;
}
