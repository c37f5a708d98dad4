/* SPDX-License-Identifier: MIT */
/* `ouro volume`: volumes without a machine. e2fsprogs does the work: mke2fs, debugfs, e2fsck. */
#include "command/commands.h"
#include "host/fail.h"
#include "host/file.h"
#include "host/guard.h"
#include "machine/disks.h"
#include "machine/options.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char usage[] =
    "Usage: ouro volume create FILE [SIZE]\n"
    "       ouro volume ls FILE[:/PATH]\n"
    "       ouro volume cp PATH FILE:/PATH\n"
    "       ouro volume cp FILE:/PATH PATH\n"
    "       ouro volume fsck FILE\n"
    "Make an ext4 file system in FILE (1G by default; the file takes only what is\n"
    "written), list a folder of it, copy a file or a folder into it or out of it,\n"
    "check it. ouro run --volume FILE:/PATH mounts it in a machine.\n";

/* Runs a program of e2fsprogs; its exit status. */
static int run_tool(const struct args *args, int output, int error)
{
    const char *path = getenv("PATH");
    char *wider = string_format("%s:/usr/sbin:/sbin", path ? path : "/bin");
    const struct spawn spawn = {.argv = args->item, .input = -1, .output = output, .error = error};
    struct child child;
    int status;
    setenv("PATH", wider, 1);
    free(wider);
    if (!child_start(&spawn, &child))
        fail(STATUS_FAILED, "volume needs %s, from the package e2fsprogs", args->item[0]);
    (void)child_wait(&child, -1, &status);
    return WIFEXITED(status) ? WEXITSTATUS(status) : STATUS_FAILED;
}

static void need_volume(const char *file, bool writes)
{
    if (access(file, F_OK) != 0)
        fail_errno("volume %s", file);
    if (disks_in_use(file, writes))
        fail(STATUS_FAILED, "volume %s: a machine has it", file);
}

/* Divides FILE:/PATH; false: it is a plain path. */
static bool divide(const char *text, char **file, const char **path)
{
    const char *at = strstr(text, ":/");
    if (!at)
        return false;
    *file = string_format("%.*s", (int)(at - text), text);
    *path = at + 1;
    return true;
}

/* A name in a command of debugfs: quotes are doubled. */
static void add_quoted(struct text *script, const char *name)
{
    text_string(script, " \"");
    for (; *name; name++) {
        if (*name == '\n')
            fail(STATUS_FAILED, "volume cp: a name has a line in it");
        text_add(script, *name == '"' ? "\"\"" : name, *name == '"' ? 2 : 1);
    }
    text_string(script, "\"");
}

/* Prints what debugfs says, but for its name and for what was to be replaced and is not there. 0 if it is nothing. */
static int complaints(const char *log)
{
    char *text = file_read(log), *rest = text;
    int status = 0;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        if (!*line || string_starts(line, "debugfs ") || string_starts(line, "rm: File not found"))
            continue;
        warn("%s", line);
        status = STATUS_FAILED;
    }
    free(text);
    return status;
}

/* Runs the commands of debugfs. It has the status 0 whatever they say, and says what is wrong on stderr. */
static int run_script(const char *file, const struct text *script, bool writes)
{
    char *path = guard_path("debugfs"), *log = guard_path("debugfs.log");
    int error = open(log, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
    if (error < 0)
        fail_errno("cannot create %s", log);
    struct args args = {0};
    file_write(path, script->bytes);
    args_add(&args, "debugfs");
    if (writes)
        args_add(&args, "-w");
    args_add(&args, "-f");
    args_add(&args, path);
    args_add(&args, file);
    int status = run_tool(&args, -1, error);
    close(error);
    if (complaints(log) != 0)
        status = STATUS_FAILED;
    args_free(&args);
    free(path);
    free(log);
    return status;
}

static int make(int count, char **word)
{
    uint64_t size = DISKS_VOLUME_SIZE;
    if (count == 2 && !options_size(word[1], &size))
        fail(STATUS_FAILED, "volume create %s: not a size: 64M, 4G", word[1]);
    disks_make_volume(word[0], size);
    return 0;
}

static int list(char **word)
{
    struct args args = {0};
    char *file = word[0];
    const char *path = "/";
    (void)divide(word[0], &file, &path);
    need_volume(file, false);
    struct text request = {0};
    text_string(&request, "ls -l");
    add_quoted(&request, path);
    args_add(&args, "debugfs");
    args_add(&args, "-R");
    args_add(&args, request.bytes);
    args_add(&args, file);
    return run_tool(&args, STDOUT_FILENO, -1);
}

/* The commands that copy a file or a folder to `to`. */
static void add_copies(struct text *script, const char *from, const char *to)
{
    struct stat st;
    if (stat(from, &st) != 0)
        fail_errno("cannot read %s", from);
    if (!S_ISDIR(st.st_mode)) {
        text_string(script, "rm");
        add_quoted(script, to);
        text_string(script, "\nwrite");
        add_quoted(script, from);
        add_quoted(script, to);
        text_string(script, "\n");
        return;
    }
    DIR *folder = opendir(from);
    if (!folder)
        fail_errno("cannot read %s", from);
    text_string(script, "mkdir");
    add_quoted(script, to);
    text_string(script, "\n");
    for (struct dirent *d; (d = readdir(folder)) != NULL;) {
        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
            continue;
        char *name = string_format("%s/%s", from, d->d_name),
             *place = string_format("%s/%s", to, d->d_name);
        add_copies(script, name, place);
        free(name);
        free(place);
    }
    closedir(folder);
}

static int copy(char **word)
{
    struct text script = {0};
    char *file;
    const char *path;
    if (divide(word[1], &file, &path)) {
        need_volume(file, true);
        add_copies(&script, word[0], path);
        return run_script(file, &script, true);
    }
    if (!divide(word[0], &file, &path))
        fail(STATUS_FAILED, "volume cp: neither %s nor %s is FILE:/PATH", word[0], word[1]);
    need_volume(file, false);
    struct stat st;
    bool folder = stat(word[1], &st) == 0 && S_ISDIR(st.st_mode);
    text_string(&script, folder ? "rdump" : "dump");
    add_quoted(&script, path);
    add_quoted(&script, word[1]);
    text_string(&script, "\n");
    return run_script(file, &script, false);
}

static int check(char **word)
{
    struct args args = {0};
    const char *const e2fsck[] = {"e2fsck", "-f", "-p", word[0], NULL};
    need_volume(word[0], true);
    args_all(&args, e2fsck);
    int status = run_tool(&args, STDOUT_FILENO, STDERR_FILENO);
    return status == 1 ? 0 : status; /* 1: mended */
}

int command_volume(int argc, char **argv)
{
    char **word = argv + 2;
    int count = argc - 2;
    const char *what = argc > 1 ? argv[1] : "";
    guard_start();
    if (strcmp(what, "--help") == 0 || strcmp(what, "-?") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    if (strcmp(what, "create") == 0 && (count == 1 || count == 2))
        return make(count, word);
    if (strcmp(what, "ls") == 0 && count == 1)
        return list(word);
    if (strcmp(what, "cp") == 0 && count == 2)
        return copy(word);
    if (strcmp(what, "fsck") == 0 && count == 1)
        return check(word);
    fail(STATUS_FAILED, "volume: create FILE [SIZE], ls FILE[:/PATH], cp FROM TO or fsck FILE");
}
