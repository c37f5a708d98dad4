/* SPDX-License-Identifier: MIT */
#include "fs_native.h"
#include "native_percpu.h"

#include "fs/vfs/context.h"
#include "fs/vfs/credentials.h"
#include "fs/vfs/file_table.h"
#include "fs/vfs/process.h"
#include "fs/vfs/inode.h"
#include "fs/vfs/wait.h"
#include "kern/console.h"
#include "kern/machine.h"
#include "kern/random.h"
#include "kern/thread.h"
#include "kern/time.h"
#include "mm/vm/areas.h"
#include "kern/swap.h"
#include "mm/phys/frames.h"
#include "mm/phys/shrinker.h"
#include "mm/vm/usercopy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool (*native_other_thread)(void);
uint64_t native_clock = UINT64_C(1700000000000000000), native_clock_step = 1000;
uintptr_t native_fault_start, native_fault_end, native_missing;
static bool native_has_missed;

struct frames machine_frames = {.free_frames = 1 << 20};
int native_irq_depth; /* of the cpu/irq.h for native tests */
struct spin_lock sched_spin;

/* open() of S_IFBLK: no block device is there. */
static enum err no_block_device(struct file *file)
{
    (void)file;
    return E_NXIO;
}
const struct file_ops block_file_ops = {.open = no_block_device};

struct fs_context *fs_current(void)
{
    return &fs_first;
}

const struct credentials *native_credentials = &credentials_first;

const struct credentials *credentials_current(void)
{
    return native_credentials;
}

const struct credentials *credentials_borrow(const struct credentials *credentials)
{
    const struct credentials *before = native_credentials;
    native_credentials = credentials;
    return before;
}

enum err fs_check_trace(uint32_t pid, bool memory)
{
    (void)memory;
    return pid <= 1 ? E_OK : E_SRCH;
}

int native_raised;

void fs_raise(int signal)
{
    native_raised = signal;
}

void fs_raise_group(int signal, uint32_t group)
{
    (void)signal;
    (void)group;
}

void fs_caller_credentials(bool effective, struct fs_credentials *out)
{
    (void)effective;
    *out = (struct fs_credentials){1, 0, 0};
}

bool fs_owner_exists(enum fs_owner_type type, uint32_t id)
{
    (void)type;
    return id == 1;
}

void fs_signal_owner(const struct fs_owner *owner, const struct fs_io_event *event)
{
    (void)owner;
    native_raised = event->signal;
}

void thread_set_schedule(struct thread *thread, uint8_t priority, bool round_robin, uint32_t weight)
{
    (void)thread, (void)priority, (void)round_robin, (void)weight;
}

void fs_stop_others(void)
{
}

enum err fs_stop_group(int signal)
{
    native_raised = signal;
    return E_INTR;
}

struct fs_job native_job = {1, 1, 1};

struct fs_job fs_caller_job(void)
{
    return native_job;
}

enum err fs_check_group(uint32_t group)
{
    (void)group;
    return E_OK;
}

uint64_t fs_limit(unsigned resource)
{
    return resource == FS_RLIMIT_NOFILE ? FILE_TABLE_LIMIT : UINT64_MAX;
}

bool fs_describe(uint32_t pid, uint32_t tid, struct fs_process *out)
{
    if (pid > 1 || tid > 1)
        return false;
    *out = (struct fs_process){.pid = 1,
                               .tid = 1,
                               .process_group = 1,
                               .session = 1,
                               .threads = 1,
                               .state = 'R',
                               .name = ""};
    return true;
}

struct file_table *file_table_current(void)
{
    return fs_first.files;
}

uint64_t time_now_ns(void)
{
    return native_clock += native_clock_step;
}

uint64_t time_realtime_ns(void)
{
    return native_clock += native_clock_step;
}

/* kern/wait.c without a scheduler: no thread sleeps but in fs_wait(). */
void thread_block(void)
{
    abort();
}

void thread_wake(struct thread *thread, enum err reason)
{
    (void)thread, (void)reason;
    abort();
}

void timer_start(struct timer *timer, uint64_t deadline_ns)
{
    (void)timer, (void)deadline_ns;
    abort();
}

void timer_cancel(struct timer *timer)
{
    (void)timer;
    abort();
}

enum err fs_wait_one(struct wait_queue *queue, fs_condition condition, void *context,
                     uint64_t deadline_ns)
{
    return fs_wait(queue, condition, context, deadline_ns);
}

/* A signal never ends it: without another thread that makes the condition true it would last for ever. */
void fs_wait_surely(struct wait_queue *queue, fs_condition condition, void *context)
{
    (void)queue;
    while (!condition(context))
        if (!native_other_thread || !native_other_thread())
            abort();
}

enum err fs_wait(struct wait_queue *queue, fs_condition condition, void *context,
                 uint64_t deadline_ns)
{
    (void)queue;
    while (!condition(context)) {
        if (native_other_thread && native_other_thread())
            continue;
        if (deadline_ns == NO_DEADLINE)
            return E_INTR;
        native_clock = deadline_ns;
        return E_TIMEDOUT;
    }
    return E_OK;
}

/* No threads, unless a test plays them: what a thread would do is done at once. */
bool native_threads;

void machine_exit(int status)
{
    (void)status;
    abort();
}

enum err thread_create(const char *name, void (*function)(void *argument), void *argument,
                       struct thread **out)
{
    static struct thread thread;
    (void)name, (void)function, (void)argument;
    *out = &thread;
    return native_threads ? E_OK : E_NOMEM;
}

/* No shortage of memory, unless a test calls it. */
struct shrinker *native_shrinker;

void shrinker_register(struct shrinker *shrinker)
{
    native_shrinker = shrinker;
}

uint64_t shrinkers_spare(void)
{
    return native_shrinker && native_shrinker->spare ? native_shrinker->spare() : 0;
}

unsigned native_gave_way;
bool native_signal_waits;

bool fs_give_way(void)
{
    native_gave_way++;
    if (native_other_thread)
        native_other_thread();
    return native_signal_waits;
}

bool areas_may_store(const struct page_source *source)
{
    return CONTAINER_OF(source, struct inode, pages)->mappings > 0;
}

void frames_get(struct frames *f, phys_t block)
{
    (void)f;
    (void)block;
}

static bool faults(virt_t at, size_t size)
{
    return at.v < native_fault_end && at.v + size > native_fault_start;
}

/* The first copy that touches the page fails; copy_wait() brings it in. */
static bool misses(virt_t at, size_t size)
{
    bool missing = size > 0 && at.v < native_missing + PAGE_SIZE && at.v + size > native_missing;
    native_has_missed |= missing;
    return missing;
}

enum err copy_in(void *to, virt_t from, size_t size)
{
    if (misses(from, size))
        return E_INTR;
    if (size > 0 && faults(from, size))
        return E_FAULT;
    memcpy(to, ptr_of(from), size);
    return E_OK;
}

enum err copy_out(virt_t to, const void *from, size_t size)
{
    if (size > 0 && faults(to, size))
        return E_FAULT;
    memcpy(ptr_of(to), from, size);
    return E_OK;
}

enum err clear_out(virt_t to, size_t size)
{
    if (size > 0 && faults(to, size))
        return E_FAULT;
    memset(ptr_of(to), 0, size);
    return E_OK;
}

enum err copy_out_now(virt_t to, const void *from, size_t size)
{
    return misses(to, size) ? E_INTR : copy_out(to, from, size);
}

enum err clear_out_now(virt_t to, size_t size)
{
    return misses(to, size) ? E_INTR : clear_out(to, size);
}

enum err copy_wait(enum err e)
{
    if (e != E_INTR || !native_has_missed)
        return e;
    native_has_missed = false;
    native_missing = 0;
    if (native_other_thread)
        native_other_thread();
    return E_OK;
}

void random_fill(void *to, size_t size)
{
    memset(to, 0x5a, size);
}

void random_stir(const void *from, size_t size)
{
    (void)from;
    (void)size;
}

char native_console_out[4][4096];
size_t native_console_length[4];
bool native_console_framed;
bool native_console_full;
unsigned native_terminals = 7;
static char input[4096];
static size_t input_start, input_end;
static bool input_over;
static struct wait_queue input_queue = WAIT_QUEUE_INIT(input_queue);

void native_console_reset(void)
{
    memset(native_console_length, 0, sizeof native_console_length);
    memset(native_console_out, 0, sizeof native_console_out);
    input_start = input_end = 0;
    input_over = false;
}

void native_console_type(const char *bytes, size_t size)
{
    memcpy(input + input_end, bytes, size);
    input_end += size;
}

void native_console_end_input(void)
{
    input_over = true;
}

bool console_output_ready(void)
{
    return !native_console_full;
}

void console_write(enum console_stream stream, const void *bytes, size_t size)
{
    size_t room = sizeof native_console_out[0] - 1 - native_console_length[stream];
    size = size < room ? size : room;
    memcpy(native_console_out[stream] + native_console_length[stream], bytes, size);
    native_console_length[stream] += size;
}

size_t console_read(void *to, size_t size)
{
    size_t there = input_end - input_start;
    size = size < there ? size : there;
    memcpy(to, input + input_start, size);
    input_start += size;
    return size;
}

bool console_input_ready(void)
{
    return input_start < input_end || input_over;
}

bool console_input_ended(void)
{
    return input_start == input_end && input_over;
}

struct wait_queue *console_input_queue(void)
{
    return &input_queue;
}

struct wait_queue *console_output_queue(void)
{
    return &input_queue;
}

bool console_is_terminal(int fd)
{
    return native_terminals >> fd & 1;
}

bool console_is_cooked(void)
{
    return native_console_framed;
}

void console_size(uint16_t *columns, uint16_t *rows)
{
    *columns = 80;
    *rows = 25;
}

unsigned native_forgotten;
uint64_t native_pages_written;

void areas_pages_written(const struct page_source *source, uint64_t first, uint64_t end)
{
    (void)source;
    native_pages_written += end - first;
}

void areas_forget_pages(const struct page_source *source, uint64_t first, uint64_t end)
{
    (void)source;
    (void)first;
    (void)end;
    native_forgotten++;
}

bool areas_truncate(struct page_source *source, uint64_t first, struct areas_place *place)
{
    (void)source;
    (void)first;
    (void)place;
    native_forgotten++;
    return false;
}

char fs_native_told[256];

void console_tell_host(const char *text)
{
    snprintf(fs_native_told, sizeof fs_native_told, "%s", text);
}
