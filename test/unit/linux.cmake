# SPDX-License-Identifier: MIT
# The pure parts of src/linux.
ouro_host_test(linux/exec/stack src/linux/exec/stack.c)
ouro_host_test(linux/task/signal_place src/linux/task/signal_place.c)
ouro_host_test(linux/call/syscall_format src/linux/call/format.c src/linux/abi/argument.c)
ouro_host_test(linux/task/signal src/linux/task/signal.c)
# cli faults in user mode: a header of the same name only counts.
target_include_directories(test_signal BEFORE PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/unit/shadow/linux)
