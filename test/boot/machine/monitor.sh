#!/bin/sh
# SPDX-License-Identifier: MIT
# Events injected through QEMU's monitor: an NMI, which prints a report of all threads and changes nothing, and a
# machine check, which panics.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1
cat >waits.c <<'C'
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
static _Atomic int tid;
static void *sleeper(void *unused)
{
    tid = gettid();
    pause();
    return unused;
}
static int sleeps(void)
{
    char path[64], stat[256] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return 0;
    fread(stat, 1, sizeof stat - 1, f);
    fclose(f);
    return strstr(stat, ") S ") != NULL;
}
static volatile unsigned turns;
static __attribute__((noinline)) int busy(void)
{
    struct pollfd input = {0, POLLIN, 0};
    for (unsigned i = 0; i < 3000000; i++)
        turns++;
    return poll(&input, 1, 0) == 0;
}
int main(void)
{
    pthread_t thread;
    pthread_create(&thread, 0, sleeper, 0);
    while (tid == 0 || !sleeps())
        sched_yield();
    puts("ready");
    fflush(stdout);
    while (busy())
        ;
    puts("done");
    return 7;
}
C
gcc -O1 -D_GNU_SOURCE -static -pthread -o waits waits.c || exit 1
mkfifo monitor.in monitor.out keys

# start WORDS: runs the program with QEMU's monitor on these two pipes, until it is ready.
start() {
    cat monitor.out >heard &
    "$OURO" run --medium direct --timeout $((60 * ${SLOW:-1})) --append "$1" --qemu-arg -chardev --qemu-arg "pipe,id=m,path=$temp/monitor" \
        --qemu-arg -mon --qemu-arg chardev=m ./waits <keys >out 2>err &
    machine=$!
    exec 4>keys 3>monitor.in
    n=0
    until grep -q ready out 2>/dev/null; do
        n=$((n + 1))
        [ $n -lt 300 ] || { bad 'the program is not ready'; show err; break; }
        sleep 0.1
    done
}

start loglevel=4
# On a slow machine the NMI may coincide with the watchdog's NMI: it is sent again until a dump appears.
for _ in 1 2 3 4 5 6 7 8; do
    echo nmi >&3
    sleep 2
    ! grep -q '"kind":"dump"' err || break
done
echo >&4
wait $machine
[ $? -eq 7 ] || bad 'the program did not go on after an NMI'
exec 3>&- 4>&-
[ "$(cat out)" = "$(printf 'ready\ndone')" ] || { bad 'stdout'; show out; }
for wanted in '^==== DUMP: asked for by an NMI ==== ouro' '^  what    NMI by ' '^  thread  [0-9]+ "waits" of process 1, asleep in pause\(\) = \?$' \
    ' (__libc_)?pause\+' ' sleeper\+' ' main\+' '"threads":\[\{"thread":[0-9]+,"name":"waits","does":"of process 1, asleep in pause'; do
    grep -Eq -e "$wanted" err || { bad "an NMI: no line '$wanted'"; show err; }
done

start loglevel=4
echo 'mce 0 4 0xbe00000000000134 0x5 0x12345000 0x86' >&3
wait $machine
[ $? -eq 121 ] || bad 'a machine check: status is not 121'
exec 3>&- 4>&-
for wanted in '^==== PANIC: machine check ==== ouro' '^  why     bank 4: uncorrected error: cache at physical 0x12345000, the state of the CPU is damaged$' \
    '^          status 0xbe00000000000134 misc 0x86, MCG_STATUS 0x5$' '^  hint    the hardware'; do
    grep -Eq -e "$wanted" err || { bad "a machine check: no line '$wanted'"; show err; }
done
finish
