# SPDX-License-Identifier: MIT
# Checks of the source text. The selftest plants an error for each and sees it found.
foreach(check abi compiler includes headers layout format locks shellcheck budgets names selftest)
    ouro_add_test(lint ${check} 300 ${CMAKE_CURRENT_SOURCE_DIR}/lint/${check}.sh ${PROJECT_SOURCE_DIR})
endforeach()
