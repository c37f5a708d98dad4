/* SPDX-License-Identifier: MIT */
#include "machine/describe.h"
#include "base/compiler.h"
#include "host/fail.h"
#include "host/file.h"
#include "host/place.h"
#include "host/text.h"
#include "machine/option_tables.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Commands without a table of options. */
static const char *const others[] = {"volume", "ps",    "logs", "stop",   "attach",
                                     "test",   "bench", "help", "version"};

static bool is_short(int key)
{
    return key > ' ' && key < 0x7f;
}

static bool is_end(const struct argp_option *o)
{
    return !o->name && o->key == 0;
}

/* --- manual page --- */

/* A text with what troff would take for its own escaped. */
static void put_troff(const char *text)
{
    for (const char *c = text; *c; c++) {
        if ((c == text || c[-1] == '\n') && (*c == '.' || *c == '\''))
            fputs("\\&", stdout);
        if (*c == '\\')
            fputs("\\e", stdout);
        else if (*c == '-')
            fputs("\\-", stdout);
        else
            putchar(*c);
    }
}

static void put_option(const struct argp_option *o)
{
    fputs(".TP\n.B ", stdout);
    if (is_short(o->key)) {
        putchar('\\');
        printf("-%c, ", o->key);
    }
    put_troff("--");
    put_troff(o->name);
    if (o->arg) {
        fputs((o->flags & OPTION_ARG_OPTIONAL) ? "[=" : "=", stdout);
        put_troff(o->arg);
        fputs((o->flags & OPTION_ARG_OPTIONAL) ? "]" : "", stdout);
    }
    putchar('\n');
    put_troff(o->doc);
    putchar('\n');
}

static void man(void)
{
    char *text = file_read(place_source("tool/help.txt"));
    printf(
        ".TH OURO 1 \"\" \"ouro " OURO_VERSION
        "\" \"User Commands\"\n.SH NAME\nouro \\- boot one Linux program as a machine\n"
        ".SH SYNOPSIS\n.B ouro\n.I COMMAND\n[OPTION...] [PROGRAM [ARGS...]]\n.SH COMMANDS\n.nf\n");
    put_troff(text);
    puts(".fi");
    for (size_t i = 0; i < COMMANDS; i++) {
        const struct command_options *c = &command_options[i];
        printf(".SH OURO ");
        for (const char *n = c->name; *n; n++)
            putchar(toupper((unsigned char)*n));
        printf("\n.B ouro %s\n[OPTION...] ", c->name);
        put_troff(c->arguments);
        puts("\n.PP");
        put_troff(c->about);
        putchar('\n');
        for (const struct argp_option *o = c->options; !is_end(o); o++)
            put_option(o);
    }
    puts(
        ".SH EXIT STATUS\nThat of the program; 124 after \\-\\-timeout, 125 if the tool or the boot failed, 126 and 127 as in a "
        "shell, 128 + N after signal N.");
    free(text);
}

/* --- completions --- */

static void put_names(void)
{
    for (size_t i = 0; i < COMMANDS; i++)
        printf("%s ", command_options[i].name);
    for (size_t i = 0; i < ARRAY_LENGTH(others); i++)
        printf("%s%s", others[i], i + 1 < ARRAY_LENGTH(others) ? " " : "");
}

/* The choices of an option with an argument as "a|b|c"; false: there are none. */
static bool put_choices(const struct argp_option *o)
{
    if (!o->arg || !strchr(o->arg, '|') || strpbrk(o->arg, "[:"))
        return false;
    for (const char *c = o->arg; *c; c++)
        putchar(*c == '|' ? ' ' : *c);
    return true;
}

static void bash(void)
{
    printf(
        "# bash completion of ouro\n_ouro() {\n    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} options=\n"
        "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        mapfile -t COMPREPLY < <(compgen -W '");
    put_names();
    printf("' -- \"$word\")\n        return\n    fi\n    case ${COMP_WORDS[1]} in\n");
    for (size_t i = 0; i < COMMANDS; i++) {
        printf("    %s) options='", command_options[i].name);
        for (const struct argp_option *o = command_options[i].options; !is_end(o); o++)
            printf("--%s%s ", o->name, o->arg && !(o->flags & OPTION_ARG_OPTIONAL) ? "=" : "");
        printf("--help' ;;\n");
    }
    printf(
        "    esac\n    [ \"$before\" != = ] || before=${COMP_WORDS[COMP_CWORD-2]}\n    [ \"$word\" != = ] || { before=${COMP_WORDS[COMP_CWORD-1]}; word=; }\n"
        "    case $before in\n");
    for (const struct argp_option *o = command_options[COMMAND_RUN].options; !is_end(o); o++)
        if (o->arg && strchr(o->arg, '|') && !strpbrk(o->arg, "[:")) {
            printf("    --%s) mapfile -t COMPREPLY < <(compgen -W '", o->name);
            (void)put_choices(o);
            printf("' -- \"$word\"); return ;;\n");
        }
    printf(
        "    esac\n    case $word in\n    -*)\n        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\")\n"
        "        case ${COMPREPLY[0]-} in *=) compopt -o nospace ;; esac\n        ;;\n"
        "    *) mapfile -t COMPREPLY < <(compgen -f -c -- \"$word\") ;;\n    esac\n}\ncomplete -o filenames -F _ouro ouro\n");
}

/* A text inside '…' of zsh and fish. */
static void put_quoted(const char *text, const char *escaped)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", stdout);
        else if (strchr(escaped, *text))
            printf("\\%c", *text);
        else
            putchar(*text);
    }
}

static void put_zsh_option(const struct argp_option *o)
{
    bool optional = o->flags & OPTION_ARG_OPTIONAL;
    printf(" \\\n        '*--%s%s[", o->name, !o->arg ? "" : optional ? "=-" : "=");
    put_quoted(o->doc, "[]\\");
    putchar(']');
    if (o->arg) {
        putchar(':');
        put_quoted(o->arg, ":\\[]");
        putchar(':');
        if (strchr(o->arg, '|') && !strpbrk(o->arg, "[:")) {
            putchar('(');
            (void)put_choices(o);
            putchar(')');
        } else {
            fputs("_files", stdout);
        }
    }
    putchar('\'');
}

static void zsh(void)
{
    printf("#compdef ouro\n# zsh completion of ouro\nif (( CURRENT == 2 )); then\n    compadd ");
    put_names();
    printf(
        "\n    return\nfi\nlocal command=$words[2]\nshift words\n(( CURRENT-- ))\ncase $command in\n");
    for (size_t i = 0; i < COMMANDS; i++) {
        printf("%s)\n    _arguments -S", command_options[i].name);
        for (const struct argp_option *o = command_options[i].options; !is_end(o); o++)
            put_zsh_option(o);
        printf(" \\\n        '1:program:_command_names -e' '*::arguments:_normal'\n    ;;\n");
    }
    puts("esac");
}

static void fish(void)
{
    printf("# fish completion of ouro\ncomplete -c ouro -n __fish_use_subcommand -f -a '");
    put_names();
    puts("'");
    for (size_t i = 0; i < COMMANDS; i++)
        for (const struct argp_option *o = command_options[i].options; !is_end(o); o++) {
            printf("complete -c ouro -n '__fish_seen_subcommand_from %s' -l %s",
                   command_options[i].name, o->name);
            if (is_short(o->key))
                printf(" -s %c", o->key);
            if (o->arg && !(o->flags & OPTION_ARG_OPTIONAL))
                printf(" -r");
            if (o->arg && strchr(o->arg, '|') && !strpbrk(o->arg, "[:")) {
                printf(" -f -a '");
                (void)put_choices(o);
                putchar('\'');
            }
            printf(" -d '");
            put_quoted(o->doc, "\\");
            puts("'");
        }
}

void describe(const char *what)
{
    static const struct {
        const char *name;
        void (*print)(void);
    } kinds[] = {{"man", man}, {"bash", bash}, {"zsh", zsh}, {"fish", fish}};
    for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++)
        if (strcmp(kinds[i].name, what) == 0) {
            kinds[i].print();
            return;
        }
    fail(STATUS_FAILED, "describe: man, bash, zsh or fish");
}
