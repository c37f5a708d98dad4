/* SPDX-License-Identifier: MIT */
/* For lwIP, in the kernel. */
#pragma once

#include "base/str.h"
