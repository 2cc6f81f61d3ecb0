// What the processor can do, and what the calling thread is doing.
#include "kernels.h"

const char *unfold_kernel_level(void) {
#if defined(__x86_64__) && defined(__ELF__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) return "avx512";
  if (__builtin_cpu_supports("x86-64-v3")) return "avx2";
  return "baseline";
#elif defined(__x86_64__)
  return "x86-64";
#else
  return "arm64";
#endif
}

bool unfold_has_bfloat_products(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

static _Thread_local bool inside;

bool unfold_inside_region(void) { return inside; }

bool unfold_set_inside_region(bool entered) {
  bool before = inside;
  inside = entered;
  return before;
}
