# SPDX-License-Identifier: MIT
# TCP's options.
lwip_file(src/core/tcp_in.c)
# A byte of 128 or more, shifted by 24, does not fit in an int.
lwip_edit("tsval |= (tcp_get_next_optbyte() << 24);" "tsval |= (u32_t)tcp_get_next_optbyte() << 24;")
# An option whose length would stand behind the header has none: 0, which ends the parsing.
lwip_edit([[
  u16_t optidx = tcp_optidx++;
]] [[
  u16_t optidx = tcp_optidx++;
  if (optidx >= tcphdr_optlen) {
    return 0;
  }
]])
