import Architectures
import Diagnostics
import Foundation
import LinearAlgebra

/// How badly a model predicts text: the cross-entropy of each token given those before it.
public struct Loss: Sendable, Equatable, Codable {
  /// Nats, summed over the predictions.
  public var total: Double
  /// How many tokens were predicted: all but the first of each document.
  public var predictions: Int
  /// Nats a prediction; 0 where nothing was predicted.
  public var mean: Double { predictions == 0 ? 0 : total / Double(predictions) }

  public init(total: Double = 0, predictions: Int = 0) {
    self.total = total
    self.predictions = predictions
  }

  private enum CodingKeys: String, CodingKey { case total, mean, predictions }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    total = try values.decode(Double.self, forKey: .total)
    predictions = try values.decode(Int.self, forKey: .predictions)
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(total, forKey: .total)
    try values.encode(mean, forKey: .mean)
    try values.encode(predictions, forKey: .predictions)
  }
}

extension Model {
  /// The loss of predicting each token from those before it, over all documents of a batch.
  ///
  /// Logits are computed in pieces and not kept.
  /// - Parameter hooks: Edits of this run.
  /// - Throws: As `tokenLosses`.
  public func loss(_ batch: TokenBatch, hooks: [Hook] = []) throws -> Loss {
    try tokenLosses(batch, hooks: hooks).reduce(into: Loss()) { loss, value in
      guard let value else { return }
      loss.total += value
      loss.predictions += 1
    }
  }

  /// The cross-entropy in nats of each token given those before it in its document; nil for each first token. Shape:
  /// [n].
  ///
  /// - Throws: `Fault` named `transformer.noNextToken` where the model sees the tokens it would predict (BERT), and
  ///   those of `run`.
  public func tokenLosses(_ batch: TokenBatch, hooks: [Hook] = []) throws -> [Double?] {
    try requireNextToken("it has no such loss")
    var losses = [Double?](repeating: nil, count: batch.count)
    var firsts = Set(batch.starts)
    firsts.insert(batch.count)
    let read = Hook(Site(.unembedOut)) { value in
      let (rows, width) = (value.rows, value.width)
      value.withUnsafeBuffer { logits in
        guard let logits = logits.baseAddress else { return }
        losses.withUnsafeMutableBufferPointer { losses in
          nonisolated(unsafe) let losses = losses  // Each row writes its own place.
          nonisolated(unsafe) let logits = logits
          Threads.forRanges(rows, grain: 8) { some in
            let scratch = UnsafeMutablePointer<Float>.allocate(capacity: width)
            defer { scratch.deallocate() }
            for row in some where !firsts.contains(row + 1) {
              let values = logits + (row - rows.lowerBound) * width
              let target = Double(values[Int(batch.ids[row + 1])])
              losses[row + 1] = logSumExp(values, count: width, scratch: scratch) - target
            }
          }
        }
      }
    }
    try run(batch, hooks: hooks + [read])
    return losses
  }
}

/// ln Σ exp(x), from the largest value on so that nothing overflows; sums in double precision.
package func logSumExp(_ values: UnsafePointer<Float>, count: Int, scratch: UnsafeMutablePointer<Float>) -> Double {
  let largest = Kernels.maximum(values, count: count)
  Kernels.scale(values, by: 1, offset: -largest, into: scratch, count: count)
  Kernels.apply(.exp, scratch, into: scratch, count: count)
  return Double(largest) + log(Kernels.sum(scratch, count: count))
}
