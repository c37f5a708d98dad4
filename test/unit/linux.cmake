# SPDX-License-Identifier: MIT
# The pure parts of src/linux.
ouro_host_test(linux/exec/stack src/linux/exec/stack.c)
ouro_host_test(linux/task/rights src/linux/task/rights.c src/fs/vfs/credentials.c)
ouro_host_test(linux/task/signal_place src/linux/task/signal_place.c)
ouro_host_test(linux/call/syscall_format src/linux/call/format.c src/linux/abi/argument.c)
# cli faults in user mode: a header of the same name only counts.
ouro_host_test(linux/task/signal src/linux/task/signal.c SHADOW linux)
