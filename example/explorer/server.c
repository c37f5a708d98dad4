/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define REQUEST_MS 10000 /* for a whole request, from its first byte */
#define IDLE_MS    30000 /* between requests */
#define ANSWER_MS  30000 /* for a whole answer */
#define TICK_MS    50

struct connection {
    int fd; /* -1: free */
    char in[HTTP_REQUEST_MAX];
    size_t in_size;
    char head[HTTP_HEAD_MAX];
    size_t head_size, sent; /* `sent` of head and answer together */
    struct answer answer;
    bool answering, closes, head_only;
    int64_t deadline; /* ms */
    int64_t heard;    /* ms: the last progress */
};

static struct connection connections[SERVER_CONNECTIONS];

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int server_listen(uint32_t address, uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    at.sin_addr.s_addr = htonl(address);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 128) == 0)
        return fd;
    close(fd);
    return -1;
}

static void drop_answer(struct connection *c)
{
    if (c->answer.own)
        free(c->answer.bytes);
    c->answer = (struct answer){0};
    c->answering = false;
}

static void end(struct connection *c)
{
    drop_answer(c);
    close(c->fd);
    c->fd = -1;
}

static void start_answer(struct connection *c, const struct http_request *request,
                         server_handler handler, int64_t now)
{
    c->answer = (struct answer){.status = 404, .type = "text/plain; charset=utf-8"};
    if (request->refusal != 0)
        c->answer.status = request->refusal;
    else
        handler(request, &c->answer);
    c->closes = !request->keep_alive;
    c->head_only = request->refusal == 0 && request->method == HTTP_HEAD;
    c->head_size = http_head(c->head, c->answer.status, c->answer.type, c->answer.size, !c->closes);
    c->sent = 0;
    c->answering = true;
    c->deadline = now + ANSWER_MS;
}

/* Sends what the socket takes. False: the connection has ended. */
static bool send_answer(struct connection *c, int64_t now)
{
    size_t total = c->head_size + (c->head_only ? 0 : c->answer.size);
    while (c->sent < total) {
        size_t of_head = c->sent < c->head_size ? c->sent : c->head_size, body = c->sent - of_head;
        struct iovec parts[] = {
            {c->head + of_head, c->head_size - of_head},
            {c->answer.bytes + body, total - c->head_size - body},
        };
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
        ssize_t done = sendmsg(c->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (done < 0)
            return errno == EAGAIN || errno == EINTR;
        c->sent += (size_t)done;
        c->heard = now;
    }
    drop_answer(c);
    if (c->closes)
        shutdown(c->fd, SHUT_WR);
    return !c->closes;
}

/* Answers the requests that are complete, in order. False: the connection has ended. */
static bool serve_requests(struct connection *c, server_handler handler, int64_t now)
{
    while (!c->answering && c->in_size > 0) {
        struct http_request request;
        if (http_parse(c->in, c->in_size, &request) == HTTP_MORE)
            return true;
        size_t used = request.refusal != 0 ? c->in_size : request.size;
        start_answer(c, &request, handler, now);
        memmove(c->in, c->in + used, c->in_size - used);
        c->in_size -= used;
        if (!send_answer(c, now))
            return false;
        if (!c->answering)
            c->deadline = now + (c->in_size > 0 ? REQUEST_MS : IDLE_MS);
    }
    return true;
}

/* False: the connection has ended. */
static bool receive(struct connection *c, server_handler handler, int64_t now)
{
    ssize_t got = recv(c->fd, c->in + c->in_size, sizeof c->in - c->in_size, MSG_DONTWAIT);
    if (got <= 0)
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    if (c->in_size == 0) /* not moved on by each further byte */
        c->deadline = now + REQUEST_MS;
    c->in_size += (size_t)got;
    c->heard = now;
    return serve_requests(c, handler, now);
}

/* A free place, or that of the connection that has been silent for longest. */
static struct connection *place_for_one(void)
{
    struct connection *best = &connections[0];
    for (struct connection *c = connections; c < connections + SERVER_CONNECTIONS; c++) {
        if (c->fd < 0)
            return c;
        if (c->heard < best->heard)
            best = c;
    }
    end(best);
    return best;
}

static void accept_all(int listener, int64_t now)
{
    int on = 1;
    for (unsigned n = 0; n < SERVER_CONNECTIONS; n++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        struct connection *c = place_for_one();
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        c->fd = fd;
        c->in_size = 0;
        c->heard = now;
        c->deadline = now + REQUEST_MS;
    }
}

static void serve(struct connection *c, short events, server_handler handler, int64_t now)
{
    bool stays = now < c->deadline;
    if (stays && c->answering && events != 0) {
        stays = send_answer(c, now);
        if (stays && !c->answering) {
            c->deadline = now + IDLE_MS;
            stays = serve_requests(c, handler, now);
        }
    } else if (stays && events != 0) {
        stays = receive(c, handler, now);
    }
    if (!stays)
        end(c);
}

void server_run(int listener, server_handler handler, bool (*tick)(void))
{
    static struct pollfd set[SERVER_CONNECTIONS + 1];
    for (unsigned i = 0; i < SERVER_CONNECTIONS; i++)
        connections[i].fd = -1;
    for (;;) {
        int64_t now = now_ms(), first = tick() ? now + TICK_MS : now + IDLE_MS;
        set[SERVER_CONNECTIONS] = (struct pollfd){.fd = listener, .events = POLLIN};
        for (unsigned i = 0; i < SERVER_CONNECTIONS; i++) {
            const struct connection *c = &connections[i];
            set[i] = (struct pollfd){.fd = c->fd, .events = c->answering ? POLLOUT : POLLIN};
            if (c->fd >= 0 && c->deadline < first)
                first = c->deadline;
        }
        poll(set, SERVER_CONNECTIONS + 1, first > now ? (int)(first - now) : 0);
        now = now_ms();
        for (unsigned i = 0; i < SERVER_CONNECTIONS; i++)
            if (set[i].fd >= 0)
                serve(&connections[i], set[i].revents, handler, now);
        if (set[SERVER_CONNECTIONS].revents != 0)
            accept_all(listener, now);
    }
}
