/* SPDX-License-Identifier: MIT */
/*
 * Extended attributes (xattr(7)), access control lists (acl(5)) and file capabilities
 * (capabilities(7)) on the RAM file system. With "sets" as its first argument the program is what a
 * child executes, and prints its capabilities.
 */
#define _GNU_SOURCE
#include "result.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define TRY(call)  result(#call, call)
#define USER       1000
#define STACK_SIZE (64 << 10)
#define ACCESS     "system.posix_acl_access"
#define DEFAULT    "system.posix_acl_default"
#define CAPABILITY "security.capability"

extern char **environ;
static const char *program;
static char stack[STACK_SIZE] __attribute__((aligned(64)));
static char big[70000];

static int in_child(int (*part)(void *), void *argument)
{
    int status = -1;
    fflush(stdout);
    int pid = clone(part, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, argument);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        perror("child");
    fflush(stdout);
    return status;
}

static void become(unsigned uid, unsigned gid)
{
    syscall(SYS_setgroups, 0, NULL);
    syscall(SYS_setresgid, gid, gid, gid);
    syscall(SYS_setresuid, uid, uid, uid);
}

static void file(const char *path, mode_t mode)
{
    int fd = open(path, O_CREAT | O_RDWR, 0600);
    if (fd < 0 || write(fd, "text", 4) != 4 || fchmod(fd, mode) != 0)
        perror(path);
    close(fd);
}

static void show_names(const char *path)
{
    char names[4096];
    ssize_t n = listxattr(path, names, sizeof names);
    printf("%s has %zd bytes of names\n", path, n);
    for (char *at = names; at < names + n; at += strlen(at) + 1) {
        char value[256];
        printf("  %s: %zd\n", at, getxattr(path, at, value, sizeof value));
    }
}

static mode_t mode_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

static void values(void)
{
    char buffer[64] = {0};
    file("/tmp/a/f", 0644);
    TRY(setxattr("/tmp/a/f", "user.one", "1", 1, 0));
    TRY(setxattr("/tmp/a/f", "user.two", "22", 2, XATTR_CREATE));
    TRY(setxattr("/tmp/a/f", "user.two", "22", 2, XATTR_CREATE));
    TRY(setxattr("/tmp/a/f", "user.three", "333", 3, XATTR_REPLACE));
    TRY(setxattr("/tmp/a/f", "user.two", "two", 3, XATTR_REPLACE));
    TRY(setxattr("/tmp/a/f", "user.none", "", 0, 0));
    TRY(setxattr("/tmp/a/f", "trusted.t", "trust", 5, 0));
    TRY(setxattr("/tmp/a/f", "security.s", "safe", 4, 0));
    TRY(getxattr("/tmp/a/f", "user.two", buffer, sizeof buffer));
    printf("  %s\n", buffer);
    TRY(getxattr("/tmp/a/f", "user.two", buffer, 2));
    TRY(getxattr("/tmp/a/f", "user.two", NULL, 0));
    TRY(getxattr("/tmp/a/f", "user.none", buffer, 5));
    TRY(getxattr("/tmp/a/f", "user.absent", buffer, 5));
    TRY(getxattr("/tmp/a/f", "user.", buffer, 5));
    TRY(getxattr("/tmp/a/f", "other.x", buffer, 5));
    TRY(getxattr("/tmp/a/f", "system.x", buffer, 5));
    TRY(setxattr("/tmp/a/f", "trusted.", "x", 1, 0));
    show_names("/tmp/a/f");
    TRY(listxattr("/tmp/a/f", buffer, 5));
    TRY(removexattr("/tmp/a/f", "user.one"));
    TRY(removexattr("/tmp/a/f", "user.one"));
    show_names("/tmp/a/f");
    TRY(rename("/tmp/a/f", "/tmp/a/g"));
    TRY(link("/tmp/a/g", "/tmp/a/f"));
    show_names("/tmp/a/f");
    memset(big, 'x', sizeof big);
    TRY(setxattr("/tmp/a/f", "user.big", big, 65536, 0));
    TRY(setxattr("/tmp/a/f", "user.big", big, 65537, 0));
    TRY(getxattr("/tmp/a/f", "user.big", big, sizeof big));
    TRY(getxattr("/tmp/a/f", "user.big", big, 65535));
    TRY(removexattr("/tmp/a/f", "user.big"));
}

static void many(void)
{
    char name[300] = "user.";
    int set = 0;
    file("/tmp/a/many", 0644);
    memset(name + 5, 'n', 240);
    for (int i = 0; i < 300; i++) {
        snprintf(name + 245, 10, "%d", i * 7 % 300);
        set += setxattr("/tmp/a/many", name, name + 245, strlen(name + 245), 0) == 0;
    }
    printf("%d of 300 set\n", set);
    TRY(listxattr("/tmp/a/many", NULL, 0) > 65536);
    TRY(listxattr("/tmp/a/many", big, 65535));
    TRY(listxattr("/tmp/a/many", big, sizeof big));
    for (int i = 0; i < 300; i++) {
        char value[10] = {0};
        snprintf(name + 245, 10, "%d", i);
        ssize_t n = getxattr("/tmp/a/many", name, value, sizeof value);
        set -= n == (ssize_t)strlen(name + 245) && strcmp(value, name + 245) == 0 &&
               (i % 3 == 0 || removexattr("/tmp/a/many", name) == 0);
    }
    printf("%d of 300 were wrong\n", set);
    TRY(listxattr("/tmp/a/many", NULL, 0) / 250);
    memset(name + 5, 'n', 251);
    name[255] = 0;
    TRY(setxattr("/tmp/a/many", name, "x", 1, 0));
    name[255] = 'n', name[256] = 0;
    TRY(setxattr("/tmp/a/many", name, "x", 1, 0));
}

static void kinds(void)
{
    char buffer[64] = {0};
    int pair[2];
    TRY(symlink("f", "/tmp/a/link"));
    TRY(mkfifo("/tmp/a/fifo", 0666));
    TRY(mkdir("/tmp/a/d", 0755));
    TRY(lsetxattr("/tmp/a/link", "user.x", "x", 1, 0));
    TRY(lgetxattr("/tmp/a/link", "user.x", buffer, 9));
    TRY(lsetxattr("/tmp/a/link", "trusted.x", "x", 1, 0));
    TRY(lsetxattr("/tmp/a/link", ACCESS, "\2\0\0", 4, 0));
    TRY(lgetxattr("/tmp/a/link", ACCESS, buffer, 9));
    TRY(llistxattr("/tmp/a/link", buffer, sizeof buffer));
    TRY(lremovexattr("/tmp/a/link", "trusted.x"));
    TRY(setxattr("/tmp/a/fifo", "user.x", "x", 1, 0));
    TRY(setxattr("/tmp/a/fifo", "security.x", "x", 1, 0));
    TRY(setxattr("/tmp/a/d", "user.x", "x", 1, 0));
    TRY(setxattr("/proc/self/comm", "trusted.x", "x", 1, 0));
    TRY(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    TRY(flistxattr(pair[0], buffer, sizeof buffer));
    printf("  %s\n", buffer);
    TRY(fgetxattr(pair[0], "system.sockprotoname", buffer, sizeof buffer));
    printf("  %s\n", buffer);
    TRY(fsetxattr(pair[0], "security.x", "x", 1, 0));
    close(pair[0]), close(pair[1]);
    int fd = open("/tmp/a/f", O_RDONLY);
    TRY(fsetxattr(fd, "user.fd", "x", 1, 0));
    TRY(fremovexattr(fd, "user.fd"));
    close(fd);
    fd = open("/tmp/a/f", O_PATH);
    TRY(fsetxattr(fd, "user.fd", "x", 1, 0));
    close(fd);
}

static int part_user(void *unused)
{
    char buffer[64];
    (void)unused;
    become(USER, USER);
    TRY(getxattr("/tmp/a/f", "user.two", buffer, 9));
    TRY(setxattr("/tmp/a/f", "user.two", "x", 1, 0));
    TRY(getxattr("/tmp/a/f", "trusted.t", buffer, 9));
    TRY(setxattr("/tmp/a/f", "trusted.t", "x", 1, 0));
    TRY(getxattr("/tmp/a/f", "security.s", buffer, 9));
    TRY(setxattr("/tmp/a/f", "security.s", "x", 1, 0));
    TRY(removexattr("/tmp/a/f", "security.s"));
    TRY(setxattr("/tmp/a/f", CAPABILITY, "\0\0\0\2aaaabbbbccccdddd", 20, 0));
    TRY(setxattr("/tmp/a/f", CAPABILITY, "\0\0\0\1aaaabbbbccccdddd", 20, 0));
    TRY(removexattr("/tmp/a/f", CAPABILITY));
    TRY(setxattr("/tmp/a/f", ACCESS, "\2\0\0", 4, 0));
    TRY(removexattr("/tmp/a/f", ACCESS));
    TRY(setxattr("/tmp/a/closed", "user.x", "x", 1, 0));
    TRY(getxattr("/tmp/a/closed", "user.x", buffer, 1));
    TRY(setxattr("/tmp/a/sticky", "user.x", "x", 1, 0));
    TRY(setxattr("/tmp/a/open", "user.x", "x", 1, 0));
    show_names("/tmp/a/f");
    _exit(0);
}

struct entry {
    unsigned short tag, may;
    unsigned id;
};
struct list {
    unsigned version;
    struct entry e[8];
};
#define LIST(...)                                                                                  \
    (const struct list)                                                                            \
    {                                                                                              \
        2,                                                                                         \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

static long set_list(const char *path, const char *name, struct list list)
{
    size_t n = 0;
    while (n < 8 && list.e[n].tag != 0)
        n++;
    return setxattr(path, name, &list, 4 + 8 * n, 0);
}

static void show_list(const char *path, const char *name)
{
    struct list list = {0};
    ssize_t n = getxattr(path, name, &list, sizeof list);
    printf("%s %04o, %s of %zd\n", path, mode_of(path), name, n);
    for (int i = 0; i * 8 + 4 < n; i++)
        printf("  tag %u, may %u, id %d\n", list.e[i].tag, list.e[i].may, (int)list.e[i].id);
}

struct reader {
    unsigned uid, gid;
    const char *path;
};

static int part_access(void *argument)
{
    const struct reader *r = argument;
    become(r->uid, r->gid);
    for (int may = 1; may < 8; may *= 2)
        printf(" %d", access(r->path, may) == 0 ? may : 0);
    printf(" for %u:%u\n", r->uid, r->gid);
    _exit(0);
}

static void show_access(const char *path)
{
    static const unsigned ids[][2] = {{USER, 1}, {1001, 1}, {1002, 50}, {1003, 0}, {1004, 3}};
    for (unsigned i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        struct reader r = {ids[i][0], ids[i][1], path};
        in_child(part_access, &r);
    }
}

static void lists(void)
{
    file("/tmp/a/l", 0640);
    TRY(set_list("/tmp/a/l", ACCESS, LIST({1, 6, 0}, {4, 4, 0}, {32, 1, 0})));
    show_list("/tmp/a/l", ACCESS);
    TRY(set_list("/tmp/a/l", ACCESS,
                 LIST({1, 6, 7}, {2, 7, USER}, {2, 1, 1001}, {4, 4, 0}, {8, 6, 50}, {16, 5, 0},
                      {32, 0, 0})));
    show_list("/tmp/a/l", ACCESS);
    show_access("/tmp/a/l");
    TRY(chmod("/tmp/a/l", 0727));
    show_list("/tmp/a/l", ACCESS);
    show_access("/tmp/a/l");
    TRY(chmod("/tmp/a/l", 0707));
    show_access("/tmp/a/l");
    show_names("/tmp/a/l");
    TRY(set_list("/tmp/a/l", ACCESS, LIST({1, 6, 0}, {2, 7, USER}, {4, 4, 0}, {32, 1, 0})));
    TRY(set_list("/tmp/a/l", ACCESS, LIST({1, 6, 0}, {4, 4, 0})));
    TRY(set_list("/tmp/a/l", ACCESS,
                 LIST({1, 6, 0}, {4, 4, 0}, {2, 6, 5}, {16, 6, 0}, {32, 1, 0})));
    TRY(set_list("/tmp/a/l", ACCESS, LIST({1, 6, 0}, {4, 4, 0}, {4, 4, 0}, {32, 1, 0})));
    TRY(set_list("/tmp/a/l", ACCESS, LIST({1, 8, 0}, {4, 4, 0}, {32, 1, 0})));
    TRY(set_list("/tmp/a/l", ACCESS, LIST({1, 6, 0}, {3, 4, 0}, {32, 1, 0})));
    TRY(set_list("/tmp/a/l", DEFAULT, LIST({1, 6, 0}, {4, 4, 0}, {32, 1, 0})));
    TRY(setxattr("/tmp/a/l", ACCESS, "\1\0\0", 4, 0));
    TRY(setxattr("/tmp/a/l", ACCESS, "\2\0\0\0\0", 5, 0));
    TRY(removexattr("/tmp/a/l", ACCESS));
    TRY(removexattr("/tmp/a/l", ACCESS));
    show_list("/tmp/a/l", ACCESS);
}

static void inheritance(void)
{
    TRY(mkdir("/tmp/a/dir", 0755));
    TRY(set_list("/tmp/a/dir", DEFAULT,
                 LIST({1, 7, 0}, {2, 6, USER}, {4, 5, 0}, {16, 7, 0}, {32, 1, 0})));
    umask(077);
    file("/tmp/a/dir/file", 0600);
    close(open("/tmp/a/dir/new", O_CREAT | O_RDWR, 0666));
    TRY(mkdir("/tmp/a/dir/sub", 0777));
    TRY(mkfifo("/tmp/a/dir/fifo", 0640));
    TRY(symlink("x", "/tmp/a/dir/link"));
    show_list("/tmp/a/dir/new", ACCESS);
    show_list("/tmp/a/dir/sub", ACCESS);
    show_list("/tmp/a/dir/sub", DEFAULT);
    show_list("/tmp/a/dir/fifo", ACCESS);
    show_access("/tmp/a/dir/new");
    TRY(set_list("/tmp/a/dir", DEFAULT, LIST({1, 7, 0}, {4, 5, 0}, {32, 4, 0})));
    close(open("/tmp/a/dir/plain", O_CREAT | O_RDWR, 0666));
    show_list("/tmp/a/dir/plain", ACCESS);
    TRY(removexattr("/tmp/a/dir", DEFAULT));
    close(open("/tmp/a/dir/masked", O_CREAT | O_RDWR, 0666));
    show_list("/tmp/a/dir/masked", ACCESS);
    umask(0);
}

/* ---- capabilities of files ---- */

static int role_sets(void)
{
    static const char *const lines[] = {"CapInh:", "CapPrm:", "CapEff:", "CapAmb:"};
    char line[256];
    FILE *f = fopen("/proc/self/status", "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        for (int i = 0; i < 4; i++)
            if (strncmp(line, lines[i], 7) == 0)
                fputs(line, stdout);
    printf("uid %u %u, secure %lu\n", getuid(), geteuid(), getauxval(AT_SECURE));
    return 0;
}

static long give(unsigned magic, unsigned permitted, unsigned inheritable)
{
    unsigned v[6] = {magic, permitted, inheritable};
    return setxattr("/tmp/a/program", CAPABILITY, v, magic >> 24 == 3 ? 24 : 20, 0);
}

static int part_execute(void *unused)
{
    char *argv[] = {"program", "sets", NULL};
    (void)unused;
    become(USER, USER);
    execve("/tmp/a/program", argv, environ);
    printf("execve: %s\n", strerror(errno));
    fflush(stdout);
    _exit(1);
}

static int part_bounded(void *unused)
{
    prctl(PR_CAPBSET_DROP, 5);
    return part_execute(unused);
}

static int part_no_new(void *unused)
{
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return part_execute(unused);
}

static void copy_program(void)
{
    int from = open(program, O_RDONLY), to = open("/tmp/a/program", O_CREAT | O_WRONLY, 0755);
    ssize_t n;
    while ((n = read(from, big, sizeof big)) > 0)
        if (write(to, big, (size_t)n) != n)
            perror("write");
    close(from), close(to);
}

static void capabilities(void)
{
    char value[64];
    copy_program();
    TRY(give(0x02000001, 1 << 5 | 1 << 12, 0));
    in_child(part_execute, NULL);
    in_child(part_bounded, NULL);
    in_child(part_no_new, NULL);
    TRY(give(0x02000000, 1 << 5, 1 << 6));
    in_child(part_execute, NULL);
    in_child(part_bounded, NULL);
    TRY(give(0x03000001, 1 << 6, 0));
    TRY(getxattr("/tmp/a/program", CAPABILITY, value, sizeof value));
    in_child(part_execute, NULL);
    TRY(chmod("/tmp/a/program", 04755));
    in_child(part_execute, NULL);
    TRY(chmod("/tmp/a/program", 0755));
    TRY(give(0x02000001, 1 << 5, 0));
    int fd = open("/tmp/a/program", O_WRONLY | O_APPEND);
    TRY(write(fd, "x", 1));
    close(fd);
    TRY(getxattr("/tmp/a/program", CAPABILITY, value, sizeof value));
    in_child(part_execute, NULL);
    TRY(give(0x02000001, 1 << 5, 0));
    TRY(chown("/tmp/a/program", 0, 0));
    TRY(getxattr("/tmp/a/program", CAPABILITY, value, sizeof value));
    TRY(give(0x02000001, 1 << 5, 0));
    in_child(part_execute, NULL);
    TRY(removexattr("/tmp/a/program", CAPABILITY));
    TRY(removexattr("/tmp/a/program", CAPABILITY));
    TRY(give(0x05000000, 1, 0));
    fflush(stdout);
}

int main(int argc, char **argv)
{
    program = argv[0][0] == '/' ? argv[0] : "/proc/self/exe";
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    if (argc > 1 && strcmp(argv[1], "sets") == 0)
        return role_sets();
    umask(0);
    mkdir("/tmp/a", 0777);
    values();
    many();
    kinds();
    file("/tmp/a/closed", 0600);
    mkdir("/tmp/a/sticky", 01777);
    mkdir("/tmp/a/open", 0777);
    in_child(part_user, NULL);
    lists();
    inheritance();
    capabilities();
    return 0;
}
