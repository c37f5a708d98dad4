#!/bin/sh
# SPDX-License-Identifier: MIT
# ./ouro on a computer without the packages: it names them and installs them, and stdout stays empty.
# dpkg-query, apt-get, id and sudo are stand-ins here: no package is installed and nothing is built.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1
mkdir bin
PATH=$temp/bin:$PATH
OURO_BUILD_DIR=$temp/build
export PATH OURO_BUILD_DIR

# stand_in NAME COMMANDS...: makes a script that stands in for a program.
stand_in() {
    printf '#!/bin/sh\n%s\n' "$2" >"bin/$1"
    chmod +x "bin/$1"
}

# door STATUS ARGUMENTS...: runs ./ouro with the stand-ins.
door() {
    wanted=$1
    shift
    "$top/ouro" "$@" >out 2>err </dev/null
    status=$?
    [ "$status" -eq "$wanted" ] || { bad "ouro $*: status $status instead of $wanted"; show err; }
    [ ! -s out ] || { bad "ouro $*: wrote to stdout"; show out; }
}

stand_in dpkg-query 'echo "gcc installed"; echo "cmake config-files"'
stand_in apt-get "echo \"apt-get \$*\" >>$temp/installed; exit 1"
stand_in sudo 'exit 1'
stand_in id 'echo 1000'

for arguments in '--no-install run' 'run --no-install' 'run'; do
    # shellcheck disable=SC2086 # two words
    door 125 $arguments
    grep -q '^apt-get install --no-install-recommends binutils libc6-dev cmake ' err || { bad 'no apt-get line'; show err; }
    ! grep -q '[ ]gcc[ ]' err || bad 'asks for what is installed'
    ! grep -q -e bochs -e cmocka err || bad 'asks for more than run needs'
done
# The Debian package is built by what Build-Depends names: the front door's first list.
# shellcheck disable=SC2013 # words
for package in $(sed -n 's/^packages="\(binutils .*\)"$/\1/p' "$top/ouro"); do
    grep -Eq "^Build-Depends:.* $package( |,|\$)" "$top/debian/control" || bad "Build-Depends of debian/control lacks $package"
done
door 125 --no-install test
for package in bochs clang libcmocka-dev busybox-static shellcheck; do
    grep -q " $package" err || bad "test does not ask for $package"
done
door 125 --no-install run --emulator bochs
grep -q ' bochsbios' err || bad 'run --emulator bochs does not ask for it'
door 125 --no-install debug
grep -q ' gdb' err || bad 'debug does not ask for gdb'
[ ! -e installed ] || bad 'installed without being allowed to'

# As root, with a package manager that fails: its messages are printed.
stand_in id 'echo 0'
door 125 run
grep -q '^apt-get update$' installed || bad 'root: does not update the package lists'
grep -q 'updating the package lists failed' err || { bad 'root: does not say what failed'; show err; }
stand_in apt-get "echo \"apt-get \$*\" >>$temp/installed; echo 'E: no such thing'; [ \$1 = update ]"
door 125 run
grep -q '^apt-get install -y --no-install-recommends binutils ' installed || { bad 'root: does not install'; show installed; }
grep -q '^E: no such thing$' err || { bad 'the message of the package manager is lost'; show err; }

# These commands need no package and install none.
rm -rf installed build
"$top/ouro" help >out 2>err || bad 'help fails'
grep -q 'ouro run' out || bad 'help does not name the commands'
for word in --version version; do
    "$top/ouro" "$word" >out 2>err || bad "$word fails"
    if ! grep -Eqx 'ouro [0-9]+\.[0-9]+\.[0-9]+' out || [ "$(wc -l <out)" -ne 1 ] || [ -s err ]; then
        bad "$word does not print name and version"
        show out
        show err
    fi
done
door 125 frobnicate
grep -qx 'ouro: unknown command frobnicate; ouro help lists the commands' err || bad 'an unknown command is not named'
for typo in rum rn urn; do
    door 125 $typo
    grep -qx "ouro: unknown command $typo; did you mean run? ouro help lists the commands" err || { bad "$typo: run is not named"; show err; }
done
door 125 help scrennshot
grep -q 'did you mean screenshot?' err || bad 'help: screenshot is not named'
# The options of a command, as the tool's own parser prints them.
for command in run explore iso image volume usb screenshot check debug test bench; do
    "$OURO" "$command" --help >wanted || bad "the tool's $command --help fails"
    for line in "help $command" "$command --help"; do
        # shellcheck disable=SC2086 # two words
        "$top/ouro" $line >out 2>err || bad "$line fails"
        cmp -s out wanted || bad "$line is not what the tool prints: renew tool/help/$command.txt"
    done
done
# What the tool would refuse is refused at once, with its words and status.
at_once() {
    "$OURO" "$@" 2>wanted </dev/null
    door $? "$@"
    sed -i '/^Try /d' wanted
    cmp -s err wanted || { bad "ouro $*: not the tool's words"; show wanted; show err; }
}
for command in run explore iso image usb screenshot check debug bench test; do
    at_once "$command" --frobnicate
done
for option in -it --rm --smp=2 --publish --tmpfs -nographic --memroy --user=; do
    at_once run "$option" -m 4M ./nothere
done
at_once run --mem 64M -p 80:80 -ve A=B ./nothere --rm
at_once check nosuchprogram
at_once iso --outptu x.iso
at_once bench frobnicate
at_once bench --quick --runs 3 boot frobnicate
at_once bench --runz boot
at_once volume frobnicate
[ ! -e installed ] || bad 'installed for nothing'
[ ! -e build ] || bad 'built for nothing'
# What only the tool can tell is left to it; programs of PATH and of a root of their own are none of this.
for arguments in '-v /nothere:/data x' '--root . /nothere' '--oci x' '-c x' 'sh -x' '-- sh --frobnicate' '-- ./a'; do
    : >a
    # shellcheck disable=SC2086 # words
    door 125 --no-install run $arguments
    grep -q '^apt-get install ' err || { bad "run $arguments: not left to the tool"; show err; }
done
door 125 --no-install usb /dev/nothere
grep -q '^apt-get install ' err || { bad 'usb: not left to the tool'; show err; }
rm -rf build

# A checkout that is not to be written runs what was built, or says what to set. Root may write everywhere: a folder in
# the lock's place stands for it.
rm -rf build
mkdir -p build/.lock build/host/tool build/kernel
printf '#!/bin/sh\necho "ran $*" >&2\n' >build/host/tool/ouro-tool
chmod +x build/host/tool/ouro-tool
for command in run test; do # no kernel
    door 125 "$command" sh
    grep -qx "ouro: cannot write $temp/build: set OURO_BUILD_DIR to a folder of your own" err || { bad "$command, read-only: no sentence"; show err; }
done
: >build/kernel/ouro.elf
door 0 run sh
grep -qx 'ran run sh' err || { bad 'read-only: what is built does not run'; show err; }
door 125 test
OURO_BUILD_DIR=/proc/nothere door 125 run sh
grep -q '^ouro: cannot write /proc/nothere: ' err || { bad 'no folder: no sentence'; show err; }

# A copied checkout is built anew, not into the folder of the first.
rm -r build
mkdir -p copy/tool/machine
cp "$top/ouro" "$top/CMakeLists.txt" copy
cp -r "$top/tool/words.awk" "$top/tool/help" copy/tool
cp "$top/tool/machine/habits.inc" copy/tool/machine
# shellcheck disable=SC2016 # the stand-in's own
stand_in dpkg-query 'for package; do echo "$package installed"; done'
stand_in cmake "echo \"cmake \$*\" >>$temp/built; mkdir -p $temp/build/kernel; echo CMAKE_HOME_DIRECTORY:INTERNAL=$temp/copy >$temp/build/kernel/CMakeCache.txt; : >$temp/build/kernel/build.ninja"
stand_in ninja "echo \"ninja \$*\" >>$temp/built; exit 1"
mkdir -p build/kernel
echo "CMAKE_HOME_DIRECTORY:INTERNAL=$top" >build/kernel/CMakeCache.txt
: >build/kernel/build.ninja
copy() {
    : >built
    copy/ouro run sh >out 2>err </dev/null
    grep -q 'building kernel failed' err || { bad 'copied: builds nothing'; show err; }
}
copy
grep -q '^cmake .*--preset kernel' built || { bad 'copied: the build of the first is taken'; show built; }
copy
! grep -q '^cmake ' built || { bad 'copied: configures each time'; show built; }
# Both kernels, of which --cpus chooses.
grep -q '^ninja .*/kernel ouro.debug.elf ouro-cpus.debug.elf$' built || { bad 'run does not build what it may boot'; show built; }
# A build says what it does: on a terminal in one line, which shows the end of the log's last, elsewhere once.
long=$(printf '%0100d' 7)
stand_in ninja "echo '[1/2] Building $long.obj'; sleep 3; exit 1"
copy
[ "$(grep -c '^ouro: building kernel$' err)" -eq 1 ] || { bad 'no terminal: not one line a phase'; show err; }
script -qec 'copy/ouro run sh' /dev/null >out 2>err </dev/null
tr '\r' '\n' <out | grep -Eq 'ouro: building kernel: \[1/2\] …0+7\.obj$' || { bad 'a terminal: not the end of what is built'; show out; }
tr '\r' '\n' <out | grep -q '0\{60\}' && bad 'a terminal: more than a line'

# A name that no test has: nothing is built for it.
stand_in cmake "mkdir -p \$6; : >\$6/build.ninja"
stand_in ninja "echo \"ninja \$*\" >>$temp/built"
stand_in ctest 'case "$*" in *"-R lint"*) echo "Total Tests: 3" ;; *) echo "Total Tests: 0" ;; esac'
: >built
door 125 test lint.x nosuchtest
grep -qx 'ouro: test: no test has the name nosuchtest' err || { bad 'test: the name is not refused'; show err; }
! grep -qv ' build.ninja$' built || { bad 'test: built for nothing'; show built; }

# A full disk, in place of a log that ends in the middle of a line.
stand_in ninja 'exit 1'
stand_in df 'echo "Filesystem 1024-blocks Used Available"; echo "x 100 100 0"'
copy/ouro run sh >out 2>err </dev/null
grep -qx "ouro: building kernel failed: the disk of $temp/build is full" err || { bad 'a full disk is not named'; show err; }
rm bin/df

# Beside another build it says what it waits for.
flock build/.lock sleep 4 &
sleep 0.5
stand_in ninja 'exit 1'
copy
grep -qx "ouro: another ouro builds in $temp/build; this one goes on after it" err || { bad 'it waits, and does not say for what'; show err; }
wait
copy
grep -q 'another ouro' err && bad 'it waits for nobody'
finish
