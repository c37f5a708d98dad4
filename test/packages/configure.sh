#!/bin/sh
# SPDX-License-Identifier: MIT
#
# configure.sh FOLDER: makes in a folder of unpacked packages (root.sh) what the packages' own scripts make when they are
# installed: users, links of alternatives, the file of certificates, the pages and sites of the web servers, the list of
# graphviz' plug-ins.
set -eu
cd "$1"

# user NAME NUMBER HOME: a user and a group of this name.
user() {
    grep -q "^$1:" etc/passwd || echo "$1:x:$2:$2::$3:/usr/sbin/nologin" >> etc/passwd
    grep -q "^$1:" etc/group || echo "$1:x:$2:" >> etc/group
}

# made TEST PATH: true if the file of the package is there, and the path is not.
made() {
    [ -e "$1" ] && [ ! -e "$2" ] && [ ! -h "$2" ] && mkdir -p "$(dirname "$2")"
}

mkdir -p etc tmp run var/log var/tmp
chmod 1777 tmp var/tmp
! made usr/share/base-passwd/passwd.master etc/passwd || cp usr/share/base-passwd/passwd.master etc/passwd
! made usr/share/base-passwd/group.master etc/group || cp usr/share/base-passwd/group.master etc/group
if [ -e etc/passwd ]; then
    [ ! -e usr/bin/redis-server ] || user redis 901 /var/lib/redis
    [ ! -e usr/bin/memcached ] || user memcache 902 /nonexistent
    [ ! -e usr/sbin/haproxy ] || user haproxy 903 /var/lib/haproxy
fi
! made bin/dash bin/sh || ln -s dash bin/sh
! made etc/nginx/sites-available/default etc/nginx/sites-enabled/default ||
    ln -s ../sites-available/default etc/nginx/sites-enabled/default
! made usr/share/nginx/html/index.html var/www/html/index.nginx-debian.html ||
    cp usr/share/nginx/html/index.html var/www/html/index.nginx-debian.html
! made etc/lighttpd/conf-available/99-unconfigured.conf etc/lighttpd/conf-enabled/99-unconfigured.conf ||
    ln -s ../conf-available/99-unconfigured.conf etc/lighttpd/conf-enabled/99-unconfigured.conf
! made usr/share/lighttpd/index.html var/www/html/index.lighttpd.html ||
    cp usr/share/lighttpd/index.html var/www/html/index.lighttpd.html
! made usr/share/ca-certificates/mozilla etc/ssl/certs/ca-certificates.crt ||
    cat usr/share/ca-certificates/mozilla/*.crt > etc/ssl/certs/ca-certificates.crt
! made usr/bin/which.debianutils usr/bin/which || ln -s which.debianutils usr/bin/which
for library in blas lapack; do
    ! made usr/lib/x86_64-linux-gnu/$library/lib$library.so.3 usr/lib/x86_64-linux-gnu/lib$library.so.3 ||
        ln -s $library/lib$library.so.3 usr/lib/x86_64-linux-gnu/lib$library.so.3
done
! made usr/lib/R/etc/Renviron.ucf etc/R/Renviron || cp usr/lib/R/etc/Renviron.ucf etc/R/Renviron
! made usr/sbin/libgvc6-config-update usr/lib/x86_64-linux-gnu/graphviz/config6a ||
    GVBINDIR=$PWD/usr/lib/x86_64-linux-gnu/graphviz usr/lib64/ld-linux-x86-64.so.2 \
        --library-path "$PWD/usr/lib/x86_64-linux-gnu" usr/sbin/libgvc6-config-update -c 2> /dev/null
for java in usr/lib/jvm/java-*-openjdk-amd64/bin/java; do
    ! made "$java" etc/alternatives/java || ln -s "/$java" etc/alternatives/java
    ! made "$java" usr/bin/java || ln -s /etc/alternatives/java usr/bin/java
done
