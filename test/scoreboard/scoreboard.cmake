# SPDX-License-Identifier: MIT
# Suites that others wrote: of each a sample with every commit, and the checks of what runs them. All of a suite is
# ./ouro test scoreboard SUITE.
set(scoreboard ${CMAKE_CURRENT_SOURCE_DIR}/scoreboard/scoreboard.py)
ouro_add_test(scoreboard page 30 ${scoreboard} --page)
ouro_add_test(scoreboard self 300 ${scoreboard} --self)
file(GLOB scoreboard_suites CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/scoreboard/suites/*.linux)
foreach(suite IN LISTS scoreboard_suites)
    get_filename_component(suite ${suite} NAME_WE)
    file(STRINGS ${CMAKE_CURRENT_SOURCE_DIR}/scoreboard/suites/${suite}.sh too_long REGEX "^sample=0$")
    if(too_long) # to build, for a test of a commit
        continue()
    endif()
    ouro_add_test(scoreboard sample-${suite} 1200 ${scoreboard} --sample ${suite})
    set_tests_properties(scoreboard.sample-${suite} PROPERTIES SKIP_RETURN_CODE 77)
endforeach()
