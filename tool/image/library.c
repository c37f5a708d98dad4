/* SPDX-License-Identifier: MIT */
/*
 * The search of ld.so, replayed over the tree: objects are loaded breadth-first, and each name is
 * searched by the rules in image/library.h. An object found on this computer is added to the tree.
 */
#include "image/library.h"
#include "host/fail.h"
#include "host/file.h"
#include "host/path.h"
#include "host/text.h"
#include "image/elf_needs.h"
#include "image/ld_cache.h"

#include <stdlib.h>
#include <string.h>

#define OBJECTS_MAX 4096 /* a limit for files that need each other endlessly */
#define CACHE       "/etc/ld.so.cache"
#define MUSL_PATH   "/etc/ld-musl-x86_64.path"

static const char *const glibc_folders[] = {"/lib/x86_64-linux-gnu",
                                            "/usr/lib/x86_64-linux-gnu",
                                            "/lib64",
                                            "/usr/lib64",
                                            "/lib",
                                            "/usr/lib"};
static const char *const musl_folders[] = {"/lib", "/usr/local/lib", "/usr/lib"};
static const char *const levels[] = {"glibc-hwcaps/x86-64-v4/", "glibc-hwcaps/x86-64-v3/",
                                     "glibc-hwcaps/x86-64-v2/"};

struct object {
    char *place;                /* absolute, as ld.so opens it */
    char *folder;               /* $ORIGIN in the machine */
    char *host_folder;          /* the same on this computer, if the path differs; else NULL */
    const struct object *above; /* the object that loaded it; NULL for the program */
    struct elf_needs needs;
};

struct search {
    struct tree *tree;
    struct object *object[OBJECTS_MAX]; /* in the order of loading; each heap-allocated */
    size_t count;
    struct args names; /* of loaded objects: as requested, and DT_SONAME */
    const char *program;
    enum missing missing;
    bool musl, failed;
    char *cache; /* its bytes; NULL: none */
    size_t cache_size;
};

/* Adds the file at `place` to the tree: from the tree itself, from the same path on this computer, or
 * from host_file. False if it does not exist or is not an x86-64 ELF file, which ld.so skips. */
static bool take_file(struct search *s, const char *place, const char *host_file)
{
    struct elf_needs needs;
    char *source, *real = tree_overlay(s->tree, place, OVERLAY_LOOK, &source);
    struct stat st;
    bool other = !source && host_file && stat(host_file, &st) == 0 && S_ISREG(st.st_mode);
    bool good = source || other;
    if (good) {
        good = elf_needs_read(source ? source : host_file, &needs) != ELF_NONE;
        elf_needs_free(&needs);
    }
    if (good && other) {
        char *folder = string_format("%.*s", (int)(path_base(place) - place), place);
        /* Includes the symbolic links on the path. */
        free(tree_overlay(s->tree, folder, OVERLAY_TAKE, NULL));
        tree_add_file(s->tree, place, host_file);
        free(folder);
    } else if (good) {
        free(tree_overlay(s->tree, place, OVERLAY_TAKE, NULL));
    }
    free(real);
    free(source);
    return good;
}

static bool is_loaded(const struct search *s, const char *name)
{
    for (size_t i = 0; i < s->names.count; i++)
        if (strcmp(s->names.item[i], name) == 0)
            return true;
    return false;
}

static struct object *load(struct search *s, const char *place, const char *host_file,
                           const struct object *above)
{
    if (s->count == OBJECTS_MAX)
        fail(STATUS_CANNOT_RUN, "%s needs more than %d libraries", s->program, OBJECTS_MAX);
    struct object *object = memory(sizeof(*object));
    char *source, *real = tree_overlay(s->tree, place, OVERLAY_LOOK, &source);
    /* $ORIGIN: for the program the folder with links resolved, for a library that of its path. */
    const char *known = above || !real ? place : real;
    object->place = string_copy(place);
    object->folder = string_format("%.*s", (int)(path_base(known) - known), known);
    if (host_file)
        object->host_folder =
            string_format("%.*s", (int)(path_base(host_file) - host_file), host_file);
    object->above = above;
    if (!source || elf_needs_read(source, &object->needs) == ELF_BROKEN)
        fail(STATUS_CANNOT_RUN, "%s cannot be run: the dynamic section of %s is corrupt",
             s->program, place);
    if (object->needs.soname)
        args_add(&s->names, object->needs.soname);
    free(real);
    free(source);
    return s->object[s->count++] = object;
}

/* Replaces $ORIGIN, $LIB and $PLATFORM, with or without braces. */
static char *expand(const char *text, const char *origin)
{
    const struct {
        const char *name, *value;
    } tokens[] = {{"ORIGIN", origin}, {"LIB", "lib/x86_64-linux-gnu"}, {"PLATFORM", "x86_64"}};
    struct text out = {0};
    text_string(&out, "");
    while (*text) {
        size_t used = 0;
        bool braces = text[0] == '$' && text[1] == '{';
        for (size_t i = 0; *text == '$' && i < ARRAY_LENGTH(tokens) && !used; i++) {
            size_t length = strlen(tokens[i].name);
            if (strncmp(text + 1 + braces, tokens[i].name, length) != 0 ||
                (braces && text[2 + length] != '}'))
                continue;
            text_string(&out, tokens[i].value);
            used = 1 + length + (braces ? 2 : 0);
        }
        if (!used)
            text_add(&out, text, used = 1);
        text += used;
    }
    return out.bytes;
}

/* Resolves "." and ".." component by component: the parent of a link's target is not the parent of
 * the link. */
static char *resolve_dots(struct search *s, const char *path)
{
    char *out = string_copy("");
    while (*path) {
        size_t length = strcspn(path, "/");
        if (length == 2 && path[0] == '.' && path[1] == '.') {
            char *real = tree_overlay(s->tree, out, OVERLAY_LOOK, NULL);
            char *up = string_format("%s/..", real ? real : out);
            free(out);
            free(real);
            out = path_normalise(up);
            free(up);
        } else if (length > 0) {
            char *next = string_format("%s/%.*s", out, (int)length, path), *old = out;
            out = path_normalise(next);
            free(next);
            free(old);
        }
        path += length + (path[length] == '/');
    }
    return out;
}

/* Searches one folder and its glibc-hwcaps variants. The result is the plain file if it exists. */
static struct object *try_folder(struct search *s, const struct object *by, const char *folder,
                                 const char *host_folder, const char *name)
{
    for (size_t i = 0; !s->musl && i < ARRAY_LENGTH(levels); i++) {
        char *joined = string_format("%s/%s%s", folder, levels[i], name);
        char *place = resolve_dots(s, joined);
        char *file = host_folder ? string_format("%s/%s%s", host_folder, levels[i], name) : NULL;
        (void)take_file(s, place, file);
        free(joined);
        free(place);
        free(file);
    }
    char *joined = string_format("%s/%s", folder, name), *place = resolve_dots(s, joined);
    char *file = host_folder ? string_format("%s/%s", host_folder, name) : NULL;
    struct object *found = take_file(s, place, file) ? load(s, place, file, by) : NULL;
    free(joined);
    free(place);
    free(file);
    return found;
}

/* Searches a list like DT_RUNPATH of the object `owner`; an empty part is the current directory,
 * which is / in the machine. */
static struct object *try_list(struct search *s, const struct object *by,
                               const struct object *owner, const char *list, const char *name)
{
    struct object *found = NULL;
    for (size_t length; list && *list && !found; list += length + (list[length] == ':')) {
        length = strcspn(list, ":");
        char *part = string_format("%.*s", (int)length, list);
        char *folder = expand(*part ? part : "/", owner->folder);
        bool moved = owner->host_folder && strstr(part, "ORIGIN");
        char *host_folder = moved ? expand(part, owner->host_folder) : NULL;
        found = try_folder(s, by, folder, host_folder, name);
        free(part);
        free(folder);
        free(host_folder);
    }
    return found;
}

static struct object *try_cache(struct search *s, const struct object *by, const char *name)
{
    struct args paths = {0};
    struct object *found = NULL;
    if (s->cache && !ld_cache_find(s->cache, s->cache_size, name, &paths))
        s->cache_size = 0;
    /* Variants for some CPUs are packed too; the plain one is the result. */
    for (size_t i = 0; i < paths.count; i++) {
        bool plain = !strstr(paths.item[i], "/glibc-hwcaps/");
        if (take_file(s, paths.item[i], NULL) && plain && !found)
            found = load(s, paths.item[i], NULL, by);
    }
    args_free(&paths);
    return found;
}

static struct object *try_default(struct search *s, const struct object *by, const char *name)
{
    const char *const *folders = s->musl ? musl_folders : glibc_folders;
    size_t count = s->musl ? ARRAY_LENGTH(musl_folders) : ARRAY_LENGTH(glibc_folders);
    struct object *found = NULL;
    for (size_t i = 0; i < count && !found; i++)
        found = try_folder(s, by, folders[i], NULL, name);
    return found;
}

static struct object *find_glibc(struct search *s, const struct object *by, const char *name)
{
    struct object *found = NULL;
    for (const struct object *o = by; o && !by->needs.runpath && !found; o = o->above)
        if (!o->needs.runpath)
            found = try_list(s, by, o, o->needs.rpath, name);
    if (!found)
        found = try_list(s, by, by, by->needs.runpath, name);
    if (!found && !by->needs.no_default)
        found = try_cache(s, by, name);
    return found || by->needs.no_default ? found : try_default(s, by, name);
}

/* musl, ldso/dynlink.c: RPATH and RUNPATH are the same; those of the object and of its loaders apply. */
static struct object *find_musl(struct search *s, const struct object *by, const char *name)
{
    struct object *found = NULL;
    for (const struct object *o = by; o && !found; o = o->above)
        found = try_list(s, by, o, o->needs.runpath ? o->needs.runpath : o->needs.rpath, name);
    char *source, *real = tree_overlay(s->tree, MUSL_PATH, OVERLAY_TAKE, &source);
    if (!found && source) {
        char *list = file_read(source);
        for (char *c = list; *c; c++)
            *c = *c == '\n' ? ':' : *c;
        found = try_list(s, by, by, list, name);
        free(list);
    } else if (!found) {
        found = try_default(s, by, name);
    }
    free(real);
    free(source);
    return found;
}

/* True for a library that musl's loader provides itself. */
static bool is_musl_libc(const char *name)
{
    static const char *const own[] = {"libc.",  "libpthread.", "librt.",  "libm.",
                                      "libdl.", "libutil.",    "libxnet."};
    for (size_t i = 0; i < ARRAY_LENGTH(own); i++)
        if (string_starts(name, own[i]))
            return true;
    return false;
}

static void report_missing(struct search *s, const struct object *by, const char *name)
{
    s->failed = true;
    if (s->missing == MISSING_IGNORED)
        return;
    const char *where = strcmp(by->place, s->program) == 0 ? "" : by->place;
    char *chain = *where ? string_format(" (asked for by %s)", where) : string_copy("");
    if (s->missing == MISSING_FAILS)
        fail(STATUS_CANNOT_RUN,
             "%s needs the library %s%s, which is in none of the folders that ld.so searches",
             s->program, name, chain);
    warn("%s needs the library %s%s, which is missing and was left out", s->program, name, chain);
    free(chain);
}

/* --- offers --- */

static struct args
    offered;              /* as typed, and the folders of LD_LIBRARY_PATH with a slash at the end */
static struct args taken; /* folders in the machine */

void library_offer(const char *typed)
{
    args_add(&offered, typed);
}

void library_offer_path(const char *path)
{
    while (*path) {
        size_t length = strcspn(path, ":;");
        if (length > 0)
            args_format(&offered, "%.*s/", (int)length, path);
        path += length + (path[length] != '\0');
    }
}

static void take_folder(const char *place)
{
    char *folder = string_format("%.*s", (int)(path_base(place) - place), place);
    char *normal = path_normalise(folder);
    bool known = false;
    for (size_t i = 0; i < taken.count; i++)
        known = known || strcmp(taken.item[i], normal) == 0;
    if (!known)
        args_add(&taken, normal);
    free(normal);
    free(folder);
}

void library_environment(struct args *environment)
{
    struct text list = {0};
    for (size_t i = 0; i < taken.count; i++)
        text_format(&list, "%s%s", i ? ":" : "LD_LIBRARY_PATH=", taken.item[i]);
    if (list.length > 0)
        args_add(environment, list.bytes);
    text_free(&list);
}

static struct object *try_offers(struct search *s, const struct object *by, const char *name)
{
    struct object *found = NULL;
    for (size_t i = 0; i < offered.count && !found; i++) {
        const char *offer = offered.item[i];
        bool folder = string_ends(offer, "/");
        if (!folder && strcmp(path_base(offer), name) != 0)
            continue;
        char *typed = folder ? string_format("%s%s", offer, name) : string_copy(offer);
        char *file = tree_host_file(typed), *place = path_normalise(typed);
        if (file && take_file(s, place, file)) {
            take_folder(place);
            found = load(s, place, file, by);
        }
        free(typed);
        free(file);
        free(place);
    }
    return found;
}

static void add_library(struct search *s, const struct object *by, const char *name)
{
    struct object *found = NULL;
    if (is_loaded(s, name) || (s->musl && is_musl_libc(name)))
        return;
    args_add(&s->names, name);
    if (strchr(name, '/')) {
        char *path = expand(name, by->folder), *place = resolve_dots(s, path);
        char *file =
            by->host_folder && strstr(name, "ORIGIN") ? expand(name, by->host_folder) : NULL;
        if (take_file(s, place, file))
            found = load(s, place, file, by);
        free(path);
        free(place);
        free(file);
    } else {
        found = s->musl ? find_musl(s, by, name) : find_glibc(s, by, name);
    }
    if (!found && !strchr(name, '/'))
        found = try_offers(s, by, name);
    if (!found)
        report_missing(s, by, name);
}

static void add_interpreter(struct search *s, const struct object *program)
{
    const char *interpreter = program->needs.interpreter;
    if (!interpreter)
        return;
    char *place = path_normalise(interpreter);
    s->musl = string_starts(path_base(place), "ld-musl-");
    if (!take_file(s, place, NULL)) {
        s->failed = true;
        const char *format = "%s is dynamically linked and needs %s, which is not there";
        if (s->missing == MISSING_FAILS)
            fail(STATUS_CANNOT_RUN, format, s->program, interpreter);
        if (s->missing == MISSING_WARNS)
            warn(format, s->program, interpreter);
    } else {
        /* The interpreter is loaded before any library requests it by its DT_SONAME. */
        struct object *loader = load(s, place, NULL, program);
        args_free(&loader->needs.needed);
    }
    free(place);
}

static void open_cache(struct search *s)
{
    char *source;
    free(tree_overlay(s->tree, CACHE, OVERLAY_TAKE, &source));
    if (source)
        s->cache = file_read_bytes(source, &s->cache_size);
    free(source);
}

static void search_free(struct search *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->object[i]->place);
        free(s->object[i]->folder);
        free(s->object[i]->host_folder);
        elf_needs_free(&s->object[i]->needs);
        free(s->object[i]);
    }
    args_free(&s->names);
    free(s->cache);
    free(s);
}

bool library_add(struct tree *tree, const char *place, const char *host_folder, const char *name,
                 enum missing missing)
{
    struct search *s = memory(sizeof(*s));
    s->tree = tree;
    s->program = name;
    s->missing = missing;
    char *host_file = host_folder ? string_format("%s/%s", host_folder, path_base(place)) : NULL;
    struct object *program = load(s, place, host_file, NULL);
    add_interpreter(s, program);
    if (program->needs.needed.count > 0 && !s->musl)
        open_cache(s);
    for (size_t i = 0; i < s->count; i++) /* the list grows meanwhile: breadth-first, as in ld.so */
        for (size_t k = 0; k < s->object[i]->needs.needed.count; k++)
            add_library(s, s->object[i], s->object[i]->needs.needed.item[k]);
    bool failed = s->failed;
    free(host_file);
    search_free(s);
    return failed;
}
