/* SPDX-License-Identifier: MIT */
/*
 * The files of the tree are entered in a hash by the path that a database lists; then each database is read once, line by
 * line. Debian's lists name /lib/x where the file is /usr/lib/x.
 */
#include "image/inventory.h"
#include "base/compiler.h"
#include "host/fail.h"
#include "host/file.h"
#include "host/guard.h"
#include "host/path.h"
#include "host/place.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DPKG          "var/lib/dpkg/"
#define APK           "lib/apk/db/installed"
#define COMMON        "/usr/share/common-licenses/"
#define LICENCE_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-"

struct wanted {
    char *path; /* absolute */
    size_t entry, next;
};

struct finder {
    const struct tree *tree;
    struct inventory *out;
    struct wanted *wanted;
    size_t count, *table, buckets;
    const char *kind;
    bool inside;      /* the database of the tree, whose licences are in it */
    const char *root; /* of this computer's files: "" or --sysroot */
};

static size_t hash_of(const char *text)
{
    size_t hash = 5381;
    for (; *text; text++)
        hash = hash * 33 ^ (unsigned char)*text;
    return hash;
}

static void enter(struct finder *finder, char *path, size_t entry)
{
    size_t *bucket = &finder->table[hash_of(path) & (finder->buckets - 1)];
    finder->wanted[finder->count] = (struct wanted){path, entry, *bucket};
    *bucket = finder->count++;
}

/* Enters the files of the tree, or those of this computer. */
static void enter_all(struct finder *finder, bool inside)
{
    finder->count = 0;
    finder->inside = inside;
    memset(finder->table, 0xff, finder->buckets * sizeof(*finder->table));
    for (size_t i = 0; i < finder->tree->count; i++) {
        const struct entry *entry = &finder->tree->entry[i];
        bool own = entry->source && string_starts(entry->source, guard_folder());
        if (!entry->source || own != inside)
            continue;
        char *real = own ? string_format("/%s", entry->path) : realpath(entry->source, NULL);
        size_t root = own ? 0 : strlen(finder->root);
        if (real && strncmp(real, finder->root, root) == 0)
            enter(finder, string_copy(real + root), i);
        free(real);
    }
}

static void leave_all(struct finder *finder)
{
    for (size_t i = 0; i < finder->count; i++)
        free(finder->wanted[i].path);
}

static size_t add_package(struct finder *finder, const char *name, size_t length,
                          const char *version)
{
    struct inventory *out = finder->out;
    for (size_t i = out->count; i-- > 0;)
        if (strlen(out->package[i].name) == length &&
            strncmp(out->package[i].name, name, length) == 0 &&
            strcmp(out->package[i].kind, finder->kind) == 0)
            return i;
    out->package = memory_resize(out->package, (out->count + 1) * sizeof(*out->package));
    out->package[out->count] =
        (struct inventory_package){.name = string_format("%.*s", (int)length, name),
                                   .version = string_copy(version),
                                   .kind = string_copy(finder->kind),
                                   .machine = string_copy("")};
    return out->count++;
}

static void own(struct finder *finder, const char *path, const char *name, size_t length,
                size_t *package)
{
    for (size_t i = finder->table[hash_of(path) & (finder->buckets - 1)]; i != INVENTORY_NONE;
         i = finder->wanted[i].next) {
        const struct wanted *wanted = &finder->wanted[i];
        if (finder->out->owner[wanted->entry] != INVENTORY_NONE || strcmp(wanted->path, path) != 0)
            continue;
        if (*package == INVENTORY_NONE)
            *package = add_package(finder, name, length, "");
        finder->out->owner[wanted->entry] = *package;
    }
}

/* A list of dpkg's: NAME.list or NAME:ARCHITECTURE.list. */
static void read_list(struct finder *finder, const char *file)
{
    size_t package = INVENTORY_NONE;
    const char *name = path_base(file);
    size_t length = strcspn(name, ":");
    if (!name[length])
        length = strlen(name) - sizeof(".list") + 1;
    char *bytes = file_read(file), *rest = bytes;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        own(finder, line, name, length, &package);
        if (string_starts(line, "/lib") || string_starts(line, "/bin/") ||
            string_starts(line, "/sbin/")) {
            char *merged = string_format("/usr%s", line);
            own(finder, merged, name, length, &package);
            free(merged);
        }
    }
    free(bytes);
}

static const char *field(const char *line, const char *name)
{
    size_t length = strlen(name);
    return strncmp(line, name, length) == 0 ? line + length : NULL;
}

static void set(char **text, const char *value)
{
    free(*text);
    *text = string_copy(value);
}

/* Versions and architectures of the packages that were found, from dpkg's status file. */
static void read_status(struct finder *finder, char *status)
{
    struct inventory_package *package = NULL;
    for (char *line; (line = strsep(&status, "\n")) != NULL;) {
        const char *name = field(line, "Package: "), *version = field(line, "Version: "),
                   *machine = field(line, "Architecture: ");
        if (!*line)
            package = NULL;
        for (size_t i = 0; name && i < finder->out->count; i++)
            if (strcmp(finder->out->package[i].name, name) == 0 &&
                strcmp(finder->out->package[i].kind, "deb") == 0)
                package = &finder->out->package[i];
        if (package && version && !*package->version)
            set(&package->version, version);
        if (package && machine && !*package->machine)
            set(&package->machine, machine);
    }
}

/* Alpine's database: P name, V version, A architecture, L licence; then F folders with R files. */
static void read_apk(struct finder *finder, char *bytes)
{
    char *name = string_copy(""), *folder = string_copy(""), *version = string_copy(""),
         *said = string_copy(""), *machine = string_copy("");
    size_t package = INVENTORY_NONE;
    for (char *line; (line = strsep(&bytes, "\n")) != NULL;) {
        const char *value = line[0] && line[1] == ':' ? line + 2 : "";
        char **texts[] = {&name, &version, &machine, &said, &folder};
        static const char letters[] = "PVALF";
        const char *letter = line[0] ? strchr(letters, line[0]) : NULL;
        if (letter && line[1] == ':')
            set(texts[letter - letters], value);
        if (line[0] == 'P')
            package = INVENTORY_NONE;
        if (line[0] != 'R')
            continue;
        char *path = string_format("/%s/%s", folder, value);
        bool fresh = package == INVENTORY_NONE;
        own(finder, path, name, strlen(name), &package);
        if (fresh && package != INVENTORY_NONE) {
            set(&finder->out->package[package].version, version);
            set(&finder->out->package[package].machine, machine);
            set(&finder->out->package[package].said, said);
        }
        free(path);
    }
    for (size_t i = 0; i < 5; i++)
        free(((char *[]){name, folder, version, said, machine})[i]);
}

/* The databases of the tree. */
static void read_inside(struct finder *finder)
{
    enter_all(finder, true);
    finder->kind = "deb";
    for (size_t i = 0; i < finder->tree->count && finder->count > 0; i++) {
        const struct entry *entry = &finder->tree->entry[i];
        if (entry->source && string_starts(entry->path, DPKG "info/") &&
            string_ends(entry->path, ".list")) {
            /* The name of the list is that in the tree. */
            char *link = guard_path(path_base(entry->path));
            if (symlink(entry->source, link) == 0)
                read_list(finder, link);
            unlink(link);
            free(link);
        }
    }
    const struct entry *status = tree_follow(finder->tree, "/" DPKG "status"),
                       *apk = tree_follow(finder->tree, "/" APK);
    if (status && status->source && finder->out->count > 0) {
        char *bytes = file_read(status->source);
        read_status(finder, bytes);
        free(bytes);
    }
    finder->kind = "apk";
    if (apk && apk->source) {
        char *bytes = file_read(apk->source);
        read_apk(finder, bytes);
        free(bytes);
    }
    leave_all(finder);
}

/* The licence of "Files: *" in a copyright file that machines can read (DEP 5). malloc'ed; NULL: none. */
static char *licence_of(const char *file)
{
    char *bytes = file_read(file), *rest = bytes, *said = NULL;
    bool all = false;
    if (string_starts(bytes, "Format:"))
        for (char *line; !said && (line = strsep(&rest, "\n")) != NULL;) {
            const char *files = field(line, "Files:"), *licence = field(line, "License:");
            if (files)
                all = strcmp(files + strspn(files, " "), "*") == 0;
            if (all && licence && licence[strspn(licence, " ")])
                said = string_copy(licence + strspn(licence, " "));
        }
    free(bytes);
    return said;
}

static void find_licences(struct finder *finder, size_t from)
{
    for (size_t i = from; i < finder->out->count; i++) {
        struct inventory_package *package = &finder->out->package[i];
        char *file = string_format("%s/usr/share/doc/%s/copyright", finder->root, package->name);
        char *real = realpath(file, NULL);
        free(file);
        if (!real)
            continue;
        package->copyright = real;
        package->said = licence_of(real);
    }
}

/* This computer's database. */
static void read_outside(struct finder *finder, const struct args *more)
{
    char *folder = string_format("%s/" DPKG "info", finder->root);
    char *status = string_format("%s/" DPKG "status", finder->root);
    struct dirent **names;
    size_t from = finder->out->count;
    int count = scandir(folder, &names, NULL, alphasort);
    enter_all(finder, false);
    finder->kind = "deb";
    for (int i = 0; i < count; i++) {
        char *file = string_format("%s/%s", folder, names[i]->d_name);
        if (string_ends(file, ".list") && finder->count > 0)
            read_list(finder, file);
        free(file);
        free(names[i]);
    }
    if (count >= 0)
        free(names);
    for (size_t i = 0; i < more->count && access(status, R_OK) == 0; i++)
        (void)add_package(finder, more->item[i], strlen(more->item[i]), "");
    if (finder->out->count > from && access(status, R_OK) == 0) {
        char *bytes = file_read(status);
        read_status(finder, bytes);
        free(bytes);
    }
    find_licences(finder, from);
    leave_all(finder);
    free(folder);
    free(status);
}

static void add_own(struct finder *finder, const char *name, const char *version,
                    const char *licence, const char *file)
{
    finder->kind = "";
    size_t at = add_package(finder, name, strlen(name), version);
    finder->out->package[at].said = string_copy(licence);
    if (access(file, R_OK) == 0)
        finder->out->package[at].copyright = string_copy(file);
}

static const struct inventory *sorting; /* qsort has no context argument in C */

static int by_name(const void *a, const void *b)
{
    const struct inventory_package *x = &sorting->package[*(const size_t *)a],
                                   *y = &sorting->package[*(const size_t *)b];
    int order = strcmp(x->kind, y->kind);
    return order ? order : strcmp(x->name, y->name);
}

static void sort(struct inventory *inventory, size_t entries)
{
    size_t count = inventory->count, *order = memory((count + 1) * sizeof(*order)),
           *place = memory((count + 1) * sizeof(*place));
    struct inventory_package *sorted = memory((count + 1) * sizeof(*sorted));
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    sorting = inventory;
    qsort(order, count, sizeof(*order), by_name);
    for (size_t i = 0; i < count; i++) {
        sorted[i] = inventory->package[order[i]];
        place[order[i]] = i;
    }
    for (size_t i = 0; i < entries; i++)
        if (inventory->owner[i] != INVENTORY_NONE)
            inventory->owner[i] = place[inventory->owner[i]];
    free(inventory->package);
    inventory->package = sorted;
    free(order);
    free(place);
}

void inventory_make(const struct tree *tree, const struct args *more, struct inventory *out)
{
    struct finder finder = {.tree = tree, .out = out, .root = tree_sysroot_folder()};
    *out = (struct inventory){.owner = memory((tree->count + 1) * sizeof(*out->owner))};
    memset(out->owner, 0xff, (tree->count + 1) * sizeof(*out->owner));
    for (finder.buckets = 1024; finder.buckets < tree->count; finder.buckets *= 2)
        continue;
    finder.table = memory(finder.buckets * sizeof(*finder.table));
    finder.wanted = memory((tree->count + 1) * sizeof(*finder.wanted));
    read_inside(&finder);
    read_outside(&finder, more);
    add_own(&finder, "ouro", OURO_VERSION, "MIT", place_source("LICENSE"));
    add_own(&finder, "lwip", "2.1.3", "BSD-3-Clause", place_built("lwip/2.1.3/COPYING"));
    sort(out, tree->count);
    free(finder.table);
    free(finder.wanted);
}

void inventory_free(struct inventory *inventory)
{
    for (size_t i = 0; i < inventory->count; i++) {
        struct inventory_package *p = &inventory->package[i];
        char *const texts[] = {p->name, p->version, p->kind, p->machine, p->said, p->copyright};
        for (size_t k = 0; k < ARRAY_LENGTH(texts); k++)
            free(texts[k]);
    }
    free(inventory->package);
    free(inventory->owner);
    *inventory = (struct inventory){0};
}

const char *inventory_spdx(const char *said)
{
    static const char *const names[][2] = {
        {"GPL-1", "GPL-1.0-only"},
        {"GPL-1+", "GPL-1.0-or-later"},
        {"GPL-2", "GPL-2.0-only"},
        {"GPL-2+", "GPL-2.0-or-later"},
        {"GPL-2.0", "GPL-2.0-only"},
        {"GPL-2.0+", "GPL-2.0-or-later"},
        {"GPL-3", "GPL-3.0-only"},
        {"GPL-3+", "GPL-3.0-or-later"},
        {"LGPL-2", "LGPL-2.0-only"},
        {"LGPL-2+", "LGPL-2.0-or-later"},
        {"LGPL-2.1", "LGPL-2.1-only"},
        {"LGPL-2.1+", "LGPL-2.1-or-later"},
        {"LGPL-3", "LGPL-3.0-only"},
        {"LGPL-3+", "LGPL-3.0-or-later"},
        {"AGPL-3", "AGPL-3.0-only"},
        {"AGPL-3+", "AGPL-3.0-or-later"},
        {"Apache-2", "Apache-2.0"},
        {"Apache-2.0", "Apache-2.0"},
        {"Expat", "MIT"},
        {"expat", "MIT"},
        {"MIT", "MIT"},
        {"ISC", "ISC"},
        {"Zlib", "Zlib"},
        {"zlib", "Zlib"},
        {"BSD-2-clause", "BSD-2-Clause"},
        {"BSD-2-Clause", "BSD-2-Clause"},
        {"BSD-3-clause", "BSD-3-Clause"},
        {"BSD-3-Clause", "BSD-3-Clause"},
        {"BSD-4-clause", "BSD-4-Clause"},
        {"MPL-1.1", "MPL-1.1"},
        {"MPL-2.0", "MPL-2.0"},
        {"CC0-1.0", "CC0-1.0"},
        {"BSL-1.0", "BSL-1.0"},
        {"curl", "curl"},
        {"GPL-2.0-only", "GPL-2.0-only"},
        {"GPL-2.0-or-later", "GPL-2.0-or-later"},
        {"GPL-3.0-only", "GPL-3.0-only"},
        {"GPL-3.0-or-later", "GPL-3.0-or-later"},
        {"OpenLDAP-2.8", "OLDAP-2.8"},
        {"FTL", "FTL"},
    };
    for (size_t i = 0; said && i < ARRAY_LENGTH(names); i++)
        if (strcmp(names[i][0], said) == 0)
            return names[i][1];
    return NULL;
}

static void take_licence(const char *folder, const char *name, const char *file, struct args *names)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->item[i], name) == 0)
            return;
    char *to = string_format("%s/%s", folder, name);
    file_copy(file, to);
    args_add(names, name);
    free(to);
}

/* The texts that a copyright file refers to. */
static void take_common(const char *folder, const char *copyright, struct args *names)
{
    char *bytes = file_read(copyright);
    for (const char *at = bytes; (at = strstr(at, COMMON)) != NULL;) {
        at += sizeof(COMMON) - 1;
        size_t length = strspn(at, LICENCE_CHARS);
        while (length > 0 && strchr(".-", at[length - 1]))
            length--;
        char *file = string_format(COMMON "%.*s", (int)length, at),
             *name = string_format("common/%.*s", (int)length, at);
        if (length > 0 && access(file, R_OK) == 0)
            take_licence(folder, name, file, names);
        free(file);
        free(name);
    }
    free(bytes);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void inventory_licences(const struct inventory *inventory, const char *folder, struct args *names)
{
    char *common = string_format("%s/common", folder);
    if (mkdir(folder, 0755) != 0 || mkdir(common, 0755) != 0)
        fail_errno("cannot create %s", common);
    for (size_t i = 0; i < inventory->count; i++) {
        const struct inventory_package *package = &inventory->package[i];
        if (!package->copyright)
            continue;
        take_licence(folder, package->name, package->copyright, names);
        take_common(folder, package->copyright, names);
    }
    if (names->count > 0)
        qsort(names->item, names->count, sizeof(*names->item), by_text);
    free(common);
}
