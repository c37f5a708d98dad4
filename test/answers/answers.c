/* SPDX-License-Identifier: MIT */
/*
 * answers [FAMILY...]: prints the answers of the families of calls.txt (none: all).
 * Without a family it fails if an implemented call has fewer than AT_LEAST answers.
 */
#define _GNU_SOURCE
#include "answers.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define AT_LEAST 6      /* answers for each implemented call */
#define PATIENCE 100000 /* microseconds after which SIGALRM interrupts a call that waits */
#define WORD_MAX 256
#define VALUES   96

static const struct row {
    const char *name, *function, *kinds;
    long number;
} rows[] = {
#define ARGS(...)                                      #__VA_ARGS__
#define ROW(number, name, function, args, result, ...) {name, #function, args, number},
#include "linux/call/rows.inc"
#undef ROW
};
enum {
    ROWS = sizeof rows / sizeof *rows
};
static unsigned asked[ROWS];

extern const char calls_text[], calls_end[];
__asm__(".section .rodata\ncalls_text:\n.incbin \"calls.txt\"\n.byte 0\ncalls_end:\n.previous");

/* One answer. The child shares these with its parent. */
struct question {
    const struct row *row;
    struct argument args[ARGUMENTS];
    unsigned count;
    bool user, zombie, pending, volatile_result, address, process_result, no_alarm, dirty;
};
static struct question q;
static char line[4096];
static size_t line_used;
static volatile bool done;
static uint8_t before[ARGUMENTS][SLOT_BYTES];
static struct state state_before, state_after;
static char map_before[1024], map_after[1024];
static size_t answered; /* bytes of the line before the side effects */
static char stack[65536] __attribute__((aligned(16)));

void put(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int length = vsnprintf(line + line_used, sizeof line - line_used, format, list);
    va_end(list);
    line_used += (size_t)length;
    if (line_used >= sizeof line)
        line_used = sizeof line - 1;
}

void give_up(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    char text[512];
    int length = vsnprintf(text, sizeof text - 1, format, list);
    va_end(list);
    text[length] = '\n';
    RAW(SYS_write, 1, "answers: ", 9);
    RAW(SYS_write, 1, text, length + 1);
    RAW(SYS_exit_group, 1);
    __builtin_unreachable();
}

long raw(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
    register uint64_t r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static bool makes_process(long number)
{
    return number == SYS_fork || number == SYS_vfork || number == SYS_clone || number == SYS_clone3;
}

/* The call in question. A process or thread that it makes ends at once, on whatever stack. */
static long ask(long number, const struct argument *w)
{
    register uint64_t r10 __asm__("r10") = w[3].word, r8 __asm__("r8") = w[4].word,
                          r9 __asm__("r9") = w[5].word;
    register long makes __asm__("r12") = makes_process(number);
    long result;
    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "test %%r12, %%r12\n\t"
                     "jz 1f\n\t"
                     "xor %%edi, %%edi\n\t"
                     "mov $60, %%eax\n\t"
                     "syscall\n"
                     "1:"
                     : "=a"(result)
                     : "a"(number), "D"(w[0].word), "S"(w[1].word), "d"(w[2].word), "r"(r10),
                       "r"(r8), "r"(r9), "r"(makes)
                     : "rcx", "r11", "memory");
    return result;
}

const char *errno_name(long error)
{
    static char number[24];
    const char *name = error > 0 && error < 134 ? strerrorname_np((int)error) : NULL;
    if (name)
        return name;
    snprintf(number, sizeof number, "E%ld", error);
    return number;
}

static void put_result(long result)
{
    if (result < 0 && result > -4096)
        put("%s", errno_name(-result));
    else if (q.volatile_result)
        put("ok");
    else if (q.process_result && result == RAW(SYS_getpid))
        put("pid");
    else if (q.process_result && result == RAW(SYS_getppid))
        put("ppid");
    else if (q.process_result && result > 0)
        put("child");
    else if ((uint64_t)result >= ARENA && (uint64_t)result < ARENA_END)
        put("arena+%lx", (uint64_t)result - ARENA);
    else if ((uint64_t)result >= 1ul << 31 || (q.address && (uint64_t)result >= PAGE))
        put("address");
    else
        put("%ld", result);
}

static bool random_bytes(void)
{
    for (unsigned i = 0; i < q.count; i++)
        if (strcmp(q.args[i].text, "rnd") == 0)
            return true;
    return false;
}

static bool put_memory(void)
{
    bool any = false;
    for (unsigned i = 0; i < q.count; i++) {
        const uint8_t *now = (const uint8_t *)(ARENA + i * SLOT);
        size_t from = 0, to = SLOT_BYTES;
        if (memcmp(now, before[i], SLOT_BYTES) == 0)
            continue;
        while (now[from] == before[i][from])
            from++;
        while (now[to - 1] == before[i][to - 1])
            to--;
        any = true;
        if (q.args[i].hidden || random_bytes()) {
            put(" a%u written", i);
            continue;
        }
        put(" a%u", i);
        if (from)
            put("+%zu", from);
        put("[%zu]=", to - from);
        if (to - from <= 16) {
            for (; from < to; from++)
                put("%02x", now[from]);
            continue;
        }
        uint32_t sum = 2166136261u;
        for (; from < to; from++)
            sum = (sum ^ now[from]) * 16777619u;
        put("#%08x", sum);
    }
    return any;
}

static void patience(bool on)
{
    struct itimerval timer = {{0, on ? PATIENCE : 0}, {0, on ? PATIENCE : 0}};
    RAW(SYS_setitimer, ITIMER_REAL, &timer, 0);
}

static void become_user(void)
{
    RAW(SYS_setgroups, 0, 0);
    RAW(SYS_setresgid, USER, USER, USER);
    RAW(SYS_setresuid, USER, USER, USER);
}

/* vfork() returns and a thread goes on before a child that ends is a zombie and its signal is sent. */
static void wait_for_zombies(void)
{
    while (RAW(SYS_waitid, P_ALL, 0, 0, WEXITED | WNOWAIT | __WALL, 0) == -EINTR)
        ;
}

static void make_zombie(void)
{
    struct argument none[ARGUMENTS] = {0};
    ask(SYS_vfork, none);
    wait_for_zombies();
}

static bool has_kind(const char *kind)
{
    return strstr(q.row->kinds, kind) != NULL;
}

static int child(void *unused)
{
    (void)unused;
    uint64_t own_mask = 1ul << (SIGPIPE - 1) | 1ul << (SIGXFSZ - 1);
    RAW(SYS_rt_sigprocmask, SIG_SETMASK, &own_mask, 0, 8);
    RAW(SYS_chdir, TREE);
    for (unsigned i = 0; i < q.count; i++) {
        memset((void *)(ARENA + i * SLOT), FILL, SLOT_BYTES);
        q.args[i].word = value_of(q.args[i].text, i);
    }
    if (q.zombie)
        make_zombie();
    if (q.pending) {
        uint64_t mask = 1ul << (SIGUSR1 - 1);
        RAW(SYS_rt_sigprocmask, SIG_BLOCK, &mask, 0, 8);
        long thread = RAW(SYS_gettid);
        RAW(SYS_tkill, thread, SIGUSR1);
    }
    if (q.user)
        become_user();
    state_take(&state_before);
    for (unsigned i = 0; i < q.count; i++)
        memcpy(before[i], (void *)(ARENA + i * SLOT), SLOT_BYTES);
    uint64_t fs = 0;
    RAW(SYS_arch_prctl, 0x1003, &fs);
    if (!q.no_alarm)
        patience(true);
    long result = ask(q.row->number, q.args);
    if (!q.no_alarm)
        patience(false);
    RAW(SYS_arch_prctl, 0x1002, fs);
    if (makes_process(q.row->number) && result > 0)
        wait_for_zombies();
    put_result(result);
    state_take(&state_after);
    answered = line_used;
    put(";");
    bool more = put_memory();
    more = state_differences(&state_before, &state_after) || more;
    if (!more)
        line_used = answered;
    if (result > (long)ARENA_END ||
        (result >= LOW_END && result < (long)ARENA && q.row->number == SYS_mmap))
        RAW(SYS_munmap, result, q.args[1].word);
    done = true;
    RAW(SYS_exit_group, 0);
    return 0;
}

static void on_signal(int number)
{
    (void)number;
}

/* What the call has changed in memory maps and files, which the parent shares. */
static void put_shared(void)
{
    bool first = !done || line_used == answered;
    size_t start = line_used;
    if (first)
        put(";");
    size_t bare = line_used;
    map_text(map_after, sizeof map_after);
    if (strcmp(map_before, map_after) != 0)
        put(" map%s", map_after);
    if (has_kind("STR") || has_kind("FD"))
        q.dirty = tree_differences(!random_bytes());
    q.dirty = q.dirty || strstr(q.row->name, "setxattr"); /* the differences show no attributes */
    if (line_used == bare)
        line_used = start;
}

static void answer(void)
{
    const char *separator = "";
    line_used = 0;
    put("%s%s%s(", q.user ? "user: " : "",
        q.zombie    ? "child: "
        : q.pending ? "pending: "
                    : "",
        q.row->name);
    for (unsigned i = 0; i < q.count; i++) {
        put("%s%s", separator, q.args[i].text + (q.args[i].text[0] == '*'));
        separator = ", ";
    }
    put(") = ");
    done = false;
    q.dirty = false;
    int status = 0;
    long pid = clone(child, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
    if (pid < 0)
        give_up("clone: %s", errno_name(errno));
    while (RAW(SYS_wait4, pid, &status, 0, 0) == -EINTR)
        ;
    RAW(SYS_prctl, PR_SET_DUMPABLE, 1); /* it belongs to the memory, and changes of ids clear it */
    if (!done && WIFSIGNALED(status))
        put("killed by %d", WTERMSIG(status));
    else if (!done)
        put("exit %d", WEXITSTATUS(status));
    put_shared();
    put("\n");
    RAW(SYS_write, 1, line, line_used);
    asked[q.row - rows]++;
    RAW(SYS_munmap, 0, LOW_END);
    arena_make();
    if (has_kind("STR"))
        outside_restore();
    if (q.dirty || !done) {
        tree_make();
        arena_make();
    }
}

/* ---- calls.txt ---- */

struct class
{
    char name[32];
    const char *list;
};
static struct class classes[96];
static unsigned class_count;

/* The next word of a line, up to a blank, into `word`; NULL: none. A word in quotes may hold blanks: none does. */
static const char *next_word(const char *at, char *word)
{
    while (*at == ' ')
        at++;
    size_t length = strcspn(at, " \n");
    if (length == 0 || *at == '#')
        return NULL;
    if (length >= WORD_MAX * 4)
        give_up("calls.txt: a word is too long");
    memcpy(word, at, length);
    word[length] = 0;
    return at + length;
}

static const char *class_list(const char *name, size_t length)
{
    for (unsigned i = 0; i < class_count; i++)
        if (strlen(classes[i].name) == length && memcmp(classes[i].name, name, length) == 0)
            return classes[i].list;
    return NULL;
}

/* Values of one argument, the good one first. */
struct values {
    char *text[VALUES];
    unsigned count;
    bool hidden;
};
static char pool[1 << 16];
static size_t pool_used;

static char *keep(const char *text, size_t length)
{
    if (pool_used + length + 1 > sizeof pool)
        give_up("calls.txt: a line is too long");
    char *at = pool + pool_used;
    memcpy(at, text, length);
    at[length] = 0;
    pool_used += length + 1;
    return at;
}

static void add_value(struct values *v, const char *text, size_t length)
{
    for (unsigned i = 0; i < v->count; i++)
        if (strlen(v->text[i]) == length && memcmp(v->text[i], text, length) == 0)
            return;
    if (v->count == VALUES)
        give_up("calls.txt: too many values");
    v->text[v->count++] = keep(text, length);
}

static void add_list(struct values *v, const char *list, char separator)
{
    const char end[] = {separator, '\n', '#', 0};
    while (*list && *list != '\n') {
        size_t length = strcspn(list, end);
        if (length)
            add_value(v, list, length);
        list += length + (list[length] == separator);
        if (*list == '#')
            break;
    }
}

/* [*][CLASS or VALUE][=FIRST][++VALUE,VALUE]: `.` is the class of the row's kind. */
static void parse_argument(struct values *v, const char *text, const char *kind, size_t kind_length)
{
    memset(v, 0, sizeof *v);
    v->hidden = *text == '*';
    text += v->hidden;
    const char *plus = strstr(text, "++"), *head_end = plus ? plus : text + strlen(text);
    const char *equal = memchr(text, '=', (size_t)(head_end - text)),
               *class_end = equal ? equal : head_end;
    if (equal)
        add_value(v, equal + 1, (size_t)(head_end - equal - 1));
    bool by_kind = class_end == text + 1 && *text == '.';
    const char *list =
        by_kind ? class_list(kind, kind_length) : class_list(text, (size_t)(class_end - text));
    if (by_kind && list == NULL)
        give_up("calls.txt: no class %.*s", (int)kind_length, kind);
    if (list)
        add_list(v, list, ' ');
    else if (class_end > text)
        add_value(v, text, (size_t)(class_end - text));
    if (plus)
        add_list(v, plus + 2, ',');
}

static void vary(const struct row *row, struct values *v, unsigned count)
{
    q.row = row;
    q.count = count;
    for (unsigned i = 0; i < count; i++)
        q.args[i] = (struct argument){v[i].text[0], 0, v[i].hidden || v[i].text[0][0] == '*'};
    answer();
    for (unsigned i = 0; i < count; i++) {
        for (unsigned k = 1; k < v[i].count; k++) {
            q.args[i].text = v[i].text[k];
            answer();
        }
        q.args[i].text = v[i].text[0];
    }
}

static const struct row *row_of(const char *name)
{
    for (unsigned i = 0; i < ROWS; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    give_up("calls.txt: no call %s", name);
}

static unsigned kinds_of(const struct row *row, const char *kind[ARGUMENTS],
                         size_t length[ARGUMENTS])
{
    unsigned count = 0;
    for (const char *at = row->kinds; *at && count < ARGUMENTS; count++) {
        kind[count] = at;
        length[count] = strcspn(at, ", ");
        at += length[count];
        at += strspn(at, ", ");
    }
    return count;
}

/* NAME[/OPTIONS] ARGUMENT...: each argument in turn over its values. */
static void ask_row(const char *at)
{
    char word[WORD_MAX * 4];
    at = next_word(at, word);
    memset(&q, 0, sizeof q);
    pool_used = 0;
    bool explicit_row = word[0] == '>', both = false;
    char *options = strchr(word, '/');
    if (options)
        *options++ = 0;
    for (; options && *options; options++) {
        q.user = q.user || *options == 'u';
        q.zombie = q.zombie || *options == 'z';
        q.pending = q.pending || *options == 's';
        q.volatile_result = q.volatile_result || *options == 'v';
        q.address = q.address || *options == 'a';
        q.process_result = q.process_result || *options == 'p';
        q.no_alarm = q.no_alarm || *options == 't';
        both = both || *options == 'b';
    }
    const struct row *row = row_of(word + explicit_row);
    const char *kind[ARGUMENTS];
    size_t length[ARGUMENTS];
    static struct values v[ARGUMENTS];
    unsigned count = kinds_of(row, kind, length), given = 0;
    while (given < ARGUMENTS && (at = next_word(at, word)) != NULL) {
        if (explicit_row)
            v[given] = (struct values){{keep(word, strlen(word))}, 1, word[0] == '*'};
        else
            parse_argument(&v[given], word, given < count ? kind[given] : "",
                           given < count ? length[given] : 0);
        given++;
    }
    if (!explicit_row)
        for (; given < count; given++)
            parse_argument(&v[given], ".", kind[given], length[given]);
    vary(row, v, given);
    if (both) {
        q.user = true;
        vary(row, v, given);
    }
}

static void each_line(void (*row)(const char *), int count, char **families)
{
    bool chosen = count == 0;
    for (const char *at = calls_text; *at;
         at += strcspn(at, "\n") + (at[strcspn(at, "\n")] == '\n')) {
        if (*at == '%') {
            struct class *c = &classes[class_count++];
            size_t length = strcspn(at + 1, " ");
            memcpy(c->name, at + 1, length);
            c->name[length] = 0;
            c->list = at + 1 + length;
        } else if (*at == '[') {
            size_t length = strcspn(at + 1, "]");
            chosen = count == 0;
            for (int i = 0; i < count; i++)
                chosen = chosen || (strlen(families[i]) == length &&
                                    memcmp(families[i], at + 1, length) == 0);
            if (chosen) {
                RAW(SYS_write, 1, at, length + 2);
                RAW(SYS_write, 1, "\n", 1);
            }
        } else if (*at != '#' && *at != '\n' && chosen) {
            row(at);
        }
    }
}

int main(int argc, char **argv)
{
    if (getpid() == 1 && argc > 0 && strcmp(argv[0], "/init") == 0)
        machine(argv);
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGALRM, &action, NULL);
    uint64_t mask = ~0ul; /* calls send signals to the parent, too */
    RAW(SYS_rt_sigprocmask, SIG_BLOCK, &mask, 0, 8);
    struct rlimit limit = {1024, 4096}, stack_limit = {8 << 20, RLIM_INFINITY},
                  core = {0, RLIM_INFINITY};
    setrlimit(RLIMIT_NOFILE, &limit);
    setrlimit(RLIMIT_STACK, &stack_limit);
    setrlimit(RLIMIT_CORE, &core);
    prctl(PR_SET_NAME, "init"); /* on both systems */
    for (int fd = 3; fd < 64; fd++)
        close(fd);
    arena_make();
    tree_make();
    arena_make();
    map_text(map_before, sizeof map_before);
    each_line(ask_row, argc - 1, argv + 1);
    int missing = 0;
    for (unsigned i = 0; i < ROWS && argc == 1; i++)
        if (strcmp(rows[i].function, "NULL") != 0 && asked[i] < AT_LEAST) {
            printf("%s: %u answers only\n", rows[i].name, asked[i]);
            missing = 1;
        }
    return missing;
}
