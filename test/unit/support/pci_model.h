/* SPDX-License-Identifier: MIT */
/*
 * Configuration spaces of a few PCI functions (PCI 3.0, chapter 6). A write that no driver may do fails the
 * test. Without `strict` a function keeps any bytes and lets all of them be written: a bad one.
 */
#pragma once

#include "dev/pci/pci.h"

#define PCI_MODEL_MAX 8

struct pci_model_function {
    pci_function at;
    uint8_t bytes[256];
    uint32_t bar_kept[PCI_BARS]; /* bits of each base address that can be written */
};

struct pci_model {
    bool strict;
    unsigned count;
    struct pci_model_function function[PCI_MODEL_MAX];
};

extern struct pci_model pci_model;
extern const struct pci_access pci_model_access;

struct pci_model_function *pci_model_add(pci_function at, uint16_t vendor, uint16_t device);
void pci_model_put32(struct pci_model_function *f, unsigned offset, uint32_t value);
/* A memory base address of `size` bytes at `address`. */
void pci_model_bar(struct pci_model_function *f, unsigned bar, uint64_t address, uint64_t size,
                   bool wide);
/* Adds a capability at `at`, to the front of the list. */
void pci_model_capability(struct pci_model_function *f, uint8_t at, uint8_t id);
/* One of virtio's. */
void pci_model_virtio(struct pci_model_function *f, uint8_t at, uint8_t type, struct pci_span span);
