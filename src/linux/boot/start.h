/* SPDX-License-Identifier: MIT */
/*
 * The steps of start_program() (main.c) that join several modules, in its order. Each runs once, on the first thread, and
 * stops the machine with a sentence when there is too little memory for it. Boot only.
 */
#pragma once

#include "cpu/lock.h"
#include "cpu/trap_frame.h"

/* Maps the root archive, which stays: files are pages of it. NULL: it is empty. A boot
 * loader that handed over no module stops the machine. */
const void *root_map(void);
/* Makes the root file system of it; a corrupt archive stops the machine. */
void root_fill(const void *archive);
/* The terminal, pseudo-terminals and local sockets; /dev with all devices. */
void devices_start(void);
/* Mounts /proc, with the files about the machine and this kernel. */
void proc_start(void);
/* Descriptors 0, 1 and 2 of process 1, and the thread that moves the console's input to the terminal. */
void streams_start(void);
/* Starts what words of the command line turn on: strace, stats, profile, check-at-end. */
void observers_start(void);
/* Configures exec: where programs and the page-table window lie; and enables the FPU for threads. */
void programs_start(void) REQUIRES(kernel_lock);
/* Loads the program that the options name. The frame lies where all later ones will: at the top of the
 * kernel stack. If the program cannot start, the machine ends with the status that a shell gives. */
struct trap_frame *program_load(void);
