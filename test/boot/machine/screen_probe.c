/* SPDX-License-Identifier: MIT */
/*
 * screen_probe STEP... -- QEMU ARGUMENTS...: acts as the user of a machine with a screen. Starts QEMU with a control
 * socket (QMP), recognizes the text of the picture by the kernel's font, presses keys and waits for events:
 *
 *   see TEXT      until a line of the picture holds the text (UTF-8)
 *   gone TEXT     until no line does
 *   colour RRGGBB TEXT     the same, and the text's first character has that colour
 *   ega TEXT      as `see`, for the text mode's memory
 *   type TEXT     letters, digits, some signs; \n is Enter
 *   key a-b       keys pressed together, by QEMU's names
 *   power         the power button
 *   event NAME    until QEMU reports it (SHUTDOWN, RESET ...)
 *
 * Exit status 0, or a message that names the step that failed, and the text on the screen.
 */
#include "dev/screen/font.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE    90 /* seconds, for each step; SLOW multiplies them */
#define COLUMNS_MAX 512
#define ROWS_MAX    256

static FILE *answers, *orders; /* of the control socket */
static pid_t emulator;
static char folder[] = "/tmp/screen-probe.XXXXXX";
static char rows[ROWS_MAX][3 * COLUMNS_MAX + 1]; /* UTF-8 */
static unsigned row_count;
static const uint8_t *pixels; /* of the last picture */
static unsigned width, height;
static uint8_t *font_glyphs;
static struct font_character *font_characters;
static char events[4096]; /* names of all events so far, each after a blank */

static void stop(const char *what, const char *detail)
{
    fprintf(stderr, "screen_probe: %s: %s\n", what, detail);
    for (unsigned i = 0; i < row_count; i++)
        if (rows[i][strspn(rows[i], " ")] != '\0')
            fprintf(stderr, "%3u |%s\n", i, rows[i]);
    fprintf(stderr, "events:%s\n", events);
    if (emulator > 0)
        kill(emulator, SIGKILL);
    exit(1);
}

static void path_of(char *to, size_t size, const char *name)
{
    snprintf(to, size, "%s/%s", folder, name);
}

/* Records an event. True if the line is the answer to a command. */
static bool take_line(const char *line)
{
    const char *event = strstr(line, "\"event\": \"");
    if (event == NULL)
        return true;
    event += strlen("\"event\": \"");
    size_t have = strlen(events);
    snprintf(events + have, sizeof events - have, " %.*s", (int)strcspn(event, "\""), event);
    return false;
}

/* Sends a command and waits for its answer. False if QEMU has ended. */
static bool command(const char *text)
{
    char line[8192];
    if (fprintf(orders, "%s\n", text) < 0 || fflush(orders) != 0)
        return false;
    while (fgets(line, sizeof line, answers) != NULL)
        if (take_line(line)) {
            if (strstr(line, "\"error\"") != NULL)
                stop("QEMU says", line);
            return true;
        }
    return false;
}

static uint8_t *read_file(const char *name, size_t *size)
{
    char path[128];
    path_of(path, sizeof path, name);
    FILE *f = fopen(path, "rb");
    static uint8_t bytes[64 << 20];
    if (f == NULL)
        return NULL;
    *size = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    return bytes;
}

/* First character of the font whose glyph the cell shows, in any two colours; U+FFFD if there is none. */
static unsigned cell_of(unsigned x, unsigned y)
{
    uint8_t bits[32] = {0};
    const uint8_t *first = pixels + ((size_t)y * width + x) * 3;
    for (unsigned i = 0; i < font_height; i++)
        for (unsigned j = 0; j < FONT_WIDTH; j++)
            if (memcmp(first, pixels + ((size_t)(y + i) * width + x + j) * 3, 3) != 0)
                bits[i] |= (uint8_t)(0x80 >> j);
    for (unsigned i = 0; i < font_character_count; i++) {
        const uint8_t *glyph = font_glyphs + font_characters[i].glyph * font_height;
        unsigned differ = 0, flip = glyph[0] & 0x80 ? 0xff : 0;
        for (unsigned j = 0; j < font_height; j++)
            differ |= (glyph[j] ^ flip) ^ bits[j];
        if (differ == 0)
            return font_characters[i].character;
    }
    return 0xfffd;
}

static char *add_utf8(char *to, unsigned c)
{
    if (c < 0x80) {
        *to++ = (char)c;
        return to;
    }
    if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
    } else {
        *to++ = (char)(0xe0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 63));
    }
    *to++ = (char)(0x80 | (c & 63));
    return to;
}

static void read_picture(void)
{
    char text[256], path[128];
    size_t size;
    int header;
    row_count = 0;
    path_of(path, sizeof path, "picture");
    snprintf(text, sizeof text, "{\"execute\":\"screendump\",\"arguments\":{\"filename\":\"%s\"}}",
             path);
    if (!command(text))
        return;
    const uint8_t *ppm = read_file("picture", &size);
    if (ppm == NULL || sscanf((const char *)ppm, "P6 %u %u 255%n", &width, &height, &header) != 2 ||
        size < (size_t)header + 1 + (size_t)width * height * 3)
        return;
    pixels = ppm + header + 1;
    for (unsigned r = 0; r < height / font_height && r < ROWS_MAX; r++, row_count++) {
        unsigned columns = width / FONT_WIDTH < COLUMNS_MAX ? width / FONT_WIDTH : COLUMNS_MAX;
        char *to = rows[r];
        for (unsigned c = 0; c < columns; c++)
            to = add_utf8(to, cell_of(c * FONT_WIDTH, r * font_height));
        *to = '\0';
    }
}

static void read_ega(void)
{
    char text[256], path[128];
    size_t size;
    row_count = 0;
    path_of(path, sizeof path, "text");
    snprintf(
        text, sizeof text,
        "{\"execute\":\"pmemsave\",\"arguments\":{\"val\":753664,\"size\":4000,\"filename\":\"%s\"}}",
        path);
    if (!command(text))
        return;
    const uint8_t *cells = read_file("text", &size);
    for (; cells != NULL && size == 4000 && row_count < 25; row_count++)
        for (unsigned c = 0; c < 80; c++) {
            char byte = (char)cells[(row_count * 80 + c) * 2];
            rows[row_count][c] = byte >= ' ' && byte < 127 ? byte : '?';
        }
}

static void pause_a_little(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
}

/* True if a pixel of the character at byte `at` of the row has the colour. */
static bool has_colour(unsigned row, size_t at, unsigned colour)
{
    unsigned column = 0;
    for (size_t i = 0; i < at; i++)
        column += (rows[row][i] & 0xc0) != 0x80;
    for (unsigned i = 0; i < font_height * FONT_WIDTH; i++) {
        unsigned x = column * FONT_WIDTH + i % FONT_WIDTH, y = row * font_height + i / FONT_WIDTH;
        const uint8_t *p = pixels + ((size_t)y * width + x) * 3;
        if (((unsigned)p[0] << 16 | (unsigned)p[1] << 8 | p[2]) == colour)
            return true;
    }
    return false;
}

#define ANY_COLOUR (~0u)

/* The text in the characters that cell_of() finds: some glyphs are shared by several alphabets. */
static void as_drawn(const char *text, char *to)
{
    while (*text) {
        unsigned lead = (uint8_t)*text++, c = lead < 0x80 ? lead : lead & (lead < 0xe0 ? 31 : 15);
        while ((*text & 0xc0) == 0x80)
            c = c << 6 | (*text++ & 63);
        unsigned i = 0, first = 0;
        while (i < font_character_count && font_characters[i].character != c)
            i++;
        if (i == font_character_count)
            stop("not in the font", text);
        while (memcmp(font_glyphs + font_characters[first].glyph * font_height,
                      font_glyphs + font_characters[i].glyph * font_height, font_height) != 0)
            first++;
        to = add_utf8(to, font_characters[first].character);
    }
    *to = '\0';
}

static bool shows(const char *wanted, unsigned colour)
{
    for (unsigned i = 0; i < row_count; i++) {
        const char *found = strstr(rows[i], wanted);
        if (found != NULL &&
            (colour == ANY_COLOUR || has_colour(i, (size_t)(found - rows[i]), colour)))
            return true;
    }
    return false;
}

static time_t patience(int seconds)
{
    const char *slow = getenv("SLOW");
    int times = slow ? atoi(slow) : 1;
    return seconds * (times > 1 ? times : 1);
}

static void see(const char *text, void (*look)(void), unsigned colour, bool there)
{
    char wanted[1000];
    as_drawn(text, wanted);
    for (time_t end = time(NULL) + patience(PATIENCE); time(NULL) < end; pause_a_little()) {
        look();
        if (row_count > 0 && shows(wanted, colour) == there)
            return;
    }
    stop(there ? "never on the screen" : "still on the screen", text);
}

static void see_colour(const char *rest)
{
    char *text;
    unsigned colour = (unsigned)strtoul(rest, &text, 16);
    if (*text != ' ')
        stop("not a colour", rest);
    see(text + 1, read_picture, colour, true);
}

static void give_up(int unused)
{
    (void)unused; /* the signal ends fgets() */
}

static void event(const char *name)
{
    char wanted[64], line[8192];
    snprintf(wanted, sizeof wanted, " %s", name);
    alarm((unsigned)patience(PATIENCE));
    while (strstr(events, wanted) == NULL) {
        if (fgets(line, sizeof line, answers) == NULL)
            stop("QEMU ended, or waited too long, before the event", name);
        take_line(line);
    }
    alarm(0);
}

/* "shift-a": presses all keys, then releases all. */
static void key(const char *names)
{
    char text[512] = "{\"execute\":\"send-key\",\"arguments\":{\"keys\":[", one[64];
    for (const char *p = names; *p;) {
        size_t n = strcspn(p, "-");
        snprintf(one, sizeof one, "%s{\"type\":\"qcode\",\"data\":\"%.*s\"}", p == names ? "" : ",",
                 (int)n, p);
        strncat(text, one, sizeof text - strlen(text) - 1);
        p += n + (p[n] == '-');
    }
    strncat(text, "]}}", sizeof text - strlen(text) - 1);
    if (!command(text))
        stop("QEMU ended before the key", names);
    pause_a_little(); /* send-key holds the keys for 100 ms */
}

static void type(const char *text)
{
    static const struct {
        char sign;
        const char *keys;
    } signs[] = {{' ', "spc"},
                 {'\n', "ret"},
                 {'.', "dot"},
                 {'-', "minus"},
                 {'/', "slash"},
                 {'=', "equal"},
                 {'(', "shift-9"},
                 {')', "shift-0"},
                 {'*', "shift-8"},
                 {':', "shift-semicolon"},
                 {'+', "shift-equal"},
                 {',', "comma"},
                 {'"', "shift-apostrophe"},
                 {'!', "shift-1"}};
    for (; *text; text++) {
        char sign = *text, name[32] = {sign};
        if (sign == '\\' && text[1] == 'n') {
            sign = '\n';
            text++;
        }
        if (sign >= 'A' && sign <= 'Z')
            snprintf(name, sizeof name, "shift-%c", sign - 'A' + 'a');
        for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
            if (signs[i].sign == sign)
                snprintf(name, sizeof name, "%s", signs[i].keys);
        key(name);
    }
}

static void start(char **qemu)
{
    char *arguments[64] = {"qemu-system-x86_64", "-display", "none", "-qmp"};
    char option[160], line[8192];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t n = 5;
    path_of(address.sun_path, sizeof address.sun_path, "control");
    snprintf(option, sizeof option, "unix:%s,server=on,wait=off", address.sun_path);
    arguments[4] = option;
    while (*qemu != NULL && n < 63)
        arguments[n++] = *qemu++;
    emulator = fork();
    if (emulator == 0) {
        execvp(arguments[0], arguments);
        _exit(127);
    }
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    for (time_t end = time(NULL) + patience(20);
         connect(fd, (struct sockaddr *)&address, sizeof address) != 0; pause_a_little())
        if (time(NULL) >= end)
            stop("QEMU did not start", strerror(errno));
    answers = fdopen(fd, "r");
    orders = fdopen(dup(fd), "w");
    if (fgets(line, sizeof line, answers) == NULL || !command("{\"execute\":\"qmp_capabilities\"}"))
        stop("QEMU did not start", "no greeting");
}

int main(int argc, char **argv)
{
    int end = 1;
    while (end < argc && strcmp(argv[end], "--") != 0)
        end++;
    if (end == argc || mkdtemp(folder) == NULL)
        stop("usage", "screen_probe STEP... -- QEMU ARGUMENTS...");
    font_glyphs = malloc(font_glyph_count * font_height);
    font_characters = malloc(font_character_count * sizeof *font_characters);
    if (font_glyphs == NULL || font_characters == NULL)
        stop("no memory", "font");
    font_unpack(font_glyphs, font_characters);
    signal(SIGPIPE, SIG_IGN);
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = give_up}, NULL);
    start(argv + end + 1);
    for (int i = 1; i < end; i++) {
        const char *step = argv[i], *rest = strchr(step, ' ');
        rest = rest != NULL ? rest + 1 : "";
        if (strncmp(step, "see ", 4) == 0)
            see(rest, read_picture, ANY_COLOUR, true);
        else if (strncmp(step, "gone ", 5) == 0)
            see(rest, read_picture, ANY_COLOUR, false);
        else if (strncmp(step, "colour ", 7) == 0)
            see_colour(rest);
        else if (strncmp(step, "ega ", 4) == 0)
            see(rest, read_ega, ANY_COLOUR, true);
        else if (strncmp(step, "type ", 5) == 0)
            type(rest);
        else if (strncmp(step, "key ", 4) == 0)
            key(rest);
        else if (strncmp(step, "event ", 6) == 0)
            event(rest);
        else if (strcmp(step, "power") != 0)
            stop("unknown step", step);
        else if (!command("{\"execute\":\"system_powerdown\"}"))
            stop("QEMU ended before", step);
    }
    kill(emulator, SIGKILL);
    waitpid(emulator, NULL, 0);
    char line[128];
    for (size_t i = 0; i < 3; i++) {
        path_of(line, sizeof line, (const char *const[]){"control", "picture", "text"}[i]);
        unlink(line);
    }
    rmdir(folder);
    return 0;
}
