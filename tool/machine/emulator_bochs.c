/* SPDX-License-Identifier: MIT */
/*
 * Bochs 2.7 as Debian builds it. It has the debugger, which waits for the command `c`, and no null
 * display, so the terminal display draws into /dev/null.
 *
 * The serial port is a TCP connection from Bochs to the tool, the only mode with flow control in
 * which every byte passes unchanged in both directions. (A terminal turns \n into \r\n and drops
 * excess output.) Another user of this computer could connect first, so the owner of the peer's
 * socket is checked.
 */
#include "host/fail.h"
#include "host/file.h"
#include "machine/emulator.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECT_MILLISECONDS 20000

static int listen_local(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, 8) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        fail_errno("cannot listen on 127.0.0.1 for Bochs");
    *port = ntohs(address.sin_port);
    return fd;
}

/* True if the other end of this connection belongs to our user. /proc/net/tcp lists that end with the
 * ports swapped. */
static bool peer_is_ours(uint16_t our_port, uint16_t peer_port)
{
    FILE *file = fopen("/proc/net/tcp", "re");
    char line[512];
    bool ours = false;
    while (file && !ours && fgets(line, sizeof(line), file)) {
        unsigned local, remote, owner;
        if (sscanf(line, " %*u: %*8x:%4x %*8x:%4x %*x %*x:%*x %*x:%*x %*x %u", &local, &remote,
                   &owner) == 3)
            ours = local == peer_port && remote == our_port && owner == geteuid();
    }
    if (file)
        fclose(file);
    return ours;
}

static int accept_bochs(int listener, uint16_t port, struct child *bochs)
{
    struct pollfd ready = {listener, POLLIN, 0};
    for (int waited = 0; waited < CONNECT_MILLISECONDS; waited += 50) {
        int status;
        if (poll(&ready, 1, 50) == 1) {
            struct sockaddr_in peer;
            socklen_t size = sizeof(peer);
            int fd = accept4(listener, (struct sockaddr *)&peer, &size, SOCK_CLOEXEC);
            if (fd >= 0 && peer_is_ours(port, ntohs(peer.sin_port)))
                return fd;
            if (fd >= 0)
                close(fd);
        } else if (child_wait(bochs, 0, &status)) {
            break;
        }
    }
    emulator_explain();
    fail(STATUS_FAILED, "Bochs did not start");
}

static void write_configuration(const struct machine *m, uint16_t port)
{
    struct text rc = {0};
    text_format(&rc,
                "display_library: term\n"
                "config_interface: textconfig\n"
                "romimage: file=/usr/share/bochs/BIOS-bochs-latest\n"
                "vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest\n"
                "cpu: model=corei7_skylake_x, count=%u, ips=50000000, reset_on_triple_fault=0\n"
                "clock: sync=none, time0=utc\n"
                "panic: action=fatal\n"
                "error: action=ignore\n"
                "info: action=ignore\n"
                "debug: action=ignore\n"
                "speaker: enabled=0\n"
                "log: bochs.log\n"
                "boot: cdrom\n"
                "ata0-master: type=cdrom, path=image.iso, status=inserted\n",
                m->cpus);
    text_format(&rc, "megs: %llu\n", (unsigned long long)(m->memory >> 20));
    if (m->network.kind == NETWORK_USER)
        text_string(&rc, "pci: enabled=1, chipset=i440fx, slot1=e1000\n"
                         "e1000: enabled=1, mac=52:54:00:12:34:56, ethmod=slirp\n");
    text_format(&rc, "com1: enabled=1, mode=socket-client, dev=\"127.0.0.1:%u\"\n", port);
    char *rc_file = guard_path("bochsrc"), *commands = guard_path("bochs-commands");
    file_write(rc_file, rc.bytes);
    file_write(commands, "c\n");
    free(commands);
    free(rc_file);
    text_free(&rc);
}

void bochs_start(const struct machine *m, struct emulator *out, int log)
{
    const char *program = getenv("OURO_BOCHS");
    uint16_t port;
    int listener = listen_local(&port);
    struct args args = {0};
    args_add(&args, program && *program ? program : "bochs");
    const char *const options[] = {"-q", "-f", "bochsrc", "-rc", "bochs-commands", NULL};
    args_all(&args, options);
    write_configuration(m, port);
    char *image = guard_path("image.iso");
    if (strcmp(image, m->image) != 0)
        fail(STATUS_FAILED, "Bochs needs its image at %s", image);
    const struct spawn spawn = {.argv = args.item,
                                .input = -1,
                                .output = -1,
                                .error = log,
                                .own_group = true,
                                .term = "xterm",
                                .folder = guard_folder()};
    if (!child_start(&spawn, &out->child))
        fail_errno("cannot start %s", args.item[0]);
    out->serial = accept_bochs(listener, port, &out->child);
    close(listener);
    free(image);
    args_free(&args);
}
