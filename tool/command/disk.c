/* SPDX-License-Identifier: MIT */
/*
 * Decides whether a disk may be overwritten: a whole, writable, removable disk that is neither mounted nor
 * used for swap nor held by another block device. Reads sysfs and /proc only; writes nothing.
 */
#include "command/disk.h"
#include "host/fail.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define SECTOR 512u /* the unit of sysfs, independent of the disk */

/* Tests set a root with files in place of sysfs and /proc; then a regular file stands for the device. */
static const char *system_root(void)
{
    const char *root = getenv("OURO_SYSTEM_ROOT");
    return root ? root : "";
}

/* The first line of a small file, printable; "" when there is none. malloc'ed. */
static char *line_of(const char *folder, const char *name)
{
    char line[256] = "", *path = string_format("%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    if (file && !fgets(line, sizeof(line), file))
        line[0] = '\0';
    if (file)
        fclose(file);
    free(path);
    line[strcspn(line, "\n")] = '\0';
    for (char *p = line; *p; p++)
        if (!isprint((unsigned char)*p)) /* no escape sequences from the disk's name */
            *p = '?';
    for (size_t n = strlen(line); n > 0 && line[n - 1] == ' '; n--)
        line[n - 1] = '\0';
    return string_copy(line + strspn(line, " "));
}

static bool has(const char *folder, const char *name)
{
    char *path = string_format("%s/%s", folder, name);
    bool there = access(path, F_OK) == 0;
    free(path);
    return there;
}

static bool says(const char *folder, const char *name, const char *value)
{
    char *line = line_of(folder, name);
    bool same = strcmp(line, value) == 0;
    free(line);
    return same;
}

static uint64_t size_of(const char *folder)
{
    char *line = line_of(folder, "size"), *end;
    errno = 0;
    unsigned long long sectors = strtoull(line, &end, 10);
    bool good = isdigit((unsigned char)*line) && !*end && errno == 0;
    free(line);
    return good && sectors <= UINT64_MAX / SECTOR ? sectors * SECTOR : 0;
}

char *disk_size_text(uint64_t bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 1024; unit++)
        value /= 1024;
    return string_format("%.*f %s", unit == 0 ? 0 : 1, value, units[unit]);
}

/* The search for a device ("8:17") among mounts and swaps. */
struct users {
    const char *numbers;
    char *use; /* malloc'ed: "mounted on /media/stick" */
};

static bool is_device(const char *path, const char *numbers)
{
    struct stat st;
    char *own = stat(path, &st) == 0 && S_ISBLK(st.st_mode)
                    ? string_format("%u:%u", major(st.st_rdev), minor(st.st_rdev))
                    : string_copy("");
    bool same = strcmp(own, numbers) == 0;
    free(own);
    return same;
}

/* Some file systems show a device number of their own; for them the mount source is compared. */
static void look_at_mount(struct users *users, char *line)
{
    char numbers[32], place[PATH_MAX], *dash = strstr(line, " - "), source[PATH_MAX];
    if (!dash || sscanf(line, "%*d %*d %31s %*s %4095s", numbers, place) != 2 ||
        sscanf(dash, " - %*s %4095s", source) != 1)
        return;
    if (strcmp(numbers, users->numbers) == 0 || is_device(source, users->numbers)) {
        free(users->use);
        users->use = string_format("mounted on %s", place);
    }
}

static void look_at_swap(struct users *users, char *line)
{
    line[strcspn(line, " \t\n")] = '\0';
    if (!users->use && is_device(line, users->numbers))
        users->use = string_copy("used for swapping");
}

static void each_line(const char *name, void (*look)(struct users *, char *), struct users *users)
{
    char *path = string_format("%s%s", system_root(), name), *line = NULL;
    size_t room = 0;
    FILE *file = fopen(path, "re");
    if (!file)
        fail_errno("cannot read %s, to see what is mounted", path);
    while (getline(&line, &room, file) > 0)
        look(users, line);
    fclose(file);
    free(line);
    free(path);
}

static bool has_entries(const char *folder, const char *name)
{
    char *path = string_format("%s/%s", folder, name);
    DIR *dir = opendir(path);
    bool found = false;
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;)
        found = found || e->d_name[0] != '.';
    if (dir)
        closedir(dir);
    free(path);
    return found;
}

/* The use of the disk or partition of this sysfs folder; malloc'ed; NULL: unused. */
static char *use_of(const char *folder)
{
    char *numbers = line_of(folder, "dev");
    struct users users = {.numbers = numbers};
    each_line("/proc/self/mountinfo", look_at_mount, &users);
    each_line("/proc/swaps", look_at_swap, &users);
    if (!users.use && has_entries(folder, "holders"))
        users.use = string_copy("part of another disk (LVM, RAID, encryption)");
    free(numbers);
    return users.use;
}

/* Lists the partitions. Returns a message about one in use, malloc'ed, or NULL. */
static char *look_at_parts(const char *folder, struct disk *out)
{
    DIR *dir = opendir(folder);
    char *problem = NULL;
    for (struct dirent *e; dir && !problem && (e = readdir(dir)) != NULL;) {
        char *part = string_format("%s/%s", folder, e->d_name);
        if (e->d_name[0] != '.' && has(part, "partition")) {
            char *size = disk_size_text(size_of(part)), *use = use_of(part);
            text_format(&out->parts, "  /dev/%s, %s\n", e->d_name, size);
            if (use)
                problem = string_format("its partition /dev/%s is %s", e->d_name, use);
            free(use);
            free(size);
        }
        free(part);
    }
    if (dir)
        closedir(dir);
    return problem;
}

static void describe(const char *folder, bool usb, bool removable, struct disk *out)
{
    char *vendor = line_of(folder, "device/vendor"), *model = line_of(folder, "device/model");
    char *name = line_of(folder, "device/name"), *file = line_of(folder, "loop/backing_file");
    char *size = disk_size_text(out->size);
    const char *known = *model ? model : *name ? name : *file ? file : "unnamed disk";
    out->description = string_format("%s%s%s, %s%s%s", vendor, *vendor ? " " : "", known, size,
                                     usb ? ", USB" : "", removable ? ", removable" : "");
    free(size);
    free(file);
    free(name);
    free(model);
    free(vendor);
}

/* Checks one disk: a stick, a card or a loop device is accepted. Returns a message, malloc'ed, or NULL. */
static char *look_at_disk(const char *folder, struct disk *out)
{
    char real[PATH_MAX];
    bool usb = realpath(folder, real) && strstr(real, "/usb");
    bool removable = says(folder, "removable", "1");
    bool outer = usb || removable || says(folder, "device/type", "SD") || has(folder, "loop");
    out->size = size_of(folder);
    if (has(folder, "partition"))
        return string_copy("it is a partition: name the whole disk");
    if (out->size == 0)
        return string_copy("there is no medium in it");
    if (says(folder, "ro", "1"))
        return string_copy("it is write-protected");
    describe(folder, usb, removable, out);
    char *use = use_of(folder);
    if (use) {
        char *sentence = string_format("it is %s", use);
        free(use);
        return sentence;
    }
    char *problem = look_at_parts(folder, out);
    if (!problem && !outer)
        problem = string_format("it is a disk of this computer (%s), not a USB stick or a card",
                                out->description);
    return problem;
}

char *disk_look(const char *path, struct disk *out)
{
    struct stat st;
    *out = (struct disk){.path = path};
    if (stat(path, &st) != 0)
        return string_copy(strerror(errno));
    if (!S_ISBLK(st.st_mode) && !*system_root())
        return string_copy("it is not a disk");
    char *folder = string_format("%s/sys/dev/block/%u:%u", system_root(), major(st.st_rdev),
                                 minor(st.st_rdev));
    char *problem = has(folder, "size") ? look_at_disk(folder, out)
                                        : string_copy("this computer does not tell what it is");
    free(folder);
    return problem;
}

void disk_free(struct disk *disk)
{
    free(disk->description);
    text_free(&disk->parts);
}
