/* SPDX-License-Identifier: MIT */
/* Builds the kernel's command line from the options, packs the archive, and makes or patches the image. */
#include "machine/boot.h"
#include "host/fail.h"
#include "host/file.h"
#include "host/host_tsc.h"
#include "host/path.h"
#include "host/place.h"
#include "host/progress.h"
#include "host/terminal.h"
#include "image/compile.h"
#include "image/elf_needs.h"
#include "image/date.h"
#include "image/etc.h"
#include "image/inventory.h"
#include "image/iso.h"
#include "image/library.h"
#include "image/pack.h"
#include "image/sbom.h"
#include "image/scan.h"
#include "image/trace_files.h"
#include "image/user.h"
#include "image/words.h"
#include "kern/options.h"
#include "machine/container.h"
#include "machine/explorer.h"
#include "machine/root_medium.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MIB              (1024.0 * 1024)
#define PROGRAM_ROOM     (UINT64_C(128) << 20) /* beside its files */
#define MEMORY_STEP      (UINT64_C(64) << 20)
#define INIT_PATH        "/sbin/ouro-init"
#define TRACE_SECONDS    60.0 /* a program of --trace-files runs for at most */
#define LOGLEVEL_QUIET   4
#define LOGLEVEL_VERBOSE 6

static void set_environment(struct args *list, const char *variable)
{
    size_t name = strcspn(variable, "=") + 1;
    for (size_t i = 0; i < list->count; i++) {
        if (strncmp(list->item[i], variable, name) == 0) {
            free(list->item[i]);
            list->item[i] = string_copy(variable);
            return;
        }
    }
    args_add(list, variable);
}

/* True if the command writes an image and starts no machine. */
static bool makes_image(const struct request *o)
{
    return o->command == COMMAND_ISO || o->command == COMMAND_DISK_IMAGE ||
           o->command == COMMAND_USB;
}

/* True if tool/init/init.c is process 1. */
static bool has_init(const struct request *o)
{
    return o->user || o->init;
}

/* On a terminal of this computer the program gets what describes it, and image/rules.h packs what those names need. */
static void terminal_environment(struct args *out)
{
    static const char *const names[] = {"TERM", "LANG", "LC_ALL", "LC_CTYPE", "COLORTERM"};
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        const char *value = getenv(names[i]);
        char *variable = string_format("%s=%s", names[i], value ? value : "");
        if (value && *value)
            set_environment(out, variable);
        free(variable);
    }
}

static void program_environment(const struct request *o, const char *home, struct args *out)
{
    args_format(out, "HOME=%s", home ? home : "/root");
    args_add(out, "TERM=linux");
    args_add(out, "PATH=" PROGRAM_PATH);
    if (isatty(STDOUT_FILENO) && !makes_image(o) && !o->machine.screen)
        terminal_environment(out);
    library_environment(out);
    for (size_t i = 0; i < o->environment.count; i++)
        set_environment(out, o->environment.item[i]);
}

/* The program's path as it was typed, if that leads to it in the machine too: a script's argv[0] is this path. */
static const char *path_as_given(const struct request *o, const struct program *program)
{
    char *full = string_format("%s/%s", o->workdir ? o->workdir : "", program->name);
    char *place = path_normalise(full);
    bool same = program->name[0] != '/' && strchr(program->name, '/') &&
                !strstr(program->name, "/..") && strcmp(place, program->place) == 0;
    free(place);
    free(full);
    return same ? program->name : program->place;
}

/* Words that do not depend on this run: path, arguments and environment of the program, --append. */
static void packed_words(const struct request *o, const struct program *program,
                         const struct user *user, struct args *words)
{
    struct args argv = {0}, environment = {0};
    char *init = string_format("init=%s", has_init(o) ? INIT_PATH : path_as_given(o, program));
    if (has_init(o)) {
        const char *const front[] = {"ouro-init", user->ids ? user->ids : "-",
                                     o->stop_signal ? string_format("init:%d", o->stop_signal)
                                     : o->init      ? "init"
                                                    : "exec",
                                     path_as_given(o, program), NULL};
        args_all(&argv, front);
    }
    words_plain(words, init, "the path of the program");
    free(init);
    args_add(&argv, program->name);
    for (size_t i = 0; i < o->argument_count; i++)
        args_add(&argv, o->arguments[i]);
    program_environment(o, user->home, &environment);
    if (argv.count > OPTIONS_ARGUMENTS_MAX)
        fail(STATUS_FAILED, "the program gets %zu arguments, and %d fit", argv.count,
             OPTIONS_ARGUMENTS_MAX);
    if (environment.count > OPTIONS_ENVIRONMENT_MAX)
        fail(STATUS_FAILED, "the program gets %zu environment variables, and %d fit",
             environment.count, OPTIONS_ENVIRONMENT_MAX);
    words_list(words, "argv", argv.item, argv.count);
    words_list(words, "env", environment.item, environment.count);
    if (o->command == COMMAND_DEBUG) /* fixed addresses for gdb */
        args_add(words, "norandmaps");
    if (o->workdir)
        words_plain(words, string_format("cwd=%s", o->workdir), "the program's folder");
    if (o->hostname)
        args_format(words, "hostname=%s", o->hostname);
    if (o->pagetables)
        args_format(words, "pagetables=%s", o->pagetables);
    if (o->machine.cpus > 1 && !o->machine.cpus_all)
        args_format(words, "cpus=%u", o->machine.cpus);
    if (o->append)
        words_typed(words, o->append);
    args_free(&argv);
    args_free(&environment);
}

/* The standard streams that are terminals, and the size of the first. */
static void terminal_words(const struct request *o, struct args *words)
{
    struct text terminals = {0};
    struct winsize size = {0};
    for (int fd = 0; fd <= 2; fd++) {
        if (!isatty(fd))
            continue;
        text_format(&terminals, "%s%d", terminals.length ? "," : "", fd);
        if (size.ws_col == 0)
            ioctl(fd, TIOCGWINSZ, &size);
    }
    args_add(words, o->command == COMMAND_RUN && terminal_offered() ? "console=framed,raw"
                                                                    : "console=framed");
    args_format(words, "stdio.terminals=%s", terminals.length ? terminals.bytes : "none");
    if (size.ws_col > 0 && size.ws_row > 0)
        args_format(words, "terminal.size=%ux%u", size.ws_col, size.ws_row);
    text_free(&terminals);
}

static bool qemu_args_mention(const struct request *o, const char *what)
{
    for (size_t i = 0; i < o->qemu_args.count; i++)
        if (strstr(o->qemu_args.item[i], what))
            return true;
    return false;
}

/* QEMU's guests have the host's TSC, less the value at their start: TCG executes RDTSC by the host's
 * own RDTSC, and KVM lets the guest read it. Not with -icount, where it counts instructions, nor with
 * a frequency of its own. With -rtc the user has chosen another time of day than the host's. */
static void clock_words(const struct request *o, struct args *words)
{
    uint64_t hz = host_tsc_hz();
    if (hz != 0 && o->machine.emulator == EMULATOR_QEMU && !qemu_args_mention(o, "icount") &&
        !qemu_args_mention(o, "tsc-freq"))
        args_format(words, "tsc=%llu", (unsigned long long)hz);
    if (!o->machine.screen && !qemu_args_mention(o, "-rtc"))
        args_add(words, "time=host");
}

/* Words of this run: console, terminals, log level, tracing. */
static void run_words(const struct request *o, const struct user *user, struct args *words)
{
    /* With a screen the terminal is the machine's own; grub.cfg also tests for tty0. */
    const char *const screen[] = {"console=framed,raw", "stdio.terminals=0,1,2", NULL};
    if (o->machine.screen) {
        args_all(words, screen);
        args_add(words,
                 o->command == COMMAND_SCREENSHOT ? "console=tty0,1280x800" : "console=tty0");
    }
    if (!o->machine.screen)
        terminal_words(o, words);
    args_format(words, "loglevel=%d", o->verbose ? LOGLEVEL_VERBOSE : LOGLEVEL_QUIET);
    if (o->stats)
        args_add(words, "stats");
    if (o->command == COMMAND_RUN && !o->bare && !o->image)
        args_add(words, "missed");
    if (o->strace)
        args_add(words, "strace");
    if (o->profile)
        args_add(words, "profile");
    if (o->boot_chart)
        args_add(words, "bootchart");
    clock_words(o, words);
    args_add(words, emulator_exit_word(o->machine.emulator));
    emulator_device_words(&o->machine, words);
    disks_words(&o->machine.disks, words);
    shares_words(&o->machine.shares, user->ids, words);
    const char *address = network_word(&o->machine.network);
    if (address && !(o->append && strstr(o->append, "ip=")))
        args_add(words, address);
}

bool boot_uses_sockets(const struct program *program, const struct tree *tree)
{
    struct scan *scan = memory(sizeof(*scan));
    struct elf_needs needs;
    bool is_static = elf_needs_read(program->file, &needs) == ELF_STATIC;
    elf_needs_free(&needs);
    scan_file(program->file, !is_static, scan);
    bool uses = scan->direct[SYS_socket] || scan->imported[SYS_socket];
    for (size_t i = 0; i < tree->count && !uses; i++) {
        const struct entry *entry = &tree->entry[i];
        if (!entry->source || !strstr(path_base(entry->path), ".so") || scan_is_libc(entry->path))
            continue;
        scan_file(entry->source, true, scan);
        uses = scan->imported[SYS_socket];
    }
    free(scan);
    return uses;
}

static void prepare_demo(struct tree *tree, struct program *program)
{
    char *file = compile_kept(place_source("example/tour.c"), place_kept("demo/tour"));
    program_prepare_file(tree, "tour", file, program);
    free(file);
}

/* PATH as the program will have it. */
static const char *machine_path(const struct request *o)
{
    const char *path = PROGRAM_PATH;
    for (size_t i = 0; i < o->environment.count; i++)
        if (string_starts(o->environment.item[i], "PATH="))
            path = o->environment.item[i] + sizeof("PATH=") - 1;
    return path;
}

static void trace_program(const struct request *o, struct tree *tree, const struct program *program)
{
    struct args argv = {0}, environment = {0};
    args_add(&argv, program->name);
    for (size_t i = 0; i < o->argument_count; i++)
        args_add(&argv, o->arguments[i]);
    program_environment(o, getenv("HOME"), &environment);
    size_t files = trace_files(tree, program->file, argv.item, environment.item,
                               o->timeout > 0 ? o->timeout : TRACE_SECONDS);
    if (o->verbose)
        warn("--trace-files: the run here opened %zu more files", files);
    args_free(&argv);
    args_free(&environment);
}

static void tell_rules(const struct rules_notes *notes)
{
    for (size_t i = 0; i < notes->count; i++)
        warn("packed for the program: %s, %.1f MiB", notes->note[i].reason,
             notes->note[i].bytes / MIB);
}

static void tell_sizes(const struct tree *tree, const char *archive, uint64_t needed)
{
    struct stat st;
    if (stat(archive, &st) != 0)
        fail_errno("cannot read %s", archive);
    warn("%zu files packed, image %.1f MiB, memory needed more than %.1f MiB", tree->count,
         (double)st.st_size / MIB, (double)needed / MIB);
}

static void add_init(const struct request *o, struct tree *tree, struct user *user)
{
    if (has_init(o))
        tree_add_file(tree, INIT_PATH, place_built("host/tool/ouro-init"));
    if (o->user)
        user_find(tree, o->user, user);
}

/* What --with packs, or LD_LIBRARY_PATH names, is there for programs that lack a library. */
static void offer_libraries(const struct request *o)
{
    const char *path = getenv("LD_LIBRARY_PATH");
    for (size_t i = 0; i < o->with.count; i++)
        if (!program_is_package(o->with.item[i]) && strstr(path_base(o->with.item[i]), ".so"))
            library_offer(o->with.item[i]);
    for (size_t i = 0; i < o->environment.count; i++)
        if (string_starts(o->environment.item[i], "LD_LIBRARY_PATH="))
            path = strchr(o->environment.item[i], '=') + 1;
    if (path)
        library_offer_path(path);
}

void boot_tree(struct request *o, struct tree *tree, struct program *program,
               struct rules_notes *notes)
{
    if (o->sysroot)
        tree_sysroot(o->sysroot);
    if (o->oci)
        container_load(o, tree);
    tree_load(tree, o->root);
    offer_libraries(o);
    for (size_t i = 0; i < o->with.count; i++) /* PROGRAM may be of one */
        if (program_is_package(o->with.item[i]))
            program_pack_with(tree, o->with.item[i]);
    if (o->oci)
        container_prepare(o, tree, machine_path(o), program);
    else if (o->program)
        program_prepare(tree, o->program, machine_path(o), program);
    else if (o->command == COMMAND_EXPLORE)
        explorer_prepare(tree, program);
    else
        prepare_demo(tree, program);
    for (size_t i = 0; i < o->with.count; i++)
        if (!program_is_package(o->with.item[i]))
            program_pack_with(tree, o->with.item[i]);
    if (o->trace_files)
        trace_program(o, tree, program);
    if (!o->bare && !o->oci && o->command != COMMAND_EXPLORE && o->program) {
        struct args environment = {0}, arguments = {0};
        program_environment(o, NULL, &environment);
        for (size_t i = 0; i < o->argument_count; i++)
            args_add(&arguments, o->arguments[i]);
        const struct rules_start how = {&environment, machine_path(o), &arguments};
        rules_apply(tree, program, &how, notes);
        args_free(&arguments);
        args_free(&environment);
    }
    etc_add(tree, o->hostname);
    if (o->workdir)
        tree_add_folder(tree, o->workdir);
}

/* The file beside the stripped one: ouro.debug.elf for ouro.elf. */
char *boot_kernel_symbols(const char *kernel)
{
    size_t length = strlen(kernel);
    char *beside = string_ends(kernel, ".elf")
                       ? string_format("%.*s.debug.elf", (int)length - 4, kernel)
                       : string_copy(kernel);
    if (access(beside, R_OK) == 0)
        return beside;
    free(beside);
    return string_copy(kernel);
}

/* The end of the kernel in physical memory; 0 if the file is not ELF, which the boot will report. */
static uint64_t kernel_end(const char *kernel)
{
    size_t size;
    char *bytes = file_read_bytes(kernel, &size);
    Elf64_Ehdr header = {0};
    Elf64_Phdr segment;
    uint64_t end = 0;
    if (size >= sizeof(header))
        memcpy(&header, bytes, sizeof(header));
    for (size_t i = 0; i < header.e_phnum; i++) {
        uint64_t at = header.e_phoff + i * sizeof(segment);
        if (at > size || size - at < sizeof(segment))
            break;
        memcpy(&segment, bytes + at, sizeof(segment));
        if (segment.p_type == PT_LOAD && segment.p_paddr + segment.p_memsz > end)
            end = segment.p_paddr + segment.p_memsz;
    }
    free(bytes);
    return end;
}

/* SeaBIOS uses the end of memory while it loads kernel and archive; without a gap between them it
 * overwrites the kernel. (Tried: 264 KiB are too little, 392 enough.) */
#define FIRMWARE_ROOM (UINT64_C(384) << 10)

/* Without --memory the machine gets more than the default if files and program need it. `needed`: bytes for the files. */
static void choose_memory(struct request *o, uint64_t needed)
{
    struct machine *m = &o->machine;
    uint64_t wanted = (needed + PROGRAM_ROOM + MEMORY_STEP - 1) / MEMORY_STEP * MEMORY_STEP;
    if (o->memory_chosen || wanted <= m->memory)
        return;
    m->memory = wanted;
    if (o->oci || makes_image(o) || o->verbose)
        warn("the files take %.0f MiB of memory: the machine %s %.0f MiB", (double)needed / MIB,
             makes_image(o) ? "should have" : "gets", (double)wanted / MIB);
}

static char *pack_archive(struct request *o, struct program *program, struct tree *tree,
                          struct user *user)
{
    char *archive = guard_path("root.cpio");
    struct rules_notes notes = {0};
    boot_tree(o, tree, program, &notes);
    if (o->verbose)
        tell_rules(&notes);
    add_init(o, tree, user);
    for (unsigned i = 0; i < o->machine.shares.count; i++)
        tree_add_folder(tree, o->machine.shares.item[i].place);
    date_choose(tree);
    uint64_t taken =
        kernel_end(o->kernel) + (o->machine.chipset == CHIPSET_MICROVM ? 0 : FIRMWARE_ROOM);
    const struct tree *archived = root_place(o, tree, taken);
    uint64_t needed = pack_tree(archived, archive, taken,
                                makes_image(o) || !o->memory_chosen ? 0 : o->machine.memory);
    choose_memory(o, needed);
    if (o->verbose)
        tell_sizes(tree, archive, needed);
    return archive;
}

/* machine/network.h has the rule. */
static void choose_network(struct request *o, const struct program *program,
                           const struct tree *tree)
{
    struct network *network = &o->machine.network;
    if (network->kind != NETWORK_AUTOMATIC)
        return;
    bool uses = network->ports > 0 || network->dump;
    if (!uses && !makes_image(o) && o->machine.emulator == EMULATOR_QEMU)
        uses = o->image || o->oci || boot_uses_sockets(program, tree);
    network->kind = uses ? NETWORK_USER : NETWORK_NONE;
}

/* Lists what the image carries, and collects the texts of its licences. */
static void list_parts(struct request *o, const struct program *program, const struct tree *tree)
{
    static const char *const loader[] = {"grub-pc-bin", "grub-efi-amd64-bin", NULL};
    struct inventory inventory;
    struct args more = {0};
    args_add(&more, "console-setup-linux"); /* the kernel's font */
    if (has_init(o))
        args_add(&more, "musl");
    if (o->machine.medium != MEDIUM_DIRECT)
        args_all(&more, loader);
    inventory_make(tree, &more, &inventory);
    char *folder = guard_path("licences");
    inventory_licences(&inventory, folder, &o->licence_names);
    o->licences = folder;
    iso_carry(folder);
    if (o->sbom)
        sbom_write(tree, &inventory, o->hostname ? o->hostname : path_base(program->place),
                   o->sbom);
    inventory_free(&inventory);
    args_free(&more);
}

void boot_prepare(struct request *o, struct program *program, struct tree *tree)
{
    struct machine *m = &o->machine;
    struct args packed = {0}, run = {0};
    struct user user = {0};
    *program = (struct program){0};
    *tree = (struct tree){0};
    guard_start();
    disks_check(&m->disks);
    network_take_ports(&m->network);
    setenv("TMPDIR", guard_folder(), 1); /* for helper programs */
    m->port = !makes_image(o) && m->emulator == EMULATOR_QEMU;
    if (o->command == COMMAND_EXPLORE)
        explorer_arguments(o);
    if (!o->image)
        m->archive = pack_archive(o, program, tree, &user);
    if (makes_image(o) && !o->image)
        list_parts(o, program, tree);
    choose_network(o, program, tree);
    if (!makes_image(o))
        run_words(o, &user, &run); /* late: host_tsc_hz() needs time */
    m->kernel = o->kernel;
    m->image = guard_path("image.iso");
    if (o->image) {
        const struct args none = {0};
        progress_start("copying the image");
        file_copy(o->image, m->image);
        if (makes_image(o))
            iso_patch(m->image, o->image,
                      &none); /* fails for an image not made by Ouro or truncated */
    } else {
        packed_words(o, program, &user, &packed);
        root_words(o, &packed);
        struct args all = {0};
        if (run.count > 0)
            args_all(&all, (const char *const *)run.item);
        args_all(&all, (const char *const *)packed.item);
        m->line = words_line(&all); /* checks the length, also for an image */
        args_free(&all);
        if (m->medium != MEDIUM_DIRECT)
            iso_make(o->kernel, m->archive, &packed, m->image);
    }
    if (m->medium != MEDIUM_DIRECT && !makes_image(o))
        iso_patch(m->image, o->image ? o->image : m->image, &run);
    progress_clear();
    args_free(&packed);
    args_free(&run);
}
