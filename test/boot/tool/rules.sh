#!/bin/sh
# SPDX-License-Identifier: MIT
# Files that programs load by themselves: the rules of tool/image/rules.inc, --bare, --trace-files, libraries that are offered,
# and what a run says that was not packed.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1

run() {
    "$OURO" run --medium direct --machine microvm --timeout $((60 * ${SLOW:-1})) "$@" >seen 2>errors </dev/null
}

# works WHAT WANTED OPTIONS...: the program prints this, and does not with --bare.
works() {
    what=$1 wanted=$2
    shift 2
    run "$@" || bad "$what: status $?"
    grep -q -- "$wanted" seen || { bad "$what: not '$wanted'"; show seen; show errors; }
    run --bare "$@" && grep -q -- "$wanted" seen && bad "$what: works without the rule, too"
}

printf 'h\351\n' >latin
works iconv 'hé' --with latin iconv -f latin1 -t utf-8 latin
works perl "VAR1 = 1" perl -MData::Dumper -e 'print Dumper(1)'
works python '\[1\]' /usr/bin/python3 -c 'import json; print(json.dumps([1]))'
works terminfo '^80$' -e TERM=xterm-256color -e COLUMNS=80 tput cols
works locale 'C.utf8' locale -a
works 'time zones' '01:00:00 CET' -e TZ=Europe/Berlin date -d @0
works "openssl's providers" 'OpenSSL Legacy Provider' openssl list -providers -provider legacy
works gcc '^object$' --with /bin/sh --with /usr/bin/test sh -c 'echo "int f;" >/tmp/c.c && gcc -c -o /tmp/c.o /tmp/c.c && test -s /tmp/c.o && echo object'
[ ! -x /usr/bin/file ] || works file 'ISO-8859 text' --with latin file latin
# dpkg-dev: installed for ./ouro test; git's pages where man is.
works 'dpkg of dpkg-*' '^Debian dpkg-genchanges version' dpkg-genchanges --version
[ ! -x /usr/bin/man ] || [ ! -e /usr/share/man/man1/git-upload-pack.1.gz ] ||
    works "git's pages" '^SYNOPSIS$' git-upload-pack --help
cat >cancel.c <<'C'
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
static void *waits(void *p)
{
    for (;;)
        pause();
    return p;
}
int main(void)
{
    pthread_t thread;
    void *result;
    pthread_create(&thread, NULL, waits, NULL);
    pthread_cancel(thread);
    pthread_join(thread, &result);
    puts(result == PTHREAD_CANCELED ? "cancelled" : "it returned");
}
C
gcc -o cancel cancel.c || exit 1
works 'a thread that is cancelled' '^cancelled$' ./cancel
cat >cut.sh <<'S'
#!/bin/sh
# A comment names sort.
echo b:a | cut -d: -f2
S
chmod +x cut.sh
works 'commands of a script' '^a$' ./cut.sh
cat >calls.py <<'S'
#!/usr/bin/python3
import subprocess
print(subprocess.check_output(['tac'], input=b'a\nb\n'))
S
chmod +x calls.py
works 'commands that a script of Python starts' "^b'b.na.n'$" ./calls.py
works 'commands of sh -c' '^2$' sh -c 'printf "a\nb\n" | tac | wc -l'
printf 'all:\n\t@printf "%%s\\n" one two | tac | head -n 1\n' >Makefile
works 'commands of a makefile' '^two$' --with Makefile make

# What the rules add is listed.
"$OURO" check iconv >seen 2>errors
grep -Eq 'MiB  by rule: converters of iconv \([0-9]+ files\)' seen || { bad 'check does not list a rule'; show seen; }
"$OURO" check --bare iconv >seen 2>errors
grep -q 'by rule' seen && bad 'check --bare lists a rule'

# A path that was not found and is on this computer is named, with its folder; not after a good end, and not with --bare.
run cat /etc/debian_version && bad 'cat found what was not packed'
grep -q '^ouro: /etc/debian_version is on this computer but was not packed: --with /etc/debian_version$' errors ||
    { bad 'a path that was asked for is not named'; show errors; }
run cat /etc/no-such-file && bad 'cat found nothing'
grep -q 'not packed' errors && bad 'a path that is nowhere is named'
run --bare cat /etc/debian_version
grep -q 'not packed' errors && bad '--bare names paths'
run sh -c 'cat /etc/debian_version; true'
grep -q 'not packed' errors && bad 'paths are named after a good end'

# The run on this computer, traced.
echo traced >data
cat >opens.c <<'C'
#include <stdio.h>
int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        char line[80] = "";
        FILE *f = fopen(argv[i], "r");
        printf("%s", f && fgets(line, sizeof line, f) ? line : "none\n");
    }
}
C
gcc -o opens opens.c || exit 1
run --trace-files ./opens data /etc/debian_version /proc/self/no || bad "--trace-files: status $?"
{ echo traced && cat /etc/debian_version && echo none; } >wanted
cmp -s seen wanted || { bad '--trace-files: other files'; show seen; show errors; }
# shellcheck disable=SC2016 # the script's own
printf '#!/bin/sh\nexec cat "$1"\n' >chain.sh
chmod +x chain.sh
run --bare --trace-files ./chain.sh data || bad "--trace-files of a script: status $?"
[ "$(cat seen)" = traced ] || { bad '--trace-files does not follow children'; show seen; show errors; }
"$OURO" run --medium direct --machine microvm --timeout 1 --trace-files sleep 100 >seen 2>errors </dev/null
grep -q 'trace-files: the program still ran after 1 seconds' errors || { bad 'a traced run does not end'; show errors; }

# A library that only --with or LD_LIBRARY_PATH has.
mkdir -p lib
echo 'int seven(void) { return 7; }' >seven.c
printf '#include <stdio.h>\nint seven(void);\nint main(void) { return printf("%%d\\n", seven()) != 2; }\n' >uses.c
gcc -shared -fPIC -o lib/libseven.so seven.c && gcc -o uses uses.c -Llib -lseven || exit 1
run ./uses
[ $? -eq 126 ] || bad 'a missing library: not status 126'
run --with lib/libseven.so ./uses || { bad '--with does not satisfy'; show errors; }
grep -q '^7$' seen || bad '--with: no output'
LD_LIBRARY_PATH=$temp/lib run ./uses || { bad 'LD_LIBRARY_PATH does not satisfy'; show errors; }
grep -q '^7$' seen || bad 'LD_LIBRARY_PATH: no output'
finish
