# SPDX-License-Identifier: MIT
# src/mm, and the pure parts of src/cpu and src/kern.
ouro_host_test(frames src/mm/frames.c)
ouro_host_test(free_map src/mm/free_map.c)
ouro_host_test(paging test/host/sim_mmu.c test/host/paging_world.c src/mm/paging.c
    src/mm/paging_shared.c src/mm/pt_move.c src/mm/pt_access_recursive.c
    src/mm/pt_access_physmap.c src/mm/pt_access_offset.c src/mm/pt_access_identity.c
    src/mm/pt_access_temporary.c src/mm/frames.c src/mm/free_map.c)
# The tables are those of a simulated MMU.
target_include_directories(test_paging BEFORE PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/host/paging_shadow)
ouro_host_test(audit src/mm/audit.c)
ouro_host_test(mmu_model test/guest/mmu_model.c test/host/sim_mmu.c)
set(areas_sources test/host/areas_model.c src/mm/areas.c src/mm/areas_place.c src/mm/areas_pages.c
    src/mm/frames.c src/mm/paging.c)
ouro_host_test(areas ${areas_sources})
ouro_host_test(heap src/mm/heap.c src/mm/frames.c src/mm/paging.c)
# The heap's slot is in the kernel's half: a header of the same name moves it.
target_include_directories(test_heap BEFORE PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/host/heap_shadow)
ouro_host_test(ptdump src/mm/ptdump.c)
ouro_host_test(fault_report src/mm/fault_report.c src/mm/fault_class.c src/parse/x86_insn.c)
ouro_host_test(history src/mm/history.c)
target_compile_definitions(test_fault_report PRIVATE
    OURO_GOLDEN="${CMAKE_CURRENT_SOURCE_DIR}/host/golden/fault_report.txt")
ouro_host_test(backtrace src/cpu/backtrace.c)
ouro_host_test(options src/kern/options.c src/parse/cmdline.c)
ouro_host_test(random)
ouro_host_test(pqueue src/base/pqueue.c)
ouro_host_test(run_queue src/kern/run_queue.c src/base/pqueue.c)
ouro_host_test(timers src/kern/time.c src/base/pqueue.c)
# cli is not for programs, see linux.cmake.
target_include_directories(test_timers BEFORE PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/host/linux_shadow)

ouro_fuzzer(options src/kern/options.c src/parse/cmdline.c)
ouro_fuzzer(fault_report src/mm/fault_report.c src/mm/fault_class.c src/parse/x86_insn.c)
ouro_fuzzer(areas ${areas_sources})

# The report as a whole, over a machine that the fuzzer makes up.
ouro_fuzzer(report src/kern/report_memory.c src/kern/report_trace.c src/kern/report_state.c src/cpu/backtrace.c
    src/mm/fault_report.c src/mm/fault_class.c src/parse/x86_insn.c src/parse/x86_halt.c src/parse/eh_frame.c
    src/parse/elf_symbols.c src/parse/symbol_table.c)
if(TARGET fuzz_report)
    # The current thread is not at GS.
    target_include_directories(fuzz_report BEFORE PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/host/report_shadow)
endif()
