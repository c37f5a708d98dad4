# SPDX-License-Identifier: MIT
words := one two three
all: /tmp/b
	@cat /tmp/a /tmp/b; echo "$(shell echo shell says $$((6 * 7)))"
	@test -s /tmp/missing || false
/tmp/a:
	echo $(words) > $@
/tmp/b: /tmp/a
	sort -r $< > $@; exit 0
