/* SPDX-License-Identifier: MIT */
/* C files on the command line: compiled by musl-gcc before they are packed. */
#include "image/compile.h"
#include "host/fail.h"
#include "host/file.h"
#include "host/guard.h"
#include "host/progress.h"
#include "host/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

char *compile_program(const char *source)
{
    char *result = guard_path("program");
    const char *file = source[0] == '-' ? string_format("./%s", source) : source;
    progress_start("compiling");
    const char *const argv[] = {
        "musl-gcc", "-static", "-O2", "-g", "-I", OURO_SOURCE_DIR "/include",
        "-o",       result,    file,  NULL};
    struct args args = {0};
    args_all(&args, argv);
    if (!child_run(args.item))
        fail(STATUS_CANNOT_RUN, "%s does not compile", source);
    args_free(&args);
    return result;
}

void compile_kept(const char *source, const char *result)
{
    struct stat from, to;
    if (stat(source, &from) != 0)
        fail_errno("cannot read %s", source);
    if (stat(result, &to) == 0 &&
        (to.st_mtim.tv_sec > from.st_mtim.tv_sec ||
         (to.st_mtim.tv_sec == from.st_mtim.tv_sec && to.st_mtim.tv_nsec > from.st_mtim.tv_nsec)))
        return;
    char *fresh = compile_program(source);
    char *beside = string_format("%s.%d", result, (int)getpid());
    file_copy(fresh, beside);
    if (chmod(beside, 0755) != 0 || rename(beside, result) != 0)
        fail_errno("cannot write %s", result);
    free(beside);
    free(fresh);
}
