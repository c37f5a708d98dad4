#!/bin/sh
# SPDX-License-Identifier: MIT
# names.sh TOP: functions and paths that the comments and pages of TOP name exist in the tree.
#   Functions: name(), or name(x) with an underscore in the name, is defined or called by code of the tree (called
#              functions exist, because the code compiles), or a system call of src/linux/call/rows.inc.
#   Paths:     mm/vm/fault.c is a file or folder, seen from the top of the tree, from src, tool, test or include, or from
#              the folder of the text; fault.c alone is the last part of one. Headers may be those of /usr/include.
# test/lint/names.txt lists names of other projects. Man pages (mmap(2)) are not looked up. In a page's fenced blocks,
# which are mostly output, only paths from the top are checked.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$1
cd "$top" || exit 1
scratch=$(mktemp -d "${TMPDIR:-/tmp}/ouro-names.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT
"$here/files.sh" "$top" '*' >"$scratch/tree"
find /usr/include -follow -name '*.h' 2>/dev/null | sed 's,^/usr/include/,,; s,^x86_64-linux-gnu/,,' >"$scratch/system"
# Other files (inputs of tests, golden output) are not checked.
grep -E '\.(c|h|S|inc|md|sh|cmake)$|(^|/)(CMakeLists\.txt|ouro)$|^test/programs/[a-z]*\.txt$' "$scratch/tree" |
    grep -v '/golden/\|/corpus/\|^test/programs/debian/' >"$scratch/texts"
[ -s "$scratch/texts" ] || exit 1

# The quoted text is an awk program: the shell expands nothing in it.
# shellcheck disable=SC2016
awk -v scratch="$scratch" -v allowed="$here/names.txt" '
    function complain(at, text) {
        print at ": " text
        bad = 1
    }
    function know_file(path,    part) {
        file[path] = 1
        part = path
        sub(/.*\//, "", part)
        base[part] = 1
        while (sub(/\/[^\/]*$/, "", path))
            file[path] = 1
    }
    # True if the path exists, relative to the top, one of the usual folders, or the folder of the text.
    function exists(path, home,    part) {
        sub(/\/$/, "", path)
        if (path in file || "src/" path in file || "tool/" path in file || "test/" path in file ||
            "include/" path in file || path in system_header || home path in file)
            return 1
        while (path ~ /^\.\.\// && home != "") {
            sub(/^\.\.\//, "", path)
            sub(/[^\/]*\/$/, "", home)
            if (home path in file)
                return 1
        }
        return path !~ /\// && path in base
    }
    # True if a file matches the pattern, in which * stands for any characters but a slash.
    function matches(pattern,    path) {
        gsub(/\./, "[.]", pattern)
        gsub(/\*/, "[^/]*", pattern)
        pattern = "(^|/)" pattern "$"
        for (path in file)
            if (path ~ pattern)
                return 1
        return 0
    }
    # Records the names in a piece of prose.
    function prose(text, fenced,    token, before, rest) {
        rest = text
        while (!fenced && match(rest, /[A-Za-z_][A-Za-z0-9_]*\([^()]*\)/)) {
            token = substr(rest, RSTART, RLENGTH)
            before = RSTART > 1 ? substr(rest, RSTART - 1, 1) : " "
            rest = substr(rest, RSTART + RLENGTH)
            # Not areas_*(), a group of functions; not mmap(2); not a plain word before a parenthesis.
            if (before == "*" || token ~ /\([1-8]p?\)$/ || token !~ /\(\)$|_.*\([^ ]/ || token ~ /_NAME\(/)
                continue
            sub(/\(.*/, "", token)
            asked[++asked_count] = token
            asked_at[asked_count] = FILENAME ":" FNR
        }
        rest = text
        while (match(rest, /[A-Za-z0-9_.~<>$*{}\/-]+/)) {
            token = substr(rest, RSTART, RLENGTH)
            before = RSTART > 1 ? substr(rest, RSTART - 1, 1) : " "
            rest = substr(rest, RSTART + RLENGTH)
            sub(/[.-]+$/, "", token)
            gsub(/^<|>$/, "", token)
            gsub(/^\*+|\*+$/, "", token) # emphasis
            # Absolute paths, variables and patterns (test_NAME.c) are not checked.
            if (token ~ /^[\/~-]|[<>${}]|\.\.\./ || token ~ /(^|[\/_])(NAME|FOLDER|TOP)([\/.]|$)/ || before ~ /[:@%]/)
                continue
            if (token ~ top_folder)
                ;
            else if (fenced || token !~ /[a-z0-9]\.(c|h|S|inc|md|sh|cmake|txt)$/ || token ~ /^\./ && token !~ /^\.\.\//)
                continue
            named[++named_count] = token
            named_at[named_count] = FILENAME ":" FNR
        }
    }
    # Records the functions called or defined in a line of C or assembly without comments and strings.
    function code(text,    token) {
        if (match(text, /^[ \t]*(#[ \t]*define|\.macro|\.globl)[ \t]+[A-Za-z_][A-Za-z0-9_]*/) ||
            match(text, /^function [A-Za-z_][A-Za-z0-9_]*/)) {
            token = substr(text, RSTART, RLENGTH)
            sub(/.*[ \t]/, "", token)
            known[token] = 1
        }
        if (match(text, /^[A-Za-z_][A-Za-z0-9_]*:/))
            known[substr(text, RSTART, RLENGTH - 1)] = 1
        while (match(text, /[A-Za-z_][A-Za-z0-9_]*\)?[ ]*\(/)) {
            token = substr(text, RSTART, RLENGTH)
            text = substr(text, RSTART + RLENGTH)
            sub(/\)?[ ]*\($/, "", token)
            known[token] = 1
        }
    }
    BEGIN {
        top_folder = "^(src|tool|test|docs|boot|cmake|include|example|bench|iso)/"
        while ((getline line < (scratch "/tree")) > 0)
            know_file(line)
        while ((getline line < (scratch "/system")) > 0) {
            system_header[line] = 1
            sub(/.*\//, "", line)
            system_header[line] = 1
        }
        while ((getline line < (scratch "/texts")) > 0)
            ARGV[ARGC++] = line
        while ((getline line < allowed) > 0)
            if (line !~ /^(#|$)/) {
                sub(/\(\)$/, "", line)
                allow[line] = 1
            }
    }
    FNR == 1 {
        in_comment = in_fence = 0
        home = FILENAME
        if (!sub(/[^\/]*$/, "", home))
            home = ""
        kind = FILENAME ~ /\.md$/ ? "page" : FILENAME ~ /\.([chS]|inc)$/ ? "code" : "script"
    }
    FILENAME == "src/linux/call/rows.inc" && match($0, /"[a-z0-9_]+"/) {
        known[substr($0, RSTART + 1, RLENGTH - 2)] = 1
    }
    kind == "page" {
        if ($0 ~ /^ *```/)
            in_fence = !in_fence
        else
            prose($0, in_fence)
        next
    }
    kind == "script" {
        if (match($0, /^[ \t]*[a-z_][a-z0-9_]*\(\)/)) {
            token = substr($0, RSTART, RLENGTH - 2)
            gsub(/[ \t]/, "", token)
            known[token] = 1
        }
        if (match($0, /^[ \t]*(function|macro)\([a-z_][a-z0-9_]*/)) {
            token = substr($0, RSTART, RLENGTH)
            sub(/.*\(/, "", token)
            known[token] = 1
        }
        if ($0 ~ /^[ \t]*# /)
            prose($0, 0)
        next
    }
    {
        line = $0
        while (line != "") {
            if (in_comment) {
                at = index(line, "*/")
                prose(at ? substr(line, 1, at - 1) : line, 0)
                line = at ? substr(line, at + 2) : ""
                in_comment = !at
                continue
            }
            gsub(/\047(\\.|[^\047\\])\047/, "0", line)
            gsub(/"([^"\\]|\\.)*"/, "0", line)
            at = index(line, "/*")
            slashes = FILENAME ~ /\.S$/ ? 0 : index(line, "//")
            if (slashes && (!at || slashes < at)) {
                prose(substr(line, slashes + 2), 0)
                code(substr(line, 1, slashes - 1))
                break
            }
            code(at ? substr(line, 1, at - 1) : line)
            line = at ? substr(line, at + 2) : ""
            in_comment = at > 0
        }
    }
    END {
        for (i = 1; i <= asked_count; i++)
            if (asked[i] in allow)
                used[asked[i]] = 1
            else if (!(asked[i] in known))
                complain(asked_at[i], asked[i] "() is not in the tree")
        for (i = 1; i <= named_count; i++) {
            home = named_at[i]
            if (!sub(/[^\/]*$/, "", home))
                home = ""
            if (named[i] in allow)
                used[named[i]] = 1
            else if (named[i] ~ /\*/ ? !matches(named[i]) : !exists(named[i], home))
                complain(named_at[i], named[i] " is not in the tree")
        }
        for (name in allow)
            if (!(name in used) && ("test/lint/names.txt" in file))
                complain("test/lint/names.txt", name " is not named anywhere: take it off the list")
        exit bad
    }'
