#!/bin/sh
# SPDX-License-Identifier: MIT
# --sbom: each file with its package, version and licence, of this computer's packages and of a container's own; the same bytes
# each time; and the texts of licences on the image.
# shellcheck disable=SC2016 # of jq
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1

# make NAME ARGS...: NAME.iso and NAME.json.
make() {
    name=$1
    shift
    "$OURO" image "$@" -o "$name.iso" --sbom "$name.json" >out 2>errors || { bad "image $name"; show errors; }
}

# is NAME QUERY WANTED: what jq says of the document.
is() {
    said=$(jq -r "$2" "$1.json") || bad "$1.json is no JSON"
    [ "$said" = "$3" ] || bad "$1: $2: '$said', not '$3'"
}

# owner FILE: a query for the package that has it.
owner() {
    echo "(.files[] | select(.fileName == \"$1\").SPDXID) as \$f | (.relationships[] | select(.relatedSpdxElement == \$f and .relationshipType == \"CONTAINS\").spdxElementId) as \$p | .packages[] | select(.SPDXID == \$p).name"
}

# package NAME FIELD
package() {
    echo ".packages[] | select(.name == \"$1\").$2"
}

echo data >own
make host --with own /bin/bash
is host .spdxVersion SPDX-2.3
is host .dataLicense CC0-1.0
is host '[.files[] | select((.checksums | length) != 2)] | length' 0
is host '([.packages[].SPDXID] + [.files[].SPDXID] | length) - ([.packages[].SPDXID] + [.files[].SPDXID] | unique | length)' 0
is host '[.packages[].SPDXID, .files[].SPDXID, .SPDXID] as $all | [.relationships[] | .spdxElementId, .relatedSpdxElement] - $all | length' 0
is host '.files[] | select(.fileName == "./own").checksums[] | select(.algorithm == "SHA256").checksumValue' "$(sha256sum own | cut -d' ' -f1)"
is host '.files[] | select(.fileName == "./own").checksums[] | select(.algorithm == "SHA1").checksumValue' "$(sha1sum own | cut -d' ' -f1)"
is host "$(owner ./usr/bin/bash)" bash
is host "$(owner ./own)" bash # the image is named after its program
is host '(.files[] | select(.fileName == "./own").SPDXID) as $f | .relationships[] | select(.relatedSpdxElement == $f).spdxElementId' SPDXRef-Image
is host '.files[] | select(.fileName | endswith("/libc.so.6")).fileName as $n | $n | endswith("libc.so.6")' true
is host "$(package libc6 versionInfo)" "$(dpkg-query -W -f '${Version}' libc6)"
is host "$(package grub-pc-bin licenseDeclared)" GPL-3.0-or-later
is host "$(package ouro licenseDeclared)" MIT
is host "$(package lwip licenseDeclared)" BSD-3-Clause
make again --with own /bin/bash
cmp host.json again.json || bad 'two documents of one image differ'
cmp host.iso again.iso || bad 'two images differ'

for name in bash libc6 grub-pc-bin ouro lwip common/GPL-3; do
    xorriso -osirrox on -indev host.iso -extract "/licences/$name" "text-$(basename $name)" >out 2>&1 || bad "no licence of $name on the image"
done
cmp text-GPL-3 /usr/share/common-licenses/GPL-3 || bad 'the text of the GPL'
cmp text-bash /usr/share/doc/bash/copyright || bad "bash's copyright"
"$OURO" image --format oci /bin/bash -o host.oci && tar xf host.oci && for layer in blobs/sha256/*; do tar tf "$layer" 2>/dev/null; done >list
grep -q '^licences/common/GPL-3$' list || bad 'no licences in the artifact'

# The databases of containers.
mkdir -p deb/bin deb/var/lib/dpkg/info apk/bin apk/lib/apk/db
cp /bin/busybox deb/bin/tool
cp /bin/busybox apk/bin/tool
printf 'Package: tool\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:2.0+x~1\n\nPackage: other\nVersion: 9\n' >deb/var/lib/dpkg/status
printf '/.\n/bin\n/bin/tool\n' >deb/var/lib/dpkg/info/tool:amd64.list
printf '/.\n/none\n' >deb/var/lib/dpkg/info/other.list
printf 'C:x\nP:tool\nV:1.2-r3\nA:x86_64\nL:MIT\nF:bin\nR:tool\n\nP:other\nV:1\nL:GPL\nF:usr\nR:none\n' >apk/lib/apk/db/installed
tar -C deb -cf deb.tar . && tar -C apk -cf apk.tar .
make deb --oci deb.tar /bin/tool true
make apk --oci apk.tar /bin/tool true
is deb "$(owner ./bin/tool) + \" \" + \$p" "tool SPDXRef-Package-$(jq '[.packages[] | select(.SPDXID | startswith("SPDXRef-Package-"))] | map(.name) | index("tool")' deb.json)"
is deb '.packages[] | select(.name == "tool" and .versionInfo).externalRefs[0].referenceLocator' 'pkg:deb/debian/tool@1%3A2.0%2Bx%7E1?arch=amd64'
is deb '[.packages[] | select(.name == "other")] | length' 0
is apk '.packages[] | select(.name == "tool" and .versionInfo) | .versionInfo + " " + .licenseDeclared + " " + .externalRefs[0].referenceLocator' '1.2-r3 MIT pkg:apk/alpine/tool@1.2-r3?arch=x86_64'
finish
