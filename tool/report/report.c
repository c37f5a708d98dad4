/* SPDX-License-Identifier: MIT */
/* The reader process: it renders the report and answers on a pipe, within limits of time and memory. */
#include "report/report.h"
#include "host/fail.h"
#include "base/compiler.h"
#include "host/guard.h"
#include "host/json.h"
#include "report/demangle.h"

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

/* --- what the program said before abort() --- */

static size_t line_end(const char *bytes, size_t size, size_t start)
{
    const char *newline = memchr(bytes + start, '\n', size - start);
    return newline ? (size_t)(newline - bytes) + 1 : size;
}

static bool is_message(const char *line, size_t size)
{
    static const char *const marks[] = {"panicked at",   "Fatal Python error", "panic: ",
                                        "fatal error: ", "FATAL ERROR: ",      "terminate called",
                                        "Assertion `"};
    for (size_t i = 0; i < ARRAY_LENGTH(marks); i++)
        if (memmem(line, size, marks[i], strlen(marks[i])))
            return true;
    return false;
}

/* Two lines: the last one that is known to begin a message, or else the last but one. `size` is without blanks at the end. */
static size_t message_start(const char *bytes, size_t size, size_t *end)
{
    size_t last = 0, before = 0, marked = size;
    for (size_t line = 0, next; line < size; line = next) {
        next = line_end(bytes, size, line);
        if (is_message(bytes + line, next - line))
            marked = line;
        before = last;
        last = line;
    }
    *end = size;
    if (marked == size)
        return before;
    *end = line_end(bytes, size, line_end(bytes, size, marked));
    return marked;
}

/* What the program said before it aborted; NULL: nothing, or it did not. malloc'ed. */
static char *aborted_message(const struct report_options *o, const char *report)
{
    const char *bytes = o->said ? o->said->bytes : NULL;
    size_t end, size = bytes ? o->said->length : 0;
    while (size > 0 && (unsigned char)bytes[size - 1] <= ' ')
        size--;
    if (size == 0 || !string_starts(report, "==== CRASH: abort"))
        return NULL;
    size_t start = message_start(bytes, size, &end);
    while (end > start && (unsigned char)bytes[end - 1] <= ' ')
        end--;
    char *message = string_format("%.*s", (int)(end - start), bytes + start);
    char *to = message;
    for (const char *c = message; *c; c++)
        if (*c != '\r') /* of a terminal */
            *to++ = (unsigned char)*c < ' ' && *c != '\n' ? '?' : *c;
    *to = '\0';
    return message;
}

/* What a message of glibc or of libstdc++ means. */
static const char *message_advice(const char *message)
{
    static const char *const heap[] = {
        "double free", "corrupted", "invalid pointer", "invalid size", "free(): invalid",
        "malloc(): ",  "smallbin",  "unsorted",        "realloc(): "};
    if (strstr(message, "terminate called"))
        return "a C++ exception that no catch takes ended the program; catch throw in ouro debug stops where it is thrown";
    if (strstr(message, "stack smashing"))
        return "a function wrote beyond an array on its stack; the trace names the function";
    for (size_t i = 0; i < ARRAY_LENGTH(heap); i++)
        if (strstr(message, heap[i]))
            return "the heap was damaged before this call noticed it: -fsanitize=address, or valgrind, on this computer finds the place";
    return NULL;
}

/* The text between two marks; NULL: none. malloc'ed. */
static char *between(const char *text, const char *before, const char *after)
{
    const char *start = strstr(text, before), *end = NULL;
    if (start)
        end = strstr(start + strlen(before), after);
    return end ? string_format("%.*s", (int)(end - start - (int)strlen(before)),
                               start + strlen(before))
               : NULL;
}

/* Adds "message", and of a C++ exception its type and its text, to the JSON object. */
static void add_message(struct text *json, const char *message)
{
    size_t end = json->length;
    while (end > 0 && json->bytes[end - 1] != '}')
        end--;
    if (!message || end == 0)
        return;
    json->length = end - 1;
    text_string(json, ",\"message\":");
    text_json(json, message);
    char *type = between(message, "an instance of '", "'");
    const char *what = strstr(message, "what():  ");
    if (type) {
        text_string(json, ",\"exception\":");
        text_json(json, type);
    }
    if (type && what) {
        text_string(json, ",\"exception_what\":");
        text_json(json, what + strlen("what():  "));
    }
    text_string(json, "}\n");
    free(type);
}

/* Writes the answer: the text, a NUL, the JSON line. */
NORETURN static void reader_main(const struct report_options *o, const char *report, size_t size)
{
    struct report_notes notes;
    struct text shown = {0}, text = {0}, json = {0};
    char *message = aborted_message(o, report);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_CPU, READER_SECONDS);
    limit(RLIMIT_AS, READER_MEMORY);
    const char *line = last_line(report, size);
    report_notes_make(&o->files, line, (size_t)(report + size - line), &notes);
    if (message && notes.advice && !is_message(message, strlen(message)))
        message[0] = '\0'; /* the runtime's trace */
    notes.said = message;
    if (message && message[0] && !notes.advice)
        notes.advice = message_advice(message);
    (o->brief ? report_render_brief : report_render)(report, size, &notes, o->colour, &shown);
    demangle_text(shown.bytes ? shown.bytes : "", shown.length, &text);
    report_render_json(line, (size_t)(report + size - line), &notes, &json);
    add_message(&json, message);
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
