/* SPDX-License-Identifier: MIT */
/* The reader process: it renders the report and answers on a pipe, within limits of time and memory. */
#include "report/report.h"
#include "host/fail.h"
#include "host/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READER_SECONDS 5            /* ten times the time for the largest DWARF tried */
#define READER_MEMORY  (4ull << 30) /* bytes of address space */
#define READER_ANSWER  3            /* the descriptor that guard_fork() keeps */
#define ANSWER_MAX     (8u << 20)   /* bytes */

bool report_wants_colour(void)
{
    const char *none = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(STDERR_FILENO) && !(none && *none) && !(term && strcmp(term, "dumb") == 0);
}

static const char *last_line(const char *report, size_t size)
{
    const char *newline = size > 1 ? memrchr(report, '\n', size - 1) : NULL;
    return newline ? newline + 1 : report;
}

static bool write_all(int fd, const struct text *text)
{
    size_t done = 0;
    while (done < text->length) {
        ssize_t written = write(fd, text->bytes + done, text->length - done);
        if (written < 0 && errno != EINTR)
            return false;
        done += written > 0 ? (size_t)written : 0;
    }
    return true;
}

static void limit(enum __rlimit_resource what, unsigned long long most)
{
    setrlimit(what, &(struct rlimit){most, most});
}

/* Writes the answer: the text, a NUL, the JSON line. */
NORETURN static void reader_main(const struct report_options *o, const char *report, size_t size)
{
    struct report_notes notes;
    struct text text = {0}, json = {0};
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_CPU, READER_SECONDS);
    limit(RLIMIT_AS, READER_MEMORY);
    const char *line = last_line(report, size);
    report_notes_make(&o->files, line, (size_t)(report + size - line), &notes);
    report_render(report, size, &notes, o->colour, &text);
    report_render_json(line, (size_t)(report + size - line), &notes, &json);
    text_add(&text, "", 1);
    text_add(&text, json.bytes, json.length);
    _exit(write_all(READER_ANSWER, &text) ? 0 : STATUS_FAILED);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* True if the whole answer arrived in time. */
static bool read_answer(int fd, struct text *out)
{
    double end = now() + READER_SECONDS;
    char bytes[16384];
    for (;;) {
        double left = end - now();
        struct pollfd ready = {fd, POLLIN, 0};
        if (left <= 0 || out->length > ANSWER_MAX)
            return false;
        if (poll(&ready, 1, (int)(left * 1000) + 1) <= 0)
            continue;
        ssize_t got = read(fd, bytes, sizeof(bytes));
        if (got == 0)
            return true;
        if (got > 0)
            text_add(out, bytes, (size_t)got);
        else if (errno != EINTR)
            return false;
    }
}

/* Runs the reader process, which may crash on hostile input. */
static bool ask_reader(const struct report_options *o, const char *report, size_t size,
                       struct text *answer)
{
    int ends[2], status;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    pid_t pid = guard_fork(ends[1]);
    if (pid == 0)
        reader_main(o, report, size);
    close(ends[1]);
    bool whole = pid > 0 && read_answer(ends[0], answer);
    close(ends[0]);
    if (pid < 0)
        return false;
    if (!whole)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return whole && WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
           memchr(answer->bytes, '\0', answer->length);
}

static void keep(const struct report_options *o, const char *line)
{
    if (!o->json)
        return;
    o->json->length = 0;
    text_string(o->json, line);
}

void report_present(const struct report_options *o, const char *report, size_t size, bool complete,
                    struct text *out)
{
    static const struct report_notes none;
    struct text answer = {0};
    complete = complete && !memchr(report, '\0', size);
    if (complete && ask_reader(o, report, size, &answer)) {
        text_string(out, answer.bytes);
        keep(o, answer.bytes + strlen(answer.bytes) + 1);
    } else {
        report_render(report, size, &none, o->colour, out);
        if (complete)
            keep(o, last_line(report, size));
    }
    text_free(&answer);
}
