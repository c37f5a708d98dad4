# SPDX-License-Identifier: MIT
# The folders of src/ whose headers each folder may include, and whose symbols it may use, besides its own. The longest
# prefix of a folder's path in this table applies. Files at the top of src/ (main.c) may include all.
# test/lint/includes.sh and test/lint/symbols.sh read this very file: one set() a line, no variables in it, and no
# cycle.
set(OURO_LAYER_base)
set(OURO_LAYER_parse base)
set(OURO_LAYER_cpu base)
set(OURO_LAYER_mm base cpu)
set(OURO_LAYER_mm/phys base cpu parse mm)
set(OURO_LAYER_mm/pt base cpu parse mm mm/phys)
set(OURO_LAYER_mm/heap base cpu mm mm/phys mm/pt)
set(OURO_LAYER_mm/vm base cpu parse mm mm/phys mm/pt mm/heap)
set(OURO_LAYER_mm/init base cpu parse mm mm/phys mm/pt mm/heap mm/vm)
set(OURO_LAYER_kern base parse cpu mm mm/phys mm/pt mm/heap mm/vm mm/init)
set(OURO_LAYER_diag base parse cpu mm mm/phys mm/pt mm/heap mm/vm mm/init kern)
set(OURO_LAYER_boot base parse cpu mm mm/phys mm/pt mm/heap mm/vm mm/init kern diag)
set(OURO_LAYER_dev/screen base parse cpu mm mm/heap mm/init kern)
set(OURO_LAYER_dev/pc base parse cpu mm mm/init kern)
set(OURO_LAYER_dev/pci base parse cpu mm mm/init)
set(OURO_LAYER_dev/virtio base parse cpu mm mm/phys mm/heap mm/init kern dev/pci)
set(OURO_LAYER_dev/nic base parse cpu mm mm/phys mm/heap mm/init kern dev/pci dev/virtio)
set(OURO_LAYER_dev/block base parse cpu mm mm/phys mm/heap mm/init kern dev/pci dev/virtio)
set(OURO_LAYER_dev/local base parse cpu mm kern diag dev/screen dev/pc)
set(OURO_LAYER_fs/vfs base cpu mm mm/phys mm/heap mm/vm kern)
set(OURO_LAYER_fs/pipe base cpu mm mm/heap mm/vm kern fs/vfs)
set(OURO_LAYER_fs/socket base mm mm/heap mm/vm kern fs/vfs)
set(OURO_LAYER_net/stack base cpu mm mm/phys mm/init mm/heap kern)
set(OURO_LAYER_net/inet base cpu mm mm/heap mm/vm kern fs/vfs fs/socket fs/proc net/stack)
set(OURO_LAYER_fs/ram base parse cpu mm mm/phys mm/heap mm/vm kern fs/vfs)
set(OURO_LAYER_fs/p9 base parse mm mm/heap mm/vm kern fs/vfs fs/cache)
set(OURO_LAYER_fs/cache base cpu mm mm/phys mm/heap mm/vm kern fs/vfs)
set(OURO_LAYER_fs/ext4 base cpu mm mm/phys mm/heap mm/vm kern fs/vfs fs/cache)
set(OURO_LAYER_fs/iso9660 base mm mm/phys mm/heap mm/vm kern fs/vfs fs/cache)
set(OURO_LAYER_fs/overlay base mm mm/heap mm/vm kern fs/vfs)
set(OURO_LAYER_fs/tty base cpu mm mm/heap mm/vm kern fs/vfs fs/pipe)
set(OURO_LAYER_fs/dev base mm mm/heap mm/vm kern fs/vfs fs/tty)
set(OURO_LAYER_fs/block base mm mm/heap mm/vm kern fs/vfs fs/cache fs/proc)
set(OURO_LAYER_fs/proc base mm mm/phys mm/pt mm/heap mm/vm mm/init kern fs/vfs fs/ram)
# The vDSO is program code: an ELF file of its own inside the kernel. It shares constants and struct vvar.
set(OURO_LAYER_vdso cpu)
set(OURO_LAYER_linux/abi base cpu mm mm/vm kern)
set(OURO_LAYER_linux/task base parse cpu mm mm/phys mm/heap mm/vm kern fs/vfs fs/tty linux/abi)
set(OURO_LAYER_linux/time base cpu mm mm/heap mm/vm kern vdso fs/vfs linux/abi linux/task)
set(OURO_LAYER_linux/futex base cpu mm mm/heap mm/vm kern linux/abi linux/task)
set(OURO_LAYER_linux/memory base cpu mm mm/pt mm/heap mm/vm mm/init kern fs/vfs fs/ram linux/abi linux/task)
set(OURO_LAYER_linux/process base cpu mm mm/phys mm/heap mm/vm kern fs/vfs fs/ram fs/tty linux/abi linux/task linux/memory)
set(OURO_LAYER_linux/exec base cpu mm mm/pt mm/heap mm/vm kern fs/vfs linux/abi linux/task linux/time linux/memory)
set(OURO_LAYER_linux/file base cpu mm mm/phys mm/heap mm/vm kern fs/vfs fs/pipe fs/ram linux/abi linux/task linux/memory)
set(OURO_LAYER_linux/socket base mm/heap mm/vm kern fs/vfs fs/socket linux/abi linux/task linux/file)
set(OURO_LAYER_linux/ipc base cpu mm mm/heap mm/vm mm/init kern fs/vfs fs/ram fs/socket linux/abi linux/task linux/memory linux/file)
set(OURO_LAYER_linux/call base cpu mm/pt mm/heap mm/vm kern vdso linux/abi linux/task linux/time linux/futex linux/memory linux/process linux/exec linux/file linux/socket linux/ipc)
set(OURO_LAYER_linux/fault base parse cpu mm mm/phys mm/pt mm/heap mm/vm mm/init kern diag fs/vfs fs/ram fs/proc fs/socket linux/abi linux/task linux/process linux/call)
set(OURO_LAYER_linux/boot base cpu mm mm/phys mm/pt mm/heap mm/vm mm/init kern diag boot net/stack net/inet fs/vfs fs/cache fs/pipe fs/ram fs/tty fs/socket fs/dev fs/proc fs/p9 fs/block fs/ext4 fs/iso9660 fs/overlay linux/abi linux/task linux/time linux/memory linux/exec linux/file linux/ipc linux/call linux/fault)
# Up-calls: functions and variables with one implementation, in a higher folder than their users. A header of the folder
# here declares each of them, so that the folder, and those that may include it, may use the name. Code in assembler
# needs no header. test/lint/symbols.sh fails on any other use of a higher symbol, and on a name here without such a use.
# base: the log is in kern/, the panic in diag/.
set(OURO_SYMBOLS_base log_write panic panic_assert)
# cpu: a trap ends in a panic (diag/) or in signals (linux/fault/), a broken rule of locks in a panic (diag/); entry.S calls
# the dispatcher (linux/call/) and a thread's first function (kern/).
set(OURO_SYMBOLS_cpu panic_at trap_gs_restored trap_kernel_stack_overflow trap_leave trap_raised_by_program trap_unexpected syscall_dispatch syscall_fast syscall_fast_dispatch thread_run lock_check_failed)
# mm: the address spaces are in mm/pt/, the frames of the machine and their scratch mapping in mm/init/; faults end in
# diag/ and linux/fault/; the process has the limits (linux/memory/), the thread the page that a copy missed (linux/task/).
set(OURO_SYMBOLS_mm first_space running_spaces)
set(OURO_SYMBOLS_mm/phys machine_frames reserve_admits reserve_owe reserve_refill)
set(OURO_SYMBOLS_mm/pt memory_scratch memory_table_alloc memory_table_free memory_zero_frame)
set(OURO_SYMBOLS_mm/vm areas_policy copy_missed copy_missing fault_of_copy fault_of_kernel fault_of_program swap_fetch swap_may_help fault_was_resolved)
# kern: file systems on media are in fs/vfs/; boot/ reads the loader's data; dev/pc/ switches the machine off, dev/local/ waits for a key, linux/process/ signals
# the program; watchdog and scheduler end in reports (diag/, linux/fault/); the vDSO (linux/time/) has a copy of the clock's offset.
set(OURO_SYMBOLS_kern boot_summary machine_ask_program_to_end machine_ends_later machine_firmware_power_off machine_firmware_restart machine_interrupt_program machine_wait_for_key report_by_request report_is_running thread_point_passed threads_stuck time_realtime_changed watchdog_stuck)
# diag: Linux's facts for reports, from linux/fault/.
set(OURO_SYMBOLS_diag report_call_line report_call_name report_connection_line report_process report_thread_line report_usage_line)
# fs/vfs: processes (linux/file/), device numbers (fs/dev/), pipes and epoll (fs/pipe/).
set(OURO_SYMBOLS_fs/vfs block_file_ops fs_call_of fs_caller_credentials fs_caller_job fs_check_group fs_check_trace fs_describe fs_limit fs_limits fs_next_process fs_next_thread fs_own_tid fs_pid_of fs_owner_exists fs_raise fs_raise_group fs_rename_thread fs_set_oom_score_adj fs_signal_owner fs_stop_group fs_stop_others device_find device_register epoll_forget fifo_file_ops)
# fs/proc: the files of /proc/net are in net/inet/.
set(OURO_SYMBOLS_fs/proc procfs_net_row_count procfs_net_rows)
# net/stack: what TCP says of an open connection is for net/inet/.
set(OURO_SYMBOLS_net/stack net_urgent_comes)
# linux/abi: clocks are in linux/time/, the tracing of calls in linux/call/.
set(OURO_SYMBOLS_linux/abi clock_has_timers clock_kind clock_read stats_report strace_exit strace_on strace_signal syscall_trace_all)
# linux/task: the end of a thread or process concerns futexes (linux/futex/), System V semaphores (linux/ipc/), timers (linux/time/) and reports (linux/fault/).
set(OURO_SYMBOLS_linux/task ipc_process_ends signal_fault_report thread_exit_futexes thread_lend_priority timers_clear timers_init)
# The only headers from outside src/: those of a freestanding compiler, and for these folders those of lwIP, <lwip/...> and
# <netif/...>.
set(OURO_LIBRARY_lwip net/stack net/inet)
set(OURO_LAYER_system stdarg.h stdbool.h stddef.h stdint.h)
