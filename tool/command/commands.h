/* SPDX-License-Identifier: MIT */
#pragma once

struct request;
struct console_result;

/* Seconds until a boot without any output of the kernel counts as a hang. Bochs on a busy computer
 * needs tens of seconds. */
#define BOOT_LIMIT 60.0

/* The exit status for how the machine ended, which is explained on stderr unless the program ended. */
int run_explain(const struct request *request, const struct console_result *result);

/* The commands of the tool. argv[0] is the command's name. Each returns the exit status. */
int command_run(int argc, char **argv);
int command_explore(int argc, char **argv);
int command_iso(int argc, char **argv);
int command_image(int argc, char **argv);
int command_volume(int argc, char **argv);
int command_ps(int argc, char **argv);
int command_logs(int argc, char **argv);
int command_stop(int argc, char **argv);
int command_attach(int argc, char **argv);
int command_usb(int argc, char **argv);
int command_screenshot(int argc, char **argv);
int command_debug(int argc, char **argv);
int command_check(int argc, char **argv);
int command_test(int argc, char **argv);
int command_bench(int argc, char **argv);
