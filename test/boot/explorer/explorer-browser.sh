#!/bin/sh
# SPDX-License-Identifier: MIT
# The explorer's page in Debian's Chromium, which is unpacked and not installed: browser.py. PICTURES=FOLDER keeps the pictures.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
export OURO TMPDIR="$temp" SOURCE="$top" BUILD="${BUILD:-$top/build}" PYTHONDONTWRITEBYTECODE=1
root=${BROWSER:-$BUILD/packages/browser}
"$top/test/packages/root.sh" "$root" chromium chromium-driver python3-selenium fonts-dejavu-core >"$temp/log" 2>&1
status=$?
[ "$status" -eq 0 ] || { show "$temp/log"; exit "$status"; }
python3 "$here/browser.py" "$root" "${PICTURES:-$temp}" || bad 'browser.py'
finish
