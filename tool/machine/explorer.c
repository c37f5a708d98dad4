/* SPDX-License-Identifier: MIT */
#include "machine/explorer.h"
#include "host/fail.h"
#include "host/place.h"
#include "image/compile.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FOLDER "example/explorer"
#define PAGE   "/page" /* in the machine */

void explorer_prepare(struct tree *tree, struct program *program)
{
    const struct dirent *entry;
    char *file = compile_folder_kept(place_source(FOLDER), place_kept("demo/explorer"));
    const char *pages = place_source(FOLDER "/page");
    program_prepare_file(tree, "explorer", file, program);
    free(file);
    DIR *folder = opendir(pages);
    if (!folder)
        fail_errno("cannot read %s", pages);
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        char *to = string_format(PAGE "/%s", entry->d_name);
        char *from = string_format("%s/%s", pages, entry->d_name);
        tree_add_file(tree, to, from);
        free(from);
        free(to);
    }
    closedir(folder);
}

char *explorer_url(const struct network *network)
{
    const struct network_port *port = &network->port[0];
    bool own = strcmp(port->address, "127.0.0.1") == 0 || strcmp(port->address, "0.0.0.0") == 0;
    return string_format("http://%s:%u", own ? "localhost" : port->address, port->host);
}

void explorer_arguments(struct request *o)
{
    static char number[] = "80", folder[] = PAGE;
    static char *arguments[] = {number, folder, NULL};
    arguments[2] = explorer_url(&o->machine.network);
    o->arguments = arguments;
    o->argument_count = 3;
}
