/* SPDX-License-Identifier: MIT */
/* Before each test of glibc's: what its build gives them from internal headers, over the installed ones. */
#include <limits.h>
#include <sys/cdefs.h>
#include <sys/syscall.h>

#define TIMEOUTFACTOR 4
#define attribute_hidden
#define libc_hidden_def(name)
#define libc_hidden_proto(name)
#define __glibc_likely(x)   __builtin_expect((x), 1)
#define __glibc_unlikely(x) __builtin_expect((x), 0)
#define __set_errno(value)  (errno = (value))
#define __timespec64        timespec
