#!/bin/sh
# SPDX-License-Identifier: MIT
# Disk images of each kind boot under BIOS and UEFI, and the same input gives the same bytes.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1

# refuses SENTENCE ARGS...: the tool prints the sentence and makes nothing.
refuses() {
    sentence=$1
    shift
    "$OURO" "$@" >out 2>errors
    status=$?
    [ "$status" -eq 125 ] || bad "status $status: $*"
    grep -qF -- "$sentence" errors || { bad "no '$sentence': $*"; show errors; }
}

# Another folder, another time and another time zone: the same bytes.
mkdir -p first/root/etc second
printf '#!/bin/busybox sh\necho "it runs: $*"\nexit 7\n' >first/start
chmod +x first/start
echo text >first/root/etc/file
ln first/root/etc/file first/root/etc/other
cp -a first/. second
# make FOLDER FILE ARGUMENTS...
make() {
    folder=$1 file=$2
    shift 2
    (cd "$folder" && "$OURO" image --root root --with /bin/busybox --append 'console=ttyS0 exit=0xf4' "$@" ./start a -o "$temp/$file" 2>"$temp/err") ||
        { bad "image $file"; show err; }
}
make first a.iso
sleep 2.1 # the step of FAT's times
TZ=Asia/Tokyo make second b.iso
cmp a.iso b.iso || bad 'two images of the same input differ'
# Another day: every program's clock is 400 days ahead.
cat >ahead.c <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>
#define AHEAD (400 * 86400)
int clock_gettime(clockid_t id, struct timespec *t)
{
    int (*real)(clockid_t, struct timespec *) = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(id, t);
    if (id == CLOCK_REALTIME && result == 0)
        t->tv_sec += AHEAD;
    return result;
}
time_t time(time_t *out)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    if (out)
        *out = t.tv_sec;
    return t.tv_sec;
}
int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    (void)zone;
    *out = (struct timeval){.tv_sec = time(NULL)};
    return 0;
}
C
gcc -shared -fPIC -O -o ahead.so ahead.c || bad 'the other clock'
[ "$(LD_PRELOAD="$temp/ahead.so" date +%s)" -gt $(($(date +%s) + 34000000)) ] || bad 'the other day is today'
LD_PRELOAD="$temp/ahead.so" make second e.iso
cmp a.iso e.iso || bad 'on another day the image differs'
SOURCE_DATE_EPOCH=1234567890 make first c.iso
SOURCE_DATE_EPOCH=1234567890 make second d.iso
cmp c.iso d.iso || bad 'with SOURCE_DATE_EPOCH two images differ'
cmp -s a.iso c.iso && bad 'SOURCE_DATE_EPOCH changes nothing'
make first a.qcow2
TZ=Asia/Tokyo make second b.qcow2
cmp a.qcow2 b.qcow2 || bad 'two qcow2 images of the same input differ'
SOURCE_DATE_EPOCH=soon refuses 'SOURCE_DATE_EPOCH=soon is not a number of seconds' image first/start -o no.iso

make first a.raw
make first a.vmdk
make first a.vdi
make first disk.bin --format raw
cmp a.raw disk.bin || bad '--format raw is not what the name .raw gives'
[ $(($(wc -c <a.raw) % 1048576)) -eq 0 ] || bad 'a raw disk is not of whole MiB'
for kind in raw qcow2 vmdk vdi; do
    file=a.$kind
    for firmware in '' '-bios /usr/share/ovmf/OVMF.fd'; do
        # shellcheck disable=SC2086 # two words
        timeout $((120 * ${SLOW:-1})) qemu-system-x86_64 -accel tcg -display none -vga none -m 128 -net none -serial file:serial \
            -device isa-debug-exit,iobase=0xf4 -drive "file=$file,format=$kind,if=ide" $firmware >out 2>err
        { grep -q 'it runs: a' serial && grep -q 'ended with status 7' serial; } ||
            { bad "$file does not boot $firmware"; show serial; show err; }
    done
done

# An OCI artifact: skopeo and umoci read it, and kernel, files and words of its annotations boot.
make first a.oci
TZ=Asia/Tokyo make second b.oci
cmp a.oci b.oci || bad 'two OCI artifacts of the same input differ'
{ skopeo copy -q oci-archive:a.oci oci:layout:v && umoci unpack --rootless --image layout:v bundle; } >out 2>err || { bad 'a.oci'; show err; }
word() {
    jq -r '."com.urunc.unikernel.'"$1"'" | @base64d' bundle/rootfs/urunc.json
}
manifest=layout/blobs/sha256/$(jq -r '.manifests[0].digest' layout/index.json | cut -d: -f2)
[ "$(jq -Sc .annotations "$manifest")" = "$(jq -Sc . bundle/rootfs/urunc.json)" ] || bad 'urunc.json is not what the annotations are'
[ "$(word unikernelType) $(word hypervisor)" = 'linux qemu' ] || bad 'the type of the unikernel'
timeout $((60 * ${SLOW:-1})) qemu-system-x86_64 -accel tcg -display none -vga none -m 128 -net none -serial file:serial -device isa-debug-exit,iobase=0xf4 \
    -kernel "bundle/rootfs$(word binary)" -initrd "bundle/rootfs$(word initrd)" -append "$(word cmdline)" >out 2>err
grep -q 'it runs: a' serial || { bad 'the artifact does not boot'; show serial; show err; }

# A domain of libvirt.
make first 'it'"'"'s & <odd>.qcow2' --libvirt "$temp/domain.xml" --hostname box
python3 - domain.xml "$temp/it's & <odd>.qcow2" <<'P' || bad 'domain.xml'
import sys, xml.etree.ElementTree as e
d = e.parse(sys.argv[1]).getroot()
assert d.find('name').text == 'box', 'name'
assert d.find('devices/disk/source').get('file') == sys.argv[2], 'file'
assert d.find('devices/disk/driver').get('type') == 'qcow2', 'type'
assert d.find('memory').get('unit') == 'KiB' and int(d.find('memory').text) >= 131072, 'memory'
P
make first x.iso --libvirt "$temp/cd.xml"
grep -q "device='cdrom'" cd.xml || bad 'an ISO is no CD'
libvirt=${PACKAGES:-$top/build/packages}/libvirt # its schema is the judge, where it is to be had
if "$top/test/packages/root.sh" "$libvirt" libvirt-common/libvirt0 libxml2-utils >log 2>&1; then
    for domain in domain cd; do
        "$libvirt/lib64/ld-linux-x86-64.so.2" --library-path "$libvirt/usr/lib/x86_64-linux-gnu" "$libvirt/usr/bin/xmllint" --noout \
            --relaxng "$libvirt/usr/share/libvirt/schemas/domain.rng" $domain.xml >out 2>&1 || { bad "libvirt: $domain.xml"; show out; }
    done
else
    echo "without libvirt's schema: $(tail -n 1 log)"
fi
refuses '--libvirt describes a disk image, and --format oci makes none' image first/start -o no.iso --format oci --libvirt no.iso
refuses 'ouro iso writes an ISO image; ouro image writes this kind of file' iso first/start -o no.oci

refuses 'ouro iso writes an ISO image; ouro image writes this kind of file' iso first/start -o x.qcow2
refuses 'the choice is between iso, raw, qcow2, vmdk, vdi and oci' image first/start -o x --format floppy
refuses '-o x.vhdx: no kind of image has this name: choose by --format' image first/start -o x.vhdx
refuses 'image needs the name of the image: -o FILE' image first/start
refuses 'image needs a program: ouro image PROGRAM' image -o x.raw
for file in no.iso x x.qcow2 x.vhdx x.raw; do
    [ ! -e $file ] || bad "$file was made in spite of that"
done
finish
