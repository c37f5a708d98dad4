#!/bin/sh
# SPDX-License-Identifier: MIT
# lwip.sh TOP TREE: an edit of lwIP that finds no place, or two, stops the build and says which; so do a folder that is no
# lwIP and archives that cannot be reached. TREE: lwIP as Debian's source package has it.
set -u
top=$1
tree=$(cd "$2" && pwd) || exit 1
scratch=$(mktemp -d "${TMPDIR:-/tmp}/ouro-lwip.XXXXXX") || exit 1
trap 'rm -rf -- "$scratch"' EXIT
status=0

cp -r "$top/cmake" "$scratch/cmake"
cat >"$scratch/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(edits NONE)
include(cmake/lwip.cmake)
END

# expect TEXT ARGUMENTS...: configuring says TEXT, or succeeds where TEXT is empty.
expect() {
    text=$1
    shift
    if cmake -S "$scratch" -B "$scratch/build/one" "$@" >"$scratch/log" 2>&1; then
        [ -n "$text" ] || return
        echo "lwip.sh: configuring succeeded, and should say: $text"
    else
        # CMake breaks lines.
        [ -n "$text" ] && tr -s ' \n' ' ' <"$scratch/log" | grep -qF -- "$text" && return
        echo "lwip.sh: configuring failed otherwise than by: ${text:-nothing}"
        cat "$scratch/log"
    fi
    status=1
}

expect '' "-DOURO_LWIP_DIR=$tree"
edited=$(echo "$scratch"/build/lwip/edited-*)
grep -q net_pcb_find "$edited"/src/core/tcp_in.c || { echo 'lwip.sh: the edits are not in the tree'; status=1; }
before=$(stat -c %Y.%i "$edited/src/core/tcp_in.c")
expect '' "-DOURO_LWIP_DIR=$tree"
[ "$before" = "$(stat -c %Y.%i "$edited/src/core/tcp_in.c")" ] || { echo 'lwip.sh: a file is written that is as before'; status=1; }

echo 'lwip_file(src/core/tcp.c)
lwip_edit("no such text" "")' >"$scratch/cmake/lwip-edits/zz.cmake"
expect "an edit of lwIP's src/core/tcp.c finds no place. It looks for: no such text" "-DOURO_LWIP_DIR=$tree"
echo 'lwip_file(src/core/tcp.c)
lwip_edit("tcp_slowtmr" "")' >"$scratch/cmake/lwip-edits/zz.cmake"
expect "an edit of lwIP's src/core/tcp.c finds more than one place. It looks for: tcp_slowtmr" "-DOURO_LWIP_DIR=$tree"
rm "$scratch/cmake/lwip-edits/zz.cmake"
expect "$scratch is not lwIP 2.1.3" "-DOURO_LWIP_DIR=$scratch"
# Nothing listens on this port.
export http_proxy=http://127.0.0.1:1 https_proxy=http://127.0.0.1:1
expect 'lwIP 2.1.3, which the network needs, is not to be had' -DOURO_LWIP_DIR=
exit $status
