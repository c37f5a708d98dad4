#!/bin/bash
# SPDX-License-Identifier: MIT
# settings.sh TITLES: what /proc/sys sets has its effect, what nothing obeys is refused; and PR_SET_MM by a root with all
# rights. The expected lines are Debian's Linux 6.1's, but for the refusals.
set -u
ouro=${OURO:-$(cd "$(dirname "$0")/../.." && pwd)/ouro}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

cat > script <<'END'
cd /proc/sys
set_to() { echo "$1" 2> /dev/null > "$2" || echo "$2: $1 is refused"; }
echo "-- what has one value only"
set_to 10 vm/swappiness
set_to 60 vm/swappiness
set_to '4096 131072 6291456' net/ipv4/tcp_rmem
set_to '4096 131072' net/ipv4/tcp_rmem
set_to '4096 131072 62914560' net/ipv4/tcp_rmem
set_to 1 net/ipv4/ip_forward
echo "-- bounds"
set_to 3 vm/overcommit_memory
set_to 1 kernel/pid_max
set_to 32769 kernel/pid_max
set_to 65536 net/ipv4/ip_unprivileged_port_start
set_to 4095 fs/pipe-max-size
set_to 1 fs/nr_open
set_to 1048577 fs/nr_open
set_to -1 net/core/somaxconn
set_to 65535 net/core/somaxconn
"$0" listen
echo "-- memory"
large() { dd if=/dev/zero of=/dev/null "bs=$1" count=0 2> /dev/null && echo "$1: yes" || echo "$1: no"; }
large 100M
large 4G
set_to 1 vm/overcommit_memory
large 4G
set_to 2 vm/overcommit_memory
large 100M
set_to 1 vm/overcommit_ratio
large 100M
set_to 0 vm/overcommit_memory
echo "-- addresses"
places() { grep -e heap -e stack /proc/self/maps; }
[ "$(places)" = "$(places)" ] || echo "at random"
set_to 0 kernel/randomize_va_space
[ "$(places)" = "$(places)" ] && echo "fixed"
echo "-- numbers of processes"
set_to 20 kernel/threads-max
(for i in $(seq 30); do sleep 1 & done) 2> /dev/null || echo "20 at most"
set_to 32768 kernel/threads-max
set_to 310 kernel/pid_max
for i in $(seq 40); do sh -c 'echo $$'; done | awk '$1 > most { most = $1 } END { print(most < 310) }'
echo "-- descriptors"
ulimit -Hn 3000 && echo 3000
set_to 2048 fs/nr_open
ulimit -Hn 3000 2> /dev/null || echo "at most 2048"
echo "-- ports"
try() { "$0" port; }
try
set_to 80 net/ipv4/ip_unprivileged_port_start
try
echo "-- areas"
set_to 1 vm/max_map_count
trap 'echo "too many"' EXIT
/bin/busybox true
trap - EXIT
END
cat > expected <<'END'
-- what has one value only
vm/swappiness: 10 is refused
net/ipv4/tcp_rmem: 4096 131072 is refused
net/ipv4/tcp_rmem: 4096 131072 62914560 is refused
net/ipv4/ip_forward: 1 is refused
-- bounds
vm/overcommit_memory: 3 is refused
kernel/pid_max: 1 is refused
kernel/pid_max: 32769 is refused
net/ipv4/ip_unprivileged_port_start: 65536 is refused
fs/pipe-max-size: 4095 is refused
fs/nr_open: 1 is refused
fs/nr_open: 1048577 is refused
net/core/somaxconn: -1 is refused
listen = 0
connect = 0
-- memory
100M: yes
4G: no
4G: yes
100M: yes
100M: no
-- addresses
at random
fixed
-- numbers of processes
20 at most
1
-- descriptors
3000
at most 2048
-- ports
bind: errno 13, Permission denied
bind = 0
-- areas
too many
-- PR_SET_MM
set(PR_SET_MM_ARG_START, text) = 0
set(PR_SET_MM_ARG_END, text + 8) = 0
set(PR_SET_MM_ARG_START, text) = 0
arguments: 8 bytes "one|two|"
set(PR_SET_MM_ENV_START, text + 100) = 0
set(PR_SET_MM_ENV_END, text + 104) = 0
set(PR_SET_MM_ENV_START, text + 100) = 0
environment: 4 bytes "A=1|"
set(PR_SET_MM_ARG_END, (void *)16): errno 22, Invalid argument
set(PR_SET_MM_ARG_END, (void *)(UINT64_C(1) << 62)): errno 22, Invalid argument
set(PR_SET_MM_ENV_START, text + 200): errno 22, Invalid argument
set(99, text): errno 22, Invalid argument
set(0, text): errno 22, Invalid argument
prctl(PR_SET_MM, PR_SET_MM_ARG_END, text, 1, 0): errno 22, Invalid argument
prctl(PR_SET_MM, PR_SET_MM_ARG_END, text, 0, 1): errno 22, Invalid argument
prctl(PR_SET_MM, PR_SET_MM_AUXV, auxv, sizeof auxv, 0) = 0
auxv 16 6 4096
prctl(PR_SET_MM, PR_SET_MM_AUXV, auxv, 1 << 20, 0): errno 22, Invalid argument
prctl(PR_SET_MM, PR_SET_MM_AUXV, NULL, 16, 0): errno 14, Bad address
set(PR_SET_MM_EXE_FILE, (void *)99): errno 9, Bad file descriptor
set(PR_SET_MM_EXE_FILE, (void *)(intptr_t)self): errno 16, Device or resource busy
END
run() {
    "$ouro" run --medium direct --machine microvm -m 512M --timeout $((60 * ${SLOW:-1})) ${KERNEL:+--kernel "$KERNEL"} \
        --append "check-at-end loglevel=3" "$@" < /dev/null
}
{
    run --with /bin/busybox --with "$1" /bin/busybox sh -c "$(cat script)" "$1"
    echo "-- PR_SET_MM"
    run "$1" parts
} > out 2> err
diff -u expected out || { tail -n 20 err; exit 1; }
