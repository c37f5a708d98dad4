/* SPDX-License-Identifier: MIT */
/* For lwIP, in the kernel: it uses nothing of it. */
#pragma once
