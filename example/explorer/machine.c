/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "machine.h"
#include "proc.h"
#include "walk.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define TEXT_MAX (1u << 20) /* bytes of a file that are read */

static uint64_t kernel_window;
static enum back_end active = BACK_ENDS;

/* The whole file, NUL-terminated, malloc'ed; an empty text if it cannot be read. */
static char *read_file(const char *path)
{
    size_t size = 0, capacity = 8192;
    char *text = malloc(capacity);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (text != NULL && fd >= 0) {
        ssize_t got = read(fd, text + size, capacity - size - 1);
        if (got <= 0)
            break;
        size += (size_t)got;
        if (size + 1 < capacity)
            continue;
        char *more = capacity < TEXT_MAX ? realloc(text, capacity * 2) : NULL;
        if (more == NULL)
            break;
        text = more;
        capacity *= 2;
    }
    if (fd >= 0)
        close(fd);
    if (text != NULL)
        text[size] = '\0';
    return text != NULL ? text : calloc(1, 1);
}

void machine_start(void)
{
    const char *name;
    size_t length;
    char *ouro = read_file("/proc/ouro"), *tables = read_file("/proc/pagetables");
    if (ouro != NULL && proc_word(ouro, "pagetables", &name, &length))
        active = back_end_of(name, length);
    if (tables != NULL)
        kernel_window = proc_kernel_window(tables);
    free(ouro);
    free(tables);
}

static void key_word(struct json *json, const char *key, const char *text, const char *name)
{
    const char *at;
    size_t length;
    json_key(json, key);
    if (proc_word(text, name, &at, &length))
        json_string(json, at, length);
    else
        json_null(json);
}

void machine_write(struct json *json)
{
    struct utsname name;
    char *ouro = read_file("/proc/ouro");
    uname(&name);
    json_open(json, '{');
    json_key_bool(json, "ouro", ouro_available());
    json_key_text(json, "system", name.sysname);
    json_key_text(json, "release", name.release);
    json_key_number(json, "pid", (uint64_t)getpid());
    json_key_hex(json, "window", ouro_window());
    json_key_hex(json, "kernel_window", kernel_window);
    json_key_hex(json, "code", (uint64_t)(uintptr_t)machine_write);
    json_key_hex(json, "stack", (uint64_t)(uintptr_t)&name);
    key_word(json, "version", ouro, "version");
    key_word(json, "pagetables", ouro, "pagetables");
    key_word(json, "boot", ouro, "boot");
    key_word(json, "cpu", ouro, "cpu");
    json_close(json, '}');
    free(ouro);
}

void machine_areas_write(struct json *json)
{
    char *maps = read_file("/proc/self/maps"), *tables = read_file("/proc/pagetables");
    json_open(json, '[');
    if (maps != NULL)
        proc_maps_write(json, maps);
    if (tables != NULL)
        proc_pagetables_write(json, tables);
    json_close(json, ']');
    free(maps);
    free(tables);
}

struct figure {
    const char *key, *name;
};

static void write_figures(struct json *json, const char *key, const char *text,
                          const struct figure *figures, size_t count)
{
    json_key(json, key);
    json_open(json, '{');
    for (size_t i = 0; i < count; i++) {
        uint64_t value;
        json_key(json, figures[i].key);
        if (proc_value(text, figures[i].name, &value))
            json_number(json, value);
        else
            json_null(json);
    }
    json_close(json, '}');
}

#define FIGURES(json, key, text, figures)                                                          \
    write_figures(json, key, text, figures, sizeof(figures) / sizeof((figures)[0]))

void machine_counters_write(struct json *json)
{
    static const struct figure memory[] = {{"total", "MemTotal"},    {"free", "MemFree"},
                                           {"program", "AnonPages"}, {"files", "Shmem"},
                                           {"heap", "Slab"},         {"stacks", "KernelStack"},
                                           {"swap", "SwapTotal"},    {"swap_free", "SwapFree"}};
    static const struct figure faults[] = {{"all", "pgfault"},
                                           {"large", "thp_fault_alloc"},
                                           {"zero", "ouro_fault_zero"},
                                           {"anonymous", "ouro_fault_anonymous"},
                                           {"file", "ouro_fault_file"},
                                           {"copied", "ouro_fault_copied"},
                                           {"taken_over", "ouro_fault_taken_over"}};
    static const struct figure flushes[] = {{"page", "nr_tlb_local_flush_one"},
                                            {"all", "nr_tlb_local_flush_all"},
                                            {"tables", "ouro_flush_tables"}};
    static const struct figure swap[] = {{"in", "pswpin"},
                                         {"out", "pswpout"},
                                         {"evicted", "ouro_clock_evicted"},
                                         {"front", "ouro_clock_front"},
                                         {"back", "ouro_clock_back"}};
    static const struct figure others[] = {{"tables", "nr_page_table_pages"}};
    static const struct figure threads[] = {{"switches", "ctxt"}};
    struct timespec now;
    char *meminfo = read_file("/proc/meminfo"), *vmstat = read_file("/proc/vmstat"),
         *stat = read_file("/proc/stat");
    clock_gettime(CLOCK_MONOTONIC, &now);
    json_open(json, '{');
    json_key_number(json, "time_ms", (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
    if (meminfo != NULL && vmstat != NULL && stat != NULL) {
        FIGURES(json, "memory", meminfo, memory);
        FIGURES(json, "faults", vmstat, faults);
        FIGURES(json, "flushes", vmstat, flushes);
        FIGURES(json, "swap", vmstat, swap);
        FIGURES(json, "others", vmstat, others);
        FIGURES(json, "threads", stat, threads);
    }
    json_close(json, '}');
    free(meminfo);
    free(vmstat);
    free(stat);
}

static void refuse(struct json *json, const char *why)
{
    json_open(json, '{');
    json_key_text(json, "refused", why);
    json_close(json, '}');
}

#define LINUX_SHOWS_NONE "this kernel shows no page tables to its programs: it is not Ouro"

/* The entries of a table that are present. The level above was found to point to it. */
static void read_present(uint64_t window, int level, uint64_t address, uint64_t out[8])
{
    const volatile uint64_t *table =
        (const volatile uint64_t *)((uintptr_t)ouro_entry_address(window, level, address) &
                                    ~(uintptr_t)(OURO_PAGE_SIZE - 1));
    for (unsigned i = 0; i < 512; i++)
        out[i / 64] |= (table[i] & OURO_PTE_PRESENT) << (i % 64);
}

static void gather_walk(uint64_t address, struct walk_facts *facts)
{
    uint64_t window = ouro_window();
    uint64_t root = (uint64_t)(uintptr_t)ouro_entry_address(window, 4, 0);
    facts->address = address;
    facts->window = window;
    facts->kernel_window = kernel_window;
    facts->active = active;
    ouro_walk((const void *)(uintptr_t)address, &facts->path);
    ouro_translate((const void *)(uintptr_t)root, &facts->table[4]);
    for (int level = 4; level >= facts->path.last_level; level--) {
        if (level < 4)
            facts->table[level] = facts->path.entry[level + 1] & OURO_PTE_FRAME;
        read_present(window, level, address, facts->present[level]);
        for (unsigned i = 0; i < BACK_ENDS; i++) {
            uint64_t at = back_end_table(facts, (enum back_end)i, level), physical;
            facts->reached[i][level] =
                at != 0 && ouro_translate((const void *)(uintptr_t)at, &physical) == 0 &&
                physical == facts->table[level];
        }
    }
}

void machine_walk_write(struct json *json, uint64_t address)
{
    struct walk_facts facts = {0};
    if (!ouro_available()) {
        refuse(json, LINUX_SHOWS_NONE);
        return;
    }
    if (!ouro_canonical(address)) {
        refuse(json, "not canonical: bits 63 to 48 are no copies of bit 47, and the CPU faults "
                     "without a walk");
        return;
    }
    gather_walk(address, &facts);
    walk_write(json, &facts);
}

static bool harvest(uint64_t start, uint64_t count, unsigned what, uint64_t *bitmap)
{
    return ouro_harvest((const void *)(uintptr_t)start, count * OURO_PAGE_SIZE, what, bitmap,
                        NULL) == 0;
}

static void digits_of(uint64_t address, const uint64_t *accessed, const uint64_t *dirty,
                      size_t page, char out[2])
{
    static const char hex[] = "0123456789abcdef";
    struct ouro_path path;
    out[0] = out[1] = '0';
    if (ouro_walk((const void *)(uintptr_t)address, &path) != 0 || path.leaf_level == 0) {
        bool swapped = path.last_level == 1 && (path.entry[1] & OURO_PTE_SWAPPED) != 0;
        out[1] = swapped ? '8' : '0';
        return;
    }
    uint64_t leaf = path.entry[path.leaf_level];
    bool was_accessed =
        accessed != NULL ? ouro_bitmap_test(accessed, page) : (leaf & OURO_PTE_ACCESSED) != 0;
    bool was_dirty = dirty != NULL ? ouro_bitmap_test(dirty, page) : (leaf & OURO_PTE_DIRTY) != 0;
    out[0] = hex[1 | was_accessed << 1 | was_dirty << 2 | ((path.rights & OURO_WRITE) != 0) << 3];
    out[1] = hex[((path.rights & OURO_EXECUTE) != 0) | ((leaf & OURO_PTE_COW) != 0) << 1 |
                 (path.leaf_level > 1) << 2];
}

void machine_pages_write(struct json *json, uint64_t start, uint64_t count, bool look)
{
    if (!ouro_available()) {
        refuse(json, LINUX_SHOWS_NONE);
        return;
    }
    if (start % OURO_PAGE_SIZE != 0 || count == 0 || count > MACHINE_PAGES_MAX ||
        !ouro_canonical(start) || !ouro_canonical(start + count * OURO_PAGE_SIZE - 1) ||
        start + count * OURO_PAGE_SIZE - 1 < start) {
        refuse(json, "not a range of pages");
        return;
    }
    size_t words = ouro_bitmap_words(count * OURO_PAGE_SIZE);
    uint64_t *accessed = calloc(words, 16), *dirty = accessed + words;
    char *digits = malloc(count * 2);
    bool cleared = look && accessed != NULL && harvest(start, count, OURO_DIRTY, dirty) &&
                   harvest(start, count, OURO_ACCESSED, accessed);
    json_open(json, '{');
    json_key_hex(json, "start", start);
    json_key_bool(json, "cleared", cleared);
    json_key(json, "pages");
    for (uint64_t page = 0; page < count && digits != NULL; page++)
        digits_of(start + page * OURO_PAGE_SIZE, cleared ? accessed : NULL, cleared ? dirty : NULL,
                  page, digits + page * 2);
    json_string(json, digits, digits != NULL ? count * 2 : 0);
    json_close(json, '}');
    free(accessed);
    free(digits);
}
