/* SPDX-License-Identifier: MIT */
#include "kern/options.h"

#include "base/fmt.h"
#include "base/str.h"
#include "cpu/cpus.h"
#include "cpu/tsc_fit.h"
#include "parse/cmdline.h"

#define WORDS_MAX        64
#define DEADLOCK_SECONDS 10
#define WATCHDOG_SECONDS 3

struct reader {
    struct options *options;
    bool arguments_given;
};

/* Handles one word; false if the value is invalid. */
typedef bool (*word_function)(struct reader *r, char *value);

static bool word_console(struct reader *r, char *value)
{
    if (strcmp(value, "framed") == 0)
        r->options->console.framed = true;
    else if (strcmp(value, "framed,raw") == 0)
        r->options->console.framed = r->options->console.raw = true;
    else if (strncmp(value, "tty0", 4) == 0) /* for the boot loader */
        r->options->console.screen = true;
    else if (strncmp(value, "ttyS0", 5) == 0)
        r->options->console.serial = true;
    else
        return false;
    return true;
}

/* "0,2", or "none" */
static bool word_terminals(struct reader *r, char *value)
{
    r->options->console.terminals = 0;
    if (strcmp(value, "none") == 0)
        return true;
    for (const char *p = value; *p;) {
        if (*p < '0' || *p > '2')
            return false;
        r->options->console.terminals |= (uint8_t)(1 << (*p++ - '0'));
        if (*p == ',')
            p++;
        else if (*p)
            return false;
    }
    return true;
}

/* "80x25" */
static bool word_terminal_size(struct reader *r, char *value)
{
    unsigned long columns, rows;
    char *x = strchr(value, 'x');
    if (x == NULL)
        return false;
    *x = '\0';
    if (!cmdline_number(value, &columns) || !cmdline_number(x + 1, &rows) || columns > 10000 ||
        rows > 10000)
        return false;
    r->options->console.columns = (uint16_t)columns;
    r->options->console.rows = (uint16_t)rows;
    return true;
}

static bool word_loglevel(struct reader *r, char *value)
{
    unsigned long level;
    if (!cmdline_number(value, &level) || level > 7)
        return false;
    r->options->loglevel = (int)level;
    return true;
}

static bool word_deadlock(struct reader *r, char *value)
{
    unsigned long seconds;
    if (!cmdline_number(value, &seconds) || seconds > 1000000)
        return false;
    r->options->deadlock_seconds = (unsigned)seconds;
    return true;
}

static bool word_watchdog(struct reader *r, char *value)
{
    unsigned long seconds;
    if (!cmdline_number(value, &seconds) || seconds > 100000)
        return false;
    r->options->watchdog_seconds = (unsigned)seconds;
    return true;
}

static bool word_cpus(struct reader *r, char *value)
{
    unsigned long cpus, skew;
    char *comma = SEVERAL_CPUS ? strchr(value, ',') : NULL;
    if (comma != NULL) {
        *comma = '\0';
        if (!cmdline_number(comma + 1, &skew))
            return false;
        cpus_tsc_skew = skew;
    }
    if (!cmdline_number(value, &cpus) || cpus < 1 || cpus > 100000)
        return false;
    r->options->cpus = (unsigned)cpus;
    return true;
}

static bool word_exit(struct reader *r, char *value)
{
    unsigned long port;
    if (strcmp(value, "bochs") == 0) {
        r->options->exit_way = EXIT_BOCHS;
    } else if (strcmp(value, "halt") == 0) {
        r->options->exit_way = EXIT_HALT;
    } else if (strcmp(value, "key") == 0) {
        r->options->exit_way = EXIT_KEY;
    } else if (strcmp(value, "poweroff") == 0) {
        r->options->exit_way = EXIT_POWER_OFF;
    } else {
        if (!cmdline_number(value, &port) || port > UINT16_MAX)
            return false;
        r->options->exit_way = EXIT_DEBUG_PORT;
        r->options->exit_port = (uint16_t)port;
    }
    return true;
}

static bool word_panic(struct reader *r, char *value)
{
    unsigned long seconds;
    if (!cmdline_number(value, &seconds) || seconds > 86400)
        return false;
    r->options->panic_seconds = (unsigned)seconds;
    return true;
}

/* The names are checked later, by dev/. */
static bool word_keyboard(struct reader *r, char *value)
{
    str_copy(r->options->keyboard, value, sizeof r->options->keyboard);
    return strlen(value) < sizeof r->options->keyboard;
}

static bool word_slot(struct reader *r, char *value)
{
    unsigned long slot;
    if (!cmdline_number(value, &slot) || slot < 256 || slot > 495)
        return false;
    r->options->window_slot = (unsigned)slot;
    return true;
}

static bool word_pagetables(struct reader *r, char *value)
{
    static const char *const names[PAGING_KINDS] = {
        [PAGING_RECURSIVE] = "recursive", [PAGING_PHYSMAP] = "physmap",
        [PAGING_OFFSET] = "offset",       [PAGING_IDENTITY] = "identity",
        [PAGING_TEMPORARY] = "temporary",
    };
    for (unsigned i = 0; i < PAGING_KINDS; i++) {
        if (strcmp(value, names[i]) != 0)
            continue;
        r->options->pagetables = (enum paging_kind)i;
        return true;
    }
    return false;
}

/* Count of frames mapped at once; must fit one page table. */
static bool word_arena(struct reader *r, char *value)
{
    unsigned long frames;
    if (!cmdline_number(value, &frames) || frames < 8 || frames > 512 || frames & (frames - 1))
        return false;
    r->options->arena = (unsigned)frames;
    return true;
}

static bool word_pool(struct reader *r, char *value)
{
    unsigned long frames;
    if (!cmdline_number(value, &frames) || frames == 0)
        return false;
    r->options->pool = frames;
    return true;
}

static bool word_slots(struct reader *r, char *value)
{
    unsigned long slots;
    if (!cmdline_number(value, &slots) || slots == 0 || slots > 64)
        return false;
    r->options->slots = (unsigned)slots;
    return true;
}

/* Hz; 0: the kernel finds it. */
static bool word_tsc(struct reader *r, char *value)
{
    unsigned long hz;
    if (!cmdline_number(value, &hz) || (hz != 0 && hz < TSC_HZ_MIN) || hz > TSC_HZ_MAX)
        return false;
    r->options->tsc_hz = hz;
    return true;
}

static bool word_time(struct reader *r, char *value)
{
    r->options->time_from_host = strcmp(value, "host") == 0;
    return r->options->time_from_host;
}

static bool word_ip(struct reader *r, char *value)
{
    return net_options_parse(value, &r->options->net);
}

/* "vda", "vda:ro", "vda:/data", "share:/mnt:ro": the path begins at the first colon before a slash. */
static bool word_place(char *value, struct mount_option *to)
{
    char *path = value, *end = value + strlen(value);
    bool readonly = end - value > 3 && strcmp(end - 3, ":ro") == 0;
    if (readonly)
        end[-3] = '\0';
    while (*path != '\0' && (path[0] != ':' || path[1] != '/'))
        path++;
    *to = (struct mount_option){value, *path != '\0' ? path + 1 : NULL, readonly};
    *path = '\0';
    return path != value && (to->path == NULL || strchr(to->path, ':') == NULL);
}

static bool word_root(struct reader *r, char *value)
{
    return word_place(value, &r->options->root) && strchr(value, ':') == NULL;
}

static bool word_mount(struct reader *r, char *value)
{
    struct mount_option *to = r->options->mounts;
    while (to->source != NULL)
        to++;
    return to != &r->options->mounts[OPTIONS_MOUNTS_MAX] && word_place(value, to) &&
           to->path != NULL;
}

/* "/dev/vdb", "vdb". */
static bool word_swap(struct reader *r, char *value)
{
    r->options->swap = strncmp(value, "/dev/", 5) == 0 ? value + 5 : value;
    return *r->options->swap != '\0';
}

static bool word_hostname(struct reader *r, char *value)
{
    r->options->hostname = value;
    return *value != '\0' && strlen(value) <= 64; /* Linux: __NEW_UTS_LEN */
}

static bool word_cwd(struct reader *r, char *value)
{
    r->options->cwd = value;
    return *value == '/';
}

/* "UID:GID" */
static bool word_share_owner(struct reader *r, char *value)
{
    unsigned long uid, gid;
    char *colon = strchr(value, ':');
    if (colon == NULL)
        return false;
    *colon = '\0';
    if (!cmdline_number(value, &uid) || !cmdline_number(colon + 1, &gid) || uid >= UINT32_MAX ||
        gid >= UINT32_MAX)
        return false;
    r->options->share_uid = (uint32_t)uid;
    r->options->share_gid = (uint32_t)gid;
    return true;
}

static bool word_init(struct reader *r, char *value)
{
    r->options->init = value;
    return strchr(value, '/') != NULL;
}

/* The value is read later, by dev/. */
static bool word_virtio_mmio(struct reader *r, char *value)
{
    for (size_t i = 0; i < OPTIONS_VIRTIO_MAX; i++) {
        if (r->options->virtio_mmio[i] != NULL)
            continue;
        r->options->virtio_mmio[i] = value;
        return true;
    }
    return false;
}

static bool word_test(struct reader *r, char *value)
{
    r->options->test = value;
    return *value != '\0';
}

static bool read_list(char *value, const char **items, size_t max)
{
    size_t count;
    struct parse_fault fault;
    if (cmdline_list(value, items, max, &count, &fault) != E_OK)
        return false;
    items[count] = NULL;
    return true;
}

static bool word_argv(struct reader *r, char *value)
{
    r->arguments_given = true;
    return read_list(value, r->options->argv, OPTIONS_ARGUMENTS_MAX);
}

static bool word_env(struct reader *r, char *value)
{
    return read_list(value, r->options->envp, OPTIONS_ENVIRONMENT_MAX);
}

static const struct {
    const char *name;
    word_function function;
} words_with_value[] = {
    {"console", word_console},
    {"stdio.terminals", word_terminals},
    {"terminal.size", word_terminal_size},
    {"loglevel", word_loglevel},
    {"deadlock", word_deadlock},
    {"watchdog", word_watchdog},
    {"cpus", word_cpus},
    {"tsc", word_tsc},
    {"time", word_time},
    {"exit", word_exit},
    {"panic", word_panic},
    {"keyboard", word_keyboard},
    {"pagetables", word_pagetables},
    {"pagetables.slot", word_slot},
    {"pagetables.arena", word_arena},
    {"pagetables.pool", word_pool},
    {"pagetables.slots", word_slots},
    {"ip", word_ip},
    {"mount", word_mount},
    {"swap", word_swap},
    {"root", word_root},
    {"hostname", word_hostname},
    {"cwd", word_cwd},
    {"share.owner", word_share_owner},
    {"init", word_init},
    {"virtio_mmio.device", word_virtio_mmio},
    {"test", word_test},
    {"argv", word_argv},
    {"env", word_env},
};

static bool read_word(struct reader *r, const struct cmdline_word *word, char *complaint,
                      size_t size)
{
    if (word->value == NULL) {
        if (strcmp(word->name, "quiet") == 0)
            r->options->loglevel = 4;
        else if (strcmp(word->name, "debug") == 0)
            r->options->loglevel = 7;
        else if (strcmp(word->name, "norandmaps") == 0)
            r->options->no_randomness = true;
        else if (strcmp(word->name, "check-at-end") == 0)
            r->options->check_at_end = true;
        else if (strcmp(word->name, "stats") == 0)
            r->options->stats = true;
        else if (strcmp(word->name, "missed") == 0)
            r->options->missed = true;
        else if (strcmp(word->name, "strace") == 0)
            r->options->strace = true;
        else if (strcmp(word->name, "profile") == 0)
            r->options->profile = true;
        else if (strcmp(word->name, "bootchart") == 0)
            r->options->boot_chart = true;
        else
            goto unknown;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(words_with_value); i++) {
        if (strcmp(word->name, words_with_value[i].name) != 0)
            continue;
        if (words_with_value[i].function(r, (char *)(uintptr_t)word->value))
            return true;
        fmt_snprintf(complaint, size, "the kernel word %s= does not take this value: %s",
                     word->name, word->value);
        return false;
    }
unknown:
    fmt_snprintf(complaint, size, "unknown kernel word: %s", word->name);
    return false;
}

static const char *const environment_default[] = {"HOME=/root", "TERM=linux", NULL};

enum err options_parse(char *line, struct options *out, char *complaint, size_t size)
{
    struct cmdline_word words[WORDS_MAX];
    struct parse_fault fault;
    struct reader reader = {.options = out};
    size_t count;
    char *arguments;
    memset(out, 0, sizeof *out);
    out->loglevel = 4;
    str_copy(out->keyboard, "us", sizeof out->keyboard);
    out->deadlock_seconds = DEADLOCK_SECONDS;
    out->watchdog_seconds = WATCHDOG_SECONDS;
    out->init = out->argv[0] = "/init";
    memcpy(out->envp, environment_default, sizeof environment_default);

    enum err e = cmdline_split(line, words, WORDS_MAX, &count, &arguments, &fault);
    if (e != E_OK) {
        fmt_snprintf(complaint, size, "the kernel command line cannot be read: %s at offset %llu",
                     fault.what, (unsigned long long)fault.offset);
        return E_INVAL;
    }
    e = E_OK;
    for (size_t i = 0; i < count; i++) {
        /* Parsing continues after an error: a later word may choose the console that shows it. */
        char ignored[1];
        if (!read_word(&reader, &words[i], e == E_OK ? complaint : ignored, e == E_OK ? size : 1))
            e = E_INVAL;
    }
    if (!reader.arguments_given) { /* as in Linux: the path, then the words after "--" */
        size_t given = 0;
        out->argv[0] = out->init;
        if (arguments != NULL &&
            cmdline_arguments(arguments, out->argv + 1, OPTIONS_ARGUMENTS_MAX - 1, &given,
                              &fault) != E_OK) {
            if (e == E_OK)
                fmt_snprintf(complaint, size, "the arguments after -- cannot be read: %s",
                             fault.what);
            e = E_INVAL;
        }
        out->argv[1 + given] = NULL;
    } else if (out->argv[0] == NULL) {
        out->argv[0] = out->init;
    }
    return e;
}
