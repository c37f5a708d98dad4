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
# That of a SYN with ACK is longer: lwipopts.h.
lwip_file(src/core/tcp_in.c)
lwip_edit("    npcb->state = SYN_RCVD;\n" "    npcb->state = SYN_RCVD;\n    npcb->rto = NET_SYN_ACK_TIME / TCP_SLOW_INTERVAL;\n")
# Each connection has a window of its own, wnd_most at most: SO_RCVBUF, and as the program reads (net/inet/tcp_data.c).
lwip_file(src/include/lwip/tcp.h)
lwip_edit("? TCP_WND : TCPWND16(TCP_WND)))" "? (pcb)->wnd_most : TCPWND_MIN16((pcb)->wnd_most)))")
lwip_file(src/core/tcp.c)
lwip_edit("    pcb->rcv_wnd = pcb->rcv_ann_wnd = TCPWND_MIN16(TCP_WND);\n" "    pcb->wnd_most = TCP_WND;\n    pcb->rcv_wnd = pcb->rcv_ann_wnd = TCPWND_MIN16(TCP_WND);\n")
lwip_edit("  lpcb->prio = pcb->prio;\n" "  lpcb->prio = pcb->prio;\n  lpcb->wnd_most = pcb->wnd_most;\n")
lwip_file(src/core/tcp_in.c)
lwip_edit([[
    npcb->so_options = pcb->so_options & SOF_INHERITED;
]] [[
    npcb->so_options = pcb->so_options & SOF_INHERITED;
    npcb->wnd_most = pcb->wnd_most;
    npcb->rcv_wnd = npcb->rcv_ann_wnd = TCPWND_MIN16(pcb->wnd_most);
]])
lwip_edit([[
            LWIP_ASSERT("window not at default value", pcb->rcv_wnd == TCPWND_MIN16(TCP_WND));
            LWIP_ASSERT("window not at default value", pcb->rcv_ann_wnd == TCPWND_MIN16(TCP_WND));
            pcb->rcv_wnd = pcb->rcv_ann_wnd = TCP_WND;
]] [[
            pcb->rcv_wnd = pcb->rcv_ann_wnd = pcb->wnd_most;
]])
