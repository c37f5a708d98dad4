/* SPDX-License-Identifier: MIT */
/*
 * Netlink between programs, as udevd and those that watch devices use it (NETLINK_KOBJECT_UEVENT), and what families
 * NETLINK_GENERIC tells of. Needs root.
 */
#define _GNU_SOURCE
#include "result.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRY(call) result(#call, call)

/* linux/netlink.h and linux/genetlink.h, which musl lacks */
enum {
    NETLINK_KOBJECT_UEVENT = 15,
    NETLINK_GENERIC = 16
};
enum {
    NETLINK_ADD_MEMBERSHIP = 1,
    NETLINK_DROP_MEMBERSHIP = 2,
    NETLINK_LIST_MEMBERSHIPS = 9
};
enum {
    NLM_F_REQUEST = 1,
    NLM_F_ACK = 4,
    NLMSG_NOOP = 1,
    NLMSG_ERROR = 2
};
enum {
    GENL_ID_CTRL = 16,
    CTRL_CMD_GETFAMILY = 3
};
enum {
    CTRL_ATTR_FAMILY_ID = 1,
    CTRL_ATTR_FAMILY_NAME = 2,
    CTRL_ATTR_VERSION = 3
};
#define SOL_NETLINK 270
#define ALIGN4(n)   (((n) + 3u) & ~3u)
#define BODY        20 /* of a generic message: after both headers */

struct sockaddr_nl {
    unsigned short nl_family, nl_pad;
    unsigned nl_pid, nl_groups;
};
struct header { /* struct nlmsghdr */
    unsigned length;
    unsigned short type, flags;
    unsigned sequence, pid;
};
struct attribute {
    unsigned short length, type;
};

static int open_netlink(int protocol, unsigned groups)
{
    struct sockaddr_nl own = {.nl_family = AF_NETLINK, .nl_groups = groups};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
    if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof own) != 0)
        printf("%d: %s\n", protocol, strerror(errno));
    return fd;
}

static unsigned name_of(int fd)
{
    struct sockaddr_nl own;
    socklen_t size = sizeof own;
    getsockname(fd, (struct sockaddr *)&own, &size);
    return own.nl_pid;
}

static long send_to(int fd, unsigned pid, unsigned groups, const char *text)
{
    const struct sockaddr_nl to = {.nl_family = AF_NETLINK, .nl_pid = pid, .nl_groups = groups};
    return sendto(fd, text, strlen(text) + 1, 0, (const struct sockaddr *)&to, sizeof to);
}

static void receive(const char *who, int fd, unsigned sender)
{
    char text[100] = "", control[CMSG_SPACE(sizeof(struct ucred))];
    struct sockaddr_nl from = {0};
    struct iovec v = {text, sizeof text};
    struct msghdr m = {.msg_name = &from,
                       .msg_namelen = sizeof from,
                       .msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof control};
    ssize_t size = recvmsg(fd, &m, MSG_DONTWAIT);
    if (size < 0) {
        printf("%s: %s\n", who, strerror(errno));
        return;
    }
    struct ucred c = {-1, 1, 1};
    struct cmsghdr *cmsg = CMSG_FIRSTHDR(&m);
    if (cmsg != NULL && cmsg->cmsg_type == SCM_CREDENTIALS)
        memcpy(&c, CMSG_DATA(cmsg), sizeof c);
    printf("%s: \"%s\" to groups %x, %s sender, credentials %s\n", who, text, from.nl_groups,
           from.nl_pid == sender ? "right" : "WRONG",
           c.pid == getpid() && c.uid == getuid() ? "the sender's"
           : c.pid == -1                          ? "none"
                                                  : "WRONG");
}

static void events(void)
{
    const int yes = 1;
    int daemon = open_netlink(NETLINK_KOBJECT_UEVENT, 0),
        first = open_netlink(NETLINK_KOBJECT_UEVENT, 2),
        second = open_netlink(NETLINK_KOBJECT_UEVENT, 1);
    setsockopt(first, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes);
    unsigned name = name_of(daemon);
    TRY(send_to(daemon, 0, 2, "to the second group"));
    receive("first", first, name);
    receive("second", second, name);
    TRY(send_to(daemon, name_of(second), 0, "to one"));
    receive("first", first, name);
    receive("second", second, name);
    TRY(send_to(daemon, name_of(second), 3, "to one and groups"));
    receive("first", first, name);
    receive("second", second, name);
    receive("second", second, name);
    receive("daemon", daemon, name);
    TRY(send_to(daemon, 0x7654321, 0, "to nobody"));
    int group = 2;
    TRY(setsockopt(second, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group));
    TRY(send_to(daemon, 0, 2, "to both"));
    receive("first", first, name);
    receive("second", second, name);
    TRY(setsockopt(second, SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, &group, sizeof group));
    TRY(send_to(daemon, 0, 2, "to the first"));
    receive("first", first, name);
    receive("second", second, name);
    group = 0;
    TRY(setsockopt(second, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group));
    unsigned groups = 0;
    socklen_t size = sizeof groups;
    TRY(getsockopt(first, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, &groups, &size));
    printf("groups %x, %u bytes\n", groups, size);
    const struct sockaddr_nl peer = {.nl_family = AF_NETLINK, .nl_pid = name_of(first)};
    TRY(connect(daemon, (const struct sockaddr *)&peer, sizeof peer));
    TRY(send(daemon, "connected", 10, 0));
    receive("first", first, name);
    fflush(stdout);
    if (fork() == 0) { /* a user may listen, but talks to nobody */
        if (setuid(1000) != 0)
            _exit(1);
        int user = open_netlink(NETLINK_KOBJECT_UEVENT, 2);
        TRY(send_to(user, 0, 2, "to the group"));
        TRY(send_to(user, name_of(first), 0, "to one"));
        TRY(connect(user, (const struct sockaddr *)&peer, sizeof peer));
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
}

static void show_attributes(const char *at, const char *end)
{
    while (at < end) {
        struct attribute a;
        memcpy(&a, at, sizeof a);
        const char *value = at + sizeof a;
        if (a.type == CTRL_ATTR_FAMILY_ID)
            printf(", number %d", *(const unsigned short *)(const void *)value);
        if (a.type == CTRL_ATTR_FAMILY_NAME)
            printf(", name %s", value);
        if (a.type == CTRL_ATTR_VERSION)
            printf(", version %d", *(const int *)(const void *)value);
        at += ALIGN4(a.length);
    }
}

static void ask(int fd, unsigned short type, unsigned short flags, unsigned char command,
                const char *name)
{
    struct {
        struct header header;
        unsigned char generic[4];
        struct attribute attribute;
        char name[16];
    } request = {
        .header = {.type = type, .flags = (unsigned short)(NLM_F_REQUEST | flags), .sequence = 7},
        .generic = {command, 1},
        .attribute = {(unsigned short)(4 + strlen(name) + 1), CTRL_ATTR_FAMILY_NAME}};
    char answer[4096];
    strcpy(request.name, name);
    request.header.length = BODY + ALIGN4(request.attribute.length);
    if (send(fd, &request, request.header.length, 0) < 0)
        printf("%s\n", strerror(errno));
    while (recv(fd, answer, sizeof answer, MSG_DONTWAIT) > 0) {
        struct header header;
        memcpy(&header, answer, sizeof header);
        printf("type %d", header.type);
        if (header.type == NLMSG_ERROR)
            printf(", %s", strerror(-*(const int *)(const void *)(answer + sizeof header)));
        else
            show_attributes(answer + BODY, answer + header.length);
        printf("\n");
    }
}

int main(void)
{
    events();
    int fd = open_netlink(NETLINK_GENERIC, 0);
    ask(fd, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, "nlctrl");
    ask(fd, GENL_ID_CTRL, NLM_F_ACK, CTRL_CMD_GETFAMILY, "nlctrl");
    ask(fd, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, "no such");
    ask(fd, GENL_ID_CTRL, 0, 99, "nlctrl");
    ask(fd, 9999, 0, CTRL_CMD_GETFAMILY, "nlctrl");
    ask(fd, NLMSG_NOOP, NLM_F_ACK, 0, "");
    return 0;
}
