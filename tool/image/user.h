/* SPDX-License-Identifier: MIT */
/* --user NAME[:GROUP], by the tree's /etc/passwd and /etc/group. */
#pragma once

#include "image/tree.h"

struct user {
    char *ids;  /* UID:GID[:GROUP,...], for tool/init/init.c */
    char *home; /* "/" if /etc/passwd does not have the user */
};

/* Names and numbers are looked up; a number need not be there. Without a group it is the user's (0 if unknown), and with it
 * the groups that list the user. Ends the tool if a name is unknown. */
void user_find(struct tree *tree, const char *typed, struct user *out);
