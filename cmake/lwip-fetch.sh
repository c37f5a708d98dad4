#!/bin/sh
# SPDX-License-Identifier: MIT
# lwip-fetch.sh FOLDER: lwIP's sources, as Debian's source package has them, unpacked in FOLDER, which must not exist. The
# archive stays beside it and is not fetched again. Where to fetch from, and through which proxy, is what this
# machine's apt is configured for, of which only a private state is changed; the sum below says what is right.
set -eu

file=lwip_2.1.3+dfsg1.orig.tar.xz
sum=0a8276d09fc4e97bbba2f953d74af2388fc2195ea156be9d7589e297a68fde24
pool=pool/main/l/lwip
# Has what mirrors no longer have.
snapshot=http://snapshot.debian.org/archive/debian/20240101T000000Z

folder=$1
cache=$(dirname -- "$folder")
mkdir -p "$cache"
scratch=$(mktemp -d "$cache/fetch.XXXXXX")
trap 'rm -rf -- "$scratch"' EXIT
# apt's own user downloads, if this is root.
chmod 755 "$scratch"

right() {
    echo "$sum  $1" | sha256sum --check --status 2>/dev/null
}

# The archives that this machine's apt knows, with the releases of this package's distribution first.
archives() {
    mkdir -p "$scratch/state/lists/partial" "$scratch/cache/archives/partial"
    apt-get update --print-uris -o "Dir::State=$scratch/state" -o "Dir::Cache=$scratch/cache" 2>/dev/null |
        sed -n "s,^'\([^']*\)/dists/.*,\1,p" | awk '!seen[$0]++'
    echo "$snapshot"
}

fetch() {
    for tool in /usr/lib/apt/apt-helper apt-get; do
        command -v "$tool" >/dev/null || return 1
    done
    for archive in $(archives); do
        /usr/lib/apt/apt-helper -o "Dir::State=$scratch/state" -o "Dir::Cache=$scratch/cache" -o Acquire::Retries=2 \
            download-file "$archive/$pool/$file" "$scratch/$file" "SHA256:$sum" >/dev/null 2>&1 || continue
        right "$scratch/$file" && return
    done
    return 1
}

if ! right "$cache/$file"; then
    if ! fetch; then
        echo "lwIP 2.1.3, which the network needs, is not to be had from this machine's Debian archives:" \
            "connect to the network once, put $file (of Debian's source package lwip) into $cache," \
            "or configure with -DOURO_LWIP_DIR=FOLDER, where an unpacked tree is" >&2
        exit 1
    fi
    mv -- "$scratch/$file" "$cache/$file"
fi
mkdir "$scratch/tree"
tar -xf "$cache/$file" -C "$scratch/tree" --strip-components=1
# Another build may have been faster.
mv -T -- "$scratch/tree" "$folder" 2>/dev/null || [ -d "$folder" ]
