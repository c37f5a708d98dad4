#!/bin/sh
# SPDX-License-Identifier: MIT
# ext4-linux.sh: Linux and Ouro take turns with a volume. Linux makes and fills it and is cut off with a journal to replay; Ouro replays
# it, finds each file as it was, changes the volume and is cut off; Linux replays that, finds each file as it was and changes it again. e2fsck -fn finds nothing.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
# shellcheck source-path=SCRIPTDIR source=linux.sh
. "$here/linux.sh"
cd "$temp" || exit 1
PATH=$PATH:/usr/sbin:/sbin
linux_ready

# A list of all that the volume has, on its own volume: sums, and of each name type, mode, owner, size, links and time.
cat >list <<'S'
list_all() {
    cd /data || exit 1
    find . -type f ! -name 'list*' ! -name later -exec md5sum {} + | sort >"$1"
    find . ! -name 'list*' ! -name later ! -name lost+found ! -name . | sort | xargs stat -c '%n %F %a %u:%g %s %h %Y' | sed 's/^\(.* directory .* \)[0-9]* \([0-9]* [0-9]*\)$/\1 \2/' >"$1.names"
    find . -type l | sort | while read -r name; do echo "$name $(readlink "$name")"; done >>"$1.names"
    cd /
}
check_all() {
    list_all /tmp/list
    for part in '' .names; do
        cmp "/data/list$part" "/tmp/list$part" || { echo "not as it was: list$part"; diff "/data/list$part" "/tmp/list$part" | head -n 20; exit 1; }
    done
    echo "as it was: $(wc -l </data/list) files, $(wc -l </data/list.names) names"
}
S

# fill NAME NUMBER: files, links, holes, long names and folders with and without trees.
cat list - >fill <<'S'
long=$(printf '%0240d' 7)
fill() {
    mkdir -p "/data/$1/small" "/data/$1/many" "/data/$1/deep/a/b/c/d/e"
    cd "/data/$1" || exit 1
    i=0
    while [ $i -lt "$2" ]; do echo "$1 $i" >"many/$long-$i"; i=$((i + 1)); done
    for i in 1 2 3 4 5 6 7 8 9; do head -c $((i * 12345)) /dev/urandom >small/$i; done
    head -c 3000000 /dev/urandom >large
    i=0
    while [ $i -lt 12 ]; do printf x | dd of=holes bs=1 seek=$((i * 100000)) conv=notrunc 2>/dev/null; i=$((i + 1)); done
    fallocate -l 500000 reserved && printf y | dd of=reserved bs=1 seek=200000 conv=notrunc 2>/dev/null
    ln large hard && ln -s large soft && ln -s "/$long" longer
    chmod 4711 small/1 && chown 12:34 small/2 && touch -h -d '2039-01-02 03:04:05' small/3
    mkfifo fifo && mknod null c 1 3
    cp large deep/a/b/c/d/e/f && mv deep/a/b/c moved && rm -r deep
    cd /
}
S
cat fill - >first <<'S'
mount /dev/vda /data || exit 1
fill linux 700
list_all /data/list
sync
S
echo 'echo b >/proc/sysrq-trigger' | cat first - >first-cut
cat fill - >second <<'S'
check_all
cd /data/linux || exit 1
rm many/*5 && mv many/*-10 moved/ && echo more >>large && truncate -s 1234567 hard && cp small/5 small/6
truncate -s 50000 holes && rm -r moved small/9 && mkdir small/new && mv small/7 small/new/ && mv small many/
fill ouro 700
list_all /data/list
sync
echo ready
while :; do echo x >/data/ouro/later; done
S
cat fill - >third <<'S'
mount /dev/vda /data || exit 1
check_all
rm /data/ouro/many/*3 && mv /data/ouro/many/*-1 /data/linux/ && rm -r /data/linux/many && echo x >>/data/ouro/large
fill ouro/again 300
list_all /data/list
umount /data
S
cat list - >fourth <<'S'
check_all
S

# ouro SCRIPT...
ouro() {
    "$OURO" run --medium direct --timeout $((100 * ${SLOW:-1})) ${KERNEL:+--kernel "$KERNEL"} --disk disk --append mount=vda:/data --root root \
        /bin/busybox sh "$@" >out 2>err
}

# The same, and QEMU ends by SIGKILL when the script prints "ready".
ouro_cut() {
    rm -f pid
    printf '#!/bin/sh\necho $$ >pid\nexec qemu-system-x86_64 "$@"\n' >noted
    chmod +x noted
    OURO_QEMU=$temp/noted ouro "$@" &
    job=$!
    while ! grep -q '^ready$' out 2>/dev/null && kill -0 $job 2>/dev/null; do sleep 0.1; done
    kill -KILL "$(cat pid)" 2>/dev/null
    wait $job
}

# needs_replay WHAT
needs_replay() {
    dumpe2fs -h disk 2>/dev/null | grep -q needs_recovery || bad "$1: there is no journal to replay"
}

# turns OPTIONS...: of mke2fs.
turns() {
    rm -f disk out
    truncate -s 64M disk
    mke2fs -q -F -t ext4 "$@" disk || exit 1
    linux_boot disk first-cut
    grep -Eq 'No such|rror' linux.out && { bad "$*: Linux"; show linux.out; }
    needs_replay "$*: Linux"
    ouro_cut /second
    grep -Eq '^as it was: 7[0-9][0-9] files' out || { bad "$*: Ouro on Linux's volume"; show out; show err; }
    needs_replay "$*: Ouro"
    linux_boot disk third || bad "$*: Linux on Ouro's volume"
    grep -Eq '^as it was: 1[0-9][0-9][0-9] files' linux.out || { bad "$*: Linux on Ouro's volume"; show linux.out; }
    e2fsck -fn disk >fsck 2>&1 || { bad "$*: e2fsck after Linux"; show fsck; }
    ouro /fourth
    grep -q '^as it was: ' out || { bad "$*: Ouro at last"; show out; show err; }
    e2fsck -fn disk >fsck 2>&1 || { bad "$*: e2fsck at last"; show fsck; }
}

mkdir root
cp second fourth root/
turns -b 4096
if [ -n "${ALL:-}" ]; then # ALL=1: other formats
    turns -b 1024 -O metadata_csum_seed,orphan_file
    turns -b 2048 -O ^metadata_csum,^64bit
    turns -b 1024 -O ^metadata_csum,uninit_bg
fi
finish
