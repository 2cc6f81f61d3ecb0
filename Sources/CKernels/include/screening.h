// Products of small integers that tell which latents cannot be among a token's largest.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// A latent that may be among a token's largest, and between which numbers its product lies.
struct unfold_candidate {
  int32_t latent;
  float high;
  float low;
};

/// Rows rounded to 16 bits, and the candidates found so far.
struct unfold_screen {
  /// The rows' width, and the even number that it is filled up to.
  size_t width, padded;
  size_t latent_count, token_count;
  size_t k, capacity;
  /// Panels of 16 latents, pairs of columns after one another: [latents / 16, padded / 2, 16, 2], aligned to 32 bytes.
  int16_t *latents;
  /// Tiles of 6 tokens in the same way: [tokens / 6, padded / 2, 6, 2], whole tiles.
  int16_t *tokens;
  /// Of each row: what an integer counts, the row's norm, and the norm of what was rounded off. Those of the latents, and
  /// the bias, have room for a multiple of 16.
  float *latent_inverse, *latent_norm, *latent_error;
  float *token_inverse, *token_norm, *token_error;
  const float *bias;
  /// [tokens, capacity].
  struct unfold_candidate *candidates;
  /// The candidates of each token; −1 where they were too many.
  int32_t *counts;
  /// What a product must reach.
  float *bounds;
};

/// Whether the processor has what this needs.
bool unfold_can_screen(void);
void unfold_screen_latent(const struct unfold_screen *s, size_t latent, const float *row);
void unfold_screen_token(const struct unfold_screen *s, size_t token, const float *row);
/// Finds the candidates of consecutive tokens, of which the first is a multiple of 6.
///
/// `share` · ‖x‖ is what a token's k-th largest product is expected to exceed: a guess that saves work, 0 for none. Where
/// fewer than k products do, the token's tile is met again without it, so that the result does not depend on the guess.
void unfold_screen_tokens(const struct unfold_screen *s, size_t first, size_t count, float share);
/// The token's k largest products above 0, computed in single precision from the candidates' rows [latents, width] and
/// the token's own, rising by latent; of equal ones the smaller latents. Returns how many.
size_t unfold_screen_finish(
    const struct unfold_screen *s, size_t token, const float *rows, const float *x, int32_t *latents, float *values);

#pragma clang assume_nonnull end
