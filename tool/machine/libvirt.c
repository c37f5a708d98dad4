/* SPDX-License-Identifier: MIT */
#include "machine/libvirt.h"
#include "host/file.h"
#include "host/text.h"

#include <string.h>

/* The text as XML has it. */
static void put(struct text *out, const char *text)
{
    static const char *const names[][2] = {
        {"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"'", "&apos;"}, {"\"", "&quot;"}};
    for (; *text; text++) {
        const char *shown = NULL;
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !shown; i++)
            shown = *text == names[i][0][0] ? names[i][1] : NULL;
        if (shown)
            text_string(out, shown);
        else
            text_add(out, text, 1);
    }
}

void libvirt_write(const struct libvirt_domain *domain, const char *file)
{
    struct text out = {0};
    bool cd = domain->format == FORMAT_ISO;
    text_string(&out, "<domain type='qemu'>\n  <name>");
    put(&out, domain->name);
    text_format(&out,
                "</name>\n"
                "  <memory unit='KiB'>%llu</memory>\n"
                "  <vcpu>%u</vcpu>\n"
                "  <os>\n"
                "    <type arch='x86_64' machine='pc'>hvm</type>\n"
                "    <boot dev='%s'/>\n"
                "  </os>\n"
                "  <features><acpi/></features>\n"
                "  <cpu mode='maximum'/>\n"
                "  <clock offset='utc'/>\n"
                "  <on_poweroff>destroy</on_poweroff>\n"
                "  <on_reboot>restart</on_reboot>\n"
                "  <on_crash>destroy</on_crash>\n"
                "  <devices>\n"
                "    <disk type='file' device='%s'>\n"
                "      <driver name='qemu' type='%s'/>\n"
                "      <source file='",
                (unsigned long long)(domain->memory >> 10), domain->cpus, cd ? "cdrom" : "hd",
                cd ? "cdrom" : "disk", cd ? "raw" : format_names[domain->format]);
    put(&out, domain->image);
    text_format(&out,
                "'/>\n"
                "      <target dev='%s' bus='%s'/>\n"
                "%s"
                "    </disk>\n",
                cd ? "hda" : "vda", cd ? "ide" : "virtio", cd ? "      <readonly/>\n" : "");
    if (domain->network)
        text_string(&out, "    <interface type='user'>\n"
                          "      <model type='virtio'/>\n"
                          "    </interface>\n");
    text_string(&out,
                "    <serial type='pty'><target port='0'/></serial>\n"
                "    <console type='pty'><target type='serial' port='0'/></console>\n"
                "    <memballoon model='none'/>\n"
                "    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>\n"
                "  </devices>\n"
                "</domain>\n");
    file_write(file, out.bytes);
    text_free(&out);
}
