/* SPDX-License-Identifier: MIT */
/* Mounts of what is mounted: MS_BIND of folders and files, with MS_REC; MS_MOVE; flags of each mount; "..", getcwd() and the links of
 * /proc over them; shared, slave and unbindable mounts; MNT_EXPIRE; mountinfo. */
#define _GNU_SOURCE
#include "result.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define AT "/tmp/b"

static void make(const char *path, const char *text)
{
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0644);
    if (fd < 0 || write(fd, text, strlen(text)) != (long)strlen(text))
        result(path, -1);
    close(fd);
}

static void read_of(const char *path)
{
    char text[64] = "";
    int fd = open(path, O_RDONLY);
    long got = fd < 0 ? result(path, fd) : read(fd, text, sizeof text - 1);
    printf("%s: %ld \"%s\"\n", path, got, text);
    close(fd);
}

static long binds(const char *from, const char *to, unsigned long flags)
{
    char name[128];
    snprintf(name, sizeof name, "bind %s %s %lx", from, to, flags);
    return result(name, mount(from, to, NULL, MS_BIND | flags, NULL));
}

/* mountinfo below AT: ids as their rank among the lines (a parent above them is "-"), groups as their order of first sight. */
static void show(void)
{
    static char line[200][512];
    int ids[200], parents[200], groups[16], count = 0, group_count = 0, offset;
    FILE *f = fopen("/proc/self/mountinfo", "r");
    while (f && fgets(line[count], sizeof line[0], f))
        if (strstr(line[count], " " AT) &&
            sscanf(line[count], "%d %d %*d:%*d %n", &ids[count], &parents[count], &offset) == 2) {
            memmove(line[count], line[count] + offset, strlen(line[count] + offset) + 1);
            if (++count == 200)
                break;
        }
    if (f)
        fclose(f);
    for (int i = 0; i < count; i++) {
        int parent = -1;
        for (int j = 0; j < count; j++)
            if (ids[j] == parents[i])
                parent = j;
        printf("%d on %d: ", i, parent);
        char *end = strstr(line[i], ",inode64");
        if (end)
            memmove(end, end + 8, strlen(end + 8) + 1);
        for (char *word = strtok(line[i], " \n"); word; word = strtok(NULL, " \n")) {
            char *number = strchr(word, ':');
            if (number && (strncmp(word, "shared:", 7) == 0 || strncmp(word, "master:", 7) == 0)) {
                int at = 0, group = atoi(number + 1);
                while (at < group_count && groups[at] != group)
                    at++;
                if (at == group_count)
                    groups[group_count++] = group;
                printf("%.7s%d ", word, at);
            } else {
                printf("%s ", word);
            }
        }
        printf("\n");
    }
}

static void where(const char *path)
{
    char text[256];
    if (chdir(path)) {
        result(path, -1);
        return;
    }
    printf("%s is %s\n", path, getcwd(text, sizeof text) ? text : "?");
    long length = readlink("/proc/self/cwd", text, sizeof text - 1);
    printf("cwd %.*s\n", (int)length, text);
    if (chdir("..") == 0)
        printf("above %s\n", getcwd(text, sizeof text) ? text : "?");
    result("chdir", chdir("/"));
}

static void folders(void)
{
    struct stat a, b;
    mkdir(AT "/from", 0755);
    mkdir(AT "/from/in", 0755);
    mkdir(AT "/from/in/deep", 0755);
    mkdir(AT "/to", 0755);
    make(AT "/from/in/file", "text");
    make(AT "/one", "one");
    make(AT "/two", "two");
    result("no source", mount("", AT "/to", NULL, MS_BIND, NULL));
    result("null source", mount(NULL, AT "/to", NULL, MS_BIND, NULL));
    binds(AT "/missing", AT "/to", 0);
    binds(AT "/from", AT "/missing", 0);
    binds(AT "/one", AT "/to", 0);
    binds(AT "/to", AT "/one", 0);
    binds(AT "/from/in", AT "/to", 0);
    show();
    read_of(AT "/to/file");
    where(AT "/to/deep");
    where(AT "/to");
    where(AT "/to/deep/../../to/deep");
    stat(AT "/from/in", &a);
    stat(AT "/to", &b);
    truth("the same file", a.st_dev == b.st_dev && a.st_ino == b.st_ino);
    result("link across", link(AT "/to/file", AT "/from/in/link"));
    result("link across", link(AT "/from/in/file", AT "/to/link"));
    result("rename across", rename(AT "/to/file", AT "/from/in/other"));
    result("rename inside", rename(AT "/to/file", AT "/to/moved"));
    read_of(AT "/from/in/moved");
    result("rmdir of the place", rmdir(AT "/to"));
    result("rename of the place", rename(AT "/to", AT "/too"));
    result("rmdir of what is seen", rmdir(AT "/from/in"));
    result("rename of what is seen", rename(AT "/from/in", AT "/from/out"));
    show();
    read_of(AT "/to/moved");
    rename(AT "/from/out", AT "/from/in");
    binds(AT "/one", AT "/two", 0);
    read_of(AT "/two");
    show();
    result("unlink of the place", unlink(AT "/two"));
    result("unlink of what is seen", unlink(AT "/one"));
    show();
    read_of(AT "/two");
    result("umount", umount(AT "/two"));
    read_of(AT "/two");
    make(AT "/one", "one");
    result("umount", umount(AT "/to"));
    result("umount", umount(AT "/to"));
    result("it is empty", access(AT "/to/moved", F_OK));
}

static void what_holds(void)
{
    char text[256];
    binds(AT "/from", AT "/to", 0);
    int fd = open(AT "/to/in/moved", O_RDONLY);
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long length = readlink(link, text, sizeof text);
    printf("open %.*s\n", (int)length, text);
    result("umount", umount(AT "/to"));
    void *map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    result("umount, a mapping", umount(AT "/to"));
    munmap(map, 4096);
    fd = open(AT "/from/in/moved", O_RDONLY);
    result("umount, open elsewhere", umount(AT "/to"));
    close(fd);
    binds(AT "/from", AT "/to", 0);
    fd = open(AT "/to/in", O_RDONLY | O_DIRECTORY);
    result("detach", umount2(AT "/to", MNT_DETACH));
    result("openat", openat(fd, "moved", O_RDONLY) < 0 ? -1 : 0);
    result("fchdir", fchdir(fd));
    long got = syscall(SYS_getcwd, text, sizeof text);
    printf("getcwd %ld %s\n", got, got > 0 ? text : "");
    result("above", chdir(".."));
    got = syscall(SYS_getcwd, text, sizeof text);
    printf("getcwd %ld %s\n", got, got > 0 ? text : "");
    result("bind of what is not in the tree", mount(".", AT "/to", NULL, MS_BIND, NULL));
    result("chdir", chdir("/"));
    close(fd);
    result("expire", umount2(AT "/to", MNT_EXPIRE));
    binds(AT "/from", AT "/to", 0);
    result("expire", umount2(AT "/to", MNT_EXPIRE));
    read_of(AT "/to/in/moved");
    result("expire after a use", umount2(AT "/to", MNT_EXPIRE));
    result("expire and detach", umount2(AT "/to", MNT_EXPIRE | MNT_DETACH));
    fd = open(AT "/to/in", O_RDONLY | O_DIRECTORY);
    result("expire what is used", umount2(AT "/to", MNT_EXPIRE));
    close(fd);
    result("expire", umount2(AT "/to", MNT_EXPIRE));
    result("expire", umount2(AT "/to", MNT_EXPIRE));
    result("expire", umount2(AT "/to", MNT_EXPIRE));
}

static void readonly(void)
{
    struct statfs s;
    binds(AT "/from", AT "/to", MS_RDONLY); /* flags are ignored */
    make(AT "/to/new", "1");
    int fd = open(AT "/to/new", O_WRONLY);
    result("read-only, a file is open",
           mount(NULL, AT "/to", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
    close(fd);
    fd = open(AT "/from/new", O_WRONLY);
    result("read-only, open elsewhere",
           mount(NULL, AT "/to", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
    show();
    result("write elsewhere", write(fd, "2", 1));
    close(fd);
    result("open", open(AT "/to/new", O_WRONLY));
    result("create", open(AT "/to/newer", O_WRONLY | O_CREAT, 0644));
    result("temporary", open(AT "/to", O_WRONLY | O_TMPFILE, 0644));
    result("truncating open", open(AT "/to/new", O_RDONLY | O_TRUNC));
    result("mkdir", mkdir(AT "/to/folder", 0755));
    result("mkdir of what exists", mkdir(AT "/to/in", 0755));
    result("mknod", mknod(AT "/to/fifo", S_IFIFO | 0644, 0));
    result("symlink", symlink("new", AT "/to/link"));
    result("link", link(AT "/to/new", AT "/to/link"));
    result("unlink", unlink(AT "/to/new"));
    result("unlink of what is missing", unlink(AT "/to/missing"));
    result("rmdir", rmdir(AT "/to/in"));
    result("rename", rename(AT "/to/new", AT "/to/newer"));
    result("rename from elsewhere", rename(AT "/one", AT "/to/newer"));
    result("chmod", chmod(AT "/to/new", 0600));
    result("chown", chown(AT "/to/new", 1, 1));
    result("utimes", utimensat(AT_FDCWD, AT "/to/new", NULL, 0));
    result("truncate", truncate(AT "/to/new", 0));
    result("setxattr", syscall(SYS_setxattr, AT "/to/new", "trusted.a", "b", 1, 0));
    result("removexattr", syscall(SYS_removexattr, AT "/to/new", "trusted.a"));
    result("access", access(AT "/to/new", W_OK));
    result("access to a folder", access(AT "/to/in", W_OK));
    fd = open(AT "/to/new", O_RDONLY);
    result("fchmod", fchmod(fd, 0600));
    result("fchown", fchown(fd, 1, 1));
    result("futimens", futimens(fd, NULL));
    result("fsetxattr", syscall(SYS_fsetxattr, fd, "trusted.a", "b", 1, 0));
    close(fd);
    statfs(AT "/to", &s);
    printf("flags %lx\n", (unsigned long)s.f_flags & ~0x20ul);
    statfs(AT "/from", &s);
    printf("flags %lx\n", (unsigned long)s.f_flags & ~0x20ul);
    result("chmod elsewhere", chmod(AT "/from/new", 0644));
}

static void other_flags(void)
{
    struct stat before, after;
    int fd;
    result("nosuid, nodev, noexec, noatime",
           mount(NULL, AT "/to", NULL,
                 MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME, NULL));
    show();
    result("atime stays", mount(NULL, AT "/to", NULL, MS_REMOUNT | MS_BIND, NULL));
    show();
    result("strictatime", mount(NULL, AT "/to", NULL, MS_REMOUNT | MS_BIND | MS_STRICTATIME, NULL));
    show();
    result("nodiratime", mount(NULL, AT "/to", NULL, MS_REMOUNT | MS_BIND | MS_NODIRATIME, NULL));
    result("noatime", mount(NULL, AT "/to", NULL,
                            MS_REMOUNT | MS_BIND | MS_NOATIME | MS_NODEV | MS_NOEXEC, NULL));
    show();
    utimensat(AT_FDCWD, AT "/from/new", (struct timespec[]){{1, 0}, {2, 0}}, 0);
    stat(AT "/from/new", &before);
    read_of(AT "/to/new");
    stat(AT "/from/new", &after);
    truth("noatime", before.st_atime == after.st_atime);
    read_of(AT "/from/new");
    stat(AT "/from/new", &after);
    truth("atime", before.st_atime != after.st_atime);
    mknod(AT "/from/null", S_IFCHR | 0666, 0x103);
    result("device", open(AT "/to/null", O_RDONLY));
    fd = open(AT "/from/null", O_RDONLY);
    result("device elsewhere", fd < 0 ? -1 : 0);
    close(fd);
    make(AT "/from/run", "#!/bin/true\n");
    chmod(AT "/from/run", 0755);
    result("exec", execl(AT "/to/run", "run", NULL));
    result("access", access(AT "/to/run", X_OK));
    result("access elsewhere", access(AT "/from/run", X_OK));
    result("remount of a folder", mount(NULL, AT "/to/in", NULL, MS_REMOUNT | MS_BIND, NULL));
    result("umount", umount(AT "/to"));
}

static void recursive(void)
{
    mkdir(AT "/from/x", 0755);
    mkdir(AT "/from/in/y", 0755);
    result("tmpfs", mount("first", AT "/from/x", "tmpfs", 0, NULL));
    result("tmpfs", mount("second", AT "/from/in/y", "tmpfs", MS_NOSUID, NULL));
    mkdir(AT "/from/x/z", 0755);
    result("tmpfs", mount("third", AT "/from/x/z", "tmpfs", 0, NULL));
    make(AT "/from/x/z/file", "z");
    binds(AT "/from", AT "/to", 0);
    show();
    result("not seen", access(AT "/to/x/z", F_OK));
    result("umount", umount(AT "/to"));
    binds(AT "/from", AT "/to", MS_REC);
    show();
    read_of(AT "/to/x/z/file");
    where(AT "/to/x/z");
    result("umount", umount(AT "/to"));
    result("umount", umount(AT "/to/x/z"));
    show();
    read_of(AT "/from/x/z/file");
    binds(AT "/from/x", AT "/to/x", MS_REC);
    result("detach", umount2(AT "/to", MNT_DETACH));
    show();
    binds(AT "/from/in", AT "/to", MS_REC);
    show();
    result("move", mount(AT "/to", AT "/from/x/z", NULL, MS_MOVE, NULL));
    show();
    where(AT "/from/x/z/deep");
    result("move into itself", mount(AT "/from/x", AT "/from/x/z/y", NULL, MS_MOVE, NULL));
    result("move of a folder", mount(AT "/from/in", AT "/to", NULL, MS_MOVE, NULL));
    result("move onto a file", mount(AT "/from/x/z", AT "/one", NULL, MS_MOVE, NULL));
    result("move of nothing", mount("", AT "/to", NULL, MS_MOVE, NULL));
    result("move", mount(AT "/from/x/z", AT "/to", NULL, MS_MOVE, NULL));
    show();
    result("umount", umount2(AT "/to", MNT_DETACH));
    /* into itself, twice */
    binds(AT "/from", AT "/from/in/deep", MS_REC);
    binds(AT "/from", AT "/from/in/deep", MS_REC);
    show();
    result("umount", umount2(AT "/from/in/deep", MNT_DETACH));
    result("umount", umount2(AT "/from/in/deep", MNT_DETACH));
    show();
}

static long spreads(const char *path, unsigned long flags)
{
    char name[128];
    snprintf(name, sizeof name, "%s %lx", path, flags);
    return result(name, mount(NULL, path, NULL, flags, NULL));
}

static void shared(void)
{
    spreads(AT "/to", MS_SHARED);
    result("tmpfs", mount("base", AT "/to", "tmpfs", 0, NULL));
    mkdir(AT "/to/a", 0755);
    mkdir(AT "/to/a/in", 0755);
    mkdir(AT "/to/b", 0755);
    mkdir(AT "/to/c", 0755);
    mkdir(AT "/to/d", 0755);
    spreads(AT "/to", MS_SHARED | MS_PRIVATE);
    spreads(AT "/to", MS_SHARED | MS_RDONLY);
    spreads(AT "/to", MS_SHARED);
    show();
    binds(AT "/to/a", AT "/to/b", 0);
    show();
    binds(AT "/to/a", AT "/to/c", 0);
    spreads(AT "/to/c", MS_SLAVE);
    show();
    result("tmpfs", mount("new", AT "/to/a/in", "tmpfs", 0, NULL));
    show();
    make(AT "/to/b/in/file", "seen");
    read_of(AT "/to/c/in/file");
    result("umount", umount(AT "/to/b/in"));
    show();
    result("on the slave", mount("alone", AT "/to/c/in", "tmpfs", 0, NULL));
    show();
    result("below it", mount("again", AT "/to/a/in", "tmpfs", 0, NULL));
    show();
    result("umount", umount(AT "/to/a/in"));
    show();
    result("move of what is on a shared mount", mount(AT "/to/b", AT "/to/d", NULL, MS_MOVE, NULL));
    spreads(AT "/to/b", MS_SLAVE);
    spreads(AT "/to/c", MS_PRIVATE);
    show();
    spreads(AT "/to", MS_PRIVATE | MS_REC);
    show();
    spreads(AT "/to/b", MS_UNBINDABLE);
    show();
    binds(AT "/to/b", AT "/to/d", 0);
    binds(AT "/to", AT "/to/d", MS_REC);
    show();
    spreads(AT "/to/b", MS_SHARED);
    show();
    result("umount", umount2(AT "/to", MNT_DETACH));
    show();
}

int main(void)
{
    setvbuf(stdout, NULL, _IOFBF, 65536);
    umask(022);
    mkdir(AT, 0755);
    result("tmpfs", mount("base", AT, "tmpfs", 0, NULL));
    mount(NULL, AT, NULL, MS_PRIVATE, NULL);
    folders();
    what_holds();
    readonly();
    other_flags();
    recursive();
    shared();
    result("umount", umount2(AT, MNT_DETACH));
    return 0;
}
