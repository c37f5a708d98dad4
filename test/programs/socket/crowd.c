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

static void *serve(void *unused)
{
    struct epoll_event events[64], event = {EPOLLIN, {.fd = listener}};
    int epoll = epoll_create1(0), off = 0;
    (void)unused;
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    while (!stop) {
        int count = epoll_wait(epoll, events, 64, 100);
        for (int i = 0; i < count; i++) {
            char bytes[512];
            int fd = events[i].data.fd;
            if (fd == listener) {
                while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                    event = (struct epoll_event){EPOLLIN, {.fd = fd}};
                    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
                }
                continue;
            }
            ssize_t got = read(fd, bytes, sizeof bytes);
            if (got > 0 && write(fd, bytes, (size_t)got) == got)
                continue;
            off += got < 0;
            close(fd);
            served++;
        }
    }
    close(epoll);
    printf("failed reads %d\n", off);
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
    good = 0;
    for (int i = 0; i < at_once && i < AT_ONCE_MOST; i++)
        fds[i] = new_client();
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < at_once; i++)
            good += echo(fds[i], i * round);
    for (int i = 0; i < at_once; i++)
        close(fds[i]);
    printf("at once: %d of %d\n", good, 3 * at_once);
    while (served < sequential + at_once)
        usleep(1000);
    printf("served %d\n", served);
    stop = 1;
    pthread_join(thread, NULL);
    return 0;
}
