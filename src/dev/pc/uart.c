/* SPDX-License-Identifier: MIT */
#include "dev/pc/uart.h"

#include "base/compiler.h"
#include "cpu/apic.h"
#include "cpu/lock.h"
#include "cpu/x86.h"

enum {
    COM1 = 0x3f8,
    COM1_LINE = 4,
    DATA = COM1,
    IER = COM1 + 1, /* interrupt enable; divisor high when LCR.DLAB */
    FCR = COM1 + 2, /* FIFO control (write), IIR (read) */
    LCR = COM1 + 3,
    MCR = COM1 + 4,
    LSR = COM1 + 5,
    SCRATCH = COM1 + 7,

    IER_RECEIVED = 1,
    /* Enables and clears the FIFOs; interrupts at 14 bytes, or four character times after the last
     * byte. QEMU delivers no more bytes at a time than the trigger level. */
    FCR_ENABLE_CLEAR = 0xc7,
    IIR_FIFO = 0xc0,
    LCR_8N1 = 3,
    LCR_DLAB = 0x80,
    MCR_DTR_RTS_OUT2 = 0x0b, /* OUT2 gates the interrupt line on PCs */
    LSR_DATA = 1,
    LSR_EMPTY = 0x20, /* the transmit FIFO is empty */
    LSR_IDLE = 0x40,  /* the transmit FIFO and the shift register are empty */
    FIFO_SIZE = 16,
    PATIENCE = 10000000, /* polls for room: long enough for a slow host, finite for a dead port */
};

static unsigned burst = 1; /* bytes that can be written if LSR_EMPTY is set */

/* Guards received data and the receive interrupt; the console's lock guards the transmitter. */
static struct spin_lock receiver;

static void uart_wait_for(uint8_t status)
{
    for (unsigned polls = 0; !(in8(LSR) & status) && polls < PATIENCE; polls++)
        cpu_pause();
}

static void uart_flush(void)
{
    uart_wait_for(LSR_IDLE);
}

static void uart_write(const void *bytes, size_t size)
{
    const uint8_t *p = bytes;
    while (size > 0) {
        uart_wait_for(LSR_EMPTY);
        for (unsigned i = 0; i < burst && size > 0; i++, size--)
            out8(DATA, *p++);
    }
}

/* Moves received bytes to the console while it has room. Without room the interrupt is disabled
 * until uart_resume(); the UART's FIFO fills, and the host stops sending. */
static void uart_receive(void) REQUIRES(class_uart)
{
    uint8_t bytes[FIFO_SIZE];
    size_t room;
    while ((room = console_input_room()) > 0) {
        size_t n = 0;
        while (n < FIFO_SIZE && n < room && in8(LSR) & LSR_DATA)
            bytes[n++] = in8(DATA);
        if (n == 0)
            return;
        console_input(bytes, n);
    }
    out8(IER, 0);
}

static void uart_interrupt(void)
{
    spin_lock(&receiver, &class_uart);
    uart_receive();
    spin_unlock(&receiver, &class_uart);
}

static void uart_resume(void)
{
    uint64_t flags = spin_lock_irq(&receiver, &class_uart);
    out8(IER, IER_RECEIVED);
    uart_receive();
    spin_unlock_irq(&receiver, &class_uart, flags);
}

INIT_CODE const struct console_device *uart_init(void)
{
    static const struct console_device device = {uart_write, uart_flush, uart_resume};
    out8(SCRATCH, 0x5a);
    if (in8(SCRATCH) != 0x5a)
        return NULL;
    out8(IER, 0);
    out8(LCR, LCR_DLAB);
    out8(DATA, 1); /* 115200 / 1 */
    out8(IER, 0);
    out8(LCR, LCR_8N1);
    out8(FCR, FCR_ENABLE_CLEAR);
    out8(MCR, MCR_DTR_RTS_OUT2);
    if ((in8(FCR) & IIR_FIFO) == IIR_FIFO)
        burst = FIFO_SIZE;
    return &device;
}

INIT_CODE void uart_start_input(void)
{
    irq_set_handler(COM1_LINE, uart_interrupt);
    uart_resume();
}
