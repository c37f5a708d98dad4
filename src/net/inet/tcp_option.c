/* SPDX-License-Identifier: MIT */
#include "base/str.h"
#include "net/inet/interface.h"
#include "net/inet/option.h"
#include "net/inet/tcp.h"
#include "net/stack/stack.h"

#include <lwip/priv/tcp_priv.h>

enum {
    TCP_OPTION_NODELAY = 1,
    TCP_OPTION_MAXSEG = 2,
    TCP_OPTION_CORK = 3,
    TCP_OPTION_KEEPIDLE = 4,
    TCP_OPTION_KEEPINTVL = 5,
    TCP_OPTION_KEEPCNT = 6,
    TCP_OPTION_SYNCNT = 7,
    TCP_OPTION_LINGER2 = 8,
    TCP_OPTION_DEFER_ACCEPT = 9,
    TCP_OPTION_WINDOW_CLAMP = 10,
    TCP_OPTION_INFO = 11,
    TCP_OPTION_QUICKACK = 12,
    TCP_OPTION_CONGESTION = 13,
    TCP_OPTION_USER_TIMEOUT = 18,
    TCP_OPTION_FASTOPEN = 23,
    TCP_OPTION_NOTSENT_LOWAT = 25,
    TCP_OPTION_FASTOPEN_CONNECT = 30,
};

#define LEAST_SEGMENT   88
#define MOST_SEGMENT    32767
#define DEFAULT_SEGMENT 536
#define LEAST_WINDOW    4096u /* more than two segments, or lwIP waits for room for one */
#define KEEP_MOST       32767
#define CONGESTION_SIZE 16u
#define SECONDS_MS      1000u

#define AT(member)      offsetof(struct tcp_options, member)

static const struct inet_option tcp_rows[] = {
    {IPPROTO_TCP, TCP_OPTION_NODELAY, OPTION_WORD, AT(no_delay), INT32_MIN, INT32_MAX},
    {IPPROTO_TCP, TCP_OPTION_CORK, OPTION_WORD, AT(cork), INT32_MIN, INT32_MAX},
    {IPPROTO_TCP, TCP_OPTION_KEEPIDLE, OPTION_WORD, AT(keep_idle), 1, KEEP_MOST},
    {IPPROTO_TCP, TCP_OPTION_KEEPINTVL, OPTION_WORD, AT(keep_interval), 1, KEEP_MOST},
    {IPPROTO_TCP, TCP_OPTION_KEEPCNT, OPTION_WORD, AT(keep_count), 1, 127},
    {IPPROTO_TCP, TCP_OPTION_SYNCNT, OPTION_WORD, AT(syn_count), 1, 127},
    {IPPROTO_TCP, TCP_OPTION_LINGER2, OPTION_WORD, AT(linger2), INT32_MIN, INT32_MAX},
    {IPPROTO_TCP, TCP_OPTION_DEFER_ACCEPT, OPTION_WORD, AT(defer_accept), INT32_MIN, INT32_MAX},
    {IPPROTO_TCP, TCP_OPTION_WINDOW_CLAMP, OPTION_WORD, AT(window_clamp), INT32_MIN, INT32_MAX},
    {IPPROTO_TCP, TCP_OPTION_QUICKACK, OPTION_WORD, AT(quick_ack), INT32_MIN, INT32_MAX},
    {IPPROTO_TCP, TCP_OPTION_USER_TIMEOUT, OPTION_WORD, AT(user_timeout), 0, INT32_MAX},
    {IPPROTO_TCP, TCP_OPTION_FASTOPEN, OPTION_WORD, AT(fast_open), 0, INT32_MAX},
    {IPPROTO_TCP, TCP_OPTION_FASTOPEN_CONNECT, OPTION_WORD, AT(fast_open_connect), 0, 1},
    {IPPROTO_TCP, TCP_OPTION_NOTSENT_LOWAT, OPTION_WORD, AT(not_sent_low), INT32_MIN, INT32_MAX},
    {IPPROTO_TCP, TCP_OPTION_MAXSEG, OPTION_WORD, AT(max_segment), LEAST_SEGMENT, MOST_SEGMENT},
};

struct tcp_information { /* struct tcp_info of linux/tcp.h, as far as it is known */
    uint8_t state, congestion_state, retransmits, probes, backoff, options, scales, limited;
    uint32_t rto, ato, snd_mss, rcv_mss;
    uint32_t unacked, sacked, lost, retrans, fackets;
    uint32_t last_data_sent, last_ack_sent, last_data_received, last_ack_received;
    uint32_t pmtu, rcv_ssthresh, rtt, rtt_variation, snd_ssthresh, snd_cwnd, advmss, reordering;
    uint32_t rcv_rtt, rcv_space, total_retrans;
    uint64_t rates[4];
    uint32_t segments[2], not_sent, least_rtt, data_segments[2];
    uint64_t rest[9];
};

void tcp_options_init(struct tcp_options *options)
{
    *options = (struct tcp_options){.keep_idle = 7200,
                                    .keep_interval = 75,
                                    .keep_count = 9,
                                    .syn_count = 6,
                                    .linger2 = 60,
                                    .congestion = "cubic"};
}

void tcp_apply_window(struct tcp_socket *t)
{
    struct tcp_pcb *pcb = t->pcb;
    uint32_t half = t->inet.socket.receive_size / 2, most = t->window;
    if (socket_flag(&t->inet.socket, SO_RCVBUF))
        most = half < LEAST_WINDOW ? LEAST_WINDOW : half < TCP_WND ? half : TCP_WND;
    if (pcb->state == CLOSED)
        pcb->rcv_wnd = pcb->rcv_ann_wnd = TCPWND_MIN16(most);
    else if (most > pcb->wnd_most && (pcb->flags & TF_WND_SCALE))
        pcb->rcv_wnd += most - pcb->wnd_most;
    pcb->wnd_most = most;
}

void tcp_apply_options(struct tcp_socket *t)
{
    struct tcp_pcb *pcb = t->pcb;
    const struct inet_socket *inet = &t->inet;
    bool v6 = inet_is_v6(inet) && !IP_IS_V4_VAL(inet->local.ip);
    if (!pcb || pcb->state == LISTEN)
        return;
    if (t->options.no_delay)
        tcp_nagle_disable(pcb);
    else
        tcp_nagle_enable(pcb);
    if (socket_flag(&inet->socket, SO_REUSEADDR))
        ip_set_option(pcb, INET_PCB_REUSE);
    else
        ip_reset_option(pcb, INET_PCB_REUSE);
    if (socket_flag(&inet->socket, SO_KEEPALIVE))
        ip_set_option(pcb, SOF_KEEPALIVE);
    else
        ip_reset_option(pcb, SOF_KEEPALIVE);
    pcb->keep_idle = (uint32_t)t->options.keep_idle * SECONDS_MS;
    pcb->keep_intvl = (uint32_t)t->options.keep_interval * SECONDS_MS;
    pcb->keep_cnt = (uint32_t)t->options.keep_count;
    pcb->tos = v6 ? inet->traffic_class : inet->tos;
    pcb->ttl = v6 ? inet->hops : inet->ttl;
    pcb->netif_idx = inet->interface;
    if (t->options.max_segment != 0 && pcb->mss > t->options.max_segment)
        pcb->mss = (u16_t)t->options.max_segment;
    pcb->due.user_ms = (uint32_t)t->options.user_timeout;
    pcb->due.syn_most = (uint8_t)t->options.syn_count;
    tcp_apply_window(t);
    net_due_arm(pcb);
}

void tcp_changed(struct socket *socket)
{
    net_lock_take();
    tcp_apply_options(tcp_of(socket));
    net_lock_drop();
}

static enum err set_congestion(struct tcp_socket *t, const struct socket_option *option)
{
    char name[CONGESTION_SIZE] = {0};
    if (option->size < 1)
        return E_INVAL;
    memcpy(name, option->bytes, option->size < sizeof(name) - 1 ? option->size : sizeof(name) - 1);
    if (strcmp(name, "cubic") != 0 && strcmp(name, "reno") != 0)
        return E_NOENT;
    memcpy(t->options.congestion, name, sizeof(name));
    return E_OK;
}

/* The time-outs of the retransmissions after which the listener gives up, as Linux: 1, 3, 7, 15 ... s. */
static int32_t deferral(int32_t seconds)
{
    int32_t period = 1, sum = 0;
    for (; sum < seconds && period < 256; period *= 2)
        sum += period;
    return sum;
}

enum err tcp_set_option(struct socket *socket, const struct socket_option *option)
{
    struct tcp_socket *t = tcp_of(socket);
    if (option->level != IPPROTO_TCP)
        return inet_set_option(socket, option);
    if (option->name == TCP_OPTION_CONGESTION)
        return set_congestion(t, option);
    if (option->name == TCP_OPTION_MAXSEG && option->size >= sizeof(int32_t) &&
        option->number == 0) {
        t->options.max_segment = 0;
        return E_OK;
    }
    enum err e = inet_option_set(tcp_rows, ARRAY_LENGTH(tcp_rows), &t->options, option);
    if (e != E_OK)
        return e;
    struct tcp_options *o = &t->options;
    o->no_delay = o->no_delay != 0;
    o->cork = o->cork != 0;
    o->defer_accept =
        option->name == TCP_OPTION_DEFER_ACCEPT ? deferral(o->defer_accept) : o->defer_accept;
    net_lock_take();
    tcp_apply_options(t);
    if ((option->name == TCP_OPTION_NODELAY && o->no_delay) ||
        (option->name == TCP_OPTION_CORK && !o->cork)) {
        tcp_push(t);
        net_kick();
    }
    net_lock_drop();
    return E_OK;
}

uint8_t tcp_state_number(const struct tcp_socket *t)
{
    static const uint8_t numbers[] = {
        [CLOSED] = 7,      [LISTEN] = 10,    [SYN_SENT] = 2,   [SYN_RCVD] = 3,
        [ESTABLISHED] = 1, [FIN_WAIT_1] = 4, [FIN_WAIT_2] = 5, [CLOSE_WAIT] = 8,
        [CLOSING] = 11,    [LAST_ACK] = 9,   [TIME_WAIT] = 6};
    if (t->condition == TCP_LISTENS)
        return numbers[LISTEN];
    return numbers[t->pcb ? t->pcb->state : CLOSED];
}

static void get_information(const struct tcp_socket *t, struct socket_option *option)
    REQUIRES(net_lock)
{
    struct tcp_information info = {.state = tcp_state_number(t)};
    const struct tcp_pcb *pcb = t->pcb;
    if (t->condition == TCP_LISTENS) {
        info.unacked = t->waiting_count;
        info.sacked = t->backlog;
    } else if (pcb) {
        info.retransmits = pcb->nrtx;
        info.options = (pcb->flags & TF_TIMESTAMP ? 1 : 0) | (pcb->flags & TF_SACK ? 2 : 0) |
                       (pcb->flags & TF_WND_SCALE ? 4 : 0);
        info.scales = (uint8_t)(pcb->snd_scale | pcb->rcv_scale << 4);
        info.rto = (uint32_t)pcb->rto * TCP_SLOW_INTERVAL * 1000;
        info.ato = TCP_TMR_INTERVAL * 1000;
        info.snd_mss = info.rcv_mss = info.advmss = pcb->mss;
        info.unacked = (pcb->snd_nxt - pcb->lastack + pcb->mss - 1) / (pcb->mss ? pcb->mss : 1);
        info.not_sent = pcb->snd_lbb - pcb->snd_nxt;
        info.pmtu = interface_mtu_to(&pcb->remote_ip);
        info.rcv_ssthresh = info.rcv_space = pcb->rcv_wnd;
        info.rtt = (uint32_t)(pcb->sa > 0 ? pcb->sa : 0) * TCP_SLOW_INTERVAL * 1000 / 8;
        info.snd_ssthresh = pcb->ssthresh / (pcb->mss ? pcb->mss : 1);
        info.snd_cwnd = pcb->cwnd / (pcb->mss ? pcb->mss : 1);
        info.reordering = 3;
    }
    option->size = option->size < sizeof(info) ? option->size : sizeof(info);
    memcpy(option->bytes, &info, option->size);
}

enum err tcp_get_option(struct socket *socket, struct socket_option *option)
{
    struct tcp_socket *t = tcp_of(socket);
    enum err e = E_OK;
    if (option->level != IPPROTO_TCP)
        return inet_get_option(socket, option);
    switch (option->name) {
    case TCP_OPTION_INFO:
        net_lock_take();
        get_information(t, option);
        net_lock_drop();
        return E_OK;
    case TCP_OPTION_CONGESTION:
        option->size = CONGESTION_SIZE;
        memcpy(option->bytes, t->options.congestion, CONGESTION_SIZE);
        return E_OK;
    case TCP_OPTION_MAXSEG:
        option->number = t->condition == TCP_OPEN && t->pcb ? t->pcb->mss
                         : t->options.max_segment != 0      ? t->options.max_segment
                                                            : DEFAULT_SEGMENT;
        option->size = sizeof(option->number);
        return E_OK;
    default:
        e = inet_option_get(tcp_rows, ARRAY_LENGTH(tcp_rows), &t->options, option);
        if (e == E_OK && option->name == TCP_OPTION_QUICKACK)
            option->number = t->quick > 0 || option->number;
        return e;
    }
}
