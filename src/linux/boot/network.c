/* SPDX-License-Identifier: MIT */
#define LOG_TAG "net"
#include "linux/boot/network.h"

#include "base/fmt.h"
#include "base/log.h"
#include "base/str.h"
#include "boot/steps.h"
#include "fs/vfs/file.h"
#include "fs/vfs/io.h"
#include "fs/vfs/vfs.h"
#include "kern/netdev.h"
#include "net/stack/stack.h"

/* O_EXCL: a file that is there already stays as it is. */
INIT_CODE static enum err put_text(const char *path, uint32_t flags, const char *text, size_t size)
{
    struct file *file;
    struct io io = io_kernel((void *)(uintptr_t)text, size);
    uint64_t offset = 0, done = 0;
    enum err e = vfs_open(NULL, path, O_WRONLY | O_CREAT | flags, 0644, &file);
    if (e != E_OK)
        return e;
    e = file_write(file, &io, &offset, &done);
    file_put(file);
    return e;
}

INIT_CODE static enum err put_servers(const struct net_options *net)
{
    char text[NET_DNS_MAX * 32];
    size_t at = 0;
    if (net->way == NET_DHCP)
        return vfs_make_symlink("/proc/net/pnp", (struct vfs_place){NULL, "/etc/resolv.conf"});
    for (unsigned i = 0; i < net->dns_count; i++) {
        at += fmt_snprintf(text + at, sizeof text - at, "nameserver ");
        at += net_address_text(net->dns[i], text + at, sizeof text - at);
        text[at++] = '\n';
    }
    return at == 0 ? E_OK : put_text("/etc/resolv.conf", O_EXCL, text, at);
}

INIT_CODE static enum err put_host(const struct net_options *net)
{
    static const char self[] = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n";
    char line[40];
    enum err e = put_text("/etc/hosts", O_EXCL, self, sizeof self - 1);
    if (net->host[0] == 0)
        return e;
    size_t size = net_address_text(net->host, line, sizeof line);
    size += fmt_snprintf(line + size, sizeof line - size, "\thost.ouro\n");
    return put_text("/etc/hosts", O_APPEND, line, size);
}

INIT_CODE void network_configure(void)
{
    net_configure(&options.net);
    if (netdev_first() == NULL || options.net.way == NET_OFF)
        return;
    enum err made = vfs_make_directory((struct vfs_place){NULL, "/etc"}, 0755);
    enum err servers = put_servers(&options.net), host = put_host(&options.net);
    if ((made != E_OK && made != E_EXIST) || (servers != E_OK && servers != E_EXIST) ||
        (host != E_OK && host != E_EXIST))
        log_warn("/etc/resolv.conf or /etc/hosts cannot be made");
}
