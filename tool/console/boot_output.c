/* SPDX-License-Identifier: MIT */
/* A line buffer, a filter for escape sequences, and a table of fatal messages. */
#include "console/boot_output.h"
#include "base/compiler.h"
#include "kern/console_frame.h"

#include <stdio.h>
#include <string.h>

enum {
    ESCAPE_NONE,
    ESCAPE_STARTED,
    ESCAPE_CONTROL
};

/* Prompts and messages after which firmware and GRUB wait for a key for ever. */
static const struct {
    const char *seen, *means;
} dead_ends[] = {
    {"grub rescue>", "the boot loader found no files on the boot medium"},
    {"grub>", "the boot loader ran out of commands"},
    {"No bootable device", "the firmware found nothing to boot"},
    {"No bootable option or device was found", "the firmware found nothing to boot"},
    {"UEFI Interactive Shell", "the firmware found nothing to boot"},
    {"Shell>", "the firmware found nothing to boot"},
};

static void look_for_end(struct boot_output *c, bool complete)
{
    const char *stop = strstr(c->line, FRAME_STUB_STOP);
    if (c->stop[0])
        return;
    if (stop && complete)
        snprintf(c->stop, sizeof(c->stop), "%s", stop + sizeof(FRAME_STUB_STOP) - 1);
    for (size_t i = 0; !stop && i < ARRAY_LENGTH(dead_ends) && !c->stop[0]; i++)
        if (strstr(c->line, dead_ends[i].seen))
            snprintf(c->stop, sizeof(c->stop), "%s", dead_ends[i].means);
}

static void end_line(struct boot_output *c)
{
    look_for_end(c, true);
    if (strspn(c->line, " ") < c->line_length) {
        snprintf(c->last[c->next], sizeof(c->last[0]), "%.*s", (int)sizeof(c->last[0]) - 1,
                 c->line);
        if (c->on_line)
            c->on_line(c->context, c->line);
        c->next = (c->next + 1) % ARRAY_LENGTH(c->last);
    }
    c->line_length = 0;
    c->line[0] = '\0';
}

/* True inside an escape sequence: ESC [ … letter, or ESC and one byte. */
static bool in_escape(struct boot_output *c, char byte)
{
    switch (c->escape) {
    case ESCAPE_STARTED:
        c->escape = byte == '[' ? ESCAPE_CONTROL : ESCAPE_NONE;
        return true;
    case ESCAPE_CONTROL:
        if (byte >= '@' && byte <= '~') {
            c->escape = ESCAPE_NONE;
            if (byte == 'H') /* cursor position: starts another line */
                end_line(c);
        }
        return true;
    default:
        c->escape = byte == '\033' ? ESCAPE_STARTED : ESCAPE_NONE;
        return byte == '\033';
    }
}

void boot_output_feed(struct boot_output *c, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char byte = bytes[i];
        if (in_escape(c, byte))
            continue;
        if (byte == '\n' || c->line_length == sizeof(c->line) - 1)
            end_line(c);
        if (byte >= ' ' && byte < '\177') {
            c->line[c->line_length++] = byte;
            c->line[c->line_length] = '\0';
        }
    }
    look_for_end(c, false);
}

void boot_output_last(const struct boot_output *c, void (*each)(const char *line))
{
    for (unsigned i = 0; i < ARRAY_LENGTH(c->last); i++) {
        const char *line = c->last[(c->next + i) % ARRAY_LENGTH(c->last)];
        if (line[0])
            each(line);
    }
    if (c->line_length > 0)
        each(c->line);
}
