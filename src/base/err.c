/* SPDX-License-Identifier: MIT */
#include "base/err.h"

#include "base/compiler.h"

#include <stdbool.h>

static const char *const names[] = {
#define ROW(e) [e] = #e
    ROW(E_OK),           ROW(E_PERM),           ROW(E_NOENT),
    ROW(E_SRCH),         ROW(E_INTR),           ROW(E_IO),
    ROW(E_NXIO),         ROW(E_2BIG),           ROW(E_NOEXEC),
    ROW(E_BADF),         ROW(E_CHILD),          ROW(E_AGAIN),
    ROW(E_NOMEM),        ROW(E_ACCES),          ROW(E_FAULT),
    ROW(E_BUSY),         ROW(E_EXIST),          ROW(E_XDEV),
    ROW(E_NODEV),        ROW(E_NOTDIR),         ROW(E_ISDIR),
    ROW(E_INVAL),        ROW(E_NFILE),          ROW(E_MFILE),
    ROW(E_NOTTY),        ROW(E_TXTBSY),         ROW(E_FBIG),
    ROW(E_NOSPC),        ROW(E_SPIPE),          ROW(E_ROFS),
    ROW(E_MLINK),        ROW(E_PIPE),           ROW(E_DOM),
    ROW(E_RANGE),        ROW(E_DEADLK),         ROW(E_NAMETOOLONG),
    ROW(E_NOSYS),        ROW(E_NOTEMPTY),       ROW(E_LOOP),
    ROW(E_NODATA),       ROW(E_TIME),           ROW(E_PROTO),
    ROW(E_OVERFLOW),     ROW(E_ILSEQ),          ROW(E_NOTSOCK),
    ROW(E_DESTADDRREQ),  ROW(E_MSGSIZE),        ROW(E_PROTOTYPE),
    ROW(E_NOPROTOOPT),   ROW(E_PROTONOSUPPORT), ROW(E_SOCKTNOSUPPORT),
    ROW(E_NOTSUP),       ROW(E_AFNOSUPPORT),    ROW(E_ADDRINUSE),
    ROW(E_ADDRNOTAVAIL), ROW(E_NETDOWN),        ROW(E_NETUNREACH),
    ROW(E_CONNABORTED),  ROW(E_CONNRESET),      ROW(E_NOBUFS),
    ROW(E_ISCONN),       ROW(E_NOTCONN),        ROW(E_TOOMANYREFS),
    ROW(E_TIMEDOUT),     ROW(E_CONNREFUSED),    ROW(E_HOSTUNREACH),
    ROW(E_ALREADY),      ROW(E_INPROGRESS),     ROW(E_CANCELED),
    ROW(E_NOMSG),        ROW(E_IDRM),
#undef ROW
};

const char *err_name(enum err e)
{
    bool known = (unsigned)e < ARRAY_LENGTH(names) && names[e];
    return known ? names[e] : "E_?";
}
