#!/bin/sh
# SPDX-License-Identifier: MIT
# cpus.sh qemu|bochs: programs run on CPUs without some optional features, and the log names the missing features.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$here/../lib.sh"
cd "$temp" || exit 1
old='1 GiB pages, XSAVE, invariant TSC, RDRAND, SMEP'

# model NAME LACKS OPTIONS...: the program uses floating point, because XSAVE is one of the features.
model() {
    name=$1 lacks=$2
    shift 2
    "$OURO" run -v --timeout $((60 * ${SLOW:-1})) "$@" /bin/busybox awk 'BEGIN { printf "%.6f\n", 1e4 / 7; exit 3 }' >out 2>err </dev/null
    status=$?
    [ "$status $(cat out)" = '3 1428.571429' ] || { bad "$name: status $status"; show out; show err; }
    said=$(sed -n 's/.*boot: the cpu lacks //p' err)
    [ "$said" = "$lacks" ] || bad "$name: the log says it lacks <$said>, not <$lacks>"
}

case $1 in
qemu)
    while read -r name lacks; do
        model "$name" "$lacks" --medium direct --qemu-arg -cpu --qemu-arg "$name"
    done <<M
qemu64 $old
qemu64,-nx NX (W^X cannot be enforced), $old
Nehalem $old
SandyBridge 1 GiB pages, invariant TSC, RDRAND, SMEP
Skylake-Client 1 GiB pages, invariant TSC
EPYC invariant TSC
max invariant TSC
M
    ;;
bochs)
    # Bochs takes the model of the CPU from the configuration file that the tool writes.
    cat >bochs <<'S'
#!/bin/sh
sed -i "s/model=[a-z0-9_]*/model=$MODEL/" bochsrc
exec bochs "$@"
S
    chmod +x bochs
    export OURO_BOCHS="$temp/bochs" MODEL
    while read -r MODEL lacks; do
        model "$MODEL" "$lacks" --emulator bochs
    done <<M
p4_prescott_celeron_336 $old
athlon64_clawhammer $old
core2_penryn_t9600 1 GiB pages, invariant TSC, RDRAND, SMEP
corei5_lynnfield_750 1 GiB pages, XSAVE, RDRAND, SMEP
corei7_sandy_bridge_2600k 1 GiB pages, RDRAND, SMEP
zambezi RDRAND, SMEP
ryzen
broadwell_ult
tigerlake
M
    ;;
*) bad "neither qemu nor bochs: $1" ;;
esac
finish
