/* SPDX-License-Identifier: MIT */
/*
 * paths SEED STEPS: thousands of pseudo-random operations on a few names, each with its result,
 * because paths, links, directories and open files combine in too many ways to list.
 */
#define _GNU_SOURCE
#include "result.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FILES 5

static uint64_t state;
static ino_t outside[2]; /* directories with entries of others */
static int files[FILES];

static unsigned draw(unsigned below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33) % below;
}

static const char *path(char *to)
{
    static const char *const parts[] = {"a", "b", "c", "d", "..", ".", "a", "b"};
    unsigned count = draw(3) + 1;
    to[0] = '\0';
    if (draw(40) == 0)
        return to;
    while (count-- > 0) {
        strcat(to, parts[draw(8)]);
        if (count > 0 || draw(6) == 0)
            strcat(to, draw(20) ? "/" : "//");
    }
    return to;
}

static void say(int step, const char *what, const char *a, const char *b, long value)
{
    printf("%d %s %s %s: %ld %d\n", step, what, a, b, value, value < 0 ? errno : 0);
}

static void show_stat(int step, const char *a, int flags)
{
    struct stat s;
    int e = fstatat(AT_FDCWD, a, &s, flags);
    say(step, flags ? "lstat" : "stat", a, "", e);
    if (e != 0)
        return;
    if (s.st_ino == outside[0] || s.st_ino == outside[1])
        return;
    printf("  %o %ld", s.st_mode, (long)s.st_nlink);
    if (!S_ISDIR(s.st_mode))
        printf(" %ld", (long)s.st_size);
    printf("\n");
}

static void open_file(int step, const char *a)
{
    static const int flags[] = {O_RDONLY,
                                O_RDWR | O_CREAT,
                                O_WRONLY | O_CREAT | O_EXCL,
                                O_RDWR | O_TRUNC,
                                O_WRONLY | O_APPEND | O_CREAT,
                                O_RDONLY | O_DIRECTORY,
                                O_PATH | O_NOFOLLOW,
                                O_RDONLY | O_NOFOLLOW,
                                O_WRONLY | O_CREAT | O_NOFOLLOW,
                                O_PATH | O_DIRECTORY};
    unsigned which = draw(10), slot = draw(FILES);
    int fd = open(a, flags[which] | O_NONBLOCK, 0666);
    printf("%d open %s %u: %d %d\n", step, a, which, fd < 0 ? -1 : 0, fd < 0 ? errno : 0);
    if (fd < 0)
        return;
    close(files[slot]);
    files[slot] = fd;
}

static void use_file(int step, int fd)
{
    static const char text[3000] = "some text";
    struct stat s;
    char back[3000];
    unsigned kind = draw(9);
    long offset = draw(9000), size = draw(3000), value = 0;
    switch (kind) {
    case 0:
        value = write(fd, text, (size_t)size);
        break;
    case 1:
        value = read(fd, back, (size_t)size);
        break;
    case 2:
        value = pwrite(fd, text, (size_t)size, offset);
        break;
    case 3:
        value = pread(fd, back, (size_t)size, offset);
        break;
    case 4:
        value = ftruncate(fd, offset);
        break;
    case 5:
        /* The end offset of a directory differs between file systems. */
        value = lseek(fd, offset - 100,
                      fstat(fd, &s) == 0 && S_ISREG(s.st_mode) ? (int)draw(3) : SEEK_SET);
        break;
    case 6:
        value = fcntl(fd, F_GETFL);
        break;
    case 7:
        value = fchmod(fd, 0600 | (mode_t)draw(0100));
        break;
    default:
        value = fchdir(fd);
    }
    printf("%d use %u: %ld %d\n", step, kind, value, value < 0 ? errno : 0);
}

static void two_paths(int step, unsigned kind, const char *a, const char *b)
{
    static const unsigned flags[] = {0, 0, 0, 1, 2, 3};
    unsigned flag = flags[draw(6)];
    switch (kind) {
    case 0:
        say(step, "rename", a, b, syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, flag));
        printf("  flags %u\n", flag);
        break;
    case 1:
        say(step, "link", a, b, linkat(AT_FDCWD, a, AT_FDCWD, b, draw(2) ? AT_SYMLINK_FOLLOW : 0));
        break;
    default:
        say(step, "symlink", a, b, symlink(a, b));
    }
}

static void one_path(int step, unsigned kind, const char *a)
{
    char text[300] = "";
    switch (kind) {
    case 0:
        say(step, "mkdir", a, "", mkdir(a, 0777));
        break;
    case 1:
        say(step, "mknod", a, "", mknod(a, S_IFREG | 0644, 0));
        break;
    case 2:
        say(step, "unlink", a, "", unlink(a));
        break;
    case 3:
        say(step, "rmdir", a, "", rmdir(a));
        break;
    case 4:
        say(step, "chdir", a, "", chdir(a));
        break;
    case 5:
        say(step, "truncate", a, "", truncate(a, draw(5000)));
        break;
    case 6:
        say(step, "readlink", a, "", readlink(a, text, sizeof text - 1));
        printf("  %s\n", text);
        break;
    case 7:
        say(step, "access", a, "", access(a, (int)draw(9)));
        break;
    case 8:
        say(step, "chmod", a, "", chmod(a, 0600 | draw(0100)));
        break;
    default:
        show_stat(step, a, draw(2) ? AT_SYMLINK_NOFOLLOW : 0);
    }
}

int main(int argc, char **argv)
{
    static char name[] = "/tmp/paths";
    state = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    int steps = argc > 2 ? atoi(argv[2]) : 1000;
    struct stat s;
    umask(022);
    mkdir("/tmp", 0777);
    if (mkdir(name, 0777) != 0 || chdir(name) != 0)
        return 1;
    outside[0] = stat("/", &s) == 0 ? s.st_ino : 0;
    outside[1] = stat("/tmp", &s) == 0 ? s.st_ino : 0;
    for (int i = 0; i < FILES; i++)
        files[i] = -1;
    for (int step = 0; step < steps; step++) {
        if (argc > 3 && step == steps / 2)
            say(step, "setuid", "", "", setgid(1000) | setuid((uid_t)atoi(argv[3])));
        char a[64], b[64];
        path(a);
        path(b);
        switch (draw(5)) {
        case 0:
            two_paths(step, draw(3), a, b);
            break;
        case 1:
            open_file(step, a);
            break;
        case 2:
            use_file(step, files[draw(FILES)]);
            break;
        default:
            one_path(step, draw(10), a);
        }
        /* Returns to the folder with the names, before `..` leads away from them. */
        if (step % 50 == 49)
            say(step, "home", "", "", chdir(name));
    }
    return 0;
}
