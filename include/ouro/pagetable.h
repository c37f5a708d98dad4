/* SPDX-License-Identifier: MIT */
/*
 * A program's view of its own page tables, on Ouro. docs/pagetable.md describes its use;
 * example/walk.c and example/dirty.c are examples.
 *
 * Header only, C99 and C++, any libc that has getauxval(). The same binary runs on Linux, where
 * ouro_available() is false and every function that returns a status returns ENOSYS.
 *
 * How it works. The kernel maps the level-4 table in itself a second time, in a slot chosen at random at
 * boot, read-only and not executable. A walk through that slot ends one level early, in a table instead
 * of a page, so that the address of every entry can be computed:
 *
 *     window + (v[47:0] >> 12) * 8                    the level-1 entry of address v
 *
 *     level 1   window                                                  512 GiB of entries
 *     level 2   window | slot << 30                                     1 GiB of entries
 *     level 3   window | slot << 30 | slot << 21                        2 MiB
 *     level 4   window | slot << 30 | slot << 21 | slot << 12           4 KiB
 *
 * Reading an entry is one load: no system call, no copy, no dirty bit set. A stray store faults
 * (SIGSEGV). The entry of a lower level exists only if the one above it points to a table: below an
 * entry that is not present the load faults, below a large page it reads the page's data. All functions
 * here except ouro_entry_address() check each level before the next.
 *
 * The tables show the present state. Entries change at the first access to memory, and at any time if
 * the program has threads; each is loaded once per call.
 *
 * Status: 0, or one of
 *     ENOSYS   the system is not Ouro
 *     EINVAL   an invalid level, flag, alignment or range; an address that is not canonical
 *     ENOENT   nothing is mapped there now. Memory that was never touched is not mapped
 * and the errors in the function's comment. Results are written on success only.
 */
#pragma once

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/auxv.h>

#define AT_OURO_PAGETABLES 0x4f55524f /* "OURO" */

/* Bits of an entry (SDM 3A 4.5). */
#define OURO_PTE_PRESENT  (UINT64_C(1) << 0)
#define OURO_PTE_WRITABLE (UINT64_C(1) << 1)
#define OURO_PTE_USER     (UINT64_C(1) << 2)
#define OURO_PTE_PWT      (UINT64_C(1) << 3)
#define OURO_PTE_PCD      (UINT64_C(1) << 4)
#define OURO_PTE_ACCESSED (UINT64_C(1) << 5)
#define OURO_PTE_DIRTY    (UINT64_C(1) << 6)
#define OURO_PTE_LARGE    (UINT64_C(1) << 7) /* levels 2 and 3: a page, not a table */
#define OURO_PTE_GLOBAL   (UINT64_C(1) << 8)
#define OURO_PTE_COW      (UINT64_C(1) << 9) /* Ouro's: copied before the first write */
#define OURO_PTE_SLOT                                                                              \
    (UINT64_C(1) << 52) /* Ouro's: has come back from swap, and is the same there while clean */
#define OURO_PTE_WRITTEN (UINT64_C(1) << 53) /* Ouro's: was dirty before it was swapped out */
#define OURO_PTE_SWAPPED (UINT64_C(1) << 54) /* Ouro's, not present: on the swap device */
#define OURO_PTE_NX      (UINT64_C(1) << 63)
#define OURO_PTE_FRAME   UINT64_C(0x000ffffffffff000)

/* The bits that a scan tests. */
enum {
    OURO_ACCESSED = 1, /* read, written or executed since the bit was last cleared */
    OURO_DIRTY = 2,    /* written */
};

/* The rights that the page tables grant now; a fault may add rights of the area (copy-on-write). */
enum {
    OURO_READ = 1,
    OURO_WRITE = 2,
    OURO_EXECUTE = 4,
};

#define OURO_PAGE_SHIFT 12
#define OURO_PAGE_SIZE  (UINT64_C(1) << OURO_PAGE_SHIFT)

/* Bytes that one entry of the level (1 to 4) covers. */
static inline uint64_t ouro_span(int level)
{
    return UINT64_C(1) << (OURO_PAGE_SHIFT + 9 * (level - 1));
}

/* Address of the window; 0 on Linux. */
static inline uint64_t ouro_window(void)
{
    static uint64_t known = 1; /* 1: not read yet */
    uint64_t window = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (window == 1) {
        int saved = errno; /* getauxval() sets it if the entry is absent */
        window = getauxval(AT_OURO_PAGETABLES);
        errno = saved;
        __atomic_store_n(&known, window, __ATOMIC_RELAXED);
    }
    return window;
}

static inline bool ouro_available(void)
{
    return ouro_window() != 0;
}

/* The address of the level-1 entry for v. Applied to that address, it gives the level-2 entry, and so on:
 * in the window a table is a page, and the entry that maps it is the one a level up. */
static inline uint64_t ouro_entry_above(uint64_t window, uint64_t v)
{
    return window | ((v & UINT64_C(0xffffffffffff)) >> OURO_PAGE_SHIFT << 3);
}

/* The address of the entry of the level (1 to 4) for v in the window; computed without a load. The
 * caller must have checked the levels above, and ouro_available(). */
static inline const volatile uint64_t *ouro_entry_address(uint64_t window, int level, uint64_t v)
{
    for (; level > 0; level--)
        v = ouro_entry_above(window, v);
    return (const volatile uint64_t *)(uintptr_t)v;
}

static inline bool ouro_canonical(uint64_t v)
{
    return v < UINT64_C(0x800000000000) || v >= UINT64_C(0xffff800000000000);
}

/* True if the entry points to a table of the next level. */
static inline bool ouro_is_table(int level, uint64_t entry)
{
    return level > 1 && (entry & OURO_PTE_PRESENT) && (level == 4 || !(entry & OURO_PTE_LARGE));
}

/* The MMU's walk to an address. */
struct ouro_path {
    uint64_t entry[5]; /* by level, 4 down to last_level */
    int last_level;    /* the lowest level that was read */
    int leaf_level;    /* 1, 2 or 3; 0: nothing is mapped there */
    unsigned rights;   /* OURO_READ ..., over all levels; 0 when nothing is mapped */
    uint64_t page_size;
    uint64_t physical; /* of the address itself */
};

/* Walks the tables for the address. Succeeds even if nothing is mapped: leaf_level is 0 then. */
static inline int ouro_walk(const volatile void *address, struct ouro_path *out)
{
    uint64_t window = ouro_window(), v = (uint64_t)(uintptr_t)address;
    uint64_t at[5], all = ~UINT64_C(0), any = 0, e;
    int level = 4;
    if (window == 0)
        return ENOSYS;
    if (!ouro_canonical(v))
        return EINVAL;
    at[1] = ouro_entry_above(window, v);
    at[2] = ouro_entry_above(window, at[1]);
    at[3] = ouro_entry_above(window, at[2]);
    at[4] = ouro_entry_above(window, at[3]);
    for (;; level--) {
        e = *(const volatile uint64_t *)(uintptr_t)at[level];
        out->entry[level] = e;
        all &= e;
        any |= e;
        if (!ouro_is_table(level, e))
            break;
    }
    bool leaf = e & OURO_PTE_PRESENT;
    uint64_t inside = ouro_span(level) - 1;
    out->last_level = level;
    out->leaf_level = leaf ? level : 0;
    out->rights = leaf ? OURO_READ : 0;
    if (leaf && (all & OURO_PTE_WRITABLE))
        out->rights |= OURO_WRITE;
    if (leaf && !(any & OURO_PTE_NX))
        out->rights |= OURO_EXECUTE;
    out->page_size = leaf ? inside + 1 : 0;
    out->physical = leaf ? (e & OURO_PTE_FRAME & ~inside) | (v & inside) : 0;
    return 0;
}

/* The entry of one level for the address. ENOENT: the walk ends above that level. */
static inline int ouro_entry(const volatile void *address, int level, uint64_t *out)
{
    struct ouro_path path;
    int status = ouro_walk(address, &path);
    if (status != 0)
        return status;
    if (level < 1 || level > 4)
        return EINVAL;
    if (level < path.last_level)
        return ENOENT;
    *out = path.entry[level];
    return 0;
}

/* The physical address that the page tables give for the address. */
static inline int ouro_translate(const volatile void *address, uint64_t *out)
{
    struct ouro_path path;
    int status = ouro_walk(address, &path);
    if (status != 0)
        return status;
    if (path.leaf_level == 0)
        return ENOENT;
    *out = path.physical;
    return 0;
}

/* The rights that all levels grant: OURO_READ | OURO_WRITE | OURO_EXECUTE. */
static inline int ouro_rights(const volatile void *address, unsigned *out)
{
    struct ouro_path path;
    int status = ouro_walk(address, &path);
    if (status != 0)
        return status;
    if (path.leaf_level == 0)
        return ENOENT;
    *out = path.rights;
    return 0;
}

/* Size of the page that maps the address: 4 KiB, 2 MiB or 1 GiB. */
static inline int ouro_page_size(const volatile void *address, uint64_t *out)
{
    struct ouro_path path;
    int status = ouro_walk(address, &path);
    if (status != 0)
        return status;
    if (path.leaf_level == 0)
        return ENOENT;
    *out = path.page_size;
    return 0;
}

/* An entry in words: "present writable accessed dirty NX 0x1234000 4K". Works on any
 * system. Writes at most size - 1 bytes and a NUL; returns the length of the whole text. */
static inline size_t ouro_decode(int level, uint64_t entry, char *text, size_t size)
{
    static const struct {
        uint64_t bit;
        const char *word;
    } words[] = {
        {OURO_PTE_WRITABLE, "writable"}, {OURO_PTE_USER, "user"},
        {OURO_PTE_PWT, "PWT"},           {OURO_PTE_PCD, "PCD"},
        {OURO_PTE_ACCESSED, "accessed"}, {OURO_PTE_DIRTY, "dirty"},
        {OURO_PTE_COW, "copy-on-write"}, {OURO_PTE_NX, "NX"},
    };
    static const char digits[] = "0123456789abcdef";
    const char *parts[16];
    char frame[20];
    size_t count = 0, length = 0;
    bool present = entry & OURO_PTE_PRESENT;
    bool swapped = !present && (entry & OURO_PTE_SWAPPED) != 0;
    parts[count++] = present      ? "present"
                     : entry == 0 ? "empty"
                     : swapped    ? "swapped"
                                  : "not present";
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (entry & words[i].bit)
            parts[count++] = words[i].word;
    if (present || swapped) {
        uint64_t address = entry & OURO_PTE_FRAME;
        bool table = ouro_is_table(level, entry);
        char *p = frame + sizeof frame - 1;
        if (swapped)
            address >>= OURO_PAGE_SHIFT;
        else if (!table)
            address &= ~(ouro_span(level) - 1);
        *p = '\0';
        do {
            *--p = digits[address & 15];
            address >>= 4;
        } while (address != 0);
        *--p = 'x';
        *--p = '0';
        parts[count++] = p;
        parts[count++] = swapped      ? "slot"
                         : table      ? "table"
                         : level == 1 ? "4K"
                         : level == 2 ? "2M"
                                      : "1G";
    }
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && ++length < size)
            text[length - 1] = ' ';
        for (const char *p = parts[i]; *p != '\0'; p++)
            if (++length < size)
                text[length - 1] = *p;
    }
    if (size > 0)
        text[length < size ? length : size - 1] = '\0';
    return length;
}

/* Words of a bitmap with one bit a page, lowest bit first. */
static inline size_t ouro_bitmap_words(size_t size)
{
    return (size / OURO_PAGE_SIZE + 63) / 64;
}

static inline bool ouro_bitmap_test(const uint64_t *bitmap, size_t page)
{
    return bitmap[page / 64] >> (page % 64) & 1;
}

/* For ouro_scan(): sets `count` bits from `first` on. */
static inline void ouro_bitmap_set(uint64_t *bitmap, size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++)
        bitmap[i / 64] |= UINT64_C(1) << (i % 64);
}

static inline bool ouro_scan_ok(const volatile void *start, size_t size, unsigned what)
{
    uint64_t v = (uint64_t)(uintptr_t)start;
    return v % OURO_PAGE_SIZE == 0 && size % OURO_PAGE_SIZE == 0 && what != 0 &&
           (what & ~(unsigned)(OURO_ACCESSED | OURO_DIRTY)) == 0 && v < UINT64_C(0x800000000000) &&
           size <= UINT64_C(0x800000000000) - v;
}

/* The pages of [start, start + size) that were accessed or dirtied (`what`), one bit a 4 KiB page;
 * ouro_bitmap_words(size) words are written. A large page sets the bits of all its 4 KiB pages; unmapped
 * pages count as untouched. Loads only: nothing is cleared. */
static inline int ouro_scan(const volatile void *start, size_t size, unsigned what,
                            uint64_t *bitmap)
{
    uint64_t window = ouro_window(), v = (uint64_t)(uintptr_t)start;
    uint64_t bits = (what & OURO_ACCESSED ? OURO_PTE_ACCESSED : 0) |
                    (what & OURO_DIRTY ? OURO_PTE_DIRTY | OURO_PTE_WRITTEN : 0);
    size_t pages = size / OURO_PAGE_SIZE, page = 0;
    if (window == 0)
        return ENOSYS;
    if (!ouro_scan_ok(start, size, what))
        return EINVAL;
    for (size_t i = 0; i < ouro_bitmap_words(size); i++)
        bitmap[i] = 0;
    while (page < pages) {
        uint64_t at = v + page * OURO_PAGE_SIZE, e = 0;
        int level = 4;
        while (level > 1) {
            e = *ouro_entry_address(window, level, at);
            if (!ouro_is_table(level, e))
                break;
            level--;
        }
        /* The pages that the level-1 table, or the one entry above it, covers. */
        uint64_t span = ouro_span(level > 1 ? level : 2);
        uint64_t left = (span - (at & (span - 1))) / OURO_PAGE_SIZE;
        size_t end = left < pages - page ? page + (size_t)left : pages;
        if (level > 1) {
            if ((e & OURO_PTE_PRESENT) && (e & bits))
                ouro_bitmap_set(bitmap, page, end - page);
            page = end;
            continue;
        }
        const volatile uint64_t *entry = ouro_entry_address(window, 1, at);
        while (page < end) { /* a word of the bitmap at a time */
            uint64_t word = 0;
            size_t bit = page % 64, n = end - page < 64 - bit ? end - page : 64 - bit;
            for (size_t i = 0; i < n; i++) {
                e = *entry++;
                word |= (((e & bits) != 0) & (e | e >> 54)) << i; /* bit 0: present; 54: swapped */
            }
            bitmap[page / 64] |= word << bit;
            page += n;
        }
    }
    return 0;
}

/* For the calls below: a function of the kernel's vDSO by name; NULL: none. */
static inline void *ouro_vdso_function(const char *name)
{
    const char *image = (const char *)(uintptr_t)getauxval(AT_SYSINFO_EHDR);
    if (image == NULL)
        return NULL;
    const Elf64_Ehdr *ehdr = (const Elf64_Ehdr *)(const void *)image;
    const Elf64_Phdr *phdr = (const Elf64_Phdr *)(const void *)(image + ehdr->e_phoff);
    const Elf64_Dyn *dynamic = NULL;
    const Elf64_Sym *symbols = NULL;
    const char *strings = NULL;
    const uint32_t *hash = NULL;
    for (int i = 0; i < ehdr->e_phnum; i++)
        if (phdr[i].p_type == PT_DYNAMIC)
            dynamic = (const Elf64_Dyn *)(const void *)(image + phdr[i].p_vaddr);
    for (; dynamic != NULL && dynamic->d_tag != DT_NULL; dynamic++) {
        const void *p = image + dynamic->d_un.d_ptr;
        if (dynamic->d_tag == DT_SYMTAB)
            symbols = (const Elf64_Sym *)p;
        else if (dynamic->d_tag == DT_STRTAB)
            strings = (const char *)p;
        else if (dynamic->d_tag == DT_HASH)
            hash = (const uint32_t *)p;
    }
    if (symbols == NULL || strings == NULL || hash == NULL)
        return NULL;
    for (uint32_t i = 0; i < hash[1]; i++) {
        const char *a = strings + symbols[i].st_name, *b = name;
        while (*a != '\0' && *a == *b) {
            a++;
            b++;
        }
        if (*a == *b && symbols[i].st_shndx != SHN_UNDEF)
            return (void *)(uintptr_t)(image + symbols[i].st_value);
    }
    return NULL;
}

/* Like ouro_scan(), and clears the bits found and flushes their translations, so that the next access
 * sets them again. One call into the kernel; no access is lost between reading and clearing. `bitmap`
 * NULL: only clears. `found` (may be NULL) gets the number of pages.
 * EFAULT: the bitmap cannot be written; nothing was cleared. */
static inline int ouro_harvest(const volatile void *start, size_t size, unsigned what,
                               uint64_t *bitmap, size_t *found)
{
    typedef int64_t (*function)(const volatile void *, size_t, unsigned, uint64_t *);
    static function known;
    function harvest = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (!ouro_available())
        return ENOSYS;
    if (harvest == NULL) {
        harvest = (function)(uintptr_t)ouro_vdso_function("__ouro_harvest");
        if (harvest == NULL)
            return ENOSYS;
        __atomic_store_n(&known, harvest, __ATOMIC_RELAXED);
    }
    int64_t result = harvest(start, size, what, bitmap);
    if (result < 0)
        return (int)-result;
    if (found != NULL)
        *found = (size_t)result;
    return 0;
}

/* mprotect(2) by a call instead of the SYSCALL instruction: the same checks and errors (EACCES and ENOMEM
 * besides those above). `prot` is PROT_READ | ... of <sys/mman.h>. */
static inline int ouro_protect(volatile void *start, size_t size, int prot)
{
    typedef int64_t (*function)(volatile void *, size_t, int);
    static function known;
    function protect = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (!ouro_available())
        return ENOSYS;
    if (protect == NULL) {
        protect = (function)(uintptr_t)ouro_vdso_function("__ouro_protect");
        if (protect == NULL)
            return ENOSYS;
        __atomic_store_n(&known, protect, __ATOMIC_RELAXED);
    }
    return (int)-protect(start, size, prot);
}
