/* SPDX-License-Identifier: MIT */
#include "cpu/apic.h"

#include "base/compiler.h"
#include "cpu/irq.h"
#include "cpu/x86.h"

enum { /* register numbers: offset / 16, as in x2APIC */
    APIC_ID = 0x02,
    APIC_TPR = 0x08,
    APIC_EOI = 0x0b,
    APIC_SVR = 0x0f,
    APIC_ISR = 0x10, /* 8 registers of 32 vectors */
    APIC_ICR = 0x30,
    APIC_ICR_HIGH = 0x31,
    APIC_LVT_TIMER = 0x32,
    APIC_LVT_LINT0 = 0x35,
    APIC_LVT_LINT1 = 0x36,
    APIC_INITIAL_COUNT = 0x38,
    APIC_CURRENT_COUNT = 0x39,
    APIC_DIVIDE = 0x3e,
};

enum {
    SVR_ENABLE = 0x100,
    LVT_MASKED = 0x10000,
    LVT_EXTINT = 0x700,
    LVT_NMI = 0x400,
    ICR_PENDING = 1 << 12,
    ICR_ASSERT = 1 << 14,
    ID_SHIFT = 24, /* in xAPIC mode */
    DIVIDE_BY_1 = 0xb,
    BASE_ENABLE = 1 << 11,
    BASE_X2APIC = 1 << 10,
    X2APIC_MSR = 0x800,
};

enum {
    PIC1_COMMAND = 0x20,
    PIC1_DATA = 0x21,
    PIC2_COMMAND = 0xa0,
    PIC2_DATA = 0xa1,
    PIC_READ_ISR = 0x0b,
    PIC_EOI = 0x20,
    PIC_CASCADE_LINE = 2,
};

RO_AFTER_INIT static volatile uint32_t *registers;              /* NULL in x2APIC mode */
RO_AFTER_INIT static uint64_t ticks_per_ns = UINT64_C(1) << 32; /* 32.32 fixed point */
RO_AFTER_INIT static void (*irq_handlers[16])(void);
static uint16_t pic_mask = 0xffff;

static void apic_write(unsigned reg, uint32_t value)
{
    if (registers != NULL)
        registers[reg * 4] = value;
    else
        wrmsr(X2APIC_MSR + reg, value);
}

static uint32_t apic_read(unsigned reg)
{
    return registers != NULL ? registers[reg * 4] : (uint32_t)rdmsr(X2APIC_MSR + reg);
}

INIT_CODE phys_t apic_page(void)
{
    uint64_t base = rdmsr(MSR_APIC_BASE);
    return base & BASE_X2APIC ? phys(0) : phys(base & UINT64_C(0xffffffffff000));
}

static void pic_set_mask(uint16_t mask)
{
    pic_mask = mask;
    out8(PIC1_DATA, (uint8_t)mask);
    out8(PIC2_DATA, (uint8_t)(mask >> 8));
}

/* 8259A data sheet: ICW1 edge, cascade, ICW4; ICW2 the vector; ICW3 the cascade; ICW4 8086 mode. */
INIT_CODE static void pic_init(void)
{
    out8(PIC1_COMMAND, 0x11);
    out8(PIC2_COMMAND, 0x11);
    out8(PIC1_DATA, VECTOR_PIC);
    out8(PIC2_DATA, VECTOR_PIC + 8);
    out8(PIC1_DATA, 1 << PIC_CASCADE_LINE);
    out8(PIC2_DATA, PIC_CASCADE_LINE);
    out8(PIC1_DATA, 1);
    out8(PIC2_DATA, 1);
    pic_set_mask(0xffff);
}

/* A spurious request shows as line 7 or 15 with its in-service bit clear (8259A, IR7). */
static bool pic_spurious(unsigned line)
{
    if (line != 7 && line != 15)
        return false;
    uint16_t command = line == 7 ? PIC1_COMMAND : PIC2_COMMAND;
    out8(command, PIC_READ_ISR);
    if (in8(command) & 0x80)
        return false;
    if (line == 15)
        out8(PIC1_COMMAND, PIC_EOI); /* the cascade's request was real */
    return true;
}

bool apic_in_service(unsigned vector)
{
    unsigned line = vector - VECTOR_PIC;
    if (line >= 16)
        return apic_read(APIC_ISR + vector / 32) >> vector % 32 & 1;
    uint16_t command = line < 8 ? PIC1_COMMAND : PIC2_COMMAND;
    out8(command, PIC_READ_ISR);
    return in8(command) >> line % 8 & 1;
}

static void irq_dispatch(struct trap_frame *frame)
{
    unsigned line = (unsigned)(frame->vector - VECTOR_PIC);
    if (pic_spurious(line))
        return;
    if (irq_handlers[line] != NULL)
        irq_handlers[line]();
    if (line >= 8)
        out8(PIC2_COMMAND, PIC_EOI);
    out8(PIC1_COMMAND, PIC_EOI);
}

static void ignore(struct trap_frame *frame)
{
    (void)frame; /* spurious vector: no EOI (SDM 3A 11.9) */
}

INIT_CODE void apic_init(void *page)
{
    registers = page;
    uint64_t base = rdmsr(MSR_APIC_BASE);
    if (!(base & BASE_ENABLE))
        wrmsr(MSR_APIC_BASE, base | BASE_ENABLE);
    pic_init();
    for (unsigned line = 0; line < 16; line++)
        trap_set_handler(VECTOR_PIC + line, irq_dispatch);
    trap_set_handler(VECTOR_SPURIOUS, ignore);
    apic_write(APIC_TPR, 0);
    apic_write(APIC_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
    apic_write(APIC_LVT_LINT0, LVT_EXTINT);
    apic_write(APIC_LVT_LINT1, LVT_NMI);
    apic_write(APIC_DIVIDE, DIVIDE_BY_1);
    apic_write(APIC_SVR, SVR_ENABLE | VECTOR_SPURIOUS);
}

/* Their registers are of each CPU; the lines and the NMI of the chipset go to the first. */
void apic_start(void)
{
    if (registers == NULL) /* an APIC starts in xAPIC mode */
        wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | BASE_ENABLE | BASE_X2APIC);
    apic_write(APIC_TPR, 0);
    apic_write(APIC_LVT_TIMER, VECTOR_TIMER);
    apic_write(APIC_LVT_LINT0, LVT_MASKED);
    apic_write(APIC_LVT_LINT1, LVT_MASKED);
    apic_write(APIC_DIVIDE, DIVIDE_BY_1);
    apic_write(APIC_SVR, SVR_ENABLE | VECTOR_SPURIOUS);
}

uint32_t apic_id(void)
{
    uint32_t id = apic_read(APIC_ID);
    return registers != NULL ? id >> ID_SHIFT : id;
}

void apic_send(uint32_t id, uint32_t command)
{
    if (registers == NULL) {
        __asm__ volatile("mfence" : : : "memory"); /* the write is not serializing */
        wrmsr(X2APIC_MSR + APIC_ICR, (uint64_t)id << 32 | command | ICR_ASSERT);
        return;
    }
    uint64_t flags = irq_save(); /* an interrupt may send, too */
    while (apic_read(APIC_ICR) & ICR_PENDING)
        cpu_pause();
    apic_write(APIC_ICR_HIGH, id << ID_SHIFT);
    apic_write(APIC_ICR, command | ICR_ASSERT);
    irq_restore(flags);
}

void apic_timer_start_measuring(void)
{
    apic_write(APIC_LVT_TIMER, VECTOR_TIMER); /* only an APIC that is on can be unmasked */
    apic_write(APIC_INITIAL_COUNT, UINT32_MAX);
}

bool apic_timer_is_measuring(void)
{
    return apic_read(APIC_INITIAL_COUNT) == UINT32_MAX;
}

uint32_t apic_timer_count(void)
{
    return apic_read(APIC_CURRENT_COUNT);
}

void apic_timer_set_hz(uint64_t hz)
{
    if (hz != 0 && hz <= UINT32_MAX)
        ticks_per_ns = (hz << 32) / 1000000000;
}

void apic_timer_arm(uint64_t ns)
{
    unsigned __int128 ticks = (unsigned __int128)ns * ticks_per_ns >> 32;
    if (ticks == 0)
        ticks = 1; /* 0 would stop the timer */
    /* The maximum means measuring. */
    apic_write(APIC_INITIAL_COUNT, ticks < UINT32_MAX ? (uint32_t)ticks : UINT32_MAX - 1);
}

void apic_timer_disarm(void)
{
    apic_write(APIC_INITIAL_COUNT, 0);
}

void apic_eoi(void)
{
    apic_write(APIC_EOI, 0);
}

void irq_set_handler(unsigned line, void (*handler)(void))
{
    irq_handlers[line] = handler;
    uint16_t mask = (uint16_t)(pic_mask & ~(1u << line));
    if (line >= 8)
        mask &= (uint16_t) ~(1u << PIC_CASCADE_LINE);
    pic_set_mask(mask);
}

void irq_mask(unsigned line)
{
    pic_set_mask((uint16_t)(pic_mask | 1u << line));
}
