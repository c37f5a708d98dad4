/* SPDX-License-Identifier: MIT */
#include "ext4_model.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define NONE MODEL_FILES

static const char *const attribute_names[2] = {"user.a", "user.bb"};

uint32_t model_random(struct model *model, uint32_t below)
{
    model->random = model->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((model->random >> 33) % below);
}

void model_init(struct model *model, uint64_t seed)
{
    memset(model, 0, sizeof(*model));
    model->random = seed;
    for (int i = 0; i < MODEL_NAMES; i++)
        model->name[i].dir = NONE;
    model->file[0] =
        (struct model_file){.ino = 2, .mode = S_IFDIR | 0755, .links = 2, .open = true};
}

static void file_free(struct model_file *file)
{
    free(file->bytes);
    free(file->target);
    memset(file, 0, sizeof(*file));
}

void model_free(struct model *model)
{
    for (int i = 0; i < MODEL_FILES; i++)
        file_free(&model->file[i]);
}

struct model *model_clone(const struct model *model)
{
    struct model *clone = malloc(sizeof(*clone));
    *clone = *model;
    for (int i = 0; i < MODEL_FILES; i++) {
        struct model_file *file = &clone->file[i];
        if (file->bytes) {
            file->bytes = malloc(MODEL_BYTES);
            memcpy(file->bytes, model->file[i].bytes, MODEL_BYTES);
        }
        if (file->target)
            file->target = strdup(file->target);
    }
    return clone;
}

/* True if the error is the device's or of memory, whatever the operation was. */
static bool failure(enum err e)
{
    return e == E_IO || e == E_NOMEM || e == E_ROFS;
}

static uint32_t find_name(const struct model *model, uint32_t dir, const char *name)
{
    for (uint32_t i = 0; i < MODEL_NAMES; i++)
        if (model->name[i].dir == dir && strcmp(model->name[i].name, name) == 0)
            return i;
    return MODEL_NAMES;
}

static bool has_names(const struct model *model, uint32_t dir)
{
    for (uint32_t i = 0; i < MODEL_NAMES; i++)
        if (model->name[i].dir == dir)
            return true;
    return false;
}

static uint32_t free_file(const struct model *model)
{
    for (uint32_t i = 0; i < MODEL_FILES; i++)
        if (model->file[i].ino == 0)
            return i;
    return NONE;
}

/* A name in use, or MODEL_NAMES. */
static uint32_t some_name(struct model *model)
{
    for (int tries = 0; tries < 20; tries++) {
        uint32_t i = model_random(model, MODEL_NAMES);
        if (model->name[i].dir != NONE)
            return i;
    }
    return MODEL_NAMES;
}

static uint32_t some_file(struct model *model, uint32_t type)
{
    for (int tries = 0; tries < 40; tries++) {
        uint32_t i = model_random(model, MODEL_FILES);
        struct model_file *file = &model->file[i];
        if (file->ino != 0 && (file->mode & S_IFMT) == type && (type != S_IFDIR || file->links > 0))
            return i;
    }
    return type == S_IFDIR ? 0 : NONE;
}

static void new_name(struct model *model, char *name)
{
    uint32_t number = model_random(model, 60);
    static const uint8_t lengths[] = {3, 12, 60, 255};
    int length = lengths[number % 4];
    snprintf(name, 256, "%02u", number);
    memset(name + 2, 'a' + (int)(number % 26), (size_t)length - 2);
    name[length] = '\0';
}

/* ---- Gone ---- */

static enum err evict(struct model *model, struct ext4 *fs, uint32_t i)
{
    struct model_file *file = &model->file[i];
    if (file->links > 0 || file->open)
        return E_OK;
    uint32_t ino = file->ino;
    file_free(file);
    return ext4_evict(fs, ino);
}

void model_close_all(struct model *model)
{
    for (uint32_t i = 1; i < MODEL_FILES; i++) {
        model->file[i].open = false;
        if (model->file[i].ino != 0 && model->file[i].links == 0)
            file_free(&model->file[i]);
    }
}

/* ---- Operations; each is done on the model if ext4 has done it ---- */

static enum err do_create(struct model *model, struct ext4 *fs)
{
    static const uint32_t types[] = {S_IFREG, S_IFREG, S_IFREG, S_IFDIR,
                                     S_IFDIR, S_IFLNK, S_IFIFO, S_IFCHR};
    uint32_t dir = some_file(model, S_IFDIR), at = free_file(model),
             slot = find_name(model, NONE, ""), ino;
    uint32_t type = types[model_random(model, 8)], length = 1 + model_random(model, 900);
    char name[256], text[1001];
    new_name(model, name);
    if (at == NONE || slot == MODEL_NAMES)
        return E_OK;
    memset(text, 'x', length);
    text[length] = '\0';
    struct ext4_new new = {
        .mode = type | model_random(model, 512),
        .uid = model_random(model, 100000),
        .gid = model_random(model, 100000),
        .device = type == S_IFCHR ? (uint64_t)5 << 8 | model_random(model, 4) << 20 | 1 : 0,
        .text = text,
    };
    bool there = find_name(model, dir, name) != MODEL_NAMES;
    enum err e = ext4_create(fs, model->file[dir].ino, name, strlen(name), &new, &ino);
    if (there) {
        assert_true(e == E_EXIST || failure(e));
        return e == E_EXIST ? E_OK : e;
    }
    if (e != E_OK)
        return e;
    model->file[at] = (struct model_file){.ino = ino,
                                          .mode = new.mode,
                                          .uid = new.uid,
                                          .gid = new.gid,
                                          .links = 1,
                                          .parent = dir,
                                          .open = model_random(model, 4) == 0};
    if (type == S_IFREG)
        model->file[at].bytes = calloc(1, MODEL_BYTES);
    if (type == S_IFLNK)
        model->file[at].target = strdup(text);
    if (type == S_IFLNK)
        model->file[at].size = length;
    if (type == S_IFDIR) {
        model->file[at].links = 2;
        model->file[dir].links++;
    }
    model->name[slot].dir = dir;
    model->name[slot].file = at;
    strcpy(model->name[slot].name, name);
    return E_OK;
}

static enum err do_link(struct model *model, struct ext4 *fs)
{
    uint32_t dir = some_file(model, S_IFDIR), slot = find_name(model, NONE, ""),
             at = some_file(model, S_IFREG);
    char name[256];
    new_name(model, name);
    if (slot == MODEL_NAMES || at == NONE)
        return E_OK;
    bool there = find_name(model, dir, name) != MODEL_NAMES;
    enum err e = ext4_link(fs, model->file[dir].ino, name, strlen(name), model->file[at].ino);
    if (there) {
        assert_true(e == E_EXIST || failure(e));
        return e == E_EXIST ? E_OK : e;
    }
    if (e != E_OK)
        return e;
    model->file[at].links++;
    model->name[slot].dir = dir;
    model->name[slot].file = at;
    strcpy(model->name[slot].name, name);
    return E_OK;
}

static void name_gone(struct model *model, uint32_t at)
{
    struct model_name *name = &model->name[at];
    struct model_file *file = &model->file[name->file];
    if (S_ISDIR(file->mode)) {
        file->links = 0;
        model->file[name->dir].links--;
    } else {
        file->links--;
    }
    name->dir = NONE;
    name->name[0] = '\0';
}

static enum err do_unlink(struct model *model, struct ext4 *fs)
{
    uint32_t at = some_name(model), ino;
    if (at == MODEL_NAMES)
        return E_OK;
    struct model_name *name = &model->name[at];
    uint32_t i = name->file, dir = model->file[name->dir].ino;
    size_t length = strlen(name->name);
    bool directory = S_ISDIR(model->file[i].mode);
    enum err e = directory ? ext4_rmdir(fs, dir, name->name, length, &ino)
                           : ext4_unlink(fs, dir, name->name, length, &ino);
    if (directory && has_names(model, i)) {
        assert_true(e == E_NOTEMPTY || failure(e));
        return e == E_NOTEMPTY ? E_OK : e;
    }
    if (e != E_OK)
        return e;
    assert_int_equal(ino, model->file[i].ino);
    name_gone(model, at);
    return evict(model, fs, i);
}

static bool is_below(const struct model *model, uint32_t dir, uint32_t top)
{
    for (; dir != 0; dir = model->file[dir].parent)
        if (dir == top)
            return true;
    return top == 0;
}

static void moved(struct model *model, uint32_t i, uint32_t from, uint32_t to)
{
    if (!S_ISDIR(model->file[i].mode))
        return;
    model->file[i].parent = to;
    model->file[from].links--;
    model->file[to].links++;
}

static enum err do_rename(struct model *model, struct ext4 *fs)
{
    uint32_t at = some_name(model), dir = some_file(model, S_IFDIR), replaced = 0;
    uint32_t flags =
        model_random(model, 4) == 0 ? EXT4_RENAME_EXCHANGE : model_random(model, 5) == 0;
    char text[256];
    new_name(model, text);
    if (at == MODEL_NAMES)
        return E_OK;
    struct model_name *name = &model->name[at];
    uint32_t i = name->file, other = find_name(model, dir, text), old = name->dir;
    bool directory = S_ISDIR(model->file[i].mode);
    if (directory && is_below(model, dir, i))
        return E_OK;
    uint32_t j = other < MODEL_NAMES ? model->name[other].file : NONE;
    if (j != NONE && S_ISDIR(model->file[j].mode) && is_below(model, old, j))
        return E_OK;
    enum err expected = E_OK;
    if (j == NONE)
        expected = flags & EXT4_RENAME_EXCHANGE ? E_NOENT : E_OK;
    else if (flags & EXT4_RENAME_NOREPLACE)
        expected = E_EXIST;
    else if (i != j && flags == 0 && S_ISDIR(model->file[j].mode) != directory)
        expected = directory ? E_NOTDIR : E_ISDIR;
    else if (i != j && flags == 0 && directory && has_names(model, j))
        expected = E_NOTEMPTY;
    struct ext4_place from = {model->file[old].ino, name->name, strlen(name->name)};
    struct ext4_place to = {model->file[dir].ino, text, strlen(text)};
    enum err e = ext4_rename(fs, &from, &to, flags, &replaced);
    if (failure(e) || (e == E_NOSPC && expected == E_OK))
        return e;
    assert_int_equal(e, expected);
    if (e != E_OK || i == j)
        return E_OK;
    if (flags & EXT4_RENAME_EXCHANGE) {
        name->file = j;
        model->name[other].file = i;
        moved(model, i, old, dir);
        moved(model, j, dir, old);
        return E_OK;
    }
    if (j != NONE) {
        assert_int_equal(replaced, model->file[j].ino);
        name_gone(model, other);
    }
    name->dir = dir;
    strcpy(name->name, text);
    moved(model, i, old, dir);
    return j != NONE ? evict(model, fs, j) : E_OK;
}

static enum err do_write(struct model *model, struct disk *disk, struct ext4 *fs)
{
    uint32_t i = some_file(model, S_IFREG);
    if (i == NONE)
        return E_OK;
    struct model_file *file = &model->file[i];
    uint32_t offset = model_random(model, MODEL_BYTES), size = 1 + model_random(model, 20000);
    if (model_random(model, 3) == 0 && file->size < MODEL_BYTES)
        offset = (uint32_t)file->size;
    if (size > MODEL_BYTES - offset)
        size = MODEL_BYTES - offset;
    uint8_t *bytes = malloc(size + 1);
    memset(bytes, 1 + (int)model_random(model, 255), size);
    enum err e = E_OK;
    uint32_t bits = ext4_block_size(fs);
    for (uint32_t done = 0;
         e == E_OK && done < size;) { /* a block each, so that a failure leaves known bytes */
        uint32_t part = bits - (offset + done) % bits;
        part = part < size - done ? part : size - done;
        e = disk_write_file(disk, fs, file->ino, offset + done, bytes + done, part);
        file->unsure |= e != E_OK;
        if (e != E_OK)
            break;
        memcpy(file->bytes + offset + done, bytes + done, part);
        done += part;
        file->size = file->size > offset + done ? file->size : offset + done;
    }
    free(bytes);
    return e;
}

static enum err do_truncate(struct model *model, struct disk *disk, struct ext4 *fs)
{
    uint32_t i = some_file(model, S_IFREG);
    if (i == NONE)
        return E_OK;
    struct model_file *file = &model->file[i];
    uint64_t size = model_random(model, 4) == 0 ? 0 : model_random(model, MODEL_BYTES);
    enum err e = disk_truncate_file(disk, fs, file->ino, size);
    file->unsure |= e != E_OK;
    if (e != E_OK)
        return e;
    if (size < file->size)
        memset(file->bytes + size, 0, file->size - size);
    file->size = size;
    return E_OK;
}

static enum err do_allocate(struct model *model, struct ext4 *fs)
{
    uint32_t i = some_file(model, S_IFREG), bits = ext4_block_size(fs), done = 0;
    if (i == NONE)
        return E_OK;
    uint32_t block = model_random(model, MODEL_BYTES / bits),
             count = 1 + model_random(model, MODEL_BYTES / bits - block);
    for (enum err e; count > 0; block += done, count -= done) {
        e = ext4_allocate(fs, model->file[i].ino, block, count, &done);
        if (e != E_OK)
            return e;
        assert_true(done > 0 && done <= count);
    }
    return E_OK;
}

static enum err do_punch(struct model *model, struct ext4 *fs)
{
    uint32_t i = some_file(model, S_IFREG), bits = ext4_block_size(fs);
    if (i == NONE)
        return E_OK;
    struct model_file *file = &model->file[i];
    uint32_t block = model_random(model, MODEL_BYTES / bits),
             count = model_random(model, MODEL_BYTES / bits - block);
    enum err e = ext4_punch(fs, file->ino, block, count);
    file->unsure |= e != E_OK;
    if (e == E_OK)
        memset(file->bytes + block * bits, 0, count * bits);
    return e;
}

static enum err do_attribute(struct model *model, struct ext4 *fs)
{
    uint32_t i = 1 + model_random(model, MODEL_FILES - 1), which = model_random(model, 2);
    struct model_file *file = &model->file[i];
    static const uint16_t sizes[] = {5, 40, 200, 399};
    size_t size = sizes[model_random(model, 4)];
    char value[600];
    if (file->ino == 0 || !(S_ISREG(file->mode) || S_ISDIR(file->mode)))
        return E_OK;
    bool remove = model_random(model, 4) == 0;
    memset(value, 'A' + (int)model_random(model, 26), size);
    value[size] = '\0';
    enum err e =
        ext4_xattr_set(fs, file->ino, attribute_names[which], remove ? NULL : value, size, 0);
    if (remove && e == E_NODATA) {
        assert_string_equal(file->attribute[which], "");
        return E_OK;
    }
    if (e == E_OK)
        strcpy(file->attribute[which], remove ? "" : value);
    return e;
}

static enum err do_set(struct model *model, struct ext4 *fs)
{
    uint32_t i = model_random(model, MODEL_FILES);
    struct model_file *file = &model->file[i];
    struct ext4_stat stat = {
        .mode = model_random(model, 512), .uid = model_random(model, 70000), .gid = 3};
    if (file->ino == 0)
        return E_OK;
    enum err e = ext4_set(fs, file->ino, EXT4_SET_MODE | EXT4_SET_OWNER, &stat);
    if (e != E_OK)
        return e;
    file->mode = (file->mode & S_IFMT) | stat.mode;
    file->uid = stat.uid;
    file->gid = stat.gid;
    return E_OK;
}

static enum err do_close(struct model *model, struct ext4 *fs)
{
    uint32_t i = 1 + model_random(model, MODEL_FILES - 1);
    if (model->file[i].ino == 0)
        return E_OK;
    model->file[i].open = false;
    return evict(model, fs, i);
}

bool model_step(struct model *model, struct disk *disk, struct ext4 *fs, bool full, bool failing)
{
    enum err e = E_OK;
    switch (model_random(model, 16)) {
    case 0:
    case 1:
    case 2:
        e = do_create(model, fs);
        break;
    case 3:
        e = do_link(model, fs);
        break;
    case 4:
    case 5:
        e = do_unlink(model, fs);
        break;
    case 6:
    case 7:
        e = do_rename(model, fs);
        break;
    case 8:
    case 9:
        e = do_write(model, disk, fs);
        break;
    case 10:
        e = do_truncate(model, disk, fs);
        break;
    case 11:
        e = do_allocate(model, fs);
        break;
    case 12:
        e = do_punch(model, fs);
        break;
    case 13:
        e = do_attribute(model, fs);
        break;
    case 14:
        e = do_set(model, fs);
        break;
    case 15:
        e = do_close(model, fs);
        break;
    }
    if (e != E_OK && !(full && e == E_NOSPC) && !(failing && failure(e)))
        fail_msg("an operation ended with %d", e);
    return e != E_OK;
}

/* ---- Comparing ---- */

struct listed {
    const struct model *model;
    uint32_t dir, count;
};

static bool check_name(void *context, const struct ext4_name *name, uint64_t cookie)
{
    struct listed *listed = context;
    char text[256];
    (void)cookie;
    memcpy(text, name->name, name->length);
    text[name->length] = '\0';
    if (listed->dir == 0 && strcmp(text, "lost+found") == 0)
        return true;
    uint32_t at = find_name(listed->model, listed->dir, text);
    if (at == MODEL_NAMES)
        fail_msg("\"%s\" is there", text);
    assert_int_equal(listed->model->file[listed->model->name[at].file].ino, name->ino);
    listed->count++;
    return true;
}

static void compare_dir(struct model *model, struct ext4 *fs, uint32_t i)
{
    struct listed listed = {model, i, 0};
    uint64_t cookie = 0;
    uint32_t names = 0, ino;
    assert_int_equal(ext4_list(fs, model->file[i].ino, &cookie, check_name, &listed), E_OK);
    for (uint32_t n = 0; n < MODEL_NAMES; n++)
        if (model->name[n].dir == i) {
            names++;
            assert_int_equal(ext4_lookup(fs, model->file[i].ino, model->name[n].name,
                                         strlen(model->name[n].name), &ino),
                             E_OK);
            assert_int_equal(ino, model->file[model->name[n].file].ino);
        }
    assert_int_equal(listed.count, names);
    assert_int_equal(ext4_parent(fs, model->file[i].ino, &ino), E_OK);
    if (model->file[i].links > 0)
        assert_int_equal(ino, model->file[model->file[i].parent].ino);
}

static void compare_attributes(const struct model_file *file, struct ext4 *fs)
{
    for (int a = 0; a < 2; a++) {
        char value[600];
        size_t size = sizeof(value);
        enum err e = ext4_xattr_get(fs, file->ino, attribute_names[a], value, &size);
        if (file->attribute[a][0] == '\0') {
            assert_int_equal(e, E_NODATA);
            continue;
        }
        assert_int_equal(e, E_OK);
        assert_int_equal(size, strlen(file->attribute[a]));
        assert_memory_equal(value, file->attribute[a], size);
    }
}

void model_compare(struct model *model, struct disk *disk, struct ext4 *fs)
{
    uint8_t *bytes = malloc(MODEL_BYTES);
    for (uint32_t i = 0; i < MODEL_FILES; i++) {
        struct model_file *file = &model->file[i];
        struct ext4_stat stat;
        if (file->ino == 0)
            continue;
        assert_int_equal(ext4_stat(fs, file->ino, &stat), E_OK);
        if (file->unsure) {
            file->size = stat.size;
            memset(file->bytes, 0, MODEL_BYTES);
            assert_int_equal(disk_read_file(disk, fs, file->ino, 0, file->bytes, stat.size), E_OK);
            file->unsure = false;
        }
        assert_int_equal(stat.mode & 07777, file->mode & 07777);
        assert_int_equal(stat.links, file->links + (i == 0 ? 1 : 0)); /* lost+found */
        assert_int_equal(stat.uid, file->uid);
        assert_int_equal(stat.gid, file->gid);
        if (S_ISDIR(file->mode))
            compare_dir(model, fs, i);
        else
            assert_int_equal(stat.size, file->size);
        if (S_ISREG(file->mode)) {
            assert_int_equal(disk_read_file(disk, fs, file->ino, 0, bytes, file->size), E_OK);
            assert_memory_equal(bytes, file->bytes, file->size);
        }
        if (S_ISREG(file->mode) || S_ISDIR(file->mode))
            compare_attributes(file, fs);
        if (S_ISLNK(file->mode)) {
            char text[1024];
            size_t length;
            assert_int_equal(ext4_readlink(fs, file->ino, text, sizeof(text), &length), E_OK);
            assert_int_equal(length, file->size);
            assert_memory_equal(text, file->target, length);
        }
    }
    free(bytes);
}
