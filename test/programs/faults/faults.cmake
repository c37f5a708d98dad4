# SPDX-License-Identifier: MIT
# example/faults.c in QEMU, and a dozen of its ways in Bochs: reports compared with test/programs/faults/golden/.
set(faults_program ${CMAKE_CURRENT_BINARY_DIR}/faults)
add_custom_command(OUTPUT ${faults_program}
    COMMAND ${OURO_MUSL_GCC} -static -O1 -g0 -fno-stack-protector -Wall -Wextra -Wno-infinite-recursion
        -o ${faults_program} ${PROJECT_SOURCE_DIR}/example/faults.c
    DEPENDS ${PROJECT_SOURCE_DIR}/example/faults.c VERBATIM)
add_custom_target(test_faults ALL DEPENDS ${faults_program})

add_test(NAME programs.faults
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/programs/faults/run.sh ${faults_program})
set_tests_properties(programs.faults PROPERTIES LABELS programs TIMEOUT 900
    ENVIRONMENT "OURO=$<TARGET_FILE:ouro-tool>")
if(OURO_BOCHS_PROGRAM)
    add_test(NAME boot.faults-bochs
        COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/programs/faults/run.sh ${faults_program} null-field null-call
            stack-recursion return-text text-as-pointer write-string execute-stack unmapped-read
            misaligned-load trap divide-zero float-sse bad-cr4 halt-checked abort)
    set_tests_properties(boot.faults-bochs PROPERTIES LABELS boot TIMEOUT 900
        ENVIRONMENT "OURO=$<TARGET_FILE:ouro-tool>;EMULATOR=bochs")
endif()
