/* SPDX-License-Identifier: MIT */
/*
 * The files of /proc and /sys, but for those of processes. First what is generated at each reading, then what
 * never changes. Where Linux counts something that Ouro does not have, such as modules, the
 * file says what Linux says for none; where Ouro has it and does not count it, there is no file.
 */
#include "base/compiler.h"
#include "base/str.h"
#include "fs/block/block_file.h"
#include "fs/pipe/pipe.h"
#include "fs/proc/process_text.h"
#include "fs/vfs/lease.h"
#include "kern/block.h"
#include "kern/netdev.h"
#include "kern/random.h"
#include "cpu/cpus.h"
#include "linux/abi/release.h"
#include "linux/boot/proc_machine.h"
#include "linux/boot/proc_ouro.h"
#include "linux/file/sys_aio.h"
#include "linux/ipc/ids.h"
#include "linux/ipc/sys_ipc.h"
#include "linux/memory/range.h"
#include "linux/task/process.h"
#include "linux/task/settings.h"
#include "mm/vm/areas.h"
#include "net/inet/inet.h"
#include "net/inet/proc_net.h"

#define CPU   "/sys/devices/system/cpu/"
#define NODE  "/sys/devices/system/node/"
#define CLOCK "/sys/devices/system/clocksource/clocksource0/"

static void show_host_name(struct text *text, void *context)
{
    const struct uts_namespace *uts = process_current()->uts;
    text_printf(text, "%s\n", context == NULL ? uts->host : uts->domain);
}

static enum err store_host_name(const char *bytes, size_t size, void *context)
{
    struct uts_namespace *uts = process_current()->uts;
    char *name = context == NULL ? uts->host : uts->domain;
    size_t length = 0;
    while (length < size && bytes[length] != '\n' && bytes[length] != '\0')
        length++;
    if (length > HOST_NAME_MAX)
        length = HOST_NAME_MAX;
    memset(name, 0, HOST_NAME_MAX + 1);
    memcpy(name, bytes, length);
    return E_OK;
}

/* A number that may be set: context is its struct proc_number. */
static void show_number(struct text *text, void *context)
{
    const struct proc_number *number = context;
    text_printf(text, number->most == UINT64_MAX ? "%lu\n" : "%ld\n", *number->value);
}

static enum err store_number(const char *bytes, size_t size, void *context)
{
    const struct proc_number *number = context;
    uint64_t value = 0;
    size_t i = 0;
    while (i < size && (bytes[i] == ' ' || bytes[i] == '\t'))
        i++;
    size_t digits = i;
    for (; i < size && bytes[i] >= '0' && bytes[i] <= '9'; i++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(bytes[i] - '0'), &value))
            return E_INVAL;
    if (i == digits || (i < size && bytes[i] != '\n' && bytes[i] != '\0' && bytes[i] != ' ') ||
        value < number->least || value > number->most)
        return E_INVAL;
    *number->value = value;
    return E_OK;
}

static void show_sem_limits(struct text *text, void *context)
{
    (void)context;
    text_printf(text, "%lu\t%lu\t%lu\t%lu\n", sem_limits[0], sem_limits[1], sem_limits[2],
                sem_limits[3]);
}

static void proc_show_drivers(struct text *text, void *context)
{
    text_printf(text, "Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n"
                      "136 pts\n\nBlock devices:\n");
    block_show_drivers(text, context);
}

static struct proc_number aio_number = {&aio_count, 0, 0},
                          aio_max_number = {&aio_max, 0, UINT32_MAX},
                          lease_number = {&lease_break_seconds, 0, INT32_MAX},
                          shm_max_number = {&shm_max, 0, UINT64_MAX},
                          shm_all_number = {&shm_all, 0, UINT64_MAX},
                          shm_most_number = {&shm_most, 0, 32768},
                          msg_max_number = {&msg_max, 0, INT32_MAX},
                          msg_queue_number = {&msg_queue_max, 0, INT32_MAX},
                          msg_most_number = {&msg_most, 0, 32768},
                          msg_next_number = {&msg_next_id, 0, INT32_MAX},
                          sem_next_number = {&sem_next_id, 0, INT32_MAX},
                          shm_next_number = {&shm_next_id, 0, INT32_MAX},
                          mq_queues_number = {&mq_queues_max, 0, INT32_MAX},
                          mq_msg_number = {&mq_msg_max, 1, 65536},
                          mq_size_number = {&mq_size_max, 128, 16777216},
                          mq_msg_default_number = {&mq_msg_default, 1, 65536},
                          mq_size_default_number = {&mq_size_default, 128, 16777216},
                          areas_number = {&areas_max, 0, INT32_MAX},
                          backlog_number = {&socket_backlog_max, 0, INT32_MAX},
                          files_number = {&nr_open, 64, 1 << 20},
                          overcommit_number = {&overcommit_memory, 0, 2},
                          pids_number = {&pid_max, PID_MAX_LEAST, PID_MAX_MOST},
                          pipe_number = {&pipe_capacity_max, 4096, UINT64_C(1) << 31},
                          ports_number = {&privileged_ports_end, 0, UINT16_MAX},
                          threads_number = {&threads_max, THREADS_LEAST, PID_MAX_MOST},
                          randomize_number = {&randomize_va_space, 0, 2},
                          ratio_number = {&overcommit_ratio, 0, INT32_MAX};

#define NUMBER(path, number)                                                                       \
    {                                                                                              \
        path, show_number, store_number, &number, 0                                                \
    }

#define CACHE_FILE(index, name, field)                                                             \
    {                                                                                              \
        CPU "cpu0/cache/index" #index "/" name, proc_show_cache, NULL,                             \
            (void *)(index * 8 + field), 0                                                         \
    }
#define CACHE(index)                                                                               \
    CACHE_FILE(index, "coherency_line_size", 1), CACHE_FILE(index, "level", 0),                    \
        CACHE_FILE(index, "size", 5), CACHE_FILE(index, "type", 6),                                \
        CACHE_FILE(index, "ways_of_associativity", 2)

#define LINK_FILE(name, index, file, property)                                                     \
    {                                                                                              \
        "/sys/class/net/" name "/" file, show_link, NULL, LINK_OF(index, property), 0              \
    }
#define LINK(name, index)                                                                          \
    LINK_FILE(name, index, "address", LINK_ADDRESS),                                               \
        LINK_FILE(name, index, "carrier", LINK_CARRIER),                                           \
        LINK_FILE(name, index, "flags", LINK_FLAGS),                                               \
        LINK_FILE(name, index, "ifindex", LINK_INDEX), LINK_FILE(name, index, "mtu", LINK_MTU),    \
        LINK_FILE(name, index, "operstate", LINK_OPERSTATE),                                       \
        LINK_FILE(name, index, "tx_queue_len", LINK_TX_QUEUE_LENGTH),                              \
        LINK_FILE(name, index, "type", LINK_TYPE)

/* The CPUs as a list of numbers. */
#ifdef OURO_CPUS
#define ONE_CPU(path, text)
static void show_cpus(struct text *text, void *context)
{
    (void)context;
    text_printf(text, cpus_online > 1 ? "0-%u\n" : "%u\n", cpus_online - 1);
}
#else
#define ONE_CPU(path, text) T(path, text)
#endif

static const struct procfs_row rows[] = {
    {"buddyinfo", proc_show_buddyinfo, NULL, NULL, 0},
    {"cmdline", proc_show_command_line, NULL, NULL, 0},
    {"cpuinfo", proc_show_cpuinfo, NULL, NULL, 0},
    {"devices", proc_show_drivers, NULL, NULL, 0},
    {"diskstats", block_show_diskstats, NULL, NULL, 0},
    {"filesystems", procfs_show_types, NULL, NULL, 0},
    {"interrupts", proc_show_interrupts, NULL, NULL, 0},
    {"loadavg", proc_show_loadavg, NULL, NULL, 0},
    {"locks", proc_show_locks, NULL, NULL, 0},
    {"meminfo", proc_show_meminfo, NULL, NULL, 0},
    {"swaps", proc_show_swaps, NULL, NULL, 0},
    {"ouro", proc_show_ouro, NULL, NULL, 0},
    {"pagetables", procfs_show_pagetables, NULL, NULL, 0},
    {"partitions", block_show_partitions, NULL, NULL, 0},
    {"report", proc_show_report, NULL, NULL, 0400},
    {"softirqs", proc_show_softirqs, NULL, NULL, 0},
    {"stat", proc_show_stat, NULL, NULL, 0},
    {"uptime", proc_show_uptime, NULL, NULL, 0},
    {"vmstat", proc_show_vmstat, NULL, NULL, 0},
    {"zoneinfo", proc_show_zoneinfo, NULL, NULL, 0},
    {"sys/fs/file-nr", proc_show_file_count, NULL, NULL, 0},
    {"sys/fs/aio-nr", show_number, NULL, &aio_number, 0},
    NUMBER("sys/fs/aio-max-nr", aio_max_number),
    NUMBER("sys/fs/lease-break-time", lease_number),
    NUMBER("sys/fs/mqueue/msg_default", mq_msg_default_number),
    NUMBER("sys/fs/mqueue/msg_max", mq_msg_number),
    NUMBER("sys/fs/mqueue/msgsize_default", mq_size_default_number),
    NUMBER("sys/fs/mqueue/msgsize_max", mq_size_number),
    NUMBER("sys/fs/mqueue/queues_max", mq_queues_number),
    NUMBER("sys/kernel/msg_next_id", msg_next_number),
    NUMBER("sys/kernel/msgmax", msg_max_number),
    NUMBER("sys/kernel/msgmnb", msg_queue_number),
    NUMBER("sys/kernel/msgmni", msg_most_number),
    {"sys/kernel/sem", show_sem_limits, NULL, NULL, 0},
    NUMBER("sys/kernel/sem_next_id", sem_next_number),
    NUMBER("sys/kernel/shm_next_id", shm_next_number),
    NUMBER("sys/kernel/shmall", shm_all_number),
    NUMBER("sys/kernel/shmmax", shm_max_number),
    NUMBER("sys/kernel/shmmni", shm_most_number),
    NUMBER("sys/fs/nr_open", files_number),
    NUMBER("sys/fs/pipe-max-size", pipe_number),
    NUMBER("sys/kernel/pid_max", pids_number),
    NUMBER("sys/kernel/randomize_va_space", randomize_number),
    NUMBER("sys/kernel/threads-max", threads_number),
    NUMBER("sys/net/core/somaxconn", backlog_number),
    NUMBER("sys/net/ipv4/ip_unprivileged_port_start", ports_number),
    NUMBER("sys/vm/max_map_count", areas_number),
    NUMBER("sys/vm/overcommit_memory", overcommit_number),
    NUMBER("sys/vm/overcommit_ratio", ratio_number),
    {"sysvipc/msg", ipc_show_table, NULL, &ipc_msg_table, 0},
    {"sysvipc/sem", ipc_show_table, NULL, &ipc_sem_table, 0},
    {"sysvipc/shm", ipc_show_table, NULL, &ipc_shm_table, 0},
    {"sys/kernel/domainname", show_host_name, store_host_name, (void *)1, 0},
    {"sys/kernel/hostname", show_host_name, store_host_name, NULL, 0},
    {"sys/kernel/random/boot_id", proc_show_boot_id, NULL, NULL, 0},
    {"sys/kernel/random/uuid", proc_show_new_uuid, NULL, NULL, 0},
#ifdef OURO_CPUS
    {CPU "online", show_cpus, NULL, NULL, 0},
    {CPU "possible", show_cpus, NULL, NULL, 0},
    {CPU "present", show_cpus, NULL, NULL, 0},
    {NODE "has_cpu", show_cpus, NULL, NULL, 0},
    {NODE "node0/cpulist", show_cpus, NULL, NULL, 0},
#endif
    {NODE "node0/meminfo", proc_show_node_meminfo, NULL, NULL, 0},
    CACHE(0),
    CACHE(1),
    CACHE(2),
    CACHE(3),
    LINK("lo", 1),
    LINK("eth0", 2), /* the last: they are left out without a card */
};

#define T(path, line) path "\0" line "\0"

#define IPV4          "sys/net/ipv4/"
#define IPV6          "sys/net/ipv6/conf/"
#define CONF(name)                                                                                 \
    T(IPV4 "conf/" name "/forwarding", "=0")                                                       \
    T(IPV4 "conf/" name "/rp_filter", "=0")                                                        \
    T(IPV6 name "/accept_ra", "=1")                                                                \
    T(IPV6 name "/disable_ipv6", "=0")                                                             \
    T(IPV6 name "/forwarding", "=0")

static const char texts[] =
#include "linux/boot/proc_texts.inc"
    ;

enum err proc_table_start(void)
{
    static struct procfs_table table = {rows, ARRAY_LENGTH(rows), texts};
    if (netdev_first() == NULL)
        table.row_count -= LINK_PROPERTIES;
    if (block_any) {
        table.rows = block_rows(rows, &table.row_count);
        if (table.rows == NULL)
            return E_NOMEM;
    }
    return procfs_start(&table, &procfs_root_ops);
}
