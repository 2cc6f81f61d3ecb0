import LinearAlgebra
import Transformer

/// Turns what a hook is lent at one site into the rows of a dataset: the tokens' rows as they are, scores and patterns
/// laid out to the run's width, or one pooled row a document.
final class RowAssembler {
  let site: Site
  /// Elements of a row.
  let width: Int
  private let pool: CaptureSettings.Pooling?
  /// For scores and patterns, how many keys a head's row has room for, and what fills the rest.
  private let keys: Int?
  private let filling: Float
  private var rows: [Float] = []
  private var sums: [Double] = []
  private var largest: [Float] = []
  private var largestRows: [Int32] = []

  /// - Parameter keys: the keys of a row of scores or a pattern; nil for other sites.
  init(site: Site, width: Int, keys: Int?, pool: CaptureSettings.Pooling?) {
    self.site = site
    self.width = width
    self.keys = keys
    self.pool = pool
    filling = site.kind == .scores ? -.infinity : 0
  }

  /// Gives `body` rows of the batch that are ready, in order, with the number of the first of them.
  ///
  /// - Parameter isLast: whether the batch's last token is among these values.
  func take(
    _ value: borrowing HookedValue, of batch: CaptureBatch,
    _ body: (UnsafePointer<Float>, Range<Int>) throws -> Void
  ) throws {
    let tokens = value.rows
    if let keys {
      try value.withUnsafeBuffer { try spread($0, tokens: tokens, keys: keys, of: batch, body) }
    } else if let pool {
      try value.withUnsafeBuffer { values in
        guard let base = values.baseAddress else { return }
        gather(base, tokens: tokens, of: batch, pool)
        guard tokens.upperBound == batch.tokens.count else { return }
        finish(batch, pool)
        try rows.withUnsafeBufferPointer { rows in
          if let base = rows.baseAddress { try body(base, 0..<batch.pieces.count) }
        }
      }
    } else {
      try value.withUnsafeBuffer { values in
        if let base = values.baseAddress { try body(base, tokens) }
      }
    }
  }

  /// One document's [tokens, heads, its own keys] becomes [tokens, heads, keys].
  private func spread(
    _ values: UnsafeBufferPointer<Float>, tokens: Range<Int>, keys: Int, of batch: CaptureBatch,
    _ body: (UnsafePointer<Float>, Range<Int>) throws -> Void
  ) throws {
    guard !tokens.isEmpty else { return }
    let heads = width / keys
    let own = values.count / (tokens.count * heads)
    rows = [Float](repeating: filling, count: tokens.count * width)
    try rows.withUnsafeMutableBufferPointer { rows in
      guard let target = rows.baseAddress, let source = values.baseAddress else { return }
      for line in 0..<tokens.count * heads {
        (target + line * keys).update(from: source + line * own, count: min(own, keys))
      }
      try body(UnsafePointer(target), tokens)
    }
  }

  /// Adds the rows of some tokens to their documents'.
  private func gather(
    _ base: UnsafePointer<Float>, tokens: Range<Int>, of batch: CaptureBatch, _ pool: CaptureSettings.Pooling
  ) {
    let documents = batch.pieces.count
    if tokens.lowerBound == 0 {
      rows = [Float](repeating: pool == .max ? -.infinity : 0, count: documents * width)
      sums = pool == .mean ? [Double](repeating: 0, count: documents * width) : []
      largest = [Float](repeating: 0, count: width)
      largestRows = [Int32](repeating: 0, count: width)
    }
    for run in batch.runs {
      let part = run.rows.clamped(to: tokens)
      guard !part.isEmpty else { continue }
      let block = base + (part.lowerBound - tokens.lowerBound) * width
      let start = (Int(run.document) - batch.firstDocument) * width
      switch pool {
      case .last:
        let last = block + (part.count - 1) * width
        for column in 0..<width { rows[start + column] = last[column] }
      case .mean:
        sums.withUnsafeMutableBufferPointer {
          if let sums = $0.baseAddress {
            Kernels.columnSums(block, rows: part.count, columns: width, sums: sums + start)
          }
        }
      case .max:
        largest.withUnsafeMutableBufferPointer { values in
          largestRows.withUnsafeMutableBufferPointer { indices in
            guard let values = values.baseAddress, let indices = indices.baseAddress else { return }
            Kernels.columnMaximum(block, rows: part.count, columns: width, maximum: values, row: indices)
            for column in 0..<width { rows[start + column] = max(rows[start + column], values[column]) }
          }
        }
      }
    }
  }

  private func finish(_ batch: CaptureBatch, _ pool: CaptureSettings.Pooling) {
    guard pool == .mean else { return }
    var counts = [Double](repeating: 0, count: batch.pieces.count)
    for run in batch.runs { counts[Int(run.document) - batch.firstDocument] += Double(run.rows.count) }
    for document in counts.indices {
      for column in document * width..<(document + 1) * width {
        rows[column] = Float(sums[column] / max(counts[document], 1))
      }
    }
  }
}
