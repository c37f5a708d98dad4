#!/bin/sh
# SPDX-License-Identifier: MIT
# servers.sh FOLDER: the packages of docs/recipes.md and of `ouro bench net`, unpacked in one folder by root.sh.
exec "$(dirname -- "$0")/root.sh" "$1" base-passwd bind9-dnsutils busybox-static ca-certificates curl dash haproxy iputils-ping libc-bin \
    libeclipse-jdt-core-java lighttpd media-types memcached nginx nodejs openjdk-17-jre-headless/openjdk-21-jre-headless openssl php8.2-cli/php8.3-cli/php8.4-cli php8.2-fpm/php8.3-fpm/php8.4-fpm python3 redis-server redis-tools wrk
