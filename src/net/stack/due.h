/* SPDX-License-Identifier: MIT */
/*
 * When a connection's clock has something to do: a retransmission, a probe of a closed window, a keepalive, a time-out. A
 * wheel of ticks (200 ms) has the connections by the tick in which they are looked at, so a tick costs O(connections due)
 * and an idle connection nothing.
 *
 *   a segment in, tcp_output() --net_due_settle()--> counts the ticks since the last look
 *                              --net_due_arm()-----> puts it in the wheel, never later than it is there
 *   tcp_slowtmr()              --net_due_next()----> takes out what is due
 *
 * What should not wait for a tick is in a list of its own, which tcp_fasttmr() empties each 100 ms: delayed
 * acknowledgements, and segments for which the card had no room.
 *
 * Callers: lwIP (cmake/lwip-edits/due.cmake), under net_lock. O(1); net_due_next() amortized.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct tcp_pcb;

/* An acknowledgement waits for so long at least, as Linux's (TCP_DELACK_MIN): what is answered in less needs none of its own. */
#define NET_DUE_ACK_MS 40

/* In struct tcp_pcb. All zero: it waits for nothing. */
struct net_due {
    struct tcp_pcb *next, **before;
    uint32_t tick;    /* in which it is looked at */
    uint32_t settled; /* up to which its counters have counted */
    uint32_t
        progress; /* of the peer's last acknowledgement of something, or when there was nothing to acknowledge */
    uint32_t user_ms; /* TCP_USER_TIMEOUT; 0: none */
    uint32_t came;    /* ms: the segment whose acknowledgement waits */
    uint8_t syn_most; /* TCP_SYNCNT */
    bool soon;        /* in the list of those that do not wait for a tick */
};

void net_due_settle(struct tcp_pcb *pcb);
void net_due_arm(struct tcp_pcb *pcb);
void net_due_remove(struct tcp_pcb *pcb);
/* True if the peer has acknowledged nothing for TCP_USER_TIMEOUT, or no SYN of as many as there may be. */
bool net_due_is_over(const struct tcp_pcb *pcb);
/* Takes out the next one that is due, settled; NULL: there is none, or others have their turn. */
struct tcp_pcb *net_due_next(void);
/* As net_due_next(), of those that do not wait; net_due_begin_soon() first. */
void net_due_begin_soon(void);
struct tcp_pcb *net_due_next_soon(void);
/* True if one of the two has stopped before the last. */
bool net_due_left(void);
