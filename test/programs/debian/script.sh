echo "$0" $# "$2"
f() { local x=$1; [ "$x" -gt 3 ] && return 4; echo "x $x"; }
f 2; f 5 || echo "status $?"
case "$1" in o*) echo case ;; *) echo other ;; esac
for i in a b c; do printf '%s-' "$i"; done; echo
while read -r line; do echo "read $line"; break; done <<X
here document $((6 * 7))
X
set -- x y z; shift; echo "$*" "${1#y}" "${2:-none}" "${4:-none}"
cd /tmp && pwd; umask 022; echo text > file; [ -s file ] && read -r w < file && echo "$w"
trap 'echo bye' EXIT
kill -0 $$ && echo alive
exit 9
