// Functions applied to every element: activations, and their products in gated MLPs.
#include "clones.h"
#include "kernels.h"

INLINE float identity(float x) { return x; }

#define EACH(name) \
  SEPARATE_STEPS for (size_t i = 0; i < n; i++) y[i] = name(x[i]); \
  break;

KERNEL void unfold_apply(enum unfold_function f, const float *x, float *y, size_t n) {
  switch (f) {
    case unfold_function_identity: EACH(identity)
    case unfold_function_relu: EACH(relu)
    case unfold_function_relu_squared: EACH(relu_squared)
    case unfold_function_gelu: EACH(gelu)
    case unfold_function_gelu_tanh: EACH(gelu_tanh)
    case unfold_function_quick_gelu: EACH(quick_gelu)
    case unfold_function_silu: EACH(silu)
    case unfold_function_sigmoid: EACH(sigmoid)
    case unfold_function_tanh: EACH(hyperbolic_tangent)
    case unfold_function_erf: EACH(error_function)
    case unfold_function_exp: EACH(exponential)
  }
}

#define EACH_GATED(name) \
  SEPARATE_STEPS for (size_t i = 0; i < n; i++) y[i] = name(gate[i]) * up[i]; \
  break;

KERNEL void unfold_apply_gated(enum unfold_function f, const float *gate, const float *up, float *y, size_t n) {
  switch (f) {
    case unfold_function_identity: EACH_GATED(identity)
    case unfold_function_relu: EACH_GATED(relu)
    case unfold_function_relu_squared: EACH_GATED(relu_squared)
    case unfold_function_gelu: EACH_GATED(gelu)
    case unfold_function_gelu_tanh: EACH_GATED(gelu_tanh)
    case unfold_function_quick_gelu: EACH_GATED(quick_gelu)
    case unfold_function_silu: EACH_GATED(silu)
    case unfold_function_sigmoid: EACH_GATED(sigmoid)
    case unfold_function_tanh: EACH_GATED(hyperbolic_tangent)
    case unfold_function_erf: EACH_GATED(error_function)
    case unfold_function_exp: EACH_GATED(exponential)
  }
}
