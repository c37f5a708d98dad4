/* SPDX-License-Identifier: MIT */
#include "report_stubs.h"

#include "base/fmt.h"
#include "base/sections.h"
#include "cpu/features.h"
#include "cpu/x86.h"
#include "diag/parts.h"
#include "kern/boot_summary.h"
#include "kern/console.h"
#include "kern/log.h"
#include "symbol_bits.h"

#include <stdlib.h>
#include <string.h>

#define LINES_MAX 400

/* --- the kernel --- */

struct stub_symbols {
    struct symbol_table table;
    uint8_t streams[200];
} stub_symbols = {.table = {.build_id = STUB_BUILD_ID}};

/* Code 64 is the pair "p", end of the name. */
__attribute__((constructor)) static void make_symbols(void)
{
    struct symbol_bits text = {stub_symbols.streams, 0};
    put_symbol_start(&text, 0, 0);
    put_symbol_name(&text, "start");
    put_symbol_start(&text, 0x2000, 0);
    put_symbol_name(&text, "fault_page");
    put_symbol_start(&text, 0x100, 0);
    put_symbol_code(&text, 19);
    put_symbol_code(&text, 12);
    put_symbol_code(&text, 5);
    put_symbol_code(&text, 5);
    put_symbol_code(&text, 64);
    put_symbol_pair(&stub_symbols.table, 64, 16, 0);
    stub_symbols.table.text_size = symbol_bytes(&text);
    struct symbol_bits data = {stub_symbols.streams + symbol_bytes(&text), 0};
    put_symbol_start(&data, 0, 0);
    put_symbol_name(&data, "kernel_policy");
    put_symbol_start(&data, 0x1040, 7);
    put_symbol_name(&data, "counter");
    stub_symbols.table.data_size = symbol_bytes(&data);
}

struct boot_summary boot_summary = {.loader_name = "Loader 2.12", .uefi = true};
struct cpu_features cpu_features = {.brand = "Fake CPU 3000"};

uint64_t read_cr0(void)
{
    return STUB_CR0;
}

uint64_t read_cr2(void)
{
    return STUB_CR2;
}

uint64_t read_cr4(void)
{
    return STUB_CR4;
}

uint64_t rdmsr(uint32_t msr)
{
    return msr == MSR_EFER ? STUB_EFER : 0;
}

/* --- threads --- */

struct thread stub_threads[STUB_THREADS];
unsigned stub_thread_count;
struct thread *stub_current;

struct thread *percpu_thread(void)
{
    return stub_current;
}

void thread_visit(void (*visit)(struct thread *thread, void *context), void *context)
{
    for (unsigned i = 0; i < stub_thread_count; i++)
        visit(&stub_threads[i], context);
}

bool report_thread_other(const struct thread *t, bool all_processes, char *to, size_t size)
{
    fmt_snprintf(to, size, "of process %u", t->id);
    return t->linux_thread != NULL && (t != stub_current || all_processes);
}

/* --- a file --- */

static struct stub_file *file_of(struct page_source *source)
{
    return (struct stub_file *)source;
}

static enum err read_file(struct page_source *source, uint64_t offset, void *to, size_t size)
{
    const struct stub_file *f = file_of(source);
    if (offset >= f->size)
        return E_INVAL;
    size_t whole = f->size - offset < size ? f->size - offset : size;
    memcpy(to, f->bytes + offset, whole);
    memset((char *)to + whole, 0, size - whole);
    return E_OK;
}

static void name_file(struct page_source *source, char *to, size_t size)
{
    fmt_snprintf(to, size, "%s", file_of(source)->path);
}

static void get_file(struct page_source *source)
{
    file_of(source)->references++;
}

static void put_file(struct page_source *source)
{
    file_of(source)->references--;
}

const struct page_source_ops stub_file_ops = {
    .read = read_file, .name = name_file, .get = get_file, .put = put_file};

/* --- what comes out --- */

struct stub_output stub_output;

void stub_output_clear(void)
{
    stub_output.lines = 0;
    stub_output.text_used = stub_output.json_used = 0;
}

void report(const char *format, ...)
{
    struct stub_output *o = &stub_output;
    va_list args;
    va_start(args, format);
    o->text_used +=
        fmt_vsnprintf(o->text + o->text_used, sizeof o->text - o->text_used, format, args);
    va_end(args);
    if (++o->lines > LINES_MAX || o->text_used + 2 > sizeof o->text)
        abort();
    memcpy(o->text + o->text_used++, "\n", 2);
}

void console_write(enum console_stream stream, const void *from, size_t size)
{
    struct stub_output *o = &stub_output;
    (void)stream;
    if (size >= sizeof o->json - o->json_used || memchr(from, '\0', size) != NULL)
        abort();
    memcpy(o->json + o->json_used, from, size);
    o->json_used += size;
    o->json[o->json_used] = '\0';
}

bool console_is_framed(void)
{
    return true;
}

void console_pass_over_screen(bool pass_over)
{
    (void)pass_over;
}
