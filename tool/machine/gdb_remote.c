/* SPDX-License-Identifier: MIT */
/* A client of QEMU's gdb server: packets "$...#sum", each acknowledged with '+'. */
#include "machine/gdb_remote.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE   5000       /* milliseconds for one byte */
#define PACKET_MAX (1u << 16) /* QEMU's own limit is 4096 */

static bool send_packet(int fd, const char *words)
{
    unsigned char sum = 0;
    for (const char *c = words; *c; c++)
        sum = (unsigned char)(sum + (unsigned char)*c);
    struct text packet = {0};
    text_format(&packet, "$%s#%02x", words, sum);
    bool sent = send(fd, packet.bytes, packet.length, MSG_NOSIGNAL) == (ssize_t)packet.length;
    text_free(&packet);
    return sent;
}

struct input {
    int fd;
    size_t at, size;
    char bytes[4096];
};

static bool next_byte(struct input *in, char *out)
{
    if (in->at == in->size) {
        struct pollfd ready = {in->fd, POLLIN, 0};
        ssize_t got =
            poll(&ready, 1, PATIENCE) == 1 ? recv(in->fd, in->bytes, sizeof(in->bytes), 0) : 0;
        if (got <= 0)
            return false;
        in->at = 0;
        in->size = (size_t)got;
    }
    *out = in->bytes[in->at++];
    return true;
}

/* Reads and acknowledges the next packet. Checksums are not checked: a socket loses no bytes. */
static bool next_packet(struct input *in, struct text *out)
{
    char byte;
    do
        if (!next_byte(in, &byte))
            return false;
    while (byte != '$'); /* skips the '+' for the sent packet */
    out->length = 0;
    text_string(out, "");
    while (next_byte(in, &byte) && byte != '#' && out->length < PACKET_MAX)
        text_add(out, &byte, 1);
    return byte == '#' && next_byte(in, &byte) && next_byte(in, &byte) &&
           send(in->fd, "+", 1, MSG_NOSIGNAL) == 1;
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool add_hex(struct text *out, const char *hex)
{
    for (; *hex; hex += 2) {
        int high = digit(hex[0]), low = high < 0 ? -1 : digit(hex[1]);
        if (low < 0)
            return false;
        char byte = (char)(high << 4 | low);
        text_add(out, &byte, 1);
    }
    return true;
}

/* Skips stop replies, which may come at any time: "T02thread:01;". */
static bool next_answer(struct input *in, struct text *out)
{
    bool good;
    do
        good = next_packet(in, out);
    while (good && out->bytes[0] == 'T');
    return good;
}

static bool ask(int fd, const char *words, struct text *out)
{
    struct input in = {.fd = fd};
    struct text packet = {0};
    bool good = send_packet(fd, words) && next_answer(&in, &packet) && packet.length > 0 &&
                add_hex(out, packet.bytes);
    text_free(&packet);
    return good;
}

bool gdb_remote_registers(int fd, struct text *out)
{
    return ask(fd, "g", out);
}

bool gdb_remote_read(int fd, uint64_t address, size_t size, struct text *out)
{
    char words[64];
    size_t before = out->length;
    snprintf(words, sizeof(words), "m%llx,%zx", (unsigned long long)address, size);
    return ask(fd, words, out) && out->length == before + size;
}

bool gdb_remote_monitor(int fd, const char *command, struct text *out)
{
    struct input in = {.fd = fd};
    struct text words = {0}, packet = {0};
    text_string(&words, "qRcmd,");
    for (const char *c = command; *c; c++)
        text_format(&words, "%02x", (unsigned char)*c);
    bool good = send_packet(fd, words.bytes), more = good;
    while (more) { /* "O" and a part of the output, until "OK" */
        good = next_answer(&in, &packet) && packet.bytes[0] == 'O';
        more = good && strcmp(packet.bytes, "OK") != 0;
        if (more)
            good = more = add_hex(out, packet.bytes + 1);
    }
    text_free(&words);
    text_free(&packet);
    return good;
}
