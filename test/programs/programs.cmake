# SPDX-License-Identifier: MIT
# The programs that run on Linux and in Ouro: each test/programs/FOLDER/NAME.c as NAME-musl, NAME-glibc and
# NAME-pie (static-PIE), and the table that says how they are run.
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
                ${PROJECT_SOURCE_DIR}/include/ouro/pagetable.h VERBATIM)
        list(APPEND program_files ${out})
    endforeach()
endforeach()
add_custom_target(test_programs ALL DEPENDS ${program_files})

add_test(NAME programs.debian COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/programs/debian.sh)
set_tests_properties(programs.debian PROPERTIES LABELS programs TIMEOUT 1800 SKIP_RETURN_CODE 77
    ENVIRONMENT "OURO=$<TARGET_FILE:ouro-tool>")

add_test(NAME programs.callfuzz
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/programs/call/callfuzz.sh ${program_dir}/callfuzz-glibc)
set_tests_properties(programs.callfuzz PROPERTIES LABELS programs TIMEOUT 90000
    ENVIRONMENT "OURO=$<TARGET_FILE:ouro-tool>")

add_test(NAME programs.full
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/programs/file/full.sh ${program_dir}/full-musl)
set_tests_properties(programs.full PROPERTIES LABELS programs TIMEOUT 300 SKIP_RETURN_CODE 77
    ENVIRONMENT "OURO=$<TARGET_FILE:ouro-tool>")

# The tool itself, not the front door: what needs building has been built when tests run.
add_test(NAME programs.cases
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/programs/run.sh ${program_dir})
set_tests_properties(programs.cases PROPERTIES LABELS programs TIMEOUT 900 SKIP_RETURN_CODE 77
    ENVIRONMENT "OURO=$<TARGET_FILE:ouro-tool>")

add_test(NAME programs.strace
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/programs/strace.sh ${program_dir}/traced-glibc)
set_tests_properties(programs.strace PROPERTIES LABELS programs TIMEOUT 200 SKIP_RETURN_CODE 77
    ENVIRONMENT "OURO=$<TARGET_FILE:ouro-tool>")

add_test(NAME programs.refused COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/programs/refused.sh)
set_tests_properties(programs.refused PROPERTIES LABELS programs TIMEOUT 200
    ENVIRONMENT "OURO=$<TARGET_FILE:ouro-tool>")

add_test(NAME programs.examples
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/programs/examples.sh ${program_dir})
set_tests_properties(programs.examples PROPERTIES LABELS programs TIMEOUT 300
    ENVIRONMENT "OURO=$<TARGET_FILE:ouro-tool>")

add_test(NAME programs.gc COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/programs/gc.sh)
set_tests_properties(programs.gc PROPERTIES LABELS programs TIMEOUT 200 SKIP_RETURN_CODE 77
    ENVIRONMENT "OURO=$<TARGET_FILE:ouro-tool>")

# Some of them again, the page tables reached in each other way.
foreach(way physmap offset identity temporary)
    add_test(NAME programs.${way}
        COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/programs/run.sh ${program_dir}
            hello-pie memory-musl memory-glibc faults-pie overflow-glibc busybox-sort)
    set_tests_properties(programs.${way} PROPERTIES LABELS programs TIMEOUT 300 SKIP_RETURN_CODE 77
        ENVIRONMENT "OURO=$<TARGET_FILE:ouro-tool>;WORDS=pagetables=${way}")
endforeach()

# Some of them again with every lock checked (docs/locks.md).
add_test(NAME programs.locks
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/programs/run.sh ${program_dir}
        hello-pie death-alarm signals-musl storm-glibc rseq faults-glibc threads-glibc waiting-musl epolls-glibc spawn-musl
        ptys-musl bash-trap-signal busybox-sort)
set_tests_properties(programs.locks PROPERTIES LABELS programs TIMEOUT 300 SKIP_RETURN_CODE 77
    ENVIRONMENT "OURO=$<TARGET_FILE:ouro-tool>;KERNEL=${CMAKE_BINARY_DIR}/../kernel/ouro-test.elf")
