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
    IER_EMPTY = 2, /* the transmit FIFO has become empty, or the bit was just set and it is */
    /* Enables and clears the FIFOs; interrupts at 14 bytes, or four character times after the last
     * byte. QEMU delivers no more bytes at a time than the trigger level. */
    FCR_ENABLE_CLEAR = 0xc7,
    IIR_FIFO = 0xc0,
    IIR_NONE = 1, /* no interrupt is pending; a read takes IER_EMPTY's back */
    LCR_8N1 = 3,
    LCR_DLAB = 0x80,
    MCR_DTR_RTS_OUT2 = 0x0b, /* OUT2 gates the interrupt line on PCs */
    LSR_DATA = 1,
    LSR_EMPTY = 0x20, /* the transmit FIFO is empty */
    LSR_IDLE = 0x40,  /* the transmit FIFO and the shift register are empty */
    FIFO_SIZE = 16,
    ROUNDS_MAX = 256, /* of one interrupt: a broken UART must not keep the CPU */
};

/* Polls for room. A port that has sent something waits for its host, which may have stopped for a while; one that never
 * has may be no port at all. */
#define PATIENCE_UNPROVEN UINT64_C(10000000)
#define PATIENCE          (256 * PATIENCE_UNPROVEN)

static unsigned burst = 1; /* bytes that can be written if LSR_EMPTY is set */
static bool proven, dead;  /* it has had room before; waiting was in vain */

/* Guards received data and both interrupts. */
static struct spin_lock receiver;
static uint8_t enabled GUARDED_BY(class_uart); /* IER */
static bool started GUARDED_BY(class_uart);    /* interrupts arrive */

static bool has_room(void)
{
    return in8(LSR) & LSR_EMPTY;
}

static uint64_t patience(void)
{
    return dead ? 1 : proven ? PATIENCE : PATIENCE_UNPROVEN;
}

static bool uart_wait(void)
{
    for (uint64_t polls = patience(); polls > 0; polls--) {
        if (has_room()) {
            proven = true;
            dead = false;
            return true;
        }
        cpu_pause();
    }
    dead = true;
    return false;
}

static void enable(uint8_t interrupts) REQUIRES(class_uart)
{
    if (interrupts != enabled)
        out8(IER, interrupts);
    enabled = interrupts;
}

/* Sends while there is room; what is left then is sent when the FIFO has become empty. Each byte is taken when it is sent:
 * an NMI in between may send others. */
static void uart_transmit(void) REQUIRES(class_uart)
{
    bool more = true;
    uint8_t byte;
    while (more && has_room()) {
        proven = true;
        for (unsigned i = 0; i < burst && (more = console_output(&byte, 1) > 0); i++)
            out8(DATA, byte);
    }
    if (started)
        enable((uint8_t)(console_output_pending() ? enabled | IER_EMPTY : enabled & ~IER_EMPTY));
}

static void uart_send(void)
{
    uint64_t flags = spin_lock_irq(&receiver, &class_uart);
    uart_transmit();
    spin_unlock_irq(&receiver, &class_uart, flags);
}

static void uart_drain(void)
{
    for (uint64_t polls = patience(); !(in8(LSR) & LSR_IDLE) && polls > 0; polls--)
        cpu_pause();
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
    enable(enabled & (uint8_t)~IER_RECEIVED);
}

static void uart_interrupt(void)
{
    spin_lock(&receiver, &class_uart);
    /* The line to the PIC is an edge: it must have been low before the handler returns. */
    for (unsigned round = 0; round < ROUNDS_MAX && !(in8(FCR) & IIR_NONE); round++) {
        if (enabled & IER_RECEIVED)
            uart_receive();
        if (enabled & IER_EMPTY)
            uart_transmit();
    }
    spin_unlock(&receiver, &class_uart);
}

static void uart_resume(void)
{
    uint64_t flags = spin_lock_irq(&receiver, &class_uart);
    enable(enabled | IER_RECEIVED);
    uart_receive();
    spin_unlock_irq(&receiver, &class_uart, flags);
}

INIT_CODE const struct console_line *uart_init(void)
{
    static const struct console_line line = {uart_send, uart_wait, uart_drain, uart_resume};
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
    return &line;
}

INIT_CODE void uart_start(void)
{
    irq_set_handler(COM1_LINE, uart_interrupt);
    uint64_t flags = spin_lock_irq(&receiver, &class_uart);
    started = true;
    spin_unlock_irq(&receiver, &class_uart, flags);
    uart_resume();
    console_line_interrupts();
}
