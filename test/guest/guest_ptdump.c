/* SPDX-License-Identifier: MIT */
/* /proc/pagetables over the live tables. */
#include "guest.h"

#include "fs/proc/process_text.h"
#include "mm/vm/areas.h"
#include "mm/vm/usercopy.h"

static bool contains(const struct text *text, const char *what)
{
    size_t n = strlen(what), size;
    for (size_t at = 0; at < text->length; at += size) {
        const char *bytes = text_at(text, at, &size);
        for (size_t i = 0; i + n <= size; i++)
            if (memcmp(bytes + i, what, n) == 0)
                return true;
    }
    return false;
}

static void check_text(const char *const *wanted, size_t count)
{
    struct text text;
    text_init(&text);
    procfs_show_pagetables(&text, NULL);
    CHECK(!text.failed);
    for (size_t i = 0; i < count; i++)
        if (!contains(&text, wanted[i]))
            guest_test_fail(__FILE__, __LINE__, "no line says: %s", wanted[i]);
    CHECK(!contains(&text, "(truncated)"));
    CHECK(!cpu_features.nx || !contains(&text, "rwx"));
    text_free(&text);
}

GUEST_TEST(test_pagetables_text)
{
    static const char *const kernel[] = {"the program's window", "kernel heap", "kernel stacks",
                                         "frame metadata",       "kernel code", "kernel constants",
                                         "kernel data\n"};
    check_text(kernel, ARRAY_LENGTH(kernel));

    const struct area area = {
        .range = virt_range(GUEST_ARENA, GUEST_ARENA + 3 * PAGE_SIZE),
        .kind = AREA_ANONYMOUS,
        .flags = AREA_HEAP,
        .prot = prot_rw(),
        .file_end = UINT64_MAX,
    };
    must(areas_add(running_space, &area));
    char byte = 1;
    must(copy_out(GUEST_ARENA_PAGE(0), &byte, 1));
    must(copy_out(GUEST_ARENA_PAGE(1), &byte, 1));
    must(copy_in(&byte, GUEST_ARENA_PAGE(2), 1));
    static const char *const program[] = {
        "0000200000000000-0000200000002000       8K   4K rw",
        "0000200000002000-0000200000003000       4K   4K r-",
        "2/2          2/2  [heap]\n",
        "1/1          0/1  [heap]\n",
    };
    check_text(program, ARRAY_LENGTH(program));
    areas_clear(running_space);
}
