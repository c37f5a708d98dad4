/* SPDX-License-Identifier: MIT */
/*
 * The wait of poll(2) and select(2): one thread waits for many files. Its entries in their queues
 * (kern/wait.h) record that an event occurred; a scan of the files finds which.
 */
#pragma once

#include "fs/vfs/file.h"

struct poll_table;

struct poll_scanner {
    /* Polls all files; true: one of them is ready. Called without locks; may give way. */
    bool (*scan)(void *context);
    /* Calls poll_table_add() for each of the files. Called once, before the first sleep; may give way. */
    enum err (*join)(void *context, struct poll_table *table);
    void *context;
};

/* Scans until a file is ready. E_TIMEDOUT, E_INTR; E_NOMEM: no room for all entries. */
MUST_CHECK enum err poll_wait(const struct poll_scanner *scanner, uint64_t deadline_ns);
/* Joins the file's queues for these events, and keeps the file open until the wait ends. E_NOMEM. */
MUST_CHECK enum err poll_table_add(struct poll_table *table, struct file *file, uint32_t events);
