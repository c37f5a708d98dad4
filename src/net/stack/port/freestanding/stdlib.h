/* SPDX-License-Identifier: MIT */
/* For lwIP, in the kernel, which uses none of lwIP's functions that need it. */
#pragma once

int atoi(const char *text);
