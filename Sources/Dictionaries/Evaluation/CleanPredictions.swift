import Foundation
import LinearAlgebra
import Transformer

/// What the untouched model predicts at a batch's tokens, to hold edited runs against.
///
/// Edited runs' logits are compared as they come, piece by piece, and never kept: of a large vocabulary the logits of a
/// batch are what takes memory. Elementary functions are taken in single precision, sums in double.
struct CleanPredictions {
  let batch: DocumentBatches.Batch
  /// Which tokens' predictions count.
  let counted: [Bool]
  /// The loss of predicting each counted token's next one; nil where there is none.
  private(set) var losses: [Double?]
  /// Of each token Σ P·ln P over the vocabulary.
  private var certainties: [Double]
  /// P of the counted tokens, [tokens, vocabulary].
  private let probabilities: FloatBuffer
  private let vocabulary: Int

  /// - Parameter storage: for the probabilities, used again from batch to batch: so much fresh memory is dear.
  init(of batch: DocumentBatches.Batch, counted: [Bool], vocabulary: Int, storage: FloatBuffer) {
    precondition(storage.count >= batch.units.count * vocabulary, "\(storage.count) numbers of storage")
    self.batch = batch
    self.counted = counted
    self.vocabulary = vocabulary
    probabilities = storage
    losses = [Double?](repeating: nil, count: batch.units.count)
    certainties = [Double](repeating: 0, count: batch.units.count)
  }

  /// Takes some rows' logits of the untouched run.
  mutating func read(_ logits: UnsafePointer<Float>, rows: Range<Int>) {
    let (width, counted, probabilities) = (vocabulary, counted, probabilities)
    let next = Self.next(batch.tokens)
    losses.withUnsafeMutableBufferPointer { losses in
      certainties.withUnsafeMutableBufferPointer { certainties in
        nonisolated(unsafe) let (losses, certainties, logits) = (losses, certainties, logits)
        Threads.forRanges(rows, grain: 8) { some in
          for token in some where counted[token] {
            let row = logits + (token - rows.lowerBound) * width
            let own = probabilities.base + token * width
            let logSum = logSumExp(row, count: width, scratch: own)
            losses[token] = next[token].map { logSum - Double(row[$0]) }
            // There now stand exp(x − largest).
            Kernels.scale(own, by: Float(1 / Kernels.sum(own, count: width)), into: own, count: width)
            certainties[token] = Kernels.dotInDouble(own, row, count: width) - logSum
          }
        }
      }
    }
  }

  struct Comparison {
    /// The loss of predicting the next token; nil where there is none.
    var loss: Double?
    /// KL(clean ‖ this run).
    var divergence = 0.0
  }

  /// Compares some rows' logits of an edited run; those of tokens that do not count stay empty.
  func compare(_ logits: UnsafePointer<Float>, rows: Range<Int>) -> [Comparison] {
    let (width, counted, probabilities) = (vocabulary, counted, probabilities)
    let next = Self.next(batch.tokens)
    var result = [Comparison](repeating: Comparison(), count: rows.count)
    result.withUnsafeMutableBufferPointer { result in
      nonisolated(unsafe) let (result, logits) = (result, logits)
      Threads.forRanges(rows, grain: 8) { some in
        let scratch = UnsafeMutablePointer<Float>.allocate(capacity: width)
        defer { scratch.deallocate() }
        for token in some where counted[token] {
          let place = token - rows.lowerBound
          let row = logits + place * width
          let logSum = logSumExp(row, count: width, scratch: scratch)
          result[place].loss = next[token].map { logSum - Double(row[$0]) }
          result[place].divergence =
            certainties[token] + logSum - Kernels.dotInDouble(probabilities.base + token * width, row, count: width)
        }
      }
    }
    return result
  }

  /// Each token's next one in its document.
  private static func next(_ batch: TokenBatch) -> [Int?] {
    var next = batch.ids.indices.map { $0 + 1 < batch.count ? Int(batch.ids[$0 + 1]) : nil }
    for start in batch.starts where start > 0 { next[start - 1] = nil }
    return next
  }
}
