/* SPDX-License-Identifier: MIT */
/* The options of each command, as argp(3) has them. */
#pragma once

#include "machine/options.h"

#include <argp.h>

enum { /* options without a short form */
    KEY_ROOT = 0x100,
    KEY_SYSROOT,
    KEY_ENV_FILE,
    KEY_FORMAT,
    KEY_HOSTNAME,
    KEY_WITH,
    KEY_APPEND,
    KEY_PAGETABLES,
    KEY_KERNEL,
    KEY_EMULATOR,
    KEY_FIRMWARE,
    KEY_MEDIUM,
    KEY_MACHINE,
    KEY_CPUS,
    KEY_IMAGE,
    KEY_TIMEOUT,
    KEY_REPORT,
    KEY_CORE,
    KEY_QEMU_ARG,
    KEY_GDB_ARG,
    KEY_STATS,
    KEY_STRACE,
    KEY_BOOTCHART,
    KEY_PROFILE,
    KEY_DISPLAY,
    KEY_AT,
    KEY_NET,
    KEY_NET_DUMP,
    KEY_USER,
    KEY_INIT,
    KEY_DISK,
    KEY_VOLUME,
    KEY_VOLUME_SIZE,
    KEY_SWAP,
    KEY_SHARE,
    KEY_BARE,
    KEY_TRACE_FILES,
    KEY_OCI,
    KEY_LIBVIRT,
    KEY_SBOM,
    KEY_NAME,
    KEY_ROOT_ON_MEDIUM,
    KEY_DATA,
};

struct command_options {
    const char *name;
    const struct argp_option *options;
    const char *arguments, *about;
};

extern const struct command_options command_options[COMMANDS];
