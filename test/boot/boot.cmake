# SPDX-License-Identifier: MIT
# Tests that boot an emulator through the tool, and tests of the tool: front-door, tool and bad-words need no emulator.
set(OURO_BOOT_ENVIRONMENT "OURO=$<TARGET_FILE:ouro-tool>" "KERNEL=${PROJECT_BINARY_DIR}/../kernel/ouro.elf")

function(ouro_boot_test name timeout)
    ouro_add_test(boot ${name} ${timeout} ${ARGN})
    set_tests_properties(boot.${name} PROPERTIES ENVIRONMENT "${OURO_BOOT_ENVIRONMENT}")
endfunction()

file(STRINGS boot/machine/matrix.txt rows REGEX "^[a-z0-9-]+ *\\|")
foreach(row ${rows})
    string(REGEX MATCH "^[a-z0-9-]+" name ${row})
    ouro_boot_test(${name} 240 ${CMAKE_CURRENT_SOURCE_DIR}/boot/machine/matrix.sh ${name})
endforeach()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/boot/machine/matrix.txt)

ouro_boot_test(front-door 120 ${CMAKE_CURRENT_SOURCE_DIR}/boot/tool/front-door.sh)
ouro_boot_test(tool 120 ${CMAKE_CURRENT_SOURCE_DIR}/boot/tool/tool.sh)
ouro_boot_test(dynamic 240 ${CMAKE_CURRENT_SOURCE_DIR}/boot/tool/dynamic.sh)
ouro_boot_test(terminal 120 ${CMAKE_CURRENT_SOURCE_DIR}/boot/terminal/terminal.sh)
ouro_boot_test(report 240 ${CMAKE_CURRENT_SOURCE_DIR}/boot/tool/report.sh)
ouro_boot_test(slow-reader 240 ${CMAKE_CURRENT_SOURCE_DIR}/boot/machine/slow-reader.sh)
ouro_boot_test(monitor 120 ${CMAKE_CURRENT_SOURCE_DIR}/boot/machine/monitor.sh)
ouro_boot_test(core 240 ${CMAKE_CURRENT_SOURCE_DIR}/boot/tool/core.sh)
ouro_boot_test(check 120 ${CMAKE_CURRENT_SOURCE_DIR}/boot/tool/check.sh)
ouro_boot_test(interactive 240 ${CMAKE_CURRENT_SOURCE_DIR}/boot/terminal/interactive.sh)
ouro_boot_test(debug 120 ${CMAKE_CURRENT_SOURCE_DIR}/boot/tool/debug.sh)
ouro_boot_test(ci-page 240 ${CMAKE_CURRENT_SOURCE_DIR}/boot/docs/ci-page.sh)
ouro_boot_test(docs 400 ${CMAKE_CURRENT_SOURCE_DIR}/boot/docs/docs.sh)
ouro_boot_test(bench 600 ${CMAKE_CURRENT_SOURCE_DIR}/boot/tool/bench.sh)
ouro_boot_test(stats 120 ${CMAKE_CURRENT_SOURCE_DIR}/boot/tool/stats.sh)
ouro_boot_test(profile 240 ${CMAKE_CURRENT_SOURCE_DIR}/boot/tool/profile.sh)
ouro_boot_test(norandmaps 120 ${CMAKE_CURRENT_SOURCE_DIR}/boot/machine/norandmaps.sh ${program_dir}/random-pie)
foreach(group words boots screen)
    ouro_boot_test(bad-${group} 600 ${CMAKE_CURRENT_SOURCE_DIR}/boot/tool/bad.sh ${group})
endforeach()

ouro_boot_test(usb 240 ${CMAKE_CURRENT_SOURCE_DIR}/boot/machine/usb.sh)
ouro_boot_test(screenshot 240 ${CMAKE_CURRENT_SOURCE_DIR}/boot/machine/screenshot.sh)
ouro_boot_test(cpus-qemu 240 ${CMAKE_CURRENT_SOURCE_DIR}/boot/machine/cpus.sh qemu)
ouro_boot_test(cpus-bochs 400 ${CMAKE_CURRENT_SOURCE_DIR}/boot/machine/cpus.sh bochs)

# The probe recognizes characters on the screen by the kernel's own font.
add_executable(screen_probe boot/machine/screen_probe.c ${CMAKE_CURRENT_BINARY_DIR}/font.c)
target_include_directories(screen_probe PRIVATE ${PROJECT_SOURCE_DIR}/src)
foreach(group picture text report ends bare bochs cards programs)
    ouro_boot_test(screen-${group} 600 ${CMAKE_COMMAND} -E env PROBE=$<TARGET_FILE:screen_probe>
        ${CMAKE_CURRENT_SOURCE_DIR}/boot/machine/screen.sh ${group})
endforeach()
