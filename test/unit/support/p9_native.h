/* SPDX-License-Identifier: MIT */
/* A channel whose host is a p9_model, and a session over it. */
#pragma once

#include "fs/p9/client.h"
#include "kern/p9_channel.h"
#include "p9_model.h"

struct p9_native {
    struct p9_channel channel;
    struct p9_model *model;
    void (*meanwhile)(
        void); /* called while a message is under way, as another thread runs then; NULL: none */
    unsigned under_way;
    uint16_t tags[16]; /* of those that are */
};

/* `parts`: of one exchange at most. */
void p9_native_begin(struct p9_native *n, struct p9_model *host, unsigned parts);

#define STRING_NAME(string) ((struct p9_name){string, strlen(string)})

extern struct p9_model model;
extern struct p9_native native;
extern struct p9_client *client;
extern uint32_t root; /* the fid of the folder */

void begin(void);
/* Also checks that the host knows as many fids as the client. */
void end(void);
/* A path as names. */
enum err walk(const char *path, uint32_t *fid);
uint32_t opened(const char *path, uint32_t flags);
