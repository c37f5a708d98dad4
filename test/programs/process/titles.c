/* SPDX-License-Identifier: MIT */
/*
 * Where a program says its parts are (PR_SET_MM), and the title that it writes over its arguments, as /proc shows them;
 * the files of /proc/self/ns, and joining what they stand for. Needs root. With "parts" it sets one part after the other, for
 * which a container's root has no right; with "port" it binds to port 80 as a user, with
 * "listen" it connects to itself by a queue of the largest length.
 */
#define _GNU_SOURCE
#include "result.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRY(call) result(#call, call)
#define PAGE      4096

struct map { /* struct prctl_mm_map */
    uint64_t start_code, end_code, start_data, end_data, start_brk, brk, start_stack, arg_start,
        arg_end, env_start, env_end;
    uint64_t auxv;
    uint32_t auxv_size, exe_fd;
};

static void show(const char *label, const char *path)
{
    char text[256];
    int fd = open(path, O_RDONLY);
    ssize_t size = read(fd, text, sizeof text);
    close(fd);
    printf("%s: %zd bytes \"", label, size);
    for (ssize_t i = 0; i < size; i++)
        putchar(text[i] != 0 ? text[i] : '|');
    printf("\"\n");
}

static long set(int option, const void *at)
{
    return prctl(PR_SET_MM, option, at, 0, 0);
}

/* The numbers of /proc/self/stat from the 26th on: start_code, end_code, start_stack; 45 to 51: data, brk, arguments, environment. */
static void read_stat(uint64_t *words)
{
    char text[1024];
    int fd = open("/proc/self/stat", O_RDONLY);
    text[read(fd, text, sizeof text - 1)] = 0;
    close(fd);
    char *at = strrchr(text, ')') + 2;
    for (int i = 3; i <= 51; i++) {
        words[i] = strtoull(at, &at, 10);
        if (i == 3)
            at++;
    }
}

static void words_of_stat(void)
{
    uint64_t w[52] = {0};
    read_stat(w);
    uint64_t here = (uint64_t)(uintptr_t)words_of_stat;
    static char datum = 1;
    truth("code", w[26] <= here && here < w[27]);
    truth("data", w[45] <= (uintptr_t)&datum && (uintptr_t)&datum < w[46] + PAGE);
    truth("heap", w[47] <= (uintptr_t)sbrk(0));
    truth("order", w[48] < w[49] && w[49] <= w[50] && w[50] < w[51]);
}

/* Each in a process of its own. */
static void apart(const char *name, void (*work)(char *text), char *text)
{
    printf("-- %s\n", name);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        work(text);
        fflush(stdout);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
}

static char *first_argument;
static size_t arguments_size; /* as long as nothing is changed */

static void title_longer(char *text)
{
    (void)text;
    memset(first_argument, 'x', arguments_size + 5); /* into the environment */
    first_argument[arguments_size + 5] = 0;
    show("longer", "/proc/self/cmdline");
}

static void title_shorter(char *text)
{
    (void)text;
    memset(first_argument, 0, arguments_size);
    strcpy(first_argument, "short");
    show("shorter", "/proc/self/cmdline");
}

static void set_parts(char *text)
{
    strcpy(text, "one");
    strcpy(text + 4, "two");
    TRY(set(PR_SET_MM_ARG_START, text)); /* its end lies below */
    TRY(set(PR_SET_MM_ARG_END, text + 8));
    TRY(set(PR_SET_MM_ARG_START, text));
    show("arguments", "/proc/self/cmdline");
    strcpy(text + 100, "A=1");
    TRY(set(PR_SET_MM_ENV_START, text + 100));
    TRY(set(PR_SET_MM_ENV_END, text + 104));
    TRY(set(PR_SET_MM_ENV_START, text + 100));
    show("environment", "/proc/self/environ");
    TRY(set(PR_SET_MM_ARG_END, (void *)16));
    TRY(set(PR_SET_MM_ARG_END, (void *)(UINT64_C(1) << 62)));
    TRY(set(PR_SET_MM_ENV_START, text + 200));
    TRY(set(99, text));
    TRY(set(0, text));
    TRY(prctl(PR_SET_MM, PR_SET_MM_ARG_END, text, 1, 0));
    TRY(prctl(PR_SET_MM, PR_SET_MM_ARG_END, text, 0, 1));
    uint64_t auxv[4] = {6, PAGE, 0, 0}, size = 0;
    TRY(prctl(PR_SET_MM, PR_SET_MM_AUXV, auxv, sizeof auxv, 0));
    uint64_t read_back[2] = {0};
    int fd = open("/proc/self/auxv", O_RDONLY);
    size = (uint64_t)read(fd, read_back, sizeof read_back);
    close(fd);
    printf("auxv %ld %ld %ld\n", (long)size, (long)read_back[0], (long)read_back[1]);
    TRY(prctl(PR_SET_MM, PR_SET_MM_AUXV, auxv, 1 << 20, 0));
    TRY(prctl(PR_SET_MM, PR_SET_MM_AUXV, NULL, 16, 0));
    TRY(set(PR_SET_MM_EXE_FILE, (void *)99));
    int self = open("/proc/self/exe", O_RDONLY);
    TRY(set(PR_SET_MM_EXE_FILE, (void *)(intptr_t)self)); /* it is mapped */
}

static void set_map(char *text)
{
    unsigned int size = 0;
    uint64_t w[52] = {0};
    TRY(prctl(PR_SET_MM, PR_SET_MM_MAP_SIZE, &size, 0, 0));
    printf("%u\n", size);
    read_stat(w);
    strcpy(text, "by map");
    struct map map = {.start_code = w[26],
                      .end_code = w[27],
                      .start_data = w[45],
                      .end_data = w[46],
                      .start_brk = w[47],
                      .brk = (uintptr_t)sbrk(0),
                      .start_stack = w[28],
                      .arg_start = (uintptr_t)text,
                      .arg_end = (uintptr_t)text + 7,
                      .env_start = w[50],
                      .env_end = w[51],
                      .exe_fd = UINT32_MAX};
    TRY(prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map - 8, 0));
    TRY(prctl(PR_SET_MM, PR_SET_MM_MAP, NULL, sizeof map, 0));
    TRY(prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0));
    show("arguments", "/proc/self/cmdline");
    map.arg_end = map.arg_start - 1;
    TRY(prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0));
    map.arg_end = map.arg_start + 7;
    map.end_code = map.start_code;
    TRY(prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0));
    map.end_code = w[27];
    map.auxv_size = 16;
    TRY(prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0));
    truth("brk", sbrk(0) == (void *)map.brk && sbrk(PAGE) != (void *)-1);
    TRY(setuid(1000));
    map.auxv_size = 0;
    TRY(prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0));
}

static void join(char *text)
{
    static const char *const kinds[] = {"cgroup", "ipc", "mnt", "net", "pid", "uts", "user"};
    (void)text;
    struct stat first, second;
    struct statfs fs;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char path[64];
        sprintf(path, "/proc/self/ns/%s", kinds[i]);
        int fd = open(path, O_RDONLY);
        printf("%s: type %#x\n", kinds[i], ioctl(fd, 0xb703));
        fstat(fd, &first);
        sprintf(path, "/proc/%d/ns/%s", getppid(), kinds[i]);
        stat(path, &second);
        truth("the same", first.st_ino == second.st_ino && first.st_dev == second.st_dev);
        fstatfs(fd, &fs);
        printf("magic %lx\n", (unsigned long)fs.f_type);
        TRY(setns(fd, 0));
        TRY(setns(fd, CLONE_NEWPID));
        TRY(read(fd, path, 1));
        TRY(ioctl(fd, 0xb70f));
        close(fd);
    }
    TRY(setns(99, 0));
    TRY(setns(1, 0));
    int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
    TRY(setns(self, 0));
    TRY(setns(self, CLONE_NEWUTS | CLONE_NEWIPC));
    TRY(setns(self, CLONE_NEWUTS | CLONE_VM));
}

static void punch(char *text)
{
    struct stat s;
    int fd = memfd_create("punched", 0);
    TRY(fallocate(fd, 0, 0, 6));
    TRY(fallocate(fd, FALLOC_FL_KEEP_SIZE, PAGE, 2 * PAGE));
    fstat(fd, &s);
    printf("%ld bytes, %ld blocks\n", (long)s.st_size, (long)s.st_blocks);
    TRY(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
    fstat(fd, &s);
    printf("%ld bytes, %ld blocks\n", (long)s.st_size, (long)s.st_blocks);
    TRY(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2 * PAGE, PAGE));
    fstat(fd, &s);
    printf("%ld bytes, %ld blocks\n", (long)s.st_size, (long)s.st_blocks);
    (void)text;
}

int main(int argc, char **argv)
{
    char *text = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    first_argument = argv[0];
    arguments_size = (size_t)(argv[argc - 1] + strlen(argv[argc - 1]) + 1 - argv[0]);
    if (argc == 2 && strcmp(argv[1], "parts") == 0) {
        set_parts(text);
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "port") == 0) {
        const struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(80)};
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (setuid(1000) == 0)
            result("bind", bind(fd, (const struct sockaddr *)&at, sizeof at));
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "listen") == 0) {
        struct sockaddr_in at = {.sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                 .sin_port = htons(8000)};
        int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
        (void)!bind(server, (const struct sockaddr *)&at, sizeof at);
        result("listen", listen(server, 65535));
        result("connect", connect(client, (const struct sockaddr *)&at, sizeof at));
        return 0;
    }
    words_of_stat();
    apart("longer", title_longer, text);
    apart("shorter", title_shorter, text);
    apart("map", set_map, text);
    apart("join", join, text);
    apart("punch", punch, text);
    return 0;
}
