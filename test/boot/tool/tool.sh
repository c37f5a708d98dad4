#!/bin/sh
# SPDX-License-Identifier: MIT
# The tool between the emulator and its own standard streams, with a stand-in for the emulator: no machine is booted.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1
TMPDIR=$temp/tmp
mkdir "$TMPDIR" keep
export TMPDIR FAKE FAKE_KEEP="$temp/keep" OURO_QEMU="$here/../fake-qemu.sh"

# run FAKE OPTIONS...: runs the tool with this behaviour of fake-qemu.sh.
run() {
    FAKE=$1
    shift
    "$OURO" run --medium direct "$@" /bin/busybox
}

# is WHAT STATUS WANTED: checks the status, and that no process and no file was left behind.
is() {
    [ "$2" -eq "$3" ] || bad "$1: status $2 instead of $3"
    for left in "$TMPDIR"/*; do
        [ ! -e "$left" ] || bad "$1: left $left"
    done
    state=Z
    [ ! -r "/proc/$(cat keep/pid)/stat" ] || read -r _ _ state _ <"/proc/$(cat keep/pid)/stat"
    [ "$state" = Z ] || bad "$1: the emulator still runs"
}

# same WHAT FILE TEXT: the file holds the text.
same() {
    # shellcheck disable=SC2059 # a format, for its escapes
    printf "$3" | cmp -s - "$2" || { bad "$1: $2 is not as wanted"; show "$2"; }
}

# The tool and the script at the top of the tree print the same version.
"$OURO" --version >out 2>err || bad '--version fails'
"$top/ouro" --version | cmp -s - out || { bad 'two versions'; show out; }

run order >out 2>err </dev/null
is order $? 7
same order out 'ac\020dg\000\377\n'
same order err 'log\nbe\nf\n'
run order >both 2>&1 </dev/null
same order both 'log\nabc\020de\nf\ng\000\377\n'
run order -v >out 2>err </dev/null
is verbose $? 7
same verbose out 'ac\020dg\000\377\n'
sed -i -e "/^ouro: [0-9]* files packed, image /d" -e "/^ouro: packed for the program: /d" err # sizes vary
same verbose err 'ouro: |firmware\nouro: |GRUB\nlog\nbe\nf\nouro: main after 1.500 ms\n'
run split >out 2>err </dev/null
is split $? 0
same split out 'split\n'

run stop >out 2>err </dev/null
is stop $? 125
same stop err 'ouro: stop: the cat sat on it\n'
run rescue >out 2>err </dev/null
is rescue $? 125
same rescue err 'ouro: stop: the boot loader found no files on the boot medium\n'
run vanish >out 2>err </dev/null
is vanish $? 125
same vanish out 'half a'
same vanish err 'ouro: the machine ended without saying how the program ended\n'
run die >out 2>err </dev/null
is die $? 125
same die err 'ouro: |SeaBIOS\nouro: |no disk here\nouro: |qemu: could not\nouro: the machine ended before the kernel started\n'
run late >out 2>err </dev/null
is late $? 3
run hang --timeout 0.5 >out 2>err </dev/null
is hang $? 124
same hang out 'started\n'

# A slow reader gets all output; a reader that closes the pipe ends the run as SIGPIPE would.
{ run much 2>err </dev/null; echo $? >status; } | { sleep 1; cat >out; }
is much "$(cat status)" 0
seq 1 200000 | cmp -s - out || bad 'much: bytes were lost'
{ run much 2>err </dev/null; echo $? >status; } | head -n 1 >out
is pipe "$(cat status)" 141

printf 'a\020b' | run input >out 2>err
is input $? 0
same input out ' 61 10 10 62 10 2e\n'
run input >out 2>err </dev/null
same empty out ' 10 2e\n'
run input >out 2>err <&-
same closed out ' 10 2e\n'
run order >&- 2>&- </dev/null
is closed $? 7

# Signals end the tool and the emulator at once, with status 128 + signal. A shell's background jobs ignore SIGINT, so
# its default action is restored.
FAKE=hang
export FAKE
for signal in INT:130 TERM:143 HUP:129 KILL:137; do
    rm -f keep/pid
    # shellcheck disable=SC2016 # the inner shell expands
    env --default-signal=INT setsid -w sh -c 'echo $$ >keep/tool; exec "$0" run --medium direct /bin/busybox' "$OURO" >out 2>err </dev/null &
    waiter=$!
    until [ -s keep/pid ] && grep -q started out; do sleep 0.1; done
    kill -"${signal%:*}" "$(cat keep/tool)"
    wait "$waiter"
    status=$?
    sleep 0.3 # after SIGKILL the guardian works alone
    is "$signal" "$status" "${signal#*:}"
done

# The words on the command line, and the files in the root archive.
mkdir -p root/usr/bin root/etc
ln -s usr/bin root/bin
ln -s ../usr/bin/busybox root/etc/tool
head -c 5000 /bin/busybox >root/etc/data
ln root/etc/data root/etc/again
: >root/etc/empty
mkfifo root/fifo
touch -d @1000000000 root/etc/empty
chmod 4711 root/etc/data
mkdir times
touch -r root times/root
touch -r root/usr/bin times/bin
FAKE=order "$OURO" run --bare --medium direct --root root -e A='x, y' -e HOME=/root /bin/busybox 'a b' '' ',%' >out 2>err </dev/null
is words $? 7
grep -q ' init=/bin/busybox argv=/bin/busybox,a%20b,,%2C%25 env=HOME=/root,TERM=linux,PATH=[^ ]*,A=x%2C%20y$' keep/line ||
    { bad 'words are wrong'; show keep/line; }
grep -Eq '^console=framed stdio.terminals=none loglevel=4 (tsc=[0-9]{7,12} )?time=host exit=0xf4 ' keep/line || { bad 'run words are wrong'; show keep/line; }
mkdir unpacked
(cd unpacked && cpio -idm --quiet <../keep/root.cpio) || bad 'cpio cannot unpack the archive'
# Files that C libraries read are made if the root folder lacks them.
for made in passwd group hosts nsswitch.conf localtime machine-id mtab os-release protocols services shells; do
    [ -s "unpacked/etc/$made" ] || [ -L "unpacked/etc/$made" ] || bad "/etc/$made was not made"
    rm -f "unpacked/etc/$made"
done
cp /bin/busybox root/usr/bin/busybox
mkdir root/dev root/home root/proc root/root root/run root/tmp root/var root/var/tmp
diff -r --no-dereference -x fifo root unpacked || bad 'the unpacked archive differs'
[ "$(stat -c %a:%h unpacked/etc/data)" = 4711:2 ] || bad 'mode or hard link was lost'
[ "$(stat -c %Y unpacked/etc/empty)" -eq 1000000000 ] || bad 'a time was lost'
[ -p unpacked/fifo ] || bad 'the fifo was lost'
[ "$(stat -c %a unpacked/tmp)" = 1777 ] || bad '/tmp has a wrong mode'
cp keep/root.cpio first.cpio
rm -r root/dev root/home root/proc root/root root/run root/tmp root/usr/bin/busybox root/var
touch -r times/root root
touch -r times/bin root/usr/bin
FAKE=order "$OURO" run --bare --medium direct --root root /bin/busybox >out 2>err </dev/null
cmp first.cpio keep/root.cpio || bad 'the same files gave another archive'
finish
