/* SPDX-License-Identifier: MIT */
/*
 * Text of a fault report: the class of the fault, and the lines that explain it, from facts that
 * diag/report.c has gathered (docs/diagnostics.md). Pure: reads only the facts, allocates nothing,
 * takes no lock.
 */
#pragma once

#include "base/addr.h"
#include "mm/pt/paging.h"
#include "mm/vm/areas.h"
#include "mm/vm/history.h"
#include "parse/malloc_heap.h"
#include "parse/x86_insn.h"

#include <stdbool.h>

enum fault_class {
    FAULT_CLASS_PANIC,
    FAULT_CLASS_ASSERTION,
    FAULT_CLASS_DEADLOCK,
    FAULT_CLASS_HANG,
    FAULT_CLASS_ASKED,
    FAULT_CLASS_GS,
    FAULT_CLASS_NULL,
    FAULT_CLASS_NULL_CALL,
    FAULT_CLASS_STACK_OVERFLOW,
    FAULT_CLASS_READ_ONLY,
    FAULT_CLASS_EXECUTE_DATA,
    FAULT_CLASS_RETURN,
    FAULT_CLASS_AFTER_UNMAP,
    FAULT_CLASS_NON_CANONICAL,
    FAULT_CLASS_UNALIGNED,
    FAULT_CLASS_WILD,
    FAULT_CLASS_WILD_JUMP,
    FAULT_CLASS_NO_ACCESS,
    FAULT_CLASS_PAST_FILE,
    FAULT_CLASS_KERNEL_MEMORY,
    FAULT_CLASS_WINDOW,
    FAULT_CLASS_RESERVED,
    FAULT_CLASS_STALE,
    FAULT_CLASS_OUT_OF_MEMORY,
    FAULT_CLASS_TRAP,
    FAULT_CLASS_ILLEGAL,
    FAULT_CLASS_DIVIDE,
    FAULT_CLASS_BREAKPOINT,
    FAULT_CLASS_STEP,
    FAULT_CLASS_FLOAT,
    FAULT_CLASS_ABORT,
    FAULT_CLASS_PRIVILEGED,
    FAULT_CLASS_PRIVILEGED_INSN,
    FAULT_CLASS_SELECTOR,
    FAULT_CLASS_CALL_32,
    FAULT_CLASS_SOFTWARE,
    FAULT_CLASS_PROTECTION,
    FAULT_CLASS_ALIGNMENT,
    FAULT_CLASS_DOUBLE,
    FAULT_CLASS_MACHINE_CHECK,
    FAULT_CLASS_OTHER,
};

enum fault_cause { /* causes that have no vector */
    FAULT_BY_VECTOR = 0,
    FAULT_BY_ASSERTION,
    FAULT_BY_DEADLOCK,
    FAULT_BY_HANG,    /* interrupts have been off for too long */
    FAULT_BY_REQUEST, /* no fault: an NMI asks for a report */
};

enum fault_access {
    ACCESS_READ,
    ACCESS_WRITE,
    ACCESS_EXECUTE,
};

#define FAULT_NO_VECTOR  0x200 /* no trap: a call of panic(), or a signal sent by a call */
#define FAULT_PLACE_SIZE 120

struct fault_neighbour { /* description of an area */
    bool there;
    struct virt_range range;
    prot_t prot;
    enum area_kind kind; /* 0: of the kernel; only `name` describes it */
    uint32_t flags;
    char name[96];  /* path of the file, or part of the kernel; or "" */
    char place[96]; /* "segment 2, .rodata+0x10", or "" */
};

struct fault_stack { /* the stack that contains rsp, or that rsp has left */
    bool there;
    struct virt_range range;
    uint64_t guard; /* size of the guard below it, bytes */
    char owner[60]; /* "the main thread's", "thread 2 "worker"'s kernel stack" */
};

struct fault_past { /* an event of mm/vm/history.h */
    bool there;
    uint8_t kind;
    prot_t prot;
    struct virt_range range;
    uint64_t ago_ns;
    uint32_t thread;
    char by[FAULT_PLACE_SIZE];
};

#define FAULT_BLOCKS 3

struct fault_block { /* a register that points into a block of malloc() that is free */
    unsigned reg;    /* enum x86_register; X86_RIP: the fault address */
    uint64_t value;
    struct malloc_block block;
};

#define FAULT_BANKS            4

#define FAULT_BANK_VALID       (UINT64_C(1) << 63)
#define FAULT_BANK_OVERFLOW    (UINT64_C(1) << 62)
#define FAULT_BANK_UNCORRECTED (UINT64_C(1) << 61)
#define FAULT_BANK_MISC        (UINT64_C(1) << 59)
#define FAULT_BANK_ADDRESS     (UINT64_C(1) << 58)
#define FAULT_BANK_CORRUPT     (UINT64_C(1) << 57)

struct fault_bank { /* a machine-check error-reporting bank: SDM 3B 16.3.2 */
    unsigned number;
    uint64_t status, address, misc; /* address, misc: 0 unless the status marks them valid */
};

struct fault_facts {
    bool panic;         /* a fault of the kernel; false: of the program */
    const char *signal; /* "SIGSEGV"; NULL */
    int signal_number, code;
    const char *code_name; /* "SEGV_MAPERR"; NULL: none */
    const char *reason;    /* the kernel's message; NULL */
    enum fault_cause cause;
    const char *version;
    uint64_t build_id;
    const char *who; /* thread name */
    uint32_t thread, cpu;
    int process;      /* its pid; 0: process 1, or none */
    uint32_t sharers; /* users of the page since a fork(); 0: not such a page */
    int parent;       /* with sharers: the pid of the process's parent */
    uint64_t time_ns; /* since boot */

    unsigned vector;       /* FAULT_NO_VECTOR: none */
    const char *exception; /* name of the vector */
    uint64_t error;        /* error code */
    bool has_address;      /* `address` is valid: of data or code */
    bool computed;         /* `address` is derived from the operands, not from CR2 */
    enum fault_access access;
    virt_t address;
    bool past_file, out_of_memory;

    uint64_t registers[X86_REGISTERS]; /* by enum x86_register */
    uint64_t rflags, fs_base, gs_base;
    uint8_t byte_count; /* bytes read at rip */
    uint8_t bytes[X86_INSN_MAX];
    bool has_insn;
    struct x86_insn insn;
    bool has_popped; /* the word below rsp, the target if a `ret` was just executed */
    uint64_t popped;
    bool has_top; /* the word at rsp */
    uint64_t top;

    unsigned bank_count; /* machine checks: banks with an error */
    struct fault_bank banks[FAULT_BANKS];
    uint64_t machine_check_status;

    char at[FAULT_PLACE_SIZE];     /* place of rip: "main+0x8 [hello]", or "" */
    char target[FAULT_PLACE_SIZE]; /* place of `address`, or "" */
    char caller[FAULT_PLACE_SIZE]; /* wild jumps: place of the caller, by the word at rsp; or "" */

    uint32_t circle_count;         /* a recursion in the trace: number of repeats; 0: none */
    char circle[FAULT_PLACE_SIZE]; /* its function, or one of them */
    bool circle_of_many;           /* mutual recursion */

    bool walked;
    struct pt_walk walk; /* of `address`, after the fault */
    uint64_t cr3;
    uint64_t phys_end; /* end of the physical addresses that the CPU supports; 0: unknown */
    struct fault_neighbour here, below, above;
    struct fault_stack stack;
    struct fault_past past[2]; /* newest first */
    struct virt_range window;  /* the program window on the page tables; empty: none */
    struct virt_range heap;    /* that of brk(); empty: none */
    unsigned block_count;
    struct fault_block blocks[FAULT_BLOCKS];
    struct malloc_damage damage; /* in a heap */
};

/* Receives one line, without newline. */
typedef void (*fault_line)(void *context, const char *line);

enum fault_class fault_classify(const struct fault_facts *facts);
/* "null pointer", "stack overflow". */
const char *fault_class_words(enum fault_class class);
/* Bytes from the low end of the stack down to the fault address, or to rsp. */
uint64_t fault_overflow_bytes(const struct fault_facts *facts);
bool fault_is_canonical(uint64_t address);
/* The level of the entry that denies the access now, with *why in words; 0 if none does. */
int fault_denying_level(const struct fault_facts *facts, const char **why);

/* Items 1-5 of a report: banner, what, where, stack, why, walk. */
void fault_report_write(const struct fault_facts *facts, fault_line sink, void *context);
/* Items 6 to 8: insn, history, heap. */
void fault_report_code(const struct fault_facts *facts, fault_line sink, void *context);
/* Item 14: the hint, if there is one. */
void fault_report_hint(const struct fault_facts *facts, fault_line sink, void *context);
/* Item 15: the headline as one line. */
void fault_report_headline(const struct fault_facts *facts, fault_line sink, void *context);

/* "WRITE of 4 bytes at 0x10 (counter+0x0 [hello])": the access, or the exception. */
void fault_report_deed(const struct fault_facts *facts, char *to, size_t size);
/* The 4 to 8 printable characters that a value consists of, or "". */
void fault_report_text(uint64_t value, char text[9]);
/* "stack", "heap", "file mapping of". */
const char *fault_area_words(const struct fault_neighbour *area);
