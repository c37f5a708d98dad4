/* SPDX-License-Identifier: MIT */
/*
 * The machine's network: which card QEMU gives it, and which ports of this computer lead to ports of the machine.
 *
 * Without --net and --port the machine has a card of the user network if its program, or a library packed with it, can
 * open a socket: a card costs 2 % of the time to boot, which a program without sockets need not pay.
 */
#pragma once

#include "host/text.h"

#include <stdint.h>
#include <sys/types.h>

enum network_kind {
    NETWORK_AUTOMATIC, /* not chosen yet */
    NETWORK_NONE,
    NETWORK_USER, /* QEMU's own: the machine reaches what this computer reaches */
    NETWORK_TAP,  /* a tap device of this computer */
};

struct network_port {
    char *address;  /* of this computer */
    uint16_t host;  /* 0: any that is free, until network_take_ports() */
    uint16_t guest; /* of the machine */
    bool udp, chosen;
};

struct network {
    enum network_kind kind;
    const char *tap;  /* the device's name */
    const char *dump; /* --net-dump; NULL: none */
    struct network_port *port;
    size_t ports;
};

/* The values of --port and --net. NULL, or why the value is none. */
const char *network_add_port(struct network *network, const char *text);
const char *network_choose(struct network *network, const char *text);
/* NULL, or why the options do not go together. */
const char *network_refusal(const struct network *network);

/* Fails the tool if a port of this computer is taken, the tap device is missing, or the dump cannot be written. Chooses
 * the ports that may be any. */
void network_take_ports(struct network *network);
/* Says which ports lead into the machine, on a terminal; elsewhere only those that were chosen here. */
void network_tell(const struct network *network);

/* Lets many connections wait at the forwarded ports of the QEMU that has just started: QEMU's own backlog is one, and this
 * computer would drop those that come at the same time for a second or longer. Waits until QEMU listens, at most 1 s;
 * where this computer forbids it (pidfd_getfd(2)) nothing changes. */
void network_widen(const struct network *network, pid_t qemu);

/* The value of QEMU's -netdev. */
char *network_netdev(const struct network *network);
/* The kernel looks for no card. */
#define NETWORK_WORD_NONE "ip=off"
/* The kernel word with the machine's address; NULL: it asks for one. */
const char *network_word(const struct network *network);
