# SPDX-License-Identifier: MIT
# The answers of system calls, by family, compared with those of Debian's Linux 6.1 (test/answers/linux.txt).
set(answers_dir ${CMAKE_CURRENT_SOURCE_DIR}/answers)
set(answers_program ${CMAKE_CURRENT_BINARY_DIR}/answers-pie)
file(GLOB answers_sources CONFIGURE_DEPENDS ${answers_dir}/*.c)
add_custom_command(OUTPUT ${answers_program}
    COMMAND gcc -static-pie -fpie -fno-stack-protector -O1 -g0 -s -Wall -Wextra -I ${PROJECT_SOURCE_DIR}/src -I ${answers_dir}
        -Wa,-I,${answers_dir} -o ${answers_program} ${answers_sources}
    DEPENDS ${answers_sources} ${answers_dir}/answers.h ${answers_dir}/calls.txt
        ${PROJECT_SOURCE_DIR}/src/linux/call/rows.inc VERBATIM)
add_custom_target(test_answers ALL DEPENDS ${answers_program})
# Makes linux.txt anew: downloads Debian's kernel and boots it in QEMU.
add_custom_target(linux-answers
    COMMAND ${answers_dir}/linux.sh ${PROJECT_SOURCE_DIR}/build/bench/linux ${answers_program}
    DEPENDS ${answers_program} USES_TERMINAL VERBATIM)
execute_process(COMMAND ${answers_dir}/compare.sh --names OUTPUT_VARIABLE answers_families
    OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE "\n" ";" answers_families "${answers_families}")
foreach(family IN LISTS answers_families)
    ouro_program_test(answers.${family} 300 ${answers_dir}/compare.sh ${answers_program} ${family})
endforeach()
