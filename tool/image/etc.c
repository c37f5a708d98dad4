/* SPDX-License-Identifier: MIT */
#include "image/etc.h"
#include "base/compiler.h"
#include "host/text.h"

#include <string.h>

#define ZEROS_15 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define ZEROS_20 ZEROS_15 "\0\0\0\0\0"

/* UTC in the format of tzfile(5): a header with six counts (one type, four bytes of names), the type
 * (offset 0, no daylight saving time, name 0), the name; the same again as version 2; the TZ string. */
#define TZ_BLOCK                                                                                   \
    "TZif2" ZEROS_15 ZEROS_15 "\0"                                                                 \
    "\0\0\0\1"                                                                                     \
    "\0\0\0\4"                                                                                     \
    "\0\0\0\0\0\0"                                                                                 \
    "UTC"

_Static_assert(sizeof("TZif2" ZEROS_15) == 21, "the start of a header");

static const char localtime_utc[] = TZ_BLOCK "\0" TZ_BLOCK "\0"
                                             "\nUTC0\n";

static const struct {
    const char *path, *text;
} texts[] = {
    {"/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"},
    {"/etc/group", "root:x:0:\nnogroup:x:65534:\n"},
    {"/etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"
                           "networks: files\nprotocols: files\nservices: files\n"},
    {"/etc/os-release", "PRETTY_NAME=\"Ouro\"\nNAME=\"Ouro\"\nID=ouro\n"},
    {"/etc/services", "echo\t\t7/tcp\necho\t\t7/udp\ndiscard\t\t9/tcp\t\tsink null\n"
                      "discard\t\t9/udp\t\tsink null\ndaytime\t\t13/tcp\nftp-data\t20/tcp\n"
                      "ftp\t\t21/tcp\nssh\t\t22/tcp\ntelnet\t\t23/tcp\n"
                      "smtp\t\t25/tcp\t\tmail\ndomain\t\t53/tcp\ndomain\t\t53/udp\n"
                      "bootps\t\t67/udp\nbootpc\t\t68/udp\ntftp\t\t69/udp\n"
                      "http\t\t80/tcp\t\twww\n"
                      "kerberos\t88/tcp\t\tkerberos5 krb5 kerberos-sec\n"
                      "pop3\t\t110/tcp\t\tpop-3\nsunrpc\t\t111/tcp\t\tportmapper\n"
                      "ntp\t\t123/udp\nimap2\t\t143/tcp\t\timap\nsnmp\t\t161/udp\n"
                      "ldap\t\t389/tcp\nhttps\t\t443/tcp\nhttps\t\t443/udp\n"
                      "submission\t587/tcp\nldaps\t\t636/tcp\nimaps\t\t993/tcp\n"
                      "pop3s\t\t995/tcp\nmysql\t\t3306/tcp\npostgresql\t5432/tcp\tpostgres\n"
                      "redis\t\t6379/tcp\n"},
    {"/etc/protocols", "ip\t0\tIP\nicmp\t1\tICMP\nigmp\t2\tIGMP\ntcp\t6\tTCP\nudp\t17\tUDP\n"
                       "ipv6\t41\tIPv6\nipv6-route\t43\tIPv6-Route\nipv6-frag\t44\tIPv6-Frag\n"
                       "esp\t50\tIPSEC-ESP\nah\t51\tIPSEC-AH\nipv6-icmp\t58\tIPv6-ICMP\n"
                       "ipv6-nonxt\t59\tIPv6-NoNxt\nipv6-opts\t60\tIPv6-Opts\n"
                       "sctp\t132\tSCTP\nudplite\t136\tUDPLite\n"},
    {"/etc/machine-id", "6f75726f2d756e696b65726e656c0001\n"},
    {"/etc/shells", "/bin/sh\n"},
};

/* The machine's name has an address, as Debian gives it one. */
static void add_hosts(struct tree *tree, const char *hostname)
{
    struct text text = {0};
    text_string(&text, "127.0.0.1 localhost\n::1 localhost\n");
    if (hostname)
        text_format(&text, "127.0.1.1 %s\n", hostname);
    tree_add_text(tree, "/etc/hosts", text.bytes, text.length);
    text_free(&text);
    if (hostname)
        tree_add_text(tree, "/etc/hostname", hostname, strlen(hostname));
}

void etc_add(struct tree *tree, const char *hostname)
{
    add_hosts(tree, hostname);
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++)
        tree_add_text(tree, texts[i].path, texts[i].text, strlen(texts[i].text));
    tree_add_link(tree, "/etc/mtab", "../proc/self/mounts");
    tree_add_text(tree, "/etc/localtime", localtime_utc, sizeof(localtime_utc) - 1);
}
