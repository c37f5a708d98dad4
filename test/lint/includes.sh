#!/bin/sh
# SPDX-License-Identifier: MIT
# includes.sh TOP: every #include in TOP/src keeps to TOP/cmake/layers.cmake, names its file by the path from
# src/, and each NAME.c includes its own NAME.h first. The table itself has no cycle.
set -u
top=$1
cd "$top/src" || exit 1

# The quoted text is an awk program: the shell expands nothing in it.
# shellcheck disable=SC2016
find . -type f \( -name '*.[chS]' -o -name '*.inc' \) | LC_ALL=C sort | sed 's,^\./,,' |
    xargs awk '
    function complain(text) {
        printf "src/%s:%d: %s\n", FILENAME, FNR, text
        bad = 1
    }
    function exists(path,    line, found) {
        found = (getline line < path) >= 0
        close(path)
        return found
    }
    function folder(path) {
        return sub(/\/[^\/]*$/, "", path) ? path : ""
    }
    # The longest prefix of the folder that the table lists.
    function layer_of(path) {
        while (path != "" && !known[path])
            path = folder(path)
        return path
    }
    # Depth-first search; a folder that is met again on the current path closes a cycle.
    function visit(from, way,    to, seen_before) {
        if (state[from] == 2)
            return
        if (state[from] == 1) {
            print "cmake/layers.cmake: cycle:" way " " from
            bad = 1
            return
        }
        state[from] = 1
        for (to in known)
            if (to != from && allowed[from, to])
                visit(to, way " " from)
        state[from] = 2
    }
    BEGIN {
        while ((getline line < "../cmake/layers.cmake") > 0) {
            if (sub(/^set\(OURO_LIBRARY_lwip /, "", line)) {
                sub(/\)[ \t]*$/, "", line)
                n = split(line, word, /[ \t]+/)
                for (i = 1; i <= n; i++)
                    library[word[i]] = 1
            }
            if (line !~ /^set\(OURO_LAYER_/)
                continue
            gsub(/^set\(OURO_LAYER_|\)[ \t]*$/, "", line)
            n = split(line, word, /[ \t]+/)
            known[word[1]] = 1
            for (i = 2; i <= n; i++)
                allowed[word[1], word[i]] = 1
        }
        if (!known["base"]) {
            print "cmake/layers.cmake: no layers found"
            exit bad = 1
        }
        delete known["system"]
        for (name in known)
            visit(name, "")
    }
    FNR == 1 {
        first = 1
        home = folder(FILENAME)
        layer = layer_of(home)
        if (home != "" && layer == "") # main.c may include all
            complain("folder " home " is not in cmake/layers.cmake")
        own = FILENAME
        if (!sub(/\.c$/, ".h", own) || !exists(own))
            own = ""
    }
    /^[ \t]*#[ \t]*include/ {
        target = $0
        sub(/^[ \t]*#[ \t]*include[ \t]*/, "", target)
        if (first && own != "" && target !~ "^\"" own "\"")
            complain("the first include is not its own header " own)
        first = 0
        if (target ~ /^</) {
            gsub(/^<|>.*$/, "", target)
            if (!allowed["system", target] && !(target ~ /^(lwip|netif)\// && layer in library))
                complain("<" target "> is not a freestanding header")
        } else if (target ~ /^"/) {
            gsub(/^"|"[^"]*$/, "", target)
            to = folder(target)
            if (target ~ /(^|\/)\.\.?\// || to == "")
                complain("\"" target "\" is not a path from src/")
            else if (!exists(target))
                complain("\"" target "\" does not exist")
            else if (layer != "" && to != home && layer_of(to) != layer && !allowed[layer, layer_of(to)])
                complain(home " must not include " to " (\"" target "\")")
        } else
            complain("cannot tell what this includes: " target)
    }
    END {
        exit bad
    }'
