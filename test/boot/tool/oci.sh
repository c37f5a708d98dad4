#!/bin/sh
# SPDX-License-Identifier: MIT
# Container images: what umoci unpacks is what the machine has, in each form that skopeo writes; the image's settings and those
# typed; hostile and damaged images get a sentence.
# shellcheck disable=SC2016 # the shell of the machine expands
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1
export TMPDIR="$temp" SOURCE_DATE_EPOCH=1700000000

# run ARGS...: output in `out`, messages in `errors`, status in $status.
run() {
    "$OURO" run --machine microvm "$@" >out 2>errors </dev/null
    status=$?
}

# says FILE TEXT WHAT
says() {
    grep -qF -- "$2" "$1" || { bad "$3: no '$2'"; show out; show errors; }
}

# refuses STATUS SENTENCE ARGS...
refuses() {
    wanted=$1 sentence=$2
    shift 2
    run "$@"
    [ "$status" -eq "$wanted" ] || bad "status $status, not $wanted: $*"
    says errors "$sentence" "$*"
}

umoci() {
    command umoci "$@" >umoci.out 2>&1 || { bad "umoci $*"; show umoci.out; }
}

# Three layers, each with changes of the one below: files, folders for files, links for folders, hard links.
umoci init --layout lay
umoci new --image lay:v
umoci unpack --rootless --image lay:v bundle
root=bundle/rootfs
mkdir -p $root/bin $root/etc $root/srv/www $root/old/deep $root/gone/x $root/var/empty
cp /bin/busybox $root/bin/
for name in sh cat ls id env pwd httpd find stat sleep hostname kill; do ln -s busybox $root/bin/$name; done
printf 'root:x:0:0:root:/root:/bin/sh\nweb:x:33:34:web:/srv/www:/bin/sh\n' >$root/etc/passwd
printf 'root:x:0:\nweb:x:34:\nextra:x:77:web\n' >$root/etc/group
echo one >$root/old/a
echo two >$root/old/deep/b
echo hello >$root/srv/www/index.html
ln $root/srv/www/index.html $root/srv/www/second.html
: >$root/etc/hosts
: >$root/gone/x/y
ln -s old $root/link
umoci repack --refresh-bundle --image lay:v bundle
rm -r $root/old/a $root/gone $root/link
mkdir $root/link
echo new >$root/link/file
echo more >$root/srv/www/third.html
rm -r $root/old/deep
echo file >$root/old/deep
umoci repack --refresh-bundle --image lay:v bundle
mkdir $root/gone
chmod 750 $root/gone
ln -s ../../../../../etc $root/gone/out
echo last >$root/gone/z
umoci repack --refresh-bundle --image lay:v bundle
umoci config --image lay:v --config.entrypoint /bin/sh --config.entrypoint -c --config.env A=1 --config.env PATH=/bin \
    --config.cmd 'id; echo "$A $HOME $(pwd)"; grep -c localhost /etc/hosts' --config.workingdir /srv/www --config.user web --config.exposedports 80/tcp
[ "$(find lay/blobs/sha256 -size +1k | wc -l)" -ge 1 ] || bad 'no layers'
skopeo copy -q oci:lay:v oci-archive:a.tar:v || bad 'skopeo a.tar'
skopeo copy -q oci:lay:v docker-archive:d.tar:busy:v || bad 'skopeo d.tar'
skopeo copy -q --dest-compress-format zstd oci:lay:v oci:zstd:v || bad 'skopeo zstd'
gzip -k d.tar
tar -C $root -cf root.tar . || bad 'root.tar'

# Names, kinds, modes and sizes, but of what the machine adds.
listing='find / -path /proc -prune -o -path /sys -prune -o -path /dev -prune -o -type d -o -exec stat -c "%n %a %s %h %F" "{}" +; cat /old/* /link/* /gone/z; ls -d /old /gone /srv/www /var/empty'
(cd $root && find . ! -type d ! -path ./etc/hosts -exec stat -c '%n %a %s %h' {} + | sed 's/^\.//' | LC_ALL=C sort) >wanted
for image in lay lay:v a.tar d.tar d.tar.gz d.tar:v d.tar:busy:v zstd:v; do
    run --user root -w / --oci $image "$listing"
    [ $status -eq 0 ] || { bad "$image: status $status"; show errors; }
    sed -n 's/^\(\/[^ ]* [0-7]* [0-9]* [0-9]*\) .*/\1/p' out | grep -vE '^/(etc|tmp|run|sbin)/(hosts|nsswitch.conf|os-release|services|protocols|machine-id|shells|mtab|localtime|resolv.conf|ouro-init)' | LC_ALL=C sort >is
    cmp -s wanted is || { bad "$image: other files than umoci's"; diff wanted is | head -20; }
    says out last $image
done
run --oci root.tar /bin/sh -c "$listing"
sed -n 's/^\(\/[^ ]* [0-7]* [0-9]* [0-9]*\) .*/\1/p' out | grep -vE '^/(etc|tmp|run|sbin)/(hosts|nsswitch.conf|os-release|services|protocols|machine-id|shells|mtab|localtime|resolv.conf)' | LC_ALL=C sort >is
cmp -s wanted is || { bad 'root.tar: other files'; diff wanted is | head -20; }

# The image's settings, and those typed.
run --oci lay
says out 'uid=33(web) gid=34(web) groups=77(extra)' user
says out '1 /srv/www /srv/www' environment
says out 2 hosts
run --oci lay -e A=2 --user 0 -w /tmp --hostname box 'id; echo "$A $HOME $(pwd) $(hostname)"; exit 9'
[ $status -eq 9 ] || bad "status $status, not 9"
says out 'uid=0(root)' --user
says out '2 /root /tmp box' 'typed settings'

run --oci lay 'cat /etc/debian_version; exit 1'
grep -q 'was not packed' errors && bad "a container is told of this computer's files"

# Processor of another kind, no program, tags.
umoci new --image lay:arm
umoci config --image lay:arm --architecture arm64
refuses 126 'is for linux/arm64, and Ouro runs programs for linux/amd64' --oci lay:arm
refuses 125 'has several images: choose with --oci IMAGE:TAG from: v, arm' --oci lay
refuses 125 'nothing of that name for linux/amd64: choose with --oci IMAGE:TAG' --oci lay:w
refuses 125 'names no program: name one after it' --oci root.tar
refuses 127 'nowhere: there is no such program in the image' --oci root.tar nowhere
refuses 125 '--oci none: No such file' --oci none
refuses 125 'has no index.json of an OCI layout; a root folder goes with --root' --oci bundle
refuses 125 '--oci brings its own root folder' --oci root.tar --root bundle/rootfs /bin/sh
refuses 125 'cannot be used' --oci /etc/passwd

# A server: its port is named on a terminal, and the stop signal reaches it.
umoci config --image lay:v --tag web --config.stopsignal SIGUSR1 --config.entrypoint /bin/sh --config.entrypoint -c \
    --config.cmd 'trap "echo stopped; exit 4" USR1; httpd -p 80; echo ready; while :; do sleep 0.1; done' --config.user root
script -qec "$OURO run --machine microvm --oci lay:web true" typed >/dev/null 2>&1 </dev/null
says typed 'the image serves port 80: -p 8080:80 leads there' 'the terminal'
"$OURO" run --machine microvm --oci lay:web -p 0:80 >out 2>errors </dev/null &
server=$!
for _ in $(seq 200); do
    grep -q ready out && break
    sleep 0.1
done
port=$(sed -n 's/.*localhost:\([0-9]*\).*/\1/p' errors | head -n 1)
busybox wget -q -O page "http://127.0.0.1:$port/index.html" || bad 'no page'
says page hello page
kill "$server"
wait "$server"
status=$?
[ $status -eq 143 ] || [ $status -eq 4 ] || bad "status $status at the stop signal"
says out stopped 'stop signal'

# Damaged and hostile images.
blob=$(find lay/blobs/sha256 -size +100k)
cp -r lay changed
chmod u+w "changed/${blob#lay/}"
printf x | dd of="changed/${blob#lay/}" bs=1 seek=1000 conv=notrunc 2>/dev/null
refuses 125 'the blob has another SHA-256' --oci changed:v
truncate -s -1 "changed/${blob#lay/}"
refuses 125 'the blob does not have the size that the image names' --oci changed:v
rm -f "changed/${blob#lay/}"
refuses 125 'the blob is not there' --oci changed:v
python3 - <<'P'
import io, json, tarfile
def tar(name, entries):
    with tarfile.open(name, 'w') as t:
        for path, kind, value in entries:
            i = tarfile.TarInfo(path)
            if kind == 'f':
                i.size = len(value)
                t.addfile(i, io.BytesIO(value))
            else:
                i.type, i.linkname = {'l': tarfile.SYMTYPE, 'h': tarfile.LNKTYPE}[kind], value
                t.addfile(i)
tar('out.tar', [('../../escape', 'f', b'x')])
tar('hard.tar', [('passwd', 'h', '../../../etc/passwd')])
tar('loop.tar', [('l', 'l', 'l/x'), ('l/f', 'f', b'x')])
tar('inner.tar', [('x', 'f', b'x')])
tar('far.tar', [('manifest.json', 'f', json.dumps([{'Config': '../../../etc/passwd', 'Layers': []}]).encode())])
tar('linked.tar', [('manifest.json', 'f', json.dumps([{'Config': 'c', 'Layers': ['/etc/passwd']}]).encode()),
                   ('c', 'f', b'{}')])
P
refuses 125 '../../escape: its name is that of the root, or has .. in it' --oci out.tar /bin/sh
refuses 125 'passwd: its name is that of the root, or has .. in it' --oci hard.tar /bin/sh
refuses 125 'its path has too many symbolic links' --oci loop.tar /bin/sh
refuses 125 '../../../etc/passwd: it is not there' --oci far.tar /bin/sh
refuses 125 '/etc/passwd: the layer is not there' --oci linked.tar /bin/sh
[ ! -e ../../escape ] || bad 'a file was made outside'

# An image of a container is the same, byte for byte.
for file in one.iso two.iso; do
    "$OURO" image --oci lay:web -o $file 2>errors || { bad 'ouro image'; show errors; }
done
cmp one.iso two.iso || bad 'two images of a container differ'
finish
