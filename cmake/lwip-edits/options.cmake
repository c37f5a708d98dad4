# SPDX-License-Identifier: MIT
# TCP's options.
lwip_file(src/core/tcp_in.c)
# A byte of 128 or more, shifted by 24, does not fit in an int.
lwip_edit("tsval |= (tcp_get_next_optbyte() << 24);" "tsval |= (u32_t)tcp_get_next_optbyte() << 24;")
