/* SPDX-License-Identifier: MIT */
/* Namespaces of mounts and of the machine's names: unshare(), clone(), setns(), /proc/PID/ns. */
#define _GNU_SOURCE
#include "result.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define PLACE         "/tmp/unshares"
#define NS_GET_NSTYPE 0xb703

static void touch(const char *name)
{
    close(open(name, O_CREAT | O_WRONLY, 0600));
}

static int there(const char *name)
{
    return access(name, F_OK) == 0;
}

/* Lines of the file with the word. */
static int lines(const char *name, const char *word)
{
    char line[1024];
    int count = 0;
    FILE *f = fopen(name, "r");
    while (f && fgets(line, sizeof line, f))
        count += strstr(line, word) != NULL;
    if (f)
        fclose(f);
    return count;
}

static const char *host(void)
{
    static struct utsname u;
    uname(&u);
    return u.nodename;
}

static long ns_of(const char *name)
{
    char link[64] = "";
    if (readlink(name, link, sizeof link - 1) < 0)
        return -1;
    const char *number = strchr(link, '[');
    return number ? strtol(number + 1, NULL, 10) : -1;
}

static void finish(pid_t pid)
{
    int status = -1;
    waitpid(pid, &status, 0);
    if (status != 0)
        printf("status %x\n", status);
}

/* Runs it in a process of its own. */
static void in_child(void (*what)(void))
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        what();
        fflush(stdout);
        _exit(0);
    }
    finish(pid);
}

static void mounts(void)
{
    char cwd[64];
    long before = ns_of("/proc/self/ns/mnt");
    chdir(PLACE);
    if (result("unshare(CLONE_NEWNS)", unshare(CLONE_NEWNS)) != 0)
        return;
    truth("another namespace",
          ns_of("/proc/self/ns/mnt") != before && ns_of("/proc/thread-self/ns/mnt") != before);
    truth("the parent's is the old one", ns_of("/proc/1/ns/mnt") != ns_of("/proc/self/ns/mnt"));
    result("private", mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
    truth("the working directory is seen through the copy",
          getcwd(cwd, sizeof cwd) && strcmp(cwd, PLACE) == 0);
    result("mount", mount("mine", PLACE "/a", "tmpfs", 0, NULL));
    touch(PLACE "/a/inside");
    truth("its file", there("a/inside") && there(PLACE "/a/inside"));
    printf("in mounts %d, in the parent's %d\n", lines("/proc/self/mounts", PLACE "/a "),
           lines("/proc/1/mounts", PLACE "/a "));
    result("umount of a copy", umount(PLACE "/copied"));
    truth("its file is gone", !there(PLACE "/copied/file"));
    result("umount", umount(PLACE "/a"));
    result("mount again, to be left", mount("mine", PLACE "/a", "tmpfs", 0, NULL));
    touch(PLACE "/a/left");
}

/* What a child in a namespace of its own mounts is seen here only if it is mounted on what is shared. */
static void spread(void)
{
    int to[2], back[2];
    char byte;
    if (unshare(CLONE_NEWNS) != 0)
        return;
    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    mount("shared", PLACE "/b", "tmpfs", 0, NULL);
    mkdir(PLACE "/b/on", 0700);
    mkdir(PLACE "/b/on2", 0700);
    mkdir(PLACE "/b/on3", 0700);
    result("shared", mount(NULL, PLACE "/b", NULL, MS_SHARED, NULL));
    pipe(to);
    pipe(back);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        unshare(CLONE_NEWNS);
        mount("child", PLACE "/b/on", "tmpfs", 0, NULL);
        touch(PLACE "/b/on/child");
        mount("child", PLACE "/a", "tmpfs", 0, NULL);
        touch(PLACE "/a/child");
        write(to[1], "", 1);
        read(back[0], &byte, 1);
        printf("child: %d\n", there(PLACE "/b/on2/parent"));
        mount(NULL, PLACE "/b", NULL, MS_SLAVE, NULL);
        mount("child", PLACE "/b/on3", "tmpfs", 0, NULL);
        touch(PLACE "/b/on3/slave");
        mount("child", PLACE "/b/on2", "tmpfs", 0, NULL);
        touch(PLACE "/b/on2/over");
        write(to[1], "", 1);
        read(back[0], &byte, 1);
        fflush(stdout);
        _exit(0);
    }
    read(to[0], &byte, 1);
    printf("parent: shared %d, private %d\n", there(PLACE "/b/on/child"), there(PLACE "/a/child"));
    mount("parent", PLACE "/b/on2", "tmpfs", 0, NULL);
    touch(PLACE "/b/on2/parent");
    write(back[1], "", 1);
    read(to[0], &byte, 1);
    printf("parent: of a slave %d, over its own %d\n", there(PLACE "/b/on3/slave"),
           there(PLACE "/b/on2/over"));
    write(back[1], "", 1);
    finish(pid);
    truth("a mount that the child has left on the shared one stays", there(PLACE "/b/on/child"));
}

/* In the namespace that was joined; the root is no longer that of a chroot. */
static int childs_mount(void)
{
    return lines("/proc/self/mounts", "/unshares/a tmpfs") == 1;
}

/* A child in namespaces of its own, which are ready; it ends when a byte is written to *end. */
static pid_t child_inside(int *end)
{
    int to[2], back[2];
    char byte;
    pipe(to);
    pipe(back);
    pid_t pid = fork();
    if (pid == 0) {
        if (unshare(CLONE_NEWNS | CLONE_NEWUTS) != 0)
            _exit(1);
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
        mount("child", PLACE "/a", "tmpfs", 0, NULL);
        touch(PLACE "/a/child");
        sethostname("child", 5);
        write(to[1], "", 1);
        read(back[0], &byte, 1);
        _exit(0);
    }
    read(to[0], &byte, 1);
    *end = back[1];
    return pid;
}

static void join(void)
{
    int end, type = -1;
    char name[64], path[64];
    int first = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC),
        names = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
    long own = ns_of("/proc/self/ns/mnt");
    pid_t pid = child_inside(&end);
    snprintf(path, sizeof path, "/proc/%d/ns/mnt", (int)pid);
    int mnt = open(path, O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "/proc/%d/ns/uts", (int)pid);
    int uts = open(path, O_RDONLY | O_CLOEXEC);
    type = ioctl(mnt, NS_GET_NSTYPE);
    printf("type %x\n", type);
    result("of another type", setns(mnt, CLONE_NEWUTS));
    result("no namespace", setns(end, 0));
    chdir(PLACE);
    result("setns(mnt)", setns(mnt, CLONE_NEWNS));
    truth("the working directory is the root", getcwd(name, sizeof name) && strcmp(name, "/") == 0);
    truth("the child's mount", childs_mount());
    result("setns(uts)", setns(uts, 0));
    printf("name %s\n", host());
    write(end, "", 1);
    finish(pid);
    truth("after the child's end", childs_mount());
    close(mnt);
    truth("without the descriptor", childs_mount());
    result("back", setns(first, CLONE_NEWNS));
    truth("not here", !childs_mount());
    result("back", setns(names, CLONE_NEWUTS));
    truth("the first name", strcmp(host(), "child") != 0);
    truth("the first namespace", ns_of("/proc/self/ns/mnt") == own);
}

/* A descriptor of O_PATH keeps the namespace, though it cannot be joined by it. */
static void by_path(void)
{
    int end;
    char path[64];
    pid_t pid = child_inside(&end);
    snprintf(path, sizeof path, "/proc/%d/ns/uts", (int)pid);
    int named = open(path, O_PATH);
    write(end, "", 1);
    finish(pid);
    snprintf(path, sizeof path, "/proc/self/fd/%d", named);
    int again = open(path, O_RDONLY);
    truth("opened by its descriptor", again >= 0);
    printf("type %x\n", ioctl(again, NS_GET_NSTYPE));
    close(named);
    result("setns", setns(again, CLONE_NEWUTS));
    printf("name %s\n", host());
}

static void join_process(void)
{
    int end;
    pid_t pid = child_inside(&end);
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    result("without a type", setns(fd, 0));
    result("setns(pidfd)", setns(fd, CLONE_NEWNS | CLONE_NEWUTS));
    printf("name %s, mount %d\n", host(), childs_mount());
    write(end, "", 1);
    finish(pid);
    result("of one that has ended", setns(fd, CLONE_NEWUTS));
}

static void names(void)
{
    struct utsname u;
    char first[65];
    strcpy(first, host());
    if (result("unshare(CLONE_NEWUTS)", unshare(CLONE_NEWUTS)) != 0)
        return;
    truth("the name is copied", strcmp(first, host()) == 0);
    result("sethostname", sethostname("other", 5));
    result("setdomainname", setdomainname("domain", 6));
    uname(&u);
    printf("%s %s %d\n", u.nodename, u.domainname, lines("/proc/sys/kernel/hostname", "other"));
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        printf("inherited %s\n", host());
        sethostname("third", 5);
        fflush(stdout);
        _exit(0);
    }
    finish(pid);
    printf("shared %s\n", host());
}

static int cloned(void *unused)
{
    (void)unused;
    sethostname("cloned", 6);
    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    mount("cloned", PLACE "/a", "tmpfs", 0, NULL);
    touch(PLACE "/a/cloned");
    printf("cloned: %s %d\n", host(), there(PLACE "/a/cloned"));
    fflush(stdout);
    return 0;
}

static char stack[65536];

static void clones(void)
{
    char first[65];
    strcpy(first, host());
    fflush(stdout);
    pid_t pid = clone(cloned, stack + sizeof stack, CLONE_NEWNS | CLONE_NEWUTS | SIGCHLD, NULL);
    truth("clone", pid > 0);
    finish(pid);
    truth("not here", strcmp(first, host()) == 0 && !there(PLACE "/a/cloned"));
    result("CLONE_FS", clone(cloned, stack + sizeof stack, CLONE_NEWNS | CLONE_FS | SIGCHLD, NULL));
}

static void rights(void)
{
    setresuid(1000, 1000, 1000);
    prctl(PR_SET_DUMPABLE, 1);
    result("unshare(CLONE_NEWNS), user 1000", unshare(CLONE_NEWNS));
    result("unshare(CLONE_NEWUTS), user 1000", unshare(CLONE_NEWUTS));
    result("clone(CLONE_NEWNS), user 1000",
           clone(cloned, stack + sizeof stack, CLONE_NEWNS | SIGCHLD, NULL));
    result("setns, user 1000", setns(open("/proc/self/ns/uts", O_RDONLY), 0));
}

/* A bound folder that is not to be bound elsewhere is in the copy all the same. */
static void unbindable(void)
{
    unshare(CLONE_NEWNS);
    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    mount("none", PLACE "/a", "tmpfs", 0, NULL);
    touch(PLACE "/a/file");
    result("unbindable", mount(NULL, PLACE "/a", NULL, MS_UNBINDABLE, NULL));
    result("bind", mount(PLACE "/a", PLACE "/b", NULL, MS_BIND, NULL));
    result("unshare", unshare(CLONE_NEWNS));
    truth("is copied", there(PLACE "/a/file"));
    int other = open(PLACE "/a", O_RDONLY | O_DIRECTORY);
    result("unshare", unshare(CLONE_NEWNS));
    result("fchdir() into the other namespace", fchdir(other));
    result("bind from there", mount(".", PLACE "/b", NULL, MS_BIND, NULL));
}

/* As user 1000: what there is of process 1, which is root's. */
static void look_at(const char *what)
{
    int count = 0;
    printf("%s: ", what);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        setresgid(1000, 1000, 1000);
        setresuid(1000, 1000, 1000);
        DIR *d = opendir(PLACE "/a");
        for (struct dirent *e; d && (e = readdir(d)) != NULL;)
            count += e->d_name[0] >= '1' && e->d_name[0] <= '9';
        result(count == 0   ? "no process listed, status"
               : count == 1 ? "one process listed, status"
                            : "processes listed, status",
               access(PLACE "/a/1/status", R_OK));
        result("its folder", stat(PLACE "/a/1", &(struct stat){0}));
        result("cpuinfo", access(PLACE "/a/cpuinfo", F_OK));
        truth("itself", access(PLACE "/a/self/status", R_OK) == 0);
        fflush(stdout);
        _exit(0);
    }
    finish(pid);
}

static void procs(void)
{
    struct stat first, again;
    char path[64], name[128] = "", wanted[128];
    result("proc", mount("proc", PLACE "/a", "proc", 0, NULL));
    stat("/proc", &first);
    stat(PLACE "/a", &again);
    truth("another file system", first.st_dev != again.st_dev);
    look_at("without options");
    result("hidepid=1", mount("proc", PLACE "/a", "proc", MS_REMOUNT, "hidepid=1"));
    truth("is shown", lines("/proc/self/mounts", "hidepid=noaccess") == 1);
    look_at("hidepid=1");
    result("hidepid=2", mount("proc", PLACE "/a", "proc", MS_REMOUNT, "hidepid=invisible"));
    look_at("hidepid=2");
    result("gid", mount("proc", PLACE "/a", "proc", MS_REMOUNT, "gid=1000"));
    truth("both are shown", lines("/proc/self/mounts", "gid=1000,hidepid=invisible") == 1);
    look_at("hidepid=2, gid");
    result("hidepid=4", mount("proc", PLACE "/a", "proc", MS_REMOUNT, "hidepid=4"));
    look_at("hidepid=4");
    result("hidepid=3", mount("proc", PLACE "/a", "proc", MS_REMOUNT, "hidepid=3"));
    result("no such option", mount("proc", PLACE "/a", "proc", MS_REMOUNT, "nosuch"));
    result("umount", umount(PLACE "/a"));
    result("subset=pid", mount("proc", PLACE "/a", "proc", 0, "subset=pid"));
    look_at("subset=pid");
    result("umount", umount(PLACE "/a"));
    result("sysfs", mount("sysfs", PLACE "/a", "sysfs", 0, NULL));
    truth("its files", there(PLACE "/a/devices/system/cpu/online"));
    result("umount", umount(PLACE "/a"));
    result("ramfs", mount("none", PLACE "/a", "ramfs", 0, "mode=0700"));
    stat(PLACE "/a", &again);
    printf("mode %o\n", again.st_mode);
    int fd = open(PLACE "/a", O_RDWR | O_TMPFILE, 0600);
    fstat(fd, &again);
    snprintf(wanted, sizeof wanted, PLACE "/a/#%lu (deleted)", (unsigned long)again.st_ino);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    (void)!readlink(path, name, sizeof name - 1);
    truth("the name of a file without one", strcmp(name, wanted) == 0);
    close(fd);
    result("umount", umount(PLACE "/a"));
}

int main(void)
{
    mkdir(PLACE, 0700);
    mkdir(PLACE "/a", 0700);
    mkdir(PLACE "/b", 0700);
    mkdir(PLACE "/copied", 0700);
    chmod(PLACE, 0755);
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return 1;
    mount("copied", PLACE "/copied", "tmpfs", 0, NULL);
    touch(PLACE "/copied/file");
    in_child(procs);
    in_child(mounts);
    truth("the first namespace is as it was",
          there(PLACE "/copied/file") && !there(PLACE "/a/left"));
    in_child(spread);
    in_child(join);
    in_child(by_path);
    in_child(join_process);
    in_child(names);
    in_child(clones);
    in_child(rights);
    in_child(unbindable);
    result("umount", umount(PLACE "/copied"));
    result("rmdir", rmdir(PLACE "/copied"));
    rmdir(PLACE "/b");
    result("rmdir", rmdir(PLACE "/a"));
    return rmdir(PLACE);
}
