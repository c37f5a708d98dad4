/* SPDX-License-Identifier: MIT */
/* The parts of image/rules.h that are functions of their arguments. */
#include "image/rules.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BLANKS " \t"

static char *expand_one(const char *name, size_t length, const struct args *environment)
{
    char how = length > 2 && name[length - 2] == ':' ? name[length - 1] : '\0';
    size_t bare = how ? length - 2 : length;
    const char *value = NULL;
    for (size_t i = 0; i < environment->count; i++) {
        const char *item = environment->item[i];
        if (strncmp(item, name, bare) == 0 && item[bare] == '=')
            value = item + bare + 1;
    }
    if (!value || !*value || strstr(value, "..") || strpbrk(value, "*?[\\") || value[0] == '/')
        return NULL;
    size_t taken = how == '?'   ? 0
                   : how == '0' ? 1
                   : how == '.' ? strcspn(value, "._@")
                                : strlen(value);
    return string_format("%.*s", (int)taken, value);
}

char *rules_expand(const char *path, const struct args *environment)
{
    struct text out = {0};
    text_string(&out, "");
    while (*path) {
        size_t plain = strcspn(path, "{");
        text_add(&out, path, plain);
        path += plain;
        if (!*path)
            break;
        size_t length = strcspn(path + 1, "}");
        char *value = expand_one(path + 1, length, environment);
        if (!value) {
            text_free(&out);
            return NULL;
        }
        text_string(&out, value);
        free(value);
        path += 1 + length + (path[1 + length] == '}');
    }
    return out.bytes;
}

/* Words behind which a command stands. */
static const char *const before_commands[] = {
    "if",    "then", "else",  "elif",     "do",      "while", "until", "time",
    "exec",  "eval", "trap",  "env",      "command", "nohup", "nice",  "sudo",
    "xargs", "!",    "-exec", "-execdir", "{",       NULL};
/* Those of them that start programs only. */
static const char *const before_programs[] = {"exec",  "env",   "nohup",    "nice", "sudo",
                                              "xargs", "-exec", "-execdir", NULL};
/* The shell has these itself. */
static const char *const builtins[] = {
    "echo", "printf", "test",     "[",     "true", "false", "pwd",    "kill",  "cd",
    "fi",   "done",   "esac",     "case",  "for",  "in",    "return", "exit",  "export",
    "set",  "unset",  "read",     "local", "wait", "type",  "shift",  "break", "continue",
    ".",    "alias",  "function", "}",     ":",    NULL};

static bool is_one(const char *const *list, const char *word)
{
    for (; *list; list++)
        if (strcmp(*list, word) == 0)
            return true;
    return false;
}

static bool is_name(const char *word)
{
    return *word &&
           strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                        "_./+-[") == strlen(word) &&
           strspn(word, "0123456789./-+_") < strlen(word);
}

static bool is_assignment(const char *word)
{
    size_t name = strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    return name > 0 && word[name] == '=';
}

static void add_once(struct args *out, const char *word)
{
    for (size_t i = 0; i < out->count; i++)
        if (strcmp(out->item[i], word) == 0)
            return;
    args_add(out, word);
}

enum starter {
    NO_STARTER,
    BEFORE_COMMAND,
    BEFORE_PROGRAM
};

/* A word; returns true if a command may stand behind it. */
static bool take_word(const char *word, bool command, enum starter *starter, struct args *out)
{
    if (is_one(before_commands, word) && (command || *word == '-')) {
        bool program = *word != '-' && strcmp(word, "!") != 0 && strcmp(word, "{") != 0;
        if (program && is_name(word))
            add_once(out, word); /* xargs, env and nice are programs too; keywords are not found */
        *starter = is_one(before_programs, word) ? BEFORE_PROGRAM : BEFORE_COMMAND;
        return true;
    }
    if (!command)
        return false;
    if (is_assignment(word) || (*starter && (*word == '-' || (*word >= '0' && *word <= '9'))))
        return true;
    if (is_name(word) && (*starter == BEFORE_PROGRAM || !is_one(builtins, word)))
        add_once(out, word);
    *starter = NO_STARTER;
    return false;
}

/* A variable that is named as the command in it: AWK=awk, SED=/bin/sed, ${AWK:=awk}. */
static void take_variable(const char *word, struct args *out)
{
    word += strncmp(word, "${", 2) == 0 ? 2 : 0;
    size_t name = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    const char *value = word + name;
    value += *value == ':';
    if (name == 0 || (*value != '=' && *value != '-'))
        return;
    size_t length = strcspn(++value, "}");
    if (length < name || strncasecmp(value + length - name, word, name) != 0 ||
        (length > name && value[length - name - 1] != '/'))
        return;
    char *command = string_format("%.*s", (int)length, value);
    if (is_name(command))
        add_once(out, command);
    free(command);
}

/* Functions of Python, Perl, Ruby and others whose first argument is a command, or a list that begins with it. */
static const char *const starting[] = {
    "system",    "popen",           "Popen",  "run",    "call",     "check_call", "check_output",
    "getoutput", "getstatusoutput", "execvp", "execlp", "capture2", "capture3",   "which",
    NULL};

void rules_calls(const char *text, struct args *out)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    while (*text) {
        size_t length = strspn(text, letters);
        char *name = string_format("%.*s", (int)length, text);
        text += length ? length : 1;
        const char *word = text + strspn(text, BLANKS "\n([");
        if (is_one(starting, name) && word > text && (*word == '"' || *word == '\'')) {
            char *command = string_format("%.*s", (int)strcspn(word + 1, BLANKS "\n\"'"), word + 1);
            if (is_name(command))
                add_once(out, command);
            free(command);
        }
        free(name);
    }
}

static void read_line(const char *line, size_t size, bool command, struct args *out)
{
    static const char ends[] = " \t;|&()`<>\"'\n";
    enum starter starter = NO_STARTER;
    int depth = 0; /* parentheses */
    for (size_t i = 0; i < size;) {
        char c = line[i];
        if (c == '#' && (i == 0 || strchr(BLANKS ";", line[i - 1])))
            return;
        if (strchr(";|&()`", c))
            command = true;
        depth += c == '(' ? 1 : c == ')' && depth > 0 ? -1 : 0;
        if (strchr(ends, c)) {
            i++;
            continue;
        }
        if (c == '$' && i + 1 < size && line[i + 1] == '(') {
            i++; /* the parenthesis begins a command */
            continue;
        }
        size_t length = 1;
        while (i + length < size && !strchr(ends, line[i + length]))
            length++;
        char *word = string_format("%.*s", (int)length, line + i);
        take_variable(word, out);
        bool pattern = depth == 0 && i + length < size && line[i + length] == ')'; /* of case */
        if (!pattern)
            command = take_word(word, command, &starter, out);
        free(word);
        i += length;
    }
}

void rules_commands(const char *text, bool recipes, struct args *out)
{
    bool goes_on = false, recipe = false;
    while (*text) {
        size_t size = strcspn(text, "\n");
        const char *line = text;
        text += size + (text[size] == '\n');
        if (!goes_on)
            recipe = *line == '\t';
        bool more = size > 0 && line[size - 1] == '\\';
        const char *shell = memmem(line, size, "$(shell ", 8);
        if (recipes && recipe && !goes_on)
            for (; size > 0 && strchr("\t @-+", *line); size--)
                line++;
        if (!recipes || recipe)
            read_line(line, more && size > 0 ? size - 1 : size, !goes_on, out);
        else if (shell)
            read_line(shell + 8, size - (size_t)(shell + 8 - line), true, out);
        goes_on = more;
    }
}
