#!/bin/sh
# SPDX-License-Identifier: MIT
# share.sh PROGRAMS MACHINE: --share on this kind of machine, with QEMU's own server. PROGRAMS: the folder of the compiled programs.
# shellcheck disable=SC2016 # the machine's shell expands its own words
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
programs=$1 machine=$2
cd "$temp" || exit 1
mkdir folder

# run OPTIONS... PROGRAM...
run() {
    "$OURO" run --medium direct --machine "$machine" --timeout $((300 * ${SLOW:-1})) "$@" >out 2>err
}

# in_shell SCRIPT OPTIONS...
in_shell() {
    script=$1
    shift
    run "$@" /bin/busybox sh -c "$script"
}

# is WHAT STATUS WANTED TEXT
is() {
    [ "$2" -eq "$3" ] || { bad "$1: status $2 instead of $3"; show err; }
    [ "$(cat out)" = "$4" ] || { bad "$1: wrong output"; show out; show err; }
}

# A program that tries everything prints the same as on this Linux, and leaves the same files behind.
mkdir here there
"$programs/shared-musl" here >expected || bad 'the program fails on this Linux'
run --share there:/mnt "$programs/shared-musl" /mnt || { bad 'the program fails'; show err; }
diff expected out >difference || { bad 'other results than on Linux'; show difference; }
facts() {
    (cd "$1" && find . -printf '%y %m %P %l\n' | sort && find . -type f -exec md5sum {} + | sort -k 2)
}
facts here >expected
facts there >out
diff expected out >difference || { bad 'other files than on Linux'; show difference; }
[ -z "$(find there ! -user "$(id -u)")" ] || bad "files of others than this computer's user"

# Each side sees what the other writes.
echo 'by the host' >folder/hello
ln -s /etc/greeting folder/out
in_shell 'cat /mnt/hello; echo by the program >/mnt/answer; readlink /mnt/out; cat /mnt/out' --share folder:/mnt
is 'both ways' $? 1 'by the host
/etc/greeting'
[ "$(cat folder/answer)" = 'by the program' ] || bad "the program's file is not on the host"

# A file that changes while the machine runs: the answer to each line of the program is another state of the file.
mkfifo wire
echo 0 >folder/number
in_shell 'for i in 1 2 3 4 5; do read line; cat /mnt/number; done; ls /mnt/late' --share folder:/mnt <wire &
machine_pid=$!
exec 3>wire
for i in 1 2 3 4 5; do
    echo "$i" >folder/number
    echo >&3
    for _ in $(seq 100); do
        [ "$(wc -l <out)" -ge "$i" ] && break
        sleep 0.1
    done
    [ "$i" != 4 ] || { echo 5 >folder/next; mv folder/next folder/number; echo >folder/late; }
done
exec 3>&-
wait "$machine_pid"
is 'changes by the host' $? 0 '1
2
3
4
5
/mnt/late'

# Only to be read: by the machine and by QEMU.
in_shell 'cat /mnt/hello; echo x >/mnt/new; echo $?; rm /mnt/hello; mkdir /mnt/d; cat /mnt/hello' --share folder:/mnt:ro
is 'ro' $? 0 'by the host
1
by the host'
[ "$(grep -c 'Read-only file system' err)" -eq 3 ] || { bad 'not EROFS'; show err; }
[ ! -e folder/new ] || bad 'a file in a folder that is only to be read'

# Several, and the user of --user.
mkdir -p second root/etc
printf 'root:x:0:0:root:/root:/bin/sh\nweb:x:33:34:web:/var/web:/bin/sh\n' >root/etc/passwd
in_shell 'echo 1 >/a/b/c/one; echo 2 >/second/two; stat -c "%u %g" /a/b/c/one /second' --share folder:/a/b/c \
    --share second:/second --root root --user web
is 'two folders' $? 0 '33 34
33 34'
if [ "$(cat folder/one)" != 1 ] || [ "$(cat second/two)" != 2 ]; then bad 'two folders: wrong files'; fi

# Many files, and a large one.
mkdir folder/many
in_shell 'cd /mnt/many; i=0; while [ $i -lt 10000 ]; do : >file$i; i=$((i+1)); done; ls | wc -l; rm file*7; ls | wc -l' \
    --share folder:/mnt
is 'many files' $? 0 '10000
9000'
[ "$(find folder/many -type f | wc -l)" -eq 9000 ] || bad 'many files: not on the host'
head -c 67108864 /dev/urandom >folder/large
in_shell 'cp /mnt/large /mnt/copy && md5sum </mnt/copy' --share folder:/mnt
is 'a large file' $? 0 "$(md5sum <folder/large)"
cmp folder/large folder/copy || bad 'a large file: another copy'
rm -r folder/large folder/copy folder/many

# The folder vanishes: errors, and the machine goes on.
mkdir vanishing
echo here >vanishing/file
in_shell 'cat /mnt/file; read line; cat /mnt/file; echo x >/mnt/new; ls /mnt; echo still here' --share vanishing:/mnt <wire &
machine_pid=$!
exec 3>wire
for _ in $(seq 300); do
    [ -s out ] && break
    sleep 0.1
done
rm -r vanishing
echo >&3
exec 3>&-
wait "$machine_pid"
is 'a folder that vanishes' $? 0 'here
still here'

# Errors in one sentence.
refused() {
    wanted=$1
    shift
    run "$@" /bin/true
    [ $? -eq 125 ] || bad "$*: status is not 125"
    grep -q -- "$wanted" err || { bad "$*: not '$wanted'"; show err; }
}
: >file
refused 'there is no such folder' --share missing:/mnt
refused 'not a folder' --share file:/mnt
refused 'begins with /' --share folder:mnt
refused 'not like DIR:/PATH' --share folder
refused 'root folder' --share folder:/
refused 'another folder has this place' --share folder:/mnt --share second:/mnt/
refused '--share folder:/mnt shows the folder' -v folder:/mnt
refused '--share DIR:/PATH' --mount folder:/mnt
printf '#!/bin/sh\ncase "$*" in *help*) exit 1;; esac\nexec qemu-system-x86_64 "$@"\n' >qemu
chmod +x qemu
OURO_QEMU=$PWD/qemu refused 'without virtfs' --share folder:/mnt
finish
