import Architectures
import Foundation
import LinearAlgebra

/// The attention of one layer: each document's tokens look at their own document alone.
struct DocumentAttention {
  let shape: Attention
  /// Each head's learned score that leads nowhere. Shape: [heads]; nil: none.
  let sinks: [Float]?
  /// What scores grow by from key to key. Shape: [heads]; empty: nothing.
  let slopes: [Float]
  let query: UnsafePointer<Float>  // [n, heads, d_head]
  let mixed: UnsafeMutablePointer<Float>  // [n, heads, d_value]

  init(
    _ shape: Attention, sinks: [Float]?, query: UnsafePointer<Float>, mixed: UnsafeMutablePointer<Float>
  ) {
    self.shape = shape
    self.sinks = sinks
    slopes = shape.alibi.map { _ in Self.slopes(heads: shape.heads) } ?? []
    self.query = query
    self.mixed = mixed
  }

  /// Which of a document's tokens, those before its own among them, the one at `position` sees.
  func visible(_ position: Int, of count: Int) -> Range<Int> {
    guard shape.isCausal else { return 0..<count }
    return max(0, position + 1 - (shape.window ?? count))..<position + 1
  }

  /// The mixed values of all documents: z = softmax(scale · q kᵀ) v.
  func mix(_ batch: TokenBatch, _ keys: [DocumentKeys]) {
    var fused = FusedAttention(
      heads: shape.heads, keyValueHeads: shape.keyValueHeads, headWidth: shape.headWidth, valueWidth: shape.valueWidth,
      scale: Float(shape.scale))
    fused.isCausal = shape.isCausal
    fused.window = shape.window
    fused.cap = shape.scoreCap.map(Float.init)
    fused.sinks = sinks
    if let alibi = shape.alibi {
      fused.slopes = (0..<shape.heads).map { slope($0) }
      fused.biasScale = Float(alibi.scale)
      fused.roundsBiases = alibi.isRounded
    }
    fused(
      keys.indices.map { document in
        let (rows, seen) = (batch.rows(of: document), keys[document])
        return .init(
          query: query(rows.lowerBound, 0), key: seen.key, value: seen.value, mixed: mixed(rows.lowerBound, 0),
          tokens: rows.count, past: seen.past)
      })
  }

  /// What is done to a row of scaled scores before the softmax: a cap, and biases by position.
  private func bend(_ row: UnsafeMutablePointer<Float>, _ head: Int, count: Int) {
    if let cap = shape.scoreCap { Kernels.cap(row, at: Float(cap), count: count) }
    if let alibi = shape.alibi {
      let slope = slope(head)
      for key in 0..<count {
        let bias = slope * Float(key)
        row[key] += (alibi.isRounded ? roundedToBFloat16(bias) : bias) * Float(alibi.scale)
      }
    }
  }

  private func slope(_ head: Int) -> Float {
    shape.alibi?.isRounded == true ? roundedToBFloat16(slopes[head]) : slopes[head]
  }

  /// The softmax of a row of scores, a sink taking its part. Over all keys, masked ones too: an edit may have unmasked
  /// them.
  private func soften(_ row: UnsafeMutablePointer<Float>, _ head: Int, count: Int) {
    guard let sink = sinks?[head] else { return Kernels.softmax(row, into: row, count: count) }
    let largest = Kernels.maximum(row, count: count)
    Kernels.softmax(row, into: row, count: count)
    // The largest share is exp(largest) / Σ exp: so the sum follows, and what the sink adds to it.
    let share = Kernels.maximum(row, count: count)
    let sum = largest - log(share)
    Kernels.scale(row, by: 1 / (1 + exp(sink - sum)), into: row, count: count)
  }

  /// The slopes of ALiBi: powers of one base for the largest power of two of heads, and every other power of the next
  /// base for the rest (arXiv 2108.12409, section 3).
  static func slopes(heads: Int) -> [Float] {
    let whole = 1 << (Int.bitWidth - 1 - heads.leadingZeroBitCount)
    func power(_ heads: Int, _ exponent: Int) -> Float { Float(pow(2, -8 / Double(heads) * Double(exponent))) }
    return (1...whole).map { power(whole, $0) } + (0..<heads - whole).map { power(2 * whole, 2 * $0 + 1) }
  }

  /// All scores of one document, scaled, −∞ where a token does not see another. Shape: [T, heads, keys].
  func scores(_ rows: Range<Int>, _ seen: DocumentKeys, into table: UnsafeMutablePointer<Float>) {
    let count = seen.count
    Threads.forEach(shape.heads) { head in
      gemm(
        m: rows.count, n: count, k: shape.headWidth, alpha: Float(shape.scale),
        a: query(rows.lowerBound, head), aStride: shape.queryWidth, b: key(seen, 0, head),
        bStride: shape.keyWidth, transposeB: true, c: table + head * count, cStride: shape.heads * count)
      for position in 0..<rows.count {
        let row = table + (position * shape.heads + head) * count
        bend(row, head, count: count)
        let visible = visible(seen.past + position, of: count)
        row.update(repeating: -.infinity, count: visible.lowerBound)
        (row + visible.upperBound).update(repeating: -.infinity, count: count - visible.upperBound)
      }
    }
  }

  /// The pattern of one document's scores, in place.
  /// Shape: [T, heads, keys].
  func pattern(_ rows: Range<Int>, _ seen: DocumentKeys, _ table: UnsafeMutablePointer<Float>) {
    let count = seen.count
    Threads.forEach(shape.heads) { head in
      for position in 0..<rows.count {
        soften(table + (position * shape.heads + head) * count, head, count: count)
      }
    }
  }

  /// The mixed values of one document by a given pattern. Shape of the pattern: [T, heads, keys].
  func mix(_ rows: Range<Int>, _ seen: DocumentKeys, pattern: UnsafePointer<Float>) {
    let count = seen.count
    Threads.forEach(shape.heads) { head in
      gemm(
        m: rows.count, n: shape.valueWidth, k: count, a: pattern + head * count, aStride: shape.heads * count,
        b: value(seen, 0, head), bStride: shape.valuesWidth, c: mixed(rows.lowerBound, head),
        cStride: shape.mixedWidth)
    }
  }

  private func query(_ token: Int, _ head: Int) -> UnsafePointer<Float> {
    query + token * shape.queryWidth + head * shape.headWidth
  }
  private func mixed(_ token: Int, _ head: Int) -> UnsafeMutablePointer<Float> {
    mixed + token * shape.mixedWidth + head * shape.valueWidth
  }
  private func key(_ seen: DocumentKeys, _ token: Int, _ head: Int) -> UnsafePointer<Float> {
    seen.key + token * shape.keyWidth + shared(head) * shape.headWidth
  }
  private func value(_ seen: DocumentKeys, _ token: Int, _ head: Int) -> UnsafePointer<Float> {
    seen.value + token * shape.valuesWidth + shared(head) * shape.valueWidth
  }
  /// Neighbouring query heads share a key-value head.
  private func shared(_ head: Int) -> Int { head / (shape.heads / shape.keyValueHeads) }
}
