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

  /// How many queries are taken at once: the causal half that is never looked at is left out in such steps.
  private static let block = 128

  /// Which of a document's tokens, those before its own among them, the one at `position` sees.
  func visible(_ position: Int, of count: Int) -> Range<Int> {
    guard shape.isCausal else { return 0..<count }
    return max(0, position + 1 - (shape.window ?? count))..<position + 1
  }

  /// The mixed values of all documents: z = softmax(scale · q kᵀ) v.
  func mix(_ batch: TokenBatch, _ keys: [DocumentKeys]) {
    // Long documents are shared out head by head; for short ones that would be more calls than work.
    let tasks = batch.lengths.indices.flatMap { document in
      let rows = batch.rows(of: document)
      return rows.count * keys[document].count > 64 * 64
        ? (0..<shape.heads).map { (document, $0..<$0 + 1) } : [(document, 0..<shape.heads)]
    }
    Threads.forEach(tasks.count) { number in
      let (document, heads) = tasks[number]
      let (rows, keys) = (batch.rows(of: document), keys[document])
      let scratch = UnsafeMutablePointer<Float>.allocate(capacity: min(Self.block, rows.count) * keys.count)
      defer { scratch.deallocate() }
      for head in heads {
        for first in stride(from: 0, to: rows.count, by: Self.block) {
          mix(rows, keys, head, queries: first..<min(first + Self.block, rows.count), scratch: scratch)
        }
      }
    }
  }

  /// One head's mixed values for some of a document's tokens.
  private func mix(
    _ rows: Range<Int>, _ seen: DocumentKeys, _ head: Int, queries: Range<Int>, scratch: UnsafeMutablePointer<Float>
  ) {
    let keys =
      visible(seen.past + queries.lowerBound, of: seen.count)
      .lowerBound..<visible(seen.past + queries.upperBound - 1, of: seen.count).upperBound
    gemm(
      m: queries.count, n: keys.count, k: shape.headWidth, alpha: Float(shape.scale),
      a: query(rows.lowerBound + queries.lowerBound, head), aStride: shape.queryWidth,
      b: key(seen, keys.lowerBound, head),
      bStride: shape.keyWidth, transposeB: true, c: scratch, cStride: keys.count)
    for position in queries {
      let row = scratch + (position - queries.lowerBound) * keys.count
      let visible = visible(seen.past + position, of: seen.count)
      bend(row, head, keys: keys)
      soften(
        row, head, count: keys.count,
        valid: visible.lowerBound - keys.lowerBound..<visible.upperBound - keys.lowerBound)
    }
    gemm(
      m: queries.count, n: shape.valueWidth, k: keys.count, a: scratch, aStride: keys.count,
      b: value(seen, keys.lowerBound, head),
      bStride: shape.valuesWidth, c: mixed(rows.lowerBound + queries.lowerBound, head), cStride: shape.mixedWidth)
  }

  /// What is done to a row of scaled scores before the softmax: a cap, and biases by position.
  private func bend(_ row: UnsafeMutablePointer<Float>, _ head: Int, keys: Range<Int>) {
    if let cap = shape.scoreCap { Kernels.cap(row, at: Float(cap), count: keys.count) }
    if let alibi = shape.alibi {
      let slope = alibi.isRounded ? roundedToBFloat16(slopes[head]) : slopes[head]
      for key in keys {
        let bias = slope * Float(key)
        row[key - keys.lowerBound] += (alibi.isRounded ? roundedToBFloat16(bias) : bias) * Float(alibi.scale)
      }
    }
  }

  /// The softmax of a row of scores, a sink taking its part.
  private func soften(_ row: UnsafeMutablePointer<Float>, _ head: Int, count: Int, valid: Range<Int>) {
    guard let sink = sinks?[head] else { return Kernels.softmax(row, into: row, count: count, valid: valid) }
    let largest = Kernels.maximum(row + valid.lowerBound, count: valid.count)
    Kernels.softmax(row, into: row, count: count, valid: valid)
    // The largest share is exp(largest) / Σ exp: so the sum follows, and what the sink adds to it.
    let share = Kernels.maximum(row + valid.lowerBound, count: valid.count)
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
        bend(row, head, keys: 0..<count)
        let visible = visible(seen.past + position, of: count)
        row.update(repeating: -.infinity, count: visible.lowerBound)
        (row + visible.upperBound).update(repeating: -.infinity, count: count - visible.upperBound)
      }
    }
  }

  /// The pattern of one document's scores, in place. Over all keys, masked ones too: an edit may have unmasked them.
  /// Shape: [T, heads, keys].
  func pattern(_ rows: Range<Int>, _ seen: DocumentKeys, _ table: UnsafeMutablePointer<Float>) {
    let count = seen.count
    Threads.forEach(shape.heads) { head in
      for position in 0..<rows.count {
        soften(table + (position * shape.heads + head) * count, head, count: count, valid: 0..<count)
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
