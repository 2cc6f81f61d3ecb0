// Functions of every element beside those of the C library in double precision.
#include "checks.h"

enum { functions = unfold_function_exp + 1 };

static double exact(enum unfold_function f, double x) {
  double u = 0.7978845608028654 * (x + 0.044715 * x * x * x);
  switch (f) {
    case unfold_function_identity: return x;
    case unfold_function_relu: return x < 0 ? 0 : x;
    case unfold_function_relu_squared: return x < 0 ? 0 : x * x;
    case unfold_function_gelu: return 0.5 * x * erfc(-x * 0.7071067811865476);
    case unfold_function_gelu_tanh: return x / (1 + exp(-2 * u));
    case unfold_function_quick_gelu: return x / (1 + exp(-1.702 * x));
    case unfold_function_silu: return x / (1 + exp(-x));
    case unfold_function_sigmoid: return 1 / (1 + exp(-x));
    case unfold_function_tanh: return tanh(x);
    case unfold_function_erf: return erf(x);
    case unfold_function_exp: return exp(x);
  }
  return NAN;
}

/// Three units in the last place of the result and, where 1 + … cancels or an exponential's argument is rounded, of the
/// input's share in it.
static double allowed(enum unfold_function f, double x, double y) {
  double v = fabs(x), size = fabs(y);
  if (f == unfold_function_gelu) size = v;
  if (f == unfold_function_gelu_tanh) size *= 1 + 1.6 * (v + 0.045 * v * v * v);
  if (f == unfold_function_quick_gelu) size *= 1 + 1.7 * v;
  return 3 * 0x1p-24 * size + 0x1p-120;
}

static const char *const names[functions] = {"identity",   "relu", "relu squared", "gelu", "gelu by tanh",
                                             "quick gelu", "silu", "sigmoid",      "tanh", "erf",
                                             "exp"};

void check_functions(void) {
  enum { n = 18007 };
  float *x = random_normals(n), *up = random_normals(n), *y = random_normals(n), *gated = random_normals(n);
  for (int i = 0; i < n; i++) x[i] = i <= 8000 ? (float)(i - 4000) / 40 : 3 * x[i];
  const float edges[] = {0,          -0.0f, 0x1p-130f,   -0x1p-130f, 1e-6f, 0.625f,
                         0.6249999f, 1,     0.99999994f, 87.3f,      88.7f, -103};
  memcpy(x + 9000, edges, sizeof edges);
  for (int f = 0; f < functions; f++) {
    unfold_apply((enum unfold_function)f, x, y, n);
    unfold_apply_gated((enum unfold_function)f, x, up, gated, n);
    for (int i = 0; i < n; i++) {
      double value = exact((enum unfold_function)f, (double)x[i]);
      expect(
          (float)value == y[i] || is_near((double)y[i], value, allowed((enum unfold_function)f, (double)x[i], value)),
          "%s of %g: %.9g, not %.9g", names[f], (double)x[i], (double)y[i], value);
      expect(gated[i] == y[i] * up[i], "%s of %g, gated", names[f], (double)x[i]);
    }
    // One element at a time, and in place, it is the same.
    for (int i = 0; i < 100; i++) {
      float one = x[i * 170];
      unfold_apply((enum unfold_function)f, &one, &one, 1);
      expect(is_same(&one, y + i * 170, 4), "%s of %g alone", names[f], (double)x[i * 170]);
    }
    const float odd[] = {INFINITY, -INFINITY, NAN};
    for (int i = 0; i < 3; i++) {
      float in[21], out[21];
      for (int j = 0; j < 21; j++) in[j] = odd[i];
      unfold_apply((enum unfold_function)f, in, out, 21);
      double value = exact((enum unfold_function)f, (double)odd[i]);
      // PyTorch's gelu of −∞ is −∞ · 0 too.
      if (f == unfold_function_gelu && i == 1) value = NAN;
      for (int j = 0; j < 21; j++)
        expect(is_near((double)out[j], value, 0), "%s of %g: %g", names[f], (double)odd[i], (double)out[j]);
    }
  }
  for (void **p = (void *[]){x, up, y, gated, 0}; *p; p++) release(*p);
}
