/* SPDX-License-Identifier: MIT */
#pragma once

/* Registers AF_PACKET (packet(7)). Boot. */
void packet_init(void);
