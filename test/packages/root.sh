#!/bin/sh
# SPDX-License-Identifier: MIT
#
# root.sh FOLDER PACKAGE...: unpacks Debian packages, with all that they depend on, into FOLDER, and installs nothing: no
# script of a package runs (configure.sh makes what some of them would). FOLDER is then a --sysroot. What is unpacked
# already stays until the list changes. PACKAGE may be A/B/C: the first of these that the archives have.
#
# Packages come from the archives that this machine's apt is configured for, checked by apt's signed index; of what
# several archives offer, Debian's own is taken. apt's state and the .debs are kept in FOLDER/../.apt (OURO_APT: another
# folder). Status 77, with one sentence: the packages are not to be had here.
set -eu

[ $# -ge 2 ] || { echo "usage: root.sh FOLDER PACKAGE..." >&2 && exit 125; }
folder=$1
shift
mkdir -p "$(dirname -- "$folder")"
folder=$(cd -- "$(dirname -- "$folder")" && pwd)/$(basename -- "$folder")
apt=${OURO_APT:-$(dirname -- "$folder")/.apt}
list=$*

absent() {
    echo "skip: cannot unpack the packages $list: $1" >&2
    exit 77
}

# Runs apt's command with a state of our own, in which nothing is installed.
private() {
    command=$1
    shift
    LC_ALL=C "$command" -q -o "Dir::State=$apt/state" -o "Dir::State::status=$apt/status" -o "Dir::Cache=$apt/cache" \
        -o "Dir::Etc::Preferences=$apt/preferences" -o APT::Sandbox::User= -o Acquire::Retries=2 "$@"
}

# The index is fetched again after a day: archives drop what they have replaced.
update() {
    mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial"
    : > "$apt/status"
    printf 'Package: *\nPin: release o=Debian\nPin-Priority: 990\n' > "$apt/preferences"
    [ -n "$(find "$apt/updated" -mtime -1 2> /dev/null)" ] && return
    private apt-get update > "$apt/log" 2>&1 || absent "$(grep '^E:' "$apt/log" | head -n 1)"
    touch "$apt/updated"
}

# offered A/B/C: the first that the archives have, or the last.
offered() {
    rest=$1
    while [ "${rest#*/}" != "$rest" ] && ! private apt-cache policy "${rest%%/*}" | grep -q '^  Candidate: [^(]'; do
        rest=${rest#*/}
    done
    echo "${rest%%/*}"
}

# The .debs of the packages and of what they depend on: their paths.
debs() {
    private apt-get install --download-only --no-install-recommends -y "$@" > "$apt/log" 2>&1 ||
        absent "$(grep '^E:' "$apt/log" | head -n 1)"
    private apt-get install -s --no-install-recommends "$@" > "$apt/plan"
    sed -n 's/^Inst \([^ ]*\) (\([^ ]*\) .* \[\([a-z0-9][a-z0-9]*\)\].*/\1 \2 \3/p' "$apt/plan" | while read -r name version architecture; do
        echo "$apt/cache/archives/${name}_$(echo "$version" | sed 's/:/%3a/')_$architecture.deb"
    done
}

for tool in apt-get dpkg-deb flock; do
    command -v $tool > /dev/null || absent "this computer has no $tool"
done
mkdir -p "$apt"
exec 9> "$apt/lock"
flock 9
configure=$(dirname -- "$0")/configure.sh
[ "$(cat "$folder.list" 2> /dev/null)" = "$list" ] && exec "$configure" "$folder"
update
for package; do
    shift
    set -- "$@" "$(offered "$package")"
done
files=$(debs "$@")
rm -rf -- "$folder" "$folder.list"
rm -rf -- "$folder.new"
mkdir -p "$folder.new/etc"
for name in bin lib lib32 lib64 libx32 sbin; do # as every Debian has them
    mkdir -p "$folder.new/usr/$name"
    ln -s "usr/$name" "$folder.new/$name"
done
for file in $files; do
    [ -f "$file" ] || absent "${file##*/} is not there"
    dpkg-deb --fsys-tarfile "$file" | tar -x -p -C "$folder.new" --keep-directory-symlink
done
"$configure" "$folder.new"
mv -T -- "$folder.new" "$folder"
echo "$list" > "$folder.list"
