# SPDX-License-Identifier: MIT
# A reader may give back more than 64 KiB of the window at once; a backlog may be more than 255.
lwip_file(src/include/lwip/tcp.h)
lwip_edit("(struct tcp_pcb *pcb, u16_t len);\nerr_t            tcp_bind" "(struct tcp_pcb *pcb, u32_t len);\nerr_t            tcp_bind")
lwip_edit("  u8_t backlog;\n  u8_t accepts_pending;" "  u16_t backlog;\n  u16_t accepts_pending;")
lwip_edit("tcp_listen_with_backlog_and_err(struct tcp_pcb *pcb, u8_t backlog, err_t *err);" "tcp_listen_with_backlog_and_err(struct tcp_pcb *pcb, u16_t backlog, err_t *err);")
lwip_edit("tcp_listen_with_backlog(struct tcp_pcb *pcb, u8_t backlog);" "tcp_listen_with_backlog(struct tcp_pcb *pcb, u16_t backlog);")
lwip_file(src/core/tcp.c)
lwip_edit("tcp_recved(struct tcp_pcb *pcb, u16_t len)" "tcp_recved(struct tcp_pcb *pcb, u32_t len)")
lwip_edit("tcp_listen_with_backlog_and_err(struct tcp_pcb *pcb, u8_t backlog, err_t *err)" "tcp_listen_with_backlog_and_err(struct tcp_pcb *pcb, u16_t backlog, err_t *err)")
lwip_edit("tcp_listen_with_backlog(struct tcp_pcb *pcb, u8_t backlog)" "tcp_listen_with_backlog(struct tcp_pcb *pcb, u16_t backlog)")
# The first time-out is a second (RFC 6298).
lwip_edit("pcb->rto = 3000 / TCP_SLOW_INTERVAL;\n    pcb->sv = 3000 / TCP_SLOW_INTERVAL;" "pcb->rto = LWIP_TCP_RTO_TIME / TCP_SLOW_INTERVAL;\n    pcb->sv = LWIP_TCP_RTO_TIME / TCP_SLOW_INTERVAL;")
