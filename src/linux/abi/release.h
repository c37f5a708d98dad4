/* SPDX-License-Identifier: MIT */
/* What uname() and /proc/version say: the kernel that programs are told they run on. */
#pragma once

#define LINUX_RELEASE "6.1.0-ouro"
#define LINUX_VERSION "#1 Ouro"
