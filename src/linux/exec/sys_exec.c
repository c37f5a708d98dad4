/* SPDX-License-Identifier: MIT */
#define LOG_TAG "exec"
#include "linux/exec/sys_exec.h"

#include "base/fmt.h"
#include "base/log.h"
#include "base/str.h"
#include "fs/vfs/file_table.h"
#include "fs/vfs/walk.h"
#include "kern/thread.h"
#include "linux/exec/exec.h"
#include "linux/exec/stack.h"
#include "linux/task/process.h"
#include "linux/task/trace.h"
#include "mm/heap/heap.h"
#include "mm/vm/usercopy.h"

#define LIST_BYTES_MAX      UINT64_C(0x600000) /* above the limit of any stack size */
#define LIST_COUNT_FIRST    32
#define LIST_PIECE          65536 /* pointers copied before exec gives way */

#define AT_FDCWD            (-100)
#define AT_SYMLINK_NOFOLLOW 0x100
#define AT_EMPTY_PATH       0x1000

/* A copy of argv or envp: pointers and strings in blocks of the heap. */
struct string_list {
    char **items; /* NULL-terminated */
    size_t count, capacity;
    uint64_t bytes;
};

static void list_free(struct string_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        heap_free(list->items[i]);
        thread_give_way();
    }
    heap_free(list->items);
}

static MUST_CHECK enum err list_append(struct string_list *list, char *item)
{
    if (list->count + 1 >= list->capacity) {
        size_t capacity = list->capacity != 0 ? 2 * list->capacity : LIST_COUNT_FIRST;
        char **items = heap_alloc(capacity * sizeof *items);
        if (items == NULL)
            return E_NOMEM;
        for (size_t at = 0; at < list->count; at += LIST_PIECE) {
            size_t left = list->count - at;
            thread_give_way();
            memcpy(items + at, list->items + at,
                   (left < LIST_PIECE ? left : LIST_PIECE) * sizeof *items);
        }
        heap_free(list->items);
        list->items = items;
        list->capacity = capacity;
    }
    if (item != NULL)
        list->items[list->count++] = item;
    list->items[list->count] = NULL;
    return E_OK;
}

static MUST_CHECK enum err exec_copy_string(virt_t from, char *scratch, char **out, size_t *size)
{
    size_t length;
    enum err e = copy_in_string(scratch, from, STACK_STRING_MAX, &length);
    if (e != E_OK)
        return e == E_NAMETOOLONG ? E_2BIG : e;
    char *copy = heap_alloc(length + 1);
    if (copy == NULL)
        return E_NOMEM;
    memcpy(copy, scratch, length + 1);
    *out = copy;
    *size = length + 1;
    return E_OK;
}

static MUST_CHECK enum err list_copy_in(struct string_list *list, virt_t from, char *scratch)
{
    enum err e = list_append(list, NULL);
    if (from.v == 0) /* as in Linux, NULL is an empty list */
        return e;
    for (uint64_t i = 0; e == E_OK; i++) {
        virt_t pointer;
        char *item = NULL;
        size_t size;
        e = copy_in(&pointer.v, virt(from.v + i * sizeof pointer.v), sizeof pointer.v);
        if (e != E_OK || pointer.v == 0)
            return e;
        e = exec_copy_string(pointer, scratch, &item, &size);
        if (e != E_OK)
            return e;
        list->bytes += size + sizeof pointer;
        e = list->bytes > LIST_BYTES_MAX ? E_2BIG : list_append(list, item);
        if (e != E_OK)
            heap_free(item);
        thread_give_way();
    }
    return e;
}

void stack_give_way(void)
{
    thread_give_way();
}

static enum err exec_start(struct syscall *call, const char *path, const struct string_list *argv,
                           const struct string_list *envp)
{
    struct exec_result result;
    struct exec_refusal why;
    int tid = linux_current()->tid;
    enum err e = exec_program(path, (const char *const *)argv->items,
                              (const char *const *)envp->items, &result, &why);
    if (e == E_OK) {
        exec_set_registers(call->frame, &result);
        call->frame_replaced = true;
        trace_exec(tid);
        return E_OK;
    }
    log_debug("%s", why.sentence);
    if (why.too_late) {
        log_err("%s", why.sentence);
        process_die(SIGNAL_KILL);
    }
    return e;
}

static enum err exec(struct syscall *call, const char *path, virt_t argv_at, virt_t envp_at)
{
    struct linux_thread *self = linux_current();
    const uint64_t limit = self->process->rlimits[RLIMIT_NPROC].soft;
    if (self->over_user_limit && limit != UINT64_MAX && process_is_at_user_limit(limit + 1))
        return E_AGAIN; /* the check that setuid() has put off (setuid(2)) */
    self->over_user_limit = false;
    struct string_list argv = {0}, envp = {0};
    char *scratch = heap_alloc(STACK_STRING_MAX);
    enum err e = scratch != NULL ? E_OK : E_NOMEM;
    if (e == E_OK)
        e = list_copy_in(&argv, argv_at, scratch);
    if (e == E_OK)
        e = list_copy_in(&envp, envp_at, scratch);
    heap_free(scratch);
    if (e == E_OK)
        e = exec_start(call, path, &argv, &envp);
    list_free(&argv);
    list_free(&envp);
    return e;
}

static MUST_CHECK enum err copy_in_path(virt_t from, char **out)
{
    size_t length;
    char *path = heap_alloc(PATH_MAX_SIZE);
    if (path == NULL)
        return E_NOMEM;
    enum err e = copy_in_string(path, from, PATH_MAX_SIZE, &length);
    if (e == E_OK)
        *out = path;
    else
        heap_free(path);
    return e;
}

enum err sys_execve(struct syscall *call)
{
    char *path;
    enum err e = copy_in_path(virt(call->arg[0]), &path);
    if (e != E_OK)
        return e;
    e = path[0] != '\0' ? exec(call, path, virt(call->arg[1]), virt(call->arg[2])) : E_NOENT;
    heap_free(path);
    return e;
}

/* Makes `path` relative to `fd`: /dev/fd/N/path, or /dev/fd/N if `path` is empty, which as in Linux
 * becomes the program's name. `path` has room for PATH_MAX_SIZE bytes. E_BADF, E_NAMETOOLONG. */
static MUST_CHECK enum err prepend_descriptor(char *path, int fd)
{
    char prefix[32];
    size_t length = strlen(path);
    if (file_table_find(file_table_current(), (uint64_t)fd) == NULL)
        return E_BADF;
    size_t before = fmt_snprintf(prefix, sizeof prefix, "/dev/fd/%d%s", fd, length != 0 ? "/" : "");
    if (before + length >= PATH_MAX_SIZE)
        return E_NAMETOOLONG;
    memmove(path + before, path, length + 1);
    memcpy(path, prefix, before);
    return E_OK;
}

static MUST_CHECK enum err refuse_link(const char *path)
{
    struct location at;
    enum err e = walk_lookup(NULL, path, 0, &at);
    if (e != E_OK)
        return e;
    e = mode_is(at.dentry->inode->mode, S_IFLNK) ? E_LOOP : E_OK;
    location_put(&at);
    return e;
}

enum err sys_execveat(struct syscall *call)
{
    int fd = (int)call->arg[0], flags = (int)call->arg[4];
    char *path;
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return E_INVAL;
    enum err e = copy_in_path(virt(call->arg[1]), &path);
    if (e != E_OK)
        return e;
    bool empty = path[0] == '\0';
    if (empty && !(flags & AT_EMPTY_PATH))
        e = E_NOENT;
    if (e == E_OK && path[0] != '/' && fd != AT_FDCWD)
        e = prepend_descriptor(path, fd);
    if (e == E_OK && (flags & AT_SYMLINK_NOFOLLOW) && !empty)
        e = refuse_link(path);
    if (e == E_OK)
        e = exec(call, path, virt(call->arg[2]), virt(call->arg[3]));
    heap_free(path);
    return e;
}
