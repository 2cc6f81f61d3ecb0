import LinearAlgebra
import Transformer

/// What a model predicts for a batch, kept so that edited runs of it can be compared: their losses, and how far their
/// predictions go from it.
///
/// Memory: 4 · d_vocab bytes a token.
// Each row of a run writes the places of its own.
final class PredictionComparison: @unchecked Sendable {
  /// What is known of one token's prediction in the clean run.
  private struct Row {
    /// The token that follows; nil at the end of a document, where nothing is compared.
    var target: Int32?
    /// The cross-entropy of that token in nats.
    var loss = 0.0
    /// Σ p, Σ p · logit and ln Σ exp(logit).
    var total = 1.0
    var expected = 0.0
    var logSum = 0.0
  }

  let batch: TokenBatch
  private let width: Int
  private let rows: UnsafeMutablePointer<Row>
  /// The probabilities of the clean run. Shape: [n, d_vocab].
  private let probabilities: UnsafeMutablePointer<Float>

  /// What is kept of each token.
  static func bytesPerToken(vocabulary: Int) -> Int { 4 * vocabulary + MemoryLayout<Row>.stride }

  init(_ batch: TokenBatch, vocabulary: Int) {
    self.batch = batch
    width = vocabulary
    rows = .allocate(capacity: batch.count)
    rows.initialize(repeating: Row(), count: batch.count)
    probabilities = .allocate(capacity: batch.count * vocabulary)
    for document in 0..<batch.documentCount {
      for row in batch.rows(of: document).dropLast() { rows[row].target = batch.ids[row + 1] }
    }
  }

  deinit {
    rows.deallocate()
    probabilities.deallocate()
  }

  /// The loss of the token that follows a row in the clean run; nil at the end of a document.
  func loss(_ row: Int) -> Double? { rows[row].target == nil ? nil : rows[row].loss }

  /// Takes over what the clean run predicts.
  var reading: Hook {
    Hook(Site(.unembedOut)) { [self] value in
      let (first, count) = (value.rows.lowerBound, value.rows.count)
      value.withUnsafeBuffer { logits in
        guard let start = logits.baseAddress else { return }
        nonisolated(unsafe) let logits = start
        Threads.forRanges(0..<count, grain: 8) { some in
          for offset in some { read(logits + offset * width, row: first + offset) }
        }
      }
    }
  }

  private func read(_ logits: UnsafePointer<Float>, row: Int) {
    guard let target = rows[row].target else { return }
    let place = probabilities + row * width
    let logSum = logSumExp(logits, count: width, scratch: place)
    Kernels.scale(logits, by: 1, offset: -Float(logSum), into: place, count: width)
    Kernels.apply(.exp, place, into: place, count: width)
    rows[row].total = Kernels.sum(place, count: width)
    rows[row].expected = Kernels.dotInDouble(place, logits, count: width)
    rows[row].logSum = logSum
    rows[row].loss = logSum - Double(logits[Int(target)])
  }

  /// What an edited run over copies of the batch predicts.
  // Each row writes the places of its own.
  final class Edited: @unchecked Sendable {
    /// How much the loss of the token that follows each grows, in nats. Shape: [copies · n].
    let changes: UnsafeMutableBufferPointer<Double>
    /// KL(clean ‖ edited) of the prediction after each token, in nats. Shape: [copies · n].
    let divergences: UnsafeMutableBufferPointer<Double>

    init(rows: Int) {
      changes = .allocate(capacity: rows)
      changes.initialize(repeating: 0)
      divergences = .allocate(capacity: rows)
      divergences.initialize(repeating: 0)
    }

    deinit {
      changes.deallocate()
      divergences.deallocate()
    }
  }

  /// Compares a run over copies of the batch, laid end to end.
  func comparing(into edited: Edited) -> Hook {
    Hook(Site(.unembedOut)) { [self] value in
      let (first, count) = (value.rows.lowerBound, value.rows.count)
      value.withUnsafeBuffer { logits in
        guard let start = logits.baseAddress else { return }
        nonisolated(unsafe) let logits = start
        Threads.forRanges(0..<count, grain: 8) { some in
          let scratch = UnsafeMutablePointer<Float>.allocate(capacity: width)
          defer { scratch.deallocate() }
          for offset in some {
            let row = rows[(first + offset) % batch.count]
            guard let target = row.target else { continue }
            let values = logits + offset * width
            let logSum = logSumExp(values, count: width, scratch: scratch)
            edited.changes[first + offset] = logSum - Double(values[Int(target)]) - row.loss
            // Σ p (ln p − ln q): Σ p times the difference of logits, less that of their sums.
            let other = Kernels.dotInDouble(
              probabilities + (first + offset) % batch.count * width, values, count: width)
            edited.divergences[first + offset] = max(
              0, (row.expected - other) / row.total - (row.logSum - logSum))
          }
        }
      }
    }
  }
}
