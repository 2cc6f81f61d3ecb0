// Block-quantised numbers to float. See kernels.h for the conventions.
//
// The types are those of GGUF files (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md). A block is a run of
// bytes that holds 32 or 256 consecutive elements of a row. `x` is any address; nothing is read beyond the blocks.
#pragma once
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

// 32 elements a block: a float16 scale d, in `_1` types a float16 offset m, then the elements' integers.

/// 18 bytes: d, 4 bits each. y = d · (q − 8).
void unfold_from_q4_0(const uint8_t *x, float *y, size_t blocks);
/// 20 bytes: d, m, 4 bits each. y = d · q + m.
void unfold_from_q4_1(const uint8_t *x, float *y, size_t blocks);
/// 22 bytes: d, 32 high bits, 4 low bits each. y = d · (q − 16).
void unfold_from_q5_0(const uint8_t *x, float *y, size_t blocks);
/// 24 bytes: d, m, 32 high bits, 4 low bits each. y = d · q + m.
void unfold_from_q5_1(const uint8_t *x, float *y, size_t blocks);
/// 34 bytes: d, 8 bits each, signed. y = d · q.
void unfold_from_q8_0(const uint8_t *x, float *y, size_t blocks);

// 256 elements a block, in groups of 16 or 32 that have small integer scales (and offsets) of their own.

/// 84 bytes: 16 pairs of 4-bit scale and offset, 2 bits each, d, dmin.
void unfold_from_q2_k(const uint8_t *x, float *y, size_t blocks);
/// 110 bytes: 256 high bits, 2 low bits each, 16 6-bit scales, d.
void unfold_from_q3_k(const uint8_t *x, float *y, size_t blocks);
/// 144 bytes: d, dmin, 8 pairs of 6-bit scale and offset, 4 bits each.
void unfold_from_q4_k(const uint8_t *x, float *y, size_t blocks);
/// 176 bytes: d, dmin, 8 pairs of 6-bit scale and offset, 256 high bits, 4 low bits each.
void unfold_from_q5_k(const uint8_t *x, float *y, size_t blocks);
/// 210 bytes: 4 low bits each, 2 high bits each, 16 8-bit scales, d.
void unfold_from_q6_k(const uint8_t *x, float *y, size_t blocks);

// 4 bits each that choose one of 16 values.

/// 32 elements, 18 bytes: d, 4 bits each.
void unfold_from_iq4_nl(const uint8_t *x, float *y, size_t blocks);
/// 256 elements, 136 bytes: d, 8 6-bit scales, 4 bits each.
void unfold_from_iq4_xs(const uint8_t *x, float *y, size_t blocks);
/// 32 elements, 17 bytes: an exponent (E8M0), 4 bits (E2M1) each; the first 16 elements in the low halves.
void unfold_from_mxfp4(const uint8_t *x, float *y, size_t blocks);
/// The same numbers as some safetensors files hold them: 16 bytes a block, neighbours in one byte, the first in its low
/// half; the exponents apart. A negative zero keeps its sign.
void unfold_from_mxfp4_pairs(const uint8_t *x, const uint8_t *exponents, float *y, size_t blocks);

// 8-bit floats.

/// 4 bits of exponent, 3 of fraction, no infinities, NaN where all seven bits are set (E4M3FN). y = scale · x.
void unfold_from_float8_e4m3(const uint8_t *x, float scale, float *y, size_t n);
/// 5 bits of exponent, 2 of fraction: the upper half of a float16. y = scale · x.
void unfold_from_float8_e5m2(const uint8_t *x, float scale, float *y, size_t n);

#pragma clang assume_nonnull end
