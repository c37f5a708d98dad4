# SPDX-License-Identifier: MIT
# The pure parts of the host tool. tool_native.c stands in for tool/host/fail.c.
function(ouro_tool_test path)
    ouro_host_test(tool/${path} test/unit/support/tool_native.c tool/host/text.c ${ARGN})
endfunction()

ouro_tool_test(console/unframe tool/console/unframe.c tool/console/boot_output.c
    src/kern/block_ring.c)
ouro_tool_test(image/words tool/image/words.c tool/host/path.c src/parse/cmdline.c)
ouro_tool_test(image/cpio tool/image/cpio_writer.c src/parse/cpio.c)
ouro_tool_test(image/iso9660 tool/image/iso9660.c)
ouro_tool_test(bench/bench_figures tool/bench/bench_figures.c)
ouro_tool_test(command/skips tool/command/skips.c)
ouro_tool_test(machine/suggest tool/machine/suggest.c)
ouro_tool_test(image/dpkg tool/image/dpkg.c)
ouro_tool_test(image/rules tool/image/rules_text.c)
ouro_tool_test(report/missed tool/report/missed.c tool/host/json.c tool/host/path.c)
ouro_tool_test(image/ld_cache tool/image/ld_cache.c)
ouro_tool_test(image/elf_needs tool/image/elf_needs.c)
pkg_check_modules(LIBELF REQUIRED IMPORTED_TARGET libelf)
target_link_libraries(test_tool_elf_needs PRIVATE PkgConfig::LIBELF)
# With the table made from the kernel's rows.
ouro_tool_test(image/scan)
add_custom_command(OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/scan/scan_rows.inc
    COMMAND mkdir -p scan
    COMMAND ${PROJECT_SOURCE_DIR}/tool/scan_rows.sh ${PROJECT_SOURCE_DIR}/src/linux/call/rows.inc > scan/scan_rows.inc
    DEPENDS ${PROJECT_SOURCE_DIR}/src/linux/call/rows.inc ${PROJECT_SOURCE_DIR}/tool/scan_rows.sh VERBATIM)
target_sources(test_tool_scan PRIVATE ${PROJECT_SOURCE_DIR}/tool/image/scan.c ${CMAKE_CURRENT_BINARY_DIR}/scan/scan_rows.inc)
target_include_directories(test_tool_scan PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/scan)
target_link_libraries(test_tool_scan PRIVATE PkgConfig::LIBELF)
ouro_tool_test(host/delay tool/host/delay.c tool/host/text.c test/unit/support/tool_native.c)
ouro_tool_test(host/json tool/host/json.c)
ouro_tool_test(report/report tool/report/report.c tool/report/report_stream.c tool/report/report_render.c tool/host/json.c tool/report/demangle.c)
find_library(OURO_IBERTY iberty REQUIRED)
target_link_libraries(test_tool_report PRIVATE ${OURO_IBERTY})
ouro_tool_test(report/own tool/report/report_own.c tool/host/json.c)
ouro_fuzzer(tool/report/tool_report tool/report/report_stream.c tool/report/report_render.c tool/host/json.c tool/host/text.c test/unit/support/tool_native.c)
# Container images.
set(oci tool/oci/root.c tool/oci/layer.c tool/oci/config.c tool/host/path.c)
ouro_tool_test(oci/oci ${oci})
ouro_fuzzer(tool/oci/tool_oci ${oci} tool/host/text.c test/unit/support/tool_native.c)
pkg_check_modules(OCI REQUIRED IMPORTED_TARGET libarchive json-c)
foreach(target test_tool_oci fuzz_tool_oci)
    if(TARGET ${target})
        target_link_libraries(${target} PRIVATE PkgConfig::OCI)
    endif()
endforeach()
