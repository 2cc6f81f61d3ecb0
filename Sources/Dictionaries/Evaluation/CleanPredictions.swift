import Foundation
import LinearAlgebra
import Transformer

/// What the untouched model predicts at a batch's tokens, to hold edited runs against.
///
/// Edited runs' logits are compared as they come, piece by piece, and never kept: of a large vocabulary the logits of a batch are
/// what takes memory. Elementary functions are taken in single precision, sums in double.
struct CleanPredictions {
  let batch: DocumentBatches.Batch
  /// Which tokens' predictions count.
  let counted: [Bool]
  /// The loss of predicting each counted token's next one; nil where there is none.
  private(set) var losses: [Double?]
  /// Of each token Σ P·ln P over the vocabulary.
  private var certainties: [Double]
  /// P of the counted tokens, [tokens, vocabulary].
  private var probabilities: Matrix

  /// - Parameter logits: of all tokens, [tokens, vocabulary].
  init(_ logits: consuming Matrix, of batch: DocumentBatches.Batch, counted: [Bool]) {
    self.batch = batch
    self.counted = counted
    probabilities = logits
    let (count, width) = (batch.units.count, probabilities.columns)
    losses = [Double?](repeating: nil, count: count)
    certainties = [Double](repeating: 0, count: count)
    let next = Self.next(batch.tokens)
    losses.withUnsafeMutableBufferPointer { losses in
      certainties.withUnsafeMutableBufferPointer { certainties in
        probabilities.withUnsafeMutableElements { elements in
          guard let elements = elements.baseAddress else { return }
          nonisolated(unsafe) let (losses, certainties, base) = (losses, certainties, elements)
          Self.forRows(0..<count, width: width) { token, scratch in
            guard counted[token] else { return }
            let row = base + token * width
            let logSum = logSumExp(row, count: width, scratch: scratch)
            losses[token] = next[token].map { logSum - Double(row[$0]) }
            // The scratch holds exp(x − largest).
            Kernels.scale(scratch, by: Float(1 / Kernels.sum(scratch, count: width)), into: scratch, count: width)
            certainties[token] = Kernels.dotInDouble(scratch, row, count: width) - logSum
            row.update(from: scratch, count: width)
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
    let width = probabilities.columns
    let next = Self.next(batch.tokens)
    var result = [Comparison](repeating: Comparison(), count: rows.count)
    result.withUnsafeMutableBufferPointer { result in
      probabilities.elements.withUnsafeBufferPointer { elements in
        guard let elements = elements.baseAddress else { return }
        nonisolated(unsafe) let (result, base, logits) = (result, elements, logits)
        Self.forRows(rows, width: width) { token, scratch in
          guard counted[token] else { return }
          let place = token - rows.lowerBound
          let row = logits + place * width
          let logSum = logSumExp(row, count: width, scratch: scratch)
          result[place].loss = next[token].map { logSum - Double(row[$0]) }
          result[place].divergence =
            certainties[token] + logSum - Kernels.dotInDouble(base + token * width, row, count: width)
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

  private static func forRows(
    _ rows: Range<Int>, width: Int, _ body: @Sendable (Int, UnsafeMutablePointer<Float>) -> Void
  ) {
    Threads.forRanges(rows, grain: 8) { some in
      let scratch = UnsafeMutablePointer<Float>.allocate(capacity: width)
      defer { scratch.deallocate() }
      for token in some { body(token, scratch) }
    }
  }
}
