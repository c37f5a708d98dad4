/* SPDX-License-Identifier: MIT */
/* One boot: QEMU's options, the clock, and the search for marks in the serial output. */
#include "bench/bench_machine.h"
#include "host/fail.h"
#include "host/host_tsc.h"
#include "image/date.h"
#include "image/iso.h"
#include "image/pack.h"
#include "image/program.h"
#include "image/tree.h"
#include "image/words.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SEABIOS_DEBUG_PORT "0x402"
#define OUTPUT_MAX         (1u << 20) /* more than any output before the last mark */
#define FIGURES_MAX        256        /* lines of one boot */
#define COUNTED_HZ         1000000000 /* of the TSC with -icount shift=0: nanoseconds */

const char *bench_system_name(enum bench_system system)
{
    return system == BENCH_OURO ? "Ouro" : "Linux";
}

const char *bench_series(enum bench_system system, bool counted)
{
    if (system == BENCH_OURO)
        return counted ? SERIES_OURO_INSTRUCTIONS : SERIES_OURO;
    return counted ? SERIES_LINUX_INSTRUCTIONS : SERIES_LINUX;
}

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Processor time of all children that have ended. */
static double children_ms(void)
{
    struct rusage used;
    getrusage(RUSAGE_CHILDREN, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e3 +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e3;
}

/* Packs the files of this computer that match the pattern. */
static void pack_matches(struct tree *tree, const char *pattern)
{
    glob_t found;
    if (tree_has_sysroot()) {
        program_pack_with(tree, pattern);
        return;
    }
    if (glob(pattern, 0, NULL, &found) != 0)
        fail(STATUS_FAILED, "no file matches %s", pattern);
    for (size_t i = 0; i < found.gl_pathc; i++)
        program_pack_with(tree, found.gl_pathv[i]);
    globfree(&found);
}

/* Packs a file, or the files of a folder. */
static void pack_file(struct tree *tree, const char *place, const char *file)
{
    DIR *folder = opendir(file);
    const struct dirent *entry;
    if (!folder)
        tree_add_file(tree, place, file);
    while (folder && (entry = readdir(folder)) != NULL) {
        char *from = string_format("%s/%s", file, entry->d_name);
        char *to = string_format("%s/%s", place, entry->d_name);
        if (entry->d_type == DT_REG)
            tree_add_file(tree, to, from);
        free(from);
        free(to);
    }
    if (folder)
        closedir(folder);
}

char *bench_archive(const char *init, const char *const (*files)[2])
{
    static unsigned archives;
    struct tree tree = {0};
    char *name = string_format("bench%u.cpio", archives++), *archive = guard_path(name);
    tree_load(&tree, NULL);
    tree_add_file(&tree, "/init", init);
    for (; files && (*files)[0]; files++)
        if ((*files)[1])
            pack_file(&tree, (*files)[0], (*files)[1]);
        else
            pack_matches(&tree, (*files)[0]);
    date_choose(&tree);
    pack_tree(&tree, archive, 0, 0);
    free(name);
    return archive;
}

/* The kernel words of a boot. On both systems the log is quiet. linux_line() also disables
 * exception-trace: Linux would log each handled fault of PID 1, which Ouro does not. */
static void ouro_words(const struct bench_boot *boot, struct args *words)
{
    struct args argv = {0};
    args_add(words, "console=ttyS0");
    args_add(words, "init=/init");
    /* As `./ouro run` has it for programs without sockets. */
    args_add(words, boot->network ? network_word(boot->network) : NETWORK_WORD_NONE);
    args_add(words, emulator_exit_word(EMULATOR_QEMU));
    args_add(&argv, "/init");
    if (boot->program)
        args_all(&argv, boot->program);
    words_list(words, "argv", argv.item, argv.count);
    if (boot->counted)
        args_add(words, "norandmaps"); /* the same count each time */
    uint64_t tsc_hz = boot->counted ? COUNTED_HZ : host_tsc_hz();
    if (tsc_hz != 0) /* as ouro run */
        args_format(words, "tsc=%llu", (unsigned long long)tsc_hz);
    if (boot->words)
        words_typed(words, boot->words);
    args_free(&argv);
}

static char *linux_line(const struct bench_boot *boot)
{
    struct text line = {0};
    text_string(&line, "console=ttyS0 quiet panic=-1 rdinit=/init sysctl.debug.exception-trace=0");
    if (boot->counted)
        text_string(&line, " nokaslr norandmaps");
    if (boot->words)
        text_format(&line, " %s", boot->words);
    if (boot->program)
        text_string(&line, " --");
    for (const char *const *word = boot->program; word && *word; word++)
        text_format(&line, strchr(*word, ' ') ? " \"%s\"" : " %s", *word);
    return line.bytes;
}

char *bench_image(const struct bench_boot *boot)
{
    char *name = string_format("%s.iso", bench_series(boot->system, false));
    char *image = guard_path(name);
    if (boot->system == BENCH_OURO) {
        struct args words = {0};
        ouro_words(boot, &words);
        iso_make(boot->kernel, boot->archive, &words, image);
        args_free(&words);
    } else {
        char *line = linux_line(boot);
        char *config = string_format("set timeout=0\n"
                                     "insmod all_video\n"
                                     "linux /boot/vmlinuz %s\n"
                                     "initrd /boot/root.cpio\n"
                                     "boot\n",
                                     line);
        const struct iso_content content = {.config = config,
                                            .kernel = boot->kernel,
                                            .kernel_name = "vmlinuz",
                                            .loader_module = "linux",
                                            .archive = boot->archive};
        iso_build(&content, image);
        free(config);
        free(line);
    }
    free(name);
    return image;
}

/* Records the time of marks that are new in the output. True once the last mark is there. */
static bool note_marks(struct bench_seen *seen, double ms)
{
    for (size_t i = 0; i < seen->marks && seen->output.bytes; i++)
        if (seen->at[i] < 0 && strstr(seen->output.bytes, seen->mark[i]))
            seen->at[i] = ms;
    return seen->at[seen->marks - 1] >= 0;
}

/* Replaces NULs, which firmware may send and which would end the text. */
static void add_output(struct text *output, char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] == '\0')
            bytes[i] = ' ';
    if (output->length < OUTPUT_MAX)
        text_add(output, bytes, size);
}

/* Reads the machine's output until the last mark, the end of the connection, or the time limit. */
static void watch(int serial, int log, double started, double limit, struct bench_seen *seen)
{
    struct pollfd fds[] = {{serial, POLLIN, 0}, {log, POLLIN, 0}};
    char bytes[4096];
    for (;;) {
        double left = started + limit * 1e3 - now_ms();
        if (left <= 0 || (poll(fds, ARRAY_LENGTH(fds), (int)left + 1) < 0 && errno != EINTR))
            return;
        double ms = now_ms() - started;
        for (size_t i = 0; i < ARRAY_LENGTH(fds); i++) {
            if (fds[i].fd < 0 || !fds[i].revents)
                continue;
            ssize_t got = read(fds[i].fd, bytes, sizeof bytes);
            if (got <= 0 && i == 0)
                return;
            if (got > 0)
                add_output(&seen->output, bytes, (size_t)got);
        }
        if (note_marks(seen, ms))
            return;
    }
}

/* A named pipe into which QEMU writes the output of the firmware's debug port. */
static int firmware_pipe(struct args *qemu)
{
    char *path = guard_path("firmware-log");
    unlink(path);
    if (mkfifo(path, 0600) != 0)
        fail_errno("cannot create %s", path);
    int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        fail_errno("cannot open %s", path);
    args_add(qemu, "-chardev");
    args_format(qemu, "file,id=firmware,path=%s", path);
    args_add(qemu, "-device");
    args_add(qemu, "isa-debugcon,iobase=" SEABIOS_DEBUG_PORT ",chardev=firmware");
    free(path);
    return fd;
}

bool bench_run(const struct bench_boot *boot, struct bench_seen *seen)
{
    static const char *const counted[] = {"-icount", "shift=0,sleep=off", "-rtc",
                                          "base=2026-01-01,clock=vm", NULL};
    static const char *const waits[] = {"-icount", "shift=0,sleep=on", NULL};
    struct args qemu = {0}, words = {0};
    struct emulator emulator;
    char *line = NULL;
    int log = boot->firmware_log ? firmware_pipe(&qemu) : -1;
    if (boot->counted)
        args_all(&qemu, boot->network || boot->disks ? waits : counted);
    if (boot->qemu)
        args_all(&qemu, boot->qemu);
    if (boot->medium == MEDIUM_DIRECT && boot->system == BENCH_OURO) {
        ouro_words(boot, &words);
        line = words_line(&words);
    } else if (boot->medium == MEDIUM_DIRECT) {
        line = linux_line(boot);
    }
    const struct machine machine = {.firmware = boot->firmware,
                                    .medium = boot->medium,
                                    .chipset = boot->chipset,
                                    .memory = boot->memory,
                                    .cpus = boot->cpus,
                                    .image = boot->image,
                                    .kernel = boot->kernel,
                                    .archive = boot->archive,
                                    .line = line,
                                    .network = boot->network ? *boot->network : (struct network){0},
                                    .disks =
                                        boot->disks ? *boot->disks : (struct disks){.count = 0},
                                    .qemu_args = &qemu};
    seen->output = (struct text){0};
    for (size_t i = 0; i < seen->marks; i++)
        seen->at[i] = -1;
    double started = now_ms(), processor = children_ms();
    emulator_start(&machine, &emulator);
    watch(emulator.serial, log, started, boot->limit, seen);
    if (boot->run && seen->at[seen->marks - 1] >= 0)
        boot->run(boot->context, emulator.child.pid);
    emulator_end(&emulator);
    seen->processor_ms = children_ms() - processor;
    if (log >= 0)
        close(log);
    free(line);
    args_free(&words);
    args_free(&qemu);
    return seen->at[seen->marks - 1] >= 0;
}

struct said {
    char name[48], unit[16];
    double value;
};

/* The next "figure NAME UNIT VALUE" at or after *at, which advances; false at the end. "n/a" is
 * skipped. */
static bool next_figure(const char **at, struct said *out)
{
    while ((*at = strstr(*at, "figure ")) != NULL) {
        bool good = sscanf(*at, "figure %47[A-Za-z0-9_] %15[A-Za-z] %lf", out->name, out->unit,
                           &out->value) == 3;
        *at += sizeof "figure " - 1;
        if (good)
            return true;
    }
    return false;
}

void bench_read_figures(const char *output, const char *section, const char *series,
                        struct figures *figures)
{
    struct said said[FIGURES_MAX];
    double same[FIGURES_MAX];
    size_t count = 0;
    while (count < FIGURES_MAX && next_figure(&output, &said[count]))
        count++;
    for (size_t i = 0; i < count; i++) {
        size_t rounds = 0;
        bool first = true;
        for (size_t k = 0; k < count; k++) {
            bool equal = strcmp(said[k].name, said[i].name) == 0;
            first = first && (!equal || k >= i);
            if (equal)
                same[rounds++] = said[k].value;
        }
        const struct figure_key key = {section, said[i].name, said[i].unit};
        if (first)
            figures_add(figures, &key, series, median_of(same, rounds));
    }
}
