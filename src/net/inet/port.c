/* SPDX-License-Identifier: MIT */
#include "base/panic.h"
#include "kern/random.h"
#include "mm/heap/hash_table.h"
#include "mm/heap/heap.h"
#include "net/inet/inet.h"
#include "net/stack/pcbs.h"

#include <lwip/tcp.h>

struct inet_port {
    struct hash_link link; /* the hash is the number */
    struct hash_table *table;
    struct list sockets; /* struct inet_socket.port_link */
};

static struct hash_table tcp_ports = HASH_TABLE_INIT(tcp_ports);
static struct hash_table udp_ports = HASH_TABLE_INIT(udp_ports);

static struct inet_port *port_find(const struct hash_table *table, uint16_t number)
{
    struct hash_link *link = hash_table_first(table, number);
    return link ? CONTAINER_OF(link, struct inet_port, link) : NULL;
}

/* As Linux has it (inet_csk_bind_conflict, inet_rcv_saddr_equal). */
static bool ports_conflict(const struct inet_socket *a, const struct inet_socket *b)
{
    if (!inet_addresses_meet(a, b))
        return false;
    if (socket_flag(&a->socket, SO_REUSEADDR) && socket_flag(&b->socket, SO_REUSEADDR) &&
        !b->listening)
        return false;
    return !socket_flag(&a->socket, SO_REUSEPORT) || !socket_flag(&b->socket, SO_REUSEPORT) ||
           a->uid != b->uid;
}

/* A connection whose socket is closed still has its port until the peer has closed too and TIME_WAIT is over. */
static bool is_left_over(const struct inet_socket *inet, uint16_t number)
{
    bool reuse = socket_flag(&inet->socket, SO_REUSEADDR), found = false;
    net_lock_take();
    for (const struct tcp_pcb *pcb = net_pcb_of_port(number); pcb && !found;
         pcb = net_pcb_next_of_port(pcb))
        found = !pcb->callback_arg && !(reuse && ip_get_option(pcb, INET_PCB_REUSE)) &&
                (ip_addr_isany(&inet->local.ip) || ip_addr_cmp(&inet->local.ip, &pcb->local_ip));
    net_lock_drop();
    return found;
}

/* True if no socket and no connection has the port. */
static bool is_unused(const struct hash_table *table, uint16_t number)
{
    if (port_find(table, number))
        return false;
    if (table != &tcp_ports)
        return true;
    net_lock_take();
    bool unused = net_pcb_of_port(number) == NULL;
    net_lock_drop();
    return unused;
}

static bool port_is_free(const struct inet_socket *inet, const struct inet_port *port)
{
    if (!port)
        return true;
    list_for_each (link, &port->sockets) {
        if (ports_conflict(inet, CONTAINER_OF(link, struct inet_socket, port_link)))
            return false;
    }
    return true;
}

static enum err port_join(struct inet_socket *inet, struct hash_table *table,
                          struct inet_port *port, uint16_t number)
{
    if (!port) {
        port = heap_alloc(sizeof(*port));
        if (!port)
            return E_NOMEM;
        port->table = table;
        list_init(&port->sockets);
        hash_table_add(table, &port->link, number);
    }
    list_add_tail(&port->sockets, &inet->port_link);
    inet->port = port;
    inet->local.port = number;
    return E_OK;
}

enum err inet_port_take(struct inet_socket *inet, uint16_t number)
{
    bool stream = inet->socket.type == SOCK_STREAM;
    struct hash_table *table = stream ? &tcp_ports : &udp_ports;
    assert(!inet->port);
    if (number != 0) {
        struct inet_port *port = port_find(table, number);
        if (!port_is_free(inet, port) || (stream && is_left_over(inet, number)))
            return E_ADDRINUSE;
        return port_join(inet, table, port, number);
    }
    uint32_t span = EPHEMERAL_LAST - EPHEMERAL_FIRST + 1;
    uint32_t at = (uint32_t)(random_u64() % span);
    for (uint32_t tries = 0; tries < span; tries++, at = (at + 1) % span) {
        number = (uint16_t)(EPHEMERAL_FIRST + at);
        if (is_unused(table, number))
            return port_join(inet, table, NULL, number);
    }
    return E_ADDRINUSE;
}

enum err inet_port_adopt(struct inet_socket *inet, uint16_t number)
{
    return port_join(inet, &tcp_ports, port_find(&tcp_ports, number), number);
}

void inet_port_share(struct inet_socket *inet, const struct inet_socket *other)
{
    if (!other->port)
        return;
    inet->port = other->port;
    inet->local.port = other->local.port;
    list_add_tail(&inet->port->sockets, &inet->port_link);
}

void inet_port_drop(struct inet_socket *inet)
{
    struct inet_port *port = inet->port;
    if (!port)
        return;
    inet->port = NULL;
    list_remove(&inet->port_link);
    if (list_empty(&port->sockets)) {
        hash_table_remove(port->table, &port->link);
        heap_free(port);
    }
}

struct list *inet_port_sockets(const struct inet_socket *inet)
{
    return &inet->port->sockets;
}

void inet_ports_visit(bool tcp, inet_visitor visit, void *context)
{
    const struct hash_table *table = tcp ? &tcp_ports : &udp_ports;
    for (uint32_t i = 0; i <= table->mask; i++) {
        for (struct hash_link *link = table->buckets[i]; link; link = link->next) {
            const struct inet_port *port = CONTAINER_OF(link, struct inet_port, link);
            list_for_each (member, &port->sockets)
                visit(CONTAINER_OF(member, struct inet_socket, port_link), context);
        }
    }
}
