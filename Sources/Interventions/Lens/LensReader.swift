import Architectures
import LinearAlgebra
import Transformer

/// Reads residual streams of the same tokens through the model's head, beside the stream that the model itself ends with.
struct LensReader {
  let model: Model

  /// How many rows' logits are kept at once, so that they take at most 64 MiB.
  static func pieceRows(_ architecture: Architecture) -> Int { max(1, (16 << 20) / architecture.vocabularySize) }

  /// - Parameters:
  ///   - output: The streams that the model ends with. Shape: [rows, d_model].
  ///   - streams: What is read beside them. Shape: [streams][rows, d_model].
  ///   - body: Called from several threads, once for each stream and row, with its distribution and the model's own; stream
  ///     −1 is the output.
  ///   - progress: Told how many rows are done.
  func read(
    output: [Float], streams: [[Float]], progress: (Int) -> Void = { _ in },
    _ body: @escaping (_ stream: Int, _ row: Int, _ own: Distribution, _ output: Distribution) -> Void
  ) throws {
    let (width, vocabulary) = (model.architecture.width, model.architecture.vocabularySize)
    let rows = output.count / width
    // The output's rows of a chunk stand in the first piece, those of all streams behind them.
    let chunk = max(1, min(Self.pieceRows(model.architecture), 2048 / (streams.count + 1)))
    for first in stride(from: 0, to: rows, by: chunk) {
      let count = min(chunk, rows - first)
      let part = first * width..<(first + count) * width
      var kept: KeptDistributions?
      try model.readLogits(of: ([output] + streams).flatMap { $0[part] }) { some, logits in
        if some.lowerBound == 0 {
          kept = KeptDistributions(
            UnsafeBufferPointer(rebasing: logits[..<(count * vocabulary)]), columns: vocabulary)
        }
        guard let kept, let start = logits.baseAddress else { return }
        nonisolated(unsafe) let body = body  // Each call writes places of its own.
        Threads.forRanges(some, grain: 1) { some2 in
          let scratch = UnsafeMutablePointer<Float>.allocate(capacity: vocabulary)
          defer { scratch.deallocate() }
          for number in some2 {
            let own = Distribution(
              start + (number - some.lowerBound) * vocabulary, count: vocabulary, weights: scratch)
            body(number / count - 1, first + number % count, own, kept.rows[number % count])
          }
        }
      }
      progress(first + count)
    }
  }
}
