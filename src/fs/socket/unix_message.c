/* SPDX-License-Identifier: MIT */
/* Unix sockets: sending, receiving, readiness. */
#include "fs/socket/unix.h"

#include "base/str.h"
#include "fs/vfs/async.h"
#include "kern/thread.h"
#include "mm/heap/heap.h"
#include "mm/vm/usercopy.h"

#define STREAM_PIECE    32768u /* maximal bytes of a stream in one packet */
#define DATAGRAMS_MAX   10u    /* net.unix.max_dgram_qlen */
#define PACKET_OVERHEAD sizeof(struct unix_packet)

static bool unix_message_has_room(void *context)
{
    const struct unix_socket *u = context;
    return u->charge < u->socket.send_size || (u->shut & SHUT_WRITE);
}

/* True if `from` must wait for room in the queue of `to`. The limit does not apply to the peer
 * of `to`. */
static bool is_full_for(const struct unix_socket *to, const struct unix_socket *from)
{
    return to != from && to->peer != from && to->packet_count > DATAGRAMS_MAX;
}

/* Waits for room and fills a packet with `size` bytes of the message. */
static enum err packet_make(struct unix_socket *u, struct socket_message *message, uint64_t size,
                            struct unix_packet **out)
{
    enum err e = socket_take_error(&u->socket);
    if (e != E_OK)
        return e;
    if (!unix_message_has_room(u)) {
        e = socket_wait(&u->socket.writable, unix_message_has_room, u,
                        socket_waits(&u->socket, message->flags), u->socket.send_timeout_ns);
        if (e != E_OK)
            return e;
    }
    if (u->shut & SHUT_WRITE)
        return E_PIPE;
    struct unix_packet *packet = heap_alloc(sizeof(*packet) + size);
    if (!packet)
        return E_NOMEM;
    *packet = (struct unix_packet){.from = u, .size = (uint32_t)size};
    struct io start = *message->io;
    e = io_take(message->io, packet->bytes, size);
    if (e != E_OK) {
        *message->io = start;
        heap_free(packet);
        return e;
    }
    packet->credentials = message->credentials;
    *out = packet;
    return E_OK;
}

/* The queued packet is the urgent byte now; one before it is a byte as any other. */
static void unix_urge(struct unix_socket *to, struct unix_packet *packet)
{
    to->urgent = packet;
    if (to->socket.file)
        async_urgent(to->socket.file);
}

static void packet_put(struct unix_packet *packet, struct unix_socket *to,
                       struct socket_message *message)
{
    bool wanted =
        socket_flag(&packet->from->socket, SO_PASSCRED) || socket_flag(&to->socket, SO_PASSCRED);
    if (!message->has_credentials && wanted)
        fs_caller_credentials(false, &packet->credentials);
    packet->files = message->files;
    message->files = NULL;
    unix_gc_begin(packet->files);
    unix_get(packet->from);
    packet->from->charge += packet->size + PACKET_OVERHEAD;
    list_add_tail(&to->packets, &packet->link);
    to->packet_count++;
    wait_queue_wake(&to->socket.readable);
}

static enum err send_stream(struct unix_socket *u, struct socket_message *message)
{
    enum err e = E_OK;
    uint64_t before = io_left(message->io);
    if (message->address)
        return u->state == UNIX_CONNECTED ? E_ISCONN : E_NOTSUP;
    if (!u->peer)
        return E_NOTCONN;
    while (e == E_OK && io_left(message->io) > 0) {
        struct unix_packet *packet;
        uint64_t size = io_left(message->io);
        bool urgent = size == 1 && (message->flags & MSG_OOB);
        if (size > 1 && (message->flags & MSG_OOB))
            size--; /* the last byte is the urgent one */
        struct io start = *message->io;
        e = packet_make(u, message, size < STREAM_PIECE ? size : STREAM_PIECE, &packet);
        if (e != E_OK) {
            e = copy_wait(e);
            continue;
        }
        if (u->peer->released || (u->peer->shut & SHUT_READ)) {
            *message->io = start;
            heap_free(packet);
            e = E_PIPE;
        } else {
            packet_put(packet, u->peer, message);
            if (urgent)
                unix_urge(u->peer, packet);
        }
    }
    if (e == E_PIPE && io_left(message->io) == before && !(message->flags & MSG_NOSIGNAL))
        fs_raise(FS_SIGPIPE);
    return e;
}

struct queue_wait {
    const struct unix_socket *from, *to;
};

static bool queue_has_room(void *context)
{
    const struct queue_wait *wait = context;
    return !is_full_for(wait->to, wait->from) || wait->to->released;
}

static enum err deliver(struct unix_socket *u, struct unix_socket *to,
                        struct socket_message *message, struct unix_packet *packet)
{
    struct queue_wait wait = {u, to};
    if (u->socket.type == SOCK_DGRAM && is_full_for(to, u)) {
        enum err e =
            socket_wait(&to->room, queue_has_room, &wait, socket_waits(&u->socket, message->flags),
                        u->socket.send_timeout_ns);
        if (e != E_OK)
            return e;
    }
    if (to->released) {
        if (u->socket.type == SOCK_SEQPACKET)
            return E_PIPE;
        if (u->peer == to)
            unix_disconnect(u);
        return E_CONNREFUSED;
    }
    if (u->socket.type == SOCK_DGRAM && to->peer && to->peer != u)
        return E_PERM;
    if (to->shut & SHUT_READ)
        return E_PIPE;
    packet_put(packet, to, message);
    return E_OK;
}

static enum err send_datagram(struct unix_socket *u, struct socket_message *message)
{
    uint64_t size = io_left(message->io);
    struct unix_socket *to = u->peer;
    struct unix_packet *packet;
    enum err e = E_OK;
    if (socket_flag(&u->socket, SO_PASSCRED))
        e = unix_autobind(u);
    if (e != E_OK)
        return e;
    if (message->address && u->socket.type == SOCK_DGRAM) {
        e = unix_find(u, message->address, &to);
        if (e != E_OK)
            return e;
    } else if (!to) {
        return E_NOTCONN;
    } else {
        unix_get(to);
    }
    struct io start = *message->io;
    e = E_MSGSIZE;
    if (size + 32 <= u->socket.send_size)
        e = packet_make(u, message, size, &packet);
    if (e == E_OK) {
        e = deliver(u, to, message, packet);
        if (e != E_OK) {
            *message->io = start;
            heap_free(packet);
        }
    }
    unix_put(to);
    return e;
}

enum err unix_send(struct socket *socket, struct socket_message *message)
{
    struct unix_socket *u = unix_of(socket);
    if ((message->flags & MSG_OOB) && (socket->type != SOCK_STREAM || io_left(message->io) == 0))
        return E_NOTSUP;
    if (socket->type == SOCK_STREAM)
        return send_stream(u, message);
    if (socket->type == SOCK_SEQPACKET && u->state != UNIX_CONNECTED)
        return E_NOTCONN;
    return send_datagram(u, message);
}

static void packet_done(struct unix_socket *u, struct unix_packet *packet)
{
    struct list done = LIST_INIT(done);
    if (u->urgent == packet)
        u->urgent = NULL;
    list_remove(&packet->link);
    list_add_tail(&done, &packet->link);
    if (u->packet_count-- == DATAGRAMS_MAX + 1)
        wait_queue_wake(&u->room);
    unix_packets_free(&done);
}

void unix_purge(struct unix_socket *u)
{
    if (u->packet_count > DATAGRAMS_MAX)
        wait_queue_wake(&u->room);
    u->packet_count = 0;
    u->urgent = NULL;
    unix_packets_free(&u->packets);
}

/* The packet with the byte behind *at others, and where in it; NULL: there is none. O(packets before). */
static struct unix_packet *find_packet(const struct unix_socket *u, uint32_t *at)
{
    list_for_each (link, &u->packets) {
        struct unix_packet *packet = CONTAINER_OF(link, struct unix_packet, link);
        uint32_t rest = packet->size - packet->at;
        if (*at < rest || *at + rest == 0)
            return packet;
        *at -= rest;
    }
    return NULL;
}

struct packet_wait {
    const struct unix_socket *u;
    uint32_t at;
};

static bool has_packet(void *context)
{
    struct packet_wait wait = *(const struct packet_wait *)context;
    return (wait.u->shut & SHUT_READ) || wait.u->socket.error != E_OK ||
           find_packet(wait.u, &wait.at) != NULL;
}

static enum err wait_for_packet(struct unix_socket *u, const struct socket_message *message)
{
    struct packet_wait wait = {u, socket_peek_at(&u->socket, message->flags)};
    return socket_wait(&u->socket.readable, has_packet, &wait,
                       socket_waits(&u->socket, message->flags), u->socket.receive_timeout_ns);
}

/* Passes credentials and files of the packet to the message; MSG_PEEK: a copy of them. */
static void take_along(struct unix_packet *packet, struct socket_message *message)
{
    struct socket_files *files = packet->files;
    message->credentials = packet->credentials;
    if (packet->credentials.pid == 0) /* sent before SO_PASSCRED was set */
        message->credentials = (struct fs_credentials){0, 65534, 65534};
    message->has_credentials = true;
    if (!files || message->files)
        return;
    if (message->flags & MSG_PEEK) {
        size_t size = sizeof(*files) + files->count * sizeof(files->file[0]);
        message->files = heap_alloc(size);
        if (!message->files)
            return;
        memcpy(message->files, files, size);
        for (uint32_t i = 0; i < files->count; i++)
            file_get(files->file[i]);
    } else {
        unix_gc_end(files);
        message->files = files;
        packet->files = NULL;
    }
}

static void tell_sender(const struct unix_packet *packet, struct socket_message *message)
{
    if (!message->address)
        return;
    if (packet->from->name)
        *message->address = *packet->from->name;
    else
        message->address->length = 0;
}

static enum err receive_datagram(struct unix_socket *u, struct socket_message *message)
{
    struct unix_packet *packet;
    uint32_t at;
    while (at = socket_peek_at(&u->socket, message->flags),
           (packet = find_packet(u, &at)) == NULL) {
        enum err e = socket_take_error(&u->socket);
        bool waits = socket_waits(&u->socket, message->flags);
        if (e != E_OK)
            return e;
        if ((u->shut & SHUT_READ) && (waits || u->socket.type == SOCK_SEQPACKET))
            return E_OK;
        e = wait_for_packet(u, message);
        if (e != E_OK)
            return e;
    }
    uint64_t rest = packet->size - at,
             size = rest < io_left(message->io) ? rest : io_left(message->io);
    message->length = (message->flags & MSG_TRUNC) ? rest : size;
    message->result_flags = size < rest ? MSG_TRUNC : 0;
    struct io start = *message->io;
    enum err e = io_put(message->io, packet->bytes + at, size);
    if (e != E_OK) {
        *message->io = start;
    } else {
        tell_sender(packet, message);
        take_along(packet, message);
        socket_peeked(&u->socket, message->flags,
                      (message->flags & MSG_PEEK) ? size : packet->size);
    }
    if (!(message->flags & MSG_PEEK) && e != E_INTR)
        packet_done(u, packet);
    return e;
}

static bool same_sender(const struct unix_packet *packet, const struct socket_message *message)
{
    const struct fs_credentials *a = &packet->credentials, *b = &message->credentials;
    return a->pid == b->pid && (a->pid == 0 || (a->uid == b->uid && a->gid == b->gid));
}

/* Moves as many bytes as fit from the packets from `link` on, of the first one those behind `at` others. *stop: the call is
 * complete. */
static enum err stream_take(struct unix_socket *u, struct socket_message *message,
                            struct list *link, uint32_t at, bool *stop)
{
    bool peeks = message->flags & MSG_PEEK;
    uint64_t room = io_left(message->io);
    while (link != &u->packets && !*stop) {
        struct unix_packet *packet = CONTAINER_OF(link, struct unix_packet, link);
        if (packet == u->urgent && room != io_left(message->io))
            break; /* the bytes before the urgent one end here */
        if (packet == u->urgent && !socket_flag(&u->socket, SO_OOBINLINE)) {
            link = link->next; /* who wants it asks with MSG_OOB */
            if (!peeks)
                packet_done(u, packet);
            continue;
        }
        if (!message->has_credentials)
            tell_sender(packet, message);
        else if (socket_flag(&u->socket, SO_PASSCRED) && !same_sender(packet, message))
            break; /* bytes of senders with different credentials are not merged */
        uint32_t rest = packet->size - packet->at - at;
        uint64_t size = rest < io_left(message->io) ? rest : io_left(message->io);
        struct io start = *message->io;
        enum err e = io_put(message->io, packet->bytes + packet->at + at, size);
        at = 0;
        if (e != E_OK) {
            *message->io = start;
            return e;
        }
        *stop = packet->files || io_left(message->io) == 0;
        socket_peeked(&u->socket, message->flags, size);
        take_along(packet, message);
        link = link->next;
        if (peeks)
            continue;
        packet->at += (uint32_t)size;
        if (packet->at == packet->size)
            packet_done(u, packet);
    }
    *stop |= peeks || link != &u->packets;
    return E_OK;
}

static enum err receive_stream(struct unix_socket *u, struct socket_message *message)
{
    if (u->state != UNIX_CONNECTED)
        return E_INVAL;
    uint64_t before = io_left(message->io), target = u->socket.low_water;
    bool stop = false;
    if ((message->flags & MSG_WAITALL) || target > before)
        target = before;
    while (!stop) {
        enum err e = E_OK;
        uint32_t at = socket_peek_at(&u->socket, message->flags);
        struct unix_packet *first = find_packet(u, &at);
        if (first != NULL) {
            e = stream_take(u, message, &first->link, at, &stop);
            if (e != E_OK && !((message->flags & MSG_PEEK) && io_left(message->io) != before))
                e = copy_wait(e);
        } else {
            uint64_t moved = before - io_left(message->io);
            if (moved > 0 && moved >= target)
                break;
            e = socket_take_error(&u->socket);
            if (e == E_OK && (u->shut & SHUT_READ))
                break;
            if (e == E_OK)
                e = wait_for_packet(u, message);
            /* Unlike elsewhere the signal beats bytes that came, as in Linux's stream sockets. */
            if (e == E_OK && thread_current()->signal_pending)
                e = E_INTR;
        }
        if (e != E_OK)
            return e;
    }
    return E_OK;
}

/* MSG_OOB: never waits. */
static enum err receive_urgent(struct unix_socket *u, struct socket_message *message)
{
    if (!u->urgent || socket_flag(&u->socket, SO_OOBINLINE))
        return E_INVAL;
    enum err e = io_left(message->io) > 0 ? io_put(message->io, u->urgent->bytes, 1) : E_OK;
    message->result_flags = MSG_OOB;
    if (e == E_OK && !(message->flags & MSG_PEEK))
        packet_done(u, u->urgent);
    return e;
}

enum err unix_receive(struct socket *socket, struct socket_message *message)
{
    struct unix_socket *u = unix_of(socket);
    if (message->flags & MSG_OOB)
        return socket->type == SOCK_STREAM ? receive_urgent(u, message) : E_NOTSUP;
    if (socket->type == SOCK_SEQPACKET && u->state != UNIX_CONNECTED)
        return E_NOTCONN;
    return socket->type == SOCK_STREAM ? receive_stream(u, message) : receive_datagram(u, message);
}

bool unix_at_mark(struct socket *socket)
{
    const struct unix_socket *u = unix_of(socket);
    return u->urgent && u->packets.next == &u->urgent->link;
}

uint32_t unix_poll(struct socket *socket)
{
    struct unix_socket *u = unix_of(socket);
    uint32_t events = socket->error != E_OK ? POLL_ERR : 0;
    if (u->shut == (SHUT_READ | SHUT_WRITE))
        events |= POLL_HUP;
    if (u->shut & SHUT_READ)
        events |= POLL_RDHUP | POLL_READABLE;
    if (!list_empty(&u->packets) || u->waiting_count > 0)
        events |= POLL_READABLE;
    if (socket->type != SOCK_DGRAM && u->state == UNIX_CLOSED)
        events |= POLL_HUP;
    if (u->urgent)
        events |= POLL_PRI;
    bool writable = u->state != UNIX_LISTENING && u->charge * 4 <= socket->send_size;
    if (socket->type == SOCK_DGRAM && u->peer && is_full_for(u->peer, u)) {
        writable = false;
        if (list_empty(&u->peer_room.link))
            wait_queue_join(&u->peer->room, &u->peer_room, false);
    }
    return events | (writable ? POLL_WRITABLE | POLL_WRBAND : 0);
}

enum err unix_queued(struct socket *socket, bool out, uint32_t *bytes)
{
    const struct unix_socket *u = unix_of(socket);
    if (out) {
        *bytes = (uint32_t)u->charge;
        return E_OK;
    }
    if (u->state == UNIX_LISTENING)
        return E_INVAL;
    *bytes = 0;
    list_for_each (link, &u->packets) {
        const struct unix_packet *packet = CONTAINER_OF(link, struct unix_packet, link);
        *bytes += packet->size - packet->at;
        if (socket->type == SOCK_DGRAM)
            break;
    }
    return E_OK;
}
