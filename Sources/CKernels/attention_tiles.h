// Attention by tiles, for one kind of processor: the body of attention_tiles.c, which includes it once for each.
//
// Rows lie in the lanes of vectors: a tile's queries are transposed, [head_width][lanes], and a key's or value's
// elements are read as they lie and spread over the lanes. So keys and values need no packing whatever their heads, the
// query heads that share them fill the lanes together, and maxima and sums of the softmax are taken lane by lane.
//
// WIDTH: lanes of a vector; VECTORS: vectors of a tile; TALL: keys, or elements of values, that a tile takes at once;
// NAMED(x): the name of x for this processor.

typedef float NAMED(vector) __attribute__((ext_vector_type(WIDTH)));
typedef int32_t NAMED(whole) __attribute__((ext_vector_type(WIDTH)));
#define VECTOR NAMED(vector)
#define WHOLE NAMED(whole)

/// What one tile of rows needs while the keys pass by.
struct NAMED(tile) {
  float *query;  // [head_width][lanes]
  float *mixed;  // [value_width][lanes], of the softmax's numerators
  VECTOR largest[VECTORS], sum[VECTORS];
  WHOLE first[VECTORS], last[VECTORS];  // the keys that a row sees
  size_t row, rows, vectors;
};

/// eˣ for x ≤ 0 within 2⁻²³ + 2⁻²⁶ · |x|, or 2⁻²³ + 2⁻²⁴ · |x| where the processor does not fuse multiply-adds: not more
/// than the error that a score of that size has. 0 below −87, where it is nothing beside the softmax's largest term, 1.
///
/// x · log₂ e = k + r with |r| ≤ ½, 2ʳ by a polynomial (minimax of relative error), and k put into the exponent.
INLINE VECTOR NAMED(power)(VECTOR x) {
  VECTOR shifted = x * 0x1.715476p+0f + 0x1.8p+23f;
  VECTOR k = shifted - 0x1.8p+23f;
  VECTOR r = x * 0x1.715476p+0f - k;
  VECTOR p = r * 0.00015353361959569156f + 0.0013398875016719103f;
  p = p * r + 0.00961843691766262f;
  p = p * r + 0.055503323674201965f;
  p = p * r + 0.24022647738456726f;
  p = p * r + 0.6931471824645996f;
  p = p * r + 1.0f;
  WHOLE bits;
  __builtin_memcpy(&bits, &shifted, sizeof bits);
  bits = (bits << 23) + 0x3f800000;
  VECTOR factor;
  __builtin_memcpy(&factor, &bits, sizeof bits);
  p = p * factor;
  return x < -87.0f ? (VECTOR)0.0f : p;
}

/// scores[j] = scale · key[j] · queries of TALL keys, [keys][lanes], for the vectors from `skip` on. `largest` grows to
/// the lanes' largest.
INLINE void NAMED(score)(
    const float *const *key, size_t width, const float *query, float scale, const size_t skip, const size_t vectors,
    float *scores, VECTOR *largest) {
  VECTOR sums[TALL][VECTORS];
  for (size_t r = 0; r < TALL; r++)
    for (size_t v = skip; v < vectors; v++) sums[r][v] = 0.0f;
  const VECTOR *q = (const VECTOR *)query;
  for (size_t i = 0; i < width; i++, q += vectors)
#pragma clang loop unroll(full)
    for (size_t r = 0; r < TALL; r++)
#pragma clang loop unroll(full)
      for (size_t v = skip; v < vectors; v++) sums[r][v] += q[v] * key[r][i];
  for (size_t r = 0; r < TALL; r++)
    for (size_t v = skip; v < vectors; v++) {
      VECTOR s = sums[r][v] * scale;
      ((VECTOR *)scores)[r * vectors + v] = s;
      largest[v] = s > largest[v] ? s : largest[v];
    }
}

/// The scores of the keys `from` to `to`, of which the first vector's rows see none from `edge` on; up to TALL − 1 rows
/// more are written.
INLINE void NAMED(scores)(
    const struct unfold_attention *a, const float *query, size_t from, size_t edge, size_t to, const size_t vectors,
    float *scores, VECTOR *largest) {
  for (size_t j = from; j < to; j += TALL, scores += TALL * vectors * WIDTH) {
    // The last key stands for those that are no more.
    const float *key[TALL];
    for (size_t r = 0; r < TALL; r++) key[r] = a->key + (j + r < to ? j + r : to - 1) * a->key_stride;
    if (vectors == 1 || j < edge)
      NAMED(score)(key, a->head_width, query, a->scale, 0, vectors, scores, largest);
    else
      NAMED(score)(key, a->head_width, query, a->scale, 1, vectors, scores, largest);
  }
}

/// mixed[c] = decay · mixed[c] + Σ powers[j] · value[j][c] for `tall` elements from c on. The first vector's powers are 0
/// from key `edge` on.
INLINE void NAMED(mix)(
    const float *value, size_t stride, const float *powers, size_t edge, size_t keys, const size_t tall,
    const size_t vectors, const VECTOR *decay, float *mixed) {
  VECTOR sums[TALL][VECTORS];
  for (size_t r = 0; r < tall; r++)
    for (size_t v = 0; v < vectors; v++) sums[r][v] = 0.0f;
  const VECTOR *p = (const VECTOR *)powers;
  size_t j = 0;
  for (; j < edge; j++, p += vectors, value += stride)
#pragma clang loop unroll(full)
    for (size_t r = 0; r < tall; r++)
#pragma clang loop unroll(full)
      for (size_t v = 0; v < vectors; v++) sums[r][v] += p[v] * value[r];
  if (vectors > 1)
    for (; j < keys; j++, p += vectors, value += stride)
#pragma clang loop unroll(full)
      for (size_t r = 0; r < tall; r++)
#pragma clang loop unroll(full)
        for (size_t v = 1; v < vectors; v++) sums[r][v] += p[v] * value[r];
  VECTOR *m = (VECTOR *)mixed;
  for (size_t r = 0; r < tall; r++)
    for (size_t v = 0; v < vectors; v++, m++) *m = *m * decay[v] + sums[r][v];
}

/// The nearest bfloat16, ties to even, of finite values.
INLINE VECTOR NAMED(rounded)(VECTOR x) {
  WHOLE bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  bits = (bits + 0x7fff + (bits >> 16 & 1)) & (int32_t)0xffff0000;
  __builtin_memcpy(&x, &bits, sizeof bits);
  return x;
}

/// What is done to scaled scores before the softmax.
INLINE void NAMED(bend)(
    const struct unfold_attention *a, size_t row, size_t from, size_t keys, const size_t vectors, float *scores) {
  if (a->cap != 0) {
    float cap = a->cap, inverse = 1 / cap;
    for (size_t i = 0; i < keys * vectors * WIDTH; i++) scores[i] = hyperbolic_tangent(scores[i] * inverse) * cap;
  }
  if (!a->slopes) return;
  VECTOR slopes[VECTORS], *s = (VECTOR *)scores;
  for (size_t l = 0; l < vectors * WIDTH; l++) slopes[l / WIDTH][l % WIDTH] = a->slopes[(row + l) % a->group];
  for (size_t j = 0; j < keys; j++)
    for (size_t v = 0; v < vectors; v++, s++) {
      VECTOR bias = slopes[v] * (float)(int32_t)(from + j);
      *s += (a->rounds_biases ? NAMED(rounded)(bias) : bias) * a->bias_scale;
    }
}

/// A tile of rows meets the keys `from` to `to`, at most BLOCK, and their values.
INLINE void NAMED(meet)(
    const struct unfold_attention *a, struct NAMED(tile) * t, size_t from, size_t to, const float *value,
    size_t stride, const size_t vectors, float *scores) {
  const size_t lanes = vectors * WIDTH, keys = to - from;
  VECTOR *s = (VECTOR *)scores, largest[VECTORS], decay[VECTORS], sum[VECTORS];
  for (size_t v = 0; v < vectors; v++) largest[v] = t->largest[v];
  size_t edge = (size_t)t->last[0][WIDTH - 1] + 1;
  edge = edge < from ? from : edge > to ? to : edge;
  NAMED(scores)(a, t->query, from, edge, to, vectors, scores, largest);
  // All rows see the keys from the last row's first to the first row's last: rows follow each other.
  bool masked = to > (size_t)t->last[0][0] + 1 || from < (size_t)t->first[vectors - 1][WIDTH - 1];
  bool bends = a->cap != 0 || a->slopes;
  if (bends) NAMED(bend)(a, t->row, from, keys, vectors, scores);
  if (masked || bends) {
    for (size_t v = 0; v < vectors; v++) largest[v] = t->largest[v];
    for (size_t j = 0; j < keys; j++)
      for (size_t v = 0; v < vectors; v++) {
        WHOLE number = (int32_t)(from + j);
        VECTOR x = s[j * vectors + v];
        x = number > t->last[v] ? (VECTOR)-__builtin_inff() : x;
        x = number < t->first[v] ? (VECTOR)-__builtin_inff() : x;
        s[j * vectors + v] = x;
        largest[v] = x > largest[v] ? x : largest[v];
      }
  }
  for (size_t v = 0; v < vectors; v++) {
    // A row that has seen nothing but −∞ has no term yet.
    VECTOR origin = largest[v] == -__builtin_inff() ? (VECTOR)0.0f : largest[v];
    decay[v] = NAMED(power)(t->largest[v] - origin);
    t->largest[v] = largest[v];
    largest[v] = origin;
    sum[v] = 0.0f;
  }
  for (size_t j = 0; j < keys; j++)
    for (size_t v = 0; v < vectors; v++) {
      VECTOR p = NAMED(power)(s[j * vectors + v] - largest[v]);
      s[j * vectors + v] = p;
      sum[v] += p;
    }
  for (size_t v = 0; v < vectors; v++) t->sum[v] = t->sum[v] * decay[v] + sum[v];
  size_t c = 0;
  for (; c + TALL <= a->value_width; c += TALL)
    NAMED(mix)(value + c, stride, scores, edge - from, keys, TALL, vectors, decay, t->mixed + c * lanes);
  for (; c < a->value_width; c++) NAMED(mix)(value + c, stride, scores, edge - from, keys, 1, vectors, decay, t->mixed + c * lanes);
}

static void NAMED(begin)(const struct unfold_attention *a, struct NAMED(tile) * t, float *rows) {
  size_t lanes = t->vectors * WIDTH, width = a->head_width;
  size_t token = t->row / a->group, head = t->row % a->group;
  const float *query = a->query + token * a->query_stride;
  bool direct = a->group == 1 && t->rows == lanes;
  if (direct) unfold_transpose(query, lanes, width, a->query_stride, t->query, lanes);
  for (size_t l = 0; l < lanes; l++) {
    if (!direct) __builtin_memcpy(rows + l * width, query + head * width, width * sizeof(float));
    size_t position = a->past + token;
    bool limited = a->causal && a->window <= position;
    t->first[l / WIDTH][l % WIDTH] = limited ? (int32_t)(position + 1 - a->window) : 0;
    t->last[l / WIDTH][l % WIDTH] = (int32_t)(a->causal ? position : a->keys - 1);
    // The last row stands in lanes beyond it.
    if (l + 1 >= t->rows || ++head < a->group) continue;
    head = 0;
    token++;
    query += a->query_stride;
  }
  if (!direct) unfold_transpose(rows, lanes, width, width, t->query, lanes);
  __builtin_memset(t->mixed, 0, lanes * a->value_width * sizeof(float));
  for (size_t v = 0; v < t->vectors; v++) {
    t->largest[v] = -__builtin_inff();
    t->sum[v] = 0.0f;
  }
}

static void NAMED(finish)(const struct unfold_attention *a, struct NAMED(tile) * t, float *rows) {
  size_t lanes = t->vectors * WIDTH, width = a->value_width;
  size_t token = t->row / a->group, head = t->row % a->group;
  if (a->sinks)
    for (size_t l = 0; l < t->rows; l++) {
      float sink = exponential(a->sinks[(head + l) % a->group] - t->largest[l / WIDTH][l % WIDTH]);
      t->sum[l / WIDTH][l % WIDTH] += sink;
    }
  VECTOR *m = (VECTOR *)t->mixed;
  for (size_t c = 0; c < width; c++)
    for (size_t v = 0; v < t->vectors; v++, m++) *m = *m / t->sum[v];
  float *mixed = a->mixed + token * a->mixed_stride;
  // Halves of lines are written there: see `attend` for those that lie 4096 bytes apart.
  if (a->group == 1 && t->rows == lanes && a->mixed_stride % 1024 != 0) {
    unfold_transpose(t->mixed, width, lanes, lanes, mixed, a->mixed_stride);
    return;
  }
  unfold_transpose(t->mixed, width, lanes, lanes, rows, width);
  for (size_t l = 0; l < t->rows; l++) {
    __builtin_memcpy(mixed + head * width, rows + l * width, width * sizeof(float));
    if (++head < a->group) continue;
    head = 0;
    mixed += a->mixed_stride;
  }
}

#include "attention_rows.h"

static void NAMED(attend)(const struct unfold_attention *a, size_t first, size_t end, float *memory) {
  struct NAMED(tile) tiles[TILES];
  const size_t most = VECTORS * WIDTH;
  float *scores = memory, *rows = scores + (BLOCK + TALL) * most;
  float *values = rows + most * (a->head_width > a->value_width ? a->head_width : a->value_width);
  float *free = values + BLOCK * a->value_width;
  size_t count = 0, from = a->keys, to = 0;
  size_t rest = (end - first) % most;
  if (rest <= FEW || (rest < FEW_KEYS && a->keys < FEW_KEYS)) {
    NAMED(attend_few)(a, end - rest, end, memory);
    end -= rest;
  }
  for (size_t row = first; row < end; row += most, count++) {
    struct NAMED(tile) *t = tiles + count;
    t->row = row;
    t->rows = end - row < most ? end - row : most;
    t->vectors = (t->rows + WIDTH - 1) / WIDTH;
    t->query = free;
    t->mixed = free + a->head_width * most;
    free += (a->head_width + a->value_width) * most;
    NAMED(begin)(a, t, rows);
    if ((size_t)t->first[0][0] < from) from = (size_t)t->first[0][0];
    size_t last = (size_t)t->last[t->vectors - 1][WIDTH - 1];
    if (last + 1 > to) to = last + 1;
  }
  // Blocks begin at multiples of BLOCK, so that a row's sums are the same whichever rows are beside it.
  for (size_t block = from / BLOCK * BLOCK; block < to; block += BLOCK) {
    // A block's values are read a few elements of each at a time: lines that lie 4096 bytes apart, as they do in many
    // models, would drive each other out of the nearest cache.
    const float *value = a->value + block * a->value_stride;
    size_t stride = a->value_stride;
    if (count > 1 && stride % 1024 == 0) {
      size_t start = from > block ? from - block : 0, end = to - block < BLOCK ? to - block : BLOCK;
      for (size_t j = start; j < end; j++)
        __builtin_memcpy(values + j * a->value_width, value + j * stride, a->value_width * sizeof(float));
      value = values;
      stride = a->value_width;
    }
    for (size_t i = 0; i < count; i++) {
      struct NAMED(tile) *t = tiles + i;
      size_t low = (size_t)t->first[0][0], high = (size_t)t->last[t->vectors - 1][WIDTH - 1] + 1;
      if (low < block) low = block;
      if (high > block + BLOCK) high = block + BLOCK;
      if (low >= high) continue;
      const float *v = value + (low - block) * stride;
      switch (t->vectors) {
      case 1: NAMED(meet)(a, t, low, high, v, stride, 1, scores); break;
#if VECTORS >= 2
      case 2: NAMED(meet)(a, t, low, high, v, stride, 2, scores); break;
#endif
#if VECTORS >= 3
      case 3: NAMED(meet)(a, t, low, high, v, stride, 3, scores); break;
#endif
#if VECTORS >= 4
      case 4: NAMED(meet)(a, t, low, high, v, stride, 4, scores); break;
#endif
      }
    }
  }
  for (size_t i = 0; i < count; i++) NAMED(finish)(a, tiles + i, rows);
}

#undef VECTOR
#undef WHOLE
