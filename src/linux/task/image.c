/* SPDX-License-Identifier: MIT */
#include "linux/task/image.h"

#include "base/checked.h"
#include "base/fmt.h"
#include "base/panic.h"
#include "base/str.h"
#include "fs/vfs/vfs.h"
#include "linux/abi/prot.h"
#include "linux/task/process.h"
#include "mm/heap/heap.h"
#include "mm/layout.h"
#include "mm/vm/areas.h"

#define STATUS_NOT_FOUND  127 /* the exit statuses of shells */
#define STATUS_CANNOT_RUN 126

#define LINUX_PROT_READ   1
#define LINUX_PROT_WRITE  2
#define LINUX_PROT_EXEC   4

enum err exec_refuse(struct exec_refusal *why, enum err e, const char *path, const char *what)
{
    why->exit_status = e == E_NOENT || e == E_NOTDIR ? STATUS_NOT_FOUND : STATUS_CANNOT_RUN;
    fmt_snprintf(why->sentence, sizeof why->sentence, "%s: %s", path, what);
    return e;
}

static const char *image_describe(enum err e)
{
    switch (e) {
    case E_NOENT:
        return "there is no such file";
    case E_NOTDIR:
        return "a part of the path is not a directory";
    case E_ACCES:
        return "it is not executable";
    case E_LOOP:
        return "too many symbolic links";
    case E_NAMETOOLONG:
        return "the name is too long";
    case E_TXTBSY:
        return "it is open for writing";
    case E_NOMEM:
        return "there is not enough memory for it";
    case E_2BIG:
        return "the arguments and the environment are too long";
    default:
        return err_name(e);
    }
}

enum err exec_image_open_at(const struct location *at, struct exec_image *out)
{
    struct file *file;
    *out = (struct exec_image){0};
    /* The type is checked before opening: open() of a FIFO would sleep. */
    enum err e = mode_is(at->dentry->inode->mode, S_IFREG) ? vfs_open_program(at, &file) : E_ACCES;
    if (e != E_OK)
        return e;
    e = file_deny_write(file->inode);
    if (e == E_OK)
        out->file = file;
    else
        file_put(file);
    return e;
}

enum err exec_image_open(const char *path, struct exec_image *out, struct exec_refusal *why)
{
    struct location at;
    bool directory = false;
    enum err e = walk_lookup(NULL, path, WALK_FOLLOW, &at);
    if (e == E_OK) {
        directory = mode_is(at.dentry->inode->mode, S_IFDIR);
        e = exec_image_open_at(&at, out);
        location_put(&at);
    }
    return e == E_OK
               ? E_OK
               : exec_refuse(why, e, path, directory ? "it is a directory" : image_describe(e));
}

void exec_image_close(struct exec_image *image)
{
    if (image->file != NULL) {
        file_allow_write(image->file->inode);
        file_put(image->file);
    }
    heap_free(image->elf);
    *image = (struct exec_image){0};
}

COLD void exec_image_copy(const struct exec_image *image, struct exec_image *out)
{
    *out = (struct exec_image){.file = image->file, .bias = image->bias};
    if (image->file == NULL)
        return;
    file_get(image->file);
    must(file_deny_write(image->file->inode)); /* writes are denied already */
}

enum err exec_image_head(struct exec_image *image, uint8_t head[EXEC_HEAD_SIZE])
{
    uint64_t done;
    memset(head, 0, EXEC_HEAD_SIZE);
    return file_read_at(image->file, head, EXEC_HEAD_SIZE, 0, &done);
}

/* Offsets from gABI chapters 4 and 5, to find the part of the file that elf64_parse() reads: file
 * header, program headers, interpreter's name. */
#define EHDR_SIZE   64
#define EHDR_PHOFF  32
#define EHDR_PHNUM  56
#define PHDR_SIZE   56
#define PHDR_OFFSET 8
#define PHDR_FILESZ 32
#define PT_INTERP   3

static uint64_t word_at(const uint8_t *bytes, size_t offset)
{
    uint64_t v;
    memcpy(&v, bytes + offset, sizeof v);
    return v;
}

static void image_extend(uint64_t offset, uint64_t length, uint64_t size, uint64_t *need)
{
    if (checked_span(offset, length, size) && offset + length > *need)
        *need = offset + length;
}

/* *out: number of bytes at the start of the file that the parser needs. Parts beyond the end of the
 * file are not counted; the parser rejects them. */
static MUST_CHECK enum err head_size(struct file *file, uint64_t size, uint64_t *out)
{
    uint8_t bytes[EHDR_SIZE] = {0};
    uint64_t need = size < EHDR_SIZE ? size : EHDR_SIZE, done;
    enum err e = file_read_at(file, bytes, EHDR_SIZE, 0, &done);
    if (e != E_OK)
        return e;
    uint64_t table = word_at(bytes, EHDR_PHOFF);
    uint64_t count = word_at(bytes, EHDR_PHNUM) & 0xffff;
    image_extend(table, count * PHDR_SIZE, size, &need);
    for (uint64_t i = 0; i < count && checked_span(table, (i + 1) * PHDR_SIZE, size); i++) {
        e = file_read_at(file, bytes, PHDR_SIZE, table + i * PHDR_SIZE, &done);
        if (e != E_OK)
            return e;
        if ((uint32_t)word_at(bytes, 0) == PT_INTERP)
            image_extend(word_at(bytes, PHDR_OFFSET), word_at(bytes, PHDR_FILESZ), size, &need);
    }
    *out = need;
    return E_OK;
}

enum err exec_image_parse(struct exec_image *image, const char *path, struct exec_refusal *why)
{
    uint64_t size = image->file->inode->size, need, done;
    struct parse_fault fault;
    char what[160];

    enum err e = head_size(image->file, size, &need);
    if (e != E_OK)
        return exec_refuse(why, e, path, image_describe(e));
    image->elf = heap_alloc(sizeof *image->elf);
    uint8_t *head = heap_alloc(need != 0 ? need : 1);
    if (image->elf == NULL || head == NULL) {
        heap_free(head);
        return exec_refuse(why, E_NOMEM, path, image_describe(E_NOMEM));
    }
    e = file_read_at(image->file, head, need, 0, &done);
    if (e == E_OK && done != need)
        e = E_IO;
    if (e != E_OK) {
        heap_free(head);
        return exec_refuse(why, e, path, image_describe(e));
    }
    e = elf64_parse(head, size, LAYOUT_PROGRAM_END, image->elf, &fault);
    heap_free(head);
    if (e != E_OK) {
        fmt_snprintf(what, sizeof what, "%s (at offset %llu)", fault.what,
                     (unsigned long long)fault.offset);
        return exec_refuse(why, e, path, what);
    }
    if (file_page_source(image->file) == NULL)
        return exec_refuse(why, E_NOEXEC, path, "its file system has no pages to map");
    return E_OK;
}

static prot_t segment_prot(const struct elf64_segment *s)
{
    uint64_t prot = (s->read ? LINUX_PROT_READ : 0u) | (s->write ? LINUX_PROT_WRITE : 0u) |
                    (s->execute ? LINUX_PROT_EXEC : 0u);
    return mem_prot_from_linux(prot);
}

static MUST_CHECK enum err map_file_part(struct file *file, const struct elf64_segment *s,
                                         uint64_t start, uint64_t end)
{
    struct page_source *source = file_page_source(file);
    struct area area = {
        .range = virt_range(align_down(start, PAGE_SIZE), align_up(end, PAGE_SIZE)),
        .kind = AREA_FILE,
        .flags = AREA_IMAGE,
        .owner = &process_current()->program->areas,
        .prot = segment_prot(s),
        .source = source,
        .offset = align_down(s->offset, PAGE_SIZE),
        /* Bytes of the file after .data are visible only if the segment has no .bss. */
        .file_end = s->memory_size > s->file_size ? end : UINT64_MAX,
    };
    source->ops->get(source);
    enum err e = areas_add(space_current(), &area);
    if (e != E_OK)
        source->ops->put(source);
    return e;
}

static MUST_CHECK enum err map_segment(struct file *file, const struct elf64_segment *s,
                                       uint64_t bias)
{
    uint64_t start = s->address + bias;
    uint64_t file_end = start + s->file_size, end = start + s->memory_size;
    uint64_t zero_start = align_down(start, PAGE_SIZE);
    if (s->file_size > 0) {
        enum err e = map_file_part(file, s, start, file_end);
        if (e != E_OK)
            return e;
        zero_start = align_up(file_end, PAGE_SIZE);
    }
    if (zero_start >= end)
        return E_OK;
    struct area area = {
        .range = virt_range(zero_start, align_up(end, PAGE_SIZE)),
        .kind = AREA_ANONYMOUS,
        .flags = AREA_IMAGE,
        .owner = &process_current()->program->areas,
        .prot = segment_prot(s),
        .file_end = UINT64_MAX,
    };
    return areas_add(space_current(), &area);
}

enum err exec_image_map(struct exec_image *image, uint64_t bias)
{
    image->bias = image->elf->position_independent ? bias : 0;
    for (uint32_t i = 0; i < image->elf->segment_count; i++) {
        enum err e = map_segment(image->file, &image->elf->segments[i], image->bias);
        if (e != E_OK)
            return e;
    }
    return E_OK;
}

void exec_image_describe(const struct exec_image *image, struct program_layout *out)
{
    out->code = out->data = virt_range(UINT64_MAX, 0);
    for (uint32_t i = 0; i < image->elf->segment_count; i++) {
        const struct elf64_segment *s = &image->elf->segments[i];
        uint64_t start = s->address + image->bias, end = start + s->file_size;
        if (s->execute && out->code.end.v == 0)
            out->code.start.v = start;
        if (s->execute)
            out->code.end.v = end;
        out->data.start.v = start;
        if (end > out->data.end.v)
            out->data.end.v = end;
    }
}
