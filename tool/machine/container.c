/* SPDX-License-Identifier: MIT */
#include "machine/container.h"
#include "host/fail.h"
#include "host/guard.h"
#include "host/path.h"
#include "oci/image.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The image's environment stands before what was typed, which wins. */
static void take_environment(struct request *o, const struct oci_config *config)
{
    struct args all = {0};
    for (size_t i = 0; i < config->environment.count; i++)
        args_add(&all, config->environment.item[i]);
    for (size_t i = 0; i < o->environment.count; i++)
        args_add(&all, o->environment.item[i]);
    o->environment = all;
}

static void take_program(struct request *o, const struct oci_config *config)
{
    struct args *all = memory(sizeof(*all)); /* the request keeps it */
    for (size_t i = 0; i < config->entrypoint.count; i++)
        args_add(all, config->entrypoint.item[i]);
    if (o->program) {
        args_add(all, o->program);
        for (size_t i = 0; i < o->argument_count; i++)
            args_add(all, o->arguments[i]);
    } else {
        for (size_t i = 0; i < config->command.count; i++)
            args_add(all, config->command.item[i]);
    }
    if (all->count == 0)
        fail(STATUS_FAILED, "the image %s names no program: name one after it, as /bin/sh", o->oci);
    o->program = all->item[0];
    o->arguments = all->item + 1;
    o->argument_count = all->count - 1;
}

static bool is_root(const char *user)
{
    static const char *const names[] = {"root", "0", "root:root", "0:0", "root:0", "0:root"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
        if (strcmp(names[i], user) == 0)
            return true;
    return false;
}

static bool is_forwarded(const struct network *network, unsigned long port, bool udp)
{
    for (size_t i = 0; i < network->ports; i++)
        if (network->port[i].guest == port && network->port[i].udp == udp)
            return true;
    return false;
}

/* 80, 80/tcp, 53/udp. */
static void tell_ports(const struct request *o, const struct oci_config *config)
{
    for (size_t i = 0; i < config->ports.count; i++) {
        char *end;
        unsigned long port = strtoul(config->ports.item[i], &end, 10);
        bool udp = strcmp(end, "/udp") == 0;
        if (port == 0 || port > UINT16_MAX || is_forwarded(&o->machine.network, port, udp))
            continue;
        warn("the image serves port %lu: -p %lu:%lu%s leads there", port,
             port < 1024 ? port + 8000 : port, port, udp ? "/udp" : "");
    }
}

void container_load(struct request *o, struct tree *tree)
{
    struct oci_config config;
    char *nothing = guard_path("nothing");
    oci_load(o->oci, tree, &config);
    if (mkdir(nothing, 0700) != 0)
        fail_errno("cannot create %s", nothing);
    tree_sysroot(nothing);
    take_environment(o, &config);
    take_program(o, &config);
    if (!o->workdir && config.workdir)
        o->workdir = path_normalise(config.workdir);
    if (!o->user && config.user)
        o->user = string_copy(config.user);
    if (o->user && is_root(o->user))
        o->user = NULL;
    if (config.stop_signal) {
        o->stop_signal = oci_signal(config.stop_signal);
        if (o->stop_signal == 0)
            fail(STATUS_FAILED, "the image %s: its stop signal %s is none", o->oci,
                 config.stop_signal);
        if (o->stop_signal == SIGTERM)
            o->stop_signal = 0; /* the power button's own */
        else
            o->init = true; /* process 1 sends it */
    }
    if (o->command == COMMAND_RUN && isatty(STDERR_FILENO))
        tell_ports(o, &config);
    oci_config_free(&config);
    free(nothing);
}

static bool is_program(const struct tree *tree, const char *path)
{
    const struct entry *entry = tree_follow(tree, path);
    return entry && S_ISREG(entry->stat.st_mode) && (entry->stat.st_mode & 0111);
}

/* The program's absolute path: by PATH, or from the working folder. malloc'ed; NULL: not found. */
static char *find(const struct request *o, const struct tree *tree, const char *path)
{
    const char *folder = o->workdir ? o->workdir : "/";
    if (o->program[0] == '/')
        return path_normalise(o->program);
    if (strchr(o->program, '/')) {
        char *joined = string_format("%s/%s", folder, o->program), *clean = path_normalise(joined);
        free(joined);
        return clean;
    }
    for (; *path; path += *path == ':') {
        size_t length = strcspn(path, ":");
        char *joined =
            string_format("%s/%.*s/%s", *path == '/' ? "" : folder, (int)length, path, o->program);
        char *clean = path_normalise(joined);
        free(joined);
        if (is_program(tree, clean))
            return clean;
        free(clean);
        path += length;
    }
    return NULL;
}

void container_prepare(const struct request *o, struct tree *tree, const char *path,
                       struct program *out)
{
    char *place = find(o, tree, path);
    if (!place || !tree_follow(tree, place))
        fail(STATUS_NOT_FOUND, "%s: there is no such program in the image %s", o->program, o->oci);
    program_prepare_inside(tree, place, o->program, path, out);
    free(place);
    tree_sysroot("/");
}
