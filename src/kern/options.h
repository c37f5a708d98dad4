/* SPDX-License-Identifier: MIT */
/* The options of the kernel command line. Pure, except that strings stay in the line. */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "kern/console.h"
#include "kern/machine.h"
#include "kern/net_options.h"
#include "mm/pt/paging.h"

#include <stdbool.h>
#include <stddef.h>

#define OPTIONS_ARGUMENTS_MAX   1024 /* of the program */
#define OPTIONS_ENVIRONMENT_MAX 256
#define OPTIONS_MOUNTS_MAX      16
#define OPTIONS_VIRTIO_MAX      23

struct mount_option {
    const char *source, *path; /* source NULL: no more, path NULL: none */
    bool readonly;
};

struct options {
    struct console_options console;
    int loglevel;
    enum machine_exit_way exit_way;
    uint16_t exit_port;
    unsigned panic_seconds;      /* panic=: seconds until the restart; 0: never */
    char keyboard[8];            /* keyboard=: a layout of dev/screen/keymap.h */
    enum paging_kind pagetables; /* pagetables= */
    unsigned window_slot;        /* pagetables.slot=; 0: random */
    unsigned arena, slots;       /* pagetables.arena=, .slots=; 0: not given */
    uint64_t pool;               /* pagetables.pool=; 0: not given */
    bool no_randomness;          /* norandmaps */
    bool check_at_end;           /* check-at-end: check invariants at exit */
    bool stats;                  /* linux/call/stats.h */
    bool missed;                 /* fs/vfs/missed.h */
    bool strace;                 /* linux/call/strace.h */
    bool profile;                /* kern/profile.h */
    bool boot_chart;             /* kern/boot_marks.h */
    unsigned deadlock_seconds;   /* deadlock=; 0: never */
    unsigned watchdog_seconds;   /* watchdog=: kern/watchdog.h; 0: never */
    unsigned cpus;               /* cpus=: for ouro-cpus.elf, that run at most; 0: all */
    uint64_t tsc_hz;             /* tsc=, measured by a host; 0: unknown */
    bool time_from_host;         /* time=host: kern/host_time.h */
    const char *test;            /* test=NAME: boot/guest_test.h; NULL: none */
    const char *virtio_mmio[OPTIONS_VIRTIO_MAX]; /* dev/virtio/mmio.h; NULL: no more */
    struct net_options net;                      /* ip= */
    /* SOURCE may be LABEL=NAME: fs/block/label.h. */
    struct mount_option root;                           /* root=SOURCE[:/FOLDER][:ro] */
    struct mount_option mounts[OPTIONS_MOUNTS_MAX + 1]; /* mount=SOURCE:PATH[:ro] */
    const char *swap;              /* swap=, a disk or partition, or a file (/...); NULL: none */
    const char *hostname;          /* hostname=; NULL: "ouro" */
    const char *cwd;               /* cwd=: the program's folder; NULL: / */
    uint32_t share_uid, share_gid; /* share.owner=: fs/p9/super.h */
    const char *init;              /* the program's path; /init by default */
    const char *argv[OPTIONS_ARGUMENTS_MAX + 1]; /* NULL-terminated */
    const char *envp[OPTIONS_ENVIRONMENT_MAX + 1];
};

/* Parses `line` (changed in place; the result points into it) into *out. E_INVAL with a message in
 * `complaint`; *out is complete even then, so that the console can show the message. */
MUST_CHECK enum err options_parse(char *line, struct options *out, char *complaint, size_t size);
