/* SPDX-License-Identifier: MIT */
/*
 * Stream sockets (tcp(7)): tcp.c has connections, tcp_data.c what flows in them, tcp_urgent.c the urgent byte,
 * tcp_option.c the options.
 *
 *   listener --group--> tcp_group --pcb--> lwIP's listening pcb     several listeners with SO_REUSEPORT share one
 *      |--waiting--> tcp_socket -> tcp_socket                       connections that are not accepted yet
 *
 * A connection that lwIP has ended (a reset, a time-out, both sides closed) has no pcb any more. Received segments stay in
 * the card's buffers until the program reads them.
 */
#pragma once

#include "net/inet/inet.h"

#include <lwip/tcp.h>

#define TCP_WINDOW_FIRST 65535u /* until the program has shown that it reads */

enum tcp_condition {
    TCP_UNUSED, /* no connection yet, or none any more: TCP_CLOSE of Linux */
    TCP_LISTENS,
    TCP_STARTS, /* SYN_SENT */
    TCP_OPEN,   /* established, or half closed */
};

enum tcp_use { /* as Linux's socket->state: what the program has seen of connect() */
    TCP_UNCONNECTED,
    TCP_CONNECTING,
    TCP_CONNECTED,
};

enum tcp_urgency {
    TCP_NOT_URGENT,
    TCP_URGENT,      /* a byte is, or will be when it comes */
    TCP_URGENT_READ, /* by MSG_OOB; it is in the stream still */
};

struct tcp_group {
    struct tcp_pcb *pcb;
    struct list members; /* struct tcp_socket.group_link */
    uint32_t count;
};

struct tcp_socket {
    struct inet_socket inet;
    struct tcp_pcb *pcb;
    uint8_t condition, use;
    uint8_t soft_error; /* E_*, from ICMP */
    bool
        full; /* tcp_write() had no memory: no POLLOUT before the peer has acknowledged something */
    bool ended;       /* the peer's FIN came */
    uint8_t withheld; /* not 0: bytes wait for MSG_MORE or TCP_CORK to end; ticks since then */
    uint8_t quick;    /* segments to acknowledge at once, before the program reads them */
    uint8_t heard;    /* segments since the program sent something */
    bool answers;     /* the program answers what comes: acknowledgements wait for the answer */
    uint32_t
        window; /* the receive window; it grows as the program reads, unless SO_RCVBUF is set */
    uint32_t read_on;    /* bytes that were read since it grew last */
    struct pbuf *gather; /* NULL, or the last received: small segments are copied into it */
    bool immature;       /* TCP_DEFER_ACCEPT: in the listener's immature_ones, as no byte came */
    struct pbuf *first, **last; /* received; `next` links all, whatever their segment */
    uint32_t at;                /* bytes of the first that were read */
    uint32_t queued;            /* bytes to read */
    uint8_t urgent;             /* enum tcp_urgency */
    uint32_t urgent_at;         /* bytes to read before the urgent one */
    /* Listeners, and connections in their queues: */
    struct tcp_group *group;
    struct list group_link;
    struct tcp_socket *listener;
    struct list waiting, immature_ones; /* waiting_link */
    struct list waiting_link;
    uint32_t waiting_count, backlog;
    struct tcp_options {
        int32_t no_delay, cork, max_segment, keep_idle, keep_interval, keep_count, syn_count,
            linger2, defer_accept, window_clamp, quick_ack, user_timeout, fast_open,
            fast_open_connect, not_sent_low, save_syn, repair;
        char congestion[16];
    } options;
};

static inline struct tcp_socket *tcp_of(struct socket *socket)
{
    return (struct tcp_socket *)(uintptr_t)socket;
}

/* tcp.c */
/* connect() without the wait; for MSG_FASTOPEN too. */
MUST_CHECK enum err tcp_begin(struct tcp_socket *t, const struct socket_address *address);
/* Passes the options on to the pcb, if there is one. */
void tcp_apply_options(struct tcp_socket *t) REQUIRES(net_lock);
void tcp_apply_window(struct tcp_socket *t) REQUIRES(net_lock);
/* The FIN of a connection, in order: no more is received. */
void tcp_end_of_input(struct tcp_socket *t) REQUIRES(net_lock);
/* A connection under TCP_DEFER_ACCEPT is ready to be accepted. */
void tcp_mature(struct tcp_socket *t);

/* tcp_data.c */
enum err tcp_send(struct socket *socket, struct socket_message *message);
enum err tcp_receive(struct socket *socket, struct socket_message *message);
uint32_t tcp_poll_events(struct socket *socket);
enum err tcp_queued(struct socket *socket, bool out, uint32_t *bytes);
/* lwIP's callbacks of a connection. */
void tcp_watch(struct tcp_socket *t) REQUIRES(net_lock);
void tcp_unwatch(struct tcp_socket *t) REQUIRES(net_lock);
void tcp_discard(struct tcp_socket *t) REQUIRES(net_lock); /* what was received */
/* ICMP says that the peer cannot be reached: it ends connect(), and explains a time-out later. */
void tcp_report(struct tcp_pcb *pcb, enum err error) REQUIRES(net_lock);
void tcp_push(struct tcp_socket *t) REQUIRES(net_lock); /* sends what is withheld */

/* The socket of a connection; NULL: it has none any more. */
struct tcp_socket *tcp_socket_of(const struct tcp_pcb *pcb) REQUIRES(net_lock);
/* Takes a byte out of what was received. */
void tcp_drop_byte(struct tcp_socket *t) REQUIRES(net_lock);

/* tcp_urgent.c */
/* recv() with MSG_OOB; does not wait. O(segments to read). */
enum err tcp_receive_urgent(struct tcp_socket *t, struct socket_message *message);
bool tcp_at_mark(struct socket *socket);
/* True if the next byte is the urgent one, which a read leaves out. */
bool tcp_at_hole(const struct tcp_socket *t);
/* Bytes to read before the urgent one, if it has come and is not read in line; else all. */
uint32_t tcp_before_mark(const struct tcp_socket *t);
bool tcp_has_urgent(const struct tcp_socket *t); /* POLL_PRI */
/* That many bytes were read. */
void tcp_pass_mark(struct tcp_socket *t, uint32_t bytes);

/* tcp_option.c */
void tcp_options_init(struct tcp_options *options);
enum err tcp_set_option(struct socket *socket, const struct socket_option *option);
enum err tcp_get_option(struct socket *socket, struct socket_option *option);
void tcp_changed(struct socket *socket);
/* Linux's number of the state: 10 for a listener, 7 for a socket without a connection. */
uint8_t tcp_state_number(const struct tcp_socket *t);
