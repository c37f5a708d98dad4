/* SPDX-License-Identifier: MIT */
/* A network card for tests of net/stack/: frames come from the test and are kept for it. */
#pragma once

#include "kern/netdev.h"

#include <stdbool.h>
#include <stdint.h>

extern struct netdev net_card;
/* What was sent last, and how many frames have been. */
extern uint8_t net_card_last[NETDEV_FRAME_MAX];
extern unsigned net_card_last_size, net_card_sent;
/* How often the card was told of frames: no other one followed at once. */
extern unsigned net_card_told;
/* How many that the card cut were sent. */
extern unsigned net_card_cuts;
/* Where its checksum is to be made, as send() has it. */
extern uint16_t net_card_checksum_from, net_card_checksum_at;
/* So many frames find room in the ring. */
extern unsigned net_card_room;
/* Called with each frame that is sent. */
extern void (*net_card_on_send)(void);

/* A frame comes, in buffers of at most `piece` bytes. False: no buffer. It interrupts if the stack listens. */
bool net_card_frame(const void *frame, unsigned size, unsigned piece);
/* The card interrupts, and is quiet from then on. */
void net_card_interrupt(void);
/* Frames that the stack has not taken. */
unsigned net_card_waiting(void);
