/* SPDX-License-Identifier: MIT */
/* Constants of the x86-64 Linux ABI for files (asm-generic/fcntl.h, linux/stat.h). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define NAME_MAX_LENGTH 255  /* bytes of one component */
#define PATH_MAX_SIZE   4096 /* bytes of a path with its NUL */
#define SYMLINKS_MAX    40   /* symbolic links followed in one walk */

#define S_IFMT          0170000u
#define S_IFSOCK        0140000u
#define S_IFLNK         0120000u
#define S_IFREG         0100000u
#define S_IFBLK         0060000u
#define S_IFDIR         0040000u
#define S_IFCHR         0020000u
#define S_IFIFO         0010000u
#define S_ISUID         0004000u
#define S_ISGID         0002000u
#define S_ISVTX         0001000u
#define MODE_ALL        0007777u /* the bits that chmod() can set */

#define O_ACCMODE       3u
#define O_RDONLY        0u
#define O_WRONLY        1u
#define O_RDWR          2u
#define O_CREAT         0100u
#define O_EXCL          0200u
#define O_NOCTTY        0400u
#define O_TRUNC         01000u
#define O_APPEND        02000u
#define O_NONBLOCK      04000u
#define O_DSYNC         010000u
#define O_ASYNC         020000u
#define O_DIRECT        040000u
#define O_LARGEFILE     0100000u
#define O_DIRECTORY     0200000u
#define O_NOFOLLOW      0400000u
#define O_NOATIME       01000000u
#define O_CLOEXEC       02000000u
#define O_SYNC          04010000u
#define O_PATH          010000000u
#define O_TMPFILE       (020000000u | O_DIRECTORY)
/* Not Linux's: RESOLVE_* of openat2(), for vfs_open(); RESOLVE_CACHED has no effect */
#define O_RESOLVE_SHIFT     24
#define O_RESOLVE           (0x1fu << O_RESOLVE_SHIFT)
#define O_RESOLVE_IN_ROOT   (0x10u << O_RESOLVE_SHIFT)

#define SEEK_SET            0u
#define SEEK_CUR            1u
#define SEEK_END            2u
#define SEEK_DATA           3u
#define SEEK_HOLE           4u

#define RENAME_NOREPLACE    1u
#define RENAME_EXCHANGE     2u
#define RENAME_WHITEOUT     4u

#define FALLOC_KEEP_SIZE    1u
#define FALLOC_PUNCH_HOLE   2u
#define FALLOC_ZERO_RANGE   16u

#define POLL_IN             0x0001u
#define POLL_PRI            0x0002u
#define POLL_OUT            0x0004u
#define POLL_ERR            0x0008u
#define POLL_HUP            0x0010u
#define POLL_NVAL           0x0020u
#define POLL_RDNORM         0x0040u
#define POLL_RDBAND         0x0080u
#define POLL_WRNORM         0x0100u
#define POLL_WRBAND         0x0200u
#define POLL_MSG            0x0400u
#define POLL_RDHUP          0x2000u

#define POLL_READABLE       (POLL_IN | POLL_RDNORM)
#define POLL_WRITABLE       (POLL_OUT | POLL_WRNORM)
#define POLL_ALL_WRITABLE   (POLL_WRITABLE | POLL_WRBAND)

#define F_SEAL_SEAL         1u
#define F_SEAL_SHRINK       2u
#define F_SEAL_GROW         4u
#define F_SEAL_WRITE        8u
#define F_SEAL_FUTURE_WRITE 16u

#define FILE_OFFSET_MAX     INT64_MAX /* maximal size of a file */

static inline bool mode_is(uint32_t mode, uint32_t type)
{
    return (mode & S_IFMT) == type;
}

/* Device numbers in the encoding of stat(). */
static inline uint64_t device_number(uint32_t major, uint32_t minor)
{
    return ((uint64_t)(major & 0xfff) << 8) | (minor & 0xff) | ((uint64_t)(minor & 0xfff00) << 12) |
           ((uint64_t)(major & 0xfffff000) << 32);
}

static inline uint32_t device_major(uint64_t device)
{
    return (uint32_t)((device >> 8) & 0xfff) | (uint32_t)((device >> 32) & 0xfffff000);
}

static inline uint32_t device_minor(uint64_t device)
{
    return (uint32_t)(device & 0xff) | (uint32_t)((device >> 12) & 0xfff00);
}

/* d_type of a directory entry: the type bits of the mode. */
static inline uint8_t mode_entry_type(uint32_t mode)
{
    return (uint8_t)((mode & S_IFMT) >> 12);
}

/* ioctl() commands (asm-generic/ioctls.h). */
#define FIONREAD        0x541bu
#define FIONBIO         0x5421u
#define FIOASYNC        0x5452u
#define FIONCLEX        0x5450u
#define FIOCLEX         0x5451u
#define TCGETS          0x5401u
#define TCSETS          0x5402u
#define TCSETSW         0x5403u
#define TCSETSF         0x5404u
#define TCGETA          0x5405u
#define TCSETA          0x5406u
#define TCSETAW         0x5407u
#define TCSETAF         0x5408u
#define TCSBRK          0x5409u
#define TCXONC          0x540au
#define TCFLSH          0x540bu
#define TIOCEXCL        0x540cu
#define TIOCNXCL        0x540du
#define TIOCSCTTY       0x540eu
#define TIOCGPGRP       0x540fu
#define TIOCSPGRP       0x5410u
#define TIOCOUTQ        0x5411u
#define TIOCSTI         0x5412u
#define TIOCGWINSZ      0x5413u
#define TIOCSWINSZ      0x5414u
#define TIOCCONS        0x541du
#define TIOCPKT         0x5420u
#define TIOCNOTTY       0x5422u
#define TIOCSETD        0x5423u
#define TIOCGETD        0x5424u
#define TCSBRKP         0x5425u
#define TIOCSBRK        0x5427u
#define TIOCCBRK        0x5428u
#define TIOCGSID        0x5429u
#define TCGETS2         0x802c542au
#define TCSETS2         0x402c542bu
#define TCSETSW2        0x402c542cu
#define TCSETSF2        0x402c542du
#define TIOCGPTN        0x80045430u
#define TIOCSPTLCK      0x40045431u
#define TIOCGDEV        0x80045432u
#define TIOCSIG         0x40045436u
#define TIOCGPKT        0x80045438u
#define TIOCGPTLCK      0x80045439u
#define TIOCGEXCL       0x80045440u
#define TIOCGPTPEER     0x5441u
#define TIOCVHANGUP     0x5437u
#define TIOCGLCKTRMIOS  0x5456u
#define TIOCSLCKTRMIOS  0x5457u
#define FIOSETOWN       0x8901u
#define SIOCSPGRP       0x8902u
#define FIOGETOWN       0x8903u
#define SIOCGPGRP       0x8904u
#define SIOCATMARK      0x8905u
#define FS_IOC_GETFLAGS 0x80086601u
