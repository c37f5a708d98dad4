/* SPDX-License-Identifier: MIT */
/* The common part of both emulators: checks of the options, the log file, the end. */
#include "machine/emulator.h"
#include "host/fail.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LAST_LINES 8

static const char *refusal(const struct machine *m)
{
    bool direct = m->medium == MEDIUM_DIRECT;
    if (m->chipset == CHIPSET_MICROVM && !direct)
        return "--machine microvm boots with --medium direct only";
    if (direct && m->firmware == FIRMWARE_UEFI)
        return "--medium direct starts the kernel without firmware: leave out --firmware uefi";
    if (m->chipset == CHIPSET_MICROVM &&
        m->disks.count + m->shares.count > QEMU_MICROVM_SHARE - QEMU_MICROVM_DISK + 1)
        return "--machine microvm has places for 20 disks, volumes and shared folders: use --machine q35";
    const char *network = network_refusal(&m->network);
    if (network)
        return network;
    if (m->emulator == EMULATOR_QEMU)
        return NULL;
    if (m->network.ports > 0)
        return "Bochs forwards no ports: leave out --port, or use --emulator qemu";
    if (m->network.dump)
        return "Bochs writes no frames to a file: leave out --net-dump, or use --emulator qemu";
    if (m->disks.count > 0)
        return "Bochs gets no --disk: leave it out, or use --emulator qemu";
    if (m->shares.count > 0)
        return "Bochs shows no folders of this computer: leave out --share, or use --emulator qemu";
    if (m->network.kind == NETWORK_TAP)
        return "Bochs has no --net tap here: leave it out, or use --emulator qemu";
    if (direct)
        return "Bochs has no --medium direct: leave it out, or use --emulator qemu";
    if (m->firmware == FIRMWARE_UEFI)
        return "Bochs has no --firmware uefi: leave it out, or use --emulator qemu";
    if (m->medium == MEDIUM_USB)
        return "Bochs cannot boot from --medium usb: leave it out, or use --emulator qemu";
    if (m->chipset != CHIPSET_PC)
        return "Bochs has no --machine but pc: leave it out, or use --emulator qemu";
    if (m->qemu_args->count > 0)
        return "--qemu-arg is for --emulator qemu";
    if (m->memory % (1u << 20) != 0)
        return "Bochs wants its memory in whole MiB";
    return NULL;
}

void emulator_check(const struct machine *machine)
{
    const char *reason = refusal(machine);
    if (reason)
        fail(STATUS_FAILED, "%s", reason);
}

const char *emulator_exit_word(enum emulator_kind kind)
{
    return kind == EMULATOR_QEMU ? "exit=0xf4" : "exit=bochs";
}

void emulator_device_words(const struct machine *m, struct args *words)
{
    if (m->chipset != CHIPSET_MICROVM)
        return;
    if (m->port)
        args_add(words, QEMU_MICROVM_PORT_WORD);
    if (qemu_has_card(m)) {
        args_add(words, QEMU_MICROVM_CARD_WORD);
        args_add(words, QEMU_MICROVM_RANDOM_WORD);
    }
    for (unsigned i = 0; i < m->disks.count; i++)
        args_format(words, QEMU_MICROVM_DISK_WORD, 0xfeb00000 + 512 * (QEMU_MICROVM_DISK + i),
                    24 + QEMU_MICROVM_DISK + i);
    for (unsigned i = 0; i < m->shares.count; i++)
        args_format(words, QEMU_MICROVM_WORD, QEMU_MICROVM_AT(QEMU_MICROVM_SHARE - i),
                    QEMU_MICROVM_IRQ(QEMU_MICROVM_SHARE - i));
}

void emulator_start(const struct machine *machine, struct emulator *out)
{
    char *path = guard_path("emulator.log");
    int log = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    if (log < 0)
        fail_errno("cannot create %s", path);
    out->port = -1;
    if (machine->emulator == EMULATOR_QEMU)
        qemu_start(machine, out, log);
    else
        bochs_start(machine, out, log);
    close(log);
    free(path);
}

void emulator_end(struct emulator *emulator)
{
    child_kill(&emulator->child);
    close(emulator->serial);
    if (emulator->port >= 0)
        close(emulator->port);
}

void emulator_explain(void)
{
    char *path = guard_path("emulator.log");
    FILE *file = fopen(path, "re");
    char lines[LAST_LINES][256] = {{0}};
    unsigned next = 0;
    while (file && fgets(lines[next % LAST_LINES], sizeof(lines[0]), file))
        next++;
    for (unsigned i = next > LAST_LINES ? next - LAST_LINES : 0; i < next; i++)
        fprintf(stderr, "ouro: |%.*s\n", (int)strcspn(lines[i % LAST_LINES], "\n"),
                lines[i % LAST_LINES]);
    if (file)
        fclose(file);
    free(path);
}

unsigned machine_cpus(const char *text)
{
    char *end;
    unsigned long count = strtoul(text, &end, 10);
    if (strcmp(text, "host") == 0) {
        count = (unsigned long)sysconf(_SC_NPROCESSORS_ONLN);
        return count < MACHINE_CPUS_MAX ? (unsigned)count : MACHINE_CPUS_MAX;
    }
    return *text < '0' || *text > '9' || *end != '\0' || count > MACHINE_CPUS_MAX ? 0
                                                                                  : (unsigned)count;
}
