# SPDX-License-Identifier: MIT
# Checks of the source text. The selftest plants an error for each check, which must find it.
foreach(check abi compiler includes headers layout format shellcheck workflow budgets names statics selftest)
    ouro_add_test(lint ${check} 300 ${CMAKE_CURRENT_SOURCE_DIR}/lint/${check}.sh ${PROJECT_SOURCE_DIR})
endforeach()

set_tests_properties(lint.format lint.workflow PROPERTIES SKIP_RETURN_CODE 77)
ouro_add_test(lint size 10 ${CMAKE_CURRENT_SOURCE_DIR}/lint/size.sh ${CMAKE_BINARY_DIR}/../kernel/ouro.elf)

# Checks the objects of the kernel with the guest tests, which has all of src/ and the checks of locks.
get_filename_component(lint_builds ${CMAKE_BINARY_DIR} DIRECTORY) # build/host -> build
ouro_add_test(lint symbols 300 ${CMAKE_CURRENT_SOURCE_DIR}/lint/symbols.sh ${PROJECT_SOURCE_DIR}
    ${lint_builds}/kernel/src/CMakeFiles/ouro-test_objects.dir)
ouro_add_test(lint locks 300 ${CMAKE_CURRENT_SOURCE_DIR}/lint/locks.sh ${PROJECT_SOURCE_DIR} ${lint_builds}/kernel)
# lwip_original: cmake/lwip.cmake.
ouro_add_test(lint lwip 120 ${CMAKE_CURRENT_SOURCE_DIR}/lint/lwip.sh ${PROJECT_SOURCE_DIR} ${lwip_original})
