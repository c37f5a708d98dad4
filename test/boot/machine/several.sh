#!/bin/sh
# SPDX-License-Identifier: MIT
# several.sh GROUP: machines of several CPUs.
#   reports  an NMI from outside prints what each CPU is in, and the program goes on; so does a machine check, and ends the machine
#   hang     the watchdog sees a CPU that is not the first keep interrupts off: in QEMU, and with `bochs` as second argument there
#   held     the host stops a CPU for seconds: the program ends as it does otherwise; one that does not answer at the start is left out
#   images   iso and image with --cpus; --kernel is not needed
#   swap     more than the memory, by threads on two CPUs, as on Linux
#   programs Debian's xz, zstd, sort and make with four threads or processes on four CPUs
#   languages  on four CPUs, as on Linux, if installed: python's pools of processes and threads, Go's goroutines, Java's parallel collector, redis
#            with four threads of input and output
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1
limit=$((60 * ${SLOW:-1}))

# start WORDS ARGS...: runs a program on two CPUs with QEMU's monitor on two pipes, until it is ready.
start() {
    words=$1
    shift
    [ -p monitor.in ] || mkfifo monitor.in monitor.out keys
    cat monitor.out >heard &
    "$OURO" run --cpus 2 --medium direct --timeout "$limit" --append "$words" --qemu-arg -chardev --qemu-arg "pipe,id=m,path=$temp/monitor" \
        --qemu-arg -mon --qemu-arg chardev=m "$@" <keys >out 2>err &
    machine=$!
    exec 4>keys 3>monitor.in
}

ready() {
    n=0
    until grep -q ready out 2>/dev/null; do
        n=$((n + 1))
        [ $n -lt 300 ] || { bad 'the program is not ready'; show err; break; }
        sleep 0.1
    done
}

reports() {
    cat >both.c <<'C'
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
static volatile unsigned long turns[2];
static volatile int stop;
static void place(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof set, &set);
}
static void *second(void *unused)
{
    place(1);
    while (!stop)
        turns[1]++;
    return unused;
}
static __attribute__((noinline)) int first(void)
{
    struct pollfd input = {0, POLLIN, 0};
    for (unsigned i = 0; i < 3000000; i++)
        turns[0]++;
    return poll(&input, 1, 0) == 0;
}
int main(void)
{
    pthread_t thread;
    place(0);
    pthread_create(&thread, 0, second, 0);
    while (turns[1] == 0)
        ;
    puts("ready");
    fflush(stdout);
    while (first())
        ;
    unsigned long before = turns[1];
    while (turns[1] == before)
        ;
    stop = 1;
    pthread_join(thread, 0);
    puts("done");
    return 7;
}
C
    gcc -O1 -static -pthread -o both both.c || exit 1
    export OURO_CPUS_IN_TURN=1
    start loglevel=4 ./both
    ready
    # On a slow machine the NMI may coincide with the watchdog's: it is sent again until a report appears.
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
    for wanted in '^==== DUMP: asked for by an NMI ==== ouro' '^  cpu 1   *$' ' second\+'; do
        grep -Eq -e "$wanted" err || { bad "an NMI: no line '$wanted'"; show err; }
    done

    start loglevel=4 ./both
    ready
    echo 'mce 0 4 0xbe00000000000134 0x5 0x12345000 0x86' >&3
    wait $machine
    [ $? -eq 121 ] || bad 'a machine check: status is not 121'
    exec 3>&- 4>&-
    for wanted in '^==== PANIC: machine check ==== ouro' '^  cpu 1   *$' ' second\+'; do
        grep -Eq -e "$wanted" err || { bad "a machine check: no line '$wanted'"; show err; }
    done
    unset OURO_CPUS_IN_TURN
}

hang() {
    cat >hang.c <<'C'
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>
static __attribute__((noinline)) void keep_off(void)
{
    for (;;)
        __asm__ volatile("cli");
}
static void *second(void *unused)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(1, &set);
    sched_setaffinity(0, sizeof set, &set);
    keep_off();
    return unused;
}
int main(void)
{
    pthread_t thread;
    pthread_create(&thread, 0, second, 0);
    for (;;)
        pause();
}
C
    gcc -O1 -static -pthread -o hang hang.c || exit 1
    OURO_CPUS_IN_TURN=1 "$OURO" run --cpus 2 "$@" --timeout "$limit" --append 'loglevel=4 watchdog=1' ./hang >out 2>err </dev/null
    [ $? -eq 139 ] || bad 'the status is not 139'
    for wanted in 'interrupts off' ' keep_off\+'; do
        grep -Eq -e "$wanted" err || { bad "no line '$wanted'"; show err; }
    done
}

held() {
    cat >work.c <<'C'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long counted;
static volatile int stop;
static void *work(void *unused)
{
    while (!stop) {
        char *p = mmap(0, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(p, 1, 1 << 16);
        munmap(p, 1 << 16);
        pthread_mutex_lock(&mutex);
        counted++;
        pthread_mutex_unlock(&mutex);
        usleep(100);
    }
    return unused;
}
int main(int argc, char **argv)
{
    pthread_t thread[3];
    struct timespec now, end;
    for (int i = 0; i < 3; i++)
        pthread_create(&thread[i], 0, work, 0);
    puts("ready");
    fflush(stdout);
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += argc > 1 ? atoi(argv[1]) : 1;
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while (now.tv_sec < end.tv_sec);
    stop = 1;
    for (int i = 0; i < 3; i++)
        pthread_join(thread[i], 0);
    printf("cpus %ld, %s\n", sysconf(_SC_NPROCESSORS_ONLN), counted > 0 ? "counted" : "NOTHING");
    return 0;
}
C
    gcc -O1 -static -pthread -o work work.c || exit 1
    for cpu in ${HELD:-0 1}; do # the watchdog's limit is below the time for which the CPU is stopped
        start 'loglevel=4 watchdog=2' --qemu-arg -name --qemu-arg q,debug-threads=on --qemu-arg -accel --qemu-arg tcg,thread=multi ./work 9
        ready
        "$here/hold.py" $machine "$cpu" 5 >/dev/null || bad "cpu $cpu is not stopped"
        wait $machine
        status=$?
        exec 3>&- 4>&-
        [ "$status $(tail -n 1 out)" = '0 cpus 2, counted' ] || { bad "cpu $cpu is stopped: status $status"; show out; show err; }
    done

    # Not a PC, whose firmware waits for all CPUs. Where the thread holds something of QEMU's the first CPU stops, too: once more.
    for try in 1 2 3 4; do
        start 'loglevel=6' -v --machine microvm --qemu-arg -name --qemu-arg q,debug-threads=on --qemu-arg -accel --qemu-arg tcg,thread=multi --qemu-arg -S ./work 5
        sleep "$try"
        "$here/hold.py" $machine 1 4 >holding &
        holder=$!
        n=0
        until grep -q held holding || [ "$n" -gt 100 ]; do
            n=$((n + 1))
            sleep 0.1
        done
        echo cont >&3
        wait $holder || bad 'cpu 1 is not stopped'
        wait $machine
        status=$?
        exec 3>&- 4>&-
        [ "$status $(tail -n 1 out)" != '0 cpus 2, counted' ] || continue
        [ "$status $(tail -n 1 out)" = '0 cpus 1, counted' ] || { bad "cpu 1 does not answer: status $status"; show out; show err; }
        grep -q 'the cpu with the APIC ID 1 does not answer: it is left out' err || { bad 'the log names no cpu'; show err; }
        return
    done
    bad 'cpu 1 always answers'
}

images() {
    for cpus in 2 all 1; do
        "$OURO" iso --cpus $cpus /bin/busybox nproc -o image.iso >said 2>&1 || { bad "iso --cpus $cpus"; show said; }
        wanted=3
        [ $cpus = all ] || wanted=$cpus
        OURO_CPUS_IN_TURN=1 "$OURO" run --cpus 3 --timeout "$limit" --image image.iso >out 2>err </dev/null || { bad "--cpus $cpus: status $?"; show err; }
        [ "$(tr -d '\r' <out)" = $wanted ] || { bad "an image of --cpus $cpus runs other than $wanted"; show out; }
    done
    "$OURO" image --cpus all --libvirt domain.xml /bin/true -o disk.raw >said 2>&1 || { bad 'image --cpus all'; show said; }
    grep -q "<vcpu>$(nproc)</vcpu>" domain.xml || { bad "--libvirt"; show domain.xml; }
    "$OURO" iso --cpus host /bin/true -o image.iso >said 2>&1 && bad 'iso --cpus host is taken'
    grep -q 'a number from 1 to 64, or all' said || { bad 'iso --cpus host: no sentence'; show said; }
}

swap() {
    programs=$top/build/host/test/programs

    "$programs/swap-musl" >linux.txt || exit 1
    export OURO_CPUS_IN_TURN=1
    "$OURO" run --cpus 2 --medium direct --machine microvm --timeout $((100 * ${SLOW:-1})) -m 20M --append check-at-end --swap 128M "$programs/swap-musl" >out 2>err ||
        { bad 'swap: the status is not 0'; show err; }
    diff linux.txt out || bad 'swap: not as on Linux'
    "$OURO" run --cpus 2 --medium direct --machine microvm --timeout $((100 * ${SLOW:-1})) -m 20M --append check-at-end --stats --swap 128M "$programs/races-musl" swap >out 2>err ||
        { bad 'races: the status is not 0'; show err; }
    [ "$(cat out)" = 'no store is lost: yes' ] || { bad 'races'; show out; }
    grep -Eq '^ouro: clock: front turns=[1-9].* evicted=[1-9]' err || { bad 'nothing was evicted'; show err; }
}

programs() {
    mkdir -p root
    seq 150000 >root/data
    printf 'all: a b c d e f g h\n%%:\n\t@sort -n -r /data | head -n 1000 | md5sum > /tmp/$@.sum\n.PHONY: all\n' >root/Makefile
    cat >root/run <<'S'
xz -T4 -1 --block-size=200000 -c /data >/tmp/d.xz && xz -T4 -dc /tmp/d.xz | cmp - /data && echo xz
zstd -T4 -q -c /data >/tmp/d.zst && zstd -q -dc /tmp/d.zst | cmp - /data && echo zstd
sort -n --parallel=4 /data | cmp - /data && echo sort
make -s -j4 && cat /tmp/*.sum | sort | uniq -c | sed 's/^ *//' && nproc
S
    set --
    for program in xz zstd cmp sort make head md5sum cat uniq sed nproc; do
        path=$(command -v $program) || { echo "skip: no $program"; exit 77; }
        set -- "$@" --with "$path"
    done
    OURO_CPUS_IN_TURN=1 "$OURO" run --cpus 4 --medium direct --timeout $((100 * ${SLOW:-1})) --root root "$@" /bin/sh /run >out 2>err </dev/null ||
        { bad "status $?"; show err; }
    { printf 'xz\nzstd\nsort\n8 '; sort -n -r root/data | head -n 1000 | md5sum; echo 4; } >expected
    diff expected out || { bad 'not as on Linux'; show err; }
}

# alike NAME ARGS...: the program's stdout with four CPUs is that in `expected`.
alike() {
    name=$1
    shift
    OURO_CPUS_IN_TURN=1 "$OURO" run --cpus 4 --medium direct --timeout $((200 * ${SLOW:-1})) "$@" >out 2>err </dev/null || { bad "$name: status $?"; show err; }
    tr -d '\r' <out | diff expected - || { bad "$name: not as on Linux"; show err; }
}

languages() {
    mkdir -p root classes
    cat >root/pools.py <<'S'
import concurrent.futures, hashlib, threading
def work(n):
    return hashlib.sha256(bytes(i % 256 for i in range(n * 100))).hexdigest()[:8]
if __name__ == "__main__":
    with concurrent.futures.ProcessPoolExecutor(4) as pool:
        print(*pool.map(work, range(1, 9)))
    lock, count = threading.Lock(), 0
    def add(n):
        global count
        for _ in range(n):
            with lock:
                count += 1
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(add, [300] * 8))
    print(count)
S
    if [ -x /usr/bin/python3 ]; then
        /usr/bin/python3 root/pools.py >expected
        alike python --root root /usr/bin/python3 /pools.py
    fi
    cat >g.go <<'S'
package main

import (
	"fmt"
	"runtime"
	"sync"
)

func main() {
	var all sync.WaitGroup
	var mutex sync.Mutex
	n, c := 0, make(chan int, 4)
	for i := 0; i < 50; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for j := 0; j < 500; j++ {
				mutex.Lock()
				n++
				mutex.Unlock()
				if j%50 == 0 {
					runtime.Gosched()
					c <- j
					<-c
				}
			}
			_ = make([]byte, 100000)
		}()
	}
	all.Wait()
	runtime.GC()
	fmt.Println(n)
}
S
    if command -v go >/dev/null; then
        HOME=$temp GOCACHE=$temp/cache GO111MODULE=off go build -o goroutines g.go && ./goroutines >expected && alike go ./goroutines
    fi
    cat >Collect.java <<'S'
import java.util.*;
public class Collect {
    public static void main(String[] none) throws Exception {
        Thread[] threads = new Thread[4];
        long[] sums = new long[4];
        for (int i = 0; i < 4; i++) {
            int self = i;
            threads[i] = new Thread(() -> {
                List<byte[]> kept = new ArrayList<>();
                for (int j = 0; j < 20000; j++) {
                    kept.add(new byte[2000]);
                    if (kept.size() > 200)
                        kept.clear();
                    sums[self] += j;
                }
            });
            threads[i].start();
        }
        for (Thread thread : threads)
            thread.join();
        System.gc();
        System.out.println(Arrays.stream(sums).sum());
    }
}
S
    if command -v javac >/dev/null; then
        set -- -XX:+UseParallelGC -XX:ParallelGCThreads=4 -Xmx64m -cp
        javac -d classes Collect.java && java "$@" classes Collect >expected && alike java -m 1G --root classes /usr/bin/java "$@" / Collect
    fi
    cat >root/serve <<'S'
redis-server --port 0 --unixsocket /tmp/s --save '' --io-threads 4 --io-threads-do-reads yes >/tmp/log &
until redis-cli -s /tmp/s ping >/dev/null 2>&1; do sleep 0.1; done
redis-benchmark -s /tmp/s -t incr -n 3000 -c 20 -P 4 -q >/tmp/said || cat /tmp/said
redis-cli -s /tmp/s get counter:__rand_int__
redis-cli -s /tmp/s shutdown nosave
wait
echo ended
S
    if command -v redis-server >/dev/null && command -v redis-benchmark >/dev/null && command -v redis-cli >/dev/null; then
        printf '3000\nended\n' >expected
        alike redis -m 256M --root root --with /usr/bin/redis-server --with /usr/bin/redis-cli --with /usr/bin/redis-benchmark --with /bin/sleep --with /bin/cat /bin/sh /serve
    fi
}

group=${1:-}
[ $# -eq 0 ] || shift
case $group in
reports) reports ;;
hang) hang "$@" ;;
held) held ;;
images) images ;;
swap) swap ;;
programs) programs ;;
languages) languages ;;
*) bad "no such group: $group" ;;
esac
finish
