/* SPDX-License-Identifier: MIT */
/* Record locks against a model with an entry for every byte. */
#include "unit.h"
#include "fs_native.h"
#include "native.h"

#include "fs/vfs/range_lock.h"

#include <string.h>

#define BYTES  48
#define OWNERS 3

enum {
    NONE,
    READ,
    WRITE
};

static const char owners[OWNERS];
static uint8_t model[OWNERS][BYTES]; /* the last entry stands for all bytes from it on */
static struct inode inode;
static uint32_t state = 12345;

static uint32_t next(uint32_t below)
{
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % below;
}

static uint64_t last_of(uint64_t at)
{
    return at == BYTES - 1 ? INT64_MAX : at;
}

static bool model_conflict(uint32_t owner, uint64_t from, uint64_t to, bool write)
{
    for (uint32_t other = 0; other < OWNERS; other++)
        for (uint64_t i = from; other != owner && i <= to; i++)
            if (model[other][i] == WRITE || (write && model[other][i] == READ))
                return true;
    return false;
}

/* The list agrees with the model for each byte, is sorted, and has no two neighbours that could be merged. */
static void compare(void)
{
    uint8_t seen[OWNERS][BYTES] = {{0}};
    const struct range_lock *before = NULL;
    for (const struct range_lock *lock = range_lock_first(&inode); lock;
         before = lock, lock = range_lock_next(lock)) {
        size_t owner = (size_t)((const char *)lock->owner - owners);
        assert_true(!before || before->start <= lock->start);
        assert_true(lock->start <= lock->last);
        for (uint64_t i = lock->start; i <= lock->last && i < BYTES; i++) {
            assert_int_equal(seen[owner][i], NONE);
            seen[owner][i] = lock->write ? WRITE : READ;
        }
        for (const struct range_lock *other = range_lock_first(&inode); other;
             other = range_lock_next(other))
            assert_false(other->owner == lock->owner && other->write == lock->write &&
                         other->start == lock->last + 1);
    }
    assert_memory_equal(seen, model, sizeof(seen));
}

static void test_random_operations(void **unused)
{
    (void)unused;
    size_t live = native_heap_live();
    for (unsigned i = 0; i < 200000; i++) {
        uint32_t owner = next(OWNERS), kind = next(3);
        uint64_t from = next(BYTES), to = from + next((uint32_t)(BYTES - from));
        struct range_lock wanted = {.owner = &owners[owner],
                                    .start = from,
                                    .last = last_of(to),
                                    .pid = (int32_t)owner,
                                    .write = kind == WRITE};
        if (kind == NONE) {
            assert_int_equal(range_lock_clear(&inode, &wanted), E_OK);
        } else {
            bool conflict = model_conflict(owner, from, to, wanted.write);
            assert_int_equal(range_lock_conflict(&inode, &wanted) != NULL, conflict);
            assert_int_equal(range_lock_set(&inode, &wanted, false), conflict ? E_AGAIN : E_OK);
            if (conflict)
                kind = UINT32_MAX;
        }
        if (kind != UINT32_MAX)
            memset(&model[owner][from], (int)kind, to - from + 1);
        if (next(500) == 0) {
            range_locks_end(&inode, &owners[owner]);
            memset(model[owner], NONE, BYTES);
        }
        compare();
    }
    for (uint32_t owner = 0; owner < OWNERS; owner++)
        range_locks_end(&inode, &owners[owner]);
    assert_null(inode.locks);
    assert_int_equal(native_heap_live(), live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_operations)};
    return RUN_TESTS(tests);
}
