#!/bin/sh
# SPDX-License-Identifier: MIT
# symbols.sh TOP OBJECTS: no object of the kernel uses a symbol that a higher folder defines. A folder may use symbols of
# folders that it may include (TOP/cmake/layers.cmake), and the names that OURO_SYMBOLS_FOLDER lists there if it may
# include FOLDER, whose headers declare them. A listed name that no lower folder uses fails. OBJECTS is the folder of the
# objects of the kernel with tests, build/kernel/src/CMakeFiles/ouro-test_objects.dir.
set -u
top=$1
objects=$(cd "$2" && pwd) || exit 1
cd "$top/src" || exit 1
scratch=$(mktemp -d "${TMPDIR:-/tmp}/ouro-symbols.XXXXXX") || exit 1
trap 'rm -rf -- "$scratch"' EXIT

# The sources of the kernel. The vDSO is linked by itself; main.c is above all folders.
find . -type f -name '*.[cS]' ! -path './vdso/c*' ! -name no_symbols.S | LC_ALL=C sort | sed 's,^\./,,' >"$scratch/sources"
while read -r source; do
    if [ -f "$objects/$source.obj" ]; then
        echo "$source.obj"
    elif [ -f "$objects/$source.o" ]; then
        echo "$source.o"
    elif [ -f "${objects%/*}/ouro-cpus_objects.dir/$source.obj" ] || [ -f "${objects%/*}/ouro-cpus_objects.dir/$source.o" ]; then
        continue # only the kernel for several CPUs has it: lint.includes reads it
    else
        echo "$objects has no object of src/$source: build the kernel first" >&2
        exit 1
    fi
done <"$scratch/sources" >"$scratch/objects" || exit 1
# "mm/pt/tables.c.obj: NAME TYPE ..."
(cd "$objects" && xargs nm -A -g --format=posix) <"$scratch/objects" >"$scratch/symbols" || exit 1
# "mm/pt/paging.h:NAME" for each listed name that a header mentions
sed -n 's/^set(OURO_SYMBOLS_[^ ]* \(.*\))[ \t]*$/\1/p' "$top/cmake/layers.cmake" | tr ' ' '\n' | sort -u >"$scratch/names"
find . -type f -name '*.h' | sed 's,^\./,,' | xargs grep -Howf "$scratch/names" >"$scratch/declared"

awk -v table="$top/cmake/layers.cmake" -v declared="$scratch/declared" '
    function complain(text) {
        print text
        bad = 1
    }
    function folder(path) {
        return sub(/\/[^\/]*$/, "", path) ? path : ""
    }
    # The longest prefix of the folder that the table lists; main.c has none.
    function layer_of(path) {
        for (path = folder(path); path != "" && !(path in known);)
            path = folder(path)
        return path
    }
    function may_use(from, to) {
        return from == "" || from == to || (from, to) in allowed
    }
    BEGIN {
        while ((getline line < table) > 0) {
            if (line !~ /^set\(OURO_(LAYER|SYMBOLS)_/)
                continue
            n = split(line, word, /[ \t()]+/)
            home = word[2]
            if (sub(/^OURO_LAYER_/, "", home)) {
                known[home] = 1
                for (i = 3; i <= n; i++)
                    allowed[home, word[i]] = 1
            } else {
                sub(/^OURO_SYMBOLS_/, "", home)
                for (i = 3; i <= n; i++)
                    if (word[i] != "")
                        listed[word[i]] = home
            }
        }
        while ((getline line < declared) > 0) {
            split(line, word, ":")
            mentioned[word[2], layer_of(word[1])] = 1
        }
    }
    {
        file = $1
        sub(/\.o(bj)?:$/, "", file)
        if ($3 == "U")
            users[$2] = users[$2] " " file
        else
            home_of[$2] = file
    }
    END {
        if (NR == 0)
            complain("no symbols found")
        for (name in users) {
            if (!(name in home_of)) # defined by the linker or by a generated file
                continue
            to = layer_of(home_of[name])
            n = split(users[name], user, " ")
            for (i = 1; i <= n; i++) {
                from = layer_of(user[i])
                if (may_use(from, to))
                    continue
                upward[name] = 1
                if (user[i] ~ /c$/)
                    in_c[name] = 1
                if (!(name in listed) || !may_use(from, listed[name]))
                    complain("src/" user[i] ": " from " must not use " name ", which src/" home_of[name] " defines")
            }
        }
        for (name in listed) {
            if (!(name in upward))
                complain("cmake/layers.cmake: nothing uses " name " from below its definition")
            else if (name in in_c && !((name, listed[name]) in mentioned))
                complain("cmake/layers.cmake: no header of " listed[name] " declares " name)
        }
        exit bad
    }' "$scratch/symbols" | LC_ALL=C sort >"$scratch/complaints"
cat "$scratch/complaints"
[ ! -s "$scratch/complaints" ]
