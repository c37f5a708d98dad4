/* SPDX-License-Identifier: MIT */
/* MC146818 registers: 0 seconds, 2 minutes, 4 hours, 7 day, 8 month, 9 year; A and B are status. */
#include "dev/pc/rtc.h"

#include "base/compiler.h"
#include "base/str.h"
#include "cpu/apic.h"
#include "cpu/x86.h"

enum {
    PORT_INDEX = 0x70,
    PORT_DATA = 0x71,
    STATUS_A = 10,
    STATUS_B = 11,
    STATUS_C = 12, /* reading it ends the interrupt */
    UPDATING = 0x80,
    BINARY = 4,
    HOURS_24 = 2,
    HOUR_PM = 0x80,
    UPDATE_ENDED = 0x10, /* in status C; enables the interrupt in status B */
    RTC_LINE = 8,
};

RO_AFTER_INIT static void (*second_watch)(uint64_t seconds);

struct rtc {
    uint8_t second, minute, hour, day, month, year;
};

static uint8_t cmos(uint8_t reg)
{
    out8(PORT_INDEX, reg);
    return in8(PORT_DATA);
}

static void cmos_write(uint8_t reg, uint8_t value)
{
    out8(PORT_INDEX, reg);
    out8(PORT_DATA, value);
}

static struct rtc read_once(void)
{
    for (int polls = 0; polls < 10000 && cmos(STATUS_A) & UPDATING; polls++)
        cpu_pause();
    return (struct rtc){cmos(0), cmos(2), cmos(4), cmos(7), cmos(8), cmos(9)};
}

static uint8_t from_bcd(uint8_t v)
{
    return (uint8_t)((v >> 4) * 10 + (v & 15));
}

/* Days from 1970-01-01 to a Gregorian date. Counts years from March, so that a leap day is the last
 * day of a year. */
static uint64_t days(unsigned year, unsigned month, unsigned day)
{
    year -= month <= 2;
    unsigned month_from_march = (month + 9) % 12;
    uint64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    return (uint64_t)year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719468;
}

uint64_t rtc_read(void)
{
    struct rtc now = read_once(), again;
    for (int tries = 0; tries < 5; tries++) { /* two equal readings: no update in between */
        again = read_once();
        if (memcmp(&now, &again, sizeof now) == 0)
            break;
        now = again;
    }
    uint8_t status = cmos(STATUS_B);
    bool pm = now.hour & HOUR_PM && !(status & HOURS_24);
    now.hour &= (uint8_t)~HOUR_PM;
    if (!(status & BINARY))
        now = (struct rtc){from_bcd(now.second), from_bcd(now.minute), from_bcd(now.hour),
                           from_bcd(now.day),    from_bcd(now.month),  from_bcd(now.year)};
    if (!(status & HOURS_24))
        now.hour = (uint8_t)(now.hour % 12 + (pm ? 12 : 0));
    if (now.month < 1 || now.month > 12 || now.day < 1 || now.day > 31 || now.hour > 23 ||
        now.minute > 59 || now.second > 59)
        return 0;
    /* The year has two digits. The century register's index is only in the FADT, so 20xx is
     * assumed. */
    return days(2000u + now.year, now.month, now.day) * 86400 + now.hour * 3600u +
           now.minute * 60u + now.second;
}

static void rtc_interrupt(void)
{
    if (!(cmos(STATUS_C) & UPDATE_ENDED))
        return;
    cmos_write(STATUS_B, cmos(STATUS_B) & (uint8_t)~UPDATE_ENDED);
    uint64_t seconds = rtc_read();
    if (seconds != 0)
        second_watch(seconds);
}

INIT_CODE void rtc_watch_second(void (*began)(uint64_t seconds))
{
    second_watch = began;
    irq_set_handler(RTC_LINE, rtc_interrupt);
    cmos_write(STATUS_B, cmos(STATUS_B) | UPDATE_ENDED);
    cmos(STATUS_C); /* an interrupt that came earlier would hold the line */
}
