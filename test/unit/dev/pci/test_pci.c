/* SPDX-License-Identifier: MIT */
#include "dev/pci/pci.h"

#include "pci_model.h"
#include "unit.h"

#include <string.h>

static pci_function seen[64];
static unsigned seen_count, stop_after;

static bool see(void *context, pci_function f, uint32_t id)
{
    assert_ptr_equal(context, &seen_count);
    assert_int_equal(id & 0xffff, 0x1234);
    seen[seen_count++] = f;
    return seen_count < stop_after;
}

static int setup(void **state)
{
    (void)state;
    memset(&pci_model, 0, sizeof pci_model);
    pci_model.strict = true;
    seen_count = 0;
    stop_after = 64;
    return 0;
}

static struct pci_model_function *bridge(pci_function at, uint8_t secondary)
{
    struct pci_model_function *f = pci_model_add(at, 0x1234, 1);
    f->bytes[0x0e] = 1;
    f->bytes[0x19] = secondary;
    return f;
}

static void test_functions_behind_bridges(void **state)
{
    (void)state;
    pci_model_add(0x0008, 0x1234, 2)->bytes[0x0e] = 0x80; /* with more functions */
    pci_model_add(0x000b, 0x1234, 2);
    pci_model_add(0x0010, 0x1234, 2);
    pci_model_add(0x0011, 0x1234, 2); /* its function 0 has no others: not there */
    bridge(0x0018, 5);
    bridge(0x0500, 5); /* to itself */
    bridge(0x0508, 0);
    pci_model_add(0x05f8, 0x1234, 2);
    static const pci_function wanted[] = {0x08, 0x0b, 0x10, 0x18, 0x500, 0x508, 0x5f8};
    pci_each(&pci_model_access, see, &seen_count);
    assert_int_equal(seen_count, sizeof wanted / sizeof wanted[0]);
    assert_memory_equal(seen, wanted, sizeof wanted);
    seen_count = 0;
    stop_after = 2;
    pci_each(&pci_model_access, see, &seen_count);
    assert_int_equal(seen_count, 2);
}

static void expect_bar(unsigned bar, uint64_t start, uint64_t end)
{
    struct phys_range range;
    uint8_t before[256];
    memcpy(before, pci_model.function[0].bytes, 256);
    assert_int_equal(pci_bar(&pci_model_access, 0, bar, &range), end != 0);
    assert_memory_equal(before, pci_model.function[0].bytes, 256);
    if (end == 0)
        return;
    assert_int_equal(range.start.v, start);
    assert_int_equal(range.end.v, end);
}

static void test_base_addresses(void **state)
{
    (void)state;
    struct pci_model_function *f = pci_model_add(0, 0x1234, 2);
    expect_bar(0, 0, 0);
    pci_model_bar(f, 0, 0xfe000000, 0x4000, false);
    expect_bar(0, 0xfe000000, 0xfe004000);
    pci_model_bar(f, 1, 0x380000000000, 0x200000000, true);
    expect_bar(1, 0x380000000000, 0x380200000000);
    pci_model_bar(f, 3, 0x10000000000000, 0x1000000000000, true); /* beyond all memory */
    expect_bar(3, 0, 0);
    pci_model_put32(f, 0x10 + 4 * 4, 0xc001); /* ports */
    expect_bar(4, 0, 0);
    pci_model_put32(f, 0x10 + 4 * 5, 0xfe000004); /* 64 bits, without the other half */
    expect_bar(5, 0, 0);
    expect_bar(6, 0, 0);
    f->bytes[0x0e] = 1;
    expect_bar(0, 0, 0);
}

static void test_parts_of_a_base_address(void **state)
{
    (void)state;
    struct phys_range range;
    pci_model_bar(pci_model_add(0, 0x1234, 2), 0, 0xfe000000, 0x4000, false);
    assert_true(pci_bar_part(&pci_model_access, 0, &(struct pci_span){0, 0x3000, 0x1000}, &range));
    assert_int_equal(range.start.v, 0xfe003000);
    assert_int_equal(range.end.v, 0xfe004000);
    assert_false(pci_bar_part(&pci_model_access, 0, &(struct pci_span){0, 0x3000, 0x1001}, &range));
    assert_false(pci_bar_part(&pci_model_access, 0, &(struct pci_span){0, UINT32_MAX, 2}, &range));
    assert_false(pci_bar_part(&pci_model_access, 0, &(struct pci_span){0, 0, 0}, &range));
}

static void test_capabilities(void **state)
{
    (void)state;
    struct pci_model_function *f = pci_model_add(0, 0x1234, 2);
    const struct pci_access *a = &pci_model_access;
    f->bytes[0x34] = 0x40; /* without the bit of the status */
    f->bytes[0x40] = 9;
    assert_int_equal(pci_capability(a, 0, 9, 16, 0), 0);
    f->bytes[0x34] = 0;
    pci_model_capability(f, 0x40, 9);
    pci_model_capability(f, 0x60, 5);
    pci_model_capability(f, 0x50, 9);
    assert_int_equal(pci_capability(a, 0, 9, 16, 0), 0x50);
    assert_int_equal(pci_capability(a, 0, 9, 16, 0x50), 0x40);
    assert_int_equal(pci_capability(a, 0, 9, 16, 0x40), 0);
    assert_int_equal(pci_capability(a, 0, 5, 16, 0), 0x60);
    assert_int_equal(pci_capability(a, 0, 7, 16, 0), 0);
    f->bytes[0x41] = 0x50; /* a ring */
    assert_int_equal(pci_capability(a, 0, 7, 16, 0), 0);
    f->bytes[0x34] = 0x3c; /* into the header */
    assert_int_equal(pci_capability(a, 0, 9, 16, 0), 0);
    f->bytes[0x34] = 0xf8; /* its end is not there */
    f->bytes[0xf8] = 9;
    assert_int_equal(pci_capability(a, 0, 9, 16, 0), 0);
    assert_int_equal(pci_capability(a, 0, 9, 8, 0), 0xf8);
}

static void test_messages(void **state)
{
    (void)state;
    struct pci_model_function *f = pci_model_add(0, 0x1234, 2);
    struct phys_range range;
    assert_false(pci_msix_table(&pci_model_access, 0, &range));
    pci_model_bar(f, 1, 0xfe000000, 0x1000, false);
    pci_model_capability(f, 0x40, PCI_CAPABILITY_MSIX);
    f->bytes[0x42] = 3; /* 4 entries */
    pci_model_put32(f, 0x44, 0x100 | 1);
    assert_true(pci_msix_table(&pci_model_access, 0, &range));
    assert_int_equal(range.start.v, 0xfe000100);
    assert_int_equal(phys_range_size(range), 64);
    pci_model_put32(f, 0x44, 0xfd0 | 1); /* ends behind the memory */
    assert_false(pci_msix_table(&pci_model_access, 0, &range));
    pci_model_put32(f, 0x44, 0x100 | 7);
    assert_false(pci_msix_table(&pci_model_access, 0, &range));
    f->bytes[0x43] = 0x40;
    pci_enable(&pci_model_access, 0, false);
    pci_msix_enable(&pci_model_access, 0);
    assert_int_equal(f->bytes[0x43], 0x80);
    assert_int_equal(f->bytes[4] & 6, 6);
    assert_int_equal(f->bytes[5] & 4, 4);
    pci_disable(&pci_model_access, 0);
    assert_int_equal(f->bytes[4] & 6, 2);
}

/* PCI 3.0, 6.8.1: with an address of 64 bits, and of 32. */
static void test_one_message(void **state)
{
    (void)state;
    struct pci_model_function *f = pci_model_add(0, 0x1234, 2);
    pci_model.strict = false;
    assert_false(pci_msi_enable(&pci_model_access, 0, 0xfee01000, 0x41));
    pci_model_capability(f, 0x50, PCI_CAPABILITY_MSI);
    f->bytes[0x52] = 0x80 | 0x30; /* wide, and firmware has chosen 8 messages */
    f->bytes[0x5e] = 0x77;
    assert_true(pci_msi_enable(&pci_model_access, 0, 0x1fee01000, 0x4241));
    assert_memory_equal(f->bytes + 0x54, "\x00\x10\xe0\xfe\x01\x00\x00\x00\x41\x42\x77\x00", 12);
    assert_int_equal(f->bytes[0x52], 0x81);
    f->bytes[0x52] = 0;
    assert_false(pci_msi_enable(&pci_model_access, 0, 0x1fee01000, 0x41));
    assert_int_equal(f->bytes[0x52], 0);
    assert_true(pci_msi_enable(&pci_model_access, 0, 0xfee02000, 0x43));
    assert_memory_equal(f->bytes + 0x54, "\x00\x20\xe0\xfe\x43\x00", 6);
    assert_int_equal(f->bytes[0x52], 1);
    memset(f->bytes + 0x40, 0, 0xc0);
    pci_model_capability(f, 0xf4, PCI_CAPABILITY_MSI); /* does not fit */
    assert_false(pci_msi_enable(&pci_model_access, 0, 0xfee02000, 0x43));
}

static void test_the_line(void **state)
{
    (void)state;
    struct pci_model_function *f = pci_model_add(0, 0x1234, 2);
    static const struct {
        uint8_t line, pin, wanted;
    } cases[] = {{11, 1, 11}, {11, 0, 0}, {255, 1, 0}, {16, 1, 0}, {0, 1, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        f->bytes[0x3c] = cases[i].line;
        f->bytes[0x3d] = cases[i].pin;
        assert_int_equal(pci_line(&pci_model_access, 0), cases[i].wanted);
    }
    f->bytes[5] = 4;
    pci_enable(&pci_model_access, 0, true);
    assert_int_equal(f->bytes[5], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_functions_behind_bridges, setup),
        cmocka_unit_test_setup(test_base_addresses, setup),
        cmocka_unit_test_setup(test_parts_of_a_base_address, setup),
        cmocka_unit_test_setup(test_capabilities, setup),
        cmocka_unit_test_setup(test_messages, setup),
        cmocka_unit_test_setup(test_one_message, setup),
        cmocka_unit_test_setup(test_the_line, setup),
    };
    return RUN_TESTS(tests);
}
