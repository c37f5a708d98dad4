# SPDX-License-Identifier: MIT
# The clock looks at the connections that are due (net/stack/due.h), not at all.
lwip_file(src/include/lwip/tcp.h)
lwip_edit([[
  u8_t last_timer;
  u32_t tmr;
]] [[
  u8_t last_timer;
  struct net_due due;
  u32_t tmr;
]])
lwip_file(src/include/lwip/priv/tcp_priv.h)
lwip_edit([[
extern u8_t tcp_active_pcbs_changed;
]] [[
extern u8_t tcp_active_pcbs_changed;
extern const u8_t tcp_persist_backoff[7];
#include "lwip/sys.h"
]])
lwip_file(src/core/tcp.c)
lwip_edit("static const u8_t tcp_persist_backoff[7]" "const u8_t tcp_persist_backoff[7]")
# tcp_slowtmr() may run again in the same tick, for the rest.
lwip_edit([[
       tcp_tmr() is called. */
    tcp_slowtmr();
]] [[
       tcp_tmr() is called. */
    ++tcp_ticks;
    tcp_slowtmr();
]])
lwip_edit([[
  ++tcp_ticks;
  ++tcp_timer_ctr;

tcp_slowtmr_start:
  /* Steps through all of the active PCBs. */
  prev = NULL;
  pcb = tcp_active_pcbs;
  if (pcb == NULL) {
    LWIP_DEBUGF(TCP_DEBUG, ("tcp_slowtmr: no active pcbs\n"));
  }
  while (pcb != NULL) {
]] [[
  while ((pcb = net_due_next()) != NULL) {
]])
lwip_edit([[
    if (pcb->last_timer == tcp_timer_ctr) {
      /* skip this pcb, we have already processed it */
      prev = pcb;
      pcb = pcb->next;
      continue;
    }
    pcb->last_timer = tcp_timer_ctr;

    pcb_remove = 0;]] [[
    pcb_remove = 0;]])
lwip_edit("    if (pcb->state == SYN_SENT && pcb->nrtx >= TCP_SYNMAXRTX) {\n" "    if (net_due_is_over(pcb)) {\n")
lwip_edit([[
          if (pcb->persist_cnt < backoff_cnt) {
            pcb->persist_cnt++;
          }
]] "")
lwip_edit([[
        /* Increase the retransmission timer if it is running */
        if ((pcb->rtime >= 0) && (pcb->rtime < 0x7FFF)) {
          ++pcb->rtime;
        }
]] "")
lwip_edit([[
      /* Remove PCB from tcp_active_pcbs list. */
      if (prev != NULL) {
        LWIP_ASSERT("tcp_slowtmr: middle tcp != tcp_active_pcbs", pcb != tcp_active_pcbs);
        prev->next = pcb->next;
      } else {
        /* This PCB was the first. */
        LWIP_ASSERT("tcp_slowtmr: first pcb == tcp_active_pcbs", tcp_active_pcbs == pcb);
        tcp_active_pcbs = pcb->next;
      }
]] [[
      TCP_RMV(&tcp_active_pcbs, pcb);
]])
lwip_edit([[
      pcb2 = pcb;
      pcb = pcb->next;
      tcp_free(pcb2);

      tcp_active_pcbs_changed = 0;
      TCP_EVENT_ERR(last_state, err_fn, err_arg, ERR_ABRT);
      if (tcp_active_pcbs_changed) {
        goto tcp_slowtmr_start;
      }
    } else {
      /* get the 'next' element now and work with 'prev' below (in case of abort) */
      prev = pcb;
      pcb = pcb->next;

      /* We check if we should poll the connection. */
      ++prev->polltmr;
      if (prev->polltmr >= prev->pollinterval) {
        prev->polltmr = 0;
        LWIP_DEBUGF(TCP_DEBUG, ("tcp_slowtmr: polling application\n"));
        tcp_active_pcbs_changed = 0;
        TCP_EVENT_POLL(prev, err);
        if (tcp_active_pcbs_changed) {
          goto tcp_slowtmr_start;
        }
        /* if err == ERR_ABRT, 'prev' is already deallocated */
        if (err == ERR_OK) {
          tcp_output(prev);
        }
      }
    }
  }
]] [[
      pcb2 = pcb;
      tcp_free(pcb2);
      TCP_EVENT_ERR(last_state, err_fn, err_arg, ERR_ABRT);
    } else {
      TCP_EVENT_POLL(pcb, err);
      /* if err == ERR_ABRT, 'pcb' is already deallocated */
      if (err == ERR_OK) {
        tcp_output(pcb);
      }
    }
  }
]])
# The oldest connections in TIME-WAIT are the first whose time is over.
lwip_edit([[
  /* Steps through all of the TIME-WAIT PCBs. */
  prev = NULL;
  pcb = tcp_tw_pcbs;
  while (pcb != NULL) {
    LWIP_ASSERT("tcp_slowtmr: TIME-WAIT pcb->state == TIME-WAIT", pcb->state == TIME_WAIT);
    pcb_remove = 0;

    /* Check if this PCB has stayed long enough in TIME-WAIT */
    if ((u32_t)(tcp_ticks - pcb->tmr) > 2 * TCP_MSL / TCP_SLOW_INTERVAL) {
      ++pcb_remove;
    }

    /* If the PCB should be removed, do it. */
    if (pcb_remove) {
      struct tcp_pcb *pcb2;
      tcp_pcb_purge(pcb);
      /* Remove PCB from tcp_tw_pcbs list. */
      if (prev != NULL) {
        LWIP_ASSERT("tcp_slowtmr: middle tcp != tcp_tw_pcbs", pcb != tcp_tw_pcbs);
        prev->next = pcb->next;
      } else {
        /* This PCB was the first. */
        LWIP_ASSERT("tcp_slowtmr: first pcb == tcp_tw_pcbs", tcp_tw_pcbs == pcb);
        tcp_tw_pcbs = pcb->next;
      }
      pcb2 = pcb;
      pcb = pcb->next;
      tcp_free(pcb2);
    } else {
      prev = pcb;
      pcb = pcb->next;
    }
  }
]] [[
  net_pcbs_end_time_wait();
]])
lwip_edit([[
  struct tcp_pcb *pcb;

  ++tcp_timer_ctr;

tcp_fasttmr_start:
  pcb = tcp_active_pcbs;

  while (pcb != NULL) {
    if (pcb->last_timer != tcp_timer_ctr) {
      struct tcp_pcb *next;
      pcb->last_timer = tcp_timer_ctr;
      /* send delayed ACKs */]] [[
  struct tcp_pcb *pcb;

  net_due_begin_soon();
  while ((pcb = net_due_next_soon()) != NULL) {
    {
      if (pcb->flags & TF_NAGLEMEMERR) {
        tcp_output(pcb);
      }
      /* send delayed ACKs */]])
lwip_edit([[
      next = pcb->next;

      /* If there is data which was previously "refused" by upper layer */
      if (pcb->refused_data != NULL) {
        tcp_active_pcbs_changed = 0;
        tcp_process_refused_data(pcb);
        if (tcp_active_pcbs_changed) {
          /* application callback has changed the pcb list: restart the loop */
          goto tcp_fasttmr_start;
        }
      }
      pcb = next;
    } else {
      pcb = pcb->next;
    }
  }]] [[
      net_due_arm(pcb);
      /* If there is data which was previously "refused" by upper layer */
      if (pcb->refused_data != NULL) {
        tcp_process_refused_data(pcb);
      }
    }
  }]])
# tcp_close() of a connection whose FIN has gone out long ago: the time-out of FIN-WAIT-2 begins to count.
lwip_edit([[
    /* Set a flag not to receive any more data... */
    tcp_set_flags(pcb, TF_RXCLOSED);
  }
]] [[
    /* Set a flag not to receive any more data... */
    tcp_set_flags(pcb, TF_RXCLOSED);
    if (pcb->state == FIN_WAIT_2) {
      net_due_arm(pcb);
    }
  }
]])
lwip_file(src/core/tcp_out.c)
lwip_edit([[
err_t
tcp_output(struct tcp_pcb *pcb)
{
  struct tcp_seg *seg, *useg;]] [[
static err_t tcp_output_now(struct tcp_pcb *pcb);

err_t
tcp_output(struct tcp_pcb *pcb)
{
  err_t err;
  if (tcp_input_pcb == pcb) {
    return ERR_OK;
  }
  net_due_settle(pcb);
  err = tcp_output_now(pcb);
  net_due_arm(pcb);
  return err;
}

static err_t
tcp_output_now(struct tcp_pcb *pcb)
{
  struct tcp_seg *seg, *useg;]])
lwip_file(src/core/tcp_in.c)
lwip_edit([[
    tcp_input_pcb = pcb;
    err = tcp_process(pcb);]] [[
    net_due_settle(pcb);
    tcp_input_pcb = pcb;
    err = tcp_process(pcb);]])
lwip_edit([[
      /* Reset the number of retransmissions. */
      pcb->nrtx = 0;
]] [[
      /* Reset the number of retransmissions. */
      pcb->nrtx = 0;
      pcb->due.progress = tcp_ticks;
]])
lwip_edit([[
         Restart the 2 MSL time-wait timeout.*/
    pcb->tmr = tcp_ticks;]] [[
         Restart the 2 MSL time-wait timeout.*/
    TCP_RMV(&tcp_tw_pcbs, pcb);
    pcb->tmr = tcp_ticks;
    TCP_REG(&tcp_tw_pcbs, pcb);]])
# A delayed acknowledgement waits for as long as a program may take for an answer, whenever the tick comes.
lwip_file(src/include/lwip/priv/tcp_priv.h)
lwip_edit([[
      tcp_set_flags(pcb, TF_ACK_DELAY);            \
]] [[
      tcp_set_flags(pcb, TF_ACK_DELAY);            \
      (pcb)->due.came = sys_now();                 \
]])
lwip_file(src/core/tcp.c)
lwip_edit([[
      if (pcb->flags & TF_ACK_DELAY) {
        LWIP_DEBUGF]] [[
      if ((pcb->flags & TF_ACK_DELAY) && sys_now() - pcb->due.came >= NET_DUE_ACK_MS) {
        LWIP_DEBUGF]])
