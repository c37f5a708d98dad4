/* SPDX-License-Identifier: MIT */
/*
 * The rights of a process (credentials(7), capabilities(7)): each part runs in a child, which gives up
 * rights by system calls of its own thread, and prints what it may still do. With "ids" as its first
 * argument the program is what a child executes, and prints the identity that it got.
 */
#define _GNU_SOURCE
#include "result.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRY(call)  result(#call, call)
#define STACK_SIZE (256 << 10)
#define USER       1000

/* linux/capability.h, which musl lacks */
enum {
    CAP_CHOWN = 0,
    CAP_DAC_OVERRIDE = 1,
    CAP_DAC_READ_SEARCH = 2,
    CAP_FOWNER = 3,
    CAP_FSETID = 4,
    CAP_KILL = 5,
    CAP_SETGID = 6,
    CAP_SETUID = 7,
    CAP_SETPCAP = 8,
    CAP_IPC_LOCK = 14,
    CAP_SYS_CHROOT = 18,
    CAP_SYS_ADMIN = 21,
    CAP_SYS_BOOT = 22,
    CAP_SYS_NICE = 23,
    CAP_SYS_RESOURCE = 24,
    CAP_MKNOD = 27
};

#define VERSION_3 0x20080522
struct capability_header {
    unsigned version;
    int pid;
};
struct capability_data {
    unsigned effective, permitted, inheritable;
};

extern char **environ;
static const char *program;
static char stack[STACK_SIZE] __attribute__((aligned(64)));

static int in_child(int (*part)(void *), void *argument, int flags)
{
    int status = -1;
    fflush(stdout);
    int pid = clone(part, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD | flags, argument);
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

struct sets {
    unsigned long effective, permitted, inheritable;
};

static void get_sets(struct sets *s)
{
    struct capability_header header = {.version = VERSION_3};
    struct capability_data data[2] = {{0}};
    syscall(SYS_capget, &header, data);
    s->effective = data[0].effective | (unsigned long)data[1].effective << 32;
    s->permitted = data[0].permitted | (unsigned long)data[1].permitted << 32;
    s->inheritable = data[0].inheritable | (unsigned long)data[1].inheritable << 32;
}

static long set_sets(unsigned long effective, unsigned long permitted, unsigned long inheritable)
{
    struct capability_header header = {.version = VERSION_3};
    struct capability_data data[2] = {
        {(unsigned)effective, (unsigned)permitted, (unsigned)inheritable},
        {(unsigned)(effective >> 32), (unsigned)(permitted >> 32), (unsigned)(inheritable >> 32)}};
    return syscall(SYS_capset, &header, data);
}

#define BIT(c) (1ul << (c))

static void show_sets(const char *name)
{
    struct sets s;
    get_sets(&s);
    printf("%s: effective %s, permitted %s, inheritable %lx\n", name,
           s.effective == 0             ? "none"
           : s.effective == s.permitted ? "as permitted"
                                        : "some",
           s.permitted == 0 ? "none" : "some", s.inheritable);
}

static void show_ids(const char *name)
{
    unsigned r, e, s, R, E, S;
    getresuid(&r, &e, &s);
    getresgid(&R, &E, &S);
    printf("%s: uid %u %u %u, gid %u %u %u\n", name, r, e, s, R, E, S);
}

/* Uid, Gid, Groups, the small capability sets and NoNewPrivs of /proc/self/status. */
static void show_status(void)
{
    char line[256];
    FILE *f = fopen("/proc/self/status", "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, "Uid:", 4) == 0 || strncmp(line, "Gid:", 4) == 0 ||
            strncmp(line, "Groups:", 7) == 0 || strncmp(line, "CapInh:", 7) == 0 ||
            strncmp(line, "CapAmb:", 7) == 0 || strncmp(line, "NoNewPrivs:", 11) == 0)
            fputs(line, stdout);
    if (f != NULL)
        fclose(f);
}

/* ---- what is executed ---- */

static int role_ids(void)
{
    show_ids("executed");
    printf("secure %lu, auxv %lu %lu %lu %lu\n", getauxval(AT_SECURE), getauxval(AT_UID),
           getauxval(AT_EUID), getauxval(AT_GID), getauxval(AT_EGID));
    printf("dumpable %d, keepcaps %d, securebits %x\n", prctl(PR_GET_DUMPABLE),
           prctl(PR_GET_KEEPCAPS), (unsigned)prctl(PR_GET_SECUREBITS));
    show_sets("executed");
    show_status();
    TRY(syscall(SYS_membarrier, 8, 0)); /* the registration has ended with the memory */
    return 0;
}

/* ---- files ---- */

static mode_t mode_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

static void make_file(const char *path, unsigned uid, unsigned gid, mode_t mode)
{
    int fd = open(path, O_CREAT | O_RDWR | O_TRUNC, 0600);
    if (fd < 0 || write(fd, "text", 4) != 4)
        perror(path);
    close(fd);
    if (chown(path, uid, gid) != 0 || chmod(path, mode) != 0)
        perror(path);
}

static void make_directory(const char *path, unsigned uid, unsigned gid, mode_t mode)
{
    if (mkdir(path, 0700) != 0 || chown(path, uid, gid) != 0 || chmod(path, mode) != 0)
        perror(path);
}

static void make_files(void)
{
    umask(0);
    make_directory("/tmp/r", 0, 0, 0777);
    make_directory("/tmp/r/group", 0, 200, 0770);
    make_directory("/tmp/r/sticky", 0, 0, 01777);
    make_directory("/tmp/r/set", 0, 300, 02777);
    make_directory("/tmp/r/closed", 0, 0, 0700);
    make_file("/tmp/r/g640", 0, 200, 0640);
    make_file("/tmp/r/g604", 0, 200, 0604);
    make_file("/tmp/r/own", USER, USER, 0644);
    make_file("/tmp/r/own070", USER, 200, 0070);
    make_file("/tmp/r/foreign", USER, 900, 0644);
    make_file("/tmp/r/root600", 0, 0, 0600);
    make_file("/tmp/r/user600", USER, USER, 0600);
    make_file("/tmp/r/sticky/roots", 0, 0, 0666);
}

static int part_groups(void *unused)
{
    unsigned groups[] = {300, 100, 200, 100}, got[8];
    (void)unused;
    TRY(syscall(SYS_setgroups, 4, groups));
    TRY(syscall(SYS_setgroups, 65537, groups));
    int n = (int)TRY(syscall(SYS_getgroups, 8, got));
    for (int i = 0; i < n; i++)
        printf("  %u\n", got[i]);
    TRY(syscall(SYS_getgroups, 3, got));
    syscall(SYS_setresgid, USER, USER, USER);
    syscall(SYS_setresuid, USER, USER, USER);
    TRY(syscall(SYS_setgroups, 0, groups));
    TRY(open("/tmp/r/g640", O_RDONLY) >= 0 ? 0 : -1);
    TRY(open("/tmp/r/g640", O_RDWR) >= 0 ? 0 : -1);
    TRY(open("/tmp/r/g604", O_RDONLY) >= 0 ? 0 : -1);
    TRY(open("/tmp/r/own070", O_RDONLY) >= 0 ? 0 : -1);
    TRY(open("/tmp/r/group/new", O_CREAT | O_RDWR, 0600) >= 0 ? 0 : -1);
    TRY(chown("/tmp/r/own", -1, 200));
    TRY(chown("/tmp/r/own", -1, 201));
    TRY(chown("/tmp/r/own", 0, -1));
    TRY(chown("/tmp/r/own", USER, -1));
    TRY(chown("/tmp/r/root600", -1, -1));
    TRY(chmod("/tmp/r/root600", 0644));
    TRY(chmod("/tmp/r/own", 06755));
    printf("  %o\n", mode_of("/tmp/r/own"));
    TRY(chmod("/tmp/r/foreign", 06755));
    printf("  %o\n", mode_of("/tmp/r/foreign"));
    int fd = open("/tmp/r/own", O_WRONLY);
    TRY(write(fd, "", 0));
    printf("  %o\n", mode_of("/tmp/r/own"));
    TRY(write(fd, "x", 1));
    printf("  %o\n", mode_of("/tmp/r/own"));
    TRY(chmod("/tmp/r/own", 02745));
    TRY(write(fd, "x", 1));
    printf("  %o\n", mode_of("/tmp/r/own"));
    TRY(chmod("/tmp/r/own", 04755));
    TRY(ftruncate(fd, 1));
    printf("  %o\n", mode_of("/tmp/r/own"));
    TRY(chmod("/tmp/r/own", 04755));
    TRY(truncate("/tmp/r/own", 9));
    printf("  %o\n", mode_of("/tmp/r/own"));
    TRY(chmod("/tmp/r/own", 06755));
    TRY(chown("/tmp/r/own", -1, 300));
    printf("  %o\n", mode_of("/tmp/r/own"));
    TRY(chmod("/tmp/r/own", 04755));
    TRY(close(open("/tmp/r/own", O_WRONLY | O_TRUNC)));
    printf("  %o\n", mode_of("/tmp/r/own"));
    close(fd);
    show_status();
    _exit(0);
}

static int part_directories(void *unused)
{
    (void)unused;
    struct stat st;
    become(USER, USER);
    TRY(unlink("/tmp/r/sticky/roots"));
    TRY(rename("/tmp/r/sticky/roots", "/tmp/r/sticky/x"));
    TRY(close(open("/tmp/r/sticky/mine", O_CREAT | O_RDWR, 0600)));
    TRY(rename("/tmp/r/sticky/mine", "/tmp/r/sticky/roots"));
    TRY(unlink("/tmp/r/sticky/mine"));
    TRY(mkdir("/tmp/r/set/sub", 0755));
    stat("/tmp/r/set/sub", &st);
    printf("  %o, group %u\n", st.st_mode & 07777, st.st_gid);
    TRY(mknod("/tmp/r/set/runs", S_IFREG | 02775, 0));
    stat("/tmp/r/set/runs", &st);
    printf("  %o, group %u\n", st.st_mode & 07777, st.st_gid);
    TRY(mknod("/tmp/r/set/locks", S_IFREG | 02765, 0));
    printf("  %o\n", mode_of("/tmp/r/set/locks"));
    umask(027);
    TRY(mkdir("/tmp/r/masked", 0777));
    printf("  %o\n", mode_of("/tmp/r/masked"));
    umask(0);
    TRY(mknod("/tmp/r/null", S_IFCHR | 0600, 0x103));
    TRY(mknod("/tmp/r/closed/null", S_IFCHR | 0600, 0x103));
    TRY(mknod("/tmp/r/own", S_IFCHR | 0600, 0x103));
    TRY(mknod("/tmp/r/pipe", S_IFIFO | 0600, 0));
    TRY(chdir("/tmp/r/closed"));
    TRY(chroot("/tmp/r/closed"));
    TRY(chroot("/tmp/r/missing"));
    TRY(chroot("/tmp/r"));
    TRY(link("/tmp/r/root600", "/tmp/r/link"));
    TRY(link("/tmp/r/own", "/tmp/r/link"));
    TRY(open("/tmp/r/own", O_RDONLY | O_NOATIME) >= 0 ? 0 : -1);
    TRY(open("/tmp/r/sticky/roots", O_RDONLY | O_NOATIME) >= 0 ? 0 : -1);
    _exit(0);
}

/* ---- capabilities ---- */

static long raise_hard_limit(void)
{
    struct rlimit low = {100, 100}, high = {100, 101};
    setrlimit(RLIMIT_NOFILE, &low);
    return setrlimit(RLIMIT_NOFILE, &high);
}

static long lock_page(void)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_MEMLOCK, &none);
    return mlock(stack, 4096);
}

static long set_foreign_group_bit(void)
{
    chmod("/tmp/r/root600", 02750);
    long kept = mode_of("/tmp/r/root600") & 02000;
    chmod("/tmp/r/root600", 0600);
    return kept ? 0 : -1;
}

static long realtime(void)
{
    struct sched_param p = {.sched_priority = 1};
    long r = sched_setscheduler(0, SCHED_FIFO, &p);
    p.sched_priority = 0;
    sched_setscheduler(0, SCHED_OTHER, &p);
    return r;
}

static const struct attempt {
    int capability;
    const char *name;
    int which;
} attempts[] = {
    {CAP_CHOWN, "chown", 0},
    {CAP_DAC_OVERRIDE, "write to another's file", 1},
    {CAP_DAC_OVERRIDE, "read of another's file", 2},
    {CAP_DAC_READ_SEARCH, "read of another's file", 2},
    {CAP_FOWNER, "chmod of another's file", 3},
    {CAP_FOWNER, "unlink in a sticky directory", 4},
    {CAP_FSETID, "chmod 02750", 5},
    {CAP_SETGID, "setgroups", 6},
    {CAP_SETGID, "setresgid", 7},
    {CAP_SETUID, "setresuid of the saved one", 8},
    {CAP_SETPCAP, "PR_CAPBSET_DROP", 9},
    {CAP_SETPCAP, "PR_SET_SECUREBITS", 10},
    {CAP_SYS_NICE, "setpriority -3", 11},
    {CAP_SYS_NICE, "SCHED_FIFO", 12},
    {CAP_SYS_RESOURCE, "a higher hard limit", 13},
    {CAP_SYS_CHROOT, "chroot", 14},
    {CAP_SYS_BOOT, "reboot with a wrong number", 15},
    {CAP_IPC_LOCK, "mlock", 16},
    {CAP_MKNOD, "mknod", 17},
    {CAP_SYS_ADMIN, "sethostname with a bad length", 18},
    {CAP_SETUID, "setfsuid", 19},
};

static long attempt(int which)
{
    unsigned group = 5;
    long r;
    switch (which) {
    case 0:
        return chown("/tmp/r/user600", USER, USER);
    case 1:
        return (r = open("/tmp/r/user600", O_WRONLY)) >= 0 ? close((int)r) : r;
    case 2:
        return (r = open("/tmp/r/user600", O_RDONLY)) >= 0 ? close((int)r) : r;
    case 3:
        return chmod("/tmp/r/user600", 0600);
    case 4:
        return unlink("/tmp/r/private/users");
    case 5:
        syscall(SYS_setresgid, -1, 77, -1);
        return set_foreign_group_bit();
    case 6:
        return syscall(SYS_setgroups, 1, &group);
    case 7:
        return syscall(SYS_setresgid, 1, 2, 3);
    case 8:
        return syscall(SYS_setresuid, -1, -1, 0x7777);
    case 9:
        return prctl(PR_CAPBSET_DROP, 40);
    case 10:
        return prctl(PR_SET_SECUREBITS, 1);
    case 11:
        return setpriority(PRIO_PROCESS, 0, -3);
    case 12:
        return realtime();
    case 13:
        return raise_hard_limit();
    case 14:
        return chroot("/");
    case 15:
        return syscall(SYS_reboot, 1, 2, 3, NULL);
    case 16:
        return lock_page();
    case 17:
        return mknod("/tmp/r/device", S_IFCHR | 0600, 0x103);
    case 18:
        return syscall(SYS_sethostname, "x", 65);
    default:
        syscall(SYS_setfsuid, 0x7777);
        r = syscall(SYS_setfsuid, 0);
        return r == 0x7777 ? 0 : -1;
    }
}

/* What uid 0 may do without one capability, and with all. */
static int part_attempt(void *argument)
{
    const struct attempt *a = argument;
    struct sets s;
    char name[64];
    get_sets(&s);
    unsigned long gone = BIT(a->capability);
    if (a->which == 2 && a->capability == CAP_DAC_OVERRIDE)
        gone |= BIT(CAP_DAC_READ_SEARCH);
    set_sets(s.effective & ~gone, s.permitted, s.inheritable);
    snprintf(name, sizeof name, "%s without %d", a->name, a->capability);
    errno = 0;
    result(name, attempt(a->which));
    set_sets(s.effective, s.permitted, s.inheritable);
    snprintf(name, sizeof name, "%s with it", a->name);
    errno = 0;
    if (a->capability != CAP_SYS_RESOURCE) /* which root of a container may lack */
        result(name, attempt(a->which));
    if (a->which == 17)
        unlink("/tmp/r/device");
    _exit(0);
}

static int part_capset(void *unused)
{
    (void)unused;
    struct sets s;
    get_sets(&s);
    TRY(set_sets(BIT(CAP_KILL), BIT(CAP_KILL) | BIT(CAP_CHOWN), BIT(CAP_CHOWN)));
    show_sets("capset");
    TRY(set_sets(BIT(CAP_FOWNER), BIT(CAP_KILL) | BIT(CAP_CHOWN), 0));
    TRY(set_sets(BIT(CAP_KILL), BIT(CAP_KILL) | BIT(CAP_FOWNER), 0));
    TRY(set_sets(BIT(CAP_KILL), BIT(CAP_KILL), BIT(CAP_FOWNER)));
    TRY(set_sets(BIT(CAP_CHOWN), BIT(CAP_KILL) | BIT(CAP_CHOWN), BIT(CAP_KILL)));
    TRY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
    TRY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));
    TRY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0));
    TRY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0));
    TRY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 41, 0, 0));
    TRY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 1, 0));
    TRY(prctl(PR_CAP_AMBIENT, 5, CAP_KILL, 0, 0));
    TRY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 1, 0, 0));
    show_status();
    TRY(set_sets(0, BIT(CAP_KILL), 0));
    show_status();
    TRY(prctl(PR_CAPBSET_READ, CAP_KILL));
    TRY(prctl(PR_CAPBSET_READ, 41));
    TRY(prctl(PR_CAPBSET_DROP, CAP_KILL));
    TRY(prctl(PR_SET_SECUREBITS, 0));
    TRY(prctl(PR_SET_KEEPCAPS, 2));
    TRY(prctl(PR_GET_DUMPABLE));
    _exit(0);
}

static int part_uids(void *argument)
{
    long how = (long)argument;
    if (how == 1)
        TRY(prctl(PR_SET_KEEPCAPS, 1));
    if (how == 2)
        TRY(prctl(PR_SET_SECUREBITS, 1 << 2 | 1 << 5));
    if (how == 2)
        TRY(prctl(PR_SET_KEEPCAPS, 1));
    TRY(prctl(PR_GET_KEEPCAPS));
    TRY(prctl(PR_GET_SECUREBITS));
    syscall(SYS_setresuid, -1, USER, -1);
    show_sets("effective user");
    TRY(prctl(PR_GET_DUMPABLE));
    syscall(SYS_setresuid, -1, 0, -1);
    show_sets("back");
    TRY(syscall(SYS_setreuid, 5, 6));
    show_ids("setreuid");
    TRY(syscall(SYS_setuid, -1));
    TRY(syscall(SYS_setuid, 5));
    TRY(syscall(SYS_setuid, 7));
    show_ids("setuid");
    show_sets("for good");
    _exit(0);
}

/* ---- exec ---- */

struct exec {
    const char *path;
    int what; /* before the exec */
};

static int part_exec(void *argument)
{
    const struct exec *e = argument;
    char *argv[] = {(char *)e->path, "ids", NULL};
    switch (e->what) {
    case 1:
        become(USER, USER);
        break;
    case 2:
        syscall(SYS_setresuid, -1, USER, -1);
        break;
    case 3:
        become(USER, USER);
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        break;
    case 4: /* an ambient capability */
        prctl(PR_SET_KEEPCAPS, 1);
        become(USER, USER);
        set_sets(BIT(CAP_KILL), BIT(CAP_KILL), BIT(CAP_KILL));
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0);
        break;
    case 5: /* permitted only: lost */
        prctl(PR_SET_KEEPCAPS, 1);
        become(USER, USER);
        break;
    case 6:
        prctl(PR_SET_SECUREBITS, 1);
        break;
    default:
        break;
    }
    printf("exec of %s as %d\n", e->path, e->what);
    fflush(stdout);
    execve(e->path, argv, environ);
    perror("execve");
    fflush(stderr);
    _exit(127);
}

static void copy_program(const char *to, unsigned uid, unsigned gid, mode_t mode)
{
    char bytes[65536];
    ssize_t n;
    int in = open(program, O_RDONLY), out = open(to, O_CREAT | O_WRONLY, 0700);
    while ((n = read(in, bytes, sizeof bytes)) > 0)
        if (write(out, bytes, (size_t)n) != n)
            perror(to);
    close(in);
    close(out);
    if (chown(to, uid, gid) != 0 || chmod(to, mode) != 0)
        perror(to);
}

static void executions(void)
{
    copy_program("/tmp/r/plain", 0, 0, 0755);
    copy_program("/tmp/r/setuid", 0, 0, 04755);
    copy_program("/tmp/r/setboth", 55, 66, 06755);
    copy_program("/tmp/r/locks", 0, 66, 02745);
    copy_program("/tmp/r/unreadable", 0, 0, 0111);
    copy_program("/tmp/r/forbidden", 0, 0, 0600);
    make_file("/tmp/r/script", 0, 0, 06755);
    int fd = open("/tmp/r/script", O_WRONLY | O_TRUNC);
    if (write(fd, "#!/tmp/r/plain ids\n", 19) != 19)
        perror("script");
    close(fd);
    chmod("/tmp/r/script", 06755);
    static struct exec all[] = {
        {"/tmp/r/plain", 0},      {"/tmp/r/plain", 1},     {"/tmp/r/plain", 2},
        {"/tmp/r/plain", 4},      {"/tmp/r/plain", 5},     {"/tmp/r/plain", 6},
        {"/tmp/r/setuid", 1},     {"/tmp/r/setuid", 3},    {"/tmp/r/setuid", 4},
        {"/tmp/r/setuid", 6},     {"/tmp/r/setboth", 0},   {"/tmp/r/setboth", 1},
        {"/tmp/r/locks", 1},      {"/tmp/r/script", 1},    {"/tmp/r/unreadable", 1},
        {"/tmp/r/unreadable", 0}, {"/tmp/r/forbidden", 0},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        printf("status %x\n", in_child(part_exec, &all[i], 0));
    /* Others see the same root and working directory: no new user. */
    printf("status %x\n", in_child(part_exec, &all[6], CLONE_FS | CLONE_FILES));
    int kept = open("/dev/null", O_RDONLY | O_CLOEXEC);
    in_child(part_exec, &all[1], CLONE_FILES);
    truth("descriptors stay when a child that shares them executes", fcntl(kept, F_GETFD) >= 0);
    in_child(part_exec, &all[1], CLONE_FILES | CLONE_FS);
    truth("and its directory", fcntl(kept, F_GETFD) >= 0);
    close(kept);
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    if (argc > 1 && strcmp(argv[1], "ids") == 0)
        return role_ids();
    static char path[256];
    if (readlink("/proc/self/exe", path, sizeof path - 1) < 0)
        perror("exe");
    program = path;
    TRY(syscall(SYS_membarrier, 8, 0));
    TRY(syscall(SYS_membarrier, 16, 0));
    TRY(syscall(SYS_membarrier, 8, 0));
    TRY(syscall(SYS_membarrier, 256, 0));
    TRY(syscall(SYS_membarrier, 128, 1, 0));
    setgroups(0, NULL);
    make_files();
    make_directory("/tmp/r/private", USER, 0, 01777);
    make_file("/tmp/r/private/users", USER, 0, 0666);
    for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++)
        in_child(part_attempt, (void *)&attempts[i], 0);
    in_child(part_groups, NULL, 0);
    in_child(part_directories, NULL, 0);
    in_child(part_capset, NULL, 0);
    for (long how = 0; how < 3; how++)
        in_child(part_uids, (void *)how, 0);
    show_ids("the parent");
    show_sets("the parent");
    executions();
    return 0;
}
