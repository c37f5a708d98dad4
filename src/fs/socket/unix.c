/* SPDX-License-Identifier: MIT */
/* Unix sockets: names, connections and release. */
#include "fs/socket/unix.h"

#include "base/fmt.h"
#include "base/panic.h"
#include "base/str.h"
#include "fs/vfs/context.h"
#include "fs/vfs/text.h"
#include "fs/vfs/vfs.h"
#include "mm/heap/heap.h"

#define PATH_AT    2u /* offsetof(struct sockaddr_un, sun_path) */
#define NAME_BYTES 110u

/* Of struct unix_socket.abstract_link; the hash is that of the name. */
static struct hash_table abstract_names = HASH_TABLE_INIT(abstract_names);

static struct list all_sockets = LIST_INIT(all_sockets); /* struct unix_socket.all */

static const struct socket_ops unix_ops;

void unix_get(struct unix_socket *u)
{
    u->references++;
}

void unix_put(struct unix_socket *u)
{
    if (!u)
        return;
    assert(u->references > 0);
    if (--u->references > 0)
        return;
    list_remove(&u->all);
    heap_free(u->name);
    heap_free(u);
}

static bool pass_room_on(struct wait_entry *entry) REQUIRES(class_sched)
{
    struct unix_socket *u = CONTAINER_OF(entry, struct unix_socket, peer_room);
    list_remove(&entry->link); /* until the next unix_poll() that finds the queue full */
    return wait_queue_wake_locked(&u->socket.writable);
}

static enum err unix_new(uint32_t type, struct unix_socket **out)
{
    struct unix_socket *u = heap_alloc_zero(sizeof(*u));
    if (!u)
        return E_NOMEM;
    socket_init(&u->socket, &unix_ops, AF_UNIX, type, 0);
    u->references = 1;
    list_add_tail(&all_sockets, &u->all);
    list_init(&u->packets);
    list_init(&u->waiting);
    list_init(&u->waiting_link);
    list_init(&u->flight_link);
    wait_queue_init(&u->room);
    wait_entry_init(&u->peer_room, pass_room_on);
    *out = u;
    return E_OK;
}

static enum err unix_create(uint32_t type, uint32_t protocol, struct socket **out)
{
    if (protocol != 0 && protocol != AF_UNIX)
        return E_PROTONOSUPPORT;
    if (type == SOCK_RAW)
        type = SOCK_DGRAM;
    if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET)
        return E_SOCKTNOSUPPORT;
    struct unix_socket *u;
    enum err e = unix_new(type, &u);
    if (e == E_OK)
        *out = &u->socket;
    return e;
}

/* Makes two sockets peers of each other. */
static void unix_join(struct unix_socket *a, struct unix_socket *b)
{
    a->peer = b;
    b->peer = a;
    unix_get(a);
    unix_get(b);
    if (a->socket.type != SOCK_DGRAM)
        a->state = b->state = UNIX_CONNECTED;
}

static enum err unix_pair(struct socket *first, struct socket *second)
{
    struct unix_socket *a = unix_of(first), *b = unix_of(second);
    unix_join(a, b);
    fs_caller_credentials(true, &a->peer_credentials);
    b->peer_credentials = a->peer_credentials;
    return E_OK;
}

/* Checks an address and normalizes it: the length of a path becomes that of the string and its NUL.
 * `path` is "" for an abstract name. E_INVAL. */
static enum err unix_check_name(const struct socket_address *address, struct socket_address *name,
                                char path[NAME_BYTES])
{
    if (address->length <= PATH_AT || address->length > NAME_BYTES || address->family != AF_UNIX)
        return E_INVAL;
    *name = *address;
    path[0] = '\0';
    if (name->bytes[PATH_AT] == '\0')
        return E_OK;
    uint32_t length = 0;
    while (PATH_AT + length < address->length && address->bytes[PATH_AT + length] != '\0')
        length++;
    memcpy(path, address->bytes + PATH_AT, length);
    path[length] = '\0';
    name->length = PATH_AT + length + 1;
    if (name->length <= SOCKET_ADDRESS_MAX)
        name->bytes[PATH_AT + length] = '\0';
    return E_OK;
}

static struct unix_socket *find_abstract(const struct socket_address *name, uint32_t type)
{
    uint32_t hash = hash_bytes(name->bytes, name->length);
    for (struct hash_link *link = hash_table_first(&abstract_names, hash); link;
         link = hash_link_next(link)) {
        struct unix_socket *u = CONTAINER_OF(link, struct unix_socket, abstract_link);
        if (u->socket.type == type && u->name->length == name->length &&
            memcmp(u->name->bytes, name->bytes, name->length) == 0)
            return u;
    }
    return NULL;
}

static enum err find_path(const char *path, struct unix_socket **out)
{
    struct location at;
    enum err e = walk_lookup(NULL, path, WALK_FOLLOW, &at);
    if (e != E_OK)
        return e;
    const struct inode *inode = at.dentry->inode;
    e = inode_permission(inode, MAY_WRITE);
    if (e == E_OK && (!mode_is(inode->mode, S_IFSOCK) || !inode->socket))
        e = E_CONNREFUSED;
    if (e == E_OK)
        *out = unix_of(inode->socket);
    location_put(&at);
    return e;
}

enum err unix_find(const struct unix_socket *asker, const struct socket_address *address,
                   struct unix_socket **out)
{
    struct socket_address name;
    char path[NAME_BYTES];
    struct unix_socket *found = NULL;
    enum err e = unix_check_name(address, &name, path);
    if (e == E_OK && path[0] != '\0')
        e = find_path(path, &found);
    else if (e == E_OK)
        found = find_abstract(&name, asker->socket.type);
    if (e != E_OK)
        return e;
    if (!found)
        return E_CONNREFUSED;
    if (found->socket.type != asker->socket.type)
        return E_PROTOTYPE;
    unix_get(found);
    *out = found;
    return E_OK;
}

static enum err bind_abstract(struct unix_socket *u, const struct socket_address *name)
{
    if (find_abstract(name, u->socket.type))
        return E_ADDRINUSE;
    hash_table_add(&abstract_names, &u->abstract_link, hash_bytes(name->bytes, name->length));
    u->abstract = true;
    return E_OK;
}

static enum err bind_path(struct unix_socket *u, const char *path)
{
    struct vfs_place place = {NULL, path};
    enum err e = vfs_make_node(place, S_IFSOCK | (u->socket.file->inode->mode & MODE_ALL), 0);
    if (e == E_EXIST)
        return E_ADDRINUSE;
    if (e == E_OK)
        e = walk_lookup(NULL, path, 0, &u->bound);
    if (e == E_OK)
        u->bound.dentry->inode->socket = &u->socket;
    return e;
}

static enum err unix_set_name(struct unix_socket *u, const struct socket_address *name)
{
    u->name = heap_alloc(sizeof(*name));
    if (!u->name)
        return E_NOMEM;
    *u->name = *name;
    return E_OK;
}

static enum err bind_name(struct unix_socket *u, const struct socket_address *name,
                          const char *path)
{
    enum err e = unix_set_name(u, name);
    if (e != E_OK)
        return e;
    e = *path != '\0' ? bind_path(u, path) : bind_abstract(u, name);
    if (e != E_OK) {
        heap_free(u->name);
        u->name = NULL;
    }
    return e;
}

enum err unix_autobind(struct unix_socket *u)
{
    static uint32_t next;
    struct socket_address name = {.family = AF_UNIX};
    enum err e = u->name ? E_OK : E_ADDRINUSE;
    for (unsigned tries = 0; e == E_ADDRINUSE && tries < 0x100000; tries++) {
        char *text = (char *)name.bytes + PATH_AT;
        name.length = PATH_AT + 6;
        fmt_snprintf(text + 1, 6, "%05x", next++ & 0xfffff);
        e = bind_name(u, &name, "");
    }
    return e;
}

static enum err unix_bind(struct socket *socket, const struct socket_address *address)
{
    struct unix_socket *u = unix_of(socket);
    if (address->length == PATH_AT && address->family == AF_UNIX)
        return unix_autobind(u);
    struct socket_address name;
    char path[NAME_BYTES];
    enum err e = unix_check_name(address, &name, path);
    if (e != E_OK)
        return e;
    return u->name ? E_INVAL : bind_name(u, &name, path);
}

static enum err unix_listen(struct socket *socket, uint32_t backlog)
{
    struct unix_socket *u = unix_of(socket);
    if (socket->type == SOCK_DGRAM)
        return E_NOTSUP;
    if (!u->name || u->state == UNIX_CONNECTED)
        return E_INVAL;
    if (backlog > u->backlog)
        wait_queue_wake_all(&u->room);
    u->backlog = backlog;
    u->state = UNIX_LISTENING;
    fs_caller_credentials(true, &u->credentials);
    return E_OK;
}

static bool can_connect(void *context)
{
    const struct unix_socket *listener = context;
    return listener->waiting_count <= listener->backlog || listener->state != UNIX_LISTENING ||
           (listener->shut & SHUT_READ);
}

/* Waits for a listener with room in its queue; *out: one reference. */
static enum err find_listener(struct unix_socket *u, const struct socket_address *address,
                              struct unix_socket **out)
{
    for (;;) {
        struct unix_socket *listener;
        enum err e = unix_find(u, address, &listener);
        if (e != E_OK)
            return e;
        if (listener->state != UNIX_LISTENING || (listener->shut & SHUT_READ))
            e = E_CONNREFUSED;
        else if (u->state != UNIX_CLOSED)
            e = u->state == UNIX_CONNECTED ? E_ISCONN : E_INVAL;
        if (e == E_OK && can_connect(listener)) {
            *out = listener;
            return E_OK;
        }
        if (e == E_OK)
            e = socket_wait_one(&listener->room, can_connect, listener, socket_waits(&u->socket, 0),
                                u->socket.send_timeout_ns);
        if (e != E_OK)
            wait_queue_wake_one(&listener->room); /* the room is left to another */
        unix_put(listener);
        if (e != E_OK)
            return e;
    }
}

static enum err connect_stream(struct unix_socket *u, const struct socket_address *address)
{
    struct unix_socket *listener, *end;
    enum err e = find_listener(u, address, &listener);
    if (e != E_OK)
        return e;
    e = unix_new(u->socket.type, &end);
    if (e == E_OK && (e = unix_set_name(end, listener->name)) != E_OK)
        unix_put(end);
    if (e == E_OK) {
        unix_join(u, end);
        u->peer_credentials = listener->credentials;
        fs_caller_credentials(true, &end->peer_credentials);
        end->socket.flags = listener->socket.flags & (1u << SO_PASSCRED);
        list_add_tail(&listener->waiting, &end->waiting_link);
        listener->waiting_count++;
        wait_queue_wake(&listener->socket.readable);
    }
    if (can_connect(listener))
        wait_queue_wake_one(&listener->room);
    unix_put(listener);
    return e;
}

void unix_disconnect(struct unix_socket *u)
{
    struct unix_socket *old = u->peer;
    if (!old)
        return;
    u->peer = NULL;
    wait_queue_leave(&u->peer_room);
    unix_purge(u); /* packets of the old peer are discarded */
    if (old->peer == u && !old->released) {
        old->socket.error = E_CONNRESET;
        socket_wake(&old->socket);
    }
    unix_put(old);
}

static enum err connect_datagram(struct unix_socket *u, const struct socket_address *address)
{
    struct unix_socket *to = NULL;
    if (address->family != AF_UNSPEC) {
        enum err e = unix_find(u, address, &to);
        if (e != E_OK)
            return e;
        if (to->peer && to->peer != u) {
            unix_put(to);
            return E_PERM;
        }
    }
    if (to != u->peer)
        unix_disconnect(u);
    else
        unix_put(u->peer);
    u->peer = to;
    return E_OK;
}

static enum err unix_connect(struct socket *socket, const struct socket_address *address)
{
    struct unix_socket *u = unix_of(socket);
    if (address->length < sizeof(address->family))
        return E_INVAL;
    if (socket_flag(socket, SO_PASSCRED)) {
        enum err e = unix_autobind(u);
        if (e != E_OK)
            return e;
    }
    return socket->type == SOCK_DGRAM ? connect_datagram(u, address) : connect_stream(u, address);
}

static bool can_accept(void *context)
{
    const struct unix_socket *u = context;
    return u->waiting_count > 0 || (u->shut & SHUT_READ);
}

static enum err unix_accept(struct socket *socket, struct socket **out)
{
    struct unix_socket *u = unix_of(socket);
    if (socket->type == SOCK_DGRAM)
        return E_NOTSUP;
    if (u->state != UNIX_LISTENING)
        return E_INVAL;
    if (!can_accept(u)) {
        enum err e = socket_wait_one(&socket->readable, can_accept, u, socket_waits(socket, 0),
                                     socket->receive_timeout_ns);
        if (e != E_OK)
            return e;
    }
    if (u->waiting_count == 0)
        return E_INVAL;
    struct unix_socket *end = CONTAINER_OF(u->waiting.next, struct unix_socket, waiting_link);
    list_remove(&end->waiting_link);
    u->waiting_count--;
    wait_queue_wake(&u->room);
    if (u->waiting_count > 0)
        wait_queue_wake_one(&socket->readable);
    *out = &end->socket;
    return E_OK;
}

static enum err unix_name(struct socket *socket, bool peer, struct socket_address *out)
{
    const struct unix_socket *u = unix_of(socket);
    if (peer && !(u = u->peer))
        return E_NOTCONN;
    *out = (struct socket_address){.length = PATH_AT, .family = AF_UNIX};
    if (u->name)
        *out = *u->name;
    return E_OK;
}

static enum err unix_shutdown(struct socket *socket, uint32_t how)
{
    struct unix_socket *u = unix_of(socket);
    u->shut |= (uint8_t)how;
    if (u->peer && socket->type != SOCK_DGRAM) {
        u->peer->shut |= (uint8_t)((how & SHUT_READ) << 1 | how >> 1);
        socket_wake(&u->peer->socket);
    }
    wait_queue_wake_all(&u->room);
    socket_wake(socket);
    return E_OK;
}

static enum err unix_peer(struct socket *socket, struct fs_credentials *out)
{
    const struct unix_socket *u = unix_of(socket);
    *out = u->peer_credentials;
    if (u->state == UNIX_LISTENING)
        *out = u->credentials;
    else if (out->pid == 0) /* no peer yet */
        *out = (struct fs_credentials){0, UINT32_MAX, UINT32_MAX};
    return E_OK;
}

static bool unix_listens(const struct socket *socket)
{
    return ((const struct unix_socket *)socket)->state == UNIX_LISTENING;
}

static void forget_name(struct unix_socket *u)
{
    if (u->abstract)
        hash_table_remove(&abstract_names, &u->abstract_link);
    u->abstract = false;
    if (u->bound.dentry) {
        u->bound.dentry->inode->socket = NULL;
        location_put(&u->bound);
        u->bound = (struct location){0};
    }
}

static void unix_release(struct socket *socket)
{
    struct unix_socket *u = unix_of(socket), *peer = u->peer;
    bool lost = !list_empty(&u->packets) || !socket->file; /* data was lost: ECONNRESET */
    forget_name(u);
    u->released = true;
    u->state = UNIX_CLOSED;
    u->shut = SHUT_READ | SHUT_WRITE;
    u->peer = NULL;
    if (peer && socket->type != SOCK_DGRAM) {
        peer->shut = SHUT_READ | SHUT_WRITE;
        if (lost)
            peer->socket.error = E_CONNRESET;
    }
    if (peer)
        socket_wake(&peer->socket);
    wait_queue_leave(&u->peer_room);
    wait_queue_wake_all(&u->room);
    socket_wake(socket);
    while (!list_empty(&u->waiting)) {
        struct list *link = u->waiting.next;
        list_remove(link);
        unix_release(&CONTAINER_OF(link, struct unix_socket, waiting_link)->socket);
    }
    unix_put(peer);
    unix_purge(u);
    unix_put(u);
    unix_gc_collect();
}

static const struct socket_ops unix_ops = {
    .bind = unix_bind,
    .connect = unix_connect,
    .listen = unix_listen,
    .accept = unix_accept,
    .name = unix_name,
    .shutdown = unix_shutdown,
    .send = unix_send,
    .receive = unix_receive,
    .poll = unix_poll,
    .queued = unix_queued,
    .at_mark = unix_at_mark,
    .peer = unix_peer,
    .listens = unix_listens,
    .release = unix_release,
};

void unix_sockets_init(void)
{
    static struct socket_family family = {
        .number = AF_UNIX, .create = unix_create, .pair = unix_pair};
    socket_family_register(&family);
}

static void show_socket(struct text *text, const struct unix_socket *u)
{
    const struct socket *socket = &u->socket;
    uint64_t ino = socket->file ? socket->file->inode->ino : 0;
    text_printf(text, "%016lx: %08X 00000000 %08X %04X %02X %5lu", 0ul, u->references,
                u->state == UNIX_LISTENING ? 0x10000u : 0, socket->type,
                u->state == UNIX_CONNECTED ? 3u : 1u, ino);
    for (uint32_t i = PATH_AT; u->name && i < u->name->length; i++) {
        char c = (char)u->name->bytes[i];
        if (i == PATH_AT)
            text_append(text, c == '\0' ? " @" : " ", c == '\0' ? 2 : 1);
        if (c != '\0' || (i > PATH_AT && u->abstract)) /* a path ends with a NUL */
            text_append(text, c != '\0' ? &c : "@", 1);
    }
    text_append(text, "\n", 1);
}

void unix_show(struct text *text, void *context)
{
    (void)context;
    text_printf(text, "Num       RefCount Protocol Flags    Type St Inode Path\n");
    list_for_each (link, &all_sockets)
        show_socket(text, CONTAINER_OF(link, struct unix_socket, all));
}
