/* SPDX-License-Identifier: MIT */
#define LOG_TAG "mem"
#include "linux/abi/prot.h"

#include "base/log.h"

static uint64_t rwx_exceptions;

prot_t mem_prot_from_linux(uint64_t prot)
{
    bool write = prot & 2, execute = prot & 4;
    if (write && execute) {
        if (rwx_exceptions++ == 0)
            log_warn(
                "the program asks for memory that is writable and executable; granted, against W^X");
        return prot_rwx_exception();
    }
    if (prot & 1)
        return write ? prot_rw() : execute ? prot_rx() : prot_ro();
    return write ? prot_write_only() : execute ? prot_execute_only() : prot_none();
}

uint64_t mem_rwx_exceptions(void)
{
    return rwx_exceptions;
}
