/* SPDX-License-Identifier: MIT */
/* tree.c: the files that calls work on: made anew after each answer that changed them. */
#define _GNU_SOURCE
#include "answers.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define ENTRIES  40
#define LONG_AGO 1500000000 /* times before are a call's, later ones of the clock */

struct entry {
    char name[64], text[192];
};
static struct entry made[ENTRIES], now[ENTRIES];
static unsigned made_count;

static uint32_t sum_of(int folder, const char *name)
{
    char bytes[512];
    uint32_t sum = 2166136261u;
    int fd = (int)RAW(SYS_openat, folder, name, O_RDONLY | O_NOFOLLOW | O_NOATIME);
    long got;
    long rest = 65536;
    while ((got = RAW(SYS_read, fd, bytes, sizeof bytes)) > 0 && rest > 0) {
        for (long i = 0; i < got; i++)
            sum = (sum ^ (uint8_t)bytes[i]) * 16777619u;
        rest -= got;
    }
    RAW(SYS_close, fd);
    return sum;
}

static void describe(int folder, struct entry *e)
{
    struct stat s;
    char *at = e->text, *end = e->text + sizeof e->text;
    if (RAW(SYS_newfstatat, folder, e->name, &s, AT_SYMLINK_NOFOLLOW) < 0) {
        snprintf(e->text, sizeof e->text, "cannot be looked at");
        return;
    }
    at += snprintf(at, (size_t)(end - at), "%o", s.st_mode);
    if (s.st_nlink != 1)
        at += snprintf(at, (size_t)(end - at), " links=%ld", (long)s.st_nlink);
    if (s.st_uid || s.st_gid)
        at += snprintf(at, (size_t)(end - at), " owner=%u:%u", s.st_uid, s.st_gid);
    if (s.st_atime < LONG_AGO || s.st_atime > 2 * (long)LONG_AGO)
        at +=
            snprintf(at, (size_t)(end - at), " atime=%ld.%ld", s.st_atim.tv_sec, s.st_atim.tv_nsec);
    if (s.st_mtime < LONG_AGO || s.st_mtime > 2 * (long)LONG_AGO)
        at +=
            snprintf(at, (size_t)(end - at), " mtime=%ld.%ld", s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
    if (s.st_rdev)
        at += snprintf(at, (size_t)(end - at), " device=%lx", (long)s.st_rdev);
    if (S_ISREG(s.st_mode)) {
        at += snprintf(at, (size_t)(end - at), " size=%ld blocks=%ld", (long)s.st_size,
                       (long)s.st_blocks);
        at += snprintf(at, (size_t)(end - at), " sum=%08x", sum_of(folder, e->name));
    }
    char target[64];
    long length =
        S_ISLNK(s.st_mode) ? RAW(SYS_readlinkat, folder, e->name, target, sizeof target) : 0;
    if (length > 0)
        snprintf(at, (size_t)(end - at), " to=%.*s", (int)length, target);
}

/* Without memory of its own, as brk() is among the calls. */
static void sort_by_name(struct entry *entries, unsigned count)
{
    for (unsigned i = 1; i < count; i++) {
        struct entry e = entries[i];
        unsigned k = i;
        for (; k > 0 && strcmp(entries[k - 1].name, e.name) > 0; k--)
            entries[k] = entries[k - 1];
        entries[k] = e;
    }
}

static unsigned look(struct entry *out)
{
    static char bytes[16384] __attribute__((aligned(8)));
    unsigned count = 0;
    static const char *const folders[] = {TREE, TREE "/dir"};
    strcpy(out[count].name, TREE);
    describe(AT_FDCWD, &out[count++]);
    for (unsigned f = 0; f < 2; f++) {
        int folder = (int)RAW(SYS_open, folders[f], O_RDONLY | O_DIRECTORY);
        long got;
        while ((got = RAW(SYS_getdents64, folder, bytes, sizeof bytes)) > 0)
            for (long at = 0; at < got;) {
                struct dirent64 *entry = (void *)(bytes + at);
                at += entry->d_reclen;
                bool dots = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
                if (dots || count == ENTRIES)
                    continue;
                snprintf(out[count].name, sizeof out[count].name, "%.63s", entry->d_name);
                describe(folder, &out[count++]);
            }
        RAW(SYS_close, folder);
    }
    sort_by_name(out, count);
    return count;
}

void tree_look(void)
{
    made_count = look(made);
}

/* A file's sum ends its text. */
static int text_length(const struct entry *e, bool with_sum)
{
    const char *sum = strstr(e->text, " sum=");
    return (int)(sum && !with_sum ? (size_t)(sum - e->text) : strlen(e->text));
}

bool tree_differences(bool with_sums)
{
    unsigned count = look(now), a = 0, b = 0;
    bool any = false;
    while (a < made_count || b < count) {
        int order = a == made_count ? 1 : b == count ? -1 : strcmp(made[a].name, now[b].name);
        if (order < 0) {
            put(" -%s", made[a++].name);
        } else if (order > 0) {
            put(" +%.24s(%.*s)", now[b].name, text_length(&now[b], with_sums), now[b].text);
            b++;
        } else {
            bool same = strcmp(made[a++].text, now[b].text) == 0;
            if (!same)
                put(" ~%s(%.*s)", now[b].name, text_length(&now[b], with_sums), now[b].text);
            b++;
            if (same)
                continue;
        }
        any = true;
    }
    return any;
}

static void file_make(const char *path, unsigned mode, const char *text)
{
    int fd = (int)RAW(SYS_open, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    RAW(SYS_write, fd, text, strlen(text));
    RAW(SYS_fchmod, fd, mode);
    RAW(SYS_close, fd);
}

static void remove_all(const char *folder)
{
    static char bytes[4096] __attribute__((aligned(8)));
    for (;;) {
        int fd = (int)RAW(SYS_open, folder, O_RDONLY | O_DIRECTORY);
        long got = RAW(SYS_getdents64, fd, bytes, sizeof bytes);
        bool any = false;
        for (long at = 0; at < got;) {
            struct dirent64 *entry = (void *)(bytes + at);
            at += entry->d_reclen;
            if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                continue;
            any = true;
            if (RAW(SYS_unlinkat, fd, entry->d_name, 0) == 0 ||
                RAW(SYS_unlinkat, fd, entry->d_name, AT_REMOVEDIR) == 0)
                continue;
            char inner[512];
            snprintf(inner, sizeof inner, "%.200s/%.255s", folder, entry->d_name);
            remove_all(inner);
            RAW(SYS_rmdir, inner);
            break; /* bytes hold the inner folder's names */
        }
        RAW(SYS_close, fd);
        if (!any)
            return;
    }
}

void outside_restore(void)
{
    static const struct {
        const char *path;
        unsigned mode;
    } outside[] = {{"/", 0755}, {"/tmp", 01777}, {"/dev/null", 0666}};
    for (unsigned i = 0; i < sizeof outside / sizeof *outside; i++) {
        RAW(SYS_chown, outside[i].path, 0, 0);
        RAW(SYS_chmod, outside[i].path, outside[i].mode);
    }
}

void tree_make(void)
{
    RAW(SYS_umask, 022);
    RAW(SYS_chdir, "/tmp");
    remove_all(TREE);
    RAW(SYS_rmdir, TREE);
    RAW(SYS_mkdir, TREE, 0777);
    RAW(SYS_chmod, TREE, 0755);
    RAW(SYS_chdir, TREE);
    file_make("file", 0644, "0123456789abcdef");
    file_make("users", 0644, "of the user");
    RAW(SYS_chown, "users", USER, USER);
    file_make("priv", 0600, "of root alone");
    file_make("suid", 06755, "set-uid");
    file_make("script", 0755, "#!/nowhere\n");
    RAW(SYS_mkdir, "dir", 0755);
    file_make("dir/in", 0644, "inside");
    RAW(SYS_mkdir, "empty", 0755);
    RAW(SYS_mkdir, "sticky", 0777);
    RAW(SYS_chmod, "sticky", 01777);
    file_make("sticky/of-root", 0666, "x");
    RAW(SYS_mkdir, "closed", 0700);
    file_make("closed/in", 0644, "x");
    RAW(SYS_symlink, "file", "link");
    RAW(SYS_symlink, "dir", "dirlink");
    RAW(SYS_symlink, "nowhere", "dangle");
    RAW(SYS_symlink, "loop", "loop");
    RAW(SYS_mknod, "fifo", S_IFIFO | 0644, 0);
    struct sockaddr_un at = {AF_UNIX, "sock"};
    int fd = (int)RAW(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
    RAW(SYS_bind, fd, &at, sizeof at.sun_family + 5);
    RAW(SYS_close, fd);
    tree_look();
}
