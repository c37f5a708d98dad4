/* SPDX-License-Identifier: MIT */
/*
 * The kernel log. One line is one fact; values as name=value; no newline at the end of a message.
 * A file defines its tag before the first include: #define LOG_TAG "mm".
 * Logging does not allocate or block. Callers: any, a panic included (kern/log.c).
 */
#pragma once

#include "base/compiler.h"

enum log_level { /* Linux's numbers, as loglevel= on the command line */
    LOG_ERR = 3,
    LOG_WARN = 4,
    LOG_INFO = 6,
    LOG_DEBUG = 7,
};

void log_write(enum log_level level, const char *tag, const char *format, ...) PRINTF_LIKE(3, 4);

#ifndef LOG_TAG
#define LOG_TAG "ouro"
#endif

#define log_err(...)   log_write(LOG_ERR, LOG_TAG, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_WARN, LOG_TAG, __VA_ARGS__)
#define log_info(...)  log_write(LOG_INFO, LOG_TAG, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, LOG_TAG, __VA_ARGS__)
