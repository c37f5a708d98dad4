/* SPDX-License-Identifier: MIT */
/* What lwIP asks of a compiler and of the system around it. */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BYTE_ORDER         LITTLE_ENDIAN
#define LWIP_NO_INTTYPES_H 1
#define LWIP_NO_CTYPE_H    1
#define lwip_htons(x)      __builtin_bswap16(x)
#define lwip_htonl(x)      __builtin_bswap32(x)

#define LWIP_PLATFORM_DIAG(x)                                                                      \
    do {                                                                                           \
    } while (0)
#define LWIP_PLATFORM_ASSERT(x) net_assert(x, __func__)
#ifndef OURO_NATIVE
#define LWIP_NOASSERT 1
#endif
#define LWIP_RAND() net_random()

NORETURN void net_assert(const char *sentence, const char *function);
/* net/stack/secret.h */
uint32_t net_random(void);
