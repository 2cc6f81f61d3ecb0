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

  /// The moments of each part of some rows, in one pass on all threads.
  ///
  /// - Parameters:
  ///   - rows: the rows to sum.
  ///   - parts: each of those rows' part, from 0.
  static func byPart(_ matrix: ExampleMatrix, rows: Range<Int>, parts: [Int32], partCount: Int) -> [ColumnSums] {
    let width = matrix.columns
    let chunks = RowChunks(count: rows.count)
    var partial = [[ColumnSums]](
      repeating: [ColumnSums](repeating: ColumnSums(width: width), count: partCount), count: chunks.chunks)
    partial.withUnsafeMutableBufferPointer { partial in
      matrix.withUnsafeElements { elements in
        chunks.share { chunk, range in
          guard let base = elements.baseAddress else { return }
          var own = [ColumnSums](repeating: ColumnSums(width: width), count: partCount)
          for row in range { own[Int(parts[row])].add(base + (row + rows.lowerBound) * width) }
          partial[chunk] = own
        }
      }
    }
    var result = [ColumnSums](repeating: ColumnSums(width: width), count: partCount)
    for chunk in partial {
      for part in 0..<partCount { result[part] = result[part] + chunk[part] }
    }
    return result
  }

  /// The moments of the first rows.
  static func ofFirst(_ count: Int, _ matrix: ExampleMatrix) -> ColumnSums {
    byPart(matrix, rows: 0..<count, parts: [Int32](repeating: 0, count: count), partCount: 1)[0]
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
