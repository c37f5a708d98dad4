/* SPDX-License-Identifier: MIT */
/*
 * redis-server and redis-benchmark over a UNIX socket, as the first process of a machine:
 *
 *     redis [REQUESTS [CLIENTS [TESTS]]]
 *
 * Prints redis-benchmark's table (requests a second and latencies of each test). /usr/bin of the root
 * folder holds both programs, and the folder their libraries. On a bare Linux it mounts /dev and /proc
 * itself and switches the machine off at the end.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOCKET  "/tmp/redis.sock"
#define NOTICES "/tmp/notices"

extern char **environ;

static pid_t start(char *const argv[])
{
    pid_t pid;
    int error = posix_spawn(&pid, argv[0], NULL, NULL, argv, environ);
    if (error != 0) {
        fprintf(stderr, "%s: %s\n", argv[0], strerror(error));
        exit(1);
    }
    return pid;
}

static int wait_for(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) != pid)
        ;
    return status;
}

/* The socket to which the server says that it accepts connections (sd_notify(3)). */
static int notice_socket(void)
{
    const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = NOTICES};
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        perror(NOTICES);
        exit(1);
    }
    setenv("NOTIFY_SOCKET", NOTICES, 1);
    return fd;
}

static void wait_for_server(int notices)
{
    char notice[512] = "";
    while (strstr(notice, "READY=1") == NULL) {
        ssize_t length = read(notices, notice, sizeof notice - 1);
        notice[length > 0 ? length : 0] = 0;
    }
}

int main(int argc, char **argv)
{
    char *requests = argc > 1 ? argv[1] : "20000", *clients = argc > 2 ? argv[2] : "50";
    char *tests = argc > 3 ? argv[3] : "ping,set,get,lpush,mset";
    int bare = getpid() == 1 && access("/proc/self", F_OK) != 0;
    mkdir("/tmp", 0777);
    if (bare) {
        mkdir("/dev", 0755);
        mkdir("/proc", 0755);
        mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
        mount("proc", "/proc", "proc", 0, NULL);
    }
    int notices = notice_socket();
    pid_t server = start((char *[]){"/usr/bin/redis-server", "--port", "0", "--unixsocket", SOCKET,
                                    "--supervised", "systemd", "--save", "", "--appendonly", "no",
                                    "--loglevel", "warning", "--dir", "/tmp", NULL});
    wait_for_server(notices);
    pid_t client = start((char *[]){"/usr/bin/redis-benchmark", "-s", SOCKET, "-n", requests, "-c",
                                    clients, "-q", "--csv", "-t", tests, NULL});
    int status = wait_for(client);
    kill(server, SIGTERM);
    wait_for(server);
    puts("bench done");
    fflush(stdout);
    if (bare) {
        sync();
        reboot(RB_POWER_OFF);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
