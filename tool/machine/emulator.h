/* SPDX-License-Identifier: MIT */
/* The description of a machine, and the emulators that run it. */
#pragma once

#include "host/guard.h"
#include "host/text.h"

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
    uint64_t memory;     /* bytes, a multiple of 4096 */
    const char *image;   /* cd, usb: a temporary file, writable */
    const char *kernel;  /* direct */
    const char *archive; /* direct */
    const char *line;    /* direct: kernel command line */
    const char *gdb;     /* path of the socket on which QEMU listens for gdb; NULL: none */
    bool waits;          /* QEMU waits for gdb before the first instruction */
    bool screen;         /* the program's terminal is the screen */
    bool window;         /* the screen appears in a window of this desktop */
    const char *control; /* path of QEMU's QMP socket; NULL: none */
    bool stays;          /* the machine halts at the program's end and stays until emulator_end() */
    const struct args *qemu_args;
};

struct emulator {
    struct child child;
    int serial; /* connected socket: COM1 */
};

/* Fails the tool with a message if the emulator cannot run the machine. */
void emulator_check(const struct machine *machine);
/* Starts the emulator; fails the tool if that is impossible. */
void emulator_start(const struct machine *machine, struct emulator *out);
/* The kernel word for switching the machine off with a status: "exit=0xf4". */
const char *emulator_exit_word(enum emulator_kind kind);
/* Kills the emulator if it still runs. */
void emulator_end(struct emulator *emulator);
/* Prints the last lines of the emulator's own output on stderr. */
void emulator_explain(void);

/* For emulator_*.c only. */
void qemu_start(const struct machine *machine, struct emulator *out, int log);
void bochs_start(const struct machine *machine, struct emulator *out, int log);
