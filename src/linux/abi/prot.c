/* SPDX-License-Identifier: MIT */
#define LOG_TAG "mem"
#include "linux/abi/prot.h"

#include "base/log.h"

static uint64_t rwx_exceptions;

prot_t mem_prot_rwx(void)
{
    if (rwx_exceptions++ == 0)
        log_warn(
            "the program asks for memory that is writable and executable; granted, against W^X");
    return prot_rwx_exception();
}

uint64_t mem_rwx_exceptions(void)
{
    return rwx_exceptions;
}
