/* SPDX-License-Identifier: MIT */
/* A machine to boot, and the emulators that can be it. */
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
    const char *image;   /* cd, usb: a temporary file, may be written */
    const char *kernel;  /* direct */
    const char *archive; /* direct */
    const char *line;    /* direct: kernel command line */
    const char *gdb;     /* path of the socket where QEMU listens for gdb; else NULL */
    bool waits;          /* for gdb, before its first instruction */
    bool screen;         /* the program is seen on it too */
    bool window;         /* the screen is shown in a window here */
    const char *control; /* path of the socket where QEMU takes orders (QMP); else NULL */
    bool stays;          /* halted when the program has ended, until emulator_end() */
    const struct args *qemu_args;
};

struct emulator {
    struct child child;
    int serial; /* connected socket: COM1 */
};

/* Fails the tool, with one sentence, for a machine that the emulator cannot be. */
void emulator_check(const struct machine *machine);
/* Starts it; fails the tool when it cannot be started. */
void emulator_start(const struct machine *machine, struct emulator *out);
/* The kernel word that tells how the machine is switched off with a status: "exit=0xf4". */
const char *emulator_exit_word(enum emulator_kind kind);
/* Ends the emulator if it still runs; emulator_explain() prints what it wrote. */
void emulator_end(struct emulator *emulator);
/* Prints the last lines of what the emulator itself wrote, if anything, on stderr. */
void emulator_explain(void);

/* For emulator_*.c only. */
void qemu_start(const struct machine *machine, struct emulator *out, int log);
void bochs_start(const struct machine *machine, struct emulator *out, int log);
