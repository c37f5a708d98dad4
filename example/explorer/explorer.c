/* SPDX-License-Identifier: MIT */
/*
 * The explorer: a page in the browser that shows this machine's page tables, live. docs/explorer.md describes it.
 *
 *     ./ouro explore
 *
 * On Linux the same program shows all but the page tables; in this folder:
 *
 *     musl-gcc -static -O2 -I ../../include -o explorer *.c && ./explorer 8080 page
 */
#define _GNU_SOURCE
#include "crash.h"
#include "machine.h"
#include "scratch.h"
#include "server.h"

#include <ouro/pagetable.h>

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 16
#define FILE_MAX  (1 << 20)

/* The page's files, read at the start. */
static struct file {
    char path[64]; /* "/style.css" */
    const char *type;
    char *bytes;
    size_t size;
} files[FILES_MAX];
static size_t file_count;

static const char *type_of(const char *name)
{
    static const struct {
        const char *end, *type;
    } types[] = {{".html", "text/html; charset=utf-8"},
                 {".css", "text/css; charset=utf-8"},
                 {".js", "text/javascript; charset=utf-8"},
                 {".svg", "image/svg+xml"}};
    const char *end = strrchr(name, '.');
    for (size_t i = 0; end != NULL && i < sizeof types / sizeof types[0]; i++)
        if (strcmp(end, types[i].end) == 0)
            return types[i].type;
    return NULL;
}

static void load_file(int folder, const char *name)
{
    struct file *file = &files[file_count];
    struct stat st;
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 && st.st_size <= FILE_MAX) {
        file->bytes = malloc((size_t)st.st_size);
        file->type = type_of(name);
        snprintf(file->path, sizeof file->path, "/%s", name);
        while (file->bytes != NULL && file->size < (size_t)st.st_size) {
            ssize_t got = read(fd, file->bytes + file->size, (size_t)st.st_size - file->size);
            if (got <= 0)
                break;
            file->size += (size_t)got;
        }
        file_count++;
    }
    close(fd);
}

static void load_files(const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    while (folder != NULL && file_count < FILES_MAX && (entry = readdir(folder)) != NULL)
        if (type_of(entry->d_name) != NULL && strlen(entry->d_name) < sizeof files[0].path - 1)
            load_file(dirfd(folder), entry->d_name);
    if (file_count == 0) {
        fprintf(stderr, "explorer: no page in %s\n", path);
        exit(1);
    }
    closedir(folder);
}

static void areas(struct json *json, const struct http_request *request)
{
    (void)request;
    machine_areas_write(json);
}

static void machine(struct json *json, const struct http_request *request)
{
    (void)request;
    machine_write(json);
}

static void counters(struct json *json, const struct http_request *request)
{
    (void)request;
    machine_counters_write(json);
}

static void walk(struct json *json, const struct http_request *request)
{
    uint64_t address = 0;
    http_number(request, "address", &address);
    machine_walk_write(json, address);
}

static void pages(struct json *json, const struct http_request *request)
{
    uint64_t start = 0, count = 0;
    http_number(request, "start", &start);
    http_number(request, "count", &count);
    machine_pages_write(json, start, count, request->method == HTTP_POST);
}

static void crash(struct json *json, const struct http_request *request)
{
    if (request->method == HTTP_POST)
        crash_spawn();
    crash_write(json);
}

static const struct {
    const char *path;
    void (*write)(struct json *json, const struct http_request *request);
    bool changes; /* POST is allowed */
} endpoints[] = {
    {"/api/machine", machine, false},      {"/api/areas", areas, false},
    {"/api/counters", counters, false},    {"/api/walk", walk, false},
    {"/api/pages", pages, true},           /* POST: looks, and clears the bits */
    {"/api/scratch", scratch_write, true}, /* only by POST does it what `do` says */
    {"/api/crash", crash, true},           /* POST: starts the child */
};

static bool is_path(const struct http_request *request, const char *path)
{
    return strlen(path) == request->path_length &&
           memcmp(path, request->path, request->path_length) == 0;
}

static void answer_json(size_t n, const struct http_request *request, struct answer *out)
{
    struct json json = {0};
    struct http_request asked = *request;
    if (request->method == HTTP_POST && !endpoints[n].changes) {
        out->status = 405;
        return;
    }
    if (request->method == HTTP_POST && !request->own) {
        out->status = 403; /* a form or script of another page */
        return;
    }
    if (request->method != HTTP_POST && endpoints[n].write == scratch_write)
        asked.query_length = 0;
    endpoints[n].write(&json, &asked);
    out->status = 500;
    if (!json_end(&json))
        return;
    *out = (struct answer){200, "application/json", json.bytes, json.size, true};
}

static void answer(const struct http_request *request, struct answer *out)
{
    for (size_t i = 0; i < sizeof endpoints / sizeof endpoints[0]; i++)
        if (is_path(request, endpoints[i].path)) {
            answer_json(i, request, out);
            return;
        }
    for (size_t i = 0; i < file_count; i++) {
        bool index = is_path(request, "/") && strcmp(files[i].path, "/index.html") == 0;
        if (!index && !is_path(request, files[i].path))
            continue;
        if (request->method == HTTP_POST)
            out->status = 405;
        else
            *out = (struct answer){200, files[i].type, files[i].bytes, files[i].size, false};
        return;
    }
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], CRASH_ARGUMENT) == 0)
        return crash_overflow();
    int port = argc > 1 ? atoi(argv[1]) : 8080;
    load_files(argc > 2 ? argv[2] : "/page");
    if (port < 1 || port > 65535) {
        fprintf(stderr, "usage: explorer [PORT [FOLDER [URL]]]\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    machine_start();
    crash_start();
    /* In the machine the computer outside forwards a port of its own. */
    int listener = server_listen(ouro_available() ? INADDR_ANY : INADDR_LOOPBACK, (uint16_t)port);
    if (listener < 0) {
        perror("explorer: cannot listen");
        return 1;
    }
    if (argc > 3)
        printf("open %s\n", argv[3]);
    else
        printf("open http://localhost:%d\n", port);
    fflush(stdout);
    server_run(listener, answer, crash_poll);
}
