# SPDX-License-Identifier: MIT
# Tests inside the booted kernel: ouro-test.elf, which the kernel build makes beside ouro.elf.
get_filename_component(guest_builds ${CMAKE_BINARY_DIR} DIRECTORY) # build/host -> build
set(guest_kernel ${guest_builds}/kernel/ouro-test.elf)
set(guest_released_kernel ${guest_builds}/kernel/ouro.elf)

# ouro_guest_test(NAME KERNEL STATUS TEXT WORDS [QEMU OPTIONS...]): a test that calls guest/run.sh with the arguments.
function(ouro_guest_test name kernel)
    ouro_add_test(guest ${name} 150 ${CMAKE_CURRENT_SOURCE_DIR}/guest/run.sh ${kernel} ${ARGN})
endfunction()

# All tests, on CPUs with different paging features and with different sizes of memory.
ouro_guest_test(all ${guest_kernel} 0 "^ok test_" "loglevel=4 test=all")
ouro_guest_test(all-qemu64 ${guest_kernel} 0 "^ok test_" "loglevel=4 test=all" -cpu qemu64)
ouro_guest_test(all-no-nx ${guest_kernel} 0 "^ok test_" "loglevel=4 test=all" -cpu qemu64,-nx)
ouro_guest_test(all-fixed-slot ${guest_kernel} 0 "^ok test_" "loglevel=4 test=all norandmaps pagetables.slot=256")
ouro_guest_test(all-8m ${guest_kernel} 0 "^ok test_" "loglevel=4 test=all")
set_tests_properties(guest.all-8m PROPERTIES ENVIRONMENT OURO_GUEST_MEMORY=8M)
ouro_guest_test(above-4g ${guest_kernel} 0 "^ok test_" "loglevel=4 test=test_random_page_operations")
set_tests_properties(guest.above-4g PROPERTIES ENVIRONMENT OURO_GUEST_MEMORY=5G)

# The other back ends of the page tables. (A test that uses up 64 MiB takes a second.)
foreach(way physmap offset identity temporary)
    ouro_guest_test(all-${way} ${guest_kernel} 0 "^ok test_" "loglevel=4 test=all pagetables=${way}")
    ouro_guest_test(all-${way}-qemu64 ${guest_kernel} 0 "^ok test_"
        "loglevel=4 test=all pagetables=${way} pagetables.slots=6 pagetables.arena=8 pagetables.pool=100" -cpu qemu64)
    ouro_guest_test(all-${way}-8m ${guest_kernel} 0 "^ok test_" "loglevel=4 test=all pagetables=${way}")
    set_tests_properties(guest.all-${way}-8m PROPERTIES ENVIRONMENT OURO_GUEST_MEMORY=8M)
    ouro_guest_test(above-4g-${way} ${guest_kernel} 0 "^ok test_"
        "loglevel=4 test=test_random_page_operations pagetables=${way}")
    set_tests_properties(guest.above-4g-${way} PROPERTIES ENVIRONMENT OURO_GUEST_MEMORY=5G)
endforeach()
# Run alone, it is the first test in which the offset back end frees the tables that the boot took in advance.
ouro_guest_test(offset-accounts ${guest_kernel} 0 "^ok test_paging_figures"
    "loglevel=4 test=test_paging_figures pagetables=offset pagetables.arena=8" -cpu qemu64)
ouro_guest_test(pagetables-slots ${guest_kernel} 121 "all 3 slots hold a table: raise pagetables.slots="
    "test=all pagetables=temporary pagetables.slots=3")
ouro_guest_test(pagetables-pool ${guest_kernel} 125 "pagetables.pool= is too small"
    "test=all pagetables=identity pagetables.pool=10")
ouro_guest_test(pagetables-pool-large ${guest_kernel} 125 "no free memory is as large as pagetables.pool="
    "test=all pagetables=identity pagetables.pool=100000000")

# Bochs, whose TLB differs from QEMU's, so that other missing flushes show; booted through a BIOS and GRUB.
find_program(OURO_BOCHS_PROGRAM bochs)
if(OURO_BOCHS_PROGRAM)
    ouro_add_test(guest card-bochs 300 ouro-tool run --emulator bochs --net user --kernel ${guest_kernel}
        --timeout 1500 --append "test=card_answers" /bin/busybox true)
    ouro_add_test(guest all-bochs 300 ouro-tool run --emulator bochs --kernel ${guest_kernel}
        --timeout 1500 --append "test=all" /bin/busybox true)
endif()

# Fatal errors: the machine ends with a panic's status, and the panic names the cause.
ouro_guest_test(overflow_kstack ${guest_kernel} 121 "PANIC: stack overflow" "test=overflow_kstack")
ouro_guest_test(overflow_kstack_in_one_step ${guest_kernel} 121 "PANIC: stack overflow"
    "test=overflow_kstack_in_one_step")
ouro_guest_test(double_fault ${guest_kernel} 121 "PANIC.*double fault" "test=double_fault")
ouro_guest_test(panic_plain ${guest_kernel} 121 "PANIC.*asked for by a test" "test=panic_plain")
ouro_guest_test(panic_in_panic ${guest_kernel} 121 "PANIC inside the report" "test=panic_in_panic")
ouro_guest_test(failed_assertion ${guest_kernel} 121 "PANIC.*assertion failed: levels == 1"
    "test=failed_assertion")
ouro_guest_test(unexpected_exception ${guest_kernel} 121 "PANIC: unexpected exception" "test=unexpected_exception")
ouro_guest_test(kernel_page_fault ${guest_kernel} 121 "PANIC.*WRITE of 8 bytes at 0x200000000000"
    "test=kernel_page_fault")

ouro_guest_test(boot_with_writable_text ${guest_kernel} 125
    "not safe to run on: 0x200000000000 makes code or sealed data of the kernel writable"
    "test=boot_with_writable_text")
# Panics by name of the test and text.
foreach(case
        "fault_in_report|PANIC: the kernel stopped itself.* a report without page tables by fault_in_report"
        "stack_pointer_lost|PANIC: trap instruction"
        "kernel_null|PANIC: null pointer"
        "kernel_write_code|PANIC: write to read-only memory"
        "kernel_execute_data|PANIC: jump into data"
        "kernel_non_canonical|PANIC: non-canonical pointer"
        "kernel_hang|PANIC: hang with interrupts off.* the kernel keeps interrupts off by kernel_hang"
        "overflow_seen_late|PANIC: stack overflow.* double fault"
        "overflow_ist|PANIC: stack overflow.* by recurse"
        "kernel_reserved_bit|PANIC: reserved bit set in a page-table entry"
        "page_tables_broken|PANIC: reserved bit set in a page-table entry"
        "kernel_divide|PANIC: division by zero")
    string(REPLACE "|" ";" case ${case})
    list(GET case 0 name)
    list(GET case 1 text)
    ouro_guest_test(${name} ${guest_kernel} 121 ${text} "test=${name}")
endforeach()

# The runner itself: it reports failures and leaks, and refuses tests that it cannot run.
ouro_guest_test(failing_test ${guest_kernel} 1 "^FAIL failing_test: 1 + 1 is 0x2, not 0x3, guest_fatal.c:"
    "test=failing_test")
ouro_guest_test(leaking_test ${guest_kernel} 1 "^FAIL leaking_test: free frames: " "test=leaking_test")
ouro_guest_test(unknown_test ${guest_kernel} 125 "there is no such test" "test=nonsense")
ouro_guest_test(released_kernel ${guest_released_kernel} 125 "this kernel has no tests in it" "test=all")

# The checks of locks find each misuse; the panic of an inversion shows the traces of both orders.
foreach(case
        "lock_inversion|lock order: class_ps2 is taken under class_uart, and class_ps2 -> class_uart was seen before"
        "lock_twice|the lock of class_ps2 is taken while it is held"
        "lock_two_of_a_class|a lock of class_ps2 is taken while another is held"
        "lock_with_interrupts_on|a lock of class_ps2 is taken with interrupts on"
        "unlock_with_interrupts_on|a lock of class_ps2 was held with interrupts on"
        "unlock_what_is_not_held|a lock of class_ps2 is dropped that is not held"
        "sleep_with_a_lock|kernel_lock is dropped while a lock of class_ps2 is held"
        "net_lock_twice|net_lock is taken while this thread holds it"
        "net_lock_alone|kernel_lock is needed here, and is not held"
        "net_lock_under_spin|lock order: net_lock is taken under class_ps2, and net_lock -> class_ps2 was seen before"
        "net_lock_in_interrupt|net_lock is taken in an interrupt"
        "sleep_with_net_lock|kernel_lock is dropped while net_lock is held"
        "kernel_lock_twice|kernel_lock is taken while this thread holds it"
        "kernel_lock_missing|kernel_lock is needed here, and is not held"
        "kernel_lock_in_interrupt|kernel_lock is taken in an interrupt"
        "kernel_lock_needed_in_interrupt|kernel_lock is needed here, and this is an interrupt"
        "interrupt_keeps_lock|an interrupt left with a lock of class_ps2 held")
    string(REPLACE "|" ";" case ${case})
    list(GET case 0 name)
    list(GET case 1 text)
    ouro_guest_test(${name} ${guest_kernel} 121 "PANIC: the kernel stopped itself. ${text}"
        "test=${name}")
endforeach()
ouro_guest_test(lock_inversion_first ${guest_kernel} 121 "#[0-9]* 0x.* take_uart_under_ps2" "test=lock_inversion")
ouro_guest_test(lock_inversion_second ${guest_kernel} 121 "#[0-9]* 0x.* take_ps2_under_uart" "test=lock_inversion")

# The stack's instructions for a segment of 1,460 bytes: less than 7,000 in, and out.
foreach(figure segment-in segment-out)
    ouro_guest_test(net-${figure} ${guest_kernel} 0 "^figure net ${figure} [1-6][0-9][0-9][0-9]$"
        "test=net_figures" -icount shift=0)
endforeach()

# The network card's driver, against QEMU's card: on PCI by messages and by the line, and on microvm by registers in memory.
set(user_network -netdev user,id=net)
ouro_guest_test(card-virtio-mmio ${guest_kernel} 0 "^answered"
    "test=card_answers virtio_mmio.device=512@0xfeb00400:26" ${user_network}
    -global virtio-mmio.force-legacy=false -device virtio-net-device,netdev=net,bus=virtio-mmio-bus.2)
foreach(card "e1000|e1000" "e1000e|e1000e" "virtio|virtio-net-pci" "virtio-modern|virtio-net-pci,disable-legacy=on" "virtio-line|virtio-net-pci,disable-legacy=on,vectors=0"
        "virtio-plain|virtio-net-pci,disable-legacy=on,event_idx=off,mrg_rxbuf=off,status=off,vectors=2")
    string(REPLACE "|" ";" card ${card})
    list(GET card 0 name)
    list(GET card 1 device)
    ouro_guest_test(card-${name} ${guest_kernel} 0 "^answered" "test=card_answers" ${user_network}
        -device ${device},netdev=net,romfile=)
    if(name STREQUAL "e1000e")
        set_tests_properties(guest.card-${name} PROPERTIES ENVIRONMENT OURO_GUEST_MACHINE=q35)
    else()
        set_tests_properties(guest.card-${name} PROPERTIES ENVIRONMENT OURO_GUEST_MACHINE=pc)
    endif()
endforeach()

# The disks' driver, against QEMU's disks: on PCI by messages and by the line, with large blocks, read-only, and on microvm by
# registers in memory. They are what is written over a kernel's file, which stays as it is. (disk-figure: below 4,000
# instructions for a page, with the interrupt and the switches of threads.)
set(disk_image format=raw,snapshot=on,file=${guest_kernel})
ouro_guest_test(disk-mmio ${guest_kernel} 0 "^disks work 2"
    "test=disks_work virtio_mmio.device=512@0xfeb02e00:47 virtio_mmio.device=512@0xfeb02c00:46"
    -global virtio-mmio.force-legacy=false
    -drive if=none,id=a,${disk_image} -device virtio-blk-device,drive=a,bus=virtio-mmio-bus.23
    -drive if=none,id=b,${disk_image} -device virtio-blk-device,drive=b,bus=virtio-mmio-bus.22)
ouro_guest_test(disk-figure ${guest_kernel} 0 "^figure disk read [123][0-9][0-9][0-9]$"
    "test=disk_figures virtio_mmio.device=512@0xfeb02e00:47" -icount shift=0 -global virtio-mmio.force-legacy=false
    -drive if=none,id=a,${disk_image} -device virtio-blk-device,drive=a,bus=virtio-mmio-bus.23)
foreach(disk "virtio|" "virtio-modern|,disable-legacy=on" "virtio-line|,vectors=0" "virtio-direct|,indirect_desc=off"
        "virtio-small|,queue-size=4,seg-max-adjust=on" "virtio-4096|,logical_block_size=4096,physical_block_size=4096")
    string(REPLACE "|" ";" disk ${disk})
    list(GET disk 0 name)
    list(GET disk 1 options)
    ouro_guest_test(disk-${name} ${guest_kernel} 0 "^disks work 2" "test=disks_work"
        -drive if=none,id=a,discard=unmap,${disk_image} -device virtio-blk-pci,drive=a${options}
        -drive if=none,id=b,readonly=on,format=raw,file=${guest_kernel} -device virtio-blk-pci,drive=b)
    set_tests_properties(guest.disk-${name} PROPERTIES ENVIRONMENT OURO_GUEST_MACHINE=pc)
endforeach()
ouro_guest_test(disk-ide ${guest_kernel} 0 "^disks work 3" "test=disks_work"
    -drive if=none,id=a,${disk_image} -device ide-hd,drive=a,bus=ide.0,unit=0
    -drive if=none,id=b,${disk_image} -device ide-hd,drive=b,bus=ide.0,unit=1
    -drive if=none,id=c,readonly=on,media=cdrom,format=raw,file=${guest_kernel} -device ide-cd,drive=c,bus=ide.1,unit=1)
set_tests_properties(guest.disk-ide PROPERTIES ENVIRONMENT OURO_GUEST_MACHINE=pc)
ouro_guest_test(disk-ahci ${guest_kernel} 0 "^disks work 3" "test=disks_work"
    -drive if=none,id=a,${disk_image} -device ide-hd,drive=a,bus=ide.0
    -drive if=none,id=b,${disk_image} -device ide-hd,drive=b,bus=ide.3
    -drive if=none,id=c,readonly=on,media=cdrom,format=raw,file=${guest_kernel} -device ide-cd,drive=c,bus=ide.2)
set_tests_properties(guest.disk-ahci PROPERTIES ENVIRONMENT OURO_GUEST_MACHINE=q35)
ouro_guest_test(disk-nvme ${guest_kernel} 0 "^disks work 2" "test=disks_work"
    -drive if=none,id=a,discard=unmap,${disk_image} -device nvme,drive=a,serial=1
    -drive if=none,id=b,${disk_image} -device nvme,drive=b,serial=2,logical_block_size=4096,physical_block_size=4096)
set_tests_properties(guest.disk-nvme PROPERTIES ENVIRONMENT OURO_GUEST_MACHINE=q35)
set_tests_properties(guest.disk-virtio-modern PROPERTIES ENVIRONMENT OURO_GUEST_MACHINE=q35)
