/* SPDX-License-Identifier: MIT */
#include "bench/bench_traffic.h"
#include "host/text.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64
#define VALUE           100
#define SETS            10 /* one request in as many */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int connected(uint16_t port)
{
    const struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval limit = {.tv_sec = 20};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0)
        return fd;
    close(fd);
    return -1;
}

struct client {
    int fd;
    unsigned requests;
    char answer[256];
    size_t length;
};

/* The next request and the whole of its answer. */
static const char *request(unsigned number, bool answer)
{
    static char get[VALUE + 64], set[VALUE + 64];
    char value[VALUE + 1];
    memset(value, 'v', VALUE);
    value[VALUE] = '\0';
    snprintf(get, sizeof(get), "VALUE key 0 %d\r\n%s\r\nEND\r\n", VALUE, value);
    snprintf(set, sizeof(set), "set key 0 0 %d\r\n%s\r\n", VALUE, value);
    if (number % SETS == 0)
        return answer ? "STORED\r\n" : set;
    return answer ? get : "get key\r\n";
}

static bool client_send(struct client *client)
{
    const char *text = request(client->requests, false);
    client->length = 0;
    return write(client->fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* False if an answer is wrong. *done counts the answers. */
static bool client_receive(struct client *client, uint64_t *done)
{
    const char *wanted = request(client->requests, true);
    ssize_t got =
        read(client->fd, client->answer + client->length, sizeof(client->answer) - client->length);
    if (got <= 0)
        return false;
    client->length += (size_t)got;
    if (client->length < strlen(wanted))
        return true;
    if (client->length != strlen(wanted) || memcmp(client->answer, wanted, client->length) != 0)
        return false;
    client->requests++;
    ++*done;
    return client_send(client);
}

double traffic_memcached(uint16_t port, unsigned connections, double seconds)
{
    struct client *clients = memory(CONNECTIONS_MAX * sizeof(*clients));
    struct pollfd ready[CONNECTIONS_MAX];
    bool good = connections <= CONNECTIONS_MAX;
    uint64_t done = 0;
    for (unsigned i = 0; i < connections && good; i++) {
        clients[i].fd = connected(port);
        ready[i] = (struct pollfd){clients[i].fd, POLLIN, 0};
        good = clients[i].fd >= 0 && client_send(&clients[i]);
    }
    double start = now(), end = start + seconds;
    while (good && now() < end) {
        good = poll(ready, connections, 20000) > 0;
        for (unsigned i = 0; i < connections && good; i++)
            good = ready[i].revents == 0 || client_receive(&clients[i], &done);
    }
    double rate = good ? (double)done / (now() - start) : 0;
    for (unsigned i = 0; i < connections; i++)
        if (clients[i].fd > 0)
            close(clients[i].fd);
    free(clients);
    return rate;
}

static double bulk(uint16_t port, double seconds, bool reads)
{
    static char bytes[256 << 10];
    int fd = connected(port);
    double start = now(), end = start + seconds, sum = 0;
    while (fd >= 0 && now() < end) {
        ssize_t moved = reads ? read(fd, bytes, sizeof(bytes)) : write(fd, bytes, sizeof(bytes));
        if (moved <= 0) {
            sum = 0;
            break;
        }
        sum += (double)moved;
    }
    double rate = sum / (now() - start);
    close(fd);
    return rate;
}

double traffic_read(uint16_t port, double seconds)
{
    return bulk(port, seconds, true);
}

double traffic_write(uint16_t port, double seconds)
{
    return bulk(port, seconds, false);
}

double traffic_busy_ns(uint16_t port)
{
    char text[64] = "";
    unsigned long long clock, idle;
    size_t length = 0;
    ssize_t got = 1;
    int fd = connected(port);
    while (fd >= 0 && got > 0 && length < sizeof(text) - 1) {
        got = read(fd, text + length, sizeof(text) - 1 - length);
        length += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    return sscanf(text, "%llu %llu", &clock, &idle) == 2 ? (double)clock - (double)idle * 1e7 : -1;
}
