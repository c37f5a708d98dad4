/* SPDX-License-Identifier: MIT */
#define LOG_TAG "boot"
#include "boot/steps.h"

#include "base/fmt.h"
#include "base/log.h"
#include "base/str.h"
#include "cpu/apic.h"
#include "cpu/features.h"
#include "cpu/machine_check.h"
#include "cpu/nmi_timer.h"
#include "cpu/selectors.h"
#include "cpu/tables.h"
#include "cpu/tsc.h"
#include "cpu/x86.h"
#include "diag/panic.h"
#include "kern/boot_summary.h"
#include "kern/log.h"
#include "kern/random.h"
#include "mm/heap/heap.h"
#include "mm/heap/kstack.h"
#include "mm/init/audit_machine.h"
#include "mm/init/memory.h"
#include "mm/vm/areas.h"

#define ULL(x) ((unsigned long long)(x))

INIT_DATA struct options options;

INIT_DATA char boot_command_line[BOOT_COMMAND_LINE_MAX];

INIT_DATA static const struct console_line *serial_line;

INIT_CODE void console_start(const struct console_line *line)
{
    static const struct console_options plain;
    serial_line = line;
    console_init(line, &plain);
}

INIT_CODE void options_read(struct boot_info *boot)
{
    char complaint[200];
    str_copy(boot_command_line, boot->command_line, sizeof boot_command_line);
    boot_summary.command_line = boot_command_line;
    enum err e = options_parse(boot->command_line, &options, complaint, sizeof complaint);
    console_init(serial_line, &options.console);
    machine_set_exit(options.exit_way, options.exit_port, options.panic_seconds);
    log_set_level((enum log_level)options.loglevel);
    if (e != E_OK)
        boot_stop("%s", complaint);
}

INIT_CODE void memory_start(const struct boot_info *boot)
{
    struct memory_options memory = {
        .window_slot = options.window_slot,
        .random = options.no_randomness ? 0 : random_u64(),
        .pagetables = options.pagetables,
        .arena = options.arena,
        .pool = options.pool,
        .slots = options.slots,
    };
    const char *complaint;
    enum err e = memory_init(boot, &memory, &complaint);
    if (e == E_RANGE)
        boot_stop("%s", complaint);
    if (e != E_OK)
        boot_stop("too little memory: the machine has not even enough for the kernel itself");
    areas_init(&first_space);
}

INIT_CODE void stacks_start(void)
{
    for (unsigned ist = 1; ist <= IST_COUNT; ist++) {
        struct virt_range stack;
        if (kstack_alloc(&stack) != E_OK)
            boot_stop("too little memory: none is left for the kernel's stacks");
        cpu_tables_set_ist(0, ist, stack.end);
    }
}

INIT_CODE void interrupts_start(void)
{
    phys_t page = apic_page();
    void *registers = NULL;
    if (page.v != 0) {
        registers = memory_map_physical(phys_range(page.v, page.v + PAGE_SIZE), prot_device());
        if (registers == NULL)
            boot_stop("too little memory: none is left to map the interrupt controller");
    }
    apic_init(registers);
    nmi_clock_init(memory_map_physical(
        phys_range(NMI_CLOCK_REGISTERS, NMI_CLOCK_REGISTERS + PAGE_SIZE), prot_device()));
    machine_check_init();
}

/* Logs the features that this CPU lacks: the kernel works without them, slower or with less
 * protection. */
INIT_CODE static void log_lacks(void)
{
    const struct cpu_features *f = &cpu_features;
    const struct {
        bool there;
        const char *name;
    } wanted[] = {
        {f->nx, "NX (W^X cannot be enforced)"}, {f->huge_pages, "1 GiB pages"}, {f->xsave, "XSAVE"},
        {f->invariant_tsc, "invariant TSC"},    {f->rdrand, "RDRAND"},          {f->smep, "SMEP"},
    };
    char list[100] = "";
    size_t length = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(wanted); i++)
        if (!wanted[i].there)
            length += (size_t)fmt_snprintf(list + length, sizeof list - length, "%s%s",
                                           length > 0 ? ", " : "", wanted[i].name);
    if (length > 0)
        log_info("the cpu lacks %s", list);
}

INIT_CODE void log_machine(void)
{
    struct memory_totals memory;
    memory_totals(&memory);
    log_info("loader=\"%s\" firmware=%s", boot_summary.loader_name,
             boot_summary.uefi ? "UEFI" : "BIOS");
    log_info("cpu=\"%s\" family=%u model=%u", cpu_features.brand, cpu_features.family,
             cpu_features.model);
    log_lacks();
    log_info("tsc=%llu Hz by %s", ULL(tsc_hz()), tsc_source());
    log_info("memory ram=%llu KiB free=%llu KiB pagetables=%s", ULL(memory.ram / 1024),
             ULL(memory.free / 1024), paging->name);
}

void protection_check(bool both)
{
    struct audit_finding finding;
    if (audit_machine(boot_summary.archive, both, &finding) != E_OK)
        boot_stop("too little memory: none is left to check the page tables with");
    if (finding.rule != AUDIT_PASSED)
        boot_stop("the page tables are not safe to run on: 0x%llx %s (level-%d entry 0x%llx)",
                  ULL(finding.at.v), audit_sentence(finding.rule), finding.level,
                  ULL(finding.entry.v));
}
