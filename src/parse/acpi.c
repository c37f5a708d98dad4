/* SPDX-License-Identifier: MIT */
#include "parse/acpi.h"

#include "base/compiler.h"
#include "base/str.h"
#include "parse/load.h"

enum {
    HEADER = 36, /* signature 4, length 4, revision, checksum, ... */
    RSDP_1 = 20,
    RSDP_2 = 36,
    TABLE_MAX = 4 << 20,   /* bytes; a DSDT has a few hundred thousand */
    SUMMED_MAX = 64 << 10, /* of a table whose checksum is looked at; a MADT has 16 for each CPU */
    ENTRIES_MAX = 256,

    /* Offsets in the FADT (ACPI 6.4, 5.2.9). */
    FADT_DSDT = 40,
    FADT_SCI = 46,
    FADT_SMI_COMMAND = 48,
    FADT_ACPI_ENABLE = 52,
    FADT_PM1A_EVENT = 56,
    FADT_PM1B_EVENT = 60,
    FADT_PM1A_CONTROL = 64,
    FADT_PM1B_CONTROL = 68,
    FADT_PM_TIMER = 76,
    FADT_GPE0 = 80,
    FADT_GPE1 = 84,
    FADT_PM1_EVENT_LENGTH = 88,
    FADT_GPE0_LENGTH = 92,
    FADT_GPE1_LENGTH = 93,
    FADT_PM_TIMER_LENGTH = 91,
    FADT_FLAGS = 112,
    FADT_RESET = 116,
    FADT_RESET_VALUE = 128,
    FADT_X_DSDT = 140,
    FADT_X_PM1A_EVENT = 148,
    FADT_X_PM1B_EVENT = 160,
    FADT_X_PM1A_CONTROL = 172,
    FADT_X_PM1B_CONTROL = 184,
    FADT_X_PM_TIMER = 208,
    FADT_X_GPE0 = 220,
    FADT_X_GPE1 = 232,
    FADT_MIN = 116,
    HPET_ADDRESS = 40, /* IA-PC HPET 1.0a, 3.2.4: Generic Address Structure */
    HPET_MIN = 56,

    /* Offsets in the MADT and in its entries (ACPI 6.4, 5.2.12). */
    MADT_ENTRIES = 44,
    MADT_APIC = 0, /* types */
    MADT_APIC_SIZE = 8,
    MADT_APIC_ID = 3,
    MADT_APIC_FLAGS = 4,
    MADT_X2APIC = 9,
    MADT_X2APIC_SIZE = 16,
    MADT_X2APIC_ID = 4,
    MADT_X2APIC_FLAGS = 8,
    MADT_IOAPIC = 1,
    MADT_IOAPIC_SIZE = 12,
    MADT_IOAPIC_ADDRESS = 4,
    MADT_IOAPIC_FIRST = 8,

    /* Offsets in the MCFG and in its entries (PCI Firmware 3.0, 4.1.2). */
    MCFG_ENTRIES = 44,
    MCFG_ENTRY = 16,
    MCFG_SEGMENT = 8,
    MCFG_FIRST = 10,
    MCFG_LAST = 11,
    MCFG_BUS_SHIFT = 20,

    FLAG_CPU_ENABLED = 1,
    FLAG_POWER_BUTTON_IS_CONTROL_METHOD = 1 << 4,
    FLAG_PM_TIMER_32_BITS = 1 << 8,
    FLAG_RESET_REGISTER = 1 << 10,

    SPACE_MEMORY = 0,
    SPACE_PORT = 1,

    AML_NAME = 0x08,
    AML_PACKAGE = 0x12,
    AML_BYTE = 0x0a,
    AML_WORD = 0x0b,
    AML_DWORD = 0x0c,
};

struct reader {
    acpi_map map;
    void *context;
    const uint8_t *rsdp;
    size_t rsdp_size;
};

struct table {
    const uint8_t *bytes;
    uint32_t size;
};

static bool sums_to_zero(const uint8_t *bytes, size_t size)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
    return sum == 0;
}

/* Maps the whole table at this address, if it has this signature. A DSDT's checksum is often wrong, and is not looked
 * at. Of other tables the header alone is mapped. */
static bool open_table(const struct reader *r, uint64_t at, const char *signature,
                       struct table *out)
{
    bool check = memcmp(signature, "DSDT", 4) != 0;
    if (at == 0 || at > (UINT64_C(1) << 52) - TABLE_MAX)
        return false;
    const uint8_t *header = r->map(r->context, phys(at), HEADER);
    if (header == NULL || memcmp(header, signature, 4) != 0)
        return false;
    uint32_t size = load32(header + 4);
    if (size < HEADER || size > (check ? SUMMED_MAX : TABLE_MAX))
        return false;
    const uint8_t *bytes = r->map(r->context, phys(at), size);
    if (bytes == NULL || (check && !sums_to_zero(bytes, size)))
        return false;
    *out = (struct table){bytes, size};
    return true;
}

/* Searches an RSDT (entries of 4 bytes) or XSDT (8). */
static bool find_in_root(const struct reader *r, const struct table *root, const char *signature,
                         uint32_t min, struct table *out)
{
    size_t entry = root->bytes[0] == 'X' ? 8 : 4;
    size_t count = (root->size - HEADER) / entry;
    for (size_t i = 0; i < count && i < ENTRIES_MAX; i++) {
        const uint8_t *p = root->bytes + HEADER + i * entry;
        uint64_t at = entry == 8 ? load64(p) : load32(p);
        if (open_table(r, at, signature, out) && out->size >= min)
            return true;
    }
    return false;
}

/* The extended field (Generic Address Structure) if it is set, else the 32-bit port of ACPI 1.0. */
static struct acpi_register port_or_extended(const struct table *fadt, size_t old, size_t extended)
{
    struct acpi_register none = {0};
    if (fadt->size >= extended + 12) {
        const uint8_t *gas = fadt->bytes + extended;
        uint64_t address = load64(gas + 4);
        if (address != 0 && gas[0] == SPACE_PORT && address <= UINT16_MAX)
            return (struct acpi_register){false, address};
        if (address != 0 && gas[0] == SPACE_MEMORY && address < UINT64_C(1) << 52)
            return (struct acpi_register){true, address};
    }
    uint32_t port = load32(fadt->bytes + old);
    return port <= UINT16_MAX ? (struct acpi_register){false, port} : none;
}

/* Parses a constant integer of AML. Returns its size in bytes; 0 if it is not one. */
static size_t aml_integer(const uint8_t *p, size_t left, uint32_t *out)
{
    if (left == 0)
        return 0;
    if (p[0] <= 1 || p[0] == 0xff) {
        *out = p[0];
        return 1;
    }
    size_t size = p[0] == AML_BYTE ? 1 : p[0] == AML_WORD ? 2 : p[0] == AML_DWORD ? 4 : 0;
    if (size == 0 || left < 1 + size)
        return 0;
    *out = size == 1 ? p[1] : size == 2 ? load16(p + 1) : load32(p + 1);
    return 1 + size;
}

/* Parses the package after the name: PackageOp, PkgLength, number of elements, elements. */
static bool read_s5(const uint8_t *p, size_t left, struct acpi_power *out)
{
    uint32_t a, b;
    if (left < 4 || p[0] != AML_PACKAGE)
        return false;
    size_t at = 2 + (p[1] >> 6); /* bits 7-6 of PkgLength: number of bytes that follow */
    if (at + 1 >= left || p[at] < 1)
        return false;
    uint8_t elements = p[at++];
    size_t n = aml_integer(p + at, left - at, &a);
    if (n == 0)
        return false;
    at += n;
    if (elements < 2 || at >= left || aml_integer(p + at, left - at, &b) == 0)
        b = a;
    out->sleep_type_a = a & 7;
    out->sleep_type_b = b & 7;
    out->can_sleep = true;
    return true;
}

/* The definition is Name (_S5, Package ...), with or without a root prefix, at the top level of the
 * DSDT: a search for its bytes finds it without an AML interpreter. */
static void find_s5(const struct table *dsdt, struct acpi_power *out)
{
    const uint8_t *b = dsdt->bytes;
    for (size_t i = HEADER + 2; i + 4 < dsdt->size; i++) {
        if (memcmp(b + i, "_S5_", 4) != 0)
            continue;
        bool is_name = b[i - 1] == AML_NAME || (b[i - 1] == '\\' && b[i - 2] == AML_NAME);
        if (is_name && read_s5(b + i + 4, dsdt->size - i - 4, out))
            return;
    }
}

static void read_fadt(const struct table *fadt, struct acpi_power *out)
{
    const uint8_t *b = fadt->bytes;
    uint32_t flags = load32(b + FADT_FLAGS), smi = load32(b + FADT_SMI_COMMAND);
    out->pm1a_event = port_or_extended(fadt, FADT_PM1A_EVENT, FADT_X_PM1A_EVENT);
    out->pm1a_control = port_or_extended(fadt, FADT_PM1A_CONTROL, FADT_X_PM1A_CONTROL);
    out->pm1b_control = port_or_extended(fadt, FADT_PM1B_CONTROL, FADT_X_PM1B_CONTROL);
    out->pm1b_event = port_or_extended(fadt, FADT_PM1B_EVENT, FADT_X_PM1B_EVENT);
    out->gpe[0] = port_or_extended(fadt, FADT_GPE0, FADT_X_GPE0);
    out->gpe[1] = port_or_extended(fadt, FADT_GPE1, FADT_X_GPE1);
    out->gpe_bytes[0] = b[FADT_GPE0_LENGTH];
    out->gpe_bytes[1] = b[FADT_GPE1_LENGTH];
    out->pm1_event_bytes = b[FADT_PM1_EVENT_LENGTH];
    out->sci = load16(b + FADT_SCI);
    out->smi_command = smi <= UINT16_MAX ? (uint16_t)smi : 0;
    out->acpi_enable = b[FADT_ACPI_ENABLE];
    out->power_button = !(flags & FLAG_POWER_BUTTON_IS_CONTROL_METHOD) &&
                        out->pm1a_event.address != 0 && out->pm1_event_bytes >= 4;
    if (flags & FLAG_RESET_REGISTER && fadt->size > FADT_RESET_VALUE) {
        const uint8_t *gas = b + FADT_RESET;
        uint64_t address = load64(gas + 4);
        bool port = gas[0] == SPACE_PORT && address <= UINT16_MAX;
        bool memory = gas[0] == SPACE_MEMORY && address < UINT64_C(1) << 52;
        if (port || memory)
            out->reset = (struct acpi_register){memory, address};
        out->reset_value = b[FADT_RESET_VALUE];
    }
}

/* Finds a table of at least `min` bytes. */
static bool find_table(const struct reader *r, const char *signature, uint32_t min,
                       struct table *out)
{
    struct table root;
    const uint8_t *rsdp = r->rsdp;
    if (r->rsdp_size >= RSDP_2 && rsdp[15] >= 2 && sums_to_zero(rsdp, RSDP_2) &&
        open_table(r, load64(rsdp + 24), "XSDT", &root) &&
        find_in_root(r, &root, signature, min, out))
        return true;
    return open_table(r, load32(rsdp + 16), "RSDT", &root) &&
           find_in_root(r, &root, signature, min, out);
}

static bool is_rsdp(const void *rsdp, size_t size)
{
    return size >= RSDP_1 && memcmp(rsdp, "RSD PTR ", 8) == 0 && sums_to_zero(rsdp, RSDP_1);
}

bool acpi_read(const void *rsdp, size_t size, acpi_map map, void *context, struct acpi_power *out,
               const char **why)
{
    struct reader r = {map, context, rsdp, size};
    struct table fadt, dsdt;
    if (!is_rsdp(rsdp, size)) {
        *why = "the root pointer is not one";
        return false;
    }
    if (!find_table(&r, "FACP", FADT_MIN, &fadt)) {
        *why = "there is no FADT with a right checksum";
        return false;
    }
    *out = (struct acpi_power){0};
    read_fadt(&fadt, out);
    uint64_t at = fadt.size >= FADT_X_DSDT + 8 ? load64(fadt.bytes + FADT_X_DSDT) : 0;
    if ((at != 0 && open_table(&r, at, "DSDT", &dsdt)) ||
        open_table(&r, load32(fadt.bytes + FADT_DSDT), "DSDT", &dsdt))
        find_s5(&dsdt, out);
    return true;
}

INIT_CODE bool acpi_read_clocks(const void *rsdp, size_t size, acpi_map map, void *context,
                                struct acpi_clocks *out)
{
    struct reader r = {map, context, rsdp, size};
    struct table fadt, hpet;
    *out = (struct acpi_clocks){0};
    if (!is_rsdp(rsdp, size))
        return false;
    if (find_table(&r, "FACP", FADT_MIN, &fadt) && fadt.bytes[FADT_PM_TIMER_LENGTH] == 4) {
        bool wide = load32(fadt.bytes + FADT_FLAGS) & FLAG_PM_TIMER_32_BITS;
        out->pm_timer = port_or_extended(&fadt, FADT_PM_TIMER, FADT_X_PM_TIMER);
        out->pm_timer_mask = wide ? UINT32_MAX : 0xffffff;
    }
    if (find_table(&r, "HPET", HPET_MIN, &hpet)) {
        const uint8_t *gas = hpet.bytes + HPET_ADDRESS;
        uint64_t address = load64(gas + 4);
        if (gas[0] == SPACE_MEMORY && address < UINT64_C(1) << 52)
            out->hpet = address;
    }
    return out->pm_timer.address != 0 || out->hpet != 0;
}

bool acpi_read_interrupts(const void *rsdp, size_t size, acpi_map map, void *context,
                          struct acpi_interrupts *out)
{
    struct reader r = {map, context, rsdp, size};
    struct table madt;
    if (!is_rsdp(rsdp, size) || !find_table(&r, "APIC", MADT_ENTRIES, &madt))
        return false;
    *out = (struct acpi_interrupts){0};
    for (uint32_t at = MADT_ENTRIES; madt.size - at >= 2;) {
        const uint8_t *entry = madt.bytes + at;
        uint32_t length = entry[1];
        if (length < 2 || length > madt.size - at)
            return false;
        if (entry[0] == MADT_IOAPIC && length >= MADT_IOAPIC_SIZE &&
            out->count < ACPI_IOAPICS_MAX) {
            out->ioapic[out->count].address = load32(entry + MADT_IOAPIC_ADDRESS);
            out->ioapic[out->count].first = load32(entry + MADT_IOAPIC_FIRST);
            out->count++;
        }
        at += length;
    }
    return true;
}

static void add_cpu(struct acpi_cpus *cpus, uint32_t id, uint32_t flags)
{
    if (!(flags & FLAG_CPU_ENABLED) || cpus->count == ACPI_CPUS_MAX)
        return;
    for (unsigned i = 0; i < cpus->count; i++)
        if (cpus->apic_id[i] == id)
            return;
    cpus->apic_id[cpus->count++] = id;
}

bool acpi_read_cpus(const void *rsdp, size_t size, acpi_map map, void *context,
                    struct acpi_cpus *out)
{
    struct reader r = {map, context, rsdp, size};
    struct table madt;
    if (!is_rsdp(rsdp, size) || !find_table(&r, "APIC", MADT_ENTRIES, &madt))
        return false;
    out->count = 0;
    for (uint32_t at = MADT_ENTRIES; madt.size - at >= 2;) {
        const uint8_t *entry = madt.bytes + at;
        uint32_t length = entry[1];
        if (length < 2 || length > madt.size - at)
            return false;
        if (entry[0] == MADT_APIC && length >= MADT_APIC_SIZE)
            add_cpu(out, entry[MADT_APIC_ID], load32(entry + MADT_APIC_FLAGS));
        else if (entry[0] == MADT_X2APIC && length >= MADT_X2APIC_SIZE)
            add_cpu(out, load32(entry + MADT_X2APIC_ID), load32(entry + MADT_X2APIC_FLAGS));
        at += length;
    }
    return true;
}

bool acpi_read_pci(const void *rsdp, size_t size, acpi_map map, void *context, struct acpi_pci *out)
{
    struct reader r = {map, context, rsdp, size};
    struct table mcfg;
    if (!is_rsdp(rsdp, size) || !find_table(&r, "MCFG", MCFG_ENTRIES, &mcfg))
        return false;
    for (uint32_t at = MCFG_ENTRIES; mcfg.size - at >= MCFG_ENTRY; at += MCFG_ENTRY) {
        const uint8_t *entry = mcfg.bytes + at;
        uint64_t address = load64(entry);
        if (load16(entry + MCFG_SEGMENT) != 0)
            continue;
        *out = (struct acpi_pci){address, entry[MCFG_FIRST], entry[MCFG_LAST]};
        return address != 0 && address % (UINT64_C(1) << MCFG_BUS_SHIFT) == 0 &&
               address < UINT64_C(1) << 51 && out->first <= out->last;
    }
    return false;
}
