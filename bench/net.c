/* SPDX-License-Identifier: MIT */
/*
 * The first process of a machine that serves: `./ouro bench net`.
 *
 *     net PORT PROGRAM [ARGUMENTS...]     starts the program, prints "bench done" when it answers at PORT
 *
 * Meanwhile, each connection to
 *     port 9000 gets "CLOCK IDLE\n": nanoseconds of the machine's clock, hundredths of a second of idleness
 *     port 9001 gets bytes for as long as it reads them
 *     port 9002 is read to its end
 *
 * On a bare Linux it inserts the modules of /m and sets the addresses of QEMU's user network.
 */
#define _GNU_SOURCE
#include "guest.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

static void stop(const char *what)
{
    perror(what);
    exit(1);
}

static struct sockaddr address(const char *text, uint16_t port)
{
    union {
        struct sockaddr_in in;
        struct sockaddr any;
    } at = {.in = {.sin_family = AF_INET, .sin_port = htons(port)}};
    inet_pton(AF_INET, text, &at.in.sin_addr);
    return at.any;
}

static void interface_up(int fd, const char *name, const char *at, const char *mask)
{
    struct ifreq request = {.ifr_addr = address(at, 0)};
    strcpy(request.ifr_name, name);
    ioctl(fd, SIOCSIFADDR, &request);
    request.ifr_addr = address(mask, 0);
    ioctl(fd, SIOCSIFNETMASK, &request);
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    if (ioctl(fd, SIOCSIFFLAGS, &request) != 0)
        stop(name);
}

/* The work of Linux's distribution. */
static void start_network(void)
{
    static const char *const modules[] = {
        "virtio_ring", "virtio",   "virtio_pci_modern_dev", "virtio_pci_legacy_dev",
        "virtio_pci",  "failover", "net_failover",          "virtio_net"};
    insert_modules(modules, sizeof modules / sizeof *modules);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    interface_up(fd, "lo", "127.0.0.1", "255.0.0.0");
    interface_up(fd, "eth0", "10.0.2.15", "255.255.255.0");
    struct rtentry route = {.rt_dst = address("0.0.0.0", 0),
                            .rt_genmask = address("0.0.0.0", 0),
                            .rt_gateway = address("10.0.2.2", 0),
                            .rt_flags = RTF_UP | RTF_GATEWAY};
    if (ioctl(fd, SIOCADDRT, &route) != 0)
        stop("route");
    close(fd);
}

static int listener(uint16_t port)
{
    const struct sockaddr at = address("0.0.0.0", port);
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd < 0 || bind(fd, &at, sizeof at) != 0 || listen(fd, 16) != 0)
        stop("listen");
    return fd;
}

static bool answers(uint16_t port)
{
    const struct sockaddr at = address("127.0.0.1", port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool good = connect(fd, &at, sizeof at) == 0;
    close(fd);
    return good;
}

static void tell_time(int fd)
{
    char text[128] = "", out[64];
    double up, idle;
    int file = open("/proc/uptime", O_RDONLY);
    uint64_t now = now_ns();
    ssize_t got = read(file, text, sizeof text - 1);
    close(file);
    if (got > 0 && sscanf(text, "%lf %lf", &up, &idle) == 2) {
        int size = snprintf(out, sizeof out, "%llu %.0f\n", (unsigned long long)now, idle * 100);
        (void)!write(fd, out, (size_t)size);
    }
}

static char bytes[64 << 10];

/* Serves a connection of ports 9001 and 9002 in a process of its own: it ends with its connection. */
static void serve_bulk(int port, int fd)
{
    pid_t pid = fork();
    if (pid == 0) {
        while ((port == 1 ? write(fd, bytes, sizeof bytes) : read(fd, bytes, sizeof bytes)) > 0)
            ;
        _exit(0);
    }
}

int main(int argc, char **argv)
{
    bool bare = getpid() == 1 && access("/proc/self", F_OK) != 0;
    while (argc > 1 && atoi(argv[1]) == 0) { /* words that Linux does not know come first */
        argc--;
        argv++;
    }
    if (argc < 3)
        return 1;
    bench_start();
    signal(SIGPIPE, SIG_IGN);
    if (bare) {
        mkdir("/dev", 0755);
        mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
        start_network();
    }
    signal(SIGCHLD, SIG_IGN);
    int listeners[3];
    for (int i = 0; i < 3; i++)
        listeners[i] = listener((uint16_t)(9000 + i));
    if (fork() == 0) {
        signal(SIGPIPE, SIG_DFL);
        signal(SIGCHLD, SIG_DFL);
        execv(argv[2], argv + 2);
        stop(argv[2]);
    }
    while (!answers((uint16_t)atoi(argv[1])))
        usleep(10000);
    for (int i = 1; i < 3; i++) { /* one process waits at each port, so that none of them polls */
        if (fork() != 0)
            continue;
        for (;;) {
            int fd = accept(listeners[i], NULL, NULL);
            serve_bulk(i, fd);
            close(fd);
        }
    }
    puts("bench done");
    for (;;) {
        int fd = accept(listeners[0], NULL, NULL);
        tell_time(fd);
        close(fd);
    }
}
