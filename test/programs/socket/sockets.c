/* SPDX-License-Identifier: MIT */
/* Unix-domain sockets: the result of every call, by type of socket. */
#define _GNU_SOURCE
#pragma GCC diagnostic ignored "-Wunused-result"
#pragma GCC diagnostic ignored "-Wstringop-overflow"
#include "result.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static char buffer[400000];
static int pipes_signalled;

static void on_pipe(int number)
{
    (void)number;
    pipes_signalled++;
}

static socklen_t name_of(struct sockaddr_un *a, const char *text)
{
    memset(a, 0, sizeof *a);
    a->sun_family = AF_UNIX;
    size_t length = strlen(text);
    if (text[0] == '@') { /* abstract */
        memcpy(a->sun_path + 1, text + 1, length - 1);
        return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    }
    strcpy(a->sun_path, text);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
}

static int bind_to(int fd, const char *text)
{
    struct sockaddr_un a;
    return bind(fd, (struct sockaddr *)&a, name_of(&a, text));
}

static int connect_to(int fd, const char *text)
{
    struct sockaddr_un a;
    return connect(fd, (struct sockaddr *)&a, name_of(&a, text));
}

static ssize_t send_to(int fd, const char *bytes, const char *text)
{
    struct sockaddr_un a;
    return sendto(fd, bytes, strlen(bytes), 0, (struct sockaddr *)&a, name_of(&a, text));
}

static void show_name(const char *what, int fd, int peer)
{
    struct sockaddr_un a;
    socklen_t size = sizeof a;
    memset(&a, 0xee, sizeof a);
    int r = peer ? getpeername(fd, (struct sockaddr *)&a, &size)
                 : getsockname(fd, (struct sockaddr *)&a, &size);
    if (result(what, r) == 0)
        printf("  family %d size %u '%.*s'\n", a.sun_family, size,
               size > 2 ? (int)(size - 2 - (a.sun_path[0] == 0)) : 0,
               a.sun_path[0] ? a.sun_path : a.sun_path + 1);
}

static void events(const char *what, int fd)
{
    struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP | POLLRDNORM | POLLWRNORM, 0};
    int r = poll(&p, 1, 0);
    printf("%s: %d events %#x\n", what, r, p.revents);
}

static int option(int fd, int name)
{
    int value = -7;
    socklen_t size = sizeof value;
    if (getsockopt(fd, SOL_SOCKET, name, &value, &size) != 0)
        return -errno;
    return value;
}

static void making(void)
{
    int p[2];
    result("type 99", socket(AF_UNIX, 9, 0));
    result("type 12", socket(AF_UNIX, 12, 0));
    result("flags", socket(AF_UNIX, SOCK_STREAM | 0x100, 0));
    result("protocol 7", socket(AF_UNIX, SOCK_STREAM, 7));
    result("family 45", socket(45, SOCK_STREAM, 0));
    result("family 99", socket(99, SOCK_STREAM, 0));
    result("pair of SOCK_RDM", socketpair(AF_UNIX, SOCK_RDM, 0, p));
    result("pair to nowhere", socketpair(AF_UNIX, SOCK_STREAM, 0, (int *)(uintptr_t)8));
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 1);
    result("flags", fcntl(s, F_GETFL));
    result("close on exec", fcntl(s, F_GETFD));
    struct stat st;
    fstat(s, &st);
    printf("mode %o size %ld links %d\n", st.st_mode, (long)st.st_size, (int)st.st_nlink);
    result("lseek", lseek(s, 0, SEEK_SET));
    result("pread", pread(s, buffer, 1, 0));
    result("mmap-like ftruncate", ftruncate(s, 0));
    result("fsync", fsync(s));
    show_name("name of a new one", s, 0);
    show_name("peer of a new one", s, 1);
    events("a new stream", s);
    result("send on a new stream", send(s, "x", 1, 0));
    result("read from a new stream", read(s, buffer, 1));
    result("accept on a new stream", accept(s, NULL, NULL));
    result("listen without a name", listen(s, 1));
    close(s);
    s = socket(AF_UNIX, SOCK_DGRAM, 0);
    events("a new datagram socket", s);
    result("send on a new datagram socket", send(s, "x", 1, 0));
    result("listen on it", listen(s, 1));
    result("accept on it", accept(s, NULL, NULL));
    printf("type %d domain %d protocol %d accepting %d error %d\n", option(s, SO_TYPE),
           option(s, SO_DOMAIN), option(s, SO_PROTOCOL), option(s, SO_ACCEPTCONN),
           option(s, SO_ERROR));
    close(s);
    s = socket(AF_UNIX, SOCK_RAW, 0);
    printf("raw is type %d\n", option(s, SO_TYPE));
    close(s);
    s = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    events("a new seqpacket", s);
    result("send on a new seqpacket", send(s, "x", 1, 0));
    result("recv on a new seqpacket", recv(s, buffer, 1, MSG_DONTWAIT));
    close(s);
    result("no socket", send(0, "x", 1, 0));
    result("no descriptor", send(77, "x", 1, 0));
}

static void options(void)
{
    int p[2], one = 1, big = 1 << 30;
    socketpair(AF_UNIX, SOCK_STREAM, 0, p);
    printf("sndbuf %d rcvbuf %d lowat %d %d\n", option(p[0], SO_SNDBUF), option(p[0], SO_RCVBUF),
           option(p[0], SO_RCVLOWAT), option(p[0], SO_SNDLOWAT));
    result("sndbuf 1", setsockopt(p[0], SOL_SOCKET, SO_SNDBUF, &one, sizeof one));
    int least = option(p[0], SO_SNDBUF);
    truth("not less than something", least > 2000 && least < 6000);
    result("sndbuf huge", setsockopt(p[0], SOL_SOCKET, SO_SNDBUF, &big, sizeof big));
    printf("reuse %d keepalive %d passcred %d\n", option(p[0], SO_REUSEADDR),
           option(p[0], SO_KEEPALIVE), option(p[0], SO_PASSCRED));
    result("reuse", setsockopt(p[0], SOL_SOCKET, SO_REUSEADDR, &one, sizeof one));
    printf("reuse %d\n", option(p[0], SO_REUSEADDR));
    result("short", setsockopt(p[0], SOL_SOCKET, SO_REUSEADDR, &one, 3));
    result("bad pointer", setsockopt(p[0], SOL_SOCKET, SO_REUSEADDR, (void *)8, 4));
    result("unknown", setsockopt(p[0], SOL_SOCKET, 999, &one, 4));
    result("unknown", getsockopt(p[0], SOL_SOCKET, 999, &one, &(socklen_t){4}));
    result("other level", setsockopt(p[0], 6, 1, &one, 4));
    result("other level", getsockopt(p[0], 6, 1, &one, &(socklen_t){4}));
    struct timeval time = {0, 2000000};
    result("time out of range", setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
    time = (struct timeval){0, 20000};
    result("time", setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
    socklen_t size = sizeof time;
    time = (struct timeval){9, 9};
    result("time", getsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &time, &size));
    printf("%ld.%06ld size %u\n", (long)time.tv_sec, (long)time.tv_usec, size);
    result("times out", read(p[0], buffer, 1));
    struct linger linger = {1, 5};
    result("linger", setsockopt(p[0], SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
    linger = (struct linger){0, 0};
    size = sizeof linger;
    result("linger", getsockopt(p[0], SOL_SOCKET, SO_LINGER, &linger, &size));
    printf("%d %d\n", linger.l_onoff, linger.l_linger);
    struct ucred who;
    size = sizeof who;
    result("peer", getsockopt(p[0], SOL_SOCKET, SO_PEERCRED, &who, &size));
    truth("is me", who.pid == getpid() && who.uid == geteuid() && who.gid == getegid());
    size = 4;
    result("cut", getsockopt(p[0], SOL_SOCKET, SO_PEERCRED, &who, &size));
    printf("size %u\n", size);
    close(p[0]);
    close(p[1]);
}

static int p[2];

static void streams(void)
{
    int n = -1;
    socketpair(AF_UNIX, SOCK_STREAM, 0, p);
    events("pair", p[0]);
    result("write", write(p[0], "hello ", 6));
    result("send", send(p[0], "world", 5, 0));
    result("FIONREAD", ioctl(p[1], FIONREAD, &n));
    printf("%d waiting\n", n);
    events("with bytes", p[1]);
    result("peek", recv(p[1], buffer, 8, MSG_PEEK));
    printf("'%.8s'\n", buffer);
    result("read", read(p[1], buffer, 3));
    printf("'%.3s'\n", buffer);
    result("read across", read(p[1], buffer, 100));
    printf("'%.8s'\n", buffer);
    result("empty", recv(p[1], buffer, 1, MSG_DONTWAIT));
    result("read of 0", read(p[1], buffer, 0));
    result("write of 0", write(p[1], buffer, 0));
    result("oob", send(p[0], "x", 1, 0x40000000));
    result("read it", read(p[1], buffer, 100));
    result("with an address", send_to(p[0], "x", "@nobody"));
    result("connect again", connect_to(p[0], "@nobody"));
    result("bad pointer", send(p[0], (void *)8, 10, 0));
    result("bad pointer", recv(p[0], (void *)8, 10, MSG_DONTWAIT));
    write(p[0], "kept", 4);
    result("bad pointer", read(p[1], (void *)8, 10));
    result("still there", read(p[1], buffer, 10));
    result("waitall", send(p[0], "abc", 3, 0));
    result("waitall nowait", recv(p[1], buffer, 10, MSG_WAITALL | MSG_DONTWAIT));
}

static void ends_of_streams(void)
{
    fcntl(p[0], F_SETFL, O_NONBLOCK);
    long total = 0, r;
    while ((r = write(p[0], buffer, 10000)) > 0)
        total += r;
    result("full", r);
    truth("a good deal went in", total >= 100000 && total < 400000);
    events("full", p[0]);
    long got = 0;
    fcntl(p[1], F_SETFL, O_NONBLOCK);
    while ((r = read(p[1], buffer, sizeof buffer)) > 0)
        got += r;
    truth("all of it came out", got == total);
    events("empty again", p[0]);
    result("shutdown of nothing", shutdown(p[0], 3));
    result("shutdown write", shutdown(p[0], SHUT_WR));
    events("shut for writing", p[0]);
    events("its peer", p[1]);
    result("end", read(p[1], buffer, 1));
    result("back", write(p[1], "back", 4));
    result("back", read(p[0], buffer, 100));
    result("write", write(p[0], "x", 1));
    result("send", send(p[0], "x", 1, MSG_NOSIGNAL));
    printf("%d signals\n", pipes_signalled);
    write(p[1], "unread", 6);
    close(p[0]);
    events("closed with bytes unread", p[1]);
    printf("error %d\n", option(p[1], SO_ERROR));
    printf("error %d\n", option(p[1], SO_ERROR));
    result("read", read(p[1], buffer, 10));
    result("write", write(p[1], buffer, 10));
    printf("%d signals\n", pipes_signalled);
    show_name("peer", p[1], 1);
    close(p[1]);
}

static void conversation(int server, int client)
{
    struct ucred who;
    socklen_t size = sizeof who;
    show_name("server end", server, 0);
    show_name("server end's peer", server, 1);
    result("read", read(server, buffer, 100));
    result("reply", write(server, "reply", 5));
    result("reply", read(client, buffer, 100));
    getsockopt(client, SOL_SOCKET, SO_PEERCRED, &who, &size);
    truth("credentials", who.pid == getpid());
}

/* The name in the file system outlives the socket. */
static void left_behind(const char *name, int type)
{
    struct stat st;
    int s = socket(AF_UNIX, type, 0);
    result("stat", stat(name, &st));
    printf("mode %o\n", st.st_mode);
    result("open", open(name, O_RDWR));
    result("bind again", bind_to(s, name));
    close(s);
    result("unlink", unlink(name));
}

static void listening(const char *name, int type)
{
    int s = socket(AF_UNIX, type, 0), c = socket(AF_UNIX, type, 0), a, d;
    struct sockaddr_un who;
    socklen_t size = sizeof who;
    printf("-- %s, type %d\n", name, type);
    result("connect to nobody", connect_to(c, name));
    result("bind", bind_to(s, name));
    result("bind twice", bind_to(s, "@other"));
    result("bind another", bind_to(c, name));
    show_name("name", s, 0);
    result("connect before listen", connect_to(c, name));
    result("listen", listen(s, 1));
    printf("accepting %d\n", option(s, SO_ACCEPTCONN));
    events("listener", s);
    fcntl(s, F_SETFL, O_NONBLOCK);
    result("accept nobody", accept(s, NULL, NULL));
    result("accept4 flags", accept4(s, NULL, NULL, 1));
    result("read", read(s, buffer, 1));
    result("connect the listener", connect_to(s, name));
    d = socket(AF_UNIX, SOCK_DGRAM, 0);
    result("connect with another type", connect_to(d, name));
    close(d);
    result("connect", connect_to(c, name));
    result("connect twice", connect_to(c, name));
    show_name("client", c, 0);
    show_name("client's peer", c, 1);
    result("write before accept", write(c, "early", 5));
    events("listener", s);
    events("client", c);
    int more[3];
    for (int i = 0; i < 3; i++) {
        more[i] = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);
        printf("%d: ", i);
        result("another", connect_to(more[i], name));
    }
    memset(&who, 0xee, sizeof who);
    a = accept4(s, (struct sockaddr *)&who, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    truth("accept", a >= 0);
    printf("from family %d size %u, flags %x %x\n", who.sun_family, size, fcntl(a, F_GETFL),
           fcntl(a, F_GETFD));
    conversation(a, c);
    close(a);
    events("server end closed", c);
    result("read", read(c, buffer, 1));
    result("write", write(c, "x", 1));
    close(s);
    events("listener closed before it accepted", more[0]);
    result("read", read(more[0], buffer, 1));
    result("read", read(more[0], buffer, 1));
    result("connect after close", connect_to(more[1], name));
    for (int i = 0; i < 3; i++)
        close(more[i]);
    close(c);
    if (name[0] != '@')
        left_behind(name, type);
}

static void names(void)
{
    struct sockaddr_un a;
    int s = socket(AF_UNIX, SOCK_DGRAM, 0);
    name_of(&a, "/tmp/n");
    result("short address", bind(s, (struct sockaddr *)&a, 1));
    result("long address", bind(s, (struct sockaddr *)&a, 111));
    result("longer address", bind(s, (struct sockaddr *)&a, 200));
    a.sun_family = AF_INET;
    result("family", bind(s, (struct sockaddr *)&a, 20));
    result("bad pointer", bind(s, (struct sockaddr *)8, 20));
    result("missing folder", bind_to(s, "/tmp/missing/n"));
    result("connect to a folder", connect_to(s, "/tmp"));
    result("connect to nothing", connect_to(s, "/tmp/missing"));
    memset(&a, 'p', sizeof a);
    a.sun_family = AF_UNIX;
    memcpy(a.sun_path, "/tmp/", 5);
    result("108 bytes without a NUL", bind(s, (struct sockaddr *)&a, sizeof a));
    struct sockaddr_un b[2];
    socklen_t size = sizeof b;
    memset(b, 0, sizeof b);
    result("its name", getsockname(s, (struct sockaddr *)b, &size));
    printf("size %u, %zu characters\n", size, strlen(b[0].sun_path));
    unlink(b[0].sun_path);
    close(s);
    s = socket(AF_UNIX, SOCK_DGRAM, 0);
    a.sun_family = AF_UNIX;
    result("autobind", bind(s, (struct sockaddr *)&a, 2));
    size = sizeof a;
    getsockname(s, (struct sockaddr *)&a, &size);
    printf("size %u, first %d\n", size, a.sun_path[0]);
    size = 4;
    result("cut", getsockname(s, (struct sockaddr *)&a, &size));
    printf("size %u\n", size);
    size = (socklen_t)-1;
    result("negative size", getsockname(s, (struct sockaddr *)&a, &size));
    close(s);
}

static void datagrams(void)
{
    int s = socket(AF_UNIX, SOCK_DGRAM, 0), c = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    struct sockaddr_un who;
    socklen_t size = sizeof who;
    result("bind", bind_to(s, "@datagrams"));
    result("to nobody", send_to(c, "x", "@nobody"));
    result("unnamed", send_to(c, "first", "@datagrams"));
    result("recvfrom", recvfrom(s, buffer, 100, 0, (struct sockaddr *)&who, &size));
    printf("name size %u\n", size);
    bind_to(c, "@client");
    result("named", send_to(c, "second", "@datagrams"));
    size = sizeof who;
    result("recvfrom", recvfrom(s, buffer, 3, 0, (struct sockaddr *)&who, &size));
    printf("'%.3s' name size %u '%.6s'\n", buffer, size, who.sun_path + 1);
    result("connect", connect_to(c, "@datagrams"));
    show_name("peer", c, 1);
    result("empty one", send(c, "", 0, 0));
    result("long one", send(c, "0123456789", 10, 0));
    result("peek truncated", recv(s, buffer, 4, MSG_PEEK | MSG_TRUNC));
    result("the empty one", recv(s, buffer, 4, 0));
    result("peek truncated", recv(s, buffer, 4, MSG_PEEK | MSG_TRUNC));
    int n;
    ioctl(s, FIONREAD, &n);
    printf("FIONREAD %d\n", n);
    result("cut", recv(s, buffer, 4, 0));
    result("the rest is gone", recv(s, buffer, 4, MSG_DONTWAIT));
    result("too long", send(c, buffer, 300000, 0));
    for (n = 0; send(c, "q", 1, 0) == 1;)
        n++;
    result("full", -1);
    printf("%d went in\n", n);
    events("full", c);
    recv(s, buffer, 1, 0);
    events("one less", c);
    result("sender's peer is connected elsewhere", connect_to(s, "@client"));
    int third = socket(AF_UNIX, SOCK_DGRAM, 0);
    result("not from you", send_to(third, "x", "@datagrams"));
    result("nor connected", connect_to(third, "@datagrams"));
    struct sockaddr nobody = {AF_UNSPEC, {0}};
    result("disconnect", connect(s, &nobody, sizeof nobody));
    show_name("peer", s, 1);
    events("the other", c);
    result("reset", send(c, "x", 1, 0));
    result("again", send(c, "x", 1, 0));
    result("shutdown read", shutdown(s, SHUT_RD));
    result("to a shut one", send(c, "x", 1, 0));
    events("shut", s);
    close(s);
    result("to a closed one", send(c, "x", 1, 0));
    result("disconnected now", send(c, "x", 1, 0));
    printf("%d signals\n", pipes_signalled);
    close(c);
    close(third);
}

static void datagram_pairs(void)
{
    int n;
    socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, p);
    for (n = 0; n < 30 && send(p[0], "q", 1, 0) == 1;)
        n++;
    printf("%d in a pair\n", n);
    shutdown(p[1], SHUT_RDWR);
    for (n = 0; recv(p[1], buffer, 9, 0) == 1;)
        n++;
    result("shut and empty", -1);
    close(p[0]);
    close(p[1]);
}

static void packets(void)
{
    int p[2];
    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, p);
    result("send", send(p[0], "one", 3, 0));
    result("send", send(p[0], "two", 3, MSG_EOR));
    struct iovec v = {buffer, 2};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    result("recvmsg", recvmsg(p[1], &m, 0));
    printf("flags %#x\n", m.msg_flags);
    result("read", read(p[1], buffer, 100));
    result("address is ignored", send_to(p[0], "x", "@nobody"));
    close(p[0]);
    result("read", read(p[1], buffer, 100));
    result("end", read(p[1], buffer, 100));
    result("write", write(p[1], "x", 1));
    printf("%d signals\n", pipes_signalled);
    close(p[1]);
}

int main(void)
{
    signal(SIGPIPE, on_pipe);
    making();
    options();
    streams();
    ends_of_streams();
    listening("/tmp/socket", SOCK_STREAM);
    listening("@abstract", SOCK_STREAM);
    listening("@packets", SOCK_SEQPACKET);
    names();
    datagrams();
    datagram_pairs();
    packets();
    return 0;
}
