/* SPDX-License-Identifier: MIT */
#include "linux/call/strace.h"

#include "base/str.h"
#include "kern/log.h"
#include "kern/thread.h"
#include "kern/time.h"
#include "linux/abi/argument.h"
#include "linux/file/args.h"
#include "linux/task/process.h"
#include "mm/heap/heap.h"
#include "mm/vm/usercopy.h"

#define STRING_MAX 32 /* bytes of data shown, as strace's -s */
#define LIST_MAX   32 /* members of a list shown */
#define PATH_SHOWN 512
#define RESULT_AT  40 /* column of the "=" */
#define SA_FLAGS   9

struct strace_line {
    char text[1024];
    struct text_out out;
    struct syscall_row row;
    unsigned next; /* index of the next argument to be shown */
    bool first;    /* no argument was shown yet */
    uint64_t start_ns;
};

bool strace_on;

INIT_CODE void strace_start(void)
{
    strace_on = true;
    syscall_count_all();
}

static void put_prefix(struct text_out *t)
{
    const struct linux_thread *lt = linux_current();
    if (process_next(process_first()) != NULL || process_first()->thread_count > 1)
        text_put(t, "[pid %5d] ", lt->tid);
}

static void put_pointer(struct text_out *t, uint64_t at)
{
    argument_put_plain(t, ARG_PTR, at);
}

static void strace_put_bytes(struct text_out *t, uint64_t at, uint64_t size)
{
    char bytes[STRING_MAX];
    uint64_t shown = size < STRING_MAX ? size : STRING_MAX;
    if (at == 0 || copy_in_waiting(bytes, virt(at), shown) != E_OK)
        put_pointer(t, at);
    else
        text_put_quoted(t, bytes, shown, size > shown);
}

static void strace_put_string(struct text_out *t, uint64_t at, size_t limit)
{
    char *text = heap_alloc(limit + 1);
    size_t length = limit;
    enum err e = text == NULL ? E_NOMEM : copy_in_string(text, virt(at), limit, &length);
    if (e == E_NAMETOOLONG)
        e = copy_in_waiting(text, virt(at), limit);
    if (at == 0 || e != E_OK)
        put_pointer(t, at);
    else
        text_put_quoted(t, text, length, length == limit);
    heap_free(text);
}

static void put_list(struct text_out *t, uint64_t at)
{
    uint64_t item;
    if (at == 0 || copy_in_waiting(&item, virt(at), sizeof item) != E_OK) {
        put_pointer(t, at);
        return;
    }
    text_put(t, "[");
    for (unsigned i = 0; copy_in_waiting(&item, virt(at + 8 * i), 8) == E_OK && item != 0; i++) {
        text_put(t, i != 0 ? ", " : "");
        if (i == LIST_MAX) {
            text_put(t, "...");
            break;
        }
        strace_put_string(t, item, STRING_MAX);
    }
    text_put(t, "]");
}

static void put_environment(struct text_out *t, uint64_t at)
{
    uint64_t item;
    unsigned n = 0;
    put_pointer(t, at);
    while (at != 0 && copy_in_waiting(&item, virt(at + 8 * n), 8) == E_OK && item != 0)
        n++;
    text_put(t, " /* %u var%s */", n, n == 1 ? "" : "s");
}

static void put_set_bits(struct text_out *t, uint64_t set)
{
    int members = 0;
    for (int s = 1; s <= SIGNAL_COUNT; s++)
        members += (set & signal_bit(s)) != 0;
    bool most = members > SIGNAL_COUNT / 2, first = true;
    text_put(t, most ? "~[" : "[");
    for (int s = 1; s <= SIGNAL_COUNT; s++) {
        if (!(set & signal_bit(s)) != most)
            continue;
        text_put(t, first ? "" : " ");
        syscall_put_signal(t, s, true);
        first = false;
    }
    text_put(t, "]");
}

static void put_action(struct text_out *t, const struct signal_action *a)
{
    static const struct {
        uint64_t bit;
        const char *name;
    } flags[SA_FLAGS] = {
        {SA_RESTORER, "RESTORER"},
        {SA_ONSTACK, "ONSTACK"},
        {SA_RESTART, "RESTART"},
        {SA_NODEFER, "NODEFER"},
        {SA_RESETHAND, "RESETHAND"},
        {SA_SIGINFO, "SIGINFO"},
        {1, "NOCLDSTOP"},
        {2, "NOCLDWAIT"},
        {0x800, "EXPOSE_TAGBITS"},
    };
    text_put(t, "{sa_handler=");
    if (a->handler <= SIG_IGN)
        text_put(t, a->handler == SIG_DFL ? "SIG_DFL" : "SIG_IGN");
    else
        put_pointer(t, a->handler);
    text_put(t, ", sa_mask=");
    put_set_bits(t, a->mask);
    text_put(t, ", sa_flags=");
    bool first = true;
    for (unsigned i = 0; i < SA_FLAGS; i++) {
        if (!(a->flags & flags[i].bit))
            continue;
        text_put(t, "%sSA_%s", first ? "" : "|", flags[i].name);
        first = false;
    }
    text_put(t, first ? "0" : "");
    if (a->flags & SA_RESTORER)
        text_put(t, ", sa_restorer=0x%llx", (unsigned long long)a->restorer);
    text_put(t, "}");
}

static void put_status(struct text_out *t, int status)
{
    if ((status & 0x7f) == 0) {
        text_put(t, "[{WIFEXITED(s) && WEXITSTATUS(s) == %d}]", status >> 8 & 0xff);
        return;
    }
    text_put(t, "[{WIFSIGNALED(s) && WTERMSIG(s) == ");
    syscall_put_signal(t, status & 0x7f, false);
    text_put(t, "}]");
}

struct stat_head { /* of struct stat, asm/stat.h */
    uint64_t device, inode, links;
    uint32_t mode, uid, gid, padding;
    uint64_t rdev;
    int64_t size;
};

static void strace_put_stat(struct text_out *t, const struct stat_head *s)
{
    static const char *const types[16] = {
        [1] = "IFIFO", [2] = "IFCHR",  [4] = "IFDIR",  [6] = "IFBLK",
        [8] = "IFREG", [10] = "IFLNK", [12] = "IFSOCK"};
    const char *type = types[s->mode >> 12 & 15];
    text_put(t, "{st_mode=%s%s|0%o, ", type != NULL ? "S_" : "", type != NULL ? type : "0",
             s->mode & 07777);
    if ((s->mode >> 12 & 15) == 2 || (s->mode >> 12 & 15) == 6)
        text_put(t, "st_rdev=makedev(0x%x, 0x%x), ...}", (unsigned)(s->rdev >> 8 & 0xfff),
                 (unsigned)(s->rdev & 0xff));
    else
        text_put(t, "st_size=%lld, ...}", (long long)s->size);
}

struct io_part {
    uint64_t base, length;
};

/* Shows an iovec; its buffers hold `limit` bytes. */
static void put_iov(struct text_out *t, uint64_t at, uint64_t count, uint64_t limit)
{
    struct io_part part;
    text_put(t, "[");
    for (uint64_t i = 0; i < count && i < LIST_MAX; i++) {
        if (copy_in_waiting(&part, virt(at + i * sizeof part), sizeof part) != E_OK)
            break;
        text_put(t, i != 0 ? ", {iov_base=" : "{iov_base=");
        uint64_t size = part.length < limit ? part.length : limit;
        strace_put_bytes(t, part.base, size);
        limit -= size;
        text_put(t, ", iov_len=%llu}", (unsigned long long)part.length);
    }
    text_put(t, "]");
}

/* Shows a target that is a structure: reads it whole. */
static bool put_structure(struct text_out *t, enum argument_target target, uint64_t at)
{
    union {
        uint64_t set;
        int64_t time[2];
        int32_t word[2];
        struct signal_action action;
        struct stat_head stat;
    } u;
    static const uint8_t sizes[] = {
        [TARGET_TIME] = sizeof u.time,      [TARGET_SIGSET] = sizeof u.set,
        [TARGET_ACTION] = sizeof u.action,  [TARGET_STAT] = sizeof u.stat,
        [TARGET_STATUS] = sizeof u.word[0], [TARGET_FDS] = sizeof u.word,
    };
    if (at == 0 || copy_in_waiting(&u, virt(at), sizes[target]) != E_OK)
        return false;
    switch (target) {
    case TARGET_TIME:
        text_put(t, "{tv_sec=%lld, tv_nsec=%lld}", (long long)u.time[0], (long long)u.time[1]);
        break;
    case TARGET_SIGSET:
        put_set_bits(t, u.set);
        break;
    case TARGET_ACTION:
        put_action(t, &u.action);
        break;
    case TARGET_STATUS:
        put_status(t, u.word[0]);
        break;
    case TARGET_FDS:
        text_put(t, "[%d, %d]", u.word[0], u.word[1]);
        break;
    default:
        strace_put_stat(t, &u.stat);
    }
    return true;
}

static void put_argument(struct text_out *t, enum argument_kind kind, const uint64_t *arg,
                         uint64_t result)
{
    uint64_t value = arg[0];
    const struct argument_form *form = &argument_forms[kind];
    switch ((enum argument_target)form->target) {
    case TARGET_STRING:
        strace_put_string(t, value, PATH_SHOWN);
        return;
    case TARGET_BYTES:
        strace_put_bytes(t, value, form->out ? result : arg[1]);
        return;
    case TARGET_IOVEC:
        put_iov(t, value, arg[1], form->out ? result : UINT64_MAX);
        return;
    case TARGET_LIST:
        put_list(t, value);
        return;
    case TARGET_ENVIRONMENT:
        put_environment(t, value);
        return;
    case TARGET_NONE:
        break;
    default:
        if (put_structure(t, form->target, value))
            return;
    }
    syscall_put_number(t, kind, value);
}

/* All arguments before the first that the call fills in or, once it has returned, the rest. */
static void put_arguments(struct strace_line *line, const struct syscall *call, bool answered,
                          bool failed)
{
    const struct syscall_row *row = &line->row;
    for (unsigned arity = syscall_arity(row); line->next < arity; line->next++) {
        unsigned i = line->next;
        enum argument_kind kind = syscall_argument_kind(row, i, call->arg);
        bool out = argument_forms[kind].out;
        if (out && !answered)
            return;
        if (kind == ARG_NONE)
            continue;
        text_put(&line->out, line->first ? "" : ", ");
        line->first = false;
        put_argument(&line->out, out && failed ? ARG_PTR : kind, &call->arg[i], call->result);
    }
}

static void strace_finish(struct strace_line *line)
{
    if (line->out.left <= 1)
        memcpy(line->text + sizeof line->text - 12, "(truncated)", 12);
    report_line(line->text);
    heap_free(line);
}

static void put_equals(struct strace_line *line)
{
    int column = (int)(line->out.at - line->text);
    text_put(&line->out, "%*s= ", column < RESULT_AT ? RESULT_AT - column : 1, "");
}

struct strace_line *strace_begin(uint32_t number, const struct syscall *call)
{
    struct strace_line *line = heap_alloc(sizeof *line);
    if (line == NULL)
        return NULL;
    line->row = syscall_row(number);
    line->out = (struct text_out){line->text, sizeof line->text};
    line->next = 0;
    line->first = true;
    line->text[0] = '\0';
    put_prefix(&line->out);
    if (line->row.name == NULL)
        text_put(&line->out, "syscall_%u(", number);
    else
        text_put(&line->out, "%s(", line->row.name);
    put_arguments(line, call, false, false);
    line->start_ns = time_now_ns();
    if (line->row.result == RET_NEVER) {
        text_put(&line->out, ")");
        put_equals(line);
        text_put(&line->out, "?");
        strace_finish(line);
        return NULL;
    }
    return line;
}

void strace_end(struct strace_line *line, const struct syscall *call, enum err e)
{
    uint64_t us = (time_now_ns() - line->start_ns) / 1000;
    put_arguments(line, call, true, e != E_OK);
    text_put(&line->out, ")");
    put_equals(line);
    syscall_put_result(&line->out, &line->row,
                       line->row.result == RET_FRAME && e == E_OK ? (int64_t)call->frame->rax
                       : e == E_OK                                ? (int64_t)call->result
                                                                  : -(int64_t)e);
    text_put(&line->out, " <%llu.%06llu>", (unsigned long long)(us / 1000000),
             (unsigned long long)(us % 1000000));
    strace_finish(line);
}

static struct strace_line *plain_line(void)
{
    struct strace_line *line = heap_alloc(sizeof *line);
    if (line == NULL)
        return NULL;
    line->out = (struct text_out){line->text, sizeof line->text};
    put_prefix(&line->out);
    return line;
}

INIT_CODE void strace_first(const char *path, const char *const *argv, const char *const *envp)
{
    struct strace_line *line = plain_line();
    unsigned n = 0;
    if (line == NULL)
        return;
    struct text_out *t = &line->out;
    text_put(t, "execve(");
    text_put_quoted(t, path, strlen(path), false);
    text_put(t, ", [");
    for (; argv[n] != NULL; n++) {
        text_put(t, n != 0 ? ", " : "");
        text_put_quoted(t, argv[n], strlen(argv[n]), false);
    }
    for (n = 0; envp[n] != NULL;)
        n++;
    text_put(t, "], 0x0 /* %u var%s */) = 0", n, n == 1 ? "" : "s");
    strace_finish(line);
}

void strace_signal(const struct siginfo *info)
{
    struct strace_line *line = plain_line();
    if (line == NULL)
        return;
    struct text_out *t = &line->out;
    text_put(t, "--- ");
    syscall_put_signal(t, info->signal, false);
    text_put(t, " {si_signo=");
    syscall_put_signal(t, info->signal, false);
    text_put(t, ", si_code=%d", info->code);
    if (info->code > 0 && info->code < SI_KERNEL &&
        (signal_bit(info->signal) & SIGNAL_SET_SYNCHRONOUS))
        text_put(t, ", si_addr=0x%llx", (unsigned long long)info->fault.address);
    else if (info->code != SI_KERNEL)
        text_put(t, ", si_pid=%d, si_uid=%u", info->user.pid, info->user.uid);
    text_put(t, "} ---");
    strace_finish(line);
}

void strace_exit(int status)
{
    struct strace_line *line = plain_line();
    if (line == NULL)
        return;
    if ((status & 0x7f) == 0) {
        text_put(&line->out, "+++ exited with %d +++", status >> 8 & 0xff);
    } else {
        text_put(&line->out, "+++ killed by ");
        syscall_put_signal(&line->out, status & 0x7f, false);
        text_put(&line->out, " +++");
    }
    strace_finish(line);
}
