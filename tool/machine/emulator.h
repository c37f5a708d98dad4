/* SPDX-License-Identifier: MIT */
/* The description of a machine, and the emulators that run it. */
#pragma once

#include "host/guard.h"
#include "host/text.h"
#include "machine/disks.h"
#include "machine/network.h"
#include "machine/share.h"

#include <stdbool.h>
#include <stdint.h>

enum emulator_kind {
    EMULATOR_QEMU,
    EMULATOR_BOCHS
};
enum firmware {
    FIRMWARE_BIOS,
    FIRMWARE_UEFI
};
enum medium {
    MEDIUM_CD,
    MEDIUM_USB,
    MEDIUM_DIRECT
};
#define MACHINE_CPUS_MAX 64 /* of ouro-cpus.elf: src/CMakeLists.txt */

enum chipset {
    CHIPSET_PC,
    CHIPSET_Q35,
    CHIPSET_MICROVM
};

struct machine {
    enum emulator_kind emulator;
    enum firmware firmware;
    enum medium medium;
    enum chipset chipset;
    unsigned cpus;       /* 1 to MACHINE_CPUS_MAX */
    bool cpus_all;       /* of an image: as many as the machine has */
    uint64_t memory;     /* bytes, a multiple of 4096 */
    const char *image;   /* cd, usb: a temporary file, writable */
    const char *kernel;  /* direct */
    const char *archive; /* direct */
    const char *line;    /* direct: kernel command line */
    const char *gdb;     /* path of the socket on which QEMU listens for gdb; NULL: none */
    bool waits;          /* QEMU waits for gdb before the first instruction */
    bool screen;         /* the program's terminal is the screen */
    bool window;         /* the screen appears in a window of this desktop */
    bool port;           /* a virtio console beside the serial port (src/dev/virtio/port.h) */
    struct network network;
    struct disks disks;   /* --disk */
    struct shares shares; /* folders of this computer */
    const char *control;  /* path of QEMU's QMP socket; NULL: none */
    bool stays; /* the machine halts at the program's end and stays until emulator_end() */
    const struct args *qemu_args;
};

struct emulator {
    struct child child;
    int serial; /* connected socket: COM1 */
    int port;   /* connected socket: the virtio console; -1: none */
};

/* Fails the tool with a message if the emulator cannot run the machine. */
void emulator_check(const struct machine *machine);
/* Starts the emulator; fails the tool if that is impossible. */
void emulator_start(const struct machine *machine, struct emulator *out);
/* The kernel word for switching the machine off with a status: "exit=0xf4". */
const char *emulator_exit_word(enum emulator_kind kind);
/* Adds the kernel words that say where devices are which the kernel does not find. */
void emulator_device_words(const struct machine *machine, struct args *words);
/* Kills the emulator if it still runs. */
void emulator_end(struct emulator *emulator);
/* Prints the last lines of the emulator's own output on stderr. */
void emulator_explain(void);

/* For emulator_*.c only. */

/* Three of microvm's places for virtio devices, from the second on: registers, and an input of the second I/O
 * APIC (QEMU 7.2). The interrupt of the first would arrive at input 2: QEMU takes input 0 of any I/O
 * APIC for ISA line 0. */
#define QEMU_MICROVM_PORT_BUS    "virtio-mmio-bus.1"
#define QEMU_MICROVM_PORT_WORD   "virtio_mmio.device=512@0xfeb00200:25"
#define QEMU_MICROVM_CARD_BUS    "virtio-mmio-bus.2"
#define QEMU_MICROVM_CARD_WORD   "virtio_mmio.device=512@0xfeb00400:26"
#define QEMU_MICROVM_RANDOM_BUS  "virtio-mmio-bus.3"
#define QEMU_MICROVM_RANDOM_WORD "virtio_mmio.device=512@0xfeb00600:27"

/* The disks' places, from this one upwards. */
#define QEMU_MICROVM_DISK      4
#define QEMU_MICROVM_DISK_WORD "virtio_mmio.device=512@0x%x:%u"

/* In QEMU's options a comma ends a value, and two commas are one. */
char *escape_commas(const char *path);
/* Folders of this computer have microvm's last places, from the last one down. */
#define QEMU_MICROVM_SHARE  23
#define QEMU_MICROVM_WORD   "virtio_mmio.device=512@0x%x:%u" /* of place n: the next two */
#define QEMU_MICROVM_AT(n)  (0xfeb00000u + 512u * (n))
#define QEMU_MICROVM_IRQ(n) (24u + (n))

/* True if the machine has a network card, and with it a source of random bytes. */
static inline bool qemu_has_card(const struct machine *machine)
{
    return machine->network.kind == NETWORK_USER || machine->network.kind == NETWORK_TAP;
}

void qemu_start(const struct machine *machine, struct emulator *out, int log);
void bochs_start(const struct machine *machine, struct emulator *out, int log);

/* The argument of --cpus: a number up to MACHINE_CPUS_MAX, or "host". 0: it is neither. */
unsigned machine_cpus(const char *text);
