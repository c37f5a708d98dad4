# shellcheck shell=bash disable=SC2034,SC2154 # read and set by prepare.sh
# SPDX-License-Identifier: MIT
# CPython's own tests over Debian's python3. A case is a module: of those that ask the kernel for something a draw.
packages="libpython3.11-testsuite python3.11 tzdata netbase media-types dash"
start=/tmp
memory=1G
native=1
minimum=90
sample=5
slow="test_cmd_line test_cmd_line_script test_eintr test_faulthandler test_ftplib test_imaplib test_logging test_multiprocessing_main_handling test_popen test_poplib test_py_compile test_queue test_regrtest test_repl test_selectors test_signal test_subprocess test_tarfile test_threading test_xmlrpc test_zipfile"
title="94 modules of CPython's tests: those that ask the kernel for something"
modules="asynchat asyncore atexit bufio c_locale_coercion cmd_line cmd_line_script dbm dbm_dumb dbm_gnu dbm_ndbm devpoll docxmlrpc eintr
epoll errno faulthandler fcntl file file_eintr filecmp fileinput fileio fileutils fork1 ftplib genericpath getpass glob grp gzip
httpservers imaplib ioctl largefile linecache logging mailbox mmap multiprocessing_main_handling openpty pathlib pipes platform poll
popen poplib posix posixpath print pty pwd py_compile queue regrtest repl resource runpy sched select selectors shelve shutil signal
smtplib socket socketserver spwd stat subprocess sys syslog tarfile telnetlib tempfile thread threadedtempfile threading
threading_local threadsignals time timeout univnewlines urllib2_localnet utf8_mode uuid venv wait3 wait4 wsgiref xmlrpc zipapp
zipfile zipimport"

list() {
    tr -s ' \n' '\n\n' <<< "$modules" | sed 's/^/test_/' | LC_ALL=C sort -R --random-source=<(yes 20261130)
}

build() {
    :
}

words() {
    printf '600\t/usr/bin/python3.11\t-m\ttest\t%s' "$1"
}
