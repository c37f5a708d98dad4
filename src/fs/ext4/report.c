/* SPDX-License-Identifier: MIT */
/* What is said about a file system, and what damage does to it. */
#include "fs/ext4/core.h"

#include "base/fmt.h"
#include "base/str.h"
#include "fs/ext4/journal_format.h"

void ext4_report(const struct ext4_io *io, const char *format, ...)
{
    char text[160];
    va_list args;
    va_start(args, format);
    fmt_vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (io->report)
        io->report(io->context, text);
}

/* As Linux keeps it: the first error, and the last. */
static void note_error(struct ext4_super *super, uint32_t now, uint32_t ino, uint64_t block)
{
    static const char name[] = "ouro";
    super->state |= EXT4_STATE_ERROR;
    if (super->error_count++ == 0) {
        super->first_error_time = now;
        super->first_error_inode = ino;
        super->first_error_block = block;
        memcpy(super->first_error_function, name, sizeof(name));
    }
    super->last_error_time = now;
    super->last_error_inode = ino;
    super->last_error_block = block;
    memcpy(super->last_error_function, name, sizeof(name));
}

enum err ext4_damage(struct ext4 *fs, uint32_t ino, uint64_t block, const char *what)
{
    if (fs->broken)
        return E_IO;
    fs->broken = true;
    ext4_report(&fs->io, "%s (inode %u, block %llu); read-only from now on", what, ino,
                (unsigned long long)block);
    bool may_write = !fs->readonly;
    fs->readonly = true;
    if (!may_write || !fs->super_stable)
        return E_IO;
    uint32_t now = (uint32_t)fs->io.now(fs->io.context).seconds;
    note_error(fs->super, now, ino, block);
    note_error(
        (struct ext4_super *)(fs->super_stable + ((uint8_t *)fs->super - fs->super_block->data)),
        now, ino, block);
    (void)!ext4_super_write(fs);
    ((struct jbd2_super *)fs->journal.super)->error = jbd2_32((uint32_t)-E_IO);
    jbd2_super_seal(fs->journal.super, fs->journal.features);
    (void)!ext4_journal_block(fs, true, 0, fs->journal.super);
    (void)fs->io.flush(fs->io.context);
    return E_IO;
}
