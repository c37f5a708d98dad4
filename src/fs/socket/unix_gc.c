/* SPDX-License-Identifier: MIT */
/*
 * Sockets under way in sockets. A socket in a packet is kept alive by the packet, and the packet by
 * the socket whose queue it is in: two that were sent through each other would live for ever.
 *
 *     candidates   all of their files' references are packets
 *     reached      a candidate that some packet outside of the candidates' queues holds, and all that
 *                  are in the queues of those
 *     garbage      the other candidates: their queues are emptied
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

/* Visits the candidates in the queue of u, and in those of its connections that wait. */
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
    list_for_each (link, &u->waiting) /* they have no queue of connections themselves */
        visit_queue(CONTAINER_OF(link, struct unix_socket, waiting_link), visit, context);
}

static void count_inner(struct unix_socket *u, void *context)
{
    (void)context;
    u->inner_flights++;
}

/* Moves u from the candidates to the end of the list of those whose queues are to be looked at. */
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

void unix_gc_collect(void)
{
    struct list reached = LIST_INIT(reached), garbage = LIST_INIT(garbage);
    if (list_empty(&in_flight))
        return;
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
    list_for_each (link, &reached) /* which grows meanwhile */
        visit_queue(CONTAINER_OF(link, struct unix_socket, flight_link), reach, &reached);
    list_for_each (link, &in_flight)
        take_packets(CONTAINER_OF(link, struct unix_socket, flight_link), &garbage);
    unix_gc_splice(&in_flight, &reached);
    unix_packets_free(&garbage);
}

void unix_packets_free(struct list *packets)
{
    static struct list dying = LIST_INIT(dying);
    bool under_way = !list_empty(&dying);
    unix_gc_splice(&dying, packets);
    if (under_way)
        return; /* the call that is under way frees these too */
    while (!list_empty(&dying)) {
        struct unix_packet *packet = CONTAINER_OF(dying.next, struct unix_packet, link);
        unix_gc_end(packet->files);
        socket_files_put(packet->files); /* may add to the list */
        packet->from->charge -= packet->size + sizeof(*packet);
        wait_queue_wake(&packet->from->socket.changed);
        unix_put(packet->from);
        list_remove(&packet->link);
        heap_free(packet);
    }
}
