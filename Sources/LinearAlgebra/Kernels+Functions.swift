import CKernels

/// A function of one value, as neurons apply it; each agrees with PyTorch's of the same name to about 2 units in the
/// last place, except that results which PyTorch loses to cancellation (far left of zero) are kept.
public enum ElementwiseFunction: String, Codable, Sendable, CaseIterable {
  case identity
  case relu
  /// max(x, 0)²
  case reluSquared
  /// x·Φ(x), by the error function.
  case gelu
  /// x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))), GPT-2's `gelu_new`.
  case geluTanh
  /// x·σ(1.702·x)
  case quickGELU
  /// x·σ(x), also called swish.
  case silu
  case sigmoid
  case tanh
  case erf
  case exp

  var code: unfold_function {
    switch self {
    case .identity: unfold_function_identity
    case .relu: unfold_function_relu
    case .reluSquared: unfold_function_relu_squared
    case .gelu: unfold_function_gelu
    case .geluTanh: unfold_function_gelu_tanh
    case .quickGELU: unfold_function_quick_gelu
    case .silu: unfold_function_silu
    case .sigmoid: unfold_function_sigmoid
    case .tanh: unfold_function_tanh
    case .erf: unfold_function_erf
    case .exp: unfold_function_exp
    }
  }
}

extension Kernels {
  /// output = function(input), element by element.
  public static func apply(
    _ function: ElementwiseFunction, _ input: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>,
    count: Int
  ) {
    forElements(count) { unfold_apply(function.code, input + $0.lowerBound, output + $0.lowerBound, $0.count) }
  }

  /// output = function(gate) · up, element by element: the neurons of a gated MLP.
  public static func applyGated(
    _ function: ElementwiseFunction, gate: UnsafePointer<Float>, up: UnsafePointer<Float>,
    into output: UnsafeMutablePointer<Float>, count: Int
  ) {
    forElements(count) {
      let start = $0.lowerBound
      unfold_apply_gated(function.code, gate + start, up + start, output + start, $0.count)
    }
  }

  /// result = a + b.
  public static func add(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, into result: UnsafeMutablePointer<Float>, count: Int
  ) {
    forElements(count) { unfold_add(a + $0.lowerBound, b + $0.lowerBound, result + $0.lowerBound, $0.count) }
  }

  /// result = a · b, element by element.
  public static func multiply(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, into result: UnsafeMutablePointer<Float>, count: Int
  ) {
    forElements(count) { unfold_multiply(a + $0.lowerBound, b + $0.lowerBound, result + $0.lowerBound, $0.count) }
  }

  /// result = factor · input + offset.
  public static func scale(
    _ input: UnsafePointer<Float>, by factor: Float, offset: Float = 0, into result: UnsafeMutablePointer<Float>,
    count: Int
  ) {
    forElements(count) {
      unfold_scale(factor, offset, input + $0.lowerBound, result + $0.lowerBound, $0.count)
    }
  }

  /// Squashes values to ±limit, in place: limit · tanh(value / limit).
  public static func cap(_ values: UnsafeMutablePointer<Float>, at limit: Float, count: Int) {
    scale(values, by: 1 / limit, into: values, count: count)
    apply(.tanh, values, into: values, count: count)
    scale(values, by: limit, into: values, count: count)
  }

  /// result += factor · input.
  public static func axpy(
    _ factor: Float, _ input: UnsafePointer<Float>, into result: UnsafeMutablePointer<Float>, count: Int
  ) {
    forElements(count) { unfold_axpy(factor, input + $0.lowerBound, result + $0.lowerBound, $0.count) }
  }

  /// Σ aᵢ·bᵢ in single precision, on the calling thread.
  public static func dot(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int) -> Float {
    unfold_dot(a, b, count)
  }

  /// Σ aᵢ·bᵢ in double precision, on the calling thread.
  public static func dotInDouble(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int) -> Double {
    unfold_dot_double(a, b, count)
  }

  /// Σ xᵢ in double precision, on the calling thread.
  public static func sum(_ values: UnsafePointer<Float>, count: Int) -> Double { unfold_sum(values, count) }

  /// The largest value, −∞ of none; NaN is passed over.
  public static func maximum(_ values: UnsafePointer<Float>, count: Int) -> Float { unfold_maximum(values, count) }

  /// How many values are NaN or infinite.
  public static func countNonfinite(_ values: UnsafePointer<Float>, count: Int) -> Int {
    unfold_count_nonfinite(values, count)
  }
}
