/* SPDX-License-Identifier: MIT */
#pragma once

/* Each takes the arguments behind `ouro`, its own name first, and returns the status to end with.
 */
int command_run(int argc, char **argv);
int command_iso(int argc, char **argv);
int command_usb(int argc, char **argv);
int command_screenshot(int argc, char **argv);
int command_debug(int argc, char **argv);
int command_check(int argc, char **argv);
int command_test(int argc, char **argv);
int command_bench(int argc, char **argv);
