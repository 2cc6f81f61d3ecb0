import CKernels

/// Gathers, in one reading of blocks of rows, what describes each column: moments, extremes, how many values lie above
/// zero, a histogram, and the documents where the column is highest (and lowest).
///
/// Only rows within the runs given count. Time: 1 to 3 ns a value on one core; the columns are shared among the
/// threads, and nothing depends on the sharing. Memory: about 100 bytes a column, 4 a bin and 16 a place in the lists.
public final class ColumnGatherer {
  /// Consecutive rows of a block that belong to one document; runs of the same document must follow each other.
  public struct Run: Sendable, Equatable {
    public var rows: Range<Int>
    public var document: Int32

    public init(rows: Range<Int>, document: Int32) {
      self.rows = rows
      self.document = document
    }
  }

  /// How values are sorted into bins: by sign and by the bits of their magnitude, so that bins grow with the value.
  public struct Bins: Sendable, Equatable {
    let shift: Int32
    let base: Int32
    let half: Int32

    /// Two bins for each doubling of the magnitude from 2⁻⁷ to 2⁸ (edges 1 and 1.5 times a power of two), 64 in all.
    public static let halfOctaves = Bins(shift: 22, base: 239, half: 32)
    /// Four bins for each doubling (edges 1, 1.25, 1.5, 1.75 times a power of two), 128 in all.
    public static let quarterOctaves = Bins(shift: 21, base: 479, half: 64)

    public var count: Int { 2 * Int(half) }

    /// The edges, ascending, one more than bins. One is 0. The first and the last bin take everything beyond too; a value
    /// on an edge belongs to the bin farther from 0, and 0 to the bin above it.
    public var edges: [Float] {
      let positive = (1...half).map { Float(bitPattern: UInt32((base + $0) << shift)) }
      return positive.reversed().map { -$0 } + [0] + positive
    }
  }

  public let columns: Int
  public let bins: Bins?
  /// Places for each column in the lists of highest (and lowest) values; 0 for none.
  public let top: Int
  public let keepsLowest: Bool
  /// Moments of all rows since the last reset.
  public private(set) var moments: ColumnMoments
  /// How many values of each column are above 0, of `moments.count`.
  public private(set) var positive: [Int64]
  /// How many values fell into each bin. Shape: [columns, bins.count].
  public private(set) var histogram: [UInt32]
  public private(set) var highest: Lists
  public private(set) var lowest: Lists

  /// Each column's most extreme values, best first, at most one a document; of equal ones the earlier document's.
  public struct Lists: Sendable, Equatable {
    /// Shape: [columns, k] each. An empty place has row −1 and value 0.
    public var values: [Float]
    public var rows: [Int64]
    public var documents: [Int32]

    init(places: Int) {
      values = Array(repeating: 0, count: places)
      rows = Array(repeating: -1, count: places)
      documents = Array(repeating: -1, count: places)
    }
  }

  public init(columns: Int, top: Int = 0, keepsLowest: Bool = false, bins: Bins? = nil) {
    precondition(columns > 0 && top >= 0, "\(columns) columns, top \(top)")
    self.columns = columns
    self.top = top
    self.keepsLowest = keepsLowest && top > 0
    self.bins = bins
    moments = ColumnMoments(columns: columns)
    positive = Array(repeating: 0, count: columns)
    histogram = Array(repeating: 0, count: columns * (bins?.count ?? 0))
    highest = Lists(places: columns * top)
    lowest = Lists(places: keepsLowest ? columns * top : 0)
  }

  /// Forgets everything gathered.
  public func reset() {
    moments = ColumnMoments(columns: columns)
    positive = Array(repeating: 0, count: columns)
    histogram = Array(repeating: 0, count: histogram.count)
    highest = Lists(places: highest.rows.count)
    lowest = Lists(places: lowest.rows.count)
  }

  /// Takes in a block.
  ///
  /// - Parameters:
  ///   - block: [rows, columns], row-major.
  ///   - runs: The rows that count, and the documents they belong to.
  ///   - firstRow: The number of the block's first row among all rows, for the lists.
  ///   - numbers: The number of each of the block's rows, where they do not follow one another.
  /// - Returns: The first column in which a sum is no longer finite, since a value is infinite or NaN, or nil.
  @discardableResult
  public func add(_ block: UnsafePointer<Float>, runs: [Run], firstRow: Int, numbers: [Int64]? = nil) -> Int? {
    let count = runs.reduce(0) { $0 + $1.rows.count }
    guard count > 0 else { return nil }
    var pivot = moments.count > 0 ? moments.mean.map { Float($0) } : means(block, runs)
    // A pivot only guards against cancellation: where there is none, 0 does as well.
    for column in pivot.indices where !pivot[column].isFinite { pivot[column] = 0 }
    var sums = [Double](repeating: 0, count: 4 * columns)
    var minimum = [Float](repeating: .infinity, count: columns)
    var maximum = [Float](repeating: -.infinity, count: columns)
    let rowRuns = runs.map {
      unfold_row_run(first: $0.rows.lowerBound, count: $0.rows.count, document: $0.document)
    }
    lend(&pivot, &sums, &minimum, &maximum, firstRow: firstRow, numbers: numbers) { gathered in
      rowRuns.withUnsafeBufferPointer { rowRuns in
        guard let rowRuns = rowRuns.baseAddress else { return }
        Kernels.forColumns(columns, rows: count) { some in
          withUnsafePointer(to: gathered) {
            unfold_gather(block, columns, rowRuns, runs.count, some.lowerBound, some.upperBound, $0)
          }
        }
      }
    }
    if let bad = (2 * columns..<4 * columns).first(where: { !sums[$0].isFinite }) { return bad % columns }
    moments.merge(central(sums, pivot, count, minimum, maximum))
    return nil
  }

  /// The means of the first rows: near enough to each column's mean.
  private func means(_ block: UnsafePointer<Float>, _ runs: [Run]) -> [Float] {
    var means = [Double](repeating: 0, count: columns)
    let rows = runs.lazy.flatMap(\.rows).prefix(64)
    for row in rows {
      for column in 0..<columns { means[column] += Double(block[row * columns + column]) }
    }
    let count = Double(rows.count)
    return means.map { Float($0 / count) }
  }

  /// Lends all memory to the kernel at once.
  private func lend(
    _ pivot: inout [Float], _ sums: inout [Double], _ minimum: inout [Float], _ maximum: inout [Float],
    firstRow: Int, numbers: [Int64]?, _ body: (unfold_gathered) -> Void
  ) {
    let columns = columns
    let (bins, top, keepsLowest) = (bins, top, keepsLowest)
    withLists(&highest) { high in
      withLists(&lowest) { low in
        histogram.withUnsafeMutableBufferPointer { histogram in
          positive.withUnsafeMutableBufferPointer { positive in
            pivot.withUnsafeMutableBufferPointer { pivot in
              sums.withUnsafeMutableBufferPointer { sums in
                minimum.withUnsafeMutableBufferPointer { minimum in
                  maximum.withUnsafeMutableBufferPointer { maximum in
                    guard let pivot = pivot.baseAddress, let sums = sums.baseAddress,
                      let minimum = minimum.baseAddress, let maximum = maximum.baseAddress,
                      let positive = positive.baseAddress
                    else { return }
                    var (high, low) = (high, low)
                    high.k = top
                    low.k = keepsLowest ? top : 0
                    withNumbers(numbers) { numbers in
                      body(
                        unfold_gathered(
                          first_row: Int64(firstRow), row_numbers: numbers, pivot: pivot, sum1: sums,
                          sum2: sums + columns,
                          sum3: sums + 2 * columns, sum4: sums + 3 * columns, minimum: minimum, maximum: maximum,
                          positive: positive, histogram: bins == nil ? nil : histogram.baseAddress,
                          bin_shift: bins?.shift ?? 0, bin_base: bins?.base ?? 0, bin_half: bins?.half ?? 0, top: high,
                          bottom: low))
                    }
                  }
                }
              }
            }
          }
        }
      }
    }
  }

  private func withNumbers(_ numbers: [Int64]?, _ body: (UnsafePointer<Int64>?) -> Void) {
    guard let numbers else { return body(nil) }
    numbers.withUnsafeBufferPointer { body($0.baseAddress) }
  }

  private func withLists(_ lists: inout Lists, _ body: (unfold_top_lists) -> Void) {
    lists.values.withUnsafeMutableBufferPointer { values in
      lists.rows.withUnsafeMutableBufferPointer { rows in
        lists.documents.withUnsafeMutableBufferPointer { documents in
          body(
            unfold_top_lists(
              k: 0, values: values.baseAddress, rows: rows.baseAddress, documents: documents.baseAddress))
        }
      }
    }
  }

  /// Sums of powers about a pivot, turned into sums about the mean.
  private func central(_ sums: [Double], _ pivot: [Float], _ count: Int, _ minimum: [Float], _ maximum: [Float])
    -> ColumnMoments
  {
    let n = Double(count)
    var mean = [Double](repeating: 0, count: columns)
    var (second, third, fourth) = (mean, mean, mean)
    for column in 0..<columns {
      let m = sums[column] / n
      let (s2, s3, s4) = (sums[columns + column], sums[2 * columns + column], sums[3 * columns + column])
      mean[column] = Double(pivot[column]) + m
      // Rounding must not leave a constant column with a variance below 0, nor with moments of nothing.
      let about = s2 - n * m * m
      guard minimum[column] < maximum[column], about > 0 else { continue }
      second[column] = about
      third[column] = s3 - 3 * m * s2 + 2 * n * m * m * m
      fourth[column] = max(0, s4 - 4 * m * s3 + 6 * m * m * s2 - 3 * n * m * m * m * m)
    }
    return ColumnMoments(
      count: count, mean: mean, second: second, third: third, fourth: fourth, minimum: minimum, maximum: maximum)
  }
}
