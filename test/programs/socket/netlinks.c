/* SPDX-License-Identifier: MIT */
/*
 * Netlink between programs, as udevd and those that watch devices use it (NETLINK_KOBJECT_UEVENT), and what families
 * NETLINK_GENERIC tells of. Needs root.
 */
#define _GNU_SOURCE
#include "result.h"

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRY(call) result(#call, call)

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

static void ask(int fd, unsigned short type, unsigned short flags, unsigned char command,
                const char *name)
{
    struct {
        struct nlmsghdr header;
        struct genlmsghdr generic;
        struct nlattr attribute;
        char name[16];
    } request = {.header = {.nlmsg_type = type,
                            .nlmsg_flags = (unsigned short)(NLM_F_REQUEST | flags),
                            .nlmsg_seq = 7},
                 .generic = {.cmd = command, .version = 1},
                 .attribute = {(unsigned short)(4 + strlen(name) + 1), CTRL_ATTR_FAMILY_NAME}};
    char answer[4096];
    strcpy(request.name, name);
    request.header.nlmsg_len = (unsigned)(NLMSG_LENGTH(4) + NLA_ALIGN(request.attribute.nla_len));
    if (send(fd, &request, request.header.nlmsg_len, 0) < 0) {
        printf("%s\n", strerror(errno));
        return;
    }
    ssize_t size;
    while ((size = recv(fd, answer, sizeof answer, MSG_DONTWAIT)) > 0) {
        struct nlmsghdr *header = (struct nlmsghdr *)(void *)answer;
        printf("type %d", header->nlmsg_type);
        if (header->nlmsg_type == NLMSG_ERROR)
            printf(", %s", strerror(-((struct nlmsgerr *)NLMSG_DATA(header))->error));
        else
            for (struct nlattr *a = (struct nlattr *)(answer + NLMSG_LENGTH(4));
                 (char *)a < answer + header->nlmsg_len;
                 a = (struct nlattr *)((char *)a + NLA_ALIGN(a->nla_len))) {
                if (a->nla_type == CTRL_ATTR_FAMILY_ID)
                    printf(", number %d", *(unsigned short *)(a + 1));
                if (a->nla_type == CTRL_ATTR_FAMILY_NAME)
                    printf(", name %s", (char *)(a + 1));
                if (a->nla_type == CTRL_ATTR_VERSION)
                    printf(", version %d", *(int *)(a + 1));
            }
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
