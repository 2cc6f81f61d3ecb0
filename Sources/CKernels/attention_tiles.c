// Attention by tiles: scores, softmax and mix of some rows and keys at a time, the softmax's sums going on from tile to
// tile (arXiv 2205.14135), so that no table of scores is ever in memory.
#include "clones.h"
#include "kernels.h"

enum {
  /// How many keys meet a tile of rows at once: their scores stay in the nearest cache.
  BLOCK = 128,
  /// How many tiles of rows meet the same keys in turn, so that those come from the next cache but once.
  TILES = 4,
  /// The most keys that are taken at once.
  TALLEST = 8,
  /// So many rows alone are not worth a tile; twice as many where they see less keys than this.
  FEW = 4,
  FEW_KEYS = 8,
  /// How many keys ahead few rows ask for: reading is what they cost, and keys of a head lie apart.
  AHEAD = 8,
};

#if defined(__x86_64__)
// 32 registers of 16 lanes: a tile's 16 sums, the rest for what is read.
#pragma clang attribute push(__attribute__((target("arch=x86-64-v4"))), apply_to = function)
#define NAMED(x) x##_v4
#define WIDTH 16
#define VECTORS 2
#define TALL 8
#include "attention_tiles.h"
#undef NAMED
#undef WIDTH
#undef VECTORS
#undef TALL
#pragma clang attribute pop

// 16 registers of 8 lanes: 12 sums, 3 vectors of queries and one element of a key.
#pragma clang attribute push(__attribute__((target("arch=x86-64-v3"))), apply_to = function)
#define NAMED(x) x##_v3
#define WIDTH 8
#define VECTORS 3
#define TALL 4
#include "attention_tiles.h"
#undef NAMED
#undef WIDTH
#undef VECTORS
#undef TALL
#pragma clang attribute pop
#endif

#define NAMED(x) x##_plain
#define WIDTH 4
#if defined(__x86_64__)
#define VECTORS 3
#else
// 32 registers of 4 lanes: 16 sums.
#define VECTORS 4
#endif
#define TALL 4
#include "attention_tiles.h"

/// One of the versions above.
struct version {
  void (*attend)(const struct unfold_attention *, size_t first, size_t end, float *memory);
  size_t lanes;
};

/// The versions that the processor can run, the fastest first.
static size_t versions(struct version *some) {
  size_t count = 0;
#if defined(__x86_64__)
  __builtin_cpu_init();
  bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
            __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
            __builtin_cpu_supports("avx512cd");
  if (v4) some[count++] = (struct version){attend_v4, 32};
  if (v3) some[count++] = (struct version){attend_v3, 24};
#endif
  some[count++] = (struct version){attend_plain, VECTORS * WIDTH};
  return count;
}

static struct version chosen(size_t number) {
  struct version some[3];
  size_t count = versions(some);
  return some[number < count ? number : count - 1];
}

size_t unfold_attention_versions(void) {
  struct version some[3];
  return versions(some);
}

size_t unfold_attention_tile(size_t version) { return chosen(version).lanes; }

size_t unfold_attention_memory(size_t version, size_t head_width, size_t value_width) {
  size_t widest = head_width > value_width ? head_width : value_width;
  return chosen(version).lanes * (BLOCK + TALLEST + widest + TILES * (head_width + value_width)) + BLOCK * value_width;
}

void unfold_attention(const struct unfold_attention *a, size_t first, size_t end, float *memory) {
  struct version v = chosen(a->version);
  size_t rows = v.lanes * TILES;
  for (size_t row = first; row < end; row += rows) v.attend(a, row, end - row < rows ? end : row + rows, memory);
}
