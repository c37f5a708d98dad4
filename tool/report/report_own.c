/* SPDX-License-Identifier: MIT */
#include "report/report_own.h"
#include "base/compiler.h"
#include "image/package.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES_MAX 256
#define PLACE_MAX  400

struct frame {
    char place[PLACE_MAX]; /* "parse+0x2a [crash]" */
    char file[200];        /* "crash" */
    const struct report_note *note;
};

/* What is known of the runtimes by the files and functions in a trace. `first`: before others. */
static const struct runtime {
    const char *file,
        *function;   /* NULL: any; a file ends in /, . or a digit, or is the whole name */
    bool interprets; /* the program's own file is the runtime */
    const char *advice;
} runtimes[] = {
    {"_ctypes.", NULL, true,
     "Python called this by ctypes; python3 -X faulthandler shows the Python lines"},
    {"python3", NULL, true,
     "what Python itself says is above; python3 -X faulthandler adds the Python lines"},
    {"libpython3", NULL, true,
     "what Python itself says is above; python3 -X faulthandler adds the Python lines"},
    {"node", NULL, true, "node's own message is above"},
    {"libnode.so", NULL, true, "node's own message is above"},
    {"libjvm.so", NULL, true,
     "Java's own message is above; its hs_err file, if it wrote one, is in the program's folder"},
    {"libruby", NULL, true, "Ruby's own message is above"},
    {"libperl.so", NULL, true, "Perl's own message is above"},
    {NULL, "rust_panic", false, "Rust's own message is above; -e RUST_BACKTRACE=1 adds its trace"},
    {NULL, "panicking", false, "Rust's own message is above; -e RUST_BACKTRACE=1 adds its trace"},
    {NULL, "runtime.dieFromSignal", false, "Go's own message, with its goroutines, is above"},
    {NULL, "runtime.raise", false, "Go's own message, with its goroutines, is above"},
};

static bool read_frame(struct json item, const struct report_notes *notes, struct frame *out)
{
    struct json value;
    uint64_t address;
    *out = (struct frame){0};
    if (!json_member(item, "at", &value) || !json_string(value, out->place, PLACE_MAX))
        return false;
    const char *open = strrchr(out->place, '['), *close = open ? strchr(open, ']') : NULL;
    if (!close)
        return false;
    snprintf(out->file, sizeof(out->file), "%.*s", (int)(close - open - 1), open + 1);
    if (json_member(item, "rip", &value) && json_address(value, &address))
        for (size_t i = 0; i < notes->count && !out->note; i++)
            if (notes->note[i].address == address)
                out->note = &notes->note[i];
    if (out->note && out->note->place)
        snprintf(out->place, PLACE_MAX, "%s", out->note->place);
    return true;
}

static const struct runtime *runtime_of(const struct frame *f)
{
    for (size_t i = 0; i < ARRAY_LENGTH(runtimes); i++) {
        const struct runtime *r = &runtimes[i];
        if ((!r->file || string_starts(f->file, r->file)) &&
            (!r->function || strstr(f->place, r->function)))
            return r;
    }
    return NULL;
}

static bool is_own(const char *file)
{
    return !strstr(file, ".so") && strcmp(file, "kernel") != 0 && strcmp(file, "vdso") != 0 &&
           !string_starts(file, "[");
}

/* How much the frame says to the program's author: 3: a line of a source that is here, 2: a line, 1: a name. */
static int worth(const struct frame *f)
{
    if (!f->note || !f->note->json || strstr(f->note->json, "\"file\":\"/rustc/"))
        return 1;
    return f->note->excerpt ? 3 : 2;
}

/* "main+0x2 [app]" and its tail " at a.c:3 in parse, inlined at a.c:4 in main" -> "parse() at a.c:3". A mangled name has its
 * parameters itself. */
static char *name_own(const struct frame *f)
{
    const char *tail = f->note->tail, *inlined = strstr(tail, " in "),
               *comma = inlined ? strchr(inlined, ',') : NULL;
    if (comma)
        return string_format("%.*s()%.*s", (int)(comma - inlined - 4), inlined + 4,
                             (int)(inlined - tail), tail);
    return string_format("%.*s%s%s", (int)strcspn(f->place, "+ "), f->place,
                         f->place[0] == '_' ? "" : "()", tail);
}

/* The path of a file in the report's list of modules, by its last part. */
static const char *module_path(struct json report, const char *file, char *path)
{
    struct json modules, item = {0}, value;
    if (!json_member(report, "modules", &modules))
        return NULL;
    while (json_item(modules, &item)) {
        if (!json_member(item, "path", &value) || !json_string(value, path, PATH_MAX))
            continue;
        const char *slash = strrchr(path, '/');
        if (slash && strcmp(slash + 1, file) == 0)
            return path;
    }
    return NULL;
}

static char *how_to_debug(const struct tree *tree, struct json report, const char *file)
{
    char path[PATH_MAX];
    const char *place = module_path(report, file, path);
    const struct entry *entry = place ? tree_follow(tree, place) : NULL;
    char *here = entry ? tree_host_file(place) : NULL;
    bool packed = here && entry->source && strcmp(here, entry->source) == 0;
    char *package = packed ? package_owner(place) : NULL, *text;
    if (package)
        text = string_format("%s has no line numbers: install %s-dbgsym", file, package);
    else
        text = string_format("%s has no line numbers: compile with -g", file);
    free(package);
    free(here);
    return text;
}

void report_own_find(const struct tree *tree, struct json report, struct report_notes *out)
{
    struct json trace, item = {0};
    struct frame frame, best = {0};
    const struct runtime *runtime = NULL;
    int most = 0;
    size_t at = 0;
    if (!json_member(report, "trace", &trace))
        return;
    for (size_t i = 0; i < FRAMES_MAX && json_item(trace, &item); i++) {
        if (!read_frame(item, out, &frame))
            continue;
        if (!runtime)
            runtime = runtime_of(&frame);
        if (is_own(frame.file) && worth(&frame) > most) {
            best = frame;
            most = worth(&frame);
            at = i;
        }
    }
    if (runtime)
        out->advice = runtime->advice;
    if (most == 0 || (runtime && runtime->interprets))
        return;
    if (most == 1)
        out->debugging = how_to_debug(tree, report, best.file);
    if (at == 0)
        return;
    out->own = best.note && best.note->json ? name_own(&best) : string_copy(best.place);
    out->own_note = best.note;
}
