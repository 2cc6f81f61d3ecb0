// Attention of a few rows, for one kind of processor: what attention_tiles.h is for many. See there.
//
// Too few rows to fill the lanes: here these hold the elements of keys and values, which are read once for two rows.

typedef float NAMED(loose) __attribute__((ext_vector_type(WIDTH), aligned(4)));
#define LOOSE NAMED(loose)

/// The sums of four vectors' lanes.
typedef float NAMED(four) __attribute__((ext_vector_type(4)));
INLINE NAMED(four) NAMED(quarter)(VECTOR x) {
#if WIDTH == 16
  float __attribute__((ext_vector_type(8))) y = x.lo + x.hi;
  return y.lo + y.hi;
#elif WIDTH == 8
  return x.lo + x.hi;
#else
  return x;
#endif
}
INLINE NAMED(four) NAMED(sums)(const VECTOR *x) {
  NAMED(four) a = NAMED(quarter)(x[0]), b = NAMED(quarter)(x[1]), c = NAMED(quarter)(x[2]), d = NAMED(quarter)(x[3]);
  NAMED(four) ab = __builtin_shufflevector(a, b, 0, 4, 1, 5) + __builtin_shufflevector(a, b, 2, 6, 3, 7);
  NAMED(four) cd = __builtin_shufflevector(c, d, 0, 4, 1, 5) + __builtin_shufflevector(c, d, 2, 6, 3, 7);
  return __builtin_shufflevector(ab, cd, 0, 1, 4, 5) + __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
}

/// scores[r][j − from] = scale · query[r] · key[j] for keys `from` to `to`; up to three more a row are written.
INLINE void NAMED(row_scores)(
    const struct unfold_attention *a, const float *const *query, const size_t rows, size_t from, size_t to,
    float *scores) {
  const size_t width = a->head_width;
  for (size_t j = from; j < to; j += 4) {
    const float *key[4];
    for (size_t k = 0; k < 4; k++) {
      key[k] = a->key + (j + k < to ? j + k : to - 1) * a->key_stride;
      for (size_t i = 0; i < width && j + k + AHEAD < to; i += 16)
        __builtin_prefetch(key[k] + AHEAD * a->key_stride + i);
    }
    VECTOR sums[2][4];
    for (size_t r = 0; r < rows; r++)
      for (size_t k = 0; k < 4; k++) sums[r][k] = 0.0f;
    size_t i = 0;
    for (; i + WIDTH <= width; i += WIDTH)
      for (size_t k = 0; k < 4; k++)
        for (size_t r = 0; r < rows; r++) sums[r][k] += *(const LOOSE *)(key[k] + i) * *(const LOOSE *)(query[r] + i);
    for (size_t r = 0; r < rows; r++) {
      NAMED(four) s = NAMED(sums)(sums[r]);
      for (size_t rest = i; rest < width; rest++)
        for (size_t k = 0; k < 4; k++) s[k] += key[k][rest] * query[r][rest];
      s = s * a->scale;
      __builtin_memcpy(scores + r * BLOCK + (j - from), &s, sizeof s);
    }
  }
}

/// mixed[r][c] = decay[r] · mixed[r][c] + Σ powers[r][j] · value[j][c] for some vectors of elements: even and odd keys
/// apart, which is enough sums for the processor to work on at once.
INLINE void NAMED(row_mix)(
    const struct unfold_attention *a, const float *value, const float *powers, size_t keys, const size_t rows,
    const size_t vectors, const float *decay, float *const *mixed) {
  VECTOR sums[2][2][4];
  for (size_t r = 0; r < rows; r++)
    for (size_t v = 0; v < vectors; v++) sums[0][r][v] = sums[1][r][v] = 0.0f;
  size_t j = 0;
  for (; j + 2 <= keys; j += 2, value += 2 * a->value_stride)
    for (size_t odd = 0; odd < 2; odd++) {
      const float *ahead = value + (j + odd + AHEAD < keys ? odd + AHEAD : odd) * a->value_stride;
      for (size_t v = 0; v < vectors; v++) __builtin_prefetch(ahead + v * WIDTH);
      for (size_t v = 0; v < vectors; v++)
        for (size_t r = 0; r < rows; r++)
          sums[odd][r][v] += *(const LOOSE *)(value + odd * a->value_stride + v * WIDTH) * powers[r * BLOCK + j + odd];
    }
  if (j < keys)
    for (size_t v = 0; v < vectors; v++)
      for (size_t r = 0; r < rows; r++) sums[0][r][v] += *(const LOOSE *)(value + v * WIDTH) * powers[r * BLOCK + j];
  for (size_t r = 0; r < rows; r++)
    for (size_t v = 0; v < vectors; v++) {
      LOOSE *m = (LOOSE *)(mixed[r] + v * WIDTH);
      *m = *m * decay[r] + (sums[0][r][v] + sums[1][r][v]);
    }
}

/// One or two rows.
INLINE void NAMED(attend_rows)(const struct unfold_attention *a, size_t row, const size_t rows, float *scores) {
  const float *query[2];
  float *mixed[2], largest[2], sum[2], decay[2];
  size_t first[2], end[2];
  for (size_t r = 0; r < rows; r++) {
    size_t token = (row + r) / a->group, head = (row + r) % a->group, position = a->past + token;
    query[r] = a->query + token * a->query_stride + head * a->head_width;
    mixed[r] = a->mixed + token * a->mixed_stride + head * a->value_width;
    first[r] = a->causal && a->window <= position ? position + 1 - a->window : 0;
    end[r] = a->causal ? position + 1 : a->keys;
    largest[r] = -__builtin_inff();
    sum[r] = 0;
    __builtin_memset(mixed[r], 0, a->value_width * sizeof(float));
  }
  for (size_t from = first[0] / BLOCK * BLOCK; from < end[rows - 1]; from += BLOCK) {
    size_t low = from < first[0] ? first[0] : from;
    size_t high = from + BLOCK < end[rows - 1] ? from + BLOCK : end[rows - 1];
    NAMED(row_scores)(a, query, rows, low, high, scores);
    for (size_t r = 0; r < rows; r++) {
      float *s = scores + r * BLOCK;
      size_t keys = high - low, padded = (keys + WIDTH - 1) / WIDTH * WIDTH;
      if (a->cap != 0)
        for (size_t j = 0; j < keys; j++) s[j] = hyperbolic_tangent(s[j] * (1 / a->cap)) * a->cap;
      if (a->slopes)
        for (size_t j = 0; j < keys; j++) {
          VECTOR bias = a->slopes[(row + r) % a->group] * (float)(int32_t)(low + j);
          s[j] += (a->rounds_biases ? NAMED(rounded)(bias) : bias)[0] * a->bias_scale;
        }
      for (size_t j = 0; low + j < first[r] && j < keys; j++) s[j] = -__builtin_inff();
      for (size_t j = end[r] > low ? end[r] - low : 0; j < padded; j++) s[j] = -__builtin_inff();
      for (size_t j = keys; j < padded; j++) s[j] = -__builtin_inff();
      VECTOR most = -__builtin_inff(), total = 0.0f, *x = (VECTOR *)s;
      for (size_t v = 0; v < padded / WIDTH; v++) most = x[v] > most ? x[v] : most;
      float next = largest[r];
      for (size_t l = 0; l < WIDTH; l++) next = most[l] > next ? most[l] : next;
      float origin = next == -__builtin_inff() ? 0 : next;
      for (size_t v = 0; v < padded / WIDTH; v++) total += x[v] = NAMED(power)(x[v] - origin);
      float more = 0;
      for (size_t l = 0; l < WIDTH; l++) more += total[l];
      decay[r] = NAMED(power)((VECTOR)(largest[r] - origin))[0];
      sum[r] = sum[r] * decay[r] + more;
      largest[r] = next;
    }
    const float *value = a->value + low * a->value_stride;
    enum { SOME = WIDTH == 16 ? 4 : 2 };
    size_t c = 0;
    for (; c + SOME * WIDTH <= a->value_width; c += SOME * WIDTH) {
      float *m[2] = {mixed[0] + c, mixed[rows - 1] + c};
      NAMED(row_mix)(a, value + c, scores, high - low, rows, SOME, decay, m);
    }
    for (; c + WIDTH <= a->value_width; c += WIDTH) {
      float *m[2] = {mixed[0] + c, mixed[rows - 1] + c};
      NAMED(row_mix)(a, value + c, scores, high - low, rows, 1, decay, m);
    }
    for (; c < a->value_width; c++)
      for (size_t r = 0; r < rows; r++) {
        float more = 0;
        for (size_t j = 0; j < high - low; j++) more += scores[r * BLOCK + j] * value[j * a->value_stride + c];
        mixed[r][c] = mixed[r][c] * decay[r] + more;
      }
  }
  for (size_t r = 0; r < rows; r++) {
    if (a->sinks) sum[r] += exponential(a->sinks[(row + r) % a->group] - largest[r]);
    for (size_t c = 0; c < a->value_width; c++) mixed[r][c] = mixed[r][c] / sum[r];
  }
}

static void NAMED(attend_few)(const struct unfold_attention *a, size_t first, size_t end, float *memory) {
  size_t row = first;
  for (; row + 2 <= end; row += 2) NAMED(attend_rows)(a, row, 2, memory);
  if (row < end) NAMED(attend_rows)(a, row, 1, memory);
}
#undef LOOSE
