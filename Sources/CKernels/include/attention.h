// Attention without a table of scores. See kernels.h for the conventions.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// The attention of the query heads that share one key-value head, in one document.
///
/// A row is one query head of one token: row r is head r % group of token r / group. Its scores
/// s[j] = scale · query · key[j], capped and biased, go through a softmax over the keys that it sees; its result is
/// Σ softmax(s)[j] · value[j].
struct unfold_attention {
  /// [tokens, group, head_width]: `query_stride` from token to token.
  const float *query;
  /// [keys, head_width]: `key_stride` from key to key.
  const float *key;
  /// [keys, value_width]: `value_stride` from key to key.
  const float *value;
  /// [tokens, group, value_width]: `mixed_stride` from token to token.
  float *mixed;
  size_t group, head_width, value_width;
  size_t query_stride, key_stride, value_stride, mixed_stride;
  /// How many keys there are, at most 2³¹ − 1, and how many of them lie before the first token's own.
  size_t keys, past;
  /// How many keys back a token sees, its own included; all where it is not less than `keys`.
  size_t window;
  /// Whether a token sees no key behind its own. Without it, it sees all keys, whatever the window.
  bool causal;
  float scale;
  /// Scores become cap · tanh(s / cap); 0: they stay.
  float cap;
  /// Each head's score that leads nowhere. [group]
  const float *_Nullable sinks;
  /// Each head's slope: s[j] grows by bias_scale · slope · j. [group]
  const float *_Nullable slopes;
  float bias_scale;
  /// Whether slope · j is rounded to bfloat16.
  bool rounds_biases;
  /// Which version of the kernel computes: 0, the fastest for the processor; the last where there are not so many.
  size_t version;
};

/// How many versions of the kernel the processor can run.
size_t unfold_attention_versions(void);
/// How many rows lie side by side in one.
size_t unfold_attention_tile(size_t version);
/// How many floats of memory a call needs.
size_t unfold_attention_memory(size_t version, size_t head_width, size_t value_width);
/// The results of rows `first` to `end`. `memory` begins at a multiple of 64 bytes.
///
/// A row's result does not depend on the other rows of the call where `first` is a multiple of the tile's rows and
/// `end` is one or the last row's.
void unfold_attention(const struct unfold_attention *a, size_t first, size_t end, float *memory);

#pragma clang assume_nonnull end
