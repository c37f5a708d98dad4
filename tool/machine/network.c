/* SPDX-License-Identifier: MIT */
#include "machine/network.h"
#include "host/fail.h"
#include "host/file.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOOPBACK       "127.0.0.1" /* a port is this computer's own unless an address is given */
#define GUEST          "10.0.2.15" /* what QEMU's user network expects */
#define BACKLOG        4096

#define WIDEN_TRIES    200
#define WIDEN_PAUSE_MS 5

/* The port number before `end`; -1: none. */
static long port_number(const char *text, const char *end)
{
    long value = 0;
    if (text == end || end - text > 5)
        return -1;
    for (; text < end; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        value = value * 10 + (*text - '0');
    }
    return value <= UINT16_MAX ? value : -1;
}

const char *network_add_port(struct network *network, const char *text)
{
    struct network_port port = {0};
    struct in_addr address;
    const char *end = strchr(text, '/');
    if (text[0] == '[')
        return "QEMU's user network forwards ports of IPv4 addresses only";
    if (end && strcmp(end, "/udp") != 0 && strcmp(end, "/tcp") != 0)
        return "after the slash stands udp or tcp";
    port.udp = end && strcmp(end, "/udp") == 0;
    if (!end)
        end = text + strlen(text);
    const char *guest = memrchr(text, ':', (size_t)(end - text));
    if (!guest)
        return "not like 8080:80, the port of this computer and the machine's";
    const char *host = memrchr(text, ':', (size_t)(guest - text));
    host = host ? host + 1 : text;
    long numbers[] = {port_number(host, guest), port_number(guest + 1, end)};
    if (numbers[0] < 0 || numbers[1] < 1)
        return "a port is a number from 1 to 65535 (of this computer also 0: a free one)";
    port.host = (uint16_t)numbers[0];
    port.guest = (uint16_t)numbers[1];
    port.address =
        host > text ? string_format("%.*s", (int)(host - text - 1), text) : string_copy(LOOPBACK);
    if (inet_pton(AF_INET, port.address, &address) != 1) {
        free(port.address);
        return "before the ports stands an IPv4 address of this computer, or nothing";
    }
    network->port = memory_resize(network->port, (network->ports + 1) * sizeof(port));
    network->port[network->ports++] = port;
    return NULL;
}

const char *network_choose(struct network *network, const char *text)
{
    const char *tap = string_starts(text, "tap:") ? text + 4 : NULL;
    if (strcmp(text, "none") == 0) {
        network->kind = NETWORK_NONE;
    } else if (strcmp(text, "user") == 0) {
        network->kind = NETWORK_USER;
    } else if (tap) {
        if (*tap == '\0' || strlen(tap) >= IFNAMSIZ || strpbrk(tap, "/, \t\n"))
            return "not the name of a tap device";
        network->kind = NETWORK_TAP;
        network->tap = tap;
    } else {
        return "the choice is between none, user and tap:NAME";
    }
    return NULL;
}

const char *network_refusal(const struct network *network)
{
    if (network->ports > 0 && network->kind == NETWORK_NONE)
        return "--port needs a network card: leave out --net none";
    if (network->ports > 0 && network->kind == NETWORK_TAP)
        return "--port is for --net user: with a tap device the machine has an address of its own";
    if (network->dump && network->kind == NETWORK_NONE)
        return "--net-dump needs a network card: leave out --net none";
    return NULL;
}

NORETURN static void fail_port(const struct network_port *port)
{
    const char *kind = port->udp ? "UDP port" : "port";
    if (errno == EADDRINUSE)
        fail(STATUS_FAILED, "%s %u of this computer is taken: choose another one with --port", kind,
             port->host);
    if (errno == EACCES)
        fail(STATUS_FAILED, "%s %u of this computer is for root only: choose one from 1024 on",
             kind, port->host);
    if (errno == EADDRNOTAVAIL)
        fail(STATUS_FAILED, "--port %s: not an address of this computer", port->address);
    fail_errno("cannot use %s %u of %s", kind, port->host, port->address);
}

/* Returns the bound socket. */
static int take_port(struct network_port *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port->host)};
    socklen_t size = sizeof(at);
    int on = 1, type = port->udp ? SOCK_DGRAM : SOCK_STREAM;
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    inet_pton(AF_INET, port->address, &at.sin_addr);
    if (fd < 0)
        fail_errno("cannot create a socket");
    if (!port->udp) /* as QEMU: connections that have ended do not count */
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&at, size) != 0 || (!port->udp && listen(fd, 1) != 0) ||
        getsockname(fd, (struct sockaddr *)&at, &size) != 0)
        fail_port(port);
    port->chosen = port->host == 0;
    port->host = ntohs(at.sin_port);
    return fd;
}

void network_take_ports(struct network *network)
{
    int *taken = memory(network->ports * sizeof(int) + 1);
    if (network->kind == NETWORK_TAP && if_nametoindex(network->tap) == 0)
        fail(STATUS_FAILED, "there is no tap device %s: `ip tuntap add mode tap name %s` makes one",
             network->tap, network->tap);
    if (network->dump)
        file_write(network->dump, "");
    for (size_t i = 0; i < network->ports; i++)
        taken[i] = take_port(&network->port[i]);
    for (size_t i = 0; i < network->ports; i++)
        close(taken[i]);
    free(taken);
}

void network_tell(const struct network *network)
{
    for (size_t i = 0; i < network->ports; i++) {
        const struct network_port *port = &network->port[i];
        bool own = strcmp(port->address, LOOPBACK) == 0;
        bool web =
            !port->udp && own && (port->guest == 80 || port->guest == 8000 || port->guest == 8080);
        if (!port->chosen && !isatty(STDERR_FILENO))
            continue;
        if (web)
            warn("http://localhost:%u: port %u of this computer is port %u of the machine",
                 port->host, port->host, port->guest);
        else
            warn("%s %u of %s is port %u of the machine", port->udp ? "UDP port" : "port",
                 port->host, own ? "this computer" : port->address, port->guest);
    }
}

/* True if the socket listens at one of the ports. */
static bool listens_at_port(const struct network *network, int fd)
{
    struct sockaddr_in at = {0};
    socklen_t size = sizeof(at), one = sizeof(int);
    int listens = 0;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &one) != 0 || !listens ||
        getsockname(fd, (struct sockaddr *)&at, &size) != 0 || at.sin_family != AF_INET)
        return false;
    for (size_t i = 0; i < network->ports; i++)
        if (!network->port[i].udp && network->port[i].host == ntohs(at.sin_port))
            return true;
    return false;
}

/* A second listen() of a socket that listens sets its backlog. Returns the number of sockets of the process; -1: they
 * cannot be had. O(its descriptors). */
static int widen_sockets(const struct network *network, pid_t pid, int process)
{
    char *path = string_format("/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    const struct dirent *entry;
    int found = folder ? 0 : -1;
    while (found >= 0 && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        int fd = (int)syscall(SYS_pidfd_getfd, process, atoi(entry->d_name), 0);
        if (fd < 0 && errno != EBADF)
            found = -1;
        else if (fd >= 0 && listens_at_port(network, fd))
            found += listen(fd, BACKLOG) == 0;
        if (fd >= 0)
            close(fd);
    }
    if (folder)
        closedir(folder);
    free(path);
    return found;
}

void network_widen(const struct network *network, pid_t qemu)
{
    int wanted = 0, found = 0, process = -1;
    for (size_t i = 0; i < network->ports; i++)
        wanted += !network->port[i].udp;
    if (wanted > 0)
        process = (int)syscall(SYS_pidfd_open, qemu, 0);
    for (int tries = 0; process >= 0 && tries < WIDEN_TRIES; tries++) {
        found = widen_sockets(network, qemu, process);
        struct pollfd ended = {process, POLLIN, 0};
        if (found < 0 || found >= wanted || poll(&ended, 1, WIDEN_PAUSE_MS) > 0)
            break;
    }
    if (process >= 0)
        close(process);
}

char *network_netdev(const struct network *network)
{
    struct text out = {0};
    if (network->kind == NETWORK_TAP) {
        text_format(&out, "tap,id=net,ifname=%s,script=no,downscript=no", network->tap);
        return out.bytes;
    }
    text_string(&out, "user,id=net");
    for (size_t i = 0; i < network->ports; i++) {
        const struct network_port *port = &network->port[i];
        text_format(&out, ",hostfwd=%s:%s:%u-" GUEST ":%u", port->udp ? "udp" : "tcp",
                    port->address, port->host, port->guest);
    }
    return out.bytes;
}

const char *network_word(const struct network *network)
{
    if (network->kind == NETWORK_USER)
        return "ip=" GUEST "/24,gw=10.0.2.2,dns=10.0.2.3,host=10.0.2.2";
    return network->kind == NETWORK_NONE ? NETWORK_WORD_NONE : NULL;
}
