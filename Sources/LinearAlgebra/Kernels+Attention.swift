import CKernels

/// Which elements of a head rotary positions turn together.
public enum RotaryPairs: String, Codable, Sendable {
  /// i with i + rotated/2 (GPT-NeoX, Llama in Hugging Face's layout).
  case halves
  /// 2i with 2i + 1 (GPT-J, Llama's own layout).
  case neighbours
}

extension Kernels {
  /// The softmax of one row over `valid`; elsewhere the output is 0. On the calling thread.
  ///
  /// A row of −∞ alone gives NaN, and a row with a NaN gives NaN, as in PyTorch.
  public static func softmax(
    _ input: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>, count: Int, valid: Range<Int>? = nil
  ) {
    let valid = (valid ?? 0..<count).clamped(to: 0..<count)
    unfold_softmax_row(input, output, count, valid.lowerBound, valid.upperBound)
  }

  /// The softmax of every row of [rows, columns]; `valid` says which columns of a row count, the others become 0.
  public static func softmaxRows(
    _ input: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>, rows: Int, columns: Int,
    valid: (Int) -> Range<Int>
  ) {
    forRows(rows, columns: columns) { some in
      for row in some {
        softmax(input + row * columns, into: output + row * columns, count: columns, valid: valid(row))
      }
    }
  }

  /// Rotary positions: turns the pairs of each head of [rows, heads, headSize] by the angles of the row's position.
  ///
  /// - Parameters:
  ///   - rotated: How many of a head's elements turn, from its first on; even.
  ///   - positions: Each row's position, [rows].
  ///   - cosine: cos of the angles, [positions, rotated / 2]; `sine` likewise.
  public static func rotary(
    _ input: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>, rows: Int, heads: Int, headSize: Int,
    rotated: Int, pairs: RotaryPairs, positions: UnsafePointer<Int32>, cosine: UnsafePointer<Float>,
    sine: UnsafePointer<Float>
  ) {
    precondition(rotated % 2 == 0 && rotated <= headSize, "\(rotated) of \(headSize) elements rotated")
    let width = heads * headSize
    forRows(rows, columns: width) { some in
      unfold_rotary(
        input + some.lowerBound * width, output + some.lowerBound * width, some.count, heads, headSize, rotated,
        pairs == .neighbours, positions + some.lowerBound, cosine, sine)
    }
  }
}
