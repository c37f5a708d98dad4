/* SPDX-License-Identifier: MIT */
#include "image/format.h"
#include "host/fail.h"
#include "host/file.h"
#include "host/guard.h"
#include "host/progress.h"
#include "host/text.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB (INT64_C(1) << 20)

const char *const format_names[FORMATS + 1] = {"iso", "raw", "qcow2", "vmdk", "vdi", "oci", NULL};

enum image_format format_of_name(const char *file)
{
    for (int i = FORMAT_RAW; i < FORMATS; i++) {
        char *ending = string_format(".%s", format_names[i]);
        bool is = string_ends(file, ending);
        free(ending);
        if (is)
            return (enum image_format)i;
    }
    return string_ends(file, ".img") ? FORMAT_RAW : FORMAT_ISO;
}

static void pad(const char *file)
{
    struct stat st;
    if (stat(file, &st) != 0 || truncate(file, (st.st_size + MIB - 1) / MIB * MIB) != 0)
        fail_errno("cannot write %s", file);
}

static void convert(const char *image, const char *format, const char *output)
{
    char *fresh = guard_path("converted");
    const char *const words[] = {"qemu-img", "convert", "-f",  "raw", "-O",
                                 format,     image,     fresh, NULL};
    struct args args = {0};
    args_all(&args, words);
    progress_start("converting");
    if (!child_run(args.item))
        fail(STATUS_FAILED, "qemu-img could not make the image");
    progress_clear();
    file_copy(fresh, output);
    unlink(fresh);
    args_free(&args);
    free(fresh);
}

void format_write(const char *image, enum image_format format, const char *output)
{
    if (format != FORMAT_ISO)
        pad(image);
    if (format == FORMAT_ISO || format == FORMAT_RAW)
        file_copy(image, output);
    else
        convert(image, format_names[format], output);
}
