/* SPDX-License-Identifier: MIT */
#include "dev/pci/pci_ports.h"

#include <stdint.h>

enum {
    CONFIG_ADDRESS = 0xcf8,
    CONFIG_DATA = 0xcfc,
};

#define CONFIG_ENABLE (UINT32_C(1) << 31)

static void port_out(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static uint32_t port_in(uint16_t port)
{
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static void config_select(pci_function function, uint8_t offset)
{
    port_out(CONFIG_ADDRESS, CONFIG_ENABLE | (uint32_t)function << 8 | (offset & 0xfc));
}

static uint32_t pci_port_read(pci_function function, uint8_t offset)
{
    config_select(function, offset);
    return port_in(CONFIG_DATA);
}

static void pci_port_write(pci_function function, uint8_t offset, uint32_t value)
{
    config_select(function, offset);
    port_out(CONFIG_DATA, value);
}

const struct pci_access pci_ports = {pci_port_read, pci_port_write};
