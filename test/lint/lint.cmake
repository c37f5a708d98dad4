# SPDX-License-Identifier: MIT
# Checks of the source text. The selftest plants an error for each check, which must find it.
foreach(check abi compiler includes headers layout format locks shellcheck budgets names statics selftest)
    ouro_add_test(lint ${check} 300 ${CMAKE_CURRENT_SOURCE_DIR}/lint/${check}.sh ${PROJECT_SOURCE_DIR})
endforeach()

# Checks the objects of the kernel with the guest tests, which has all of src/ and the checks of locks.
get_filename_component(lint_builds ${CMAKE_BINARY_DIR} DIRECTORY) # build/host -> build
ouro_add_test(lint symbols 300 ${CMAKE_CURRENT_SOURCE_DIR}/lint/symbols.sh ${PROJECT_SOURCE_DIR}
    ${lint_builds}/kernel/src/CMakeFiles/ouro-test_objects.dir)
