#!/bin/sh
# SPDX-License-Identifier: MIT
# ext4.sh GROUP: ext4 on a disk of the machine; e2fsck -fn judges each image.
#   files    what Linux's tools have made is read; files, links, holes, attributes, a program and sqlite are on it
#   ends     a full disk, a read-only mount, features that Ouro lacks, the end by --timeout
#   bad      sectors of a file and of the journal are bad (blkdebug): EIO, and the machine goes on
#   killed   QEMU ends by SIGKILL while sqlite writes; what sqlite has committed is there after the next boot
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
group=${1:-files}
cd "$temp" || exit 1
PATH=$PATH:/usr/sbin:/sbin
busybox=/bin/busybox

# boot ARGS...
boot() {
    "$OURO" run --medium direct --machine microvm --timeout $((100 * ${SLOW:-1})) ${KERNEL:+--kernel "$KERNEL"} "$@" >out 2>err
}

# make SIZE OPTIONS...
make() {
    rm -f disk
    truncate -s "$1" disk
    shift
    mke2fs -q -F -t ext4 "$@" disk || exit 1
}

judge() {
    e2fsck -fn disk >fsck 2>&1 || { bad "$1: e2fsck found errors"; show fsck; show err; }
}

# expect_line FILE PATTERN WHAT
expect_line() {
    grep -Eq -e "$2" "$1" || { bad "$3: no line '$2'"; show out; show err; }
}

# on_disk COMMAND: debugfs of this computer.
on_disk() {
    debugfs -R "$1" disk 2>/dev/null
}

files() {
    mkdir -p tree/folder
    echo 'from this computer' >tree/hello
    head -c 3000000 /dev/urandom >tree/folder/large
    sum=$(md5sum <tree/folder/large)
    mkdir root
    cat >root/script <<'S'
cd /data || exit 1
cat hello
md5sum <folder/large
mkdir new && cp folder/large new/copy && md5sum <new/copy
echo text >new/a && mv new/a new/b && ln new/b new/c && ln -s b new/d && cat new/d
printf x | dd of=new/hole bs=1 seek=1000000 2>/dev/null
stat -c 'hole %s %b' new/hole
cp /bin/busybox busybox && ./busybox echo a program on the disk
i=0
while [ $i -lt 500 ]; do echo $i >new/a-file-with-a-long-name-$i; i=$((i + 1)); done
rm -f new/a-file-with-a-long-name-1*
ls new | wc -l
touch -d '2040-05-06 07:08:09' new/later
sqlite3 t.db 'create table t(a, b); with recursive c(x) as (select 1 union all select x + 1 from c where x < 20000)
    insert into t select x, hex(randomblob(20)) from c; delete from t where a % 3 = 0; vacuum; select count(*), sum(a) from t;
    pragma integrity_check'
exec 3>gone && rm gone && echo kept open >&3
S
    for options in '-b 4096' '-b 1024' '-O metadata_csum_seed,orphan_file -E lazy_itable_init=1'; do
        # shellcheck disable=SC2086
        make 48M $options -d tree
        boot --disk disk --append mount=vda:/data --root root --with /usr/bin/sqlite3 $busybox sh /script ||
            bad "$options: the status is not 0"
        judge "$options"
        expect_line out '^from this computer$' "$options"
        [ "$(grep -c "$sum" out)" = 2 ] || { bad "$options: the large file is another"; show out; }
        expect_line out '^text$' "$options"
        expect_line out '^hole 1000001 [28]$' "$options"
        expect_line out '^a program on the disk$' "$options"
        expect_line out '^394$' "$options"
        expect_line out '^13334\|133346667$' "$options"
        expect_line out '^ok$' "$options"
        [ "$(on_disk 'cat new/c')" = text ] || bad "$options: new/c is not on the disk"
        [ "$(on_disk 'cat new/copy' | md5sum)" = "$sum" ] || bad "$options: new/copy is another on the disk"
        on_disk 'stat gone' | grep -q Inode: && bad "$options: a file without a name is there"
    done

    # On a disk reads and listings sleep in their middle.
    make 64M
    gcc -O1 -static -pthread -o root/seeks "$top/test/programs/file/seeks.c" -I "$top/test/programs" || exit 1
    boot --disk disk --append mount=vda:/data --root root $busybox sh -c '/seeks /data' || bad 'seeks: the status is not 0'
    [ "$(grep -c ': yes$' out)" = 6 ] || { bad 'a position is moved in the middle of a read, write or listing'; show out; }

    # Freed blocks go back to this computer: with -o discard when they are free, by FITRIM, and by BLKDISCARD all.
    make 48M -d tree
    cat >root/script <<'S'
grep /data /proc/mounts
dd if=/dev/urandom of=/data/fill bs=1M count=8 2>/dev/null && sync && rm /data/fill && sync
fstrim -v /data
mount -o remount,discard /data && grep -o ',discard' /proc/mounts
dd if=/dev/urandom of=/data/fill bs=1M count=8 2>/dev/null && sync && rm /data/fill /data/folder/large && sync
fstrim -v /data
mount -o remount,nodiscard /data && grep -c ',discard' /proc/mounts
mount -o remount,frob /data; fstrim /proc; cat /data/hello
S
    boot --disk disk --append mount=vda:/data --root root $busybox sh /script || bad "discard: the status is not 0"
    judge discard
    trimmed=$(sed -n 's/^.*: \([0-9]*\) bytes.*/\1/p' out | head -n 1)
    [ "${trimmed:-0}" -gt 30000000 ] || { bad 'fstrim has discarded too little'; show out; show err; }
    [ "$(grep -c '^,discard$' out)" = 1 ] || { bad 'discard is not shown once'; show out; }
    [ "$(du -k disk | cut -f 1)" -lt 6000 ] || bad "discarded blocks are still there: $(du -k disk)"
    expect_line out '^from this computer$' discard
    expect_line err 'mount: mounting .* on /data failed: Invalid argument' 'an option that is none'
    expect_line err 'fstrim: .*FITRIM.*: (Inappropriate ioctl|Not a tty)' 'fstrim of /proc'
    boot --disk disk $busybox blkdiscard /dev/vda || bad 'blkdiscard'
    [ "$(du -k disk | cut -f 1)" = 0 ] || bad 'blkdiscard has left something'
}

ends() {
    make 8M -b 1024 -m 0
    boot --disk disk --append mount=vda:/data $busybox sh -c 'dd if=/dev/zero of=/data/fill bs=4096; rm /data/fill
        dd if=/dev/zero of=/data/again bs=4096 count=500; echo kept >/data/kept; sync'
    judge 'a full disk'
    expect_line err 'No space left on device' 'a full disk'
    expect_line err '^500\+0 records out$' 'a full disk'
    [ "$(on_disk 'cat kept')" = kept ] || bad 'a full disk: the last file is not there'

    before=$(md5sum <disk)
    boot --disk disk --append mount=vda:/data:ro $busybox sh -c 'cat /data/kept; echo x >/data/new; rm /data/kept'
    expect_line out '^kept$' 'a read-only mount'
    [ "$(grep -c 'Read-only file system' err)" = 2 ] || { bad 'a read-only mount was changed'; show err; }
    boot --disk disk:ro --append mount=vda:/data:ro $busybox cat /data/kept
    expect_line out '^kept$' 'a read-only disk'
    [ "$(md5sum <disk)" = "$before" ] || bad 'a read-only mount has written'

    make 8M -b 1024 -O encrypt
    boot --disk disk $busybox sh -c 'mkdir /data; mount -t ext4 /dev/vda /data' && bad 'encrypt was mounted'
    boot -v --disk disk $busybox sh -c 'mkdir /data; mount -t ext4 /dev/vda /data'
    expect_line err 'features that Ouro lacks: encrypt$' 'a feature'

    make 8M -b 1024
    "$OURO" run --medium direct --machine microvm --timeout 4 ${KERNEL:+--kernel "$KERNEL"} --disk disk --append mount=vda:/data \
        $busybox sh -c 'echo before >/data/before; while :; do :; done' >out 2>err
    [ $? -eq 124 ] || bad '--timeout: the status is not 124'
    boot --disk disk --append mount=vda:/data $busybox true # replays the journal
    judge 'the end by --timeout'
}

killed() {
    mkdir root
    cat >root/write <<'S'
cd /data || exit 1
sqlite3 t.db 'create table if not exists t(a integer primary key, b)'
while :; do
    last=$(sqlite3 t.db 'pragma synchronous=extra; insert into t(b) values(hex(randomblob(500))); select max(a) from t')
    echo "committed $last"
done
S
    cat >root/check <<'S'
cd /data && sqlite3 t.db "pragma integrity_check; select 'last', max(a) from t"
S
    # EXTRA: the deletion of sqlite's rollback journal is durable too, and that is its commit.
    # shellcheck disable=SC2016
    printf '#!/bin/sh\nexec timeout -s KILL "$LIFE" qemu-system-x86_64 "$@"\n' >short
    chmod +x short
    make 32M -b 1024
    committed=0
    for round in 1 2 3 4 5; do
        LIFE=$((7 + round % 3)).$((round * 37 % 10))
        export LIFE OURO_QEMU="$temp/short"
        boot --disk disk --append mount=vda:/data --root root --with /usr/bin/sqlite3 $busybox sh /write
        unset OURO_QEMU
        now=$(sed -n 's/^committed //p' out | tail -n 1)
        [ -z "$now" ] || committed=$now
        boot --disk disk --append mount=vda:/data --root root --with /usr/bin/sqlite3 $busybox sh /check ||
            bad "round $round: the status is not 0"
        judge "round $round"
        expect_line out '^ok$' "round $round"
        last=$(sed -n 's/^last|//p' out)
        [ "${last:-0}" -ge "$committed" ] || bad "round $round: $committed was committed, and $last is there"
        committed=${last:-0}
    done
    [ "$committed" -gt 5 ] || bad "only $committed rows were written"
}

# The sector of a file's first data is bad, then that of the journal.
bad_sectors() {
    mkdir tree
    head -c 20000 /dev/urandom >tree/lost
    echo 'from this computer' >tree/hello
    for what in lost '<8>'; do
        make 48M -b 4096 -d tree
        sector=$(($(on_disk "blocks $what" | cut -d ' ' -f 3) * 8))
        "$OURO" run --medium direct --machine pc --timeout $((100 * ${SLOW:-1})) ${KERNEL:+--kernel "$KERNEL"} --append mount=vda:/data --qemu-arg -blockdev --qemu-arg \
            driver=file,filename=disk,node-name=file --qemu-arg -blockdev --qemu-arg \
            "driver=blkdebug,node-name=bad,image=file,inject-error.0.event=none,inject-error.0.sector=$sector,inject-error.0.errno=5" \
            --qemu-arg -device --qemu-arg virtio-blk-pci,drive=bad,werror=report,rerror=report $busybox sh -c 'cat /data/hello
            cat /data/lost >/dev/null || echo lost; echo new >/data/new; sync; sync -f /data; cat /data/hello; echo goes on' >out 2>err ||
            bad "$what is bad: the status is not 0"
        expect_line out '^goes on$' "$what is bad"
        [ "$(grep -c '^from this computer$' out)" = 2 ] || { bad "$what is bad: another file is not read"; show out; show err; }
        if [ $what = lost ]; then
            expect_line err '(I/O|Input/output) error' "$what is bad"
            expect_line out '^lost$' "$what is bad"
            [ "$(on_disk 'cat new')" = new ] || bad 'a new file beside bad sectors is not on the disk'
            judge "$what is bad"
        else
            expect_line err 'a write to the journal failed|Read-only file system' "$what is bad"
            e2fsck -fy disk >fsck 2>&1
            [ $? -le 1 ] || { bad "$what is bad: e2fsck"; show fsck; }
        fi
    done
}

case $group in
bad) bad_sectors ;;
files) files ;;
ends) ends ;;
killed) killed ;;
esac
finish
