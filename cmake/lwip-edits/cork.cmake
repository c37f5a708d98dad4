# SPDX-License-Identifier: MIT
# TCP_CORK and MSG_MORE: the last segment, if it is not full, waits (net/inet/tcp_data.c).
lwip_file(src/include/lwip/priv/tcp_priv.h)
lwip_edit([[
#define tcp_do_output_nagle(tpcb) ((((tpcb)->unacked == NULL) || \
                            ((tpcb)->flags & (TF_NODELAY | TF_INFR)) || \
]] [[
#define TF_CORK 0x4000U
#define tcp_do_output_nagle(tpcb) (((((tpcb)->unacked == NULL) && !((tpcb)->flags & TF_CORK)) || \
                            (tpcb)->urgent || \
                            (((tpcb)->flags & (TF_NODELAY | TF_INFR)) && !((tpcb)->flags & TF_CORK)) || \
]])
