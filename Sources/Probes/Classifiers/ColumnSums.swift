import Diagnostics
import LinearAlgebra

/// Sums over rows from which each column's mean and standard deviation follow.
struct ColumnSums: Sendable {
  var count = 0
  var sums: [Double]
  var squares: [Double]

  init(width: Int) {
    sums = [Double](repeating: 0, count: width)
    squares = sums
  }

  static func + (a: ColumnSums, b: ColumnSums) -> ColumnSums { combine(a, b, sign: 1) }
  static func - (a: ColumnSums, b: ColumnSums) -> ColumnSums { combine(a, b, sign: -1) }

  private static func combine(_ a: ColumnSums, _ b: ColumnSums, sign: Double) -> ColumnSums {
    var result = a
    result.count += Int(sign) * b.count
    for column in a.sums.indices {
      result.sums[column] += sign * b.sums[column]
      result.squares[column] += sign * b.squares[column]
    }
    return result
  }

  /// The moments of each part of the rows, in one pass on all threads.
  ///
  /// - Parameter parts: each row's, from 0.
  static func byPart(_ matrix: ExampleMatrix, parts: [Int32], count: Int) -> [ColumnSums] {
    let width = matrix.columns
    let chunks = RowChunks(count: matrix.rows)
    let none = [ColumnSums](repeating: ColumnSums(width: width), count: count)
    var partial = [[ColumnSums]](repeating: none, count: chunks.chunks)
    partial.withUnsafeMutableBufferPointer { partial in
      matrix.withUnsafeElements { elements in
        chunks.share { chunk, range in
          guard let base = elements.baseAddress else { return }
          var own = none
          for row in range { own[Int(parts[row])].add(base + row * width) }
          partial[chunk] = own
        }
      }
    }
    return partial.reduce(none) { zip($0, $1).map { $0 + $1 } }
  }

  /// The moments of all rows.
  init(of matrix: ExampleMatrix) {
    self = Self.byPart(matrix, parts: [Int32](repeating: 0, count: matrix.rows), count: 1)[0]
  }

  mutating func add(_ row: UnsafePointer<Float>) {
    count += 1
    let width = sums.count
    sums.withUnsafeMutableBufferPointer { sums in
      squares.withUnsafeMutableBufferPointer { squares in
        for column in 0..<width {
          let value = Double(row[column])
          sums[column] += value
          squares[column] += value * value
        }
      }
    }
  }

  /// What brings each column to mean 0 and standard deviation 1 over these rows.
  ///
  /// A column that doesn't vary beyond rounding keeps the scale 1, as in scikit-learn's StandardScaler, and so gets no
  /// weight.
  func standardization() -> Standardization {
    var means = sums
    var scales = sums
    let count = Double(max(count, 1))
    for column in sums.indices {
      let mean = sums[column] / count
      let variance = max(squares[column] / count - mean * mean, 0)
      means[column] = mean
      scales[column] = Self.isSpread(variance: variance, mean: mean) ? variance.squareRoot() : 1
    }
    return Standardization(means: means, scales: scales)
  }
}

/// Each column's mean and standard deviation over the rows that were learnt from.
public struct Standardization: Sendable, Equatable {
  public var means: [Double]
  /// Never 0: a constant column has scale 1.
  public var scales: [Double]
}
