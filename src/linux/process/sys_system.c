/* SPDX-License-Identifier: MIT */
#include "linux/process/sys_system.h"

#include "base/str.h"
#include "fs/ram/ramfs.h"
#include "fs/vfs/io.h"
#include "fs/vfs/mount.h"
#include "kern/machine.h"
#include "kern/swap.h"
#include "kern/thread.h"
#include "kern/time.h"
#include "linux/abi/release.h"
#include "linux/abi/siginfo.h"
#include "linux/task/process.h"
#include "linux/task/signal.h"
#include "mm/phys/frames.h"
#include "mm/vm/usercopy.h"

#define UNAME_SIZE 65

struct utsname {
    char system[UNAME_SIZE], node[UNAME_SIZE], release[UNAME_SIZE], version[UNAME_SIZE],
        machine[UNAME_SIZE], domain[UNAME_SIZE];
};

enum err sys_uname(struct syscall *call)
{
    struct utsname out = {
        .system = "Linux", /* programs choose their ABI by it */
        .release = LINUX_RELEASE,
        .version = LINUX_VERSION,
        .machine = "x86_64",
    };
    const struct uts_namespace *uts = process_current()->uts;
    memcpy(out.node, uts->host, sizeof uts->host);
    memcpy(out.domain, uts->domain, sizeof uts->domain);
    return copy_out(virt(call->arg[0]), &out, sizeof out);
}

static enum err system_set_name(char *name, const uint64_t *arg)
{
    char new[HOST_NAME_MAX];
    int length = (int)arg[1];
    if (!capable(CAP_SYS_ADMIN))
        return E_PERM;
    if (length < 0 || length > HOST_NAME_MAX)
        return E_INVAL;
    enum err e = copy_in(new, virt(arg[0]), (size_t)length);
    if (e != E_OK)
        return e;
    memset(name, 0, HOST_NAME_MAX + 1);
    memcpy(name, new, (size_t)length);
    return E_OK;
}

enum err sys_sethostname(struct syscall *call)
{
    return system_set_name(process_current()->uts->host, call->arg);
}

enum err sys_setdomainname(struct syscall *call)
{
    return system_set_name(process_current()->uts->domain, call->arg);
}

struct sysinfo {
    int64_t uptime;
    uint64_t loads[LOADS];
    uint64_t total_ram, free_ram, shared_ram, buffer_ram, total_swap, free_swap;
    uint16_t processes, padding;
    uint64_t total_high, free_high;
    uint32_t unit;
};

_Static_assert(sizeof(struct sysinfo) == 112, "linux/sysinfo.h");

enum err sys_sysinfo(struct syscall *call)
{
    struct sysinfo out = {
        .uptime = (int64_t)(time_now_ns() / NS_PER_SECOND),
        .total_ram = machine_frames.total_frames * PAGE_SIZE,
        .free_ram = machine_frames.free_frames * PAGE_SIZE,
        .shared_ram = ramfs_used_pages() * PAGE_SIZE,
        .total_swap = swap_total_pages() * PAGE_SIZE,
        .free_swap = swap_free_pages() * PAGE_SIZE,
        .processes = (uint16_t)linux_threads,
        .unit = 1,
    };
    thread_loads(out.loads);
    return copy_out(virt(call->arg[0]), &out, sizeof out);
}

#define GRND_RANDOM   2
#define GRND_INSECURE 4
#define GRND_KNOWN    UINT32_C(7)

enum err sys_getrandom(struct syscall *call)
{
    uint64_t size = call->arg[1] < INT32_MAX ? call->arg[1] : INT32_MAX;
    uint32_t flags = (uint32_t)call->arg[2];

    if ((flags & ~GRND_KNOWN) ||
        (flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
        return E_INVAL;
    struct io io = io_user(virt(call->arg[0]), size);
    enum err e = io_put_random(&io);
    call->result = size - io_left(&io);
    return call->result != 0 ? E_OK : e;
}

#define REBOOT_MAGIC     0xfee1dead
#define REBOOT_RESTART   0x01234567
#define REBOOT_RESTART2  0xa1b2c3d4
#define REBOOT_HALT      0xcdef0123
#define REBOOT_POWER_OFF 0x4321fedc
#define REBOOT_CAD_ON    0x89abcdef
#define REBOOT_CAD_OFF   0
#define REBOOT_TEXT_MAX  256

static bool is_magic2(uint32_t v)
{
    return v == 672274793 || v == 85072278 || v == 369367448 || v == 537993216;
}

/* Process 1 may not be there yet. Callers: interrupts. */
static void signal_to_first(int signal)
{
    if (process_first()->leader != NULL)
        signal_raise(process_first(), signal);
}

void machine_ask_program_to_end(void)
{
    signal_to_first(SIGNAL_TERM);
}

void machine_interrupt_program(void)
{
    signal_to_first(SIGNAL_INT);
}

static bool ends_machine(uint32_t command)
{
    return command == REBOOT_RESTART || command == REBOOT_RESTART2 || command == REBOOT_HALT ||
           command == REBOOT_POWER_OFF;
}

enum err sys_reboot(struct syscall *call)
{
    if (!capable(CAP_SYS_BOOT))
        return E_PERM;
    if ((uint32_t)call->arg[0] != REBOOT_MAGIC || !is_magic2((uint32_t)call->arg[1]))
        return E_INVAL;
    if (ends_machine((uint32_t)call->arg[2]))
        vfs_shut_down();
    switch ((uint32_t)call->arg[2]) {
    case REBOOT_RESTART2: { /* the text is for the boot loader; unused here */
        char text[REBOOT_TEXT_MAX];
        size_t length;
        enum err e = copy_in_string(text, virt(call->arg[3]), sizeof text, &length);
        if (e == E_FAULT)
            return e;
        machine_restart();
    }
    case REBOOT_RESTART:
        machine_restart();
    case REBOOT_HALT:
        machine_halt();
    case REBOOT_POWER_OFF:
        machine_power_off();
    case REBOOT_CAD_ON:
        machine_set_restart_keys(true);
        return E_OK;
    case REBOOT_CAD_OFF:
        machine_set_restart_keys(false);
        return E_OK;
    default:
        return E_INVAL;
    }
}
