#!/bin/sh
# SPDX-License-Identifier: MIT
# databases.sh FOLDER: the databases of boot.databases, programs.postgres and `ouro bench postgres`, unpacked in one folder by root.sh.
exec "$(dirname -- "$0")/root.sh" "$1" bash busybox-static coreutils dash postgresql-15/postgresql-16/postgresql-17 redis-server redis-tools
