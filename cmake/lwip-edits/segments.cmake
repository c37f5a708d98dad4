# SPDX-License-Identifier: MIT
# Mends in the processing of segments, as lwIP has them since 2.2.
lwip_file(src/core/tcp_in.c)
# The last segment that waits out of sequence may have been cut to the window: one like it that is longer does not take its
# place, or more would wait than the window has room for.
lwip_edit([[
              if (inseg.len > next->len) {
]] [[
              if (inseg.len > next->len && next->next != NULL) {
]])
# A SYN is accepted in two states only, and in SYN-RCVD it is looked at before the ACK that it may carry.
lwip_edit([[
    case SYN_RCVD:
      if (flags & TCP_ACK) {
]] [[
    case SYN_RCVD:
      if (flags & TCP_SYN) {
        if (seqno == pcb->rcv_nxt - 1) {
          tcp_rexmit(pcb);
        }
      } else if (flags & TCP_ACK) {
]])
# Of one byte half the sequence space away, no part is new: a comparison of signed distances takes it for one that overlaps
# what is expected next, and lwIP then looks for its bytes far behind the packet (found by fuzz.net).
lwip_edit("    if (TCP_SEQ_BETWEEN(pcb->rcv_nxt, seqno + 1, seqno + tcplen - 1)) {"
    "    if (pcb->rcv_nxt - seqno - 1 < (u32_t)tcplen - 1) {")
