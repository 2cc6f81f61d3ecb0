import CKernels

/// Count, mean, central power sums and extremes of the columns of a matrix that comes in blocks of rows.
///
/// A block's own sums are taken about its own mean in double precision and merged by the formulas of Pébay (2008,
/// Sandia report SAND2008-6212), so that a mean far from zero costs no digits. Merging is deterministic, but not
/// exactly associative: the same blocks in the same order give the same bits.
public struct ColumnMoments: Sendable, Equatable, Codable {
  public private(set) var count: Int
  public private(set) var mean: [Double]
  /// Σ (x − mean)², ³ and ⁴ of each column.
  public private(set) var second: [Double]
  public private(set) var third: [Double]
  public private(set) var fourth: [Double]
  /// +∞ and −∞ before the first row; NaN is passed over.
  public private(set) var minimum: [Float]
  public private(set) var maximum: [Float]

  public init(columns: Int) {
    count = 0
    mean = [Double](repeating: 0, count: columns)
    second = mean
    third = mean
    fourth = mean
    minimum = [Float](repeating: .infinity, count: columns)
    maximum = [Float](repeating: -.infinity, count: columns)
  }

  /// The moments as they were stored.
  public init(
    count: Int, mean: [Double], second: [Double], third: [Double], fourth: [Double], minimum: [Float],
    maximum: [Float]
  ) {
    let columns = mean.count
    precondition(
      [second.count, third.count, fourth.count, minimum.count, maximum.count].allSatisfy { $0 == columns },
      "moments of unequal numbers of columns")
    self.count = count
    self.mean = mean
    self.second = second
    self.third = third
    self.fourth = fourth
    self.minimum = minimum
    self.maximum = maximum
  }

  public var columns: Int { mean.count }

  /// Takes in a block [rows, columns] whose rows begin `stride` elements apart, on all threads.
  public mutating func add(_ block: UnsafePointer<Float>, rows: Int, stride: Int? = nil) {
    guard rows > 0 && columns > 0 else { return }
    let stride = stride ?? columns
    precondition(stride >= columns, "stride \(stride) for \(columns) columns")
    let longest = 256
    var blockMoments = ColumnMoments(columns: columns)
    for start in Swift.stride(from: 0, to: rows, by: longest) {
      let some = min(longest, rows - start)
      blockMoments.fill(block + start * stride, rows: some, stride: stride)
      merge(blockMoments)
    }
  }

  /// Takes in the moments of other rows.
  public mutating func merge(_ other: ColumnMoments) {
    precondition(columns == other.columns, "moments of \(columns) and \(other.columns) columns")
    guard other.count > 0 else { return }
    guard count > 0 else {
      self = other
      return
    }
    let (a, b) = (Double(count), Double(other.count))
    let n = a + b
    let cubic = a * b * (a - b) / (n * n)
    let quartic = a * b * (a * a - a * b + b * b) / (n * n * n)
    mean.withUnsafeMutableBufferPointer { mean in
      second.withUnsafeMutableBufferPointer { second in
        third.withUnsafeMutableBufferPointer { third in
          fourth.withUnsafeMutableBufferPointer { fourth in
            for c in 0..<mean.count {
              let delta = other.mean[c] - mean[c]
              let step = delta / n
              let squared = delta * delta
              fourth[c] +=
                other.fourth[c] + squared * squared * quartic
                + 6 * step * step * (a * a * other.second[c] + b * b * second[c])
                + 4 * step * (a * other.third[c] - b * third[c])
              third[c] +=
                other.third[c] + squared * delta * cubic + 3 * step * (a * other.second[c] - b * second[c])
              second[c] += other.second[c] + squared * a * b / n
              mean[c] += step * b
            }
          }
        }
      }
    }
    for c in 0..<columns {
      minimum[c] = Swift.min(minimum[c], other.minimum[c])
      maximum[c] = Swift.max(maximum[c], other.maximum[c])
    }
    count += other.count
  }

  /// The variance of each column, over count (not count − 1); 0 of no rows.
  public var variance: [Double] { second.map { count > 0 ? $0 / Double(count) : 0 } }

  /// √n·Σ(x − mean)³ / (Σ(x − mean)²)^1.5 of each column; 0 where the column is constant.
  public var skewness: [Double] {
    columnIndices { third[$0] * Double(count).squareRoot() / (second[$0] * second[$0].squareRoot()) }
  }

  /// n·Σ(x − mean)⁴ / (Σ(x − mean)²)² − 3 of each column, 0 for a normal distribution; 0 where the column is constant.
  public var excessKurtosis: [Double] {
    columnIndices { Double(count) * fourth[$0] / (second[$0] * second[$0]) - 3 }
  }

  private func columnIndices(_ value: (Int) -> Double) -> [Double] {
    (0..<columns).map { second[$0] > 0 ? value($0) : 0 }
  }

  private mutating func fill(_ block: UnsafePointer<Float>, rows: Int, stride: Int) {
    count = rows
    let columns = columns
    mean.withUnsafeMutableBufferPointer { mean in
      second.withUnsafeMutableBufferPointer { second in
        third.withUnsafeMutableBufferPointer { third in
          fourth.withUnsafeMutableBufferPointer { fourth in
            minimum.withUnsafeMutableBufferPointer { minimum in
              maximum.withUnsafeMutableBufferPointer { maximum in
                guard let mean = mean.baseAddress, let second = second.baseAddress, let third = third.baseAddress,
                  let fourth = fourth.baseAddress, let minimum = minimum.baseAddress,
                  let maximum = maximum.baseAddress
                else { return }
                Kernels.forColumns(columns, rows: rows) { some in
                  let c = some.lowerBound
                  unfold_column_moments(
                    block + c, rows, some.count, stride, mean + c, second + c, third + c, fourth + c, minimum + c,
                    maximum + c)
                }
              }
            }
          }
        }
      }
    }
  }
}

extension Kernels {
  /// Pieces of columns for the threads, at multiples of 64.
  static func forColumns(_ columns: Int, rows: Int, _ body: (Range<Int>) -> Void) {
    let tiles = (columns + 63) / 64
    Threads.forRanges(0..<tiles, grain: max(1, grain / max(rows * 64, 1))) { some in
      body(some.lowerBound * 64..<min(some.upperBound * 64, columns))
    }
  }

  /// Adds to `counts` how many rows of each column lie above the column's threshold: x > t, or |x| > t by `magnitude`.
  public static func countAbove(
    _ thresholds: UnsafePointer<Float>, in block: UnsafePointer<Float>, rows: Int, columns: Int, stride: Int? = nil,
    magnitude: Bool = false, counts: UnsafeMutablePointer<Int64>
  ) {
    forColumns(columns, rows: rows) { some in
      let c = some.lowerBound
      unfold_column_count_above(
        block + c, rows, some.count, stride ?? columns, thresholds + c, magnitude, counts + c)
    }
  }

  /// The largest value of each column and the first row that has it; NaN is passed over (of NaN alone: −∞, row 0).
  public static func columnMaximum(
    _ block: UnsafePointer<Float>, rows: Int, columns: Int, stride: Int? = nil,
    maximum: UnsafeMutablePointer<Float>, row: UnsafeMutablePointer<Int32>
  ) {
    forColumns(columns, rows: rows) { some in
      let c = some.lowerBound
      unfold_column_maximum(block + c, rows, some.count, stride ?? columns, maximum + c, row + c)
    }
  }

  /// The smallest value of each column and the first row that has it; NaN is passed over (of NaN alone: +∞, row 0).
  public static func columnMinimum(
    _ block: UnsafePointer<Float>, rows: Int, columns: Int, stride: Int? = nil,
    minimum: UnsafeMutablePointer<Float>, row: UnsafeMutablePointer<Int32>
  ) {
    forColumns(columns, rows: rows) { some in
      let c = some.lowerBound
      unfold_column_minimum(block + c, rows, some.count, stride ?? columns, minimum + c, row + c)
    }
  }

  /// Adds each column's sum, in double precision.
  public static func columnSums(
    _ block: UnsafePointer<Float>, rows: Int, columns: Int, stride: Int? = nil,
    sums: UnsafeMutablePointer<Double>
  ) {
    forColumns(columns, rows: rows) { some in
      unfold_column_sum(
        block + some.lowerBound, rows, some.count, stride ?? columns, sums + some.lowerBound)
    }
  }
}
