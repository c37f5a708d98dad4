/* SPDX-License-Identifier: MIT */
/* Socket filters (SO_ATTACH_FILTER) and packet sockets (packet(7)) on lo: what they see, cut and refuse; the ring. */
#include "../result.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* linux/filter.h and linux/if_packet.h, which musl-gcc lacks */
struct insn {
    uint16_t code;
    uint8_t jt, jf;
    uint32_t k;
};
struct program {
    uint16_t count;
    const struct insn *code;
};
enum {
    ATTACH = 26,
    DETACH = 27,
    LOCK = 44,
    PACKET = 263,
    LOOP = 1, /* the index of lo */
    RX_RING = 5,
    STATISTICS = 6,
    AUXDATA = 8,
    VERSION = 10,
    HDRLEN = 11,
    RESERVE = 12,
    IGNORE_OUTGOING = 23,
    RET = 6,
    LDW = 0x20,
    LDH = 0x28,
    LDB = 0x30,
    LDX_LENGTH = 0xb1,
    LDH_X = 0x48,
    LD_LEN = 0x80,
    JEQ = 0x15,
    RET_A = 0x16,
};
struct link_address {
    uint16_t family, protocol;
    int32_t interface;
    uint16_t hardware;
    uint8_t type, size, address[8];
};
#define FILTER(name, ...)                                                                          \
    static const struct insn name##_code[] = {__VA_ARGS__};                                        \
    static const struct program name = {sizeof name##_code / sizeof name##_code[0], name##_code}

static uint16_t port;

static int attach(int fd, const struct insn *code, size_t count)
{
    struct program p = {(uint16_t)count, code};
    return setsockopt(fd, SOL_SOCKET, ATTACH, &p, sizeof p);
}

static const struct {
    const char *name;
    size_t count;
    struct insn code[6];
} checked[] = {
    {"all", 1, {{RET, 0, 0, 100}}},
    {"nothing", 0, {{RET, 0, 0, 0}}},
    {"no end", 1, {{LD_LEN, 0, 0, 0}}},
    {"unknown", 2, {{0x0f, 0, 0, 0}, {RET, 0, 0, 0}}},
    {"high bits", 2, {{0x120, 0, 0, 0}, {RET, 0, 0, 0}}},
    {"return of X", 1, {{0x0e, 0, 0, 0}}},
    {"far jump", 2, {{5, 0, 0, 1}, {RET, 0, 0, 0}}},
    {"jump back", 2, {{5, 0, 0, 0xffffffff}, {RET, 0, 0, 0}}},
    {"jump to the end", 3, {{5, 0, 0, 1}, {RET, 0, 0, 0}, {RET, 0, 0, 0}}},
    {"far branch", 2, {{JEQ, 1, 0, 1}, {RET, 0, 0, 0}}},
    {"far other branch", 2, {{JEQ, 0, 1, 1}, {RET, 0, 0, 0}}},
    {"division by 0", 2, {{0x34, 0, 0, 0}, {RET, 0, 0, 0}}},
    {"remainder of 0", 2, {{0x94, 0, 0, 0}, {RET, 0, 0, 0}}},
    {"division by X", 2, {{0x3c, 0, 0, 0}, {RET, 0, 0, 0}}},
    {"shift by 32", 2, {{0x64, 0, 0, 32}, {RET, 0, 0, 0}}},
    {"shift by 31", 2, {{0x74, 0, 0, 31}, {RET, 0, 0, 0}}},
    {"word 16", 2, {{2, 0, 0, 16}, {RET, 0, 0, 0}}},
    {"word not written", 2, {{0x60, 0, 0, 3}, {RET, 0, 0, 0}}},
    {"word written", 3, {{2, 0, 0, 3}, {0x60, 0, 0, 3}, {RET, 0, 0, 0}}},
    {"word written on one way", 4, {{JEQ, 1, 0, 1}, {2, 0, 0, 3}, {0x60, 0, 0, 3}, {RET, 0, 0, 0}}},
    {"protocol", 2, {{LDH, 0, 0, 0xfffff000}, {RET_A, 0, 0, 0}}},
    {"fact between", 2, {{LDH, 0, 0, 0xfffff002}, {RET_A, 0, 0, 0}}},
    {"fact past the last", 2, {{LDH, 0, 0, 0xfffff040}, {RET_A, 0, 0, 0}}},
    {"network's header", 2, {{LDH, 0, 0, 0xfff00000}, {RET_A, 0, 0, 0}}},
    {"length of IPv4", 2, {{LDX_LENGTH, 0, 0, 0}, {RET, 0, 0, 0}}},
    {"length as a word", 2, {{0xa1, 0, 0, 0}, {RET, 0, 0, 0}}},
};

static void refusals(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    for (size_t i = 0; i < sizeof checked / sizeof checked[0]; i++)
        result(checked[i].name, attach(fd, checked[i].code, checked[i].count));
    static struct insn many[4097];
    for (size_t i = 0; i < 4097; i++)
        many[i] = (struct insn){RET, 0, 0, 1};
    result("4096", attach(fd, many, 4096));
    socklen_t size = 0;
    result("length", getsockopt(fd, SOL_SOCKET, ATTACH, NULL, &size));
    printf("%u\n", size);
    result("4097", attach(fd, many, 4097));
    result("nowhere", attach(fd, (const struct insn *)8, 3));
    result("null", attach(fd, NULL, 3));
    result("eight bytes", setsockopt(fd, SOL_SOCKET, ATTACH, many, 8));
    result("small", attach(fd, checked[8].code, 3));
    struct insn back[6];
    size = 2;
    result("get two", getsockopt(fd, SOL_SOCKET, ATTACH, back, &size));
    size = 6;
    result("get six", getsockopt(fd, SOL_SOCKET, ATTACH, back, &size));
    printf("%u, %s\n", size, memcmp(back, checked[8].code, sizeof back / 2) == 0 ? "equal" : "NOT");
    int one = 1, zero = 0;
    result("lock", setsockopt(fd, SOL_SOCKET, LOCK, &one, sizeof one));
    result("attach", attach(fd, checked[8].code, 3));
    result("detach", setsockopt(fd, SOL_SOCKET, DETACH, &one, sizeof one));
    result("unlock", setsockopt(fd, SOL_SOCKET, LOCK, &zero, sizeof zero));
    close(fd);
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    result("detach none", setsockopt(fd, SOL_SOCKET, DETACH, &one, sizeof one));
    result("attach", attach(fd, checked[0].code, 1));
    result("detach", setsockopt(fd, SOL_SOCKET, DETACH, &one, sizeof one));
    close(fd);
}

static int udp(uint16_t to)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    own.sin_port = htons(to);
    bind(fd, (struct sockaddr *)&own, sizeof own);
    return fd;
}

static void say(const char *text)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    to.sin_port = htons(port);
    if (sendto(fd, text, strlen(text), 0, (struct sockaddr *)&to, sizeof to) < 0)
        perror("sendto");
    close(fd);
}

static void show(const char *name, int fd)
{
    char text[2000];
    struct pollfd p = {fd, POLLIN, 0};
    poll(&p, 1, 50);
    ssize_t got = recv(fd, text, sizeof text, MSG_DONTWAIT);
    printf("%s: %zd %.*s\n", name, got, got > 0 ? (int)got : 0, text);
}

/* UDP: the header is the first eight bytes. */
static void datagrams(void)
{
    FILTER(by_byte, {LDB, 0, 0, 8}, {JEQ, 0, 1, 'y'}, {RET, 0, 0, 0xffffffff}, {RET, 0, 0, 0});
    FILTER(cut, {RET, 0, 0, 11});
    FILTER(little, {RET, 0, 0, 2});
    FILTER(by_length, {LD_LEN, 0, 0, 0}, {RET_A, 0, 0, 0});
    FILTER(beyond, {LDW, 0, 0, 9}, {RET, 0, 0, 100});
    FILTER(to_port, {LDH, 0, 0, 2}, {2, 0, 0, 5}, {0x61, 0, 0, 5}, {0x87, 0, 0, 0},
           {RET_A, 0, 0, 0});
    int fd = udp(0);
    struct sockaddr_in own;
    socklen_t size = sizeof own;
    getsockname(fd, (struct sockaddr *)&own, &size);
    port = ntohs(own.sin_port);
    static const struct {
        const char *name;
        const struct program *program;
    } cases[] = {
        {"by its first byte", &by_byte}, {"cut", &cut},       {"cut in the header", &little},
        {"by length", &by_length},       {"beyond", &beyond}, {"by port", &to_port}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        setsockopt(fd, SOL_SOCKET, ATTACH, cases[i].program, sizeof *cases[i].program);
        say("no");
        say("yes, and more");
        show(cases[i].name, fd);
        show(cases[i].name, fd);
    }
    int any = 0;
    setsockopt(fd, SOL_SOCKET, DETACH, &any, sizeof any);
    say("plain");
    show("without", fd);
    close(fd);
}

/* To the port, with `head` bytes before IPv4's header. */
static int filter_port(int fd, uint32_t head)
{
    const struct insn code[] = {
        {LDB, 0, 0, head + 9}, {JEQ, 0, 4, 17},  {LDX_LENGTH, 0, 0, head}, {LDH_X, 0, 0, head + 2},
        {JEQ, 0, 1, port},     {RET, 0, 0, 300}, {RET, 0, 0, 0},
    };
    return attach(fd, code, 7);
}

static void show_frame(const char *name, int fd, uint32_t head)
{
    uint8_t bytes[400] = {0};
    uint32_t aux[5] = {0};
    union {
        struct cmsghdr align;
        uint8_t bytes[256];
    } control;
    struct link_address from = {0};
    struct iovec io = {bytes, sizeof bytes};
    struct msghdr m = {.msg_name = &from,
                       .msg_namelen = sizeof from,
                       .msg_iov = &io,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = sizeof control};
    struct pollfd p = {fd, POLLIN, 0};
    poll(&p, 1, 50);
    ssize_t got = recvmsg(fd, &m, MSG_DONTWAIT);
    if (got < 0) {
        printf("%s: %s\n", name, strerror(errno));
        return;
    }
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    if (c != NULL && c->cmsg_level == PACKET)
        memcpy(aux, CMSG_DATA(c), sizeof aux);
    printf(
        "%s: %zd bytes, protocol %02x%02x of %x, interface %d, hardware %u, type %u, %u of address; "
        "version %u, \"%.5s\"; aux %u %u %u\n",
        name, got, head ? bytes[12] : 0, head ? bytes[13] : 0, ntohs(from.protocol), from.interface,
        from.hardware, from.type, from.size, bytes[head] >> 4, bytes + head + 28, aux[1], aux[2],
        aux[3]);
}

static int packet_socket(int type, uint16_t protocol)
{
    struct link_address own = {.family = AF_PACKET, .protocol = htons(protocol), .interface = LOOP};
    int fd = socket(AF_PACKET, type, 0);
    filter_port(fd, type == SOCK_RAW ? 14 : 0);
    bind(fd, (struct sockaddr *)&own, sizeof own);
    return fd;
}

static void by_hand(int all, int ip, int own)
{
    int one = 1;
    /* sent by hand: the frame that came, in another order */
    uint8_t bytes[64] = {0};
    say("third");
    recv(all, bytes, sizeof bytes, 0);
    show("the program", own);
    struct link_address to = {
        .family = AF_PACKET, .protocol = htons(0x800), .interface = LOOP, .size = 6};
    result("send", sendto(all, bytes, 47, 0, (struct sockaddr *)&to, sizeof to));
    show("the program", own);
    result("send IPv4", sendto(ip, bytes + 14, 33, 0, (struct sockaddr *)&to, sizeof to));
    show("the program", own);
    to.interface = 77;
    result("send to no interface",
           sendto(ip, bytes + 14, 33, 0, (struct sockaddr *)&to, sizeof to));
    result("bind to no interface", bind(ip, (struct sockaddr *)&to, sizeof to));
    result("bind by half", bind(ip, (struct sockaddr *)&to, 10));
    to.interface = LOOP;
    result("send less than a header", sendto(all, bytes, 13, 0, (struct sockaddr *)&to, sizeof to));
    struct {
        int interface;
        uint16_t type, size;
        uint8_t address[8];
    } membership = {LOOP, 1, 0, {0}};
    result("promiscuous", setsockopt(all, PACKET, 1, &membership, sizeof membership));
    result("not any more", setsockopt(all, PACKET, 2, &membership, sizeof membership));
    membership.interface = 77;
    result("of no interface", setsockopt(all, PACKET, 1, &membership, sizeof membership));
    result("unknown option", setsockopt(all, PACKET, 99, &one, sizeof one));
    result("level", setsockopt(all, 6, 1, &one, sizeof one));
}

static void frames(void)
{
    int one = 1, all = packet_socket(SOCK_RAW, 3), ip = packet_socket(SOCK_DGRAM, 0x800);
    int own = udp(port);
    struct link_address name;
    socklen_t size = sizeof name;
    result("name", getsockname(all, (struct sockaddr *)&name, &size));
    printf("%u: %u %x %d %u %u %u\n", size, name.family, ntohs(name.protocol), name.interface,
           name.hardware, name.type, name.size);
    result("peer", getpeername(all, (struct sockaddr *)&name, &size));
    result("listen", listen(all, 1));
    result("aux", setsockopt(all, PACKET, AUXDATA, &one, sizeof one));
    say("hello");
    show_frame("all", all, 14);
    show_frame("all", all, 14);
    show_frame("all", all, 14);
    show_frame("IPv4", ip, 0);
    show_frame("IPv4", ip, 0);
    show("the program", own);
    result("no outgoing", setsockopt(all, PACKET, IGNORE_OUTGOING, &one, sizeof one));
    say("again");
    show_frame("all", all, 14);
    show_frame("all", all, 14);
    uint32_t counts[2] = {9, 9};
    size = sizeof counts;
    result("statistics", getsockopt(all, PACKET, STATISTICS, counts, &size));
    printf("%u: %u %u\n", size, counts[0], counts[1]);
    getsockopt(all, PACKET, STATISTICS, counts, &size);
    printf("%u: %u %u\n", size, counts[0], counts[1]);
    show("the program", own);
    by_hand(all, ip, own);
    close(all);
    close(ip);
    close(own);
    result("stream", socket(AF_PACKET, SOCK_STREAM, 0));
}

struct header { /* struct tpacket2_hdr */
    uint32_t status, size, has;
    uint16_t link, network;
    uint32_t seconds, nanoseconds;
};

static long ring_of(int fd, uint32_t block, uint32_t blocks, uint32_t frame, uint32_t count)
{
    const uint32_t r[4] = {block, blocks, frame, count};
    return setsockopt(fd, PACKET, RX_RING, r, sizeof r);
}

/* What is no ring, and one at last: frames that pages divide. */
static void shapes(int fd)
{
    result("tiny frames", ring_of(fd, 8192, 2, 48, 340));
    result("small frames", ring_of(fd, 8192, 2, 64, 256));
    result("no ring", ring_of(fd, 0, 0, 0, 0));
    result("crooked frames", ring_of(fd, 8192, 2, 1000, 16));
    result("crooked blocks", ring_of(fd, 5000, 2, 512, 18));
    result("wrong count", ring_of(fd, 8192, 2, 512, 31));
    result("frames above blocks", ring_of(fd, 4096, 2, 8192, 1));
    result("none with frames", ring_of(fd, 4096, 0, 512, 1));
    result("ring", ring_of(fd, 8192, 2, 2720, 6)); /* frames that pages divide */
}

/* Shows the frames, and gives them back. */
static void show_ring(char *ring)
{
    for (int i = 0; i < 6; i++) {
        struct header *h = (struct header *)(ring + i / 3 * 8192 + i % 3 * 2720);
        printf("%u: %u %u %u %u \"%.*s\" %s\n", h->status & 1, h->size, h->has, h->link, h->network,
               (int)h->has - 42, (char *)h + h->link + 42,
               h->seconds > 1000000 ? "time" : "NO TIME");
        h->status = 0;
    }
}

static void rings(void)
{
    int version = 1, reserve = 4, fd = packet_socket(SOCK_RAW, 3), own = udp(port), one = 1;
    socklen_t size = sizeof version;
    setsockopt(fd, PACKET, IGNORE_OUTGOING, &one, sizeof one);
    result("header", getsockopt(fd, PACKET, HDRLEN, &version, &size));
    printf("%d\n", version);
    version = 1;
    result("version", setsockopt(fd, PACKET, VERSION, &version, sizeof version));
    result("reserve", setsockopt(fd, PACKET, RESERVE, &reserve, sizeof reserve));
    shapes(fd);
    char *ring = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    truth("mapped", ring != MAP_FAILED);
    result("ring again", ring_of(fd, 8192, 2, 2720, 6));
    result("none while it is mapped", ring_of(fd, 0, 0, 0, 0));
    result("version of a ring", setsockopt(fd, PACKET, VERSION, &version, sizeof version));
    for (int i = 0; i < 8; i++)
        say(i % 2 ? "odd" : "even, and longer");
    struct pollfd p = {fd, POLLIN, 0};
    poll(&p, 1, 100);
    printf("poll %d\n", p.revents);
    show_ring(ring);
    p.revents = 0;
    poll(&p, 1, 0);
    printf("poll %d\n", p.revents);
    uint32_t counts[2];
    size = sizeof counts;
    getsockopt(fd, PACKET, STATISTICS, counts, &size);
    printf("%u %u\n", counts[0], counts[1]);
    say("after");
    poll(&p, 1, 100);
    struct header *h = (struct header *)ring;
    printf("%u: %.5s\n", h->status & 1, (char *)h + h->link + 42);
    fflush(stdout);
    pid_t child = fork(); /* shares it, with the socket */
    if (child == 0) {
        h->status = 0;
        _exit(0);
    }
    waitpid(child, NULL, 0);
    printf("%u\n", h->status);
    close(fd);
    say("late");
    printf("the ring lives: %u\n", h->status);
    munmap(ring, 16384);
    close(own);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    refusals();
    datagrams();
    frames();
    rings();
    if (setuid(65534) == 0)
        result("without rights", socket(AF_PACKET, SOCK_RAW, 0));
    return 0;
}
