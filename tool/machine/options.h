/* SPDX-License-Identifier: MIT */
/* The command lines of `ouro run`, `explore`, `iso`, `debug`, `check`, `usb` and `screenshot`. */
#pragma once

#include "machine/emulator.h"

enum command {
    COMMAND_RUN,
    COMMAND_EXPLORE,
    COMMAND_ISO,
    COMMAND_DISK_IMAGE, /* `ouro image` */
    COMMAND_DEBUG,
    COMMAND_CHECK,
    COMMAND_USB,
    COMMAND_SCREENSHOT,
    COMMANDS,
};

struct request {
    enum command command;
    struct machine machine; /* from the options; boot_prepare() fills in the files */
    bool medium_chosen;
    struct args qemu_args;
    struct args environment; /* NAME=VALUE, in the order typed */
    struct args gdb_args;
    struct args with;    /* --with: files and folders to pack */
    bool bare;           /* --bare: no rules of image/rules.h */
    bool trace_files;    /* --trace-files */
    const char *root;    /* NULL: none */
    bool root_on_medium; /* --root-on-medium */
    const char *label;   /* of the medium with the root; NULL: the files are in memory */
    uint64_t data_size;  /* image: --data; 0: none */
    const char *data_path;
    const char *oci;           /* --oci; NULL: none */
    bool detach;               /* run: --detach */
    const char *name;          /* run: --name; NULL: by the program */
    const char *config;        /* -c; NULL: none */
    const char *sbom;          /* iso, image: --sbom; NULL: none */
    const char *licences;      /* folder with the texts of licences that an image carries */
    struct args licence_names; /* of the files in it */
    const char *libvirt;       /* iso, image: --libvirt; NULL: none */
    int stop_signal;           /* of an image, for SIGTERM; 0: SIGTERM itself */
    bool memory_chosen;        /* --memory */
    const char *sysroot;       /* NULL: this computer's files */
    const char *workdir;       /* normalised; NULL: / */
    const char *hostname;      /* NULL: the kernel's */
    int format;                /* enum image_format; -1: by the name of `output` */
    const char *user;          /* --user; NULL: root */
    bool init;                 /* --init */
    const char *append;        /* NULL: none */
    const char *pagetables;    /* the kernel word's value; NULL: not given */
    const char *image;         /* --image; NULL: pack one */
    const char *output;        /* iso, screenshot: -o */
    const char *device;        /* usb: the disk */
    const char *marker;        /* screenshot: the output to wait for; NULL: the program's end */
    bool yes;                  /* usb: do not ask */
    const char *kernel;
    const char *report; /* --report: file for the JSON of a fault report; NULL: none */
    const char *core;   /* --core: the core file; NULL: none */
    double timeout;     /* seconds; 0: none */
    bool verbose;
    const char *profile; /* run: the file for folded stacks; NULL: none */
    bool strace;         /* run: every system call on stderr */
    bool stats;          /* run: counters at the end */
    bool boot_chart;     /* run */
    const char *program; /* NULL: the demo */
    char **arguments;    /* of the program, behind argv[0] */
    size_t argument_count;
};

/* True for the commands whose machine is another's. */
static inline bool request_makes_image(const struct request *o)
{
    return o->command == COMMAND_ISO || o->command == COMMAND_DISK_IMAGE ||
           o->command == COMMAND_USB;
}

/* Bytes of a size as users write them, from 1M to 1T, rounded up to pages; false: it is none. */
bool options_size(const char *text, uint64_t *bytes);

/* Reads the arguments of the command (argv[0] is the command's name) and checks their combination.
 * Prints help and exits, or fails the tool. */
void options_read(enum command command, int argc, char **argv, struct request *out);
