/* SPDX-License-Identifier: MIT */
/* Linux's rules for credentials: setuid(2) and its kin, capabilities(7), execve(2), kill(2), ptrace(2). The expected
 * values are those of Linux 6.1. */
#include "linux/task/rights.h"

#include "unit.h"

#include "fs/vfs/abi.h"

#define K    ID_KEEP
#define ALL  CAPABILITIES_ALL
#define B(c) CAPABILITY_BIT(CAP_##c)

/* fs/vfs/credentials.c is part of the test; no rule here asks for the caller's. */
const struct credentials *credentials_current(void)
{
    return &credentials_first;
}

typedef enum err (*id_rule)(struct credentials *, bool, const uint32_t *);

static const struct id_row {
    int line;
    id_rule rule;
    struct ids before;
    bool privileged;
    uint32_t arg[3];
    enum err e;
    struct ids after;
} id_rows[] = {
#define ROW(rule, ...)                                                                             \
    {                                                                                              \
        __LINE__, rights_set_##rule, __VA_ARGS__                                                   \
    }
    /* setuid: all three with the capability, the effective one without. */
    ROW(one, {1, 2, 3, 2}, true, {9}, E_OK, {9, 9, 9, 9}),
    ROW(one, {1, 2, 3, 2}, false, {1}, E_OK, {1, 1, 3, 1}),
    ROW(one, {1, 2, 3, 2}, false, {3}, E_OK, {1, 3, 3, 3}),
    ROW(one, {1, 2, 3, 2}, false, {2}, E_PERM, {0}), /* the effective one is no right to itself */
    ROW(one, {1, 2, 3, 2}, false, {9}, E_PERM, {0}),
    ROW(one, {1, 2, 3, 2}, true, {K}, E_INVAL, {0}),
    /* setreuid: the saved one follows if the real one is set, or the effective one to another. */
    ROW(two, {1, 2, 3, 2}, false, {K, K}, E_OK, {1, 2, 3, 2}),
    ROW(two, {1, 2, 3, 2}, false, {K, 1}, E_OK, {1, 1, 3, 1}),
    ROW(two, {1, 2, 3, 2}, false, {K, 3}, E_OK, {1, 3, 3, 3}),
    ROW(two, {1, 2, 3, 2}, false, {K, 2}, E_OK, {1, 2, 2, 2}),
    ROW(two, {1, 2, 3, 2}, false, {2, 1}, E_OK, {2, 1, 1, 1}),
    ROW(two, {1, 2, 3, 2}, false, {2, K}, E_OK, {2, 2, 2, 2}),
    ROW(two, {1, 2, 3, 2}, false, {3, K}, E_PERM, {0}),
    ROW(two, {1, 2, 3, 2}, false, {K, 9}, E_PERM, {0}),
    ROW(two, {1, 2, 3, 2}, true, {8, 9}, E_OK, {8, 9, 9, 9}),
    /* setresuid */
    ROW(three, {1, 2, 3, 9}, false, {3, 1, 2}, E_OK, {3, 1, 2, 1}),
    ROW(three, {1, 2, 3, 9}, false, {K, K, K}, E_OK, {1, 2, 3, 2}),
    ROW(three, {1, 2, 3, 9}, false, {K, K, 9}, E_PERM, {0}),
    ROW(three, {1, 2, 3, 9}, true, {7, 8, 9}, E_OK, {7, 8, 9, 8}),
    /* setfsuid */
    ROW(fs, {1, 2, 3, 4}, false, {4}, E_OK, {1, 2, 3, 4}),
    ROW(fs, {1, 2, 3, 4}, false, {3}, E_OK, {1, 2, 3, 3}),
    ROW(fs, {1, 2, 3, 4}, false, {9}, E_PERM, {0}),
    ROW(fs, {1, 2, 3, 4}, true, {9}, E_OK, {1, 2, 3, 9}),
    ROW(fs, {1, 2, 3, 4}, true, {K}, E_PERM, {0}),
#undef ROW
};

static bool same_ids(const struct ids *a, const struct ids *b)
{
    return a->real == b->real && a->effective == b->effective && a->saved == b->saved &&
           a->fs == b->fs;
}

/* For uids and for gids, each with the capability of its kind and with all but it. */
static void test_change_of_ids(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof id_rows / sizeof id_rows[0]; i++) {
        for (int group = 0; group < 2; group++) {
            const struct id_row *row = &id_rows[i];
            uint64_t key = group ? B(SETGID) : B(SETUID);
            struct credentials c = {.effective = row->privileged ? key : ALL & ~key};
            *(group ? &c.gid : &c.uid) = row->before;
            enum err e = row->rule(&c, group, row->arg);
            const struct ids *after = group ? &c.gid : &c.uid;
            if (e != row->e || (e == E_OK && !same_ids(after, &row->after)))
                fail_msg("row of line %d, group %d: error %d, ids %u %u %u %u", row->line, group, e,
                         after->real, after->effective, after->saved, after->fs);
        }
    }
}

#define FS_SET                                                                                     \
    (B(CHOWN) | B(DAC_OVERRIDE) | B(DAC_READ_SEARCH) | B(FOWNER) | B(FSETID) |                     \
     B(LINUX_IMMUTABLE) | B(MAC_OVERRIDE) | B(MKNOD))

static const struct follow_row {
    int line;
    uint32_t securebits;
    struct ids before;
    uint64_t permitted, effective;
    id_rule rule;
    uint32_t arg[3];
    uint64_t permitted_after, effective_after, ambient_after; /* ambient before: KILL */
} follow_rows[] = {
#define ROW(...)                                                                                   \
    {                                                                                              \
        __LINE__, __VA_ARGS__                                                                      \
    }
    /* Root leaves for good: all is lost, unless kept; the ambient set always. */
    ROW(0, {0, 0, 0, 0}, ALL, ALL, rights_set_three, {5, 5, 5}, 0, 0, 0),
    ROW(SECURE_KEEP_CAPS, {0, 0, 0, 0}, ALL, ALL, rights_set_three, {5, 5, 5}, ALL, 0, 0),
    ROW(SECURE_NO_SETUID_FIXUP, {0, 0, 0, 0}, ALL, ALL, rights_set_three, {5, 5, 5}, ALL, ALL,
        B(KILL)),
    /* Root leaves for a while: the effective set goes and comes. */
    ROW(0, {0, 0, 0, 0}, ALL, ALL, rights_set_three, {K, 5, K}, ALL, 0, B(KILL)),
    ROW(0, {0, 5, 0, 5}, ALL, 0, rights_set_three, {K, 0, K}, ALL, ALL, B(KILL)),
    ROW(SECURE_NO_SETUID_FIXUP, {0, 5, 0, 5}, ALL, 0, rights_set_three, {K, 0, K}, ALL, 0, B(KILL)),
    ROW(0, {5, 0, 5, 0}, ALL, ALL, rights_set_two, {K, 5}, 0, 0, 0),
    /* Users among themselves. */
    ROW(0, {5, 6, 5, 6}, B(KILL) | B(CHOWN), B(KILL), rights_set_two, {K, 5}, B(KILL) | B(CHOWN),
        B(KILL), B(KILL)),
    /* The fsuid takes what concerns files along. */
    ROW(0, {0, 0, 0, 0}, ALL, ALL, rights_set_fs, {5}, ALL, ALL & ~FS_SET, B(KILL)),
    ROW(0, {0, 0, 0, 5}, ALL & ~B(CHOWN), B(KILL), rights_set_fs, {0}, ALL & ~B(CHOWN),
        B(KILL) | (FS_SET & ~B(CHOWN)), B(KILL)),
    ROW(SECURE_NO_SETUID_FIXUP, {0, 0, 0, 0}, ALL, ALL, rights_set_fs, {5}, ALL, ALL, B(KILL)),
#undef ROW
};

static void test_capabilities_follow_uids(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof follow_rows / sizeof follow_rows[0]; i++) {
        const struct follow_row *row = &follow_rows[i];
        struct credentials c = {.uid = row->before,
                                .permitted = row->permitted,
                                .effective = row->effective,
                                .ambient = B(KILL),
                                .securebits = row->securebits};
        assert_int_equal(row->rule(&c, false, row->arg), E_OK);
        if (c.permitted != row->permitted_after || c.effective != row->effective_after ||
            c.ambient != row->ambient_after)
            fail_msg("row of line %d: permitted %lx, effective %lx, ambient %lx", row->line,
                     c.permitted, c.effective, c.ambient);
        /* A change of groups moves none. */
        struct credentials g = {.permitted = ALL, .effective = ALL, .ambient = B(KILL)};
        assert_int_equal(row->rule(&g, true, row->arg), E_OK);
        assert_true(g.permitted == ALL && g.effective == ALL && g.ambient == B(KILL));
    }
}

static void test_capset(void **state)
{
    (void)state;
    const struct credentials base = {.permitted = B(KILL) | B(CHOWN),
                                     .effective = B(KILL),
                                     .inheritable = B(MKNOD),
                                     .bounding = ALL & ~B(CHOWN),
                                     .ambient = B(KILL)};
    static const struct {
        struct capability_sets sets;
        bool setpcap;
        enum err e;
    } rows[] = {
        {{.effective = B(CHOWN), .permitted = B(KILL) | B(CHOWN)}, false, E_OK},
        {{.effective = B(CHOWN), .permitted = B(KILL)}, false, E_PERM},    /* not permitted */
        {{.permitted = B(KILL) | B(FOWNER)}, false, E_PERM},               /* never was */
        {{.permitted = B(KILL), .inheritable = B(MKNOD)}, false, E_OK},    /* had it */
        {{.permitted = B(KILL), .inheritable = B(KILL)}, false, E_OK},     /* permitted */
        {{.permitted = B(KILL), .inheritable = B(CHOWN)}, false, E_PERM},  /* out of bounds */
        {{.permitted = B(KILL), .inheritable = B(FOWNER)}, false, E_PERM}, /* neither */
        {{.permitted = B(KILL), .inheritable = B(FOWNER)}, true, E_OK},
        {{.permitted = UINT64_C(1) << 63}, false, E_OK}, /* there is no such one */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct credentials c = base;
        if (rows[i].setpcap)
            c.effective |= B(SETPCAP);
        enum err e = rights_set_capabilities(&c, &rows[i].sets);
        if (e != rows[i].e)
            fail_msg("row %zu: %d", i, e);
        if (e != E_OK)
            continue;
        assert_true(c.permitted == (rows[i].sets.permitted & ALL));
        assert_true(c.effective == rows[i].sets.effective);
        assert_true(c.inheritable == rows[i].sets.inheritable);
        assert_true(c.ambient == (B(KILL) & c.permitted & c.inheritable));
        assert_true(c.bounding == base.bounding);
    }
}

static void test_securebits_and_bounds(void **state)
{
    (void)state;
    struct credentials c = {.effective = ALL, .bounding = ALL, .permitted = B(KILL)};
    assert_int_equal(rights_set_securebits(&c, 0x100), E_PERM);
    assert_int_equal(rights_set_securebits(&c, SECURE_NOROOT | SECURE_KEEP_CAPS_LOCKED), E_OK);
    assert_int_equal(rights_set_keep(&c, true), E_PERM); /* locked */
    assert_int_equal(rights_set_securebits(&c, SECURE_KEEP_CAPS | SECURE_KEEP_CAPS_LOCKED), E_PERM);
    assert_int_equal(rights_set_securebits(&c, SECURE_NOROOT), E_PERM); /* a lock stays */
    assert_int_equal(rights_set_securebits(&c, SECURE_KEEP_CAPS_LOCKED), E_OK);
    assert_int_equal(rights_drop_bound(&c, CAP_LAST + 1), E_INVAL);
    assert_int_equal(rights_drop_bound(&c, CAP_CHOWN), E_OK);
    assert_true(c.bounding == (ALL & ~B(CHOWN)));
    assert_int_equal(rights_set_ambient(&c, CAP_KILL, true), E_PERM); /* not inheritable */
    c.inheritable = B(KILL) | B(CHOWN);
    assert_int_equal(rights_set_ambient(&c, CAP_CHOWN, true), E_PERM); /* not permitted */
    assert_int_equal(rights_set_ambient(&c, CAP_KILL, true), E_OK);
    assert_true(c.ambient == B(KILL));
    assert_int_equal(rights_set_ambient(&c, CAP_KILL, false), E_OK);
    assert_true(c.ambient == 0);
    c.securebits = SECURE_NO_CAP_AMBIENT_RAISE;
    assert_int_equal(rights_set_ambient(&c, CAP_KILL, true), E_PERM);
    c.effective = 0;
    assert_int_equal(rights_set_securebits(&c, c.securebits), E_PERM);
    assert_int_equal(rights_drop_bound(&c, CAP_CHOWN), E_PERM);
    c.securebits = 0;
    assert_int_equal(rights_set_keep(&c, true), E_OK);
    assert_true(c.securebits == SECURE_KEEP_CAPS);
}

static void test_access(void **state)
{
    (void)state;
    struct credentials c = {
        .uid = {0, 5, 5, 5}, .gid = {7, 8, 8, 8}, .permitted = B(KILL), .effective = 0};
    rights_for_access(&c);
    assert_true(c.uid.fs == 0 && c.gid.fs == 7 && c.effective == B(KILL));
    struct credentials d = {.uid = {5, 0, 0, 0}, .permitted = ALL, .effective = ALL};
    rights_for_access(&d);
    assert_true(d.uid.fs == 5 && d.effective == 0);
    struct credentials e = {
        .uid = {5, 0, 0, 0}, .effective = ALL, .securebits = SECURE_NO_SETUID_FIXUP};
    rights_for_access(&e);
    assert_true(e.uid.fs == 5 && e.effective == ALL);
}

static const struct exec_row {
    int line;
    struct credentials before;
    struct rights_exec exec;
    bool secure;
    struct ids uid, gid;
    uint64_t permitted, effective, ambient;
} exec_rows[] = {
#define ROW(...)                                                                                   \
    {                                                                                              \
        __LINE__, __VA_ARGS__                                                                      \
    }
#define USER .uid = {5, 5, 5, 5}, .gid = {6, 6, 6, 6}, .bounding = ALL
#define ROOT .permitted = ALL, .effective = ALL, .bounding = ALL
    /* Nothing set. */
    ROW({USER}, {.file = {0, 0, S_IFREG | 0755}, .shared = false}, false, {5, 5, 5, 5},
        {6, 6, 6, 6}, 0, 0, 0),
    ROW({ROOT}, {.file = {5, 5, S_IFREG | 0755}, .shared = false}, false, {0}, {0}, ALL, ALL, 0),
    /* Set-user-ID root, another user, one's own. */
    ROW({USER}, {.file = {0, 0, S_IFREG | 04755}, .shared = false}, true, {5, 0, 0, 0},
        {6, 6, 6, 6}, ALL, ALL, 0),
    ROW({USER}, {.file = {9, 0, S_IFREG | 04755}, .shared = false}, true, {5, 9, 9, 9},
        {6, 6, 6, 6}, 0, 0, 0),
    ROW({USER}, {.file = {5, 6, S_IFREG | 06755}, .shared = false}, false, {5, 5, 5, 5},
        {6, 6, 6, 6}, 0, 0, 0),
    ROW({ROOT}, {.file = {9, 0, S_IFREG | 04755}, .shared = false}, true, {0, 9, 9, 9}, {0}, ALL, 0,
        0),
    /* Set-group-ID, and without the x bit, where it means another thing. */
    ROW({USER}, {.file = {0, 9, S_IFREG | 02755}, .shared = false}, true, {5, 5, 5, 5},
        {6, 9, 9, 9}, 0, 0, 0),
    ROW({USER}, {.file = {0, 9, S_IFREG | 02745}, .shared = false}, false, {5, 5, 5, 5},
        {6, 6, 6, 6}, 0, 0, 0),
    /* Ids that differ already. */
    ROW({.uid = {5, 9, 5, 9}, .gid = {6, 6, 6, 6}, .bounding = ALL},
        {.file = {0, 0, S_IFREG | 0755}, .shared = false}, true, {5, 9, 9, 9}, {6, 6, 6, 6}, 0, 0,
        0),
    ROW({.uid = {5, 5, 5, 5}, .gid = {6, 7, 6, 7}, .bounding = ALL},
        {.file = {0, 0, S_IFREG | 0755}, .shared = false}, true, {5, 5, 5, 5}, {6, 7, 7, 7}, 0, 0,
        0),
    /* The bounding set binds what root gets; what it was does not. */
    ROW({.uid = {5, 5, 5, 5}, .gid = {6, 6, 6, 6}, .bounding = B(KILL)},
        {.file = {0, 0, S_IFREG | 04755}, .shared = false}, true, {5, 0, 0, 0}, {6, 6, 6, 6},
        B(KILL), B(KILL), 0),
    ROW({.bounding = B(KILL), .inheritable = B(CHOWN)},
        {.file = {0, 0, S_IFREG | 0755}, .shared = false}, false, {0}, {0}, B(KILL) | B(CHOWN),
        B(KILL) | B(CHOWN), 0),
    /* A user's capabilities end at an exec, but for the ambient ones. */
    ROW({USER, .permitted = ALL, .effective = ALL},
        {.file = {0, 0, S_IFREG | 0755}, .shared = false}, false, {5, 5, 5, 5}, {6, 6, 6, 6}, 0, 0,
        0),
    ROW({USER, .permitted = ALL, .inheritable = B(KILL), .ambient = B(KILL)},
        {.file = {0, 0, S_IFREG | 0755}, .shared = false}, false, {5, 5, 5, 5}, {6, 6, 6, 6},
        B(KILL), B(KILL), B(KILL)),
    ROW({USER, .permitted = B(KILL), .inheritable = B(KILL), .ambient = B(KILL)},
        {.file = {9, 0, S_IFREG | 04755}, .shared = false}, true, {5, 9, 9, 9}, {6, 6, 6, 6}, 0, 0,
        0),
    /* Root as nobody special. */
    ROW({USER, .securebits = SECURE_NOROOT | SECURE_KEEP_CAPS},
        {.file = {0, 0, S_IFREG | 04755}, .shared = false}, true, {5, 0, 0, 0}, {6, 6, 6, 6}, 0, 0,
        0),
    ROW({ROOT, .securebits = SECURE_NOROOT}, {.file = {0, 0, S_IFREG | 0755}, .shared = false},
        false, {0}, {0}, 0, 0, 0),
    /* no_new_privs, and a directory that is shared with another process. */
    ROW({USER, .no_new_privs = true}, {.file = {0, 9, S_IFREG | 06755}, .shared = false}, false,
        {5, 5, 5, 5}, {6, 6, 6, 6}, 0, 0, 0),
    ROW({USER}, {.file = {0, 9, S_IFREG | 06755}, .shared = true}, true, {5, 5, 5, 5}, {6, 6, 6, 6},
        0, 0, 0),
    ROW({ROOT}, {.file = {9, 9, S_IFREG | 04755}, .shared = true}, true, {0, 9, 9, 9}, {0}, ALL, 0,
        0),
/* Capabilities of the file: the bounding set binds them, and they end the ambient ones. */
#define FILE_HAS(permits, inherits, runs)                                                          \
    {                                                                                              \
        .file = {0, 0, S_IFREG | 0755}, .capable = true, .effective = runs, .permitted = permits,  \
        .inheritable = inherits                                                                    \
    }
    ROW({USER}, FILE_HAS(B(KILL), 0, true), true, {5, 5, 5, 5}, {6, 6, 6, 6}, B(KILL), B(KILL), 0),
    ROW({USER}, FILE_HAS(B(KILL), 0, false), true, {5, 5, 5, 5}, {6, 6, 6, 6}, B(KILL), 0, 0),
    ROW({USER, .inheritable = B(CHOWN)}, FILE_HAS(0, B(CHOWN) | B(KILL), true), true, {5, 5, 5, 5},
        {6, 6, 6, 6}, B(CHOWN), B(CHOWN), 0),
    ROW({.uid = {5, 5, 5, 5}, .gid = {6, 6, 6, 6}, .bounding = B(CHOWN)},
        FILE_HAS(B(CHOWN) | B(KILL), 0, false), true, {5, 5, 5, 5}, {6, 6, 6, 6}, B(CHOWN), 0, 0),
    ROW({USER, .no_new_privs = true}, FILE_HAS(B(KILL), 0, true), true, {5, 5, 5, 5}, {6, 6, 6, 6},
        0, 0, 0),
    ROW({USER, .permitted = B(KILL), .inheritable = B(KILL), .ambient = B(KILL)},
        FILE_HAS(0, 0, false), false, {5, 5, 5, 5}, {6, 6, 6, 6}, 0, 0, 0),
    ROW({ROOT}, FILE_HAS(B(KILL), 0, false), false, {0}, {0}, ALL, ALL, 0),
#undef FILE_HAS
    /* A script's bits would come here as its interpreter's: real root with another effective user. */
    ROW({.uid = {0, 5, 5, 5}, .permitted = ALL, .bounding = ALL},
        {.file = {0, 0, S_IFREG | 0755}, .shared = false}, true, {0, 5, 5, 5}, {0}, ALL, 0, 0),
#undef ROW
};

static void test_exec(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof exec_rows / sizeof exec_rows[0]; i++) {
        const struct exec_row *row = &exec_rows[i];
        struct credentials c = row->before;
        bool secure;
        assert_int_equal(rights_exec(&c, &row->exec, &secure), E_OK);
        if (secure != row->secure || !same_ids(&c.uid, &row->uid) || !same_ids(&c.gid, &row->gid) ||
            c.permitted != row->permitted || c.effective != row->effective ||
            c.ambient != row->ambient)
            fail_msg(
                "row of line %d: secure %d, uid %u %u %u %u, gid %u %u %u %u, capabilities %lx "
                "%lx %lx",
                row->line, secure, c.uid.real, c.uid.effective, c.uid.saved, c.uid.fs, c.gid.real,
                c.gid.effective, c.gid.saved, c.gid.fs, c.permitted, c.effective, c.ambient);
        assert_true(!(c.securebits & SECURE_KEEP_CAPS));
        assert_true(c.bounding == row->before.bounding && c.inheritable == row->before.inheritable);
    }
}

/* A file whose capabilities would be in effect needs all of them; a set-user-ID root one with
 * capabilities has those only. */
static void test_exec_of_capable_files(void **state)
{
    (void)state;
    bool secure;
    struct rights_exec exec = {.capable = true, .effective = true, .permitted = B(KILL) | B(CHOWN)};
    struct credentials c = {.uid = {5, 5, 5, 5}, .bounding = B(KILL)};
    assert_int_equal(rights_exec(&c, &exec, &secure), E_PERM);
    exec.effective = false;
    exec.file = (struct file_rights){0, 0, S_IFREG | 04755};
    c = (struct credentials){.uid = {5, 5, 5, 5}, .bounding = ALL};
    assert_int_equal(rights_exec(&c, &exec, &secure), E_OK);
    assert_true(secure && c.uid.effective == 0 && c.effective == 0);
    assert_true(c.permitted == (B(KILL) | B(CHOWN)));
}

/* Each of the four pairs of ids suffices for a signal, and no other. */
static void test_signals(void **state)
{
    (void)state;
    for (unsigned pair = 0; pair < 16; pair++) {
        struct credentials self = {.uid = {1, 2, 3, 4}}, other = {.uid = {11, 12, 13, 14}};
        uint32_t *mine[] = {&self.uid.real, &self.uid.effective, &self.uid.saved, &self.uid.fs};
        uint32_t *theirs[] = {&other.uid.real, &other.uid.effective, &other.uid.saved,
                              &other.uid.fs};
        *mine[pair / 4] = *theirs[pair % 4] = 99;
        bool may = pair / 4 < 2 && (pair % 4 == 0 || pair % 4 == 2);
        assert_int_equal(rights_may_signal(&self, &other), may);
        self.effective = B(KILL);
        assert_true(rights_may_signal(&self, &other));
        bool schedules = pair / 4 == 1 && pair % 4 < 2;
        assert_int_equal(rights_may_schedule(&self, &other), schedules);
        bool io = pair / 4 < 2 && pair % 4 == 0;
        assert_int_equal(rights_may_set_io(&self, &other), io);
        self.effective = B(SYS_NICE);
        assert_true(rights_may_schedule(&self, &other) && rights_may_set_io(&self, &other));
    }
}

static void test_limits_and_traces(void **state)
{
    (void)state;
    const struct credentials user = {.uid = {5, 5, 5, 5}, .gid = {6, 6, 6, 6}};
    for (unsigned which = 0; which < 8; which++) {
        struct credentials other = user;
        struct ids *ids = which < 4 ? &other.uid : &other.gid;
        uint32_t *one[] = {&ids->real, &ids->effective, &ids->saved, &ids->fs};
        *one[which % 4] = 9; /* the fs id does not matter */
        assert_int_equal(rights_may_limit(&user, &other), which % 4 == 3);
        assert_int_equal(rights_may_trace(&user, &other, true, true), which % 4 == 3);
        const struct credentials able = {.effective = B(SYS_RESOURCE) | B(SYS_PTRACE)};
        assert_true(rights_may_limit(&able, &other));
        assert_true(rights_may_trace(&able, &other, false, false));
    }
    assert_false(rights_may_trace(&user, &user, false, true));
    struct credentials strong = user;
    strong.permitted = B(KILL);
    assert_false(rights_may_trace(&user, &strong, true, true));
    assert_false(rights_may_trace(&strong, &strong, true, true)); /* its own are not in effect */
    assert_true(rights_may_trace(&strong, &strong, true, false));
    assert_false(rights_covers(&user, &strong));
    assert_true(rights_covers(&strong, &user));
    struct credentials fs = user;
    fs.uid.fs = 9;
    assert_false(rights_may_trace(&fs, &user, true, true));
    assert_true(rights_may_trace(&fs, &user, true, false));
}

static void test_differences(void **state)
{
    (void)state;
    const struct credentials user = {
        .uid = {5, 5, 5, 5}, .permitted = B(KILL), .effective = B(KILL)};
    struct credentials c = user;
    c.uid.real = c.uid.saved = 9;
    c.permitted = c.effective = 0;
    assert_false(rights_differs(&user, &c));
    c.permitted = B(CHOWN);
    assert_true(rights_differs(&user, &c));
    c = user;
    c.uid.fs = 9;
    assert_true(rights_differs(&user, &c));
    c = user;
    c.gid.effective = 9;
    assert_true(rights_differs(&user, &c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_change_of_ids),
        cmocka_unit_test(test_capabilities_follow_uids),
        cmocka_unit_test(test_capset),
        cmocka_unit_test(test_securebits_and_bounds),
        cmocka_unit_test(test_access),
        cmocka_unit_test(test_exec),
        cmocka_unit_test(test_exec_of_capable_files),
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_limits_and_traces),
        cmocka_unit_test(test_differences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
