import Architectures
import Foundation
import LinearAlgebra
import Testing

@testable import Transformer

/// Attention that nobody looks into, against attention with its scores and pattern laid open.
@Suite struct DocumentAttentionTests {
  /// Both have errors of single precision: some 2⁻²⁴ times the scores' size in the shares, and here scores are below 10.
  static let tolerance = 2e-5

  @Test(arguments: 0..<40) func theSameWithoutATableOfScores(_ number: Int) {
    var generator = SeededGenerator(seed: UInt64(number))
    func one<Value>(of values: [Value]) -> Value { values[Int(generator.next() % UInt64(values.count))] }
    func normals(_ count: Int) -> [Float] { (0..<count).map { _ in Float(generator.normal()) } }
    let keyValueHeads = one(of: [1, 2, 4])
    let shape = Attention(
      heads: keyValueHeads * one(of: [1, 2, 3]), keyValueHeads: keyValueHeads, headWidth: one(of: [16, 48, 64, 96]),
      valueWidth: one(of: [16, 64, 72]), isCausal: number % 4 != 3, window: one(of: [nil, 1, 5, 130]),
      queryKeyValueBias: false, outputBias: false,
      alibi: one(of: [nil, Attention.ALiBi(), Attention.ALiBi(scale: 0.25, isRounded: true)]),
      scoreCap: one(of: [nil, 5]))
    let sinks = one(of: [nil, normals(shape.heads)])
    let lengths = one(of: [[1, 3, 40], [5, 1], [150, 2], [300]])
    let pasts = lengths.map { _ in shape.isCausal ? one(of: [0, 0, 2, 140]) : 0 }
    let batch = TokenBatch(documents: lengths.map { [Int32](repeating: 0, count: $0) })
    let query = normals(batch.count * shape.queryWidth)
    let counts = zip(lengths, pasts).map(+)
    let key = normals(counts.reduce(0, +) * shape.keyWidth)
    let value = normals(counts.reduce(0, +) * shape.valuesWidth)

    func mixed(_ body: (DocumentAttention, [DocumentKeys]) -> Void) -> [Float] {
      var mixed = [Float](repeating: .nan, count: batch.count * shape.mixedWidth)
      query.withUnsafeBufferPointer { query in
        key.withUnsafeBufferPointer { key in
          value.withUnsafeBufferPointer { value in
            mixed.withUnsafeMutableBufferPointer { mixed in
              guard let query = query.baseAddress, let mixed = mixed.baseAddress, var key = key.baseAddress,
                var value = value.baseAddress
              else { return }
              let keys = zip(counts, pasts).map { count, past in
                defer {
                  key += count * shape.keyWidth
                  value += count * shape.valuesWidth
                }
                return DocumentKeys(key: key, value: value, count: count, past: past)
              }
              body(DocumentAttention(shape, sinks: sinks, query: query, mixed: mixed), keys)
            }
          }
        }
      }
      return mixed
    }
    let found = mixed { $0.mix(batch, $1) }
    let open = mixed { attention, keys in
      for (document, seen) in keys.enumerated() {
        let rows = batch.rows(of: document)
        let table = UnsafeMutablePointer<Float>.allocate(capacity: rows.count * shape.heads * seen.count)
        defer { table.deallocate() }
        attention.scores(rows, seen, into: table)
        attention.pattern(rows, seen, table)
        attention.mix(rows, seen, pattern: table)
      }
    }
    #expect(relativeError(found, open) < Self.tolerance)
  }
}
