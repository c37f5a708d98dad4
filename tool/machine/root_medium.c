/* SPDX-License-Identifier: MIT */
#include "machine/root_medium.h"
#include "host/fail.h"
#include "host/guard.h"
#include "host/path.h"
#include "image/date.h"
#include "image/format.h"
#include "image/iso.h"
#include "image/pack.h"
#include "image/words.h"
#include "oci/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIB           (1024.0 * 1024)
#define DATA_FOLDER   "/data"
#define LABEL_DIGITS  10
#define PROGRAM_LEAST (UINT64_C(1) << 20) /* of memory, without its files */

const char *data_parse(struct request *o, const char *text)
{
    size_t length = strcspn(text, ":");
    char *size = string_format("%.*s", (int)length, text);
    const char *path = text[length] ? text + length + 1 : DATA_FOLDER;
    bool is_size = options_size(size, &o->data_size);
    free(size);
    if (!is_size || o->data_size < DISKS_VOLUME_MIN)
        return "not a size from 1M on, as 64M, 4G";
    if (path[0] != '/' || strchr(path, ':'))
        return "the folder is an absolute path without a colon";
    o->data_path = path_normalise(path);
    return strcmp(o->data_path, "/") == 0 ? "the root folder cannot be on it" : NULL;
}

static bool makes_file(const struct request *o)
{
    return o->command == COMMAND_ISO || o->command == COMMAND_DISK_IMAGE;
}

/* Why the files cannot be on the medium; NULL: they can. */
static const char *why_not(const struct request *o)
{
    if (o->format == FORMAT_OCI && makes_file(o))
        return "an OCI artifact has no medium";
    if (o->command == COMMAND_USB || (!makes_file(o) && o->machine.medium == MEDIUM_USB))
        return "Ouro does not read USB sticks after the boot (that waits for a driver of xHCI)";
    return NULL;
}

void root_medium_check(const struct request *o)
{
    const char *why = o->root_on_medium ? why_not(o) : NULL;
    if (why)
        fail(STATUS_FAILED, "--root-on-medium: %s", why);
    if (o->root_on_medium && o->append && strstr(o->append, "root="))
        fail(STATUS_FAILED, "--root-on-medium and the word root= are two roots: leave one out");
    if (o->data_size > 0 && (o->format == FORMAT_ISO || o->format == FORMAT_OCI))
        fail(STATUS_FAILED,
             "--data needs a disk that can be written: --format raw, qcow2, vmdk or vdi");
}

/* True if a machine can have the files in memory. */
static bool fits(const struct request *o, uint64_t needed)
{
    uint64_t pages = (uint64_t)sysconf(_SC_PHYS_PAGES), page = (uint64_t)sysconf(_SC_PAGESIZE);
    if (needed > UINT32_MAX) /* a boot loader loads no more */
        return false;
    if (makes_file(o))
        return true;
    return o->memory_chosen ? needed <= o->machine.memory : needed <= pages * page / 2;
}

static void tell(const struct request *o, uint64_t needed)
{
    if (!o->root_on_medium && o->memory_chosen)
        warn(
            "the files need %.0f MiB of memory, and the machine has %.4g: they stay on the medium, which is read when the program asks (--root-on-medium)",
            (double)needed / MIB, (double)o->machine.memory / MIB);
    else if (!o->root_on_medium)
        warn(
            "the files need %.0f MiB of memory: they stay on the medium, which is read when the program asks (--root-on-medium)",
            (double)needed / MIB);
    else if (o->oci || o->verbose || makes_file(o))
        warn("the files stay on the medium; in memory they would need %.0f MiB",
             (double)needed / MIB);
}

const struct tree *root_place(struct request *o, const struct tree *tree, uint64_t taken)
{
    static struct root_medium medium;
    uint64_t needed = pack_needed(tree, taken);
    bool hopeless = o->memory_chosen && taken + PROGRAM_LEAST > o->machine.memory;
    if (!o->root_on_medium &&
        (fits(o, needed) || why_not(o) || hopeless || o->command == COMMAND_EXPLORE))
        return tree;
    tell(o, needed);
    medium_plan(tree, &medium);
    o->label = medium.label;
    iso_carry_root(&medium);
    if (o->machine.medium == MEDIUM_DIRECT) {
        char *image = guard_path("root.iso"), *disk = string_format("%s:ro", image);
        iso_make_root(image);
        const char *why = disks_add(&o->machine.disks, disk);
        if (why)
            fail(STATUS_FAILED, "--root-on-medium: %s", why);
        free(disk);
        free(image);
    }
    return &medium.rest;
}

/* The label and the UUID are sums of the words so far, so that equal input gives equal bytes. */
static void make_data(struct request *o, struct args *words)
{
    struct digest digest;
    char *line = words_line(words), *file = guard_path("data.img");
    char *input = string_format("%s %u", line, date_of_image());
    digest_text(input, &digest);
    const char *hex = digest.hex;
    char *label = string_format("data_%.*s", LABEL_DIGITS, hex);
    char *uuid =
        string_format("%.8s-%.4s-4%.3s-8%.3s-%.12s", hex, hex + 8, hex + 12, hex + 15, hex + 18);
    const struct disks_ext4 how = {label, uuid, date_of_image()};
    disks_make_ext4(file, o->data_size, &how);
    iso_carry_data(file);
    words_plain(words, string_format("mount=LABEL=%s:%s", label, o->data_path),
                "the folder of the data partition");
    warn(
        "%s is on a partition of the image: on a disk of virtio, NVMe, AHCI or IDE; from a USB stick the machine does not start (that waits for a driver of xHCI)",
        o->data_path);
    free(uuid);
    free(label);
    free(input);
    free(line);
}

void root_words(struct request *o, struct args *words)
{
    if (o->label)
        args_format(words, "root=LABEL=%s:" MEDIUM_FOLDER, o->label);
    if (o->data_size > 0)
        make_data(o, words);
}
