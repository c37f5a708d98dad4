/* SPDX-License-Identifier: MIT */
/* Release and version as uname() and /proc/version report them. */
#pragma once

#define LINUX_RELEASE "6.1.0-ouro"
#define LINUX_VERSION "#1 Ouro"
