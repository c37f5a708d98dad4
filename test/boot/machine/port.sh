#!/bin/sh
# SPDX-License-Identifier: MIT
# port.sh MACHINE: the streams by the virtio console. Bytes both ways are exact, with a reader and a writer that stop for
# a while; the order of streams, log and reports is kept; a machine without the port, or with another one, uses the
# serial port; a report gets out although the port's host takes nothing. MIB=100 SPEED=30 also measures.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1
machine="$1"
mib=${MIB:-4}
# shellcheck disable=SC2086 # words
run() { "$OURO" run --medium direct --machine $machine --timeout $((100 * ${SLOW:-1})) "$@"; }

# has FILE LINE...: each expression has a line.
has() {
    file=$1
    shift
    for line; do
        grep -Eq -- "$line" "$file" || { bad "$file has no line '$line'"; show "$file"; }
    done
}

cat >mix.c <<'C'
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    char line[3000];
    (void)argv;
    memset(line, 'x', sizeof(line));
    line[sizeof(line) - 1] = '\n';
    for (int i = 0; i < 20; i++) {
        write(1, line, sizeof(line));
        write(2, "error\n", 6);
    }
    write(1, "last\n", 5);
    if (argc > 2) {
        fcntl(1, F_SETFL, O_NONBLOCK);
        while (write(1, line, sizeof(line)) > 0)
            ;
    }
    if (argc > 1)
        *(volatile int *)24 = 1;
    return 3;
}
C
gcc -O1 -static -o mix mix.c || exit 1
head -c "${mib}M" /dev/urandom >data

# By the serial port each MiB would take seconds.
start=$(date +%s%N)
run -v /bin/busybox cat <data >out 2>err || { bad "status $?"; show err; }
end=$(date +%s%N)
cmp data out || show err
has err 'port: virtio-console by'
speed=$((mib * 1048576000 / ((end - start) / 1000)))
echo "$mib MiB through cat in $(((end - start) / 1000000)) ms with the boot: $((speed / 1000)).$((speed % 1000 / 100)) MB/s"
[ "$((speed / 1000))" -ge "${SPEED:-1}" ] || bad "slow"

{ head -c 2M data; sleep 1; tail -c +2097153 data; } | run /bin/busybox cat 2>err | { head -c 1M; sleep 2; cat; } >out
cmp data out || { bad "a slow reader and a slow writer"; show err; }

# As on Linux, in one file.
./mix >linux 2>&1
run ./mix >out 2>&1
[ $? -eq 3 ] || bad "mix ended with another status"
cmp linux out || bad "the order is another than on Linux"
run ./mix crash >out 2>&1
[ $? -eq 139 ] || bad "a crash is not status 139"
head -n "$(wc -l <linux)" out | cmp - linux || bad "a report is not after what was written before"
has out '^==== CRASH: null pointer' '^  trace '

edit_qemu

# By the interrupt line, where the device has no messages.
if [ "$machine" != microvm ]; then
    EDIT='s/^virtio-serial-pci/virtio-serial-pci,vectors=0/'
    run -v /bin/busybox cat <data >out 2>err || bad "with the line: status $?"
    cmp data out || bad 'bytes by the line'
    has err 'port: virtio-console by PCI interrupts by line'
    finish # the rest does not depend on the machine
fi

for EDIT in 's/^virtserialport.*/virtserialport,nr=1,chardev=port,name=org.other.port/' \
    's/^virtserialport.*/virtconsole,nr=0,chardev=port/'; do
    run ./mix >out 2>err
    [ $? -eq 3 ] || { bad "status with $EDIT"; show err; }
    ./mix 2>/dev/null | cmp - out || bad "stdout with $EDIT"
done

# A host that takes nothing: reports get out, though the program's output does not.
EDIT='s/^socket,id=port.*/socket,id=port,path=deaf,server=on,wait=on/'
python3 -c '
import socket, time
s = socket.socket(socket.AF_UNIX)
for i in range(300):
    try:
        s.connect("deaf")
        break
    except OSError:
        time.sleep(0.02)
time.sleep(60)' &
deaf=$!
run --timeout 20 ./mix crash much >out 2>err
status=$?
[ "$status" -eq 124 ] || bad "a deaf port: status $status"
kill "$deaf"
[ ! -s out ] || bad "output came although the port takes nothing"
has err '^==== CRASH: null pointer' '^  trace '
finish
