/* SPDX-License-Identifier: MIT */
/* The vDSO: present, complete, found as C libraries find it, and its clocks agree with the kernel's. */
#define _GNU_SOURCE
#include "result.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096ul

static const char *image;
static const ElfW(Sym) * symbols;
static const char *strings;
static const uint16_t *versions;
static const ElfW(Verdef) * definitions;
static const uint32_t *hash;

static const void *at(uint64_t address)
{
    return image + address;
}

static void find_tables(void)
{
    const ElfW(Ehdr) *ehdr = (const void *)image;
    const ElfW(Phdr) *phdr = at(ehdr->e_phoff);
    const ElfW(Dyn) *dyn = NULL;
    for (int i = 0; i < ehdr->e_phnum; i++)
        if (phdr[i].p_type == PT_DYNAMIC)
            dyn = at(phdr[i].p_vaddr);
    for (; dyn->d_tag != DT_NULL; dyn++) {
        const void *p = at(dyn->d_un.d_ptr);
        if (dyn->d_tag == DT_SYMTAB)
            symbols = p;
        else if (dyn->d_tag == DT_STRTAB)
            strings = p;
        else if (dyn->d_tag == DT_VERSYM)
            versions = p;
        else if (dyn->d_tag == DT_VERDEF)
            definitions = p;
        else if (dyn->d_tag == DT_HASH)
            hash = p;
    }
}

static const char *version_name(unsigned index)
{
    const ElfW(Verdef) *d = definitions;
    while (d->vd_ndx != index && d->vd_next != 0)
        d = (const void *)((const char *)d + d->vd_next);
    const ElfW(Verdaux) *name = (const void *)((const char *)d + d->vd_aux);
    return d->vd_ndx == index ? strings + name->vda_name : "none";
}

static void *find(const char *name)
{
    for (uint32_t i = 0; i < hash[1]; i++)
        if (strcmp(strings + symbols[i].st_name, name) == 0) {
            printf("%s is of version %s\n", name, version_name(versions[i] & 0x7fff));
            return (void *)(uintptr_t)at(symbols[i].st_value);
        }
    printf("%s is missing\n", name);
    exit(1);
}

/* The range of an area in /proc/self/maps. */
static int area(const char *name, uintptr_t *start, uintptr_t *end, char rights[5])
{
    char line[512];
    int found = 0;
    FILE *f = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, f) != NULL)
        if (strstr(line, name) != NULL)
            found = sscanf(line, "%lx-%lx %4s", start, end, rights) == 3;
    fclose(f);
    return found;
}

typedef int (*clock_function)(clockid_t, struct timespec *);

static int64_t ns(const struct timespec *t)
{
    return t->tv_sec * 1000000000 + t->tv_nsec;
}

/* The clock never goes backwards between vDSO and system call. */
static void agree(clock_function clock_get, clockid_t id, const char *name)
{
    struct timespec by_call = {0}, by_code = {0};
    int ordered = 1, normal = 1;
    int64_t last = 0;
    for (int i = 0; i < 2000; i++) {
        ordered &= clock_get(id, &by_code) == 0 && ns(&by_code) >= last;
        last = ns(&by_code);
        ordered &= syscall(SYS_clock_gettime, id, &by_call) == 0 && ns(&by_call) >= last;
        last = ns(&by_call);
        normal &= by_code.tv_nsec >= 0 && by_code.tv_nsec < 1000000000;
    }
    printf("%s:%s%s\n", name, ordered ? " in order" : " OUT OF ORDER",
           normal ? "" : ", not normal");
}

static void clocks(clock_function clock_get, clock_function resolution)
{
    static const struct {
        clockid_t id;
        const char *name;
    } all[] = {
        {CLOCK_REALTIME, "REALTIME"},
        {CLOCK_MONOTONIC, "MONOTONIC"},
        {CLOCK_PROCESS_CPUTIME_ID, "PROCESS_CPUTIME"},
        {CLOCK_THREAD_CPUTIME_ID, "THREAD_CPUTIME"},
        {CLOCK_MONOTONIC_RAW, "MONOTONIC_RAW"},
        {CLOCK_REALTIME_COARSE, "REALTIME_COARSE"},
        {CLOCK_MONOTONIC_COARSE, "MONOTONIC_COARSE"},
        {CLOCK_BOOTTIME, "BOOTTIME"},
        {CLOCK_TAI, "TAI"},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct timespec a = {-1, -1}, b = {-2, -2};
        agree(clock_get, all[i].id, all[i].name);
        truth("  resolution", resolution(all[i].id, &a) == 0 &&
                                  syscall(SYS_clock_getres, all[i].id, &b) == 0 &&
                                  ns(&a) == ns(&b));
    }
    struct timespec t;
    printf("clock 999: %d, -1000: %d, resolution of 999: %d, of no place: %d\n", clock_get(999, &t),
           clock_get(-1000, &t), resolution(999, &t), resolution(CLOCK_REALTIME, NULL));
}

static void others(void)
{
    int (*day)(struct timeval *, struct timezone *) = find("__vdso_gettimeofday");
    time_t (*seconds)(time_t *) = find("__vdso_time");
    long (*cpu)(unsigned *, unsigned *, void *) = find("__vdso_getcpu");
    struct timeval a, b;
    struct timezone zone = {7, 7}, zone_by_call = {8, 8};
    int status = day(&a, &zone);
    syscall(SYS_gettimeofday, &b, &zone_by_call);
    truth("gettimeofday", status == 0 && !timercmp(&a, &b, >) && b.tv_sec - a.tv_sec < 2);
    truth("time zone", memcmp(&zone, &zone_by_call, sizeof zone) == 0);
    printf("gettimeofday of nothing: %d\n", day(NULL, NULL));
    time_t stored, now = seconds(&stored);
    truth("time", now == stored && syscall(SYS_time, NULL) - now < 2 && seconds(NULL) - now < 2);
    unsigned c = 99, n = 99;
    status = (int)cpu(&c, &n, NULL);
    truth("getcpu", status == 0 && c < 1024 && n == 0);
    printf("getcpu of nothing: %ld\n", cpu(NULL, NULL, NULL));
}

/* As on Linux: the data page never becomes writable; the code does, as a private copy. */
static void protection(void)
{
    uintptr_t start, end, code, code_end;
    char rights[5];
    struct timespec t;
    truth("[vvar] is listed", area("[vvar]", &start, &end, rights));
    printf("[vvar] %s\n", rights);
    truth("[vdso] is listed", area("[vdso]", &code, &code_end, rights));
    printf("[vdso] %s\n", rights);
    truth("below each other", end <= code);
    truth("at AT_SYSINFO_EHDR", code == (uintptr_t)image);
    result("mprotect vvar", mprotect((void *)start, PAGE, PROT_READ | PROT_WRITE));
    result("write to vvar", read(open("/dev/zero", 0), (void *)start, 8));
    result("mprotect vdso", mprotect((void *)code, code_end - code, PROT_READ | PROT_WRITE));
    memset((char *)code + 8, 0, 8); /* padding of e_ident */
    result("mprotect back", mprotect((void *)code, code_end - code, PROT_READ | PROT_EXEC));
    result("clock_gettime", clock_gettime(CLOCK_MONOTONIC, &t));
    result("munmap", munmap((void *)code, code_end - code));
    truth("gone", !area("[vdso]", &code, &code_end, rights));
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    image = (const char *)getauxval(AT_SYSINFO_EHDR);
    truth("an ELF file at a page",
          image != NULL && (uintptr_t)image % PAGE == 0 && memcmp(image, ELFMAG, SELFMAG) == 0);
    find_tables();
    clocks((clock_function)(uintptr_t)find("__vdso_clock_gettime"),
           (clock_function)(uintptr_t)find("__vdso_clock_getres"));
    others();
    protection();
    return 0;
}
