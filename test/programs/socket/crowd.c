/* SPDX-License-Identifier: MIT */
/* Many connections over the loopback interface: one after another, and at once; an echo server with epoll in a thread. */
#define _GNU_SOURCE
#include "result.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define AT_ONCE_MOST 2000

static int listener, port;
static volatile int served, stop;

static void accept_all(int epoll)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct epoll_event event = {EPOLLIN, {.fd = fd}};
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    }
}

/* Returns false if reading failed. */
static int answer(int fd)
{
    char bytes[512];
    ssize_t got = read(fd, bytes, sizeof bytes);
    if (got > 0 && write(fd, bytes, (size_t)got) == got)
        return 1;
    close(fd);
    served++;
    return got >= 0;
}

static void *serve(void *unused)
{
    struct epoll_event events[64], event = {EPOLLIN, {.fd = listener}};
    int epoll = epoll_create1(0), failed = 0;
    (void)unused;
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    while (!stop) {
        int count = epoll_wait(epoll, events, 64, 100);
        for (int i = 0; i < count; i++)
            if (events[i].data.fd == listener)
                accept_all(epoll);
            else
                failed += !answer(events[i].data.fd);
    }
    close(epoll);
    printf("failed reads: at most one for each reset: %d\n", failed <= served);
    return NULL;
}

static int new_client(void)
{
    struct sockaddr_in to = {AF_INET, htons((uint16_t)port), {htonl(INADDR_LOOPBACK)}, {0}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        perror("client");
        exit(1);
    }
    return fd;
}

static int echo(int fd, int number)
{
    char text[32], back[32];
    int size = snprintf(text, sizeof text, "message %d", number);
    return write(fd, text, (size_t)size) == size &&
           recv(fd, back, (size_t)size, MSG_WAITALL) == size &&
           memcmp(text, back, (size_t)size) == 0;
}

/* KiB; 0 on Linux, where other programs run too. */
static long free_memory(void)
{
    char line[100];
    long free_now = 0;
    FILE *file = access("/proc/ouro", F_OK) == 0 ? fopen("/proc/meminfo", "r") : NULL;
    while (file && free_now == 0 && fgets(line, sizeof line, file))
        sscanf(line, "MemFree: %ld", &free_now);
    if (file)
        fclose(file);
    return free_now;
}

/* Connections that end with a reset, so that no TIME_WAIT remains. Returns how many echoed. */
static int resets(int count)
{
    struct linger linger = {1, 0};
    int good = 0;
    for (int i = 0; i < count; i++) {
        int fd = new_client();
        good += echo(fd, i);
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
        close(fd);
    }
    return good;
}

int main(int argc, char **argv)
{
    int sequential = argc > 1 ? atoi(argv[1]) : 1000, at_once = argc > 2 ? atoi(argv[2]) : 100,
        good = 0;
    static int fds[AT_ONCE_MOST];
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof own;
    struct rlimit files = {5000, 5000};
    pthread_t thread;
    setrlimit(RLIMIT_NOFILE, &files);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    bind(listener, (struct sockaddr *)&own, size);
    listen(listener, 512);
    getsockname(listener, (struct sockaddr *)&own, &size);
    port = ntohs(own.sin_port);
    pthread_create(&thread, NULL, serve, NULL);
    for (int i = 0; i < sequential; i++) {
        int fd = new_client();
        good += echo(fd, i);
        close(fd);
    }
    printf("one after another: %d of %d\n", good, sequential);
    int reset = resets(sequential / 2);
    long before = free_memory();
    reset += resets(sequential / 2);
    truth("as much memory is free after more of them", before - free_memory() < 64);
    good = 0;
    for (int i = 0; i < at_once && i < AT_ONCE_MOST; i++)
        fds[i] = new_client();
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < at_once; i++)
            good += echo(fds[i], i * round);
    for (int i = 0; i < at_once; i++)
        close(fds[i]);
    printf("at once: %d of %d\n", good, 3 * at_once);
    while (served < sequential + sequential / 2 * 2 + at_once)
        usleep(1000);
    printf("served %d\n", served);
    printf("with resets: %d\n", reset);
    stop = 1;
    pthread_join(thread, NULL);
    return 0;
}
