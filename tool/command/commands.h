/* SPDX-License-Identifier: MIT */
#pragma once

/* The commands of the tool. argv[0] is the command's name. Each returns the exit status. */
int command_run(int argc, char **argv);
int command_iso(int argc, char **argv);
int command_usb(int argc, char **argv);
int command_screenshot(int argc, char **argv);
int command_debug(int argc, char **argv);
int command_check(int argc, char **argv);
int command_test(int argc, char **argv);
int command_bench(int argc, char **argv);
