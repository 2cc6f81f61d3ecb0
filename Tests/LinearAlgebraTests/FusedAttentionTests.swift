import CKernels
import Foundation
import Testing

@testable import LinearAlgebra

@Suite("Attention in one kernel")
struct FusedAttentionTests {
  /// What attention is given: some documents of one shape.
  struct Case {
    var fused: FusedAttention
    var documents: [(tokens: Int, past: Int)]
    var query: [Float] = []
    var key: [Float] = []
    var value: [Float] = []

    init(_ fused: FusedAttention, _ documents: [(tokens: Int, past: Int)], seed: UInt64, spread: Double = 1) {
      self.fused = fused
      self.documents = documents
      let tokens = documents.reduce(0) { $0 + $1.tokens }
      let keys = documents.reduce(0) { $0 + $1.tokens + $1.past }
      query = normals(tokens * fused.heads * fused.headWidth, seed: seed, scale: spread)
      key = normals(keys * fused.keyValueHeads * fused.headWidth, seed: seed + 1, scale: spread)
      value = normals(keys * fused.keyValueHeads * fused.valueWidth, seed: seed + 2)
    }

    /// Where each document's tokens and keys begin.
    private var starts: [(token: Int, key: Int)] {
      documents.reduce(into: [(0, 0)]) { starts, document in
        let last = starts[starts.count - 1]
        starts.append((last.0 + document.tokens, last.1 + document.tokens + document.past))
      }
    }

    /// Fills [tokens, heads, d_value] by a body that is given query, key, value and it.
    private func filled(
      _ body: (UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
    ) -> [Float] {
      // One more, which must stay as it is.
      var mixed = [Float](repeating: -7, count: query.count / fused.headWidth * fused.valueWidth + 1)
      query.withUnsafeBufferPointer { query in
        key.withUnsafeBufferPointer { key in
          value.withUnsafeBufferPointer { value in
            mixed.withUnsafeMutableBufferPointer { mixed in
              if let q = query.baseAddress, let k = key.baseAddress, let v = value.baseAddress,
                let z = mixed.baseAddress
              {
                body(q, k, v, z)
              }
            }
          }
        }
      }
      #expect(mixed.removeLast() == -7)
      return mixed
    }

    /// What the kernel finds. Shape: [tokens, heads, d_value].
    func found() -> [Float] {
      filled { query, key, value, mixed in
        fused(
          zip(documents, starts).map { document, start in
            .init(
              query: query + start.token * fused.heads * fused.headWidth,
              key: key + start.key * fused.keyValueHeads * fused.headWidth,
              value: value + start.key * fused.keyValueHeads * fused.valueWidth,
              mixed: mixed + start.token * fused.heads * fused.valueWidth, tokens: document.tokens,
              past: document.past)
          })
      }
    }

    private func seen(_ position: Int, of keys: Int) -> Range<Int> {
      fused.isCausal ? max(0, position + 1 - (fused.window ?? keys))..<position + 1 : 0..<keys
    }

    /// The same in double precision.
    func exact() -> [Double] {
      let (width, valueWidth, group) = (fused.headWidth, fused.valueWidth, fused.heads / fused.keyValueHeads)
      var mixed: [Double] = []
      for (document, start) in zip(documents, starts) {
        for token in 0..<document.tokens {
          for head in 0..<fused.heads {
            let seen = seen(document.past + token, of: document.past + document.tokens)
            let query = ((start.token + token) * fused.heads + head) * width
            let scores = seen.map { number in
              let key = ((start.key + number) * fused.keyValueHeads + head / group) * width
              var score = (0..<width).reduce(0.0) { $0 + Double(self.query[query + $1]) * Double(self.key[key + $1]) }
              score *= Double(fused.scale)
              if let cap = fused.cap { score = Double(cap) * tanh(score / Double(cap)) }
              if let slopes = fused.slopes {
                // In single precision where it is rounded further.
                var bias = [slopes[head] * Float(number)]
                if fused.roundsBiases { Kernels.roundToBFloat16(bias, into: &bias, count: 1) }
                score += Double(bias[0]) * Double(fused.biasScale)
              }
              return score
            }
            let sink = fused.sinks.map { Double($0[head]) }
            let largest = max(scores.max() ?? 0, sink ?? -.infinity)
            let powers = scores.map { exp($0 - largest) }
            let sum = powers.reduce(sink.map { exp($0 - largest) } ?? 0, +)
            for c in 0..<valueWidth {
              mixed.append(
                zip(seen, powers).reduce(0) {
                  $0 + $1.1 * Double(value[((start.key + $1.0) * fused.keyValueHeads + head / group) * valueWidth + c])
                } / sum)
            }
          }
        }
      }
      return mixed
    }

    /// The same by products, with a table of scores: causal, all keys a document's own, a key-value head for each head.
    func byProducts() -> [Float] {
      filled { query, key, value, mixed in
        let (width, valueWidth) = (fused.headWidth, fused.valueWidth)
        let (stride, valueStride) = (fused.heads * width, fused.heads * valueWidth)
        for (document, start) in zip(documents, starts) {
          let tokens = document.tokens
          let table = UnsafeMutablePointer<Float>.allocate(capacity: tokens * tokens)
          defer { table.deallocate() }
          for head in 0..<fused.heads {
            let offset = start.token * stride + head * width
            let valueOffset = start.token * valueStride + head * valueWidth
            gemm(
              m: tokens, n: tokens, k: width, alpha: fused.scale, a: query + offset, aStride: stride, b: key + offset,
              bStride: stride, transposeB: true, c: table, cStride: tokens)
            for row in 0..<tokens {
              let scores = table + row * tokens
              Kernels.softmax(scores, into: scores, count: tokens, valid: 0..<row + 1)
            }
            gemm(
              m: tokens, n: valueWidth, k: tokens, a: table, aStride: tokens, b: value + valueOffset,
              bStride: valueStride, c: mixed + valueOffset, cStride: valueStride)
          }
        }
      }
    }
  }

  static let versions = 0..<unfold_attention_versions()

  /// The largest error over the largest value, and the root of the mean of squared errors over that of squared values.
  private func errors(_ found: [Float], _ exact: [Double]) -> (largest: Double, rms: Double) {
    let squares = zip(found, exact).reduce(0) { $0 + pow(Double($1.0) - $1.1, 2) }
    return (relativeError(found, exact), (squares / exact.reduce(0) { $0 + $1 * $1 }).squareRoot())
  }

  /// Scores of size s have errors of some 2⁻²⁴ · s · √d_head / 2 in single precision, and so have the shares; here s is
  /// below 8. Most cases stay below a tenth of this.
  static let tolerance = 2e-5

  @Test("Random shapes, masks and biases, every version", arguments: 0..<60)
  func agrees(_ number: Int) {
    var generator = SeededGenerator(seed: UInt64(number))
    func one<Value>(of values: [Value]) -> Value { values[Int(generator.next() % UInt64(values.count))] }
    let keyValueHeads = one(of: [1, 2, 3])
    let heads = keyValueHeads * one(of: [1, 1, 2, 3, 7])
    let width = one(of: [16, 17, 24, 40, 63, 64, 80, 100, 128, 192, 256])
    var fused = FusedAttention(
      heads: heads, keyValueHeads: keyValueHeads, headWidth: width,
      valueWidth: one(of: [width, width, 8, 20, 33, 128]),
      scale: 1 / Float(width).squareRoot())
    fused.isCausal = one(of: [true, true, true, false])
    fused.window = one(of: [nil, nil, 1, 2, 7, 33, 128, 300])
    fused.cap = one(of: [nil, nil, 2, 30])
    if one(of: [true, false, false]) { fused.sinks = normals(heads, seed: 5, scale: 2) }
    if one(of: [true, false, false]) {
      fused.slopes = (0..<heads).map { 1 / Float(2 << ($0 % 8)) }
      fused.biasScale = one(of: [1, 0.25])
      fused.roundsBiases = one(of: [true, false])
    }
    let lengths =
      number % 10 == 0 ? [one(of: [513, 700])] : [one(of: [1, 2, 4, 5, 16, 31]), one(of: [6, 33, 65, 129])]
    let attention = Case(
      fused, lengths.map { ($0, fused.isCausal ? one(of: [0, 0, 3, 150]) : 0) }, seed: UInt64(100 + 3 * number))
    let exact = attention.exact()
    for version in Self.versions {
      var some = attention
      some.fused.version = version
      #expect(relativeError(some.found(), exact) < Self.tolerance, "version \(version)")
    }
  }

  /// At random, and with scores of hundreds: a softmax of few large shares, whose exponents carry the scores' errors.
  @Test("No less exact than products with a table of scores", arguments: [1.0, 6.0], versions)
  func exactness(_ spread: Double, _ version: Int) {
    var fused = FusedAttention(heads: 2, keyValueHeads: 2, headWidth: 64, valueWidth: 64, scale: 0.125)
    fused.version = version
    let attention = Case(fused, [(400, 0), (37, 0), (5, 0)], seed: 3, spread: spread)
    let exact = attention.exact()
    let (found, products) = (errors(attention.found(), exact), errors(attention.byProducts(), exact))
    // The largest error is that of one element: its chance is wider.
    #expect(found.rms < 1.2 * products.rms && found.largest < 1.5 * products.largest, "\(found), \(products)")
  }

  @Test("The same bits whatever the number of threads", arguments: versions)
  func threads(_ version: Int) {
    var fused = FusedAttention(heads: 6, keyValueHeads: 2, headWidth: 32, valueWidth: 32, scale: 0.2)
    fused.version = version
    for documents in [[(600, 0)], [(5, 0), (300, 7), (2, 900), (1, 3)], [(33, 400)]] {
      for window in [nil, 50] {
        fused.window = window
        let attention = Case(fused, documents, seed: 9)
        let alone = Threads.$ofTask.withValue(1) { attention.found() }
        for count in [2, 3, 64] { #expect(Threads.$ofTask.withValue(count) { attention.found() } == alone) }
      }
    }
  }

  @Test("A token's result does not depend on those behind it")
  func causality() {
    let fused = FusedAttention(heads: 3, keyValueHeads: 1, headWidth: 32, valueWidth: 16, scale: 0.2)
    let whole = Case(fused, [(200, 0)], seed: 4)
    var short = whole
    // The tile that ends the shorter document is whole.
    short.documents = [(160, 0)]
    short.query.removeLast(40 * 3 * 32)
    #expect(short.found() == Array(whole.found().prefix(160 * 3 * 16)))
  }

  @Test("Every piece of work is there once", arguments: [1, 2, 16, 64])
  func pieces(_ threads: Int) {
    let fused = FusedAttention(heads: 12, keyValueHeads: 4, headWidth: 64, valueWidth: 64, scale: 0.125)
    let attention = Case(fused, [(3, 0), (8, 0), (700, 0), (1, 2000), (1, 10), (100, 100)], seed: 4)
    let place = UnsafeMutablePointer<Float>.allocate(capacity: 1)
    defer { place.deallocate() }
    let pieces = fused.pieces(
      attention.documents.map {
        .init(query: place, key: place, value: place, mixed: place, tokens: $0.tokens, past: $0.past)
      }, threads: threads)
    var seen: [[Int]: Int] = [:]
    for piece in pieces {
      for document in piece.documents {
        for head in piece.heads {
          for row in piece.rows ?? 0..<attention.documents[document].tokens * 3 {
            seen[[document, head, row], default: 0] += 1
          }
        }
      }
    }
    #expect(seen.count == attention.documents.reduce(0) { $0 + $1.tokens } * 12)
    #expect(seen.values.allSatisfy { $0 == 1 })
    #expect(pieces.map(\.cost) == pieces.map(\.cost).sorted(by: >))
    // The longest document's pieces keep the threads busy to the end.
    #expect(pieces.count >= 2 * min(threads, 32))
  }

  @Test("Infinite and missing scores", arguments: [1, 40], versions)
  func extremes(_ tokens: Int, _ version: Int) {
    var fused = FusedAttention(heads: 1, keyValueHeads: 1, headWidth: 16, valueWidth: 16, scale: 1)
    fused.version = version
    // The last token's first element is 1, so that the first element of a key shows in its score.
    func last(_ change: (inout Case) -> Void) -> [Float] {
      var some = Case(fused, [(tokens, 200 - tokens)], seed: 2)
      some.query[(tokens - 1) * 16] = 1
      change(&some)
      return Array(some.found().suffix(16))
    }
    func keys(_ range: Range<Int>, _ value: Float) -> (inout Case) -> Void {
      { some in for key in range { some.key[key * 16] = value } }
    }
    #expect(last { _ in }.allSatisfy { $0.isFinite })
    // A NaN in one score is in the whole row.
    #expect(last(keys(30..<31, .nan)).allSatisfy { $0.isNaN })
    #expect(last { $0.query[(tokens - 1) * 16] = .nan }.allSatisfy { $0.isNaN })
    // +∞ leaves no share to any, and so do scores of −∞ alone.
    #expect(last(keys(30..<31, .infinity)).allSatisfy { $0.isNaN })
    #expect(last(keys(0..<200, -.infinity)).allSatisfy { $0.isNaN })
    // Other scores of −∞ are as none, also where a whole block of keys has them.
    let without = last(keys(0..<150, -.infinity))
    var short = Case(fused, [(tokens, 200 - tokens)], seed: 2)
    short.query[(tokens - 1) * 16] = 1
    short.fused.window = 50
    #expect(relativeError(without, Array(short.exact().suffix(16))) < Self.tolerance)
    // One score far above the others takes all.
    let one = last { some in
      some.key[30 * 16] = 1e30
      for c in 0..<16 { some.value[30 * 16 + c] = Float(c) }
    }
    #expect(one == (0..<16).map(Float.init))
  }
}
