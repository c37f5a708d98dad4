/* SPDX-License-Identifier: MIT */
/*
 * The steps of start_program() (main.c) that turn a running kernel into one that can run a Linux
 * program: file systems, standard streams, observers, exec. Only steps that join several modules
 * are here; a module's own initialization is called by main.c directly.
 *
 * main.c is the only caller, once each, in this order, on the first thread: each step relies on
 * those before it. The steps run after memory_init() and before memory_end_boot(), so the options
 * and the boot loader's data are still valid.
 *
 * Cost: O(size of the archive / 2 MiB) for the mapping, O(files in it) for root_fill(), which
 * refers to the contents rather than copying them; program_load() reads headers and maps segments.
 * A shortage of memory stops the machine with a message.
 */
#pragma once

#include "cpu/lock.h"
#include "cpu/trap_frame.h"

/* Maps the root archive, permanently: files are pages of it. NULL if it is empty. Stops the machine
 * if the boot loader supplied no module. */
const void *root_map(void);
/* Fills the root file system from the archive; a corrupt archive stops the machine. */
void root_fill(const void *archive);
/* Makes the file system types known. root=: a medium that is only read comes below the root file system, by an overlay; another one is the root
 * itself, without the archive. Stops the machine if it cannot be mounted. */
void root_mount(void);
/* Creates the terminal, pseudo-terminals, local sockets, and /dev with all devices. */
void devices_start(void);
/* Mounts /proc, with the files about the machine and this kernel. */
void proc_start(void);
/* Mounts what the words mount= name; makes the folders that are missing. Stops the machine if one cannot be mounted. */
void mounts_start(void);
/* Starts swapping to what the word swap= names. Stops the machine if that cannot be. */
void swap_start(void);
/* Opens descriptors 0, 1 and 2 of process 1, and starts the thread that moves the console's input
 * to the terminal. */
void streams_start(void);
/* Starts what the command line asks for: strace, stats, profile, check-at-end. */
void observers_start(void);
/* Configures exec (addresses of programs, page-table window) and enables the FPU for threads. */
void programs_start(void) REQUIRES(kernel_lock);
/* Loads the program that the options name. The frame is at the top of the kernel stack, as all
 * later ones. If the program cannot start, the machine ends with the status that a shell would
 * give. */
struct trap_frame *program_load(void);
