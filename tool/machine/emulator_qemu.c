/* SPDX-License-Identifier: MIT */
/*
 * QEMU. The serial port is QEMU's standard input and output, which are one socket. QEMU reads it
 * only if the UART has room, and waits when the socket is full, so no byte is lost in either
 * direction. The port is another socket, descriptor 3 of QEMU; a virtserialport, unlike a virtconsole,
 * waits in both directions, too.
 */
#include "host/fail.h"
#include "host/file.h"
#include "kern/console_frame.h"
#include "machine/emulator.h"
#include "machine/kvm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define OVMF_CODE "/usr/share/OVMF/OVMF_CODE_4M.fd"
#define OVMF_VARS "/usr/share/OVMF/OVMF_VARS_4M.fd"

static const char *const machine_names[] = {
    [CHIPSET_PC] = "pc",
    [CHIPSET_Q35] = "q35",
    [CHIPSET_MICROVM] = "microvm,auto-kernel-cmdline=off",
};

char *escape_commas(const char *path)
{
    struct text out = {0};
    for (; *path; path++)
        text_add(&out, *path == ',' ? ",," : path, *path == ',' ? 2 : 1);
    return out.bytes;
}

static void add_uefi(struct args *args)
{
    char *variables = guard_path("uefi-variables.fd"), *escaped = escape_commas(variables);
    if (access(OVMF_CODE, R_OK) != 0)
        fail(STATUS_FAILED, "--firmware uefi needs %s, from the package ovmf", OVMF_CODE);
    file_copy(OVMF_VARS, variables);
    args_add(args, "-drive");
    args_add(args, "if=pflash,unit=0,format=raw,readonly=on,file=" OVMF_CODE);
    args_add(args, "-drive");
    args_format(args, "if=pflash,unit=1,format=raw,file=%s", escaped);
    free(escaped);
    free(variables);
}

static void add_medium(struct args *args, const struct machine *m)
{
    if (m->medium == MEDIUM_DIRECT) {
        const char *const direct[] = {"-kernel", m->kernel, "-initrd", m->archive,
                                      "-append", m->line,   NULL};
        args_all(args, direct);
        return;
    }
    char *image = escape_commas(m->image);
    args_add(args, "-drive");
    args_format(args, "if=none,id=medium,format=raw,readonly=on,%sfile=%s",
                m->medium == MEDIUM_CD ? "media=cdrom," : "", image);
    const char *const cd[] = {"-device", "ide-cd,drive=medium,bootindex=0", NULL};
    const char *const usb[] = {"-device", "qemu-xhci", "-device",
                               "usb-storage,drive=medium,bootindex=0", NULL};
    args_all(args, m->medium == MEDIUM_CD ? cd : usb);
    free(image);
}

/* True if QEMU runs the processors in turn on one of this computer's: a processor that waits for another leaves it at once. With more of them than
 * the computer has, or has free, that is faster. */
static bool takes_turns(const struct machine *m)
{
    return m->cpus > 1 && (m->cpus > (unsigned)sysconf(_SC_NPROCESSORS_ONLN) ||
                           getenv("OURO_CPUS_IN_TURN") != NULL);
}

/* Options of every machine: no default devices, and exit instead of reboot. */
static void add_common(struct args *args, const struct machine *m)
{
    const char *const common[] = {"-nodefaults",
                                  "-no-user-config",
                                  "-no-reboot",
                                  "-accel",
                                  kvm_works()      ? "kvm"
                                  : takes_turns(m) ? "tcg,thread=single"
                                                   : "tcg",
                                  "-cpu",
                                  "max",
                                  "-boot",
                                  "strict=on,reboot-timeout=1",
                                  "-chardev",
                                  "stdio,id=console,signal=off",
                                  "-serial",
                                  "chardev:console",
                                  NULL};
    args_all(args, common);
    args_add(args, "-display");
    args_add(args, m->window ? "gtk" : "none");
    if (!m->stays) { /* without the device the kernel's exit has no effect, and the machine halts */
        args_add(args, "-device");
        args_add(args, "isa-debug-exit,iobase=0xf4,iosize=0x04");
    }
    args_add(args, "-machine");
    args_add(args, machine_names[m->chipset]);
    args_add(args, "-m");
    args_format(args, "%lluk", (unsigned long long)(m->memory / 1024));
    if (m->cpus > 1) {
        args_add(args, "-smp");
        args_format(args, "%u", m->cpus);
    }
    if (m->chipset != CHIPSET_MICROVM) {
        args_add(args, "-vga");
        args_add(args, "std");
    }
}

static void add_gdb(struct args *args, const struct machine *m)
{
    char *escaped = escape_commas(m->gdb);
    args_add(args, "-chardev");
    args_format(args, "socket,id=gdb,server=on,wait=off,path=%s", escaped);
    args_add(args, "-gdb");
    args_add(args, "chardev:gdb");
    if (m->waits)
        args_add(args, "-S");
    free(escaped);
}

static void add_control(struct args *args, const struct machine *m)
{
    char *escaped = escape_commas(m->control);
    args_add(args, "-chardev");
    args_format(args, "socket,id=control,server=on,wait=off,path=%s", escaped);
    args_add(args, "-mon");
    args_add(args, "chardev=control,mode=control");
    free(escaped);
}

static void add_port(struct args *args, enum chipset chipset)
{
    const char *const port[] = {"-chardev", "socket,id=port,fd=3",
                                "-global",  "virtio-mmio.force-legacy=false",
                                "-device",  NULL};
    const char *const end[] = {"-device", "virtserialport,nr=1,chardev=port,name=" FRAME_PORT_NAME,
                               NULL};
    args_all(args, port);
    args_add(args, chipset == CHIPSET_MICROVM
                       ? "virtio-serial-device,max_ports=2,bus=" QEMU_MICROVM_PORT_BUS
                       : "virtio-serial-pci,max_ports=2,disable-legacy=on");
    args_all(args, end);
}

static void add_card(struct args *args, const struct machine *m)
{
    static const char *const devices[][2] = {
        {"virtio-net-pci,netdev=net,disable-legacy=on,romfile=",
         "virtio-rng-pci,disable-legacy=on"},
        {"virtio-net-device,netdev=net,bus=" QEMU_MICROVM_CARD_BUS,
         "virtio-rng-device,bus=" QEMU_MICROVM_RANDOM_BUS}};
    char *netdev = network_netdev(&m->network);
    const char *const *device = devices[m->chipset == CHIPSET_MICROVM];
    const char *const card[] = {"-netdev", netdev,    "-device", device[0],
                                "-device", device[1], NULL};
    args_all(args, card);
    free(netdev);
    if (m->network.dump) {
        char *escaped = escape_commas(m->network.dump);
        args_add(args, "-object");
        args_format(args, "filter-dump,id=dump,netdev=net,file=%s", escaped);
        free(escaped);
    }
}

static void add_disks(struct args *args, const struct machine *m)
{
    bool microvm = m->chipset == CHIPSET_MICROVM;
    if (microvm && m->disks.count > 0) {
        args_add(args, "-global");
        args_add(args, "virtio-mmio.force-legacy=false");
    }
    disks_qemu(&m->disks, microvm ? QEMU_MICROVM_DISK : 0, args);
}

/* Fails the tool if this QEMU cannot show folders. */
static void check_shares(const char *program)
{
    char *const argv[] = {(char *)(uintptr_t)program, "-device", "virtio-9p-pci,help", NULL};
    const struct spawn spawn = {.argv = argv, .input = -1, .output = -1, .error = -1};
    struct child child;
    int status;
    if (!child_start(&spawn, &child))
        fail_errno("cannot start %s", program);
    (void)child_wait(&child, -1, &status);
    if (status != 0)
        fail(
            STATUS_FAILED,
            "this %s was built without virtfs, which --share needs; Debian's qemu-system-x86 has it",
            program);
}

static void add_shares(struct args *args, const struct machine *m)
{
    if (m->shares.count == 0)
        return;
    check_shares(args->item[0]);
    if (m->chipset == CHIPSET_MICROVM && !m->port) { /* add_port() says so otherwise */
        args_add(args, "-global");
        args_add(args, "virtio-mmio.force-legacy=false");
    }
    shares_qemu(&m->shares, m->chipset == CHIPSET_MICROVM ? QEMU_MICROVM_SHARE : 0, args);
}

void qemu_start(const struct machine *m, struct emulator *out, int log)
{
    const char *program = getenv("OURO_QEMU");
    struct args args = {0};
    int ends[2], port[2] = {-1, -1};
    args_add(&args, program && *program ? program : "qemu-system-x86_64");
    add_common(&args, m);
    if (m->firmware == FIRMWARE_UEFI)
        add_uefi(&args);
    add_medium(&args, m);
    if (m->gdb)
        add_gdb(&args, m);
    if (m->control)
        add_control(&args, m);
    if (m->port)
        add_port(&args, m->chipset);
    if (qemu_has_card(m))
        add_card(&args, m);
    add_disks(&args, m);
    add_shares(&args, m);
    for (size_t i = 0; i < m->qemu_args->count; i++)
        args_add(&args, m->qemu_args->item[i]);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0 ||
        (m->port && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, port) != 0))
        fail_errno("cannot create a socket");
    const struct spawn spawn = {.argv = args.item,
                                .input = ends[1],
                                .output = ends[1],
                                .error = log,
                                .fourth = m->port ? port[1] : 0,
                                .own_group = true};
    if (!child_start(&spawn, &out->child))
        fail_errno("cannot start %s", args.item[0]);
    close(ends[1]);
    out->serial = ends[0];
    out->port = port[0];
    if (m->port)
        close(port[1]);
    args_free(&args);
    network_widen(&m->network, out->child.pid);
}
