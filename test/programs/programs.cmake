# SPDX-License-Identifier: MIT
# Programs that run on Linux and in Ouro: each test/programs/FOLDER/NAME.c as NAME-musl, NAME-glibc and NAME-pie
# (static-PIE), and the tables of their runs.
find_program(OURO_MUSL_GCC musl-gcc REQUIRED)
file(GLOB program_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/programs/*/*.c)
list(FILTER program_sources EXCLUDE REGEX /gc/)
list(APPEND program_sources ${PROJECT_SOURCE_DIR}/example/dirty.c ${PROJECT_SOURCE_DIR}/example/walk.c)
set(program_dir ${CMAKE_CURRENT_BINARY_DIR}/programs)
file(MAKE_DIRECTORY ${program_dir})
set(program_files)
foreach(source IN LISTS program_sources)
    get_filename_component(name ${source} NAME_WE)
    foreach(kind musl glibc pie)
        if(kind STREQUAL "musl")
            set(compile ${OURO_MUSL_GCC} -static)
        elseif(kind STREQUAL "glibc")
            set(compile gcc -static)
        else()
            set(compile gcc -static-pie -fpie)
        endif()
        set(out ${program_dir}/${name}-${kind})
        add_custom_command(OUTPUT ${out}
            COMMAND ${compile} -O1 -g0 -s -Wall -Wextra -I ${PROJECT_SOURCE_DIR}/include -I ${CMAKE_CURRENT_SOURCE_DIR}/programs -o ${out} ${source} -lm
            DEPENDS ${source} ${CMAKE_CURRENT_SOURCE_DIR}/programs/result.h
                ${CMAKE_CURRENT_SOURCE_DIR}/programs/process/tracing.h
                ${CMAKE_CURRENT_SOURCE_DIR}/programs/socket/internet.h
                ${CMAKE_CURRENT_SOURCE_DIR}/programs/socket/urgent.h
                ${CMAKE_CURRENT_SOURCE_DIR}/programs/call/deeds.h
                ${CMAKE_CURRENT_SOURCE_DIR}/programs/ipc/asleep.h
                ${CMAKE_CURRENT_SOURCE_DIR}/programs/ipc/children.h
                ${PROJECT_SOURCE_DIR}/include/ouro/pagetable.h VERBATIM)
        list(APPEND program_files ${out})
    endforeach()
endforeach()
foreach(kind musl glibc pie)
    add_custom_command(OUTPUT ${program_dir}/everycall-${kind} APPEND
        DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/programs/process/everycall.h
        ${CMAKE_CURRENT_SOURCE_DIR}/programs/process/everycall_exact.h
        ${PROJECT_SOURCE_DIR}/src/linux/call/rows.inc)
endforeach()
add_custom_target(test_programs ALL DEPENDS ${program_files})

# The tool itself, not the front door: the build is complete when tests run.
set(programs_environment "OURO=$<TARGET_FILE:ouro-tool>")

# ouro_program_test(NAME SECONDS COMMAND...): exit status 77 of the command means that this computer cannot run it.
function(ouro_program_test name timeout)
    ouro_add_test(programs ${name} ${timeout} ${ARGN})
    set_tests_properties(programs.${name} PROPERTIES SKIP_RETURN_CODE 77 ENVIRONMENT "${programs_environment}")
endfunction()

# ouro_table_names(SCRIPT TABLE OUT): the names of the cases of a table, by SCRIPT --names.
function(ouro_table_names script table out)
    execute_process(COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/programs/${script} --names
        OUTPUT_VARIABLE names OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    string(REPLACE "\n" ";" names "${names}")
    set(unique ${names})
    list(REMOVE_DUPLICATES unique)
    if(NOT names OR NOT names STREQUAL unique)
        message(FATAL_ERROR "${table}: no case, or two of the same name")
    endif()
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
        ${CMAKE_CURRENT_SOURCE_DIR}/programs/${table} ${CMAKE_CURRENT_SOURCE_DIR}/programs/${script})
    set(${out} ${names} PARENT_SCOPE)
endfunction()

# Each case is a test of its own. The build makes the root folder of all cases of cases.txt once.
set(program_base ${CMAKE_CURRENT_BINARY_DIR}/programs-base)
file(GLOB_RECURSE root_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/programs/root/*)
add_custom_command(OUTPUT ${program_base}.stamp
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/programs/run.sh --base ${program_base}
    COMMAND ${CMAKE_COMMAND} -E touch ${program_base}.stamp
    DEPENDS ${root_files} ${CMAKE_CURRENT_SOURCE_DIR}/programs/run.sh VERBATIM)
add_custom_target(test_programs_base ALL DEPENDS ${program_base}.stamp)

set(run_case ${CMAKE_CURRENT_SOURCE_DIR}/programs/run.sh ${program_dir} ${program_base})
ouro_table_names(run.sh cases.txt cases)
foreach(name IN LISTS cases)
    ouro_program_test(cases.${name} 200 ${run_case} ${name})
endforeach()
# Some of these tests run again with each of the other back ends of the page tables.
foreach(way physmap offset identity temporary)
    foreach(name hello-pie memory-musl memory-glibc faults-pie overflow-glibc busybox-sort)
        ouro_program_test(${way}.${name} 200 ${run_case} ${name})
        set_property(TEST programs.${way}.${name} APPEND PROPERTY ENVIRONMENT "WORDS=pagetables=${way}")
    endforeach()
endforeach()
# Some of them again with every lock checked (docs/locks.md).
foreach(name hello-pie death-alarm signals-musl storm-glibc rseq faults-glibc threads-glibc waiting-musl epolls-glibc
        spawn-musl ptys-musl giveway-musl bash-trap-signal busybox-sort)
    ouro_program_test(locks.${name} 200 ${run_case} ${name})
    set_property(TEST programs.locks.${name} APPEND PROPERTY ENVIRONMENT
        "KERNEL=${CMAKE_BINARY_DIR}/../kernel/ouro-test.elf")
endforeach()
# Some of them again on several CPUs (docs/cpus.md), which QEMU runs in turn.
foreach(name hello-pie threads-glibc storm-glibc futexes-glibc signals-musl rseq forks-musl exec-glibc priorities-glibc
        memcalls-musl sockets-glibc sigio-musl rights-pie seeks-musl)
    ouro_program_test(cpus.${name} 400 ${run_case} ${name})
    set_property(TEST programs.cpus.${name} APPEND PROPERTY ENVIRONMENT CPUS=2 OURO_CPUS_IN_TURN=1)
endforeach()
foreach(name places rights frames words vectors signals sequences realtime pull turns)
    ouro_program_test(cpus.races-${name} 400 ${run_case} races-${name})
    set_property(TEST programs.cpus.races-${name} APPEND PROPERTY ENVIRONMENT CPUS=4 OURO_CPUS_IN_TURN=1)
endforeach()
foreach(name faults futexes pipes files maps signals)
    ouro_program_test(cpus.shares-${name} 400 ${run_case} shares-${name})
    set_property(TEST programs.cpus.shares-${name} APPEND PROPERTY ENVIRONMENT CPUS=4 OURO_CPUS_IN_TURN=1 WORDS=check-at-end)
endforeach()
ouro_program_test(cpus.lone 120 ${CMAKE_CURRENT_SOURCE_DIR}/programs/cpus/lone.sh)
if(OURO_BOCHS_PROGRAM)
    ouro_program_test(cpus.rows-bochs 600 ${CMAKE_CURRENT_SOURCE_DIR}/programs/cpus/rows.sh ${program_dir}/rows-musl)
    ouro_program_test(cpus.shares-bochs 400 ${run_case} shares-files) # whose processors run in parallel to the instruction
    set_property(TEST programs.cpus.shares-bochs APPEND PROPERTY ENVIRONMENT EMULATOR=bochs CPUS=4)
    ouro_program_test(cpus.clocks-bochs 400 ${CMAKE_CURRENT_SOURCE_DIR}/programs/cpus/clocks.sh ${program_dir}/clocks-musl)
    ouro_program_test(cpus.scale-bochs 400 ${CMAKE_CURRENT_SOURCE_DIR}/programs/cpus/scale.sh ${program_dir}/scale-musl)
endif()
# Every space's invariants at the end.
ouro_program_test(locks.crowds-musl 300 ${run_case} crowds-musl)
set_property(TEST programs.locks.crowds-musl APPEND PROPERTY ENVIRONMENT
    "KERNEL=${CMAKE_BINARY_DIR}/../kernel/ouro-test.elf" "WORDS=check-at-end")
# The edges of the CPU again on Bochs, whose CPU is another one than QEMU's.
foreach(name cpu-musl signals-musl)
    ouro_program_test(bochs.${name} 400 ${run_case} ${name})
    set_property(TEST programs.bochs.${name} APPEND PROPERTY ENVIRONMENT EMULATOR=bochs)
endforeach()
ouro_table_names(debian.sh debian.txt cases)
foreach(name IN LISTS cases)
    ouro_program_test(debian.${name} 700 ${CMAKE_CURRENT_SOURCE_DIR}/programs/debian.sh ${name})
endforeach()

# Programs of Debian, packed by the tool's rules alone: a sample; test/programs/drawn.sh SEED 60 draws others.
ouro_program_test(drawn 400 ${CMAKE_CURRENT_SOURCE_DIR}/programs/drawn.sh --sample)

# The recipes of docs/recipes.md. The first unpacks Debian's packages, for all of them.
set(recipes ${CMAKE_CURRENT_SOURCE_DIR}/packages/recipes.py)
execute_process(COMMAND ${recipes} --names OUTPUT_VARIABLE names OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE "\n" ";" names "${names}")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${recipes} ${PROJECT_SOURCE_DIR}/docs/recipes.md)
foreach(name IN LISTS names)
    ouro_program_test(recipes.${name} 900 ${recipes} ${name})
    set_property(TEST programs.recipes.${name} APPEND PROPERTY ENVIRONMENT "PACKAGES=${CMAKE_BINARY_DIR}/../packages")
endforeach()

ouro_program_test(callfuzz 90000 ${CMAKE_CURRENT_SOURCE_DIR}/programs/call/callfuzz.sh ${program_dir}/callfuzz-glibc)
ouro_program_test(cpus.callfuzz 400 ${CMAKE_CURRENT_SOURCE_DIR}/programs/call/callfuzz.sh ${program_dir}/callfuzz-glibc)
set_property(TEST programs.cpus.callfuzz APPEND PROPERTY ENVIRONMENT CPUS=4 OURO_CPUS_IN_TURN=1 SECONDS_EACH=25 "SEEDS=1 2")
ouro_program_test(full 300 ${CMAKE_CURRENT_SOURCE_DIR}/programs/file/full.sh ${program_dir}/full-musl)
ouro_program_test(hungry 100 ${CMAKE_CURRENT_SOURCE_DIR}/programs/memory/hungry.sh ${program_dir}/hungry-musl)
ouro_program_test(forks 300 ${CMAKE_CURRENT_SOURCE_DIR}/programs/process/forks.sh ${program_dir}/crowds-musl)
ouro_program_test(postgres 300 ${CMAKE_CURRENT_SOURCE_DIR}/programs/postgres.sh)
ouro_program_test(cpus.postgres 600 ${CMAKE_CURRENT_SOURCE_DIR}/programs/postgres.sh)
set_property(TEST programs.cpus.postgres APPEND PROPERTY ENVIRONMENT CPUS=4 OURO_CPUS_IN_TURN=1)
ouro_program_test(settings 120 ${CMAKE_CURRENT_SOURCE_DIR}/programs/settings.sh ${program_dir}/titles-glibc)
ouro_program_test(tracers.strace 200 ${CMAKE_CURRENT_SOURCE_DIR}/programs/tracers.sh strace)
ouro_program_test(tracers.fuzz 200 ${CMAKE_CURRENT_SOURCE_DIR}/programs/tracers.sh fuzz ${program_dir}/tracestorm-musl)
ouro_program_test(tracers.gdb 400 ${CMAKE_CURRENT_SOURCE_DIR}/programs/tracers.sh gdb)
ouro_program_test(strace 200 ${CMAKE_CURRENT_SOURCE_DIR}/programs/strace.sh ${program_dir}/traced-glibc)
ouro_program_test(paths 200 ${CMAKE_CURRENT_SOURCE_DIR}/programs/paths.sh ${program_dir}/giveway-musl)
ouro_program_test(everycall 1200 ${CMAKE_CURRENT_SOURCE_DIR}/programs/paths.sh ${program_dir}/everycall-pie)
ouro_program_test(everycall-swap 600 ${CMAKE_CURRENT_SOURCE_DIR}/programs/paths.sh --swap ${program_dir}/everycall-pie
    munmap mprotect mremap mincore madvise)
set_property(TEST programs.everycall APPEND PROPERTY ENVIRONMENT "TIMEOUT=1100")
ouro_program_test(examples 300 ${CMAKE_CURRENT_SOURCE_DIR}/programs/examples.sh ${program_dir})
ouro_program_test(gc 200 ${CMAKE_CURRENT_SOURCE_DIR}/programs/gc.sh)
