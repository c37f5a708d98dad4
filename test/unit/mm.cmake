# SPDX-License-Identifier: MIT
# src/mm, and the pure parts of src/cpu and src/kern.
ouro_host_test(mm/phys/frames src/mm/phys/frames.c)
ouro_host_test(mm/phys/free_map src/mm/phys/free_map.c)
set(paging_sources test/unit/support/sim_mmu.c test/unit/support/paging_world.c src/mm/pt/paging.c
    src/mm/pt/tables.c src/mm/pt/spaces.c src/mm/pt/move.c src/mm/pt/recursive.c
    src/mm/pt/physmap.c src/mm/pt/offset.c src/mm/pt/identity.c
    src/mm/pt/temporary.c src/mm/phys/frames.c src/mm/phys/free_map.c)
foreach(name paging spaces fork)
    # The tables are in the memory of a simulated MMU.
    ouro_host_test(mm/pt/${name} ${paging_sources} test/unit/support/page_model.c SHADOW paging)
endforeach()
ouro_host_test(mm/pt/audit src/mm/pt/audit.c)
ouro_host_test(mm/pt/mmu_model test/guest/mmu_model.c test/unit/support/sim_mmu.c)
set(areas_sources test/unit/support/areas_model.c test/unit/support/areas_steps.c test/unit/support/areas_swap.c src/mm/vm/slots.c src/mm/vm/clock.c src/mm/vm/swap.c src/mm/vm/areas.c src/mm/vm/areas_place.c src/mm/vm/areas_pages.c src/mm/vm/mappings.c src/base/gap_tree.c src/mm/phys/shrinker.c
    src/mm/phys/frames.c src/mm/pt/paging.c)
ouro_host_test(mm/vm/areas ${areas_sources})
# The heap's slot is in the kernel's half: a header of the same name moves it to addresses that a process can map.
ouro_host_test(mm/heap/heap src/mm/heap/heap.c src/mm/phys/shrinker.c src/mm/phys/frames.c src/mm/pt/paging.c SHADOW heap)
ouro_host_test(mm/vm/clock test/unit/support/clock_model.c)
ouro_host_test(mm/heap/hash_table src/mm/heap/hash_table.c)
ouro_host_test(mm/pt/ptdump src/mm/pt/dump.c)
ouro_host_test(diag/fault_report test/unit/support/golden.c src/diag/text.c src/diag/hint.c src/diag/classify.c src/parse/x86_insn.c)
ouro_host_test(mm/vm/history src/mm/vm/history.c)
target_compile_definitions(test_fault_report PRIVATE
    OURO_GOLDEN="${CMAKE_CURRENT_SOURCE_DIR}/unit/golden/fault_report.txt")
set(report_sources src/diag/memory.c src/diag/blocks.c src/parse/malloc_heap.c src/diag/trace.c src/diag/state.c src/cpu/backtrace.c
    src/diag/text.c src/diag/hint.c src/diag/classify.c src/parse/x86_insn.c src/parse/x86_halt.c src/parse/eh_frame.c
    src/parse/elf_symbols.c src/parse/cursor.c src/parse/line_table.c src/parse/symbol_table.c test/unit/support/report_stubs.c)
# Parts of the report over a fake machine, whose memory is the simulated MMU's.
foreach(name report_memory report_state)
    ouro_host_test(diag/${name} ${report_sources} test/unit/support/golden.c test/unit/support/fault_machine.c
        test/unit/support/fault_program.c ${paging_sources} src/mm/heap/kstack.c src/mm/phys/shrinker.c
        src/mm/vm/areas.c src/mm/vm/areas_place.c src/mm/vm/areas_pages.c src/mm/vm/mappings.c src/mm/vm/slots.c src/mm/vm/clock.c src/base/gap_tree.c src/mm/vm/history.c tool/host/json.c
        SHADOW machine report paging)
    target_compile_definitions(test_${name} PRIVATE
        OURO_GOLDEN="${CMAKE_CURRENT_SOURCE_DIR}/unit/golden/${name}.txt")
endforeach()
ouro_host_test(cpu/backtrace src/cpu/backtrace.c)
ouro_host_test(cpu/tsc_fit src/cpu/tsc_fit.c)
ouro_host_test(cpu/lock_order src/cpu/lock_order.c)
ouro_host_test(cpu/nmi_timer src/cpu/nmi_timer.c SHADOW ports)
ouro_host_test(kern/options src/kern/options.c src/kern/net_options.c src/parse/cmdline.c)
ouro_host_test(kern/output_ring src/kern/output_ring.c)
ouro_host_test(kern/block_ring src/kern/block_ring.c)
ouro_host_test(kern/net_buffer src/kern/net_buffer.c src/mm/phys/shrinker.c)
ouro_host_test(kern/block src/kern/block.c src/kern/block_io.c SHADOW linux)
ouro_host_test(kern/random)
ouro_host_test(base/pqueue src/base/pqueue.c)
ouro_host_test(kern/run_queue src/kern/run_queue.c src/base/pqueue.c)
ouro_host_test(kern/host_time src/kern/host_time.c)
# cli faults in user mode, see linux.cmake.
ouro_host_test(kern/timers src/kern/time.c src/base/pqueue.c SHADOW linux)

ouro_fuzzer(kern/options src/kern/options.c src/kern/net_options.c src/parse/cmdline.c)
ouro_fuzzer(diag/fault_report src/diag/text.c src/diag/hint.c src/diag/classify.c src/parse/x86_insn.c)
ouro_fuzzer(mm/vm/areas ${areas_sources})

# The whole report, over a machine made from the fuzzer's input.
# The current thread is a variable of the test, not at GS; the kernel image's symbols are stand-ins.
ouro_fuzzer(diag/report ${report_sources} SHADOW report)
