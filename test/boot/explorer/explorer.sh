#!/bin/sh
# SPDX-License-Identifier: MIT
# `ouro explore` over HTTP: explorer.py.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
export OURO TMPDIR="$temp" SOURCE="$top" BUILD="${BUILD:-$top/build}" PYTHONDONTWRITEBYTECODE=1
python3 "$here/explorer.py" || bad 'explorer.py'
finish
