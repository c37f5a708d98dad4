# shellcheck shell=bash disable=SC2034,SC2154 # of prepare.sh
# SPDX-License-Identifier: MIT
# upstream FILE...: in place of prepare.sh's fetch: unpacks of upstream's tar of $source these files (none: all) as $tree, once.
# With $release the tar is that release of Debian's: the archive may have lost the files of its own.
upstream() {
    [ -e "$tree/.unpacked" ] && return
    local apt=$scoreboard/.apt${release-} archive version
    mkdir -p "$apt"
    exec 9> "$apt/lock"
    flock 9
    sources
    if [ -n "${release-}" ]; then
        archive=$(sed -n 's/^URIs: *\([^ ]*\).*/\1/p; s/^deb.* \(http[^ ]*\) .*/\1/p' "$apt"/sources/* | head -n 1)
        rm -f "$apt"/sources/*
        echo "deb-src $archive $release main" > "$apt/sources/release.list"
        private apt-get update > "$apt/log" 2>&1 || absent "$(grep -m 1 '^E:' "$apt/log")"
    fi
    rm -rf "$folder/download" "$tree"
    mkdir -p "$folder/download" "$tree"
    for version in $(private apt-cache madison "$source" | awk '{ print $3 }'); do # an archive may lack its newest
        (cd "$folder/download" && private apt-get source --download-only --tar-only "$source=$version") > "$apt/log" 2>&1 && break
    done
    exec 9>&-
    tar -xf "$folder/download/$source"_*.orig.tar.* -C "$tree" --strip-components=1 --wildcards "$@" 2> "$folder/unpack.log" ||
        absent "apt has no source of $source: $(grep -m 1 '^E:' "$apt/log")"
    echo "$source $version" > "$folder/version"
    touch "$tree/.unpacked"
}
