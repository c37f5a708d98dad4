/* SPDX-License-Identifier: MIT */
/*
 * Sockets: the part that all families share.
 *
 *   fd --> struct file (socket_file_ops) --> struct socket --> struct socket_ops of its family
 *                                              options, time-outs, wait queue
 *
 * A family registers itself by its number; linux/socket/sys_socket.c depends on no family. The
 * family's structure starts with struct socket. Operations may sleep: the caller must hold a
 * reference to the file.
 */
#pragma once

#include "fs/vfs/file.h"
#include "fs/vfs/process.h"
#include "fs/vfs/wait.h"
#include "kern/wait.h"
#include "parse/bpf.h"

#define AF_UNSPEC        0u
#define AF_UNIX          1u
#define AF_INET          2u

#define SOCK_STREAM      1u
#define SOCK_DGRAM       2u
#define SOCK_RAW         3u
#define SOCK_SEQPACKET   5u

#define MSG_OOB          0x1u
#define MSG_PEEK         0x2u
#define MSG_DONTROUTE    0x4u
#define MSG_CTRUNC       0x8u
#define MSG_TRUNC        0x20u
#define MSG_DONTWAIT     0x40u
#define MSG_WAITALL      0x100u
#define MSG_ERRQUEUE     0x2000u
#define MSG_NOSIGNAL     0x4000u
#define MSG_MORE         0x8000u
#define MSG_WAITFORONE   0x10000u
#define MSG_ZEROCOPY     0x4000000u
#define MSG_FASTOPEN     0x20000000u
#define MSG_CMSG_CLOEXEC 0x40000000u
#define MSG_CMSG_COMPAT  0x80000000u

enum { /* options of SOL_SOCKET */
    SO_DEBUG = 1,
    SO_REUSEADDR = 2,
    SO_TYPE = 3,
    SO_ERROR = 4,
    SO_DONTROUTE = 5,
    SO_BROADCAST = 6,
    SO_SNDBUF = 7,
    SO_RCVBUF = 8,
    SO_KEEPALIVE = 9,
    SO_OOBINLINE = 10,
    SO_PRIORITY = 12,
    SO_LINGER = 13,
    SO_REUSEPORT = 15,
    SO_PASSCRED = 16,
    SO_PEERCRED = 17,
    SO_RCVLOWAT = 18,
    SO_SNDLOWAT = 19,
    SO_RCVTIMEO = 20,
    SO_SNDTIMEO = 21,
    SO_BINDTODEVICE = 25,
    SO_ATTACH_FILTER = 26, /* getsockopt(): SO_GET_FILTER */
    SO_DETACH_FILTER = 27,
    SO_PEERNAME = 28,
    SO_TIMESTAMP = 29,
    SO_ACCEPTCONN = 30,
    SO_SNDBUFFORCE = 32,
    SO_RCVBUFFORCE = 33,
    SO_PASSSEC = 34,
    SO_TIMESTAMPNS = 35,
    SO_MARK = 36,
    SO_PROTOCOL = 38,
    SO_DOMAIN = 39,
    SO_RXQ_OVFL = 40,
    SO_PEEK_OFF = 42,
    SO_NOFCS = 43,
    SO_LOCK_FILTER = 44,
    SO_SELECT_ERR_QUEUE = 45,
    SO_BUSY_POLL = 46,
    SO_MAX_PACING_RATE = 47,
    SO_BPF_EXTENSIONS = 48,
    SO_INCOMING_CPU = 49,
    SO_ATTACH_BPF = 50,
    SO_ATTACH_REUSEPORT_CBPF = 51,
    SO_COOKIE = 57,
};

#define SOCKET_ADDRESS_MAX  128 /* sizeof(struct sockaddr_storage) */
#define SOCKET_FILES_MAX    253 /* descriptors in one message: SCM_MAX_FD */
#define SOCKET_BUFFER       212992u
#define SOCKET_CONTROL_MAX  48u /* bytes of one control message of a family */
#define SOCKET_CONTROLS_MAX 6u
#define SOCKET_OPTION_MAX   256u

struct socket_address {
    uint32_t length; /* bytes in use */
    union {
        uint16_t family;
        uint8_t bytes[SOCKET_ADDRESS_MAX];
    };
};

struct socket_files { /* files passed in a message (SCM_RIGHTS); heap */
    uint32_t count;
    struct file *file[]; /* one reference each */
};

/* A control message (cmsg(3)) that is not of SOL_SOCKET. */
struct socket_control {
    int32_t level, type;
    uint32_t size;
    ALIGNED(8) uint8_t bytes[SOCKET_CONTROL_MAX];
};

/* Those of one message. */
struct socket_controls {
    uint32_t count;
    struct socket_control control[SOCKET_CONTROLS_MAX];
};

struct socket_message {
    struct io *io;
    uint32_t flags; /* MSG_* of the call */
    /* Sending: the destination, or NULL. Receiving: set to the source unless NULL (0: unknown). */
    struct socket_address *address;
    /* Sending: taken over and set to NULL if anything was sent. Receiving: passed to the caller. */
    struct socket_files *files;
    struct fs_credentials credentials;
    bool has_credentials;
    /* Sending: NULL, or what was given. Receiving: NULL, or filled with what the socket's options ask for. */
    struct socket_controls *controls;
    uint32_t result_flags; /* receiving: MSG_TRUNC, MSG_OOB */
    uint64_t length;       /* receiving a datagram: the result of recv() */
};

enum {
    SHUT_READ = 1,
    SHUT_WRITE = 2,
};

struct socket;

/* The value of an option of getsockopt() or setsockopt(). */
struct socket_option {
    uint32_t level, name;
    uint32_t
        size; /* setting: bytes given; getting: room, which the family replaces by the size of the value */
    union {
        int32_t number;
        ALIGNED(8) uint8_t bytes[SOCKET_OPTION_MAX];
    };
};

struct socket_ops {
    enum err (*bind)(struct socket *socket, const struct socket_address *address);
    enum err (*connect)(struct socket *socket, const struct socket_address *address);
    enum err (*listen)(struct socket *socket, uint32_t backlog);
    /* *out has no file yet. */
    enum err (*accept)(struct socket *socket, struct socket **out);
    enum err (*name)(struct socket *socket, bool peer, struct socket_address *out);
    enum err (*shutdown)(struct socket *socket, uint32_t how);
    /* As file operations: bytes that the io moved count also with an error. */
    enum err (*send)(struct socket *socket, struct socket_message *message);
    enum err (*receive)(struct socket *socket, struct socket_message *message);
    uint32_t (*poll)(struct socket *socket);
    /* FIONREAD and TIOCOUTQ. */
    enum err (*queued)(struct socket *socket, bool out, uint32_t *bytes);
    /* SIOCATMARK: the next byte to be read is the urgent one, or the one after it. NULL: E_NOTTY. */
    bool (*at_mark)(struct socket *socket);
    /* Queues a message of the kernel. NULL: E_INVAL. E_NOMEM; E_AGAIN: the queue is full. */
    enum err (*deliver)(struct socket *socket, const void *bytes, uint32_t size);
    /* SO_PEERCRED and SO_ACCEPTCONN. */
    enum err (*peer)(struct socket *socket, struct fs_credentials *out);
    bool (*listens)(const struct socket *socket);
    /* The file was closed, or could not be opened. */
    void (*release)(struct socket *socket);
    /* Options that fs/socket/ does not have: other levels, and those of SOL_SOCKET that only the family has. NULL: E_NOTSUP. */
    enum err (*set_option)(struct socket *socket, const struct socket_option *option);
    enum err (*get_option)(struct socket *socket, struct socket_option *option);
    /* What mmap() maps. NULL, and a result of NULL: nothing. */
    struct page_source *(*pages)(struct socket *socket);
    bool filters; /* runs socket.filter */
    /* A common option has changed: a flag, a buffer size. NULL: none concerns the family. */
    void (*changed)(struct socket *socket);
};

/* SO_ATTACH_FILTER: what of a packet the socket gets. */
struct socket_filter {
    uint16_t count;
    struct bpf_instruction code[];
};

struct socket {
    const struct socket_ops *ops;
    struct socket_filter *filter; /* NULL: none */
    struct file *file;            /* no reference; NULL before socket_open() */
    struct wait_queue readable, writable;
    uint16_t family, type, protocol;
    uint64_t flags; /* bit n: the boolean option n of SOL_SOCKET */
    uint32_t send_size, receive_size, low_water, priority;
    uint32_t mark, busy_poll, pacing_rate; /* SO_MARK and so on: kept, without an effect */
    int32_t
        peek_at; /* SO_PEEK_OFF: bytes that MSG_PEEK passes over; negative: it passes over none, and does not count */
    uint64_t send_timeout_ns, receive_timeout_ns; /* NO_DEADLINE: none */
    uint64_t linger;                              /* struct linger */
    uint64_t cookie;                              /* SO_COOKIE; 0: not made yet */
    enum err error;                               /* SO_ERROR */
};

static inline bool socket_flag(const struct socket *socket, unsigned option)
{
    return socket->flags >> option & 1;
}

/* The bytes of a packet that the socket gets, from 0 on. O(instructions). */
static inline uint32_t socket_filter_run(const struct socket *socket,
                                         const struct bpf_packet *packet)
{
    return socket->filter ? bpf_run(socket->filter->code, packet) : UINT32_MAX;
}

struct socket_family {
    uint16_t number;
    /* E_SOCKTNOSUPPORT, E_PROTONOSUPPORT, E_NOMEM. */
    enum err (*create)(uint32_t type, uint32_t protocol, struct socket **out);
    /* socketpair(): connects two new sockets; NULL: E_NOTSUP. */
    enum err (*pair)(struct socket *a, struct socket *b);
    /* ioctl() commands about interfaces, which AF_INET answers for the sockets of all families. E_NOTTY. */
    enum err (*control)(struct socket *socket, uint32_t command, uint64_t argument);
    struct socket_family *next;
};

/* `family` must stay valid. Boot. */
void socket_family_register(struct socket_family *family);
/* NULL: not registered (E_AFNOSUPPORT). */
const struct socket_family *socket_family_find(uint32_t number);

/* Initializes the common part of a new socket. Callers: families. */
void socket_init(struct socket *socket, const struct socket_ops *ops, uint32_t family,
                 uint32_t type, uint32_t protocol);
/* Returns and clears SO_ERROR. */
enum err socket_take_error(struct socket *socket);
/* True if a call with these MSG_* flags may sleep. */
static inline bool socket_waits(const struct socket *socket, uint32_t flags)
{
    return !(flags & MSG_DONTWAIT) && !(socket->file->flags & O_NONBLOCK);
}
/* The bytes that a receiving call with these MSG_* flags passes over. */
static inline uint32_t socket_peek_at(const struct socket *socket, uint32_t flags)
{
    return (flags & MSG_PEEK) && socket->peek_at > 0 ? (uint32_t)socket->peek_at : 0;
}
/* After one that gave or, without MSG_PEEK, took so many bytes. */
void socket_peeked(struct socket *socket, uint32_t flags, uint64_t bytes);
/* Wakes all waiters of the socket: its state has changed for good. */
void socket_wake(struct socket *socket);
/* Sleeps on `queue` until the condition holds. E_AGAIN: !wait, or not in `timeout_ns`. E_INTR. */
MUST_CHECK enum err socket_wait(struct wait_queue *queue, fs_condition condition, void *context,
                                bool wait, uint64_t timeout_ns);
/* As socket_wait(), by fs_wait_one(). */
MUST_CHECK enum err socket_wait_one(struct wait_queue *queue, fs_condition condition, void *context,
                                    bool wait, uint64_t timeout_ns);

/* Opens a file for the socket; releases it on failure. flags: O_NONBLOCK or 0. E_NOMEM. */
MUST_CHECK enum err socket_open(struct socket *socket, uint32_t flags, struct file **out);
/* NULL: the file is not a socket. */
struct socket *socket_of(const struct file *file);
void socket_files_put(struct socket_files *files); /* NULL is allowed */

/* Registers AF_UNIX. Boot. */
void unix_sockets_init(void);
/* The text of /proc/net/unix. O(sockets of AF_UNIX). */
void unix_show(struct text *text, void *context);
