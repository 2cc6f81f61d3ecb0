// What the checks of the vector kernels share: expectations, numbers to try, and the portable build of the kernels.
#pragma once
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checksums.h"
#include "kernels.h"

/// `portable_…` is `unfold_…` as it is compiled where no instructions of the processor's own are known.
#define PORTABLE(name) extern __typeof__(unfold_##name) portable_##name

extern long expectations, failures;

/// Counts an expectation; says which one failed, and stops saying so after twenty.
__attribute__((format(printf, 2, 3))) void expect(bool holds, const char *format, ...);

/// |found − exact| ≤ bound, or both NaN, or both the same infinity.
bool is_near(double found, double exact, double bound);

/// The next of a fixed row of numbers (splitmix64).
uint64_t next_bits(void);
float next_normal(void);
/// `count` bytes, `offset` beyond a multiple of 64: to be given back to `release`.
void *random_bytes(size_t count, size_t offset);
float *random_normals(size_t count);
void release(void *bytes);

/// Whether `count` bytes are the same.
static inline bool is_same(const void *a, const void *b, size_t count) { return memcmp(a, b, count) == 0; }

/// Instructions that the kernels are told the processor lacks, how often they asked, and what it has in truth: bits of
/// Linux's AT_HWCAP.
extern unsigned long hidden_instructions;
extern long asked_for_instructions;
unsigned long found_instructions(void);

void check_digests(void);
void check_formats(void);
void check_blocks(void);
void check_layout(void);
void check_functions(void);
void check_rows(void);
void check_attention(void);
void check_columns(void);
void check_statistics(void);
