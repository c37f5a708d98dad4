# SPDX-License-Identifier: MIT
# A datagram finds its socket by a hash of the port (net/stack/by_port.h); the list is doubly linked.
lwip_file(src/include/lwip/udp.h)
lwip_edit([[
  struct udp_pcb *next;

  u8_t flags;]] [[
  struct udp_pcb *next, **before;
  struct net_port_link port_link;

  u8_t flags;]])
lwip_edit([[
#include "lwip/ip6_addr.h"
]] [[
#include "lwip/ip6_addr.h"
#include "net/stack/pcbs.h"
]])
lwip_file(src/core/udp.c)
lwip_edit([[
  for (pcb = udp_pcbs; pcb != NULL; pcb = pcb->next) {
    if (pcb->local_port == udp_port) {]] [[
  {
    if (net_udp_of_port(udp_port, NULL) != NULL) {]])
lwip_edit([[
  for (pcb = udp_pcbs; pcb != NULL; pcb = pcb->next) {
    /* print the PCB local and remote address */]] [[
  for (pcb = net_udp_of_port(dest, NULL); pcb != NULL; pcb = net_udp_of_port(dest, pcb)) {
    /* print the PCB local and remote address */]])
lwip_edit([[
        if (prev != NULL) {
          /* move the pcb to the front of udp_pcbs so that is
             found faster next time */
          prev->next = pcb->next;
          pcb->next = udp_pcbs;
          udp_pcbs = pcb;
        } else {
          UDP_STATS_INC(udp.cachehit);
        }
        break;]] [[
        break;]])
lwip_edit("for (mpcb = udp_pcbs; mpcb != NULL; mpcb = mpcb->next) {" "for (mpcb = net_udp_of_port(dest, NULL); mpcb != NULL; mpcb = net_udp_of_port(dest, mpcb)) {")
lwip_edit([[
  for (ipcb = udp_pcbs; ipcb != NULL; ipcb = ipcb->next) {
    /* is this UDP PCB already on active list? */
    if (pcb == ipcb) {
      rebind = 1;
      break;
    }
  }]] [[
  rebind = pcb->before != NULL;]])
lwip_edit("    for (ipcb = udp_pcbs; ipcb != NULL; ipcb = ipcb->next) {\n      if (pcb != ipcb) {" "    for (ipcb = net_udp_of_port(port, NULL); ipcb != NULL; ipcb = net_udp_of_port(port, ipcb)) {\n      if (pcb != ipcb) {")
lwip_edit([[
  /* pcb not active yet? */
  if (rebind == 0) {
    /* place the PCB on the active list if not already there */
    pcb->next = udp_pcbs;
    udp_pcbs = pcb;
  }]] [[
  if (rebind) {
    net_udp_remove(pcb);
  }
  net_udp_add(pcb);]])
# It has a port, and so is in the list.
lwip_edit([[
  /* Insert UDP PCB into the list of active UDP PCBs. */
  for (ipcb = udp_pcbs; ipcb != NULL; ipcb = ipcb->next) {
    if (pcb == ipcb) {
      /* already on the list, just return */
      return ERR_OK;
    }
  }
  /* PCB not yet on the list, add PCB now */
  pcb->next = udp_pcbs;
  udp_pcbs = pcb;
  return ERR_OK;]] [[
  return ERR_OK;]])
lwip_edit([[
  if (udp_pcbs == pcb) {
    /* make list start at 2nd pcb */
    udp_pcbs = udp_pcbs->next;
    /* pcb not 1st in list */
  } else {
    for (pcb2 = udp_pcbs; pcb2 != NULL; pcb2 = pcb2->next) {
      /* find pcb in udp_pcbs list */
      if (pcb2->next != NULL && pcb2->next == pcb) {
        /* remove pcb from list */
        pcb2->next = pcb->next;
        break;
      }
    }
  }]] [[
  net_udp_remove(pcb);]])
