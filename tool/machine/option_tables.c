/* SPDX-License-Identifier: MIT */
#include "machine/option_tables.h"
#include "report/profile.h"

#define KERNEL_OPTIONS                                                                             \
    {"append", KEY_APPEND, "WORDS", 0, "kernel command line", 1},                                  \
        {"pagetables",                                                                             \
         KEY_PAGETABLES,                                                                           \
         "recursive|physmap|offset|identity|temporary",                                            \
         0,                                                                                        \
         "the kernel's method of reaching page tables",                                            \
         1},                                                                                       \
    {                                                                                              \
        "kernel", KEY_KERNEL, "FILE", 0, "use this kernel instead of the one built here", 1        \
    }

#define PACK_OPTIONS                                                                                                                                                \
    {"root", KEY_ROOT, "DIR", 0, "the program's root folder", 1},                                                                                                   \
        {"root-on-medium",                                                                                                                                          \
         KEY_ROOT_ON_MEDIUM,                                                                                                                                        \
         NULL,                                                                                                                                                      \
         0,                                                                                                                                                         \
         "leave the files on the CD or disk, which is read when the program asks, as is done with those that do not fit into memory",                               \
         1},                                                                                                                                                        \
        {"oci",                                                                                                                                                     \
         KEY_OCI,                                                                                                                                                   \
         "IMAGE[:TAG]",                                                                                                                                             \
         0,                                                                                                                                                         \
         "the files, program and settings of this container image: an OCI layout, an OCI or docker archive, or a tar of a root folder",                             \
         1},                                                                                                                                                        \
        {"sysroot",                                                                                                                                                 \
         KEY_SYSROOT,                                                                                                                                               \
         "DIR",                                                                                                                                                     \
         0,                                                                                                                                                         \
         "take program, libraries and --with of absolute paths from this folder",                                                                                   \
         1},                                                                                                                                                        \
        {"with",                                                                                                                                                    \
         KEY_WITH,                                                                                                                                                  \
         "PATH",                                                                                                                                                    \
         0,                                                                                                                                                         \
         "also pack this file or folder, with the libraries that it needs, or package:NAME, an installed Debian package with those that it depends on; repeatable", \
         1},                                                                                                                                                        \
        {"bare",                                                                                                                                                    \
         KEY_BARE,                                                                                                                                                  \
         NULL,                                                                                                                                                      \
         0,                                                                                                                                                         \
         "pack only the program, its libraries and what options name, not the files that programs of its kind load by themselves",                                  \
         1},                                                                                                                                                        \
        {"trace-files",                                                                                                                                             \
         KEY_TRACE_FILES,                                                                                                                                           \
         NULL,                                                                                                                                                      \
         0,                                                                                                                                                         \
         "run the program once on this computer, with these arguments, and pack the files that it opens",                                                           \
         1},                                                                                                                                                        \
        {"config",                                                                                                                                                  \
         'c',                                                                                                                                                       \
         "FILE.json",                                                                                                                                               \
         0,                                                                                                                                                         \
         "options, program and arguments from this file; those typed win",                                                                                          \
         1},                                                                                                                                                        \
        {"env", 'e', "NAME=VALUE", 0, "set an environment variable of the program; repeatable", 1},                                                                 \
        {"env-file", KEY_ENV_FILE, "FILE", 0, "set those of the lines of FILE; repeatable", 1},                                                                     \
        {"user", KEY_USER, "NAME[:GROUP]", 0, "run as this user of the root's /etc/passwd", 1},                                                                     \
        {"init",                                                                                                                                                    \
         KEY_INIT,                                                                                                                                                  \
         NULL,                                                                                                                                                      \
         0,                                                                                                                                                         \
         "a process 1 in front of the program reaps orphans and forwards signals",                                                                                  \
         1},                                                                                                                                                        \
        {"workdir", 'w', "DIR", 0, "the folder in which the program starts; default /", 1},                                                                         \
        {"hostname", KEY_HOSTNAME, "NAME", 0, "the machine's name; default ouro", 1},                                                                               \
        KERNEL_OPTIONS

#define HARDWARE_OPTIONS                                                                           \
    {"memory",                                                                                     \
     'm',                                                                                          \
     "SIZE",                                                                                       \
     0,                                                                                            \
     "memory of the machine: 8M, 1G; default 256M, or more if the files need it",                  \
     2},                                                                                           \
        {"firmware", KEY_FIRMWARE, "bios|uefi", 0, "default bios", 2},                             \
        {"medium",                                                                                 \
         KEY_MEDIUM,                                                                               \
         "cd|usb|direct",                                                                          \
         0,                                                                                        \
         "boot medium; direct: QEMU -kernel, no boot loader",                                      \
         2},                                                                                       \
        {"machine", KEY_MACHINE, "pc|q35|microvm", 0, "kind of machine; microvm: direct only", 2}, \
        {"cpus",                                                                                   \
         KEY_CPUS,                                                                                 \
         "N|host",                                                                                 \
         0,                                                                                        \
         "processors of the machine; host: as many as this computer has; default 1",               \
         2},                                                                                       \
        {"net-dump", KEY_NET_DUMP, "FILE.pcap", 0, "write all frames to this file", 2},            \
        {"qemu-arg", KEY_QEMU_ARG, "ARG", 0, "pass to QEMU unchanged; repeatable", 2},             \
    {                                                                                              \
        "verbose", 'v', NULL, 0,                                                                   \
            "show the kernel's log and the output of firmware and boot loader", 3                  \
    }

#define MACHINE_OPTIONS                                                                                          \
    {"emulator", KEY_EMULATOR, "qemu|bochs", 0, "default qemu", 2},                                              \
        {"disk",                                                                                                 \
         KEY_DISK,                                                                                               \
         "FILE[:ro]",                                                                                            \
         0,                                                                                                      \
         "the file's bytes are the machine's disk /dev/vda, the next one's /dev/vdb; repeatable",                \
         2},                                                                                                     \
        {"volume",                                                                                               \
         KEY_VOLUME,                                                                                             \
         "FILE:/PATH[:ro]",                                                                                      \
         0,                                                                                                      \
         "mount the ext4 file system in FILE, which is made if it is not there, at /PATH; repeatable",           \
         2},                                                                                                     \
        {"volume-size",                                                                                          \
         KEY_VOLUME_SIZE,                                                                                        \
         "SIZE",                                                                                                 \
         0,                                                                                                      \
         "of a volume that is made: 64M, 4G; default 1G",                                                        \
         2},                                                                                                     \
        {"swap",                                                                                                 \
         KEY_SWAP,                                                                                               \
         "SIZE",                                                                                                 \
         0,                                                                                                      \
         "memory beyond -m, on a disk that ends with the machine: 64M, 4G",                                      \
         2},                                                                                                     \
        {"port",                                                                                                 \
         'p',                                                                                                    \
         "[ADDR:]HOST:GUEST[/udp]",                                                                              \
         0,                                                                                                      \
         "port HOST of this computer (0: a free one) is port GUEST of the machine; ADDR: 127.0.0.1; repeatable", \
         2},                                                                                                     \
        {"share",                                                                                                \
         KEY_SHARE,                                                                                              \
         "DIR:/PATH[:ro]",                                                                                       \
         0,                                                                                                      \
         "the machine sees this folder at /PATH, and changes it unless :ro; repeatable",                         \
         2},                                                                                                     \
        {"net",                                                                                                  \
         KEY_NET,                                                                                                \
         "none|user|tap:NAME",                                                                                   \
         0,                                                                                                      \
         "network card; default user, and none if neither the program nor its libraries can open a socket",      \
         2},                                                                                                     \
        HARDWARE_OPTIONS

static const struct argp_option run_options[] = {
    PACK_OPTIONS,
    MACHINE_OPTIONS,
    {"detach", 'd', NULL, 0,
     "leave the machine in the background: ouro ps, logs, attach and stop find it by its name", 3},
    {"name", KEY_NAME, "NAME", 0, "the name of a machine in the background; default the program's",
     3},
    {"image", KEY_IMAGE, "FILE.iso", 0, "boot this image of `ouro iso` instead of packing one", 1},
    {"timeout", KEY_TIMEOUT, "SECONDS", 0, "end the machine after this time, with status 124", 3},
    {"display", KEY_DISPLAY, NULL, 0,
     "show the machine's screen in a window, which takes its keyboard input", 2},
    {"report", KEY_REPORT, "FILE.json", 0,
     "write the JSON of a fault report, with file and line; empty if there is none", 3},
    {"core", KEY_CORE, "FILE", 0,
     "if the program crashes, write a core file for gdb PROGRAM FILE; else an empty file", 3},
    {"strace", KEY_STRACE, NULL, 0,
     "print every system call, its result and its time on standard error, like strace", 4},
    {"stats", KEY_STATS, NULL, 0,
     "print counts of faults, flushes, switches and system calls at the end", 4},
    {"profile", KEY_PROFILE, "FILE", OPTION_ARG_OPTIONAL,
     "profile by sampling: folded stacks to FILE (" PROFILE_FILE "), a flame graph to FILE.svg", 4},
    {"bootchart", KEY_BOOTCHART, NULL, 0, "print the time of each phase of the kernel's boot", 4},
    {0},
};

static const struct argp_option explore_options[] = {
    KERNEL_OPTIONS,
    HARDWARE_OPTIONS,
    {"swap", KEY_SWAP, "SIZE", 0, "memory beyond -m, on a disk that ends with the machine: 64M, 4G",
     2},
    {"port", 'p', "[ADDR:]PORT", 0,
     "the page's port of this computer; default a free one; ADDR: 127.0.0.1", 2},
    {"timeout", KEY_TIMEOUT, "SECONDS", 0, "end the machine after this time, with status 124", 3},
    {0},
};

static const struct argp_option debug_options[] = {
    PACK_OPTIONS,
    MACHINE_OPTIONS,
    {"gdb-arg", KEY_GDB_ARG, "ARG", 0, "pass to gdb unchanged; repeatable", 3},
    {0},
};

#define CPUS_OPTION                                                                                \
    {                                                                                              \
        "cpus", KEY_CPUS, "N|all", 0,                                                              \
            "processors that the image uses at most; all: as many as the machine has; default 1",  \
            1                                                                                      \
    }

#define IMAGE_OPTIONS                                                                              \
    CPUS_OPTION, {"libvirt",                                                                       \
                  KEY_LIBVIRT,                                                                     \
                  "FILE.xml",                                                                      \
                  0,                                                                               \
                  "also write a domain of libvirt that boots the image",                           \
                  1},                                                                              \
    {                                                                                              \
        "sbom", KEY_SBOM, "FILE.json", 0,                                                          \
            "also write what the image carries, in SPDX's form: files, packages, licences", 1      \
    }

static const struct argp_option iso_options[] = {
    PACK_OPTIONS,
    {"output", 'o', "FILE.iso", 0, "the image to make", 1},
    IMAGE_OPTIONS,
    {0},
};

static const struct argp_option image_options[] = {
    PACK_OPTIONS,
    {"output", 'o', "FILE", 0, "the image to make", 1},
    {"data", KEY_DATA, "SIZE[:/PATH]", 0,
     "add an ext4 partition that is mounted at /PATH and keeps changes: 64M, 4G:/var; default /data",
     1},
    {"format", KEY_FORMAT, "iso|raw|qcow2|vmdk|vdi|oci", 0, "kind of file; default by its name", 1},
    IMAGE_OPTIONS,
    {0},
};

static const struct argp_option usb_options[] = {
    PACK_OPTIONS,
    CPUS_OPTION,
    {"image", KEY_IMAGE, "FILE.iso", 0, "write this image of `ouro iso` instead of packing one", 1},
    {"yes", 'y', NULL, 0, "write without asking", 2},
    {0},
};

static const struct argp_option screenshot_options[] = {
    PACK_OPTIONS,
    MACHINE_OPTIONS,
    {"output", 'o', "FILE.png", 0, "the picture", 1},
    {"at", KEY_AT, "TEXT", 0, "take the picture when the program prints TEXT, not at its end", 1},
    {"timeout", KEY_TIMEOUT, "SECONDS", 0, "take the picture after this time", 3},
    {0},
};

static const struct argp_option check_options[] = {
    PACK_OPTIONS,
    {0},
};

const struct command_options command_options[COMMANDS] = {
    [COMMAND_RUN] =
        {"run", run_options, "[PROGRAM [ARGS...]]",
         "Boot PROGRAM (a Linux ELF file, packed with its libraries; a script; or a .c file, which is compiled) in a machine of its own. Its output is this command's output, its status this command's status. Without PROGRAM the demo is booted."},
    [COMMAND_EXPLORE] =
        {"explore", explore_options, "",
         "Boot a machine whose program is a web server: the page shows the machine's address space and page tables, live. Serves until Ctrl-C."},
    [COMMAND_ISO] = {"iso", iso_options, "PROGRAM [ARGS...] -o FILE.iso",
                     "Make a bootable image of PROGRAM: for a CD or a USB stick, BIOS or UEFI."},
    [COMMAND_DISK_IMAGE] =
        {"image", image_options, "PROGRAM [ARGS...] -o FILE",
         "Make a bootable disk image of PROGRAM for a hypervisor: BIOS or UEFI."},
    [COMMAND_DEBUG] =
        {"debug", debug_options, "[PROGRAM [ARGS...]]",
         "Boot PROGRAM in QEMU, stopped at its first instruction under gdb, which knows the symbols of kernel and program."},
    [COMMAND_USB] =
        {"usb", usb_options, "DISK [PROGRAM [ARGS...]]",
         "Write a bootable image of PROGRAM (or the demo) to a whole disk, a USB stick or a card, which is shown first. Nothing is written to disks that are in use or built in. What was written is read back."},
    [COMMAND_SCREENSHOT] =
        {"screenshot", screenshot_options, "[PROGRAM [ARGS...]] -o FILE.png",
         "Run PROGRAM, or the demo, in a machine with a screen that nobody sees, and keep a picture of it."},
    [COMMAND_CHECK] =
        {"check", check_options, "PROGRAM",
         "Say what would be packed with PROGRAM, and which system calls in it Ouro lacks; status 1 when there are any. Boots nothing."},
};
