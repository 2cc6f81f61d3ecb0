import Foundation
import LinearAlgebra

extension Bench {
  /// One document's attention.
  struct AttentionSize {
    var tokens: Int
    var past = 0
    var heads = 12
    var keyValueHeads = 12
    var width = 64
    var window: Int?
    /// So many documents of the size.
    var documents = 1
  }

  static let attentionSizes: [AttentionSize] = [
    .init(tokens: 5, documents: 100), .init(tokens: 16, documents: 30), .init(tokens: 30, documents: 16),
    .init(tokens: 100, documents: 5), .init(tokens: 512), .init(tokens: 512, heads: 16, keyValueHeads: 16),
    .init(tokens: 512, heads: 32, keyValueHeads: 8, width: 128),
    .init(tokens: 512, heads: 8, keyValueHeads: 1, width: 256),
    .init(tokens: 2048), .init(tokens: 2048, window: 256), .init(tokens: 8192, heads: 2, keyValueHeads: 2),
    .init(tokens: 32768, heads: 1, keyValueHeads: 1), .init(tokens: 1, past: 100), .init(tokens: 1, past: 1000),
    .init(tokens: 1, past: 4000), .init(tokens: 1, past: 1000, heads: 32, keyValueHeads: 8),
    .init(tokens: 8, past: 1000),
  ]

  /// Attention in one kernel beside two products and a softmax with a table of scores: operations are those of the keys
  /// that a token sees. A share of the size's name (`512`) chooses sizes.
  static func attention(_ arguments: [String]) {
    print("chosen here: \(MatrixKernel.name); \(Threads.count) threads")
    for size in attentionSizes {
      let name =
        "\(size.documents)×\(size.tokens) tokens, \(size.past) before, \(size.heads)/\(size.keyValueHeads) heads of "
        + "\(size.width)" + (size.window.map { ", window \($0)" } ?? "")
      guard arguments.isEmpty || arguments.contains(where: name.contains) else { continue }
      let keys = size.tokens + size.past
      func values(_ count: Int) -> UnsafeMutablePointer<Float> {
        var generator = SeededGenerator(seed: UInt64(count))
        let values = UnsafeMutablePointer<Float>.allocate(capacity: count)
        for index in 0..<count { values[index] = Float(generator.normal()) }
        return values
      }
      let queries = size.documents * size.tokens * size.heads * size.width
      let (query, one, two) = (values(queries), values(queries), values(queries))
      let key = values(size.documents * keys * size.keyValueHeads * size.width)
      let value = values(size.documents * keys * size.keyValueHeads * size.width)
      defer { for memory in [query, key, value, one, two] { memory.deallocate() } }
      var fused = FusedAttention(
        heads: size.heads, keyValueHeads: size.keyValueHeads, headWidth: size.width, valueWidth: size.width,
        scale: 1 / Float(size.width).squareRoot())
      fused.window = size.window
      let seen = (0..<size.tokens).reduce(0) { $0 + min($1 + size.past + 1, size.window ?? .max) }
      let operations = 4 * Double(seen * size.documents * size.heads * size.width)
      func documents(_ mixed: UnsafeMutablePointer<Float>) -> [FusedAttention.Document] {
        (0..<size.documents).map {
          let row = $0 * size.tokens * size.heads * size.width
          let first = $0 * keys * size.keyValueHeads * size.width
          return .init(
            query: query + row, key: key + first, value: value + first, mixed: mixed + row, tokens: size.tokens,
            past: size.past)
        }
      }
      let (mine, theirs) = (documents(one), documents(two))
      // In turn, so that a disturbance meets both.
      var times = (fused: Double.infinity, products: Double.infinity)
      for _ in 0..<max(3, min(300, Int(1e10 / operations))) {
        times.products = min(times.products, seconds { byProducts(fused, theirs) })
        times.fused = min(times.fused, seconds { fused(mine) })
      }
      let distance = (0..<queries).map { abs(one[$0] - two[$0]) }.max() ?? 0
      print(
        "\(name): "
          + String(
            format: "%.4f ms, %.1f GFLOP/s; by products %.4f ms, %.1f GFLOP/s; %.2f times; distance %.1e",
            times.fused * 1e3, operations * 1e-9 / times.fused, times.products * 1e3,
            operations * 1e-9 / times.products, times.products / times.fused, distance))
    }
  }

  /// 128 queries at a time: their scores with the keys that they see, the softmax, and the product with the values.
  private static func byProducts(_ shape: FusedAttention, _ documents: [FusedAttention.Document]) {
    let (width, stride, keyStride) = (
      shape.headWidth, shape.heads * shape.headWidth, shape.keyValueHeads * shape.headWidth
    )
    let tasks = documents.flatMap { document in
      document.tokens * (document.tokens + document.past) > 64 * 64
        ? (0..<shape.heads).map { (document, $0..<$0 + 1) } : [(document, 0..<shape.heads)]
    }
    Threads.forEach(tasks.count) { number in
      let (document, heads) = tasks[number]
      let table = UnsafeMutablePointer<Float>.allocate(
        capacity: min(128, document.tokens) * (document.tokens + document.past))
      defer { table.deallocate() }
      for head in heads {
        let shared = head / (shape.heads / shape.keyValueHeads)
        for first in Swift.stride(from: 0, to: document.tokens, by: 128) {
          let rows = first..<min(first + 128, document.tokens)
          func least(_ row: Int) -> Int { max(0, document.past + row + 1 - (shape.window ?? .max)) }
          let keys = least(first)..<document.past + rows.upperBound
          gemm(
            m: rows.count, n: keys.count, k: width, alpha: shape.scale,
            a: document.query + first * stride + head * width, aStride: stride,
            b: document.key + keys.lowerBound * keyStride + shared * width, bStride: keyStride, transposeB: true,
            c: table, cStride: keys.count)
          for row in rows {
            let scores = table + (row - first) * keys.count
            Kernels.softmax(
              scores, into: scores, count: keys.count,
              valid: least(row) - keys.lowerBound..<document.past + row + 1 - keys.lowerBound)
          }
          gemm(
            m: rows.count, n: width, k: keys.count, a: table, aStride: keys.count,
            b: document.value + keys.lowerBound * keyStride + shared * width, bStride: keyStride,
            c: document.mixed + first * stride + head * width, cStride: stride)
        }
      }
    }
  }
}
