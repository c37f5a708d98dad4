/* SPDX-License-Identifier: MIT */
/* dpkg's status file (deb-control(5)): paragraphs of fields. The fields read here have one line each. */
#include "image/dpkg.h"
#include "base/compiler.h"

#include <stdlib.h>
#include <string.h>

#define BLANKS " \t\n"

struct package {
    const char *name, *depends, *predepends,
        *provides; /* in the text, up to the end of their field */
    bool installed, required;
};

/* Linear in the text that it passes: one paragraph. NULL: the end. */
static const char *next_paragraph(const char *at, struct package *out)
{
    *out = (struct package){0};
    if (!*at)
        return NULL;
    while (*at && *at != '\n') {
        static const char *const fields[] = {
            "Package: ", "Depends: ", "Pre-Depends: ", "Provides: "};
        const char **const values[] = {&out->name, &out->depends, &out->predepends, &out->provides};
        for (size_t i = 0; i < ARRAY_LENGTH(fields); i++)
            if (string_starts(at, fields[i]))
                *values[i] = at + strlen(fields[i]);
        size_t length = strcspn(at, "\n"), end = sizeof(" installed") - 1;
        if (string_starts(at, "Status: ") && length >= end)
            out->installed = strncmp(at + length - end, " installed", end) == 0;
        if (string_starts(at, "Essential: yes") || string_starts(at, "Priority: required"))
            out->required = true;
        at += length;
        at += *at == '\n';
    }
    return at + (*at == '\n');
}

/* The length of a package's name, without version or architecture. */
static size_t name_length(const char *text)
{
    return strcspn(text, ":,|( \t\n");
}

/* True if one of the names in the field (NULL: none) is this one. */
static bool field_has(const char *field, const char *name, size_t length)
{
    for (const char *end = field ? field + strcspn(field, "\n") : field; field < end;) {
        field += strspn(field, BLANKS);
        if (name_length(field) == length && strncmp(field, name, length) == 0)
            return true;
        field += strcspn(field, ",\n");
        field += *field == ',';
    }
    return false;
}

/* An installed package of that name, or one that provides it. */
static bool find_package(const char *status, const char *name, size_t length, struct package *out)
{
    struct package provider = {0};
    for (const char *at = status; (at = next_paragraph(at, out)) != NULL;) {
        if (!out->installed || !out->name)
            continue;
        if (name_length(out->name) == length && strncmp(out->name, name, length) == 0)
            return true;
        if (!provider.name && field_has(out->provides, name, length))
            provider = *out;
    }
    *out = provider;
    return provider.name != NULL;
}

/* Packages that scripts of installation use, and no program at run time. */
static bool for_scripts(const char *name)
{
    static const char *const names[] = {"debconf",  "dpkg",     "init-system-helpers", "adduser",
                                        "ucf",      "lsb-base", "sysvinit-utils",      "systemd",
                                        "cdebconf", "passwd"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static bool has(const struct args *args, const char *name)
{
    for (size_t i = 0; i < args->count; i++)
        if (strcmp(args->item[i], name) == 0)
            return true;
    return false;
}

/* Adds the first installed alternative of each dependency of the field. */
static void add_dependencies(const char *status, const char *field, struct args *out)
{
    const char *end = field ? field + strcspn(field, "\n") : NULL;
    while (field && field < end) {
        bool found = false;
        const char *stop = field + strcspn(field, ",\n");
        for (const char *one = field; one < stop; one += strcspn(one, "|,\n"), one += *one == '|') {
            struct package package;
            one += strspn(one, BLANKS);
            if (found || !find_package(status, one, name_length(one), &package))
                continue;
            char *name = string_format("%.*s", (int)name_length(package.name), package.name);
            found = true;
            if (!for_scripts(name) && !has(out, name))
                args_add(out, name);
            free(name);
        }
        field = stop + (*stop == ',');
    }
}

bool package_closure(const char *status, const char *name, struct args *out)
{
    struct package package;
    if (!find_package(status, name, strlen(name), &package))
        return false;
    args_format(out, "%.*s", (int)name_length(package.name), package.name);
    for (size_t i = 0; i < out->count; i++) { /* the list grows meanwhile */
        if (!find_package(status, out->item[i], strlen(out->item[i]), &package))
            continue;
        add_dependencies(status, package.predepends, out);
        add_dependencies(status, package.depends, out);
    }
    return true;
}

bool package_is_base(const char *status, const char *name)
{
    static const char *const names[] = {"libc6", "libgcc-s1", "libstdc++6"};
    struct package package;
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return find_package(status, name, strlen(name), &package) && package.required;
}
