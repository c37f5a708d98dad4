/* SPDX-License-Identifier: MIT */
#include "image/iso.h"
#include "host/fail.h"
#include "host/file.h"
#include "host/guard.h"
#include "host/place.h"
#include "host/progress.h"
#include "image/date.h"
#include "image/iso9660.h"
#include "image/words.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RUN_WORDS_START "set ouro_run=\""
#define RUN_WORDS_SIZE  512 /* bytes between the quotes */
#define CONFIG_MAX      (1u << 20)

enum { /* of FAT12 and FAT16 */
    FAT_BOOT_SECTOR = 62,
    FAT_SERIAL_AT = 39,
    FAT_TYPE_AT = 54,
};

/* The modules that grub.cfg uses, and those that find grub.cfg on every medium; grub-mkrescue adds
 * dependencies. GRUB's start-up code loads the partition modules and prints an error for each missing
 * one. */
#define GRUB_MODULES                                                                               \
    "normal echo test sleep halt reboot iso9660 search search_fs_file "                            \
    "serial terminal all_video part_acorn part_amiga part_apple part_bsd part_dfly part_dvh "      \
    "part_gpt part_msdos part_plan part_sun part_sunpc"

/* The value of the @NAME@ at the start of text, and the end of @NAME@; NULL if there is none. */
static const char *value_of(const char *text, const char *const (*values)[2], const char **end)
{
    for (; (*values)[0]; values++) {
        size_t length = strlen((*values)[0]);
        if (text[0] == '@' && strncmp(text + 1, (*values)[0], length) == 0 &&
            text[length + 1] == '@') {
            *end = text + length + 2;
            return (*values)[1];
        }
    }
    return NULL;
}

static char *fill_in(const char *at, const char *const (*values)[2])
{
    struct text out = {0};
    while (*at) {
        const char *value = value_of(at, values, &at);
        if (value)
            text_string(&out, value);
        else
            text_add(&out, at++, 1);
    }
    return out.bytes;
}

static void link_or_copy(const char *from, const char *folder, const char *name)
{
    char *to = string_format("%s/%s", folder, name);
    if (link(from, to) != 0)
        file_copy(from, to);
    free(to);
}

static char *grub_config(const struct args *words)
{
    char blanks[RUN_WORDS_SIZE + 1];
    memset(blanks, ' ', RUN_WORDS_SIZE);
    blanks[RUN_WORDS_SIZE] = '\0';
    char *packed = words_grub(words);
    char *template = file_read(place_source("iso/grub.cfg.in"));
    const char *const values[][2] = {{"RUN_WORDS", blanks}, {"WORDS", packed}, {NULL, NULL}};
    char *config = fill_in(template, values);
    free(packed);
    free(template);
    return config;
}

static const char *carried;                    /* a folder for /licences; NULL: none */
static const struct root_medium *carried_root; /* NULL: none */
static const char *carried_data;               /* NULL: none */

void iso_carry(const char *folder)
{
    carried = folder;
}

void iso_carry_root(const struct root_medium *medium)
{
    carried_root = medium;
}

void iso_carry_data(const char *file)
{
    carried_data = file;
}

/* Commands for xorriso: the root folder, the data partition; all other dates, and the GUIDs of the partitions, are those of date_of_image(). */
static void add_commands(struct args *args)
{
    char text[32];
    time_t date = date_of_image();
    struct tm tm;
    strftime(text, sizeof(text), "%Y%m%d%H%M%S00", gmtime_r(&date, &tm));
    const char *const words[] = {
        "--", "-volume_date", "uuid", text, "-boot_image", "any", "gpt_disk_guid=volume_date_uuid",
        NULL};
    const char *const dates[] = {"-volume_date", "all_file_dates", text, NULL};
    args_all(args, words);
    if (carried_root) {
        const char *const root[] = {"-volid", carried_root->label, "-options_from_file",
                                    carried_root->commands, NULL};
        args_all(args, root);
    } else {
        args_all(args, dates);
    }
    if (carried_data) {
        const char *const data[] = {"-append_partition", "3", "0x83", carried_data, NULL};
        args_all(args, data);
    }
    char *seconds = string_format("%u", date_of_image());
    setenv("SOURCE_DATE_EPOCH", seconds,
           1); /* for the file system of UEFI, whose times are local ones */
    setenv("TZ", "UTC0", 1);
    free(seconds);
}

void iso_make_root(const char *image)
{
    char *nothing = guard_path("no-files");
    const char *const argv[] = {"xorriso", "-as", "mkisofs", "-quiet", "-r", "-iso-level",
                                "3",       "-o",  image,     nothing,  NULL};
    struct args args = {0};
    if (mkdir(nothing, 0755) != 0)
        fail_errno("cannot create %s", nothing);
    args_all(&args, argv);
    add_commands(&args);
    progress_start("making the medium");
    if (!child_run(args.item))
        fail(STATUS_FAILED, "xorriso could not make the medium");
    args_free(&args);
    free(nothing);
}

/* The serial number of UEFI's FAT file system, which mformat draws, becomes the date. */
static void set_serial(const char *image)
{
    static const char *const names[] = {"EFI.IMG", NULL};
    uint32_t date = date_of_image();
    uint8_t boot_sector[FAT_BOOT_SECTOR];
    struct stat st;
    struct iso9660_file file;
    int fd = open(image, O_RDWR | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        fail_errno("cannot open %s", image);
    if (iso9660_find(fd, (uint64_t)st.st_size, names, &file) && file.size >= sizeof(boot_sector) &&
        pread(fd, boot_sector, sizeof(boot_sector), (off_t)file.offset) == sizeof(boot_sector) &&
        memcmp(boot_sector + FAT_TYPE_AT, "FAT1", 4) == 0 &&
        pwrite(fd, &date, sizeof(date), (off_t)file.offset + FAT_SERIAL_AT) != sizeof(date))
        fail_errno("cannot write %s", image);
    close(fd);
}

#define GRUB_NAME 27 /* "2026-11-30-11-38-20-00.uuid" */

static void replace_all(char *in, size_t size, const char *from, const char *to, size_t length)
{
    char *end = in + size;
    for (char *at = in; (at = memmem(at, (size_t)(end - at), from, length)); at += length)
        memcpy(at, to, length);
}

/* GRUB 2.12 finds its medium by an empty file whose name is the time of the build: the name becomes the date, wherever it
 * stands, in the directory of HFS+ in UTF-16. O(size of the image) */
static void set_grub_name(const char *image)
{
    static const char mark[] =
        "NM \1"; /* the Rock Ridge name before it: 5 bytes and 27 of the name */
    char name[GRUB_NAME], date[GRUB_NAME + 1], wide_name[2 * GRUB_NAME] = "",
                                                             wide_date[2 * GRUB_NAME] = "";
    time_t seconds = date_of_image();
    struct tm tm;
    struct stat st;
    int fd = open(image, O_RDWR | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        fail_errno("cannot open %s", image);
    size_t size = (size_t)st.st_size;
    char *all = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (all == MAP_FAILED)
        fail_errno("cannot map %s", image);
    strftime(date, sizeof(date), "%Y-%m-%d-%H-%M-%S-00.uuid", gmtime_r(&seconds, &tm));
    char *at = all;
    while ((at = memmem(at, size - (size_t)(at - all), mark, sizeof(mark))) &&
           (size - (size_t)(at - all) < 32 || memcmp(at + 24, "-00.uuid", 8) != 0))
        at++;
    if (at) {
        memcpy(name, at + sizeof(mark), GRUB_NAME);
        for (size_t i = 0; i < GRUB_NAME; i++) {
            wide_name[2 * i + 1] = name[i];
            wide_date[2 * i + 1] = date[i];
        }
        replace_all(all, size, name, date, GRUB_NAME);
        replace_all(all, size, wide_name, wide_date, sizeof(wide_name));
    }
    munmap(all, size);
    close(fd);
}

void iso_build(const struct iso_content *content, const char *image)
{
    static unsigned images;
    char *name = string_format("image%u", images++);
    char *root = guard_path(name), *boot = string_format("%s/boot", root);
    char *grub = string_format("%s/grub", boot), *config = string_format("%s/grub.cfg", grub);
    if (mkdir(root, 0700) != 0 || mkdir(boot, 0755) != 0 || mkdir(grub, 0755) != 0)
        fail_errno("cannot create %s", grub);
    file_write(config, content->config);
    progress_start("making the image");
    link_or_copy(content->kernel, boot, content->kernel_name);
    link_or_copy(content->archive, boot, "root.cpio");
    const char *const argv[] = {"grub-mkrescue", "-o", image, root, NULL};
    const char *const nothing_else[] = {"--fonts=", "--locales=", "--themes=", NULL};
    struct args args = {0};
    args_all(&args, argv);
    args_format(&args, "--install-modules=" GRUB_MODULES " %s", content->loader_module);
    if (carried)
        args_format(&args, "/licences=%s", carried);
    args_all(&args, nothing_else);
    add_commands(&args);
    if (!child_run(args.item))
        fail(STATUS_FAILED, "grub-mkrescue could not make the image");
    set_serial(image);
    set_grub_name(image);
    args_free(&args);
    free(config);
    free(grub);
    free(boot);
    free(root);
    free(name);
}

void iso_make(const char *kernel, const char *archive, const struct args *words, const char *image)
{
    char *config = grub_config(words);
    const struct iso_content content = {.config = config,
                                        .kernel = kernel,
                                        .kernel_name = "ouro.elf",
                                        .loader_module = "multiboot2",
                                        .archive = archive};
    iso_build(&content, image);
    free(config);
}

/* The line of blanks in the configuration, of the original length; NULL if there is none. */
static char *find_blanks(char *config)
{
    char *start = strstr(config, RUN_WORDS_START);
    if (!start)
        return NULL;
    start += sizeof(RUN_WORDS_START) - 1;
    return strspn(start, " ") == RUN_WORDS_SIZE && start[RUN_WORDS_SIZE] == '"' ? start : NULL;
}

void iso_patch(const char *image, const char *shown_name, const struct args *words)
{
    static const char *const names[] = {"BOOT", "GRUB", "GRUB.CFG", NULL};
    int fd = open(image, O_RDWR | O_CLOEXEC);
    struct stat st;
    struct iso9660_file file;
    if (fd < 0 || fstat(fd, &st) != 0)
        fail_errno("cannot open %s", image);
    uint64_t said = iso9660_size(fd);
    if (said > (uint64_t)st.st_size)
        fail(STATUS_FAILED, "%s is truncated: it has %lld of %llu bytes", shown_name,
             (long long)st.st_size, (unsigned long long)said);
    if (!iso9660_find(fd, (uint64_t)st.st_size, names, &file) || file.size > CONFIG_MAX)
        fail(STATUS_FAILED, "%s is not an image that ouro iso made", shown_name);
    char *config = memory(file.size + 1);
    bool whole = pread(fd, config, file.size, (off_t)file.offset) == (ssize_t)file.size;
    char *blanks = whole ? find_blanks(config) : NULL;
    if (!blanks)
        fail(STATUS_FAILED,
             "%s is not an image that ouro iso made: its grub.cfg has no place for words",
             shown_name);
    char *line = words_line(words);
    size_t length = strlen(line);
    if (length > RUN_WORDS_SIZE)
        fail(STATUS_FAILED, "the words for this run do not fit into the image");
    if (pwrite(fd, line, length, (off_t)(file.offset + (uint64_t)(blanks - config))) !=
            (ssize_t)length ||
        close(fd) != 0)
        fail_errno("cannot write %s", image);
    free(line);
    free(config);
}
