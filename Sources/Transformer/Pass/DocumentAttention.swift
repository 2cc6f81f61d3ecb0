import LinearAlgebra

/// The attention of one layer: each document's tokens look at their own document alone.
struct DocumentAttention {
  let shape: Configuration.Attention
  let scale: Float
  /// How many tokens back a token sees, itself included; nil: all.
  let window: Int?
  let query: UnsafePointer<Float>  // [n, heads, d_head]
  let key: UnsafePointer<Float>  // [n, key-value heads, d_head]
  let value: UnsafePointer<Float>  // [n, key-value heads, d_head]
  let mixed: UnsafeMutablePointer<Float>  // [n, heads, d_head]

  /// How many queries are taken at once: the causal half that is never looked at is left out in such steps.
  private static let block = 128

  /// Which of a document's tokens the one at `position` sees.
  func visible(_ position: Int, of count: Int) -> Range<Int> {
    guard shape.causal else { return 0..<count }
    return max(0, position + 1 - (window ?? count))..<position + 1
  }

  /// The mixed values of all documents: z = softmax(scale · q kᵀ) v.
  func mix(_ batch: TokenBatch) {
    // Long documents are shared out head by head; for short ones that would be more calls than work.
    let tasks = batch.lengths.indices.flatMap { document in
      let rows = batch.rows(of: document)
      return rows.count > 64
        ? (0..<shape.heads).map { (rows, $0..<$0 + 1) } : [(rows, 0..<shape.heads)]
    }
    Threads.forEach(tasks.count) { number in
      let (rows, heads) = tasks[number]
      let scratch = UnsafeMutablePointer<Float>.allocate(capacity: min(Self.block, rows.count) * rows.count)
      defer { scratch.deallocate() }
      for head in heads {
        for first in stride(from: 0, to: rows.count, by: Self.block) {
          mix(rows, head, queries: first..<min(first + Self.block, rows.count), scratch: scratch)
        }
      }
    }
  }

  /// One head's mixed values for some of a document's tokens.
  private func mix(_ rows: Range<Int>, _ head: Int, queries: Range<Int>, scratch: UnsafeMutablePointer<Float>) {
    let keys =
      visible(queries.lowerBound, of: rows.count)
      .lowerBound..<visible(queries.upperBound - 1, of: rows.count).upperBound
    let first = rows.lowerBound + keys.lowerBound
    gemm(
      m: queries.count, n: keys.count, k: shape.headWidth, alpha: scale,
      a: query(rows.lowerBound + queries.lowerBound, head), aStride: shape.queryWidth, b: key(first, head),
      bStride: shape.keyValueWidth, transposeB: true, c: scratch, cStride: keys.count)
    for position in queries {
      let row = scratch + (position - queries.lowerBound) * keys.count
      let seen = visible(position, of: rows.count)
      Kernels.softmax(
        row, into: row, count: keys.count,
        valid: seen.lowerBound - keys.lowerBound..<seen.upperBound - keys.lowerBound)
    }
    gemm(
      m: queries.count, n: shape.headWidth, k: keys.count, a: scratch, aStride: keys.count, b: value(first, head),
      bStride: shape.keyValueWidth, c: mixed(rows.lowerBound + queries.lowerBound, head), cStride: shape.queryWidth)
  }

  /// All scores of one document, scaled, −∞ where a token does not see another. Shape: [T, heads, T].
  func scores(_ rows: Range<Int>, into table: UnsafeMutablePointer<Float>) {
    let count = rows.count
    Threads.forEach(shape.heads) { head in
      gemm(
        m: count, n: count, k: shape.headWidth, alpha: scale, a: query(rows.lowerBound, head),
        aStride: shape.queryWidth, b: key(rows.lowerBound, head), bStride: shape.keyValueWidth, transposeB: true,
        c: table + head * count, cStride: shape.heads * count)
      for position in 0..<count {
        let row = table + (position * shape.heads + head) * count
        let seen = visible(position, of: count)
        row.update(repeating: -.infinity, count: seen.lowerBound)
        (row + seen.upperBound).update(repeating: -.infinity, count: count - seen.upperBound)
      }
    }
  }

  /// The mixed values of one document by a given pattern. Shape of the pattern: [T, heads, T].
  func mix(_ rows: Range<Int>, pattern: UnsafePointer<Float>) {
    let count = rows.count
    Threads.forEach(shape.heads) { head in
      gemm(
        m: count, n: shape.headWidth, k: count, a: pattern + head * count, aStride: shape.heads * count,
        b: value(rows.lowerBound, head), bStride: shape.keyValueWidth, c: mixed(rows.lowerBound, head),
        cStride: shape.queryWidth)
    }
  }

  private func query(_ token: Int, _ head: Int) -> UnsafePointer<Float> {
    query + token * shape.queryWidth + head * shape.headWidth
  }
  private func mixed(_ token: Int, _ head: Int) -> UnsafeMutablePointer<Float> {
    mixed + token * shape.queryWidth + head * shape.headWidth
  }
  private func key(_ token: Int, _ head: Int) -> UnsafePointer<Float> { key + offset(token, head) }
  private func value(_ token: Int, _ head: Int) -> UnsafePointer<Float> { value + offset(token, head) }
  /// Neighbouring query heads share a key-value head.
  private func offset(_ token: Int, _ head: Int) -> Int {
    token * shape.keyValueWidth + head / (shape.heads / shape.keyValueHeads) * shape.headWidth
  }
}
