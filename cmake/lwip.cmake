# SPDX-License-Identifier: MIT
# lwIP, the TCP/IP library, as sources: LWIP_INCLUDE is the folder of its headers; LWIP_HOT, LWIP_WARM and LWIP_COLD are the
# files to compile, for speed and for size; LWIP_WARNINGS are flags. They come from Debian's source package (lwip-fetch.sh)
# or from OURO_LWIP_DIR. lwip-edits/ changes them on the way to build/lwip/, beside the build folder, where all builds
# find them.
set(OURO_LWIP_DIR "" CACHE PATH "An unpacked lwIP 2.1.3, used in place of Debian's source package")
get_filename_component(lwip_cache ${CMAKE_BINARY_DIR}/../lwip ABSOLUTE)
set(lwip_original ${lwip_cache}/2.1.3)
set(lwip_edited ${lwip_cache}/edited)
if(OURO_LWIP_DIR)
    get_filename_component(lwip_original ${OURO_LWIP_DIR} ABSOLUTE)
    string(SHA256 lwip_name ${lwip_original})
    string(SUBSTRING ${lwip_name} 0 8 lwip_name)
    set(lwip_edited ${lwip_cache}/edited-${lwip_name})
elseif(NOT EXISTS ${lwip_original})
    execute_process(COMMAND ${CMAKE_CURRENT_LIST_DIR}/lwip-fetch.sh ${lwip_original}
        RESULT_VARIABLE lwip_result ERROR_VARIABLE lwip_complaint)
    if(NOT lwip_result EQUAL 0)
        message(FATAL_ERROR "${lwip_complaint}")
    endif()
endif()
set(lwip_version "")
if(EXISTS ${lwip_original}/src/include/lwip/init.h)
    file(READ ${lwip_original}/src/include/lwip/init.h lwip_version)
endif()
if(NOT lwip_version MATCHES "LWIP_VERSION_MAJOR +2.*LWIP_VERSION_MINOR +1.*LWIP_VERSION_REVISION +3")
    message(FATAL_ERROR "${lwip_original} is not lwIP 2.1.3")
endif()

# lwip_file(PATH): the edits that follow are of this file, in which the ends of lines are LF.
macro(lwip_file path)
    set(lwip_path ${path})
    if(NOT DEFINED lwip_text_${path})
        file(READ ${lwip_original}/${path} lwip_text_${path})
        string(REPLACE "\r\n" "\n" lwip_text_${path} "${lwip_text_${path}}")
    endif()
endmacro()

# lwip_edit(OLD NEW): OLD, which stands in the file exactly once, becomes NEW.
function(lwip_edit old new)
    set(text "${lwip_text_${lwip_path}}")
    string(FIND "${text}" "${old}" first)
    string(FIND "${text}" "${old}" last REVERSE)
    if(first EQUAL -1)
        message(FATAL_ERROR "an edit of lwIP's ${lwip_path} finds no place. It looks for:\n${old}")
    elseif(NOT first EQUAL last)
        message(FATAL_ERROR "an edit of lwIP's ${lwip_path} finds more than one place. It looks for:\n${old}")
    endif()
    string(REPLACE "${old}" "${new}" text "${text}")
    set(lwip_text_${lwip_path} "${text}" PARENT_SCOPE)
endfunction()

file(GLOB lwip_edits CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/lwip-edits/*.cmake)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${lwip_edits})
foreach(lwip_edit IN LISTS lwip_edits)
    include(${lwip_edit})
endforeach()

# Files that are as before keep their time, so that they are not compiled again.
file(GLOB_RECURSE lwip_files RELATIVE ${lwip_original}
    ${lwip_original}/src/core/*.c ${lwip_original}/src/include/*.h ${lwip_original}/src/netif/ethernet.c)
foreach(file IN LISTS lwip_files)
    get_filename_component(lwip_folder ${lwip_edited}/${file} DIRECTORY)
    file(MAKE_DIRECTORY ${lwip_folder})
    if(DEFINED lwip_text_${file})
        set(lwip_written "")
        if(EXISTS ${lwip_edited}/${file})
            file(READ ${lwip_edited}/${file} lwip_written)
        endif()
        if(NOT lwip_written STREQUAL lwip_text_${file})
            file(WRITE ${lwip_edited}/${file} "${lwip_text_${file}}")
        endif()
    else()
        file(COPY_FILE ${lwip_original}/${file} ${lwip_edited}/${file} ONLY_IF_DIFFERENT)
    endif()
endforeach()

set(LWIP_INCLUDE ${lwip_edited}/src/include)
set(LWIP_HOT core/inet_chksum.c core/tcp_in.c core/tcp_out.c)
set(LWIP_WARM core/ipv4/ip4.c core/pbuf.c)
set(LWIP_COLD core/def.c core/init.c core/ip.c core/mem.c core/memp.c core/netif.c core/raw.c core/stats.c core/tcp.c core/udp.c
    core/ipv4/dhcp.c core/ipv4/etharp.c core/ipv4/icmp.c core/ipv4/igmp.c core/ipv4/ip4_addr.c core/ipv4/ip4_frag.c
    core/ipv6/ethip6.c core/ipv6/icmp6.c core/ipv6/ip6.c core/ipv6/ip6_addr.c core/ipv6/ip6_frag.c
    core/ipv6/mld6.c core/ipv6/nd6.c netif/ethernet.c)
list(TRANSFORM LWIP_HOT PREPEND ${lwip_edited}/src/)
list(TRANSFORM LWIP_WARM PREPEND ${lwip_edited}/src/)
list(TRANSFORM LWIP_COLD PREPEND ${lwip_edited}/src/)
# Its warnings are its own affair; a function that is not declared returns half a pointer.
set(LWIP_WARNINGS -w)
if(CMAKE_C_COMPILER_ID MATCHES "Clang")
    set(LWIP_WARNINGS -Wno-everything -Werror=implicit-function-declaration -Werror=int-conversion)
endif()
