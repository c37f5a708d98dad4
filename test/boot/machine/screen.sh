#!/bin/sh
# SPDX-License-Identifier: MIT
# screen.sh GROUP: the image on a machine with screen, keyboard and power button. PROBE is screen_probe.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1
cat >shell.c <<'C'
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
int main(void)
{
    char line[100];
    struct winsize w = {0};
    ioctl(1, TIOCGWINSZ, &w);
    printf("\033[1;31mready\033[0m \033[7m%dx%d\033[0m\n", w.ws_col, w.ws_row);
    while (fgets(line, sizeof line, stdin) && strcmp(line, "end\n") != 0)
        if (strcmp(line, "many\n") == 0)
            for (int i = 0; i < 500; i++)
                printf("line %d\n", i);
        else if (strcmp(line, "letters\n") == 0)
            printf("<Zoë, Σίσυφος, Ёлка, ┌─┐│>\n");
        else
            printf("got (%.*s)\n", (int)strcspn(line, "\n"), line);
    return 9;
}
C
cat >reboot.c <<'C'
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>
static void interrupted(int signal) { dprintf(1, "signal %d\n", signal); }
int main(void)
{
    char line[100];
    signal(SIGINT, interrupted);
    reboot(RB_DISABLE_CAD);
    printf("ready\n");
    while (fgets(line, sizeof line, stdin) == NULL)
        clearerr(stdin);
    if (strcmp(line, "again\n") == 0)
        return reboot(RB_AUTOBOOT);
    if (strcmp(line, "halt\n") == 0)
        return reboot(RB_HALT_SYSTEM);
    return reboot(RB_POWER_OFF);
}
C
machine='-accel tcg -cpu max -m 128 -net none -no-reboot -serial null'

# image OPTIONS...: makes person.iso
image() {
    "$OURO" iso "$@" -o person.iso || bad "iso ended with $?"
}

# person WHAT STEPS... -- QEMU ARGUMENTS...: runs the steps of screen_probe.c
person() {
    what=$1
    shift
    "$PROBE" "$@" >out 2>&1 || { bad "$what"; show out; }
}

picture() {
    image shell.c
    # shellcheck disable=SC2086 # options
    person 'BIOS, std VGA' 'colour ff5555 ready' 'see ready 240x67' 'type Hello\n' 'see got (Hello)' 'type ab' \
        'key backspace' 'type c\n' 'see got (ac)' 'type letters\n' 'see <Zoë, Σίσυφος, Ёлка, ┌─┐│>' 'type many\n' \
        'see line 499' 'key shift-pgup' 'key shift-pgup' 'see line 430' 'key shift-pgdn' 'key shift-pgdn' \
        'see line 499' 'key alt-sysrq-m' 'see KiB free' 'key alt-sysrq-t' 'see asleep in read(0, ' 'key alt-sysrq-p' 'see ---- the kernel' \
        'key alt-sysrq-l' 'see the program starts after' 'type end\n' 'event SHUTDOWN' \
        'see the program ended with status 9' -- $machine -no-shutdown -cdrom person.iso
}

# `quiet` in the place of the words of `ouro run`: GRUB then stays in text mode.
text() {
    image shell.c
    LC_ALL=C sed 's/set ouro_run="     /set ouro_run="quiet/' person.iso >text.iso
    # shellcheck disable=SC2086
    person 'text mode' 'ega ready 80x25' 'type y\n' 'ega got (y)' 'type many\n' 'ega line 499' 'key shift-pgup' \
        'ega line 470' 'type end\n' 'event SHUTDOWN' -- $machine -vga std -cdrom text.iso
}

ends() {
    image shell.c
    # shellcheck disable=SC2086
    {
        person 'power button, pc' 'see ready' power 'event SHUTDOWN' -- $machine -cdrom person.iso
        person 'power button, q35' 'see ready' power 'event SHUTDOWN' -- $machine -machine q35 -cdrom person.iso
        person 'Ctrl+Alt+Del' 'see ready' 'type x\n' 'see got (x)' 'key ctrl-alt-delete' 'event RESET' 'gone got (x)' \
            'see ready' -- ${machine%-no-reboot*} -serial null -cdrom person.iso
    }
    cat >deaf.c <<'C'
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
int main(void)
{
    signal(SIGTERM, SIG_IGN);
    printf("ready\n");
    for (;;)
        pause();
}
C
    image deaf.c
    # shellcheck disable=SC2086
    person 'power button, a deaf program' 'see ready' power 'event SHUTDOWN' 'see did not end when the power button asked it to' \
        -- $machine -no-shutdown -cdrom person.iso
    # After reboot(CAD_OFF) Ctrl+Alt+Del sends a signal to the program.
    image reboot.c --append exit=halt
    # shellcheck disable=SC2086
    {
        person 'reboot(2): off' 'see ready' 'key ctrl-alt-delete' 'see signal 2' 'type off\n' 'event SHUTDOWN' -- \
            $machine -cdrom person.iso
        person 'reboot(2): again' 'see ready' 'type again\n' 'gone again' 'see ready' -- \
            ${machine%-no-reboot*} -serial null -cdrom person.iso
        person 'reboot(2): halt' 'see ready' 'type halt\n' 'see can be switched off' -- $machine -cdrom person.iso
    }
    image shell.c --append 'keyboard=de exit=key'
    # shellcheck disable=SC2086
    person 'German keyboard, a key at the end' 'see ready' 'type y\n' 'see got (z)' 'key minus' 'key ret' 'see got (ß)' \
        'type end\n' 'see the program ended with status 9' 'see press a key' 'key spc' 'event SHUTDOWN' -- \
        $machine -vga virtio -cdrom person.iso
}

# Machines without a keyboard controller, ACPI or other devices: the boot does not wait for them, and the machine can
# still be ended.
bare() {
    image shell.c
    # shellcheck disable=SC2086
    {
        person 'no keyboard controller' 'see ready' power 'event SHUTDOWN' -- $machine -machine pc,i8042=off -cdrom person.iso
        person 'no ACPI' 'see ready' 'type x\n' 'see got (x)' 'type end\n' 'event SHUTDOWN' -- $machine -machine pc,acpi=off -cdrom person.iso
    }
    clock=$("$OURO" run --medium direct --timeout $((60 * ${SLOW:-1})) --qemu-arg -rtc --qemu-arg base=2032-02-29T23:58:00,clock=vm \
        /bin/busybox date -u '+%F %H:%M')
    [ "$clock" = '2032-02-29 23:58' ] || bad "the CMOS clock says 2032-02-29 23:58, the program sees $clock"
    image reboot.c
    # shellcheck disable=SC2086
    {
        person 'restart: ACPI' 'see ready' 'type again\n' 'event SHUTDOWN' -- $machine -machine q35 -cdrom person.iso
        person 'restart: keyboard controller' 'see ready' 'type again\n' 'event SHUTDOWN' -- $machine -machine pc,acpi=off -cdrom person.iso
    }
    # Without a keyboard the input comes from the serial port. The restart has only port 0xCF9, and on a microvm not even that.
    FAKE=vanish FAKE_KEEP=$temp OURO_QEMU=$here/../fake-qemu.sh "$OURO" run --machine microvm reboot.c >out 2>&1
    words=$(sed 's/console=[a-z,]*//; s/stdio.terminals=[a-z0-9,]*//; s/exit=0xf4//' line)
    for way in pc,i8042=off,acpi=off microvm,acpi=off,rtc=on,pit=on,pic=on,isa-serial=on; do
        # shellcheck disable=SC2086
        (sleep 3; echo again; sleep 20) | timeout -s KILL $((60 * ${SLOW:-1})) qemu-system-x86_64 -accel tcg -cpu max -m 128 -nodefaults \
            -display none -no-reboot -machine $way -kernel "$KERNEL" -initrd root.cpio -append "$words" -serial stdio >out 2>&1 &
        emulator=$!
        for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
            sleep 1
            kill -0 $emulator 2>/dev/null || break
        done
        kill -0 $emulator 2>/dev/null && { bad "restart on $way"; show out; kill $emulator; }
        grep -aq again out || { bad "$way did not come so far"; show out; }
    done
}

# card OPTIONS...: the same steps on each graphics card.
card() {
    # shellcheck disable=SC2086
    person "$*" 'see ready' 'type x\n' 'see got (x)' 'type end\n' 'event SHUTDOWN' -- $machine "$@"
}

cards() {
    image shell.c
    cp /usr/share/OVMF/OVMF_VARS_4M.fd vars.fd
    uefi='-drive if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd -drive if=pflash,format=raw,file=vars.fd'
    stick='-drive if=none,id=stick,format=raw,readonly=on,file=person.iso -device usb-storage,drive=stick,bootindex=0'
    # shellcheck disable=SC2086
    {
        card -vga cirrus -cdrom person.iso
        card -vga none -device bochs-display -cdrom person.iso $uefi
        card -vga std -machine q35 -device usb-ehci $stick
        card -vga virtio -machine q35 -device qemu-xhci $stick $uefi
        card -vga none -device ramfb -machine q35 -device usb-ehci $stick $uefi
    }
}

# Bochs: its debugger reads the text memory through the card. (In a graphics mode the terminal display of Debian's
# Bochs exits: "32 bpp graphics mode not supported".)
bochs_card() {
    image shell.c
    LC_ALL=C sed 's/set ouro_run="     /set ouro_run="quiet/' person.iso >text.iso
    cat >bochsrc <<'C'
display_library: term
config_interface: textconfig
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
cpu: model=corei7_skylake_x, ips=50000000, reset_on_triple_fault=0
clock: sync=none
panic: action=fatal
error: action=ignore
info: action=ignore
debug: action=ignore
speaker: enabled=0
log: bochs.log
boot: cdrom
ata0-master: type=cdrom, path=text.iso, status=inserted
megs: 128
C
    printf 'sb 500000000\nc\nxp /4000bx 0xb8000\nq\n' >commands
    ! bochs --help 2>&1 | grep -q '^ *-debugger' || set -- -debugger # Bochs 3 starts without it
    TERM=xterm setsid timeout --foreground -s KILL $((60 * ${SLOW:-1})) bochs -q "$@" -f bochsrc -rc commands </dev/null >out 2>err
    # 'r' in bright red on black, then the rest of "ready".
    sed -n 's/.*<bogus[^>]*>://p' out | tr -d '\t\n' | sed 's/0x//g' >bytes
    grep -q 720c650c610c640c790c bytes || { bad 'Bochs: not on the screen'; show out; }
}

# Programs that fill the screen, and one that edits its line.
programs() {
    image /bin/busybox vi /tmp/poem
    # shellcheck disable=SC2086
    person 'vi' 'see /tmp/poem' 'type itwo words' 'key ret' 'type last' 'key esc' 'see two words' 'see last' \
        'type dd' 'gone last' 'see two words' 'type :wq\n' 'event SHUTDOWN' -- $machine -cdrom person.iso
    image /usr/bin/lua5.4
    # shellcheck disable=SC2086
    person 'lua5.4' 'see > ' 'type print("sum", 6*7+100)\n' 'see 142' 'key ctrl-d' 'event SHUTDOWN' -- \
        $machine -cdrom person.iso
}

# On a screen of 25 lines the most important lines of a report must be among them; a tall one shows instruction and registers, too.
report() {
    for way in null-field stack-recursion; do
        image --append exit=halt "$top/example/faults.c" $way
        LC_ALL=C sed 's/set ouro_run="     /set ouro_run="quiet/' person.iso >text.iso
        [ $way = null-field ] && class='null pointer' hint='register rax was NULL' || class='stack overflow' hint='recurse called itself'
        # shellcheck disable=SC2086
        person "report: $way" 'ega can be switched off' "ega ==== CRASH: $class" 'ega   what    WRITE of ' 'ega   who     thread 1' \
            'ega   where   ' 'ega   stack   the main' 'ega   why     level' 'ega   walk    of 0x' 'ega not present  <== denies' \
            'ega   trace   #0 0x' 'ega [faults] at faults.c:' "ega   hint    $hint" -- $machine -vga std -cdrom text.iso
    done
    # The report is readable after a program that left the terminal in a bad state.
    cat >vandal.c <<'C'
#include <stdio.h>
int main(void)
{
    printf("\033[2J\033[3;5r\033[?7l\033[4h\033[1;44m\033(0\033[4;70Hready");
    fflush(stdout);
    *(volatile int *)8 = 1;
}
C
    image --append exit=halt vandal.c
    # shellcheck disable=SC2086
    person 'report: after a bad terminal' 'see can be switched off' 'colour ff5555 ==== CRASH: null pointer' \
        'colour aaaaaa what    WRITE of 4 bytes at 0x8' 'colour ffff55 hint    ' 'see insn    c7 ' 'see [vandal] at vandal.c:6' \
        'see regs    rip ' 'see rflags ' -- $machine -cdrom person.iso
}

case $1 in
report) report ;;
picture) picture ;;
text) text ;;
ends) ends ;;
bare) bare ;;
bochs) bochs_card ;;
cards) cards ;;
programs) programs ;;
*) bad "no such group: $1" ;;
esac
finish
