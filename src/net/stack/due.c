/* SPDX-License-Identifier: MIT */
#include "net/stack/due.h"

#include "base/compiler.h"

#include <lwip/priv/tcp_priv.h>

#define WHEEL     256u /* ticks; what is due later is looked at earlier */
#define TURN_MOST 256u /* connections in one go */

static struct tcp_pcb *wheel[WHEEL];
static struct tcp_pcb *now_due;         /* of the ticks up to `wheel_at` */
static struct tcp_pcb *soon, *now_soon; /* now: being looked at */
static u32_t wheel_at;
static unsigned turn; /* looked at since the last pause */

static void link_to(struct tcp_pcb **list, struct tcp_pcb *pcb)
{
    pcb->due.next = *list;
    pcb->due.before = list;
    if (pcb->due.next != NULL)
        pcb->due.next->due.before = &pcb->due.next;
    *list = pcb;
}

/* Makes `to`, which is empty, the list that `from` is. */
static void move_list(struct tcp_pcb **to, struct tcp_pcb **from)
{
    *to = *from;
    *from = NULL;
    if (*to != NULL)
        (*to)->due.before = to;
}

void net_due_remove(struct tcp_pcb *pcb)
{
    struct net_due *due = &pcb->due;
    if (due->before == NULL)
        return;
    *due->before = due->next;
    if (due->next != NULL)
        due->next->due.before = due->before;
    due->before = NULL;
}

void net_due_settle(struct tcp_pcb *pcb)
{
    u32_t ticks = tcp_ticks - pcb->due.settled;
    if (ticks == 0)
        return;
    pcb->due.settled = tcp_ticks;
    if (ticks > WHEEL)
        ticks = WHEEL;
    if (pcb->persist_backoff > 0)
        pcb->persist_cnt = (u8_t)LWIP_MIN(pcb->persist_cnt + ticks, UINT8_MAX);
    else if (pcb->rtime >= 0)
        pcb->rtime = (s16_t)LWIP_MIN((u32_t)pcb->rtime + ticks, INT16_MAX);
    else
        pcb->due.progress = tcp_ticks;
}

/* The earlier one of `ticks` and of what is left until `ms` after the connection's last segment. */
static u32_t until(const struct tcp_pcb *pcb, u32_t ticks, u32_t ms)
{
    u32_t all = ms / TCP_SLOW_INTERVAL + 1, passed = tcp_ticks - pcb->tmr;
    return LWIP_MIN(ticks, passed < all ? all - passed : 1);
}

/* Ticks until there is something to do, as tcp_slowtmr() finds it. */
static u32_t ticks_left(const struct tcp_pcb *pcb)
{
    u32_t ticks = WHEEL - 1;
    if (pcb->persist_backoff > 0) {
        u8_t most = tcp_persist_backoff[pcb->persist_backoff - 1];
        ticks = pcb->persist_cnt < most ? (u32_t)(most - pcb->persist_cnt) : 1;
    } else if (pcb->rtime >= 0) {
        ticks = pcb->rtime < pcb->rto ? (u32_t)(pcb->rto - pcb->rtime) : 1;
    } else if (pcb->unsent != NULL) {
        return 1;
    }
    if (pcb->flags & TF_CORK)
        return 1;
    if (pcb->due.user_ms != 0 && (pcb->rtime >= 0 || pcb->persist_backoff > 0)) {
        u32_t all = pcb->due.user_ms / TCP_SLOW_INTERVAL + 1,
              passed = tcp_ticks - pcb->due.progress;
        ticks = passed >= all ? 1 : LWIP_MIN(ticks, all - passed);
    }
    if (pcb->ooseq != NULL)
        ticks = until(pcb, ticks, (u32_t)pcb->rto * TCP_OOSEQ_TIMEOUT * TCP_SLOW_INTERVAL);
    switch (pcb->state) {
    case ESTABLISHED:
    case CLOSE_WAIT:
        if (ip_get_option(pcb, SOF_KEEPALIVE))
            ticks = until(pcb, ticks, pcb->keep_idle + pcb->keep_cnt_sent * pcb->keep_intvl);
        break;
    case SYN_RCVD:
        return until(pcb, ticks, TCP_SYN_RCVD_TIMEOUT);
    case FIN_WAIT_2:
        if (pcb->flags & TF_RXCLOSED)
            ticks = until(pcb, ticks, TCP_FIN_WAIT_TIMEOUT);
        break;
    case LAST_ACK:
        return until(pcb, ticks, 2 * TCP_MSL);
    default:
        break;
    }
    return ticks;
}

bool net_due_is_over(const struct tcp_pcb *pcb)
{
    const struct net_due *due = &pcb->due;
    if (pcb->state == SYN_SENT && pcb->nrtx >= (due->syn_most != 0 ? due->syn_most : TCP_SYNMAXRTX))
        return true;
    return due->user_ms != 0 && (pcb->rtime >= 0 || pcb->persist_backoff > 0) &&
           (u64_t)(tcp_ticks - due->progress) * TCP_SLOW_INTERVAL >= due->user_ms;
}

void net_due_arm(struct tcp_pcb *pcb)
{
    struct net_due *due = &pcb->due;
    bool waits = due->before != NULL;
    if (pcb->state <= LISTEN || pcb->state == TIME_WAIT) /* the latter have a list by age */
        return;
    if (pcb->flags & (TF_ACK_DELAY | TF_CLOSEPEND | TF_NAGLEMEMERR) || pcb->refused_data != NULL) {
        if (waits && due->soon)
            return;
        net_due_remove(pcb);
        due->soon = true;
        link_to(&soon, pcb);
        return;
    }
    u32_t tick = tcp_ticks + ticks_left(pcb);
    if (tick - wheel_at >= WHEEL)
        tick = wheel_at + WHEEL - 1;
    if (waits && (due->soon || (s32_t)(due->tick - tick) <= 0))
        return;
    net_due_remove(pcb);
    due->soon = false;
    due->tick = tick;
    link_to(&wheel[tick % WHEEL], pcb);
}

static struct tcp_pcb *take(struct tcp_pcb **list)
{
    struct tcp_pcb *pcb = turn < TURN_MOST ? *list : NULL;
    turn = pcb != NULL ? turn + 1 : 0;
    if (pcb != NULL) {
        net_due_remove(pcb);
        net_due_settle(pcb);
    }
    return pcb;
}

struct tcp_pcb *net_due_next(void)
{
    while (now_due == NULL && wheel_at != tcp_ticks)
        move_list(&now_due, &wheel[++wheel_at % WHEEL]);
    return take(&now_due);
}

void net_due_begin_soon(void)
{
    if (now_soon == NULL)
        move_list(&now_soon, &soon);
}

struct tcp_pcb *net_due_next_soon(void)
{
    return take(&now_soon);
}

bool net_due_left(void)
{
    return now_due != NULL || now_soon != NULL;
}
