/* SPDX-License-Identifier: MIT */
/*
 * Garbage collection of sockets that are passed in packets. A packet refers to the sockets in it,
 * and the socket that holds the packet in its queue keeps the packet: two sockets that were sent
 * through each other would never be freed.
 *
 *     candidates   sockets whose file is referred to by packets only
 *     reached      candidates in a packet outside of the candidates' queues, and, transitively, the
 *                  candidates in the queues of reached sockets
 *     garbage      the other candidates: their queues are emptied
 *
 * O(sockets and packets in flight), once for all sockets that one close() ends.
 */
#include "fs/socket/unix.h"

#include "mm/heap/heap.h"

static struct list in_flight = LIST_INIT(in_flight);

static struct unix_socket *unix_of_file(const struct file *file)
{
    struct socket *socket = socket_of(file);
    return socket && socket->family == AF_UNIX ? unix_of(socket) : NULL;
}

void unix_gc_begin(const struct socket_files *files)
{
    for (uint32_t i = 0; files && i < files->count; i++) {
        struct unix_socket *u = unix_of_file(files->file[i]);
        if (u && u->in_flight++ == 0)
            list_add_tail(&in_flight, &u->flight_link);
    }
}

void unix_gc_end(const struct socket_files *files)
{
    for (uint32_t i = 0; files && i < files->count; i++) {
        struct unix_socket *u = unix_of_file(files->file[i]);
        if (u && --u->in_flight == 0)
            list_remove(&u->flight_link);
    }
}

typedef void (*flight_visitor)(struct unix_socket *u, void *context);

/* Visits the candidates in the queue of u and in the queues of connections not accepted yet. */
static void visit_queue(const struct unix_socket *u, flight_visitor visit, void *context)
{
    list_for_each (link, &u->packets) {
        const struct socket_files *files = CONTAINER_OF(link, struct unix_packet, link)->files;
        for (uint32_t i = 0; files && i < files->count; i++) {
            struct unix_socket *inner = unix_of_file(files->file[i]);
            if (inner && inner->candidate)
                visit(inner, context);
        }
    }
    list_for_each (link, &u->waiting) /* which are not listeners: one level of recursion */
        visit_queue(CONTAINER_OF(link, struct unix_socket, waiting_link), visit, context);
}

static void count_inner(struct unix_socket *u, void *context)
{
    (void)context;
    u->inner_flights++;
}

/* Moves u from the candidates to the end of the list of reached sockets. */
static void reach(struct unix_socket *u, void *reached)
{
    u->candidate = false;
    list_remove(&u->flight_link);
    list_add_tail(reached, &u->flight_link);
}

static void unix_gc_splice(struct list *to, struct list *from)
{
    while (!list_empty(from)) {
        struct list *link = from->next;
        list_remove(link);
        list_add_tail(to, link);
    }
}

static void take_packets(struct unix_socket *u, struct list *packets)
{
    unix_gc_splice(packets, &u->packets);
    u->packet_count = 0;
    list_for_each (link, &u->waiting)
        take_packets(CONTAINER_OF(link, struct unix_socket, waiting_link), packets);
}

static void collect_once(void)
{
    struct list reached = LIST_INIT(reached), garbage = LIST_INIT(garbage);
    list_for_each (link, &in_flight) {
        struct unix_socket *u = CONTAINER_OF(link, struct unix_socket, flight_link);
        u->candidate = u->socket.file->references == u->in_flight;
        u->inner_flights = 0;
    }
    list_for_each (link, &in_flight) {
        struct unix_socket *u = CONTAINER_OF(link, struct unix_socket, flight_link);
        if (u->candidate)
            visit_queue(u, count_inner, NULL);
    }
    for (struct list *link = in_flight.next, *next; link != &in_flight; link = next) {
        struct unix_socket *u = CONTAINER_OF(link, struct unix_socket, flight_link);
        next = link->next;
        if (!u->candidate || u->inner_flights < u->in_flight)
            reach(u, &reached);
    }
    list_for_each (link, &reached) /* grows during the loop */
        visit_queue(CONTAINER_OF(link, struct unix_socket, flight_link), reach, &reached);
    list_for_each (link, &in_flight)
        take_packets(CONTAINER_OF(link, struct unix_socket, flight_link), &garbage);
    unix_gc_splice(&in_flight, &reached);
    unix_packets_free(&garbage);
}

/* Freeing a packet may close a socket, which frees its packets and requests a collection. Both are
 * left to the call that is under way; otherwise a chain of sockets would be as many nested calls,
 * each with a collection. */
static bool freeing, collecting, wanted;

void unix_gc_collect(void)
{
    wanted = true;
    if (freeing || collecting)
        return;
    collecting = true;
    while (wanted) {
        wanted = false;
        if (!list_empty(&in_flight))
            collect_once();
    }
    collecting = false;
}

void unix_packets_free(struct list *packets)
{
    static struct list dying = LIST_INIT(dying);
    unix_gc_splice(&dying, packets);
    if (freeing)
        return;
    freeing = true;
    while (!list_empty(&dying)) {
        struct unix_packet *packet = CONTAINER_OF(dying.next, struct unix_packet, link);
        list_remove(&packet->link);
        unix_gc_end(packet->files);
        socket_files_put(packet->files); /* may add to the list */
        packet->from->charge -= packet->size + sizeof(*packet);
        wait_queue_wake(&packet->from->socket.writable);
        unix_put(packet->from);
        heap_free(packet);
        fs_give_way();
    }
    freeing = false;
    if (wanted)
        unix_gc_collect();
}
