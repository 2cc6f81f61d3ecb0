import LinearAlgebra

/// How much a set of unit vectors get in each other's way: what all pairs' |cos| are like.
public struct Interference: Codable, Sendable, Equatable {
  /// The largest |cos| of all pairs.
  public var largest: Double
  /// The pair that has it, the smaller number first.
  public var largestPair: [Int]
  /// The mean of |cos| over all pairs.
  public var mean: Double
  /// The root of the mean of cos² over all pairs.
  public var rootMeanSquare: Double
  /// How many pairs lie in each of equal steps from 0 to `histogramLimit`; those above are counted in the last.
  public var histogram: [Int]
  public var histogramLimit: Double

  /// The middles of the histogram's steps.
  public var histogramMiddles: [Double] {
    histogram.indices.map { (Double($0) + 0.5) * histogramLimit / Double(histogram.count) }
  }
}

/// What one vector of a set meets in the others.
struct VectorInterference {
  /// Σ cos² over all others.
  var squares: [Double]
  /// The other with the largest |cos|, and that cosine with its sign.
  var nearest: [Int]
  var nearestCosine: [Float]
}

/// One look at every pair of unit vectors, in blocks: n²·d operations, and no more memory than a few blocks.
struct PairScan {
  static let block = 1024
  /// Rows of a block that one thread takes at a time; fixed, so that sums don't depend on the number of threads.
  private static let strip = 128
  static let steps = 240

  let vectors: Int
  let dimensions: Int
  private let limit: Float
  private var largest: Float = -1
  private var pair = (0, 1)
  private var absolute = 0.0
  private var squares = 0.0
  private var histogram = [Int](repeating: 0, count: Self.steps)
  private(set) var byVector: VectorInterference

  init(vectors: Int, dimensions: Int, histogramLimit: Double) {
    self.vectors = vectors
    self.dimensions = dimensions
    limit = Float(min(1, max(histogramLimit, 1e-6)))
    byVector = VectorInterference(
      squares: [Double](repeating: 0, count: vectors), nearest: [Int](repeating: 0, count: vectors),
      nearestCosine: [Float](repeating: 0, count: vectors))
  }

  var summary: Interference {
    let pairs = Double(vectors) * Double(vectors - 1) / 2
    return Interference(
      largest: Double(max(0, largest)), largestPair: [pair.0, pair.1], mean: absolute / pairs,
      rootMeanSquare: (squares / pairs).squareRoot(), histogram: histogram, histogramLimit: Double(limit))
  }

  /// Looks at all pairs of the rows of `unit` [vectors, dimensions], of length 1.
  ///
  /// - Parameters:
  ///   - threshold: Where given, each pair's part above it pushes the two apart: `push` [vectors, dimensions] takes
  ///     `factor` · Σ_j sign(cos)·(|cos| − threshold)₊ · v_j in row i.
  ///   - body: Called after each block with the share of the work done; what it throws ends the scan.
  mutating func run(
    _ unit: UnsafePointer<Float>, threshold: Float? = nil, factor: Float = 0, push: UnsafeMutablePointer<Float>? = nil,
    progress: (Double) throws -> Void = { _ in }
  ) throws {
    let side = min(Self.block, vectors)
    var products = [Float](repeating: 0, count: side * side)
    let blocks = (vectors + side - 1) / side
    var done = 0
    for first in 0..<blocks {
      let rows = first * side..<min(vectors, (first + 1) * side)
      for second in first..<blocks {
        let columns = second * side..<min(vectors, (second + 1) * side)
        products.withUnsafeMutableBufferPointer { buffer in
          guard let block = buffer.baseAddress else { return }
          let (a, b) = (unit + rows.lowerBound * dimensions, unit + columns.lowerBound * dimensions)
          gemm(
            m: rows.count, n: columns.count, k: dimensions, a: a, aStride: dimensions, b: b, bStride: dimensions,
            transposeB: true, c: block, cStride: columns.count)
          gather(block, rows: rows, columns: columns, threshold: threshold)
          guard threshold != nil, let push else { return }
          gemm(
            m: rows.count, n: dimensions, k: columns.count, alpha: factor, a: block, aStride: columns.count, b: b,
            bStride: dimensions, beta: 1, c: push + rows.lowerBound * dimensions, cStride: dimensions)
          gemm(
            m: columns.count, n: dimensions, k: rows.count, alpha: factor, a: block, aStride: columns.count,
            transposeA: true, b: a, bStride: dimensions, beta: 1, c: push + columns.lowerBound * dimensions,
            cStride: dimensions)
        }
        done += 1
        try progress(Double(done) / Double(blocks * (blocks + 1) / 2))
      }
    }
  }

  /// What a strip of a block's rows holds.
  private struct Strip {
    var largest: Float = -1
    var pair = (0, 1)
    var absolute = 0.0
    var squares = 0.0
    var histogram = [Int](repeating: 0, count: PairScan.steps)
    var rowSquares: [Double]
    var rowNearest: [(other: Int, cosine: Float)]
    var columnSquares: [Double]
    var columnNearest: [(other: Int, cosine: Float)]
  }

  /// Adds a block's pairs to the sums and, with a threshold, puts in place of each cosine what exceeds it. In a block on
  /// the diagonal only pairs above the diagonal count; the rest becomes 0.
  private mutating func gather(
    _ block: UnsafeMutablePointer<Float>, rows: Range<Int>, columns: Range<Int>, threshold: Float?
  ) {
    let width = columns.count
    let strips = (rows.count + Self.strip - 1) / Self.strip
    var found = [Strip?](repeating: nil, count: strips)
    let limit = self.limit
    found.withUnsafeMutableBufferPointer { found in
      // Each call writes its own element alone.
      nonisolated(unsafe) let found = found
      nonisolated(unsafe) let block = block
      Threads.forEach(strips) { number in
        let own =
          rows.lowerBound + number * Self.strip..<min(rows.upperBound, rows.lowerBound + (number + 1) * Self.strip)
        found[number] = Self.read(
          block + (own.lowerBound - rows.lowerBound) * width, rows: own, columns: columns, limit: limit,
          threshold: threshold)
      }
    }
    for (number, strip) in found.enumerated() {
      guard let strip else { continue }
      if strip.largest > largest { (largest, pair) = (strip.largest, strip.pair) }
      absolute += strip.absolute
      squares += strip.squares
      for step in histogram.indices { histogram[step] += strip.histogram[step] }
      for row in strip.rowSquares.indices {
        note(rows.lowerBound + number * Self.strip + row, strip.rowSquares[row], strip.rowNearest[row])
      }
      for column in strip.columnSquares.indices {
        note(columns.lowerBound + column, strip.columnSquares[column], strip.columnNearest[column])
      }
    }
  }

  private mutating func note(_ vector: Int, _ squares: Double, _ nearest: (other: Int, cosine: Float)) {
    byVector.squares[vector] += squares
    if abs(nearest.cosine) > abs(byVector.nearestCosine[vector]) {
      byVector.nearest[vector] = nearest.other
      byVector.nearestCosine[vector] = nearest.cosine
    }
  }

  private static func read(
    _ block: UnsafeMutablePointer<Float>, rows: Range<Int>, columns: Range<Int>, limit: Float, threshold: Float?
  ) -> Strip {
    let width = columns.count
    var strip = Strip(
      rowSquares: .init(repeating: 0, count: rows.count), rowNearest: .init(repeating: (0, 0), count: rows.count),
      columnSquares: .init(repeating: 0, count: width), columnNearest: .init(repeating: (0, 0), count: width))
    let scale = Float(steps) / limit
    var (absolute, squares) = (0.0, 0.0)
    strip.histogram.withUnsafeMutableBufferPointer { histogram in
      strip.columnSquares.withUnsafeMutableBufferPointer { columnSquares in
        strip.columnNearest.withUnsafeMutableBufferPointer { columnNearest in
          for row in rows {
            let line = block + (row - rows.lowerBound) * width
            let start = max(0, min(width, row + 1 - columns.lowerBound))
            for column in 0..<start { line[column] = 0 }
            var (rowAbsolute, rowSquares): (Float, Float) = (0, 0)
            var best: (other: Int, cosine: Float) = (0, 0)
            var greatest: Float = 0
            for column in start..<width {
              let cosine = line[column]
              let size = abs(cosine)
              let square = size * size
              rowAbsolute += size
              rowSquares += square
              columnSquares[column] += Double(square)
              histogram[min(steps - 1, Int(min(size, limit) * scale))] += 1
              if size > greatest {
                greatest = size
                best = (columns.lowerBound + column, cosine)
              }
              if size > abs(columnNearest[column].cosine) { columnNearest[column] = (row, cosine) }
              if let threshold {
                line[column] = size > threshold ? (cosine > 0 ? size - threshold : threshold - size) : 0
              }
            }
            absolute += Double(rowAbsolute)
            squares += Double(rowSquares)
            strip.rowSquares[row - rows.lowerBound] = Double(rowSquares)
            strip.rowNearest[row - rows.lowerBound] = best
            if greatest > strip.largest, start < width {
              strip.largest = greatest
              strip.pair = (row, best.other)
            }
          }
        }
      }
    }
    strip.absolute = absolute
    strip.squares = squares
    return strip
  }
}
