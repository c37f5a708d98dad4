/* SPDX-License-Identifier: MIT */
/* The machine as a whole: uname(2), sysinfo(2), sethostname(2), getrandom(2), reboot(2), syslog(2).
 */
#pragma once

#include "linux/abi/call.h"

enum err sys_uname(struct syscall *call);
enum err sys_sysinfo(struct syscall *call);
enum err sys_sethostname(struct syscall *call);
enum err sys_setdomainname(struct syscall *call);
enum err sys_getrandom(struct syscall *call);
enum err sys_reboot(struct syscall *call);
enum err sys_syslog(struct syscall *call);
