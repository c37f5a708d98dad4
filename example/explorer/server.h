/* SPDX-License-Identifier: MIT */
/*
 * The web server: one thread, one poll() loop. A client cannot stop it: connections, requests and answers have limits, each
 * state of a connection a deadline, and where all connections are taken, a new one takes the place of the one
 * that has been silent for longest.
 */
#pragma once

#include "http.h"
#include "json.h"

#define SERVER_CONNECTIONS 64

struct answer {
    int status;
    const char *type;
    char *bytes; /* malloc'ed if `own` */
    size_t size;
    bool own;
};

typedef void (*server_handler)(const struct http_request *request, struct answer *out);

/* Returns the listening socket; -1 with errno. */
int server_listen(uint32_t address, uint16_t port);
/* Serves forever. `tick` is called between events; true: again within 50 ms. */
void server_run(int listener, server_handler handler, bool (*tick)(void));
