# SPDX-License-Identifier: MIT
# The host tool's own thinking. tool_native.c stands in for the ends of the tool (tool/fail.c).
function(ouro_tool_test name)
    ouro_host_test(tool_${name} test/host/tool_native.c tool/text.c ${ARGN})
    target_include_directories(test_tool_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tool)
    target_compile_definitions(test_tool_${name} PRIVATE _GNU_SOURCE)
endfunction()

ouro_tool_test(unframe tool/unframe.c tool/chatter.c)
ouro_tool_test(words tool/words.c tool/path.c src/parse/cmdline.c)
ouro_tool_test(cpio tool/cpio_writer.c src/parse/cpio.c)
ouro_tool_test(iso9660 tool/iso9660.c)
ouro_tool_test(bench_figures tool/bench_figures.c)
ouro_tool_test(ld_cache tool/ld_cache.c)
ouro_tool_test(elf_needs tool/elf_needs.c)
pkg_check_modules(LIBELF REQUIRED IMPORTED_TARGET libelf)
target_link_libraries(test_tool_elf_needs PRIVATE PkgConfig::LIBELF)
ouro_tool_test(scan tool/scan.c)
add_custom_command(OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/scan/scan_rows.inc
    COMMAND mkdir -p scan
    COMMAND ${PROJECT_SOURCE_DIR}/tool/scan_rows.sh ${PROJECT_SOURCE_DIR}/src/linux/syscall_table.c > scan/scan_rows.inc
    DEPENDS ${PROJECT_SOURCE_DIR}/src/linux/syscall_table.c ${PROJECT_SOURCE_DIR}/tool/scan_rows.sh VERBATIM)
target_sources(test_tool_scan PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/scan/scan_rows.inc)
target_include_directories(test_tool_scan PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/scan)
target_link_libraries(test_tool_scan PRIVATE PkgConfig::LIBELF)
ouro_tool_test(json tool/json.c)
ouro_tool_test(report tool/report.c tool/report_stream.c tool/report_render.c tool/json.c)
ouro_fuzzer(tool_report tool/report_stream.c tool/report_render.c tool/json.c tool/text.c test/host/tool_native.c)
if(TARGET fuzz_tool_report)
    target_include_directories(fuzz_tool_report PRIVATE ${PROJECT_SOURCE_DIR}/tool)
    target_compile_definitions(fuzz_tool_report PRIVATE _GNU_SOURCE)
endif()
