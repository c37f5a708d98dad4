/* SPDX-License-Identifier: MIT */
/*
 * Sockets of the family AF_UNIX (unix(7)), between unix.c, unix_message.c and unix_gc.c.
 *
 *   client --peer--> server end --peer--> client       two of a pair, and of an accepted connection
 *
 *   listener --waiting--> server ends that nobody has accepted: connect() makes them, and returns
 *
 *   receiver --packets--> [from, bytes, files] -> ...  what was sent and not received
 *
 * What waits to be received is charged to the sender, as on Linux: it may send while its charge is
 * below its SO_SNDBUF.
 *
 * References: one for the file (or the listener's queue), one for each peer pointer to it, each packet
 * from it and each sleeper that looks at it. A socket whose file is gone is `released` and empty.
 */
#pragma once

#include "base/list.h"
#include "fs/socket/socket.h"

enum unix_state {
    UNIX_CLOSED,
    UNIX_LISTENING,
    UNIX_CONNECTED,
};

struct unix_socket {
    struct socket socket;
    uint32_t references;
    bool released;
    uint8_t state; /* enum unix_state */
    uint8_t shut;  /* SHUT_* */
    struct unix_socket *peer;
    struct list packets; /* struct unix_packet.link */
    uint32_t packet_count;
    uint64_t charge;     /* of packets from here, wherever they wait */
    struct list waiting; /* struct unix_socket.waiting_link */
    struct list waiting_link;
    uint32_t waiting_count, backlog;
    struct socket_address *name; /* heap; NULL: unnamed */
    struct inode *inode;         /* that it is bound to; one reference */
    struct list abstract_link;   /* of all abstract names */
    struct fs_credentials credentials, peer_credentials;
    /* unix_gc.c: */
    struct list flight_link;
    uint32_t in_flight;     /* references that packets hold to the file */
    uint32_t inner_flights; /* while collecting: those that other candidates hold */
    bool candidate;
};

struct unix_packet {
    struct list link;
    struct unix_socket *from; /* one reference */
    struct socket_files *files;
    struct fs_credentials credentials; /* pid 0: nobody asked for them */
    uint32_t size, at;                 /* bytes; those that a stream has received */
    uint8_t bytes[];
};

static inline struct unix_socket *unix_of(struct socket *socket)
{
    return (struct unix_socket *)(uintptr_t)socket;
}

void unix_get(struct unix_socket *u);
void unix_put(struct unix_socket *u); /* NULL is allowed */
/* The socket that has the name, for whoever may write there. *out: one reference. E_CONNREFUSED,
 * E_PROTOTYPE, errors of paths. */
MUST_CHECK enum err unix_find(const struct unix_socket *asker, const struct socket_address *address,
                              struct unix_socket **out);
/* A name of its own for a sender that must have one (SO_PASSCRED). E_NOMEM. */
MUST_CHECK enum err unix_autobind(struct unix_socket *u);
/* A datagram socket has no peer any more. */
void unix_disconnect(struct unix_socket *u);

enum err unix_send(struct socket *socket, struct socket_message *message);
enum err unix_receive(struct socket *socket, struct socket_message *message);
uint32_t unix_poll(struct socket *socket);
enum err unix_queued(struct socket *socket, bool out, uint32_t *bytes);
/* Throws away what waits to be received. */
void unix_purge(struct unix_socket *u);

/* The files were put into a packet, or taken out. */
void unix_gc_begin(const struct socket_files *files);
void unix_gc_end(const struct socket_files *files);
/* Sockets that only packets in each other's queues refer to are emptied. */
void unix_gc_collect(void);
/* Frees packets with their files; files that are sockets with packets do not make it recurse. */
void unix_packets_free(struct list *packets);
