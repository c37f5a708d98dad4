/* SPDX-License-Identifier: MIT */
/* mount(2) and umount2(2) of tmpfs: errors and their order, read-only mounts, limits, what is busy, /proc/self/mounts,
 * mountinfo and the events of both. */
#define _GNU_SOURCE
#include "result.h"

#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define AT "/tmp/m"

static long mounts(const char *name, const char *type, unsigned long flags, const char *options)
{
    return result(name, mount("some thing", AT, type, flags, options));
}

static void make(const char *path)
{
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0644);
    if (fd < 0)
        result(path, fd);
    close(fd);
}

/* The lines that name the folder. Of mountinfo, the numbers are left out, and what a configuration adds. */
static void show(const char *file)
{
    char line[1024];
    FILE *f = fopen(file, "r");
    while (f && fgets(line, sizeof line, f)) {
        char *at = strstr(line, " " AT);
        if (!at)
            continue;
        char *inodes = strstr(line, ",inode64");
        if (inodes)
            memmove(inodes, inodes + 8, strlen(inodes + 8) + 1);
        if (strstr(file, "mountinfo"))
            printf("%s", at);
        else
            printf("%s", line);
    }
    if (f)
        fclose(f);
}

static void refusals(void)
{
    mounts("unknown type", "nothing", 0, NULL);
    result("no type", mount("none", AT, NULL, 0, NULL));
    result("no folder", mount("none", "/tmp/missing", "tmpfs", 0, NULL));
    make("/tmp/file");
    result("a file", mount("none", "/tmp/file", "tmpfs", 0, NULL));
    result("bad pointer", mount("none", (char *)8, "tmpfs", 0, NULL));
    result("bad type pointer", mount("none", AT, (char *)8, 0, NULL));
    mounts("unknown option", "tmpfs", 0, "nothing=1");
    mounts("bad size", "tmpfs", 0, "size=many");
    mounts("bad mode", "tmpfs", 0, "mode=9");
    result("umount of a folder", umount(AT));
    result("umount of a missing one", umount("/tmp/missing"));
    result("umount, bad flags", umount2(AT, 64));
    result("umount, expire and force", umount2(AT, MNT_EXPIRE | MNT_FORCE));
    fflush(stdout);
    mounts("remount of a folder", NULL, MS_REMOUNT, NULL);
    fflush(stdout);
    if (fork() == 0) {
        if (setuid(1000))
            _exit(1);
        mounts("without rights", "tmpfs", 0, NULL);
        result("umount without rights", umount(AT));
        result("missing folder without rights", mount("none", "/tmp/missing", "tmpfs", 0, NULL));
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
}

static void limits(void)
{
    char page[4096] = "";
    struct statfs s;
    struct stat st, above;
    mounts("tmpfs", "tmpfs", MS_NOSUID | MS_NODEV, "size=16k,nr_inodes=4,mode=750,uid=5,gid=6");
    show("/proc/self/mounts");
    show("/proc/self/mountinfo");
    stat(AT, &st);
    stat("/tmp", &above);
    printf("mode %o uid %u gid %u nlink %lu\n", st.st_mode, st.st_uid, st.st_gid,
           (unsigned long)st.st_nlink);
    truth("another device", st.st_dev != above.st_dev);
    statfs(AT, &s);
    printf("blocks %lu free %lu files %lu free %lu flags %lx type %lx\n", (unsigned long)s.f_blocks,
           (unsigned long)s.f_bfree, (unsigned long)s.f_files, (unsigned long)s.f_ffree,
           (unsigned long)s.f_flags, (unsigned long)s.f_type);
    int fd = open(AT "/a", O_CREAT | O_RDWR, 0644);
    for (int i = 0; i < 5; i++)
        result("write a page", write(fd, page, sizeof page));
    statfs(AT, &s);
    printf("free %lu\n", (unsigned long)s.f_bfree);
    close(fd);
    make(AT "/b");
    make(AT "/c");
    result("one file too many", open(AT "/d", O_CREAT | O_RDWR, 0644));
    result("link", link(AT "/a", AT "/e"));
    result("link across", link(AT "/a", "/tmp/e"));
    result("rename across", rename(AT "/a", "/tmp/e"));
    result("remount smaller than what is used", mount("none", AT, NULL, MS_REMOUNT, "size=4k"));
    result("remount larger", mount("none", AT, NULL, MS_REMOUNT, "size=20k"));
    show("/proc/self/mounts");
    fd = open(AT "/a", O_APPEND | O_RDWR);
    result("write a page", write(fd, page, sizeof page));
    close(fd);
    result("rmdir of the mount", rmdir(AT));
    result("unlink of the mount", unlink(AT));
    result("rename of the mount", rename(AT, "/tmp/other"));
    result("umount", umount(AT));
    result("its files are gone", access(AT "/a", F_OK));
}

static void readonly_errors(void)
{
    int fd = open(AT "/file", O_RDONLY);
    struct statfs s;
    result("open to read", fd < 0 ? fd : 0);
    close(fd);
    result("open to write", open(AT "/file", O_WRONLY));
    result("open to truncate", open(AT "/file", O_RDONLY | O_TRUNC));
    result("create", open(AT "/new", O_CREAT | O_RDONLY, 0644));
    result("create what exists", open(AT "/file", O_CREAT | O_EXCL | O_RDONLY, 0644));
    fd = open(AT "/file", O_CREAT | O_RDONLY, 0644);
    result("open what exists with O_CREAT", fd < 0 ? fd : 0);
    result("temporary file", open(AT, O_TMPFILE | O_RDWR, 0644));
    result("mkdir", mkdir(AT "/new", 0755));
    result("mkdir of what exists", mkdir(AT "/folder", 0755));
    result("rmdir", rmdir(AT "/folder"));
    result("rmdir of what is missing", rmdir(AT "/missing"));
    result("unlink", unlink(AT "/file"));
    result("unlink of what is missing", unlink(AT "/missing"));
    result("unlink of a folder", unlink(AT "/folder"));
    result("rename", rename(AT "/file", AT "/new"));
    result("rename of what is missing", rename(AT "/missing", AT "/new"));
    result("link", link(AT "/file", AT "/new"));
    result("link from elsewhere", link("/tmp/file", AT "/new"));
    result("symlink", symlink("file", AT "/new"));
    result("mknod", mknod(AT "/new", S_IFIFO | 0644, 0));
    result("chmod", chmod(AT "/file", 0600));
    result("fchmod", fchmod(fd, 0600));
    result("chown", chown(AT "/file", 1, 1));
    result("utimes", utimensat(AT_FDCWD, AT "/file", NULL, 0));
    result("truncate", truncate(AT "/file", 0));
    result("truncate of a folder", truncate(AT "/folder", 0));
    result("setxattr", setxattr(AT "/file", "trusted.a", "b", 1, 0));
    result("access to write", access(AT "/file", W_OK));
    result("access to read", access(AT "/file", R_OK));
    result("access to write a folder", access(AT "/folder", W_OK));
    result("access to write a fifo", access(AT "/fifo", W_OK));
    int fifo = open(AT "/fifo", O_RDWR);
    result("write to a fifo", write(fifo, "x", 1));
    close(fifo);
    result("a shared mapping to write",
           (long)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    statfs(AT, &s);
    printf("flags %lx\n", (unsigned long)s.f_flags);
    close(fd);
}

static void readonly(void)
{
    mounts("tmpfs", "tmpfs", 0, NULL);
    make(AT "/file");
    mkdir(AT "/folder", 0755);
    mkfifo(AT "/fifo", 0644);
    int fd = open(AT "/file", O_WRONLY);
    result("remount read-only, a file is open to write",
           mount("none", AT, NULL, MS_REMOUNT | MS_RDONLY, NULL));
    close(fd);
    result("remount read-only", mount("none", AT, NULL, MS_REMOUNT | MS_RDONLY, NULL));
    show("/proc/self/mounts");
    show("/proc/self/mountinfo");
    readonly_errors();
    result("remount read-write", mount("none", AT, NULL, MS_REMOUNT | MS_NOATIME, NULL));
    show("/proc/self/mounts");
    result("mkdir", mkdir(AT "/new", 0755));
    result("umount", umount(AT));
    mounts("tmpfs, read-only from the start", "tmpfs", MS_RDONLY, NULL);
    result("mkdir", mkdir(AT "/new", 0755));
    result("umount", umount(AT));
}

static void device_and_program(void)
{
    struct stat st;
    mounts("tmpfs, nodev, noexec", "tmpfs", MS_NODEV | MS_NOEXEC, NULL);
    stat("/dev/null", &st);
    result("mknod", mknod(AT "/null", S_IFCHR | 0666, st.st_rdev));
    result("open of a device", open(AT "/null", O_RDWR));
    int fd = open(AT "/script", O_CREAT | O_RDWR, 0755);
    result("write", write(fd, "#!/bin/true\n", 12));
    close(fd);
    fd = open(AT "/script", O_RDONLY);
    result("a mapping to execute", (long)mmap(NULL, 4096, PROT_EXEC, MAP_PRIVATE, fd, 0));
    close(fd);
    result("exec", execl(AT "/script", "script", NULL));
    result("access to execute", access(AT "/script", X_OK));
    result("umount", umount(AT));
}

static void busy(void)
{
    char text[64];
    mounts("tmpfs", "tmpfs", 0, NULL);
    int fd = open(AT "/file", O_CREAT | O_RDWR, 0644);
    result("umount, a file is open", umount(AT));
    result("unlink", unlink(AT "/file"));
    result("umount, a removed file is open", umount(AT));
    result("write", write(fd, "text", 4));
    ftruncate(fd, 4096);
    char *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    result("umount, a file is mapped", umount(AT));
    munmap(page, 4096);
    result("chdir", chdir(AT));
    result("umount of the working directory", umount(AT));
    result("chdir", chdir("/"));
    mkdir(AT "/below", 0755);
    result("a mount below", mount("none", AT "/below", "tmpfs", 0, NULL));
    result("umount, something is mounted below", umount(AT));
    make(AT "/below/file");
    fd = open(AT "/below/file", O_RDWR);
    result("write", write(fd, "text", 4));
    result("detach", umount2(AT, MNT_DETACH));
    show("/proc/self/mounts");
    result("not seen any more", access(AT "/below", F_OK));
    result("read of what is open", pread(fd, text, sizeof text, 0));
    close(fd);
    mounts("one", "tmpfs", 0, NULL);
    make(AT "/one");
    mounts("two on it", "tmpfs", 0, NULL);
    result("the first is hidden", access(AT "/one", F_OK));
    result("umount", umount(AT));
    result("the first is seen", access(AT "/one", F_OK));
    result("umount", umount(AT));
    result("umount", umount(AT));
    for (int i = 0; i < 30; i++)
        if (mount("none", AT, "tmpfs", 0, NULL))
            result("one of many", -1);
    for (int i = 0; i < 30; i++)
        if (umount(AT))
            result("umount of one of many", -1);
    result("umount, no link is followed", umount2("/tmp/link", UMOUNT_NOFOLLOW));
}

static int event_of(int fd)
{
    struct pollfd p = {fd, POLLPRI, 0};
    poll(&p, 1, 0);
    return p.revents;
}

static void events(void)
{
    char text[4096];
    int lines = open("/proc/self/mounts", O_RDONLY), info = open("/proc/self/mountinfo", O_RDONLY);
    printf("at first: %x %x\n", event_of(lines), event_of(info));
    mounts("tmpfs", "tmpfs", 0, NULL);
    printf("after a mount: %x %x\n", event_of(lines), event_of(info));
    printf("again: %x %x\n", event_of(lines), event_of(info));
    int watch = inotify_init1(IN_NONBLOCK);
    make(AT "/file");
    inotify_add_watch(watch, AT "/file", IN_ATTRIB);
    if (fork() == 0) {
        usleep(50000);
        _exit(umount(AT));
    }
    struct pollfd p = {info, POLLPRI, 0};
    result("waits for an event", poll(&p, 1, 10000));
    printf("events: %x\n", p.revents);
    int status;
    wait(&status);
    printf("umount in a child: %d\n", status);
    for (long size = read(watch, text, sizeof text), at = 0; at < size;) {
        const struct inotify_event *e = (const struct inotify_event *)(text + at);
        printf("inotify: %x\n", e->mask);
        at += (long)sizeof *e + e->len;
    }
    truth("reads", pread(lines, text, sizeof text, 0) > 0);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOFBF, 65536);
    umask(022);
    mkdir(AT, 0755);
    symlink(AT, "/tmp/link");
    refusals();
    limits();
    readonly();
    device_and_program();
    busy();
    events();
    return 0;
}
