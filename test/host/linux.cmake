# SPDX-License-Identifier: MIT
# The pure parts of src/linux.
ouro_host_test(stack src/linux/stack.c)
ouro_host_test(signal_place src/linux/signal_place.c)
ouro_host_test(syscall_format src/linux/syscall_format.c src/linux/syscall_flags.c)
ouro_host_test(signal src/linux/signal.c)
# cli is not for programs: a header of the same name counts instead.
target_include_directories(test_signal BEFORE PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/host/linux_shadow)
