/* SPDX-License-Identifier: MIT */
#include "bench/bench.h"
#include "host/fail.h"

#include <fcntl.h>
#include <ftw.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KERNEL_OBJECTS OURO_BUILD_DIR "/kernel/src/CMakeFiles/"

/* What a part of the kernel costs: the objects below src/ with a path that begins with one of the words. */
static const struct feature {
    const char *name;
    const char *const files[6];
} features[] = {
    {"page_tables_4_ways_more",
     {"mm/pt/physmap", "mm/pt/offset", "mm/pt/identity", "mm/pt/temporary"}},
    {"reports", {"diag/", "linux/fault/", "parse/x86_", "parse/eh_frame", "parse/elf_symbols"}},
    {"system_call_table", {"linux/call/table"}},
    {"strace", {"linux/call/strace", "linux/call/format", "linux/abi/argument", "linux/abi/flags"}},
    {"screen", {"dev/screen/", "font.c"}},
    {"terminals", {"fs/tty/"}},
    {"proc", {"fs/proc/", "linux/boot/proc_"}},
    {"virtio", {"dev/virtio/", "dev/pci/"}},
};

/* Sums over the objects of the kernel. nftw() passes no context. */
static struct {
    size_t prefix; /* length of the path of the folder of objects */
    uint64_t feature[ARRAY_LENGTH(features)];
    struct {
        char name[64];
        uint64_t bytes;
    } folder[64];
    size_t folders;
} sums;

/* Bytes that an object adds to the kernel's file; 0: not an ELF file. */
static uint64_t loaded_bytes(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    Elf *elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ, NULL);
    uint64_t bytes = 0;
    for (Elf_Scn *section = NULL; elf && (section = elf_nextscn(elf, section));) {
        GElf_Shdr header;
        if (gelf_getshdr(section, &header) && (header.sh_flags & SHF_ALLOC) &&
            header.sh_type != SHT_NOBITS)
            bytes += header.sh_size;
    }
    elf_end(elf);
    if (fd >= 0)
        close(fd);
    return bytes;
}

static void add_to_folder(const char *file, uint64_t bytes)
{
    char name[sizeof(sums.folder[0].name)];
    const char *slash = strrchr(file, '/');
    if (slash && strncmp(file, "__/", 3) == 0) /* outside src/: boot/ */
        snprintf(name, sizeof(name), "%.*s", (int)(slash - file - 3), file + 3);
    else
        snprintf(name, sizeof(name), "src%s%.*s", slash ? "/" : "", slash ? (int)(slash - file) : 0,
                 file);
    size_t i = 0;
    while (i < sums.folders && strcmp(sums.folder[i].name, name) != 0)
        i++;
    if (i == ARRAY_LENGTH(sums.folder))
        fail(STATUS_FAILED, "the kernel has more than %zu folders", i);
    if (i == sums.folders)
        strcpy(sums.folder[sums.folders++].name, name);
    sums.folder[i].bytes += bytes;
}

static int add_object(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)at;
    const char *file = path + sums.prefix;
    uint64_t bytes = type == FTW_F ? loaded_bytes(path) : 0;
    if (bytes == 0)
        return 0;
    add_to_folder(file, bytes);
    for (size_t i = 0; i < ARRAY_LENGTH(features); i++) {
        for (size_t j = 0; j < ARRAY_LENGTH(features[i].files) && features[i].files[j]; j++)
            if (strncmp(file, features[i].files[j], strlen(features[i].files[j])) == 0)
                sums.feature[i] += bytes;
    }
    return 0;
}

static void add_bytes(struct bench *bench, const char *name, uint64_t bytes)
{
    const struct figure_key key = {"size", name, "bytes"};
    if (bytes)
        figures_add(&bench->figures, &key, bench_series(BENCH_OURO, false), (double)bytes);
}

static int by_bytes(const void *a, const void *b)
{
    const typeof(sums.folder[0]) *first = a, *second = b;
    return (first->bytes < second->bytes) - (first->bytes > second->bytes);
}

/* Bytes of the kernel by folder of src/ and by feature. The linker drops and merges a little. */
static void add_parts(struct bench *bench)
{
    static const char objects[] = KERNEL_OBJECTS "ouro_objects.dir/";
    memset(&sums, 0, sizeof(sums));
    sums.prefix = sizeof(objects) - 1;
    elf_version(EV_CURRENT);
    if (nftw(objects, add_object, 16, FTW_PHYS) != 0)
        fail_errno("cannot read %s", objects);
    qsort(sums.folder, sums.folders, sizeof(sums.folder[0]), by_bytes);
    for (size_t i = 0; i < sums.folders; i++)
        add_bytes(bench, sums.folder[i].name, sums.folder[i].bytes);
    for (size_t i = 0; i < ARRAY_LENGTH(features); i++)
        add_bytes(bench, features[i].name, sums.feature[i]);
    add_bytes(bench, "symbol_names",
              loaded_bytes(KERNEL_OBJECTS "ouro.debug.elf.dir/ouro.symbols.S.obj"));
}

static void add_file(struct bench *bench, const char *name, enum bench_system system,
                     const char *file)
{
    const struct figure_key key = {"size", name, "KiB"};
    struct stat st;
    if (stat(file, &st) != 0)
        fail_errno("cannot read %s", file);
    figures_add(&bench->figures, &key, bench_series(system, false), (double)st.st_size / 1024);
}

void bench_size(struct bench *bench)
{
    char *hello = bench_program("hello"), *archive = bench_archive(hello, NULL);
    FOR_EACH_SYSTEM(bench, system)
    {
        struct bench_boot boot = bench_direct(bench, system, archive);
        char *image = bench_image(&boot);
        add_file(bench, "kernel", system, boot.kernel);
        add_file(bench, "iso_with_hello", system, image);
        free(image);
    }
    add_parts(bench);
    free(archive);
    free(hello);
}
