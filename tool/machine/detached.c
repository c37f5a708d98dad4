/* SPDX-License-Identifier: MIT */
#include "machine/detached.h"
#include "host/fail.h"
#include "host/file.h"
#include "host/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NAME_MAX_LENGTH 64
#define READY           'r'
#define NUMBER_MAX      1000 /* of machines of one program */

static char *own_folder; /* of this process' machine; NULL: it is not detached */
static int ready_pipe = -1;

bool detached_is_name(const char *text)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    size_t length = strlen(text);
    return length > 0 && length <= NAME_MAX_LENGTH && strchr(first, text[0]) &&
           strspn(text + 1, "-_.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") ==
               length - 1;
}

static char *machines_folder(void)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (state && *state == '/')
        return string_format("%s/ouro/machines", state);
    if (!home || *home != '/')
        fail(STATUS_FAILED, "neither XDG_STATE_HOME nor HOME says where machines are kept");
    return string_format("%s/.local/state/ouro/machines", home);
}

static void make_folders(const char *path)
{
    char *copy = string_copy(path);
    for (char *slash = strchr(copy + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash)
            *slash = '\0';
        if (mkdir(copy, 0700) != 0 && errno != EEXIST)
            fail_errno("cannot create %s", copy);
        if (!slash)
            break;
        *slash = '/';
    }
    free(copy);
}

static char *inside(const char *folder, const char *name)
{
    return string_format("%s/%s", folder, name);
}

/* The process that has the lock; 0: none. */
static pid_t holder(const char *folder)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char *file = inside(folder, "lock");
    int fd = open(file, O_RDWR | O_CLOEXEC);
    bool locked = fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    if (fd >= 0)
        close(fd);
    free(file);
    return locked ? lock.l_pid : 0;
}

static bool take_lock(const char *folder)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char *file = inside(folder, "lock");
    int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600); /* open for the life of the process */
    if (fd < 0)
        fail_errno("cannot create %s", file);
    free(file);
    return fcntl(fd, F_SETLK, &lock) == 0;
}

/* The folder for a new machine. */
static char *choose(const char *name, const char *program)
{
    char *all = machines_folder(), *folder = NULL;
    char base[NAME_MAX_LENGTH - 4] = "";
    make_folders(all);
    if (name) {
        folder = inside(all, name);
        if (holder(folder) != 0)
            fail(STATUS_FAILED, "a machine %s runs: ouro stop %s ends it", name, name);
    } else {
        snprintf(base, sizeof(base), "%s", program ? path_base(program) : "demo");
        if (!detached_is_name(base))
            strcpy(base, "machine");
    }
    for (int i = 1; !folder && i < NUMBER_MAX; i++) {
        folder = i == 1 ? inside(all, base) : string_format("%s/%s-%d", all, base, i);
        if (holder(folder) != 0) {
            free(folder);
            folder = NULL;
        }
    }
    free(all);
    if (!folder)
        fail(STATUS_FAILED, "too many machines of %s run", base);
    return folder;
}

void detached_forget(const char *folder)
{
    static const char *const names[] = {"log", "input", "about", "status", "lock"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char *file = inside(folder, names[i]);
        if (unlink(file) != 0 && errno != ENOENT)
            fail_errno("cannot remove %s", file);
        free(file);
    }
    if (rmdir(folder) != 0)
        fail_errno("cannot remove %s", folder);
}

/* The first process: waits for the second. A machine that did not start is forgotten. */
static NORETURN void wait_ready(pid_t child, int pipe_end, const char *folder)
{
    char byte = 0;
    int status = 0;
    while (read(pipe_end, &byte, 1) < 0 && errno == EINTR)
        continue;
    if (byte == READY) {
        puts(path_base(folder));
        exit(0);
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    char *log = inside(folder, "log"), *text = file_read(log);
    fputs(text, stderr);
    detached_forget(folder);
    exit(WIFEXITED(status) ? WEXITSTATUS(status) : STATUS_FAILED);
}

static void redirect(int from, int to)
{
    if (from < 0 || dup2(from, to) < 0)
        fail_errno("cannot open the files of the machine in %s", own_folder);
    if (from > STDERR_FILENO)
        close(from);
}

static void open_streams(void)
{
    char *input = inside(own_folder, "input"), *log = inside(own_folder, "log"),
         *status = inside(own_folder, "status");
    unlink(input);
    unlink(status);
    unlink(log);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    redirect(fd, STDOUT_FILENO);
    redirect(STDOUT_FILENO, STDERR_FILENO);
    if (mkfifo(input, 0600) != 0)
        fail_errno("cannot create %s", input);
    redirect(open(input, O_RDWR | O_CLOEXEC), STDIN_FILENO); /* so that it has no end */
    free(input);
    free(log);
    free(status);
}

void detached_start(const char *name, const char *program)
{
    int ends[2];
    char *folder = choose(name, program);
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        fail_errno("cannot create %s", folder);
    if (pipe2(ends, O_CLOEXEC) != 0)
        fail_errno("cannot start a machine");
    fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        fail_errno("cannot start a machine");
    if (child > 0) {
        close(ends[1]);
        wait_ready(child, ends[0], folder);
    }
    close(ends[0]);
    ready_pipe = ends[1];
    setsid();
    if (!take_lock(folder))
        fail(STATUS_FAILED, "a machine %s runs", path_base(folder));
    own_folder = folder;
    open_streams();
    char *about = inside(folder, "about"),
         *text = string_format("%s\n", program ? program : "demo");
    file_write(about, text);
    free(about);
    free(text);
}

void detached_ready(void)
{
    const char byte = READY;
    if (ready_pipe < 0)
        return;
    (void)!write(ready_pipe, &byte, 1); /* the first process may be gone */
    close(ready_pipe);
    ready_pipe = -1;
}

void detached_end(int status)
{
    if (!own_folder)
        return;
    char *file = inside(own_folder, "status"), *text = string_format("%d\n", status);
    file_write(file, text);
    free(file);
    free(text);
}

/* The file's text; "" if it is not there. */
static char *text_of(const char *folder, const char *name)
{
    char *file = inside(folder, name);
    char *text = access(file, R_OK) == 0 ? file_read(file) : string_copy("");
    text[strcspn(text, "\n")] = '\0';
    free(file);
    return text;
}

void detached_find(const char *name, struct detached *out)
{
    struct stat st;
    char *all = machines_folder();
    *out = (struct detached){.name = string_copy(name), .folder = inside(all, name), .status = -1};
    char *lock = inside(out->folder, "about");
    if (!detached_is_name(name) || stat(lock, &st) != 0)
        fail(STATUS_FAILED, "there is no machine %s: ouro ps lists them", name);
    out->started = st.st_mtim.tv_sec;
    out->pid = holder(out->folder);
    out->about = text_of(out->folder, "about");
    char *status = text_of(out->folder, "status");
    if (*status && out->pid == 0)
        out->status = atoi(status);
    free(status);
    free(lock);
    free(all);
}

static int only_names(const struct dirent *entry)
{
    return detached_is_name(entry->d_name);
}

void detached_list(struct args *names)
{
    char *all = machines_folder();
    struct dirent **list;
    int count = scandir(all, &list, only_names, alphasort);
    for (int i = 0; i < count; i++) {
        char *about = string_format("%s/%s/about", all, list[i]->d_name);
        if (access(about, F_OK) == 0)
            args_add(names, list[i]->d_name);
        free(about);
        free(list[i]);
    }
    if (count >= 0)
        free(list);
    free(all);
}
