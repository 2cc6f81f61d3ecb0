import CKernels

extension Kernels {
  /// LayerNorm of each row of [rows, columns]: output = (x − mean) / scale · weight + bias, scale = √(variance + ε).
  ///
  /// - Parameters:
  ///   - scale: Takes the scale of each row, [rows], where wanted.
  ///   - normalized: Takes (x − mean) / scale, [rows, columns], before weight and bias, where wanted.
  ///   - output: Takes the whole, where wanted; may be `input` or `normalized`.
  ///   - weightOffset: Added to every weight: 1 for families that store the weight less one.
  public static func layerNorm(
    _ input: UnsafePointer<Float>, rows: Int, columns: Int, epsilon: Float, weight: UnsafePointer<Float>? = nil,
    bias: UnsafePointer<Float>? = nil, weightOffset: Float = 0, scale: UnsafeMutablePointer<Float>? = nil,
    normalized: UnsafeMutablePointer<Float>? = nil, into output: UnsafeMutablePointer<Float>?
  ) {
    norm(
      input, rows, columns, centred: true, epsilon, weight, weightOffset, bias, scale, normalized, output)
  }

  /// RMSNorm of each row of [rows, columns]: output = x / scale · weight + bias, scale = √(mean of x² + ε); the
  /// parameters are those of `layerNorm`.
  public static func rmsNorm(
    _ input: UnsafePointer<Float>, rows: Int, columns: Int, epsilon: Float, weight: UnsafePointer<Float>? = nil,
    bias: UnsafePointer<Float>? = nil, weightOffset: Float = 0, scale: UnsafeMutablePointer<Float>? = nil,
    normalized: UnsafeMutablePointer<Float>? = nil, into output: UnsafeMutablePointer<Float>?
  ) {
    norm(
      input, rows, columns, centred: false, epsilon, weight, weightOffset, bias, scale, normalized, output)
  }

  private static func norm(
    _ input: UnsafePointer<Float>, _ rows: Int, _ columns: Int, centred: Bool, _ epsilon: Float,
    _ weight: UnsafePointer<Float>?, _ weightOffset: Float, _ bias: UnsafePointer<Float>?,
    _ scale: UnsafeMutablePointer<Float>?, _ normalized: UnsafeMutablePointer<Float>?,
    _ output: UnsafeMutablePointer<Float>?
  ) {
    forRows(rows, columns: columns) { some in
      let start = some.lowerBound
      unfold_norm(
        input + start * columns, some.count, columns, centred, epsilon, weight, weightOffset, bias,
        scale.map { $0 + start }, normalized.map { $0 + start * columns }, output.map { $0 + start * columns })
    }
  }

  /// The first step of a norm alone: the scale of each row and, of a LayerNorm, its mean (`mean` nil: RMSNorm).
  public static func normScale(
    _ input: UnsafePointer<Float>, rows: Int, columns: Int, epsilon: Float, mean: UnsafeMutablePointer<Float>?,
    scale: UnsafeMutablePointer<Float>
  ) {
    forRows(rows, columns: columns) { some in
      let start = some.lowerBound
      unfold_norm_scale(
        input + start * columns, some.count, columns, epsilon, mean.map { $0 + start }, scale + start)
    }
  }

  /// The second step: output = (x − mean) / scale with each row's own.
  public static func normalize(
    _ input: UnsafePointer<Float>, rows: Int, columns: Int, mean: UnsafePointer<Float>?,
    scale: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>
  ) {
    forRows(rows, columns: columns) { some in
      let start = some.lowerBound
      unfold_normalize(
        input + start * columns, some.count, columns, mean.map { $0 + start }, scale + start,
        output + start * columns)
    }
  }

  /// The last step: output = x · weight + bias with each column's own; either may be absent.
  public static func affine(
    _ input: UnsafePointer<Float>, rows: Int, columns: Int, weight: UnsafePointer<Float>?,
    bias: UnsafePointer<Float>?, into output: UnsafeMutablePointer<Float>
  ) {
    forRows(rows, columns: columns) { some in
      let start = some.lowerBound * columns
      unfold_affine_rows(input + start, weight, bias, output + start, some.count, columns)
    }
  }

  /// Adds the bias to every row of [rows, columns].
  public static func addBias(
    _ bias: UnsafePointer<Float>, to values: UnsafeMutablePointer<Float>, rows: Int, columns: Int
  ) {
    forRows(rows, columns: columns) { some in
      unfold_add_bias(bias, values + some.lowerBound * columns, some.count, columns, columns)
    }
  }
}
