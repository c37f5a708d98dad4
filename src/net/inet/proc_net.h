/* SPDX-License-Identifier: MIT */
/* The files of /sys/class/net/NAME; those of /proc/net are in a table that fs/proc/procfs.h declares. */
#pragma once

struct text;

enum link_property {
    LINK_ADDRESS,
    LINK_CARRIER,
    LINK_FLAGS,
    LINK_INDEX,
    LINK_MTU,
    LINK_OPERSTATE,
    LINK_TX_QUEUE_LENGTH,
    LINK_TYPE,
};
#define LINK_PROPERTIES 8

/* The text of /proc/net/snmp: O(connections), and of /proc/net/netstat. */
void show_counts(struct text *text, void *context);
void show_more_counts(struct text *text, void *context);

/* A struct procfs_row's generator; its context is LINK_OF(). */
void show_link(struct text *text, void *context);
#define LINK_OF(index, property) ((void *)(uintptr_t)((index)*LINK_PROPERTIES + (property)))
