/* SPDX-License-Identifier: MIT */
/*
 * Sockets of the family AF_UNIX (unix(7)): interface between unix.c, unix_message.c and unix_gc.c.
 *
 *   client --peer--> server end --peer--> client       of a pair, or of an accepted connection
 *
 *   listener --waiting--> server ends                  connections not accepted yet
 *
 *   receiver --packets--> [from, bytes, files] -> ...  sent and not received yet
 *
 * Packets are charged to the sender until they are received, as on Linux: a socket may send while
 * its charge is below its SO_SNDBUF.
 *
 * References: one for the file (or the listener's queue), and one for each peer pointer to the
 * socket, each packet from it and each thread that sleeps on it. A socket whose file is closed is
 * `released` and has no packets.
 */
#pragma once

#include "base/list.h"
#include "fs/socket/socket.h"
#include "fs/vfs/location.h"
#include "mm/heap/hash_table.h"

enum unix_state {
    UNIX_CLOSED,
    UNIX_LISTENING,
    UNIX_CONNECTED,
};

struct unix_socket {
    struct socket socket;
    struct list all; /* in the list of /proc/net/unix */
    uint32_t references;
    bool released;
    bool abstract; /* bound to an abstract name */
    uint8_t state; /* enum unix_state */
    uint8_t shut;  /* SHUT_* */
    struct unix_socket *peer;
    struct list packets; /* struct unix_packet.link */
    /* The urgent byte (MSG_OOB), a packet of its own among them, until it is read; NULL: none. */
    struct unix_packet *urgent;
    uint32_t packet_count;
    uint64_t charge;     /* bytes of packets sent and not received */
    struct list waiting; /* struct unix_socket.waiting_link */
    struct list waiting_link;
    uint32_t waiting_count, backlog;
    /* Senders and callers of connect() that wait for room in this socket's queue. */
    struct wait_queue room;
    /* In the peer's `room` while that queue is full: passes its wake-ups on to `writable`. */
    struct wait_entry peer_room;
    struct socket_address *name;    /* heap; NULL: unnamed */
    struct location bound;          /* the socket is bound to it; with references, or NULL */
    struct hash_link abstract_link; /* in the table of abstract names if `abstract` */
    struct fs_credentials credentials, peer_credentials;
    /* unix_gc.c: */
    struct list flight_link;
    uint32_t in_flight;     /* references to the file from packets */
    uint32_t inner_flights; /* during collection: of these, in queues of candidates */
    bool candidate;
};

struct unix_packet {
    struct list link;
    struct unix_socket *from; /* one reference */
    struct socket_files *files;
    struct fs_credentials credentials; /* pid 0: not recorded */
    uint32_t size, at;                 /* bytes; of these, already received (streams) */
    uint8_t bytes[];
};

static inline struct unix_socket *unix_of(struct socket *socket)
{
    return (struct unix_socket *)(uintptr_t)socket;
}

void unix_get(struct unix_socket *u);
void unix_put(struct unix_socket *u); /* NULL is allowed */
/* The socket with that name; checks permission to write. *out: one reference. E_CONNREFUSED,
 * E_PROTOTYPE, errors of paths. */
MUST_CHECK enum err unix_find(const struct unix_socket *asker, const struct socket_address *address,
                              struct unix_socket **out);
/* Binds the socket to a free abstract name unless it has a name. E_NOMEM. */
MUST_CHECK enum err unix_autobind(struct unix_socket *u);
/* Removes the peer of a datagram socket. */
void unix_disconnect(struct unix_socket *u);

enum err unix_send(struct socket *socket, struct socket_message *message);
enum err unix_receive(struct socket *socket, struct socket_message *message);
bool unix_at_mark(struct socket *socket);
uint32_t unix_poll(struct socket *socket);
enum err unix_queued(struct socket *socket, bool out, uint32_t *bytes);
/* Discards all packets that are not received yet. */
void unix_purge(struct unix_socket *u);

/* Count the files as in flight when they are put into a packet; no longer when taken out. */
void unix_gc_begin(const struct socket_files *files);
void unix_gc_end(const struct socket_files *files);
/* Empties sockets that are referred to only by packets in each other's queues. */
void unix_gc_collect(void);
/* Frees packets with their files. Does not recurse into the packets of sockets among the files. */
void unix_packets_free(struct list *packets);
