// Block-quantised numbers to float: integers with a scale, and in some types an offset, for each run of elements.
//
// Multiplications and additions are never fused, so that every processor gives the same numbers.
#include "blocks.h"
#include "clones.h"

#pragma clang fp contract(off)

/// Before the loop over elements that share a scale: vectors of it rather than one step after another.
#define STEPS _Pragma("clang loop vectorize(enable) unroll(disable)")

INLINE uint32_t word16(const uint8_t *x) { return (uint32_t)x[0] | (uint32_t)x[1] << 8; }
INLINE uint32_t word32(const uint8_t *x) { return word16(x) | word16(x + 2) << 16; }
INLINE float half_at(const uint8_t *x) { return float_of_half((uint16_t)word16(x)); }

// MARK: 32 elements a block

/// The low halves of 16 bytes are elements 0..<16, the high ones 16..<32.
KERNEL void unfold_from_q4_0(const uint8_t *restrict x, float *restrict y, size_t blocks) {
  for (size_t b = 0; b < blocks; b++, x += 18, y += 32) {
    float d = half_at(x);
    STEPS for (size_t i = 0; i < 16; i++) y[i] = d * (float)((int32_t)(x[2 + i] & 15) - 8);
    STEPS for (size_t i = 0; i < 16; i++) y[16 + i] = d * (float)((int32_t)(x[2 + i] >> 4) - 8);
  }
}

KERNEL void unfold_from_q4_1(const uint8_t *restrict x, float *restrict y, size_t blocks) {
  for (size_t b = 0; b < blocks; b++, x += 20, y += 32) {
    float d = half_at(x), m = half_at(x + 2);
    STEPS for (size_t i = 0; i < 16; i++) y[i] = d * (float)(int32_t)(x[4 + i] & 15) + m;
    STEPS for (size_t i = 0; i < 16; i++) y[16 + i] = d * (float)(int32_t)(x[4 + i] >> 4) + m;
  }
}

KERNEL void unfold_from_q5_0(const uint8_t *restrict x, float *restrict y, size_t blocks) {
  for (size_t b = 0; b < blocks; b++, x += 22, y += 32) {
    float d = half_at(x);
    uint32_t high = word32(x + 2);
    STEPS for (uint32_t i = 0; i < 16; i++)
      y[i] = d * (float)((int32_t)((uint32_t)(x[6 + i] & 15) | (high >> i & 1) << 4) - 16);
    STEPS for (uint32_t i = 0; i < 16; i++)
      y[16 + i] = d * (float)((int32_t)((uint32_t)(x[6 + i] >> 4) | (high >> (16 + i) & 1) << 4) - 16);
  }
}

KERNEL void unfold_from_q5_1(const uint8_t *restrict x, float *restrict y, size_t blocks) {
  for (size_t b = 0; b < blocks; b++, x += 24, y += 32) {
    float d = half_at(x), m = half_at(x + 2);
    uint32_t high = word32(x + 4);
    STEPS for (uint32_t i = 0; i < 16; i++)
      y[i] = d * (float)(int32_t)((uint32_t)(x[8 + i] & 15) | (high >> i & 1) << 4) + m;
    STEPS for (uint32_t i = 0; i < 16; i++)
      y[16 + i] = d * (float)(int32_t)((uint32_t)(x[8 + i] >> 4) | (high >> (16 + i) & 1) << 4) + m;
  }
}

KERNEL void unfold_from_q8_0(const uint8_t *restrict x, float *restrict y, size_t blocks) {
  for (size_t b = 0; b < blocks; b++, x += 34, y += 32) {
    float d = half_at(x);
    STEPS for (size_t i = 0; i < 32; i++) y[i] = d * (float)(int32_t)(int8_t)x[2 + i];
  }
}

// MARK: 256 elements a block

/// Two halves of 32 bytes; a byte's four pairs of bits lie 32 elements apart.
KERNEL void unfold_from_q2_k(const uint8_t *restrict x, float *restrict y, size_t blocks) {
  for (size_t b = 0; b < blocks; b++, x += 84) {
    float d = half_at(x + 80), dmin = half_at(x + 82);
    for (uint32_t group = 0; group < 16; group++, y += 16) {
      const uint8_t *q = x + 16 + (group / 8) * 32 + (group & 1) * 16;
      uint32_t shift = (group / 2 & 3) * 2;
      float scale = d * (float)(int32_t)(x[group] & 15);
      float offset = dmin * (float)(int32_t)(x[group] >> 4);
      STEPS for (size_t i = 0; i < 16; i++) y[i] = scale * (float)((int32_t)(q[i] >> shift) & 3) - offset;
    }
  }
}

/// As Q2_K, and a third bit, which counts −4 where it is absent: bit k of the 32 bytes belongs to the k-th 32 elements.
KERNEL void unfold_from_q3_k(const uint8_t *restrict x, float *restrict y, size_t blocks) {
  for (size_t b = 0; b < blocks; b++, x += 110) {
    const uint8_t *scales = x + 96;
    float d = half_at(x + 108);
    for (uint32_t group = 0; group < 16; group++, y += 16) {
      const uint8_t *q = x + 32 + (group / 8) * 32 + (group & 1) * 16;
      const uint8_t *high = x + (group & 1) * 16;
      uint32_t shift = (group / 2 & 3) * 2;
      uint32_t bit = group / 2;
      int32_t low4 = scales[group & 7] >> (group / 8 * 4) & 15;
      int32_t high2 = scales[8 + (group & 3)] >> (group / 4 * 2) & 3;
      float scale = d * (float)((low4 | high2 << 4) - 32);
      STEPS for (size_t i = 0; i < 16; i++)
        y[i] = scale * (float)(((int32_t)(q[i] >> shift) & 3) + ((int32_t)(high[i] >> bit & 1) << 2) - 4);
    }
  }
}

/// The `j`-th of 8 scales and offsets of 6 bits in 12 bytes: the first four whole, the others' upper bits in the corners.
INLINE void scale_and_offset(const uint8_t *p, uint32_t j, float *scale, float *offset) {
  if (j < 4) {
    *scale = (float)(int32_t)(p[j] & 63);
    *offset = (float)(int32_t)(p[j + 4] & 63);
  } else {
    *scale = (float)(int32_t)((p[j + 4] & 15) | (p[j - 4] >> 2 & 0x30));
    *offset = (float)(int32_t)((p[j + 4] >> 4) | (p[j] >> 2 & 0x30));
  }
}

/// Four runs of 32 bytes: the low halves are 32 elements, the high ones the next 32.
KERNEL void unfold_from_q4_k(const uint8_t *restrict x, float *restrict y, size_t blocks) {
  for (size_t b = 0; b < blocks; b++, x += 144) {
    float d = half_at(x), dmin = half_at(x + 2);
    for (uint32_t j = 0; j < 8; j++, y += 32) {
      const uint8_t *q = x + 16 + (j / 2) * 32;
      uint32_t shift = (j & 1) * 4;
      float scale, offset;
      scale_and_offset(x + 4, j, &scale, &offset);
      scale *= d;
      offset *= dmin;
      STEPS for (size_t i = 0; i < 32; i++) y[i] = scale * (float)((int32_t)(q[i] >> shift) & 15) - offset;
    }
  }
}

KERNEL void unfold_from_q5_k(const uint8_t *restrict x, float *restrict y, size_t blocks) {
  for (size_t b = 0; b < blocks; b++, x += 176) {
    const uint8_t *high = x + 16;
    float d = half_at(x), dmin = half_at(x + 2);
    for (uint32_t j = 0; j < 8; j++, y += 32) {
      const uint8_t *q = x + 48 + (j / 2) * 32;
      uint32_t shift = (j & 1) * 4;
      float scale, offset;
      scale_and_offset(x + 4, j, &scale, &offset);
      scale *= d;
      offset *= dmin;
      STEPS for (size_t i = 0; i < 32; i++)
        y[i] = scale * (float)(((int32_t)(q[i] >> shift) & 15) | (int32_t)(high[i] >> j & 1) << 4) - offset;
    }
  }
}

/// Two halves of 64 bytes of low bits and 32 of high ones.
KERNEL void unfold_from_q6_k(const uint8_t *restrict x, float *restrict y, size_t blocks) {
  for (size_t b = 0; b < blocks; b++, x += 210) {
    const uint8_t *scales = x + 192;
    float d = half_at(x + 208);
    for (uint32_t group = 0; group < 16; group++, y += 16) {
      uint32_t run = group / 2 & 3;
      const uint8_t *low = x + (group / 8) * 64 + (run & 1) * 32 + (group & 1) * 16;
      const uint8_t *high = x + 128 + (group / 8) * 32 + (group & 1) * 16;
      uint32_t low_shift = (run / 2) * 4, high_shift = run * 2;
      float scale = d * (float)(int32_t)(int8_t)scales[group];
      STEPS for (size_t i = 0; i < 16; i++)
        y[i] = scale
            * (float)((((int32_t)(low[i] >> low_shift) & 15) | ((int32_t)(high[i] >> high_shift) & 3) << 4) - 32);
    }
  }
}
