#!/bin/sh
# SPDX-License-Identifier: MIT
# screenshot.sh: `ouro screenshot` saves pictures at the marker and at the end; `run --display` without a display fails
# with a message.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1
cat >wait.c <<'C'
#include <stdio.h>
#include <unistd.h>
int main(void)
{
    printf("now it is re");
    fflush(stdout);
    printf("ady\n");
    fflush(stdout);
    pause();
    return 0;
}
C
"$OURO" screenshot --timeout $((60 * ${SLOW:-1})) --at ready -o a.png wait.c >out 2>err </dev/null || { bad "at a marker: $?"; show err; }
"$OURO" screenshot --timeout $((60 * ${SLOW:-1})) /bin/busybox false -o b.png >out 2>err </dev/null || { bad "at the end: $?"; show err; }
for picture in a b; do
    # The signature, then width and height of 32 bits.
    header=$(head -c 24 $picture.png | od -An -tx1 | tr -d ' \n')
    [ "$header" = 89504e470d0a1a0a0000000d494844520000050000000320 ] || bad "$picture.png is no PNG of 1280 x 800: $header"
done
"$OURO" screenshot --timeout $((60 * ${SLOW:-1})) -o demo.png >out 2>err </dev/null || { bad "of the demo: $?"; show err; }
cmp -s a.png b.png && bad 'two programs have the same picture'
"$OURO" screenshot --timeout $((60 * ${SLOW:-1})) --at never -o c.png /bin/busybox true >out 2>err </dev/null && bad 'a marker that never came'
grep -q 'did not print what was waited for' err || { bad 'no word of the marker'; show err; }
"$OURO" screenshot wait.c >out 2>err </dev/null && bad 'no name for the picture'
grep -q 'needs the picture.s name: ouro screenshot' err || { bad 'no word of the name'; show err; }

env -u DISPLAY -u WAYLAND_DISPLAY "$OURO" run --display wait.c >out 2>err </dev/null && bad 'a window without a desktop'
grep -q 'neither DISPLAY nor WAYLAND_DISPLAY is set' err || { bad 'no word of the desktop'; show err; }
# With a display, QEMU gets the option that opens its window.
printf '#!/bin/sh\necho "$@" >%s/arguments\n' "$temp" >qemu
chmod +x qemu
DISPLAY=:99 OURO_QEMU=$temp/qemu "$OURO" run --display wait.c >out 2>err </dev/null
grep -q -- '-display gtk' arguments || { bad 'no window is asked for'; show arguments; }
finish
