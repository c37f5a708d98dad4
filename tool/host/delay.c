/* SPDX-License-Identifier: MIT */
#include "host/delay.h"

#include "host/text.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

static double delay_of_thread(const char *path)
{
    unsigned long long ran, waited = 0;
    FILE *file = fopen(path, "r");
    if (!file || fscanf(file, "%llu %llu", &ran, &waited) != 2)
        waited = 0;
    if (file)
        fclose(file);
    return (double)waited / 1e9;
}

double delay_of(pid_t process)
{
    char *folder = string_format("/proc/%d/task", (int)process);
    DIR *threads = opendir(folder);
    const struct dirent *entry;
    double most = 0;
    while (threads && (entry = readdir(threads)) != NULL) {
        char *path = string_format("%s/%s/schedstat", folder, entry->d_name);
        double delay = delay_of_thread(path);
        most = delay > most ? delay : most;
        free(path);
    }
    if (threads)
        closedir(threads);
    free(folder);
    return most;
}
