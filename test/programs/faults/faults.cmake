# SPDX-License-Identifier: MIT
# Each way of example/faults.c in QEMU, and a dozen in Bochs: the reports' facts equal test/programs/faults/golden/.
set(faults_program ${CMAKE_CURRENT_BINARY_DIR}/faults)
add_custom_command(OUTPUT ${faults_program}
    COMMAND ${OURO_MUSL_GCC} -static -O1 -g0 -fno-stack-protector -ffile-prefix-map=${PROJECT_SOURCE_DIR}/= -Wall -Wextra
        -Wno-infinite-recursion
        -o ${faults_program} ${PROJECT_SOURCE_DIR}/example/faults.c
    DEPENDS ${PROJECT_SOURCE_DIR}/example/faults.c VERBATIM)
add_custom_target(test_faults ALL DEPENDS ${faults_program})

set(faults_run ${CMAKE_CURRENT_SOURCE_DIR}/programs/faults/run.sh ${faults_program})
file(GLOB faults_golden CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/programs/faults/golden/*.txt)
foreach(golden IN LISTS faults_golden)
    get_filename_component(name ${golden} NAME_WLE)
    if(NOT name MATCHES "^(float-sse|bad-cr4|icebp|.*\\.bochs)$") # only on Bochs
        ouro_program_test(faults.${name} 200 ${faults_run} ${name})
    endif()
endforeach()
ouro_program_test(faults-complete 60 ${faults_run} --complete)
foreach(name write-protected thread-recursion)
    ouro_program_test(faults-mutated.${name} 200 ${faults_run} --mutate ${name})
endforeach()
if(OURO_BOCHS_PROGRAM)
    foreach(name null-field null-call stack-recursion return-text text-as-pointer write-string execute-stack
            unmapped-read misaligned-load trap divide-zero float-sse bad-cr4 halt-checked abort
            software-interrupt device-vector icebp)
        ouro_program_test(faults-bochs.${name} 400 ${faults_run} ${name})
        set_property(TEST programs.faults-bochs.${name} APPEND PROPERTY ENVIRONMENT EMULATOR=bochs)
    endforeach()
endif()
