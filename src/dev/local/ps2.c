/* SPDX-License-Identifier: MIT */
#define LOG_TAG "ps2"
#include "dev/local/ps2.h"

#include "base/log.h"
#include "cpu/apic.h"
#include "cpu/lock.h"
#include "cpu/x86.h"
#include "dev/screen/screen.h"
#include "kern/console.h"
#include "kern/machine.h"
#include "kern/sysrq.h"

enum {
    DATA = 0x60,
    COMMAND = 0x64, /* read: status */
    KEYBOARD_LINE = 1,

    STATUS_OUTPUT = 1,   /* output buffer full: a byte can be read */
    STATUS_INPUT = 2,    /* input buffer full: no byte may be written */
    STATUS_POINTER = 32, /* the byte is from the mouse */

    READ_CONFIGURATION = 0x20,
    WRITE_CONFIGURATION = 0x60,
    DISABLE_POINTER = 0xa7,
    DISABLE_KEYBOARD = 0xad,
    ENABLE_KEYBOARD = 0xae,

    CONFIGURATION_IRQ_KEYBOARD = 1,
    CONFIGURATION_IRQ_POINTER = 2,
    CONFIGURATION_KEYBOARD_OFF = 16,
    CONFIGURATION_TRANSLATE = 64,

    KEYBOARD_LIGHTS = 0xed,
    KEYBOARD_SCAN = 0xf4,
    KEYBOARD_ACK = 0xfa,

    PATIENCE = 100000, /* polls of about a microsecond; the slowest answers take 20 ms */
    LOOK_LINES = 10,
};

static struct spin_lock ps2_spin; /* guards the controller's ports and the data of class_ps2 */
static struct keymap map GUARDED_BY(class_ps2);
/* Command KEYBOARD_LIGHTS was sent; its argument follows the ACK. */
static bool lights_wanted GUARDED_BY(class_ps2);
static bool present;

/* Waits until the status bit has the wanted value. False after PATIENCE polls, as without a
 * controller. */
static bool wait_status(uint8_t bit, bool set)
{
    for (unsigned i = 0; i < PATIENCE; i++) {
        if (!(in8(COMMAND) & bit) == !set)
            return true;
        cpu_pause();
    }
    return false;
}

static bool ps2_send(uint16_t port, uint8_t byte)
{
    if (!wait_status(STATUS_INPUT, false))
        return false;
    out8(port, byte);
    return true;
}

static void drain(void)
{
    for (unsigned i = 0; i < 64 && in8(COMMAND) & STATUS_OUTPUT; i++)
        (void)in8(DATA);
}

static uint8_t lights(void) REQUIRES(class_ps2)
{
    return (uint8_t)((map.modifiers & KEYMAP_NUM ? 2 : 0) | (map.modifiers & KEYMAP_CAPS ? 4 : 0));
}

static void act(const struct keymap_event *event) REQUIRES(class_ps2)
{
    switch (event->action) {
    case KEYMAP_NOTHING:
        break;
    case KEYMAP_TYPE:
        console_type(event->bytes, event->size);
        break;
    case KEYMAP_LOOK_BACK:
        screen_look_back(LOOK_LINES);
        break;
    case KEYMAP_LOOK_FORTH:
        screen_look_back(-LOOK_LINES);
        break;
    case KEYMAP_RESTART:
        machine_restart_keys();
        break;
    case KEYMAP_MAGIC:
        sysrq_key(event->bytes[0]);
        break;
    case KEYMAP_LIGHTS:
        lights_wanted = ps2_send(DATA, KEYBOARD_LIGHTS);
        break;
    }
}

static void ps2_take_byte(uint8_t byte) REQUIRES(class_ps2)
{
    struct keymap_event event;
    if (byte == KEYBOARD_ACK) {
        if (lights_wanted && ps2_send(DATA, lights()))
            lights_wanted = false;
        return;
    }
    if (byte == 0 || byte >= 0xfc) /* errors, "try again", "no answer" */
        return;
    keymap_scancode(&map, byte, screen_application_cursor(), &event);
    act(&event);
}

static void ps2_take_bytes(void) REQUIRES(class_ps2)
{
    /* Several bytes may be pending; the bound is for a broken controller. */
    for (unsigned i = 0; i < 32; i++) {
        uint8_t status = in8(COMMAND);
        if (!(status & STATUS_OUTPUT))
            return;
        uint8_t byte = in8(DATA);
        if (!(status & STATUS_POINTER))
            ps2_take_byte(byte);
    }
}

static void ps2_interrupt(void)
{
    spin_lock(&ps2_spin, &class_ps2);
    ps2_take_bytes();
    spin_unlock(&ps2_spin, &class_ps2);
}

/* Enables the keyboard port and disables the mouse port. False if there is no controller. */
static bool set_up(void) REQUIRES(class_ps2)
{
    if (in8(COMMAND) == 0xff || !ps2_send(COMMAND, DISABLE_KEYBOARD) ||
        !ps2_send(COMMAND, DISABLE_POINTER))
        return false;
    drain();
    if (!ps2_send(COMMAND, READ_CONFIGURATION) || !wait_status(STATUS_OUTPUT, true))
        return false;
    uint8_t configuration = in8(DATA);
    configuration |= CONFIGURATION_IRQ_KEYBOARD;
    configuration &= (uint8_t) ~(CONFIGURATION_IRQ_POINTER | CONFIGURATION_KEYBOARD_OFF);
    map.set_2 = !(configuration & CONFIGURATION_TRANSLATE);
    return ps2_send(COMMAND, WRITE_CONFIGURATION) && ps2_send(DATA, configuration) &&
           ps2_send(COMMAND, ENABLE_KEYBOARD) && ps2_send(DATA, KEYBOARD_SCAN);
}

void ps2_init(const struct keymap_layout *layout)
{
    uint64_t flags = spin_lock_irq(&ps2_spin, &class_ps2);
    map.layout = layout;
    present = set_up();
    spin_unlock_irq(&ps2_spin, &class_ps2, flags);
    if (!present) {
        log_info("no keyboard controller");
        return;
    }
    irq_set_handler(KEYBOARD_LINE, ps2_interrupt);
    flags = spin_lock_irq(&ps2_spin, &class_ps2);
    ps2_take_bytes(); /* the line is edge-triggered: a byte that is already there would block it */
    spin_unlock_irq(&ps2_spin, &class_ps2, flags);
}

/* Without the lock: the machine is about to end, and nothing runs beside it. */
void machine_wait_for_key(void) NO_LOCK_ANALYSIS
{
    if (!present)
        return;
    drain();
    for (;;) {
        uint8_t status = in8(COMMAND);
        if (status & STATUS_OUTPUT) {
            uint8_t byte = in8(DATA);
            bool release = map.set_2 ? byte == 0xf0 : byte & 0x80;
            if (map.set_2 && release && wait_status(STATUS_OUTPUT, true))
                (void)in8(DATA); /* the scan code of the released key */
            if (!(status & STATUS_POINTER) && !release && byte != KEYBOARD_ACK && byte != 0xe0)
                return;
        }
        cpu_pause();
    }
}
