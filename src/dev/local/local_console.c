/* SPDX-License-Identifier: MIT */
#include "dev/local/local_console.h"

#include "dev/local/ps2.h"
#include "dev/pc/acpi_power.h"
#include "dev/screen/keymap.h"
#include "dev/screen/screen.h"
#include "diag/panic.h"
#include "kern/sysrq.h"

INIT_CODE void local_console_screen(const struct boot_info *boot)
{
    uint16_t columns = 0, rows = 0;
    if (!console_wants_screen())
        return;
    const struct console_device *device = screen_init(&boot->framebuffer);
    screen_size(&columns, &rows);
    console_add_screen(device, columns, rows);
}

INIT_CODE void local_console_keys(const struct boot_info *boot, const struct options *options)
{
    uint16_t columns, rows;
    if (options->exit_way != EXIT_DEBUG_PORT && options->exit_way != EXIT_BOCHS)
        acpi_power_init(boot);
    if (!screen_size(&columns, &rows))
        return;
    const struct keymap_layout *layout = keymap_find(options->keyboard);
    if (layout == NULL)
        boot_stop("there is no keyboard layout %s; there are us, de, fr, uk", options->keyboard);
    sysrq_init();
    ps2_init(layout);
}
