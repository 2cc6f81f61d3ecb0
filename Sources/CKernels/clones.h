// How a kernel is compiled for several processors, and the elementary functions they share.
#pragma once
#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__) && defined(__ELF__)
#define KERNEL __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define KERNEL
#endif
#define INLINE static inline __attribute__((always_inline))

/// Lets the compiler keep many partial sums in a reduction of the function it stands in.
#define PARTIAL_SUMS _Pragma("clang fp reassociate(on)")

/// Before a loop whose steps touch elements of their own alone: also where an output is one of the inputs, as callers may
/// choose. Without it the compiler falls back to one element at a time there, since the arrays overlap.
#define SEPARATE_STEPS _Pragma("clang loop vectorize(assume_safety)")

INLINE int32_t bits_of(float x) {
  int32_t b;
  __builtin_memcpy(&b, &x, 4);
  return b;
}

INLINE float float_of(int32_t b) {
  float x;
  __builtin_memcpy(&x, &b, 4);
  return x;
}

/// The value of a float16, exactly; a NaN comes out quiet.
INLINE float float_of_half(uint16_t h) {
#if defined(__aarch64__)
  // Every arm64 processor converts, in vectors too.
  __fp16 half;
  __builtin_memcpy(&half, &h, 2);
  return (float)half;
#else
  uint32_t sign = (uint32_t)(h & 0x8000u) << 16;
  uint32_t a = (uint32_t)(h & 0x7fffu) << 13;
  float normal = float_of((int32_t)(a + 0x38000000u));
  float tiny = float_of((int32_t)(a + 0x38800000u)) - 0x1p-14f;
  float x = a < 0x00800000u ? tiny : normal;
  uint32_t b = (uint32_t)bits_of(x);
  b = a >= 0x0f800000u ? 0x7f800000u | (a & 0x007fffffu) | (a > 0x0f800000u ? 0x00400000u : 0u) : b;
  return float_of((int32_t)(b | sign));
#endif
}

/// eˣ within 1.5 units in the last place; ∞, 0, denormal results and NaN as they should be.
///
/// x = k·ln 2 + r with |r| ≤ ln 2 / 2, a polynomial in r (minimax of relative error), and 2ᵏ in two factors, so that
/// results beyond the normal range come out right. Multiply-adds are written plainly: the compiler fuses them where the
/// processor can.
INLINE float exponential(float x) {
  float c = x < -104.0f ? -104.0f : x;
  c = c > 89.0f ? 89.0f : c;
  float shifted = c * 0x1.715476p+0f + 0x1.8p+23f;
  float k = shifted - 0x1.8p+23f;
  float r = c - k * 0x1.62e4p-1f;
  r = r - k * 0x1.7f7d1cp-20f;
  float p = 0.0013950485736131668f;
  p = p * r + 0.008368887938559055f;
  p = p * r + 0.04166620597243309f;
  p = p * r + 0.166665181517601f;
  p = p * r + 0.5f;
  p = p * (r * r) + r;
  p = p + 1.0f;
  int32_t whole = bits_of(shifted) - 0x4b400000;
  int32_t half = whole >> 1;
  float first = float_of((int32_t)((uint32_t)(half + 127) << 23));
  float second = float_of((int32_t)((uint32_t)(whole - half + 127) << 23));
  return p * first * second;
}

/// The error function within 2 units in the last place.
INLINE float error_function(float x) {
  float t = __builtin_fabsf(x);
  float s = x * x;
  float p = 7.889119297033176e-05f;
  p = p * s - 0.0008020841050893068f;
  p = p * s + 0.005189535208046436f;
  p = p * s - 0.026854444295167923f;
  p = p * s + 0.11283600330352783f;
  p = p * s - 0.3761262595653534f;
  p = p * s + 0.12837916f;
  float near = p * x + x;
  float u = t > 4.1f ? 4.1f : t;
  float q = -0.00018637928587850183f;
  q = q * u + 0.0029476594645529985f;
  q = q * u - 0.021838068962097168f;
  q = q * u + 0.10310676693916321f;
  q = q * u + 0.6381447911262512f;
  q = q * u + 1.1270891427993774f;
  q = q * u + 0.00034152084845118225f;
  float far = __builtin_copysignf(1.0f - exponential(-q), x);
  float y = t < 1.0f ? near : far;
  return x != x ? x : y;
}

/// 1 / (1 + e⁻ˣ).
INLINE float sigmoid(float x) { return 1.0f / (1.0f + exponential(-x)); }

/// The hyperbolic tangent within 2 units in the last place.
INLINE float hyperbolic_tangent(float x) {
  float s = x * x;
  float p = -0.005717036779969931f;
  p = p * s + 0.020650578662753105f;
  p = p * s + -0.05374349653720856f;
  p = p * s + 0.13331490755081177f;
  p = p * s + -0.3333328366279602f;
  float near = p * (s * x) + x;
  float t = __builtin_fabsf(x);
  float far = __builtin_copysignf(1.0f - 2.0f / (exponential(2.0f * t) + 1.0f), x);
  return t < 0.625f ? near : far;
}

INLINE float gelu(float x) { return 0.5f * x * (1.0f + error_function(x * 0.70710678118654752f)); }

/// 0.5·x·(1 + tanh(u)) = x / (1 + e⁻²ᵘ), u = √(2/π)·(x + 0.044715·x³): without the cancellation at the left.
INLINE float gelu_tanh(float x) {
  float u = 0.79788456080286536f * (x + 0.044715f * (x * x * x));
  return x / (1.0f + exponential(-2.0f * u));
}

INLINE float quick_gelu(float x) { return x / (1.0f + exponential(-1.702f * x)); }
INLINE float silu(float x) { return x / (1.0f + exponential(-x)); }
INLINE float relu(float x) { return x < 0.0f ? 0.0f : x; }
INLINE float relu_squared(float x) {
  float y = relu(x);
  return y * y;
}

/// The largest value, −∞ of none; a NaN is passed over.
INLINE float largest_of(const float *x, size_t n) {
  float lanes[32];
  for (size_t l = 0; l < 32; l++) lanes[l] = -__builtin_inff();
  size_t i = 0;
  for (; i + 32 <= n; i += 32)
    for (size_t l = 0; l < 32; l++) lanes[l] = x[i + l] > lanes[l] ? x[i + l] : lanes[l];
  for (; i < n; i++) lanes[0] = x[i] > lanes[0] ? x[i] : lanes[0];
  for (size_t l = 1; l < 32; l++) lanes[0] = lanes[l] > lanes[0] ? lanes[l] : lanes[0];
  return lanes[0];
}
