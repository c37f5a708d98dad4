/* SPDX-License-Identifier: MIT */
/*
 * Decides whether QEMU uses KVM. The presence of /dev/kvm is not enough (nested virtualization may be
 * broken), so QEMU boots the kernel once with KVM. The answer is kept in build/ under the boot id of
 * this computer. A machine that fails later does not change the answer.
 */
#include "machine/kvm.h"
#include "host/fail.h"
#include "host/file.h"
#include "host/guard.h"
#include "host/text.h"
#include "host/place.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TRIAL_MILLISECONDS 3000
#define BOOT_ID            "/proc/sys/kernel/random/boot_id"

static bool cpu_has_it(void)
{
    FILE *file = fopen("/proc/cpuinfo", "re");
    char line[8192];
    bool found = false;
    while (file && !found && fgets(line, sizeof(line), file)) {
        if (!string_starts(line, "flags"))
            continue;
        found = strstr(line, " vmx ") || strstr(line, " svm ");
        break;
    }
    if (file)
        fclose(file);
    return found && access("/dev/kvm", R_OK | W_OK) == 0;
}

/* Boots the kernel without a root archive on a microvm; true if it writes a byte on the serial port. */
static bool trial(void)
{
    char *kernel = string_copy(place_built("kernel/ouro.elf"));
    int ends[2];
    char *argv[] = {"qemu-system-x86_64",
                    "-nodefaults",
                    "-no-user-config",
                    "-display",
                    "none",
                    "-no-reboot",
                    "-accel",
                    "kvm",
                    "-cpu",
                    "max",
                    "-machine",
                    "microvm,auto-kernel-cmdline=off",
                    "-m",
                    "64M",
                    "-chardev",
                    "stdio,id=console,signal=off",
                    "-serial",
                    "chardev:console",
                    "-kernel",
                    kernel,
                    "-append",
                    "console=framed",
                    NULL};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return false;
    struct child child;
    const struct spawn spawn = {
        .argv = argv, .input = ends[1], .output = ends[1], .error = -1, .own_group = true};
    bool works = false;
    if (child_start(&spawn, &child)) {
        char byte;
        struct pollfd ready = {ends[0], POLLIN, 0};
        close(ends[1]);
        works = poll(&ready, 1, TRIAL_MILLISECONDS) == 1 && recv(ends[0], &byte, 1, 0) == 1;
        child_kill(&child);
    } else {
        close(ends[1]);
    }
    close(ends[0]);
    return works;
}

bool kvm_works(void)
{
    if (!cpu_has_it())
        return false;
    char *boot = file_read(BOOT_ID);
    char *cache = string_format("%s-%.36s", place_kept("kvm"), boot);
    char answer = 0;
    int fd = open(cache, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, &answer, 1) != 1) {
        answer = trial() ? 'y' : 'n';
        int fresh = open(cache, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (fresh >= 0 && write(fresh, &answer, 1) != 1)
            unlink(cache);
        if (fresh >= 0)
            close(fresh);
    }
    if (fd >= 0)
        close(fd);
    free(cache);
    free(boot);
    return answer == 'y';
}
